"""The page for people says what is open, what was done and what comes next, and nothing in it can hurt."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ruamel.yaml import YAML
from state_world import LOG_ID, World

from hee_core import capsule, fences, model, projection, render
from hee_core.errors import CapsuleError

HOSTILE = "`x` | <script>alert(1)</script> @octocat #12 [a](https://b.c) ![i](j) \x1b[31m *b* _i_ ~~s~~ &amp; \\ $$"


@pytest.fixture
def world() -> World:
    world = World()
    for number in (1, 2, 3):
        for type_ in ("ci.failure_detected", "ci.failure_classified", "ci.impact_assessed"):
            world.say(type_, issue_id=f"ISS-{number}")
    world.say("ci.impact_assessed", issue_id="ISS-2", severity="critical", impact="critical")
    world.move("degraded")
    for number, action in ((1, "auto-fix"), (2, "manual-only"), (3, "agent-review")):
        world.decide(kind="issue", issue_id=f"ISS-{number}", action=action, rationale="by the matrix")
    world.say("fix.started")
    world.say("fix.validated")
    world.say("fix.applied", summary="formatted")
    world.say("fix.rolled_back", fix_id="fix-2", issue_id="ISS-3")
    world.say("alert.raised", issue_id="ISS-3", next_step="Read the failing test")
    world.decide(actor="human:ada", key="api.version", statement="stay on 2")
    return world


def page(world: World, **options: Any) -> str:
    return render.to_markdown(world.capsule, log_id=LOG_ID, head="AbC/+=", index=len(world.events) - 1, **options)


def test_the_page_shows_the_status_with_an_icon_and_the_worst_issue_first(world: World) -> None:
    text = page(world, data=False)
    assert text.startswith(
        "# 🟡 degraded\n\nSomething is red: 3 issues are open; 1 repair proved, 1 rolled back; 4 decisions are active."
    )
    assert re.findall(r"^- \*\*(\w+)\*\* · `(ISS-\d)`", text, re.MULTILINE) == [
        ("critical", "ISS-2"),
        ("low", "ISS-1"),
        ("low", "ISS-3"),
    ]
    assert "  - Evidence (log, line 12 of `lint`): `would reformat src/app.py`\n" in text
    assert "  - Decided: manual-only: by the matrix\n" in text


def test_the_page_says_what_to_do_next(world: World) -> None:
    todo = page(world).split("## What to do next\n\n")[1].split("\n\n")[0]
    assert todo.split("\n") == [
        "- `ISS-2`: Only a person may act on it.",
        "- `ISS-1`: review and merge `hee/fix/ISS-1`.",
        "- `ISS-3`: Read the failing test",
    ]


def test_repairs_come_with_their_proof_and_failures_with_their_reason(world: World) -> None:
    text = page(world)
    repairs = text.split("## Repairs\n\n")[1].split("\n\n")[0]
    assert repairs.startswith("- **rolled back** · `HEE-PAT-612` · `ISS-3`")
    assert "  - Why: still red\n" in repairs
    assert "- **verified** · `HEE-PAT-612` · `ISS-1` · `ruff-format` · `hee/fix/ISS-1` · 1 file, +2 -1 · " in repairs
    assert "  - Passed: `job lint`\n" in repairs
    assert "  - Governance: not shown to hold" in repairs


def test_standing_decisions_come_before_those_about_issues(world: World) -> None:
    decisions = page(world).split("## Active decisions\n\n")[1].split("\n\n")[0].split("\n")
    assert "`api.version` · stay on 2" in decisions[0]
    assert decisions[1].startswith("  - By `human:ada`, 2026-01-24 12:00 UTC")
    assert len(decisions) == 8


@pytest.mark.spec("SEED-171")
def test_the_page_is_the_capsule_and_reads_back_without_loss(world: World) -> None:
    document = world.capsule
    read = model.read(render.from_markdown(page(world)))
    assert read.document() == document
    assert read.to_bytes() == capsule.to_bytes(document)


def test_the_six_keys_are_in_one_block_of_yaml_that_any_reader_reads(world: World) -> None:
    world.say("decision.recorded", statement='say "no": \\ # @x', key="y")
    world.say("decision.recorded", statement='it\'s "no"', key="z")
    (block,) = fences.find(page(world), "yaml")
    assert ": it''s \"no\"'\n" in block.text
    keys = YAML(typ="safe", pure=True).load(block.text)
    assert list(keys) == ["chat", "purpose", "context", "decisions", "open_threads", "next_chat_bootstrap"]
    assert keys["chat"] == f"HEE log {LOG_ID[:12]} at event {len(world.events) - 1}"
    assert any(line.endswith('say "no": \\ # @x') for line in keys["decisions"])
    assert any(line.endswith(': it\'s "no"') for line in keys["decisions"])
    assert keys["open_threads"][0] == "ISS-2: files would be reformatted"
    assert keys["next_chat_bootstrap"][1] == "'ISS-1': review and merge 'hee/fix/ISS-1'."


def test_without_data_the_page_is_for_reading_only(world: World) -> None:
    text = page(world, data=False)
    assert "```" not in text
    with pytest.raises(CapsuleError, match="has 0"):
        render.from_markdown(text)


def test_the_same_capsule_gives_the_same_page(world: World) -> None:
    assert page(world) == page(world)
    shuffled = {key: world.capsule[key] for key in reversed(list(world.capsule))}
    assert render.to_markdown(shuffled, log_id=LOG_ID, head="AbC/+=", index=len(world.events) - 1) == page(world)


@pytest.mark.parametrize("status", render.STATUS)
def test_every_status_has_a_page(status: str) -> None:
    document = capsule.build(projection.INITIAL, log_id="")
    document["hee_monitoring_state"]["current_status"] = status
    text = render.to_markdown(document, log_id="", head=None, index=-1)
    assert text.startswith(f"# {render.STATUS[status][0]} {status}\n")
    assert ("- Nothing." in text) is (status == "operational")
    assert render.from_markdown(text) == document


def test_a_freeze_is_on_the_page(world: World) -> None:
    world.say("state.frozen")
    assert "\n**Frozen** until a person ends it: rollback failed\n" in page(world)


def test_what_could_not_be_judged_is_something_to_do() -> None:
    world = World()
    world.say("ci.polled", jobs_unknown=["ci.yml#deploy"])
    world.say("gate.evaluated", value=None)
    text = page(world)
    assert "- 1 job could not be judged: `job ci.yml#deploy (act)`\n" in text
    assert "- Nothing." not in text
    assert "- Governance holds: unknown, so not relied on\n" in text
    assert "- Gate `spec_coverage`: not met (unknown of 100 %)\n" in text


def test_an_issue_that_contradicts_a_decision_says_so(world: World) -> None:
    assert "In conflict" not in page(world)
    world.say("ci.impact_assessed", decision_conflict=True)
    assert "  - In conflict with an active decision\n" in page(world)


def test_long_histories_are_cut_and_counted() -> None:
    world = World()
    for number in range(render.FIXES_SHOWN + 2):
        world.say("fix.rolled_back", fix_id=f"fix-{number}")
        world.say("governance.evaluated", scope=f"fix-{number}", phase="after")
    for number in range(render.DECISIONS_SHOWN + 3):
        world.decide(key=f"k{number}")
    for number in range(render.RESOLVED_SHOWN + 1):
        world.say("ci.failure_detected", issue_id=f"ISS-{number}")
        world.say("ci.issue_resolved", issue_id=f"ISS-{number}")
    text = page(world, data=False)
    assert "- and 2 earlier\n" in text
    assert "- and 3 more\n" in text
    assert text.count("· job lint is green ·") == render.RESOLVED_SHOWN
    assert "Governance: not shown" not in text


def test_a_capsule_that_has_only_the_keys_of_the_specification_has_a_page() -> None:
    bare = {
        "hee_monitoring_state": {
            "last_run_id": 0,
            "current_status": "degraded",
            "hee_specific": {"state_version": "state-v1", "governance_compliance": False, "decision_stability": 50},
            "coverage_metrics": {"hee_decision": 60.5},
            "recent_issues": [
                {},
                {"issue_id": "a", "resolved": True, "timestamp": "2026-01-24T12:00:00+01:00"},
                {"resolved": True},
            ],
        },
        "hee_auto_fix_history": [
            {
                "timestamp": "t",
                "pattern_id": "p",
                "success": False,
                "hee_context": {"state_capsule_version": "1", "governance_validation": True},
            }
        ],
    }
    text = render.to_markdown(bare, log_id="", head=None, index=0)
    assert "1 issue is open" in text
    assert "- **failed** · `p` · t\n" in text
    assert "- **not assessed** · `an issue without a name`\n" in text
    assert "- Governance holds: no\n- Decision stability: 50 %\n- Hee decision: 60.5 %\n" in text
    assert "- `(empty)`" not in text
    assert "· at an unknown time\n" in text
    assert render.from_markdown(text) == bare


# ------------------------------------------------------------------ hostile text


def test_hostile_text_is_inert_everywhere_on_the_page(world: World) -> None:
    hostile = capsule.canonical.clean(HOSTILE)
    world.say("ci.failure_detected", job=hostile, evidence=[{"channel": "log", "text": hostile, "where": hostile}])
    world.say("ci.failure_classified", title=hostile)
    world.say("alert.raised", next_step=hostile)
    world.decide(key=hostile, statement=hostile, kind="issue", issue_id="ISS-1", action="rerun", rationale=hostile)
    world.say("fix.rolled_back", strategy=hostile, reason=hostile)
    world.say("ci.polled", jobs_unknown=[hostile])
    world.say("gate.evaluated", gate=hostile)
    world.say("state.frozen", reason=hostile)
    text = page(world, data=False)
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert "script" in text
    assert not re.search(r"[<>@#\[\]!|~&\\$`]|https?:", re.sub(r"^#+ ", "", outside, flags=re.MULTILINE))
    assert render.from_markdown(page(world)) == world.capsule


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3 files would be reformatted", "3 files would be reformatted"),
        ("Error: no such file (1.2/3)", "Error: no such file (1.2/3)"),
        ("  two   words ", "two words"),
        ("日本語", "日本語"),
        ("a_b", "`a_b`"),
        (":bug:", "`:bug:`"),
        ("www.example.com", "`www.example.com`"),
        ("see http://x", "`see http://x`"),
        ("GH-12", "`GH-12`"),
        ("", "`(empty)`"),
        ("x" * 201, f"`{'x' * 199}…`"),
        ("a`b``c", "`a'b''c`"),
        ("a\u202eb\nc", "`a b c`"),
    ],
)
def test_words_stay_words_and_all_else_is_code(text: str, shown: str) -> None:
    assert render.prose(text) == shown


# ------------------------------------------------------------------ fenced blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```json\n{}\n```", [(2, "{}")]),
        ("~~~ JSON title\n{}\n~~~~", [(2, "{}")]),
        ("  ````json\n```\n{}\n````\n", [(2, "```\n{}")]),
        ("```json\n{}", []),
        ("```json\n{}\n~~~\n```x\n```", [(2, "{}\n~~~\n```x")]),
        ("```yaml\n```json\n{}\n```", []),
        ("    ```json\n{}\n```", []),
        ("```json\n{}\n    ```\n```", [(2, "{}\n    ```")]),
        ("```json\n1\n```\n\n```json\n2\n```", [(2, "1"), (6, "2")]),
    ],
)
def test_fenced_blocks_are_found_as_markdown_defines_them(text: str, blocks: list[tuple[int, str]]) -> None:
    assert fences.find(text, "json") == blocks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0"),
        ("```json\n{}\n```\n```json\n{}\n```", "has 2"),
        ("```json\n{\n```", "at line 2: not JSON"),
        ("# x\n\n```json\n[]\n```", "at line 4 is not an object"),
        ('```json\n{"a":1,"a":2}\n```', "duplicate key"),
    ],
)
def test_markdown_without_one_whole_block_of_json_is_no_capsule(text: str, message: str) -> None:
    with pytest.raises(CapsuleError, match=message):
        render.from_markdown(text)


def test_json_is_laid_out_as_prettier_lays_it_out() -> None:
    value = {
        "b": [],
        "a": {},
        "short": ["one", 2, None, [], {}],
        "long": ["x" * 40, "y" * 40],
        "nested": [{"k": True}, [1.5]],
        "matrix": [[1, 2], [3, 4]],
        "mixed": [[1, 2], [3]],
        "wide": ["漢" * 20, "é" * 29],
        "just fits": ["x" * 60],
        "too long": ["x" * 62],
        "zz fits without comma": ["x" * 49],
        "hidden": "a\u202eb",
    }
    assert fences.json_text(value) == (
        "{\n"
        '  "a": {},\n'
        '  "b": [],\n'
        '  "hidden": "a\\u202eb",\n'
        f'  "just fits": ["{"x" * 60}"],\n'
        '  "long": [\n'
        f'    "{"x" * 40}",\n'
        f'    "{"y" * 40}"\n'
        "  ],\n"
        '  "matrix": [\n    [1, 2],\n    [3, 4]\n  ],\n'
        '  "mixed": [[1, 2], [3]],\n'
        '  "nested": [\n'
        "    {\n"
        '      "k": true\n'
        "    },\n"
        "    [1.5]\n"
        "  ],\n"
        '  "short": ["one", 2, null, [], {}],\n'
        f'  "too long": [\n    "{"x" * 62}"\n  ],\n'
        f'  "wide": [\n    "{"漢" * 20}",\n    "{"é" * 29}"\n  ],\n'
        f'  "zz fits without comma": ["{"x" * 49}"]\n'
        "}"
    )
