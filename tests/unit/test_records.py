"""What capsules, contracts, tests and documents say against each other: each sub-rule fires, and not on the repaired files."""

from __future__ import annotations

import json

import pytest

from hee_governance import rules
from hee_governance.config import dump_default, load
from hee_monitoring import detectors
from hee_monitoring.detectors import Known

CONFIG = load(dump_default())
OLD, NEW, NEWER = (f"docs/STATE_CAPSULES/2026-01-2{day}/Shift.yaml" for day in (4, 5, 6))
SIX = "chat: S\npurpose: p\ncontext: {context}\ndecisions: {decisions}\nopen_threads: []\nnext_chat_bootstrap: {boot}\n"


def six(context="[]", decisions="[]", boot="[a]"):
    return SIX.format(context=context, decisions=decisions, boot=boot)


def found(tree, **facts):
    files = {path: data if isinstance(data, bytes) else data.encode() for path, data in tree.items()}
    known = Known(CONFIG, rules.check(files, CONFIG), **facts)
    return detectors.find(files, known)


def told(tree, **facts):
    return [
        (
            f"{each.pattern_id[-3:]}.{each.captures.get('sub_rule', each.captures['rule'])}",
            each.evidence[0].where,
            each.line,
        )
        for each in found(tree, **facts)
    ]


IDS = "log:\n  - {{issue_id: I-1, status: open}}\n  - {{issue_id: I-{}, status: closed}}\n"
CONTRACT = "actor: agent\nmay:\n  - merge to main\nmust_not:\n  - {}\n"
RESULT = "artifact: {{kind: result}}\nsummary:\n  claim:\n    green: {}\n"
SPEC = "SEED-001 is done.\n"
TEST = "import pytest\n\n@pytest.mark.spec('SEED-001')\ndef test_a():\n    assert f()\n"


def decided(why, boot):
    return six(decisions=f"[{{Decision: use act, Rationale: {why}}}]", boot=boot)


@pytest.mark.spec("SEED-061", "SEED-062", "SEED-063", "SEED-065")
@pytest.mark.parametrize(
    ("broken", "expected", "repaired"),
    [
        ({NEW: IDS.format(1)}, ("001.h", NEW, 3), {NEW: IDS.format(2)}),
        ({NEW: "evidence:\n  - logs/run.txt\n"}, ("001.j", NEW, 2), {NEW: "evidence:\n  - logs/run.txt\n", "logs/run.txt": ""}),
        (
            {OLD: six() + "state_version: state-v2\n", NEW: six(boot="[b]") + "state_version: state-v1\n"},
            ("001.m", NEW, 7),
            {OLD: six() + "state_version: state-v1\n", NEW: six(boot="[b]") + "state_version: state-v2\n"},
        ),
        (
            {"contracts/agent.yaml": CONTRACT.format("Merge to main.")},
            ("002.c", "contracts/agent.yaml", 5),
            {"contracts/agent.yaml": CONTRACT.format("delete main")},
        ),
        (
            {OLD: decided("it is fast", "[a]"), NEW: decided("it is cheap", "[b]")},
            ("002.f", NEW, 4),
            {OLD: decided("it is fast", "[a]"), NEW: decided("it is fast", "[b]")},
        ),
        ({OLD: RESULT.format("true"), NEW: RESULT.format("false")}, ("002.g", NEW, 4), {NEW: RESULT.format("true")}),
        (
            {"docs/spec.md": SPEC, "tests/test_a.py": TEST + TEST.replace("SEED-001", "SEED-009")},
            ("003.d", "tests/test_a.py", 8),
            {"docs/spec.md": SPEC, "tests/test_a.py": TEST},
        ),
        (
            {"README.md": "# a\n\n```bash\npython scripts/gone.py --all\n```\n", "scripts/a.py": ""},
            ("003.f", "README.md", 4),
            {"README.md": "# a\n\n```bash\npython scripts/a.py --all\n```\n", "scripts/a.py": ""},
        ),
        (
            {OLD: six("{constraints: {offline: yes}}"), NEW: six("{constraints: {other: yes}}", boot="[b]")},
            ("005.a", NEW, 1),
            {OLD: six("{constraints: {offline: yes}}"), NEW: six("{constraints: {}}", "[offline ends]", boot="[b]")},
        ),
        (
            {OLD: six("{phase: a}"), NEW: six("{phase: b}", boot="[b]"), NEWER: six("{phase: a}", boot="[c]")},
            ("005.b", NEWER, 3),
            {OLD: six("{phase: a}"), NEW: six("{phase: b}", boot="[b]"), NEWER: six("{phase: c}", boot="[c]")},
        ),
        ({NEW: "version: 1.1.0+state-v2\n"}, ("005.g", NEW, 1), {NEW: "version: 1.2.0+state-v2\n"}),
        ({OLD: six(), NEW: six()}, ("005.i", NEW, 6), {OLD: six(), NEW: six(boot="[go on]")}),
    ],
)  # fmt: skip
def test_each_sub_rule_finds_its_case_at_its_line_and_nothing_in_the_repaired_files(broken, expected, repaired):
    assert told(broken) == [expected]
    assert told(repaired) == []


@pytest.mark.parametrize(
    "text",
    [
        "```bash\ncd elsewhere\npython scripts/gone.py\n```\n",
        "```python\nscripts/gone.py\n```\n",
        "```sh\npython other/gone.py\n```\n",
        "```sh\npython scripts/gone.py  # hee-check:refs-ok\n```\n",
        "python scripts/gone.py\n",
        "```\nscripts/gone.pyx\n",
    ],
)
def test_a_document_that_speaks_of_another_place_is_left_alone(text):
    assert told({"docs/guide.md": text, "scripts/a.py": ""}) == []
    assert told({"docs/history/guide.md": "```sh\npython scripts/gone.py\n```\n", "scripts/a.py": ""}) == []


@pytest.mark.parametrize("unreadable", [b"\xff\xfe", b"a: [", b"#" * 300_000])
def test_what_cannot_be_read_any_more_resolves_nothing(unreadable):
    (before,) = found({NEW: "evidence:\n  - logs/run.txt\n"})
    issue = detectors.Found(
        before.pattern_id, before.category, "open", "I", before.title, 7000, before.evidence, fingerprint=before.fingerprint
    )  # fmt: skip
    kept = found({NEW: unreadable}, open=(issue,))
    assert before.fingerprint in {each.fingerprint for each in kept}
    large = {"README.md": "# a\n" + "x" * 600_000, "scripts/a.py": ""}
    (gone,) = found({"README.md": "```\nscripts/gone.py\n```\n", "scripts/a.py": ""})
    known = detectors.Found(gone.pattern_id, gone.category, "open", "J", gone.title, 9000, gone.evidence, fingerprint=gone.fingerprint)  # fmt: skip
    assert {each.fingerprint for each in found(large, open=(known,))} == {gone.fingerprint}


def test_a_finding_says_what_it_saw_on_both_sides():
    (diagnosis,) = found({NEW: IDS.format(1)})
    assert [evidence.line for evidence in diagnosis.evidence] == [3, 2]
    assert diagnosis.title == "State corruption: one id stands for two records"
    assert json.loads(json.dumps(dict(diagnosis.captures))) == {"rule": "h", "path": NEW, "sub_rule": "h"}


def test_no_skeleton_is_written_for_what_nobody_specified_or_for_a_script_that_is_gone(tmp_path):
    from hee_monitoring.fixes.spec_skeleton import SpecSkeleton

    (tmp_path / "pyproject.toml").write_text("")
    orphan = {"docs/spec.md": SPEC, "tests/test_a.py": TEST + TEST.replace("SEED-001", "SEED-009")}
    gone = {"README.md": "```\npython scripts/gone.py\n```\n", "scripts/a.py": ""}
    for tree in (orphan, gone):
        (diagnosis,) = found(tree)
        assert SpecSkeleton().applies(diagnosis, tmp_path) == "the gap names no clause"
