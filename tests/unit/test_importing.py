"""Capsules as people wrote them: each format known by its content, each fact at its line, each fault named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hee_governance.importing import Imported, Rejected, contradictions, read
from hee_governance.importing.formats import FORMS

SIX = """chat: OPS-Harbor
purpose: Move the docs
{context}
decisions:
  - Decision: Docs win
    Rationale: one source
open_threads: []
next_chat_bootstrap:
  - read docs
"""
TRANSCRIPT = "# talk\n\nYou said:\nhello\n\nChatGPT said:\nwe decided to ship\n"
STATE = '{"monitoring_state": {"last_run_id": 1}, "metadata": {"version": "1.0", "created_at": "2026-01-24T10:00:00Z"}}'
# format -> (file name, text); made up after the shapes that real repositories have, no text of theirs
EXAMPLES = {
    "F1": ("2026-01-25/Harbor.md", SIX.format(context="context: [a, b]")),
    "F2": ("2026-01-25/Harbor.yaml", SIX.format(context="context:\n  project: harbor")),
    "F3": ("Harbor.md", "# Capsule\n\n```yaml\n" + SIX.format(context="context: x") + "```\n"),
    "F4": ("Harbor.md", "# chat: Harbor\n\n## Purpose\n\nMove\n\n## Decisions\n\n- Docs win\n  Rationale: one source\n"),
    "F5": ("Report.md", "# Session Report\n\n**Date**: 2026-01-24\n**Status**: COMPLETED\n\n- [x] moved\n"),
    "F6": ("CURRENT.md", "# Tasks\n\n## Quick Status Summary\n\n- **Active Tasks**: none\n- **Critical Alerts**: 0 violations\n"),
    "F9": ("int.md", "# STATE-CAPSULE: INT @ 2026-01-26\nchat: INT\npurpose: recover\n\ntruth_order:\n  - disk\n  - git\n"),
    "F10": ("m.yaml", "capsule:\n  kind: observation_marker\n  mutable: false\n  result: TBD\n"),
    "F11": ("2026-01-28-GO.yaml", "artifact:\n  kind: state_capsule\n  path: docs/GO.yml\nsummary:\n  claim:\n    green: true\n"),
    "F12": ("p.pill.yaml", "pill:\n  id: P-1\n  date: 2026-01-30\n  refs: {}\n"),
    "F13": ("s.yaml", "state:\n  name: harbor\n  asof: 2026-01-28\n  status: STABLE\n"),
    "F14": ("l.yaml", "gnu_name: gnu-harbor\npermanence: locked\ngovernance: compliant\n"),
    "F15": ("c.yaml", "completion:\n  kind: completion_marker\n  status:\n    complete: true\n"),
    "F16": ("h.yaml", "apiVersion: hee/v1\nkind: Handoff\nmetadata:\n  name: h\nspec: {}\n"),
    "F17": ("06.yaml", 'phase_id: "06"\nbranch: b\npr_url: not_created\nstatus: done\n'),
    "F18": ("state.json", STATE),
    "F19": ("design.md", "# Design\n" + 3 * ("```json\n" + STATE + "\n```\n\n")),
    "F20": ("chat.md", TRANSCRIPT),
    "F21": ("pointer.md", "# RECOVERY\n\nSource of truth: `docs/history/int.md`\n"),
    "F22": ("c.json", '{"hee_monitoring_state": {"last_run_id": 0}, "hee_auto_fix_history": []}'),
    "F23": ("ADR-001.md", "# ADR-001: Use files\n\n## Status\n\nAccepted\n\n## Context\n\nx\n\n## Decision\n\nUse files.\n"),
    "F24": ("legs.kv", "account.name=ada\naccount.host=h\nstool_hash_full=null\n"),
    "F25": ("handoff.md", "# Session handoff\n\n## Purpose\n\nx\n\n## Who you are\n\ny\n\n## Where context lives\n\nz\n"),
}  # fmt: skip


def taken(path: str, text: str | bytes) -> Imported:
    found = read(path, text.encode() if isinstance(text, str) else text)
    assert isinstance(found, Imported), found
    return found


def test_the_formats_are_those_of_the_catalogue_and_the_two_that_only_names_show():
    assert sorted([*FORMS, "F7", "F8"], key=lambda name: int(name[1:])) == [f"F{number}" for number in range(1, 26)]
    assert set(EXAMPLES) == set(FORMS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_format_is_known_by_what_stands_in_the_file(name):
    path, text = EXAMPLES[name]
    assert taken(path, text).format == name
    assert taken("some/other.name.md", text).format == name


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_fact_is_unverified_and_stands_at_its_line(name):
    path, text = EXAMPLES[name]
    found = taken(path, text)
    rows = text.split("\n")
    for fact in found.facts:
        printed = fact.to_json(found.path, found.digest)
        assert printed["trust"] == "unverified"
        assert printed["from"] == f"{path}@{found.digest[:12]}:{fact.line}"
        if fact.text not in ("null", ""):
            assert fact.text.strip('"') in rows[fact.line - 1]
    assert found.lossless == (name in ("F1", "F2", *(f"F{number}" for number in range(9, 19)), "F22"))


def kinds(found: Imported, kind: str) -> list[str]:
    return [fact.text for fact in found.facts if fact.kind == kind]


@pytest.mark.parametrize("name", ["F1", "F2", "F3", "F4", "F23"])
def test_decisions_are_found_in_whatever_form_they_have(name):
    assert {"Docs win", "Use files."} & set(kinds(taken(*EXAMPLES[name]), "decision"))


def test_what_was_said_in_a_chat_is_nobodys_fact():
    assert taken(*EXAMPLES["F20"]).facts == ()


def test_yaml_that_is_none_is_read_as_far_as_it_has_a_shape_and_told():
    text = "chat: H\npurpose: p\ndecisions:\n- Docs win\n    Rationale: one: source\n    Impact: x\ncontext:\n- a\n"
    found = taken("H.md", text)
    assert (found.format, found.lossless, [issue.code for issue in found.issues]) == ("F1", False, ["D1"])
    assert kinds(found, "decision") == ["Docs win", "one: source", "x"]


@pytest.mark.parametrize(
    ("path", "text", "verdict"),
    [
        ("done.H.md", "# Session report\n**Status**: COMPLETED\n- [x] a\n", "done"),
        ("H-Done.md", "# Session report\n- [ ] a\n- [x] b\n", "contradiction"),
        ("H.md.done", "# Session report\n**Status**: In Progress\n", "contradiction"),
        ("H.md", "# Session report\n- [ ] a\n", "open"),
        ("H.md", "# Session report\n**Status**: done\n- [ ] a\n", "contradiction"),
        ("H.md", "# Session report\n**Date**: 2026-01-01\n", "unknown"),
    ],
)
def test_done_has_three_signs_that_may_disagree(path, text, verdict):
    found = taken(path, text)
    assert found.done.verdict == verdict
    assert (verdict == "contradiction") == any(issue.code in ("D5", "D6") for issue in found.issues)


@pytest.mark.parametrize(
    ("path", "text", "date", "source"),
    [
        ("2026-01-24/a.md", "# Session\n**Date**: 2026-01-25\n", "2026-01-25", "field Date, line 2"),
        ("2026-01-24/20260130T172538Z-a.md", "# Session report\n", "2026-01-30T17:25:38Z", "file name"),
        ("2026-01-24/a.md", "# Session report\n", "2026-01-24", "directory"),
        ("2026\u201101\u201126/a.md", "# Session report\n", "2026-01-26", "directory"),
        ("2026-02-31/a.md", "# Session report\n", "", ""),
        ("a.md", "# Session report\n**Generated**: 2026-01-24T10:00\n", "2026-01-24T10:00", "field Generated, line 2"),
    ],
)
def test_a_date_says_where_it_comes_from(path, text, date, source):
    found = taken(path, text)
    assert (found.date, found.date_from) == (date, source)


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("m.yaml", EXAMPLES["F10"][1], "D7"),
        ("GO.yaml", EXAMPLES["F11"][1], "D12"),
        ("a.md", "# Session report\n**Generated**: 2026-01-24T10:00\n", "D14"),
        ("2026-01-24/a.md", "# Session\n**Date**: 2026-01-25\n", "D15"),
        ("a.md", "# Session report\n- cd /home/ada/x\n", "D21"),
        ("a.md", "# Session report\n" + "x" * 40_000, "D22"),
        ("a.md", "\ufeff# Session report\n", "D23"),
        ("a.md", "# Session report\r\n", "D23"),
        ("a.md", "# Session report\u200b\n", "D23"),
        ("a.md", "# Session\n```yaml\nchat: [\n```\n- [ ] a\n", "D1"),
    ],
)
def test_faults_of_real_capsules_are_named(path, text, code):
    assert code in [issue.code for issue in taken(path, text).issues]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a\0b", "NUL"),
        (b"# Title\n\nSome words about the weather.\n", "no sign"),
        (b"x" * 256_001, "no capsule is so large"),
        (b"a: [", "expected"),
    ],
)
def test_what_shows_no_sign_of_a_format_is_rejected_with_a_reason(text, says):
    found = read("a.yaml", text)
    assert isinstance(found, Rejected)
    assert says in found.reason


def test_contradictions_show_both_sides():
    result = taken("2026-01-28-GO.yaml", EXAMPLES["F11"][1])
    addendum = taken(
        "2026-01-28-GO-ADDENDUM-0001.yaml",
        "artifact:\n  kind: state_capsule_addendum\n  parent_capsule: 2026-01-28-GO.yml\ntruth:\n  green: false\n",
    )
    one = taken("a.md", "# Session Report\n\n**Total Violation Score: 5 Points**\n")
    other = taken("b.md", EXAMPLES["F6"][1])
    first = taken("c.md", SIX.format(context="context: x"))
    second = taken("d.md", SIX.format(context="context: x").replace("one source", "two sources"))
    done = taken("e-Done.md", "# Session report\n- [ ] a\n")
    found = {each.kind: each for each in contradictions([result, addendum, one, other, first, second, done])}
    assert sorted(found) == ["claim", "decision", "done", "totals"]
    assert {text for _, _, text in found["claim"].claims} == {"green: true", "green: false"}
    assert {(path, text) for path, _, text in found["totals"].claims} == {
        ("a.md", "violation points: 5"),
        ("b.md", "violation points: 0"),
    }
    assert [path for path, _, _ in found["decision"].claims] == ["c.md", "d.md"]
    assert contradictions([result, result]) == ()


PIECES = st.sampled_from(
    [
        *(text for _, text in EXAMPLES.values()),
        "- [ ] a\n",
        "**Status**: done\n",
        "```yaml\n",
        "a: [\n",
        "\x00",
        "é\u200b\r\n",
        "# ",
    ]
)
ANYTHING = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=4).map(lambda parts: "".join(parts).encode()))


@pytest.mark.spec("SEED-222")
@settings(max_examples=150, deadline=None)
@given(ANYTHING, st.sampled_from(["a.md", "2026-01-24/done.x.yaml", "y.json", "z.md.done"]))
def test_any_bytes_are_read_or_rejected_and_lines_exist(data, path):
    found = read(path, data)
    if isinstance(found, Rejected):
        assert found.reason
        return
    assert found == read(path, data)
    last = data.count(b"\n") + 1
    for place in (*found.facts, *found.issues):
        assert 0 <= place.line <= last
    assert isinstance(contradictions([found]), tuple)


@pytest.mark.parametrize(
    "text",
    [
        "# Session report\n**Status**: open\n" + "\n" * 200_000 + "x",
        "# a" + " " * 200_000 + "b",
        "# a" + "#" * 200_000 + "b",
        "# Session report\n## Decision" + " -" * 100_000 + "x",
        "chat: x\nabc:" + "\t" * 200_000 + "x",
        "# Session report\nstatus:" + " " * 200_000,
    ],
)
def test_a_text_made_to_stall_its_reader_is_read_at_once(text):
    """Each of these took hours with an expression that could divide its blanks in more than one way."""
    assert isinstance(read("docs/STATE_CAPSULES/x.md", text.encode()), Imported | Rejected)


@pytest.mark.parametrize(
    ("heading", "text"), [("## Decision: a ##", "a"), ("## Decision: a", "a"), ("## **Decision: a** #", "a")]
)
def test_the_marks_that_close_a_heading_are_none_of_its_words(heading, text):
    found = read("x.md", f"# Session report\n{heading}\n".encode())
    assert [fact.text for fact in found.facts if fact.kind == "decision"] == [text]


def test_one_decision_repeated_without_end_is_no_list_of_all_its_pairs():
    """Nine thousand of them made forty million pairs, and some gigabytes, of which 200 were looked at."""
    text = "# Session report\n" + "## Decision: a\n- **Rationale**: b\n" * 150
    files = [read(f"{number}.md", f"{text}{number}\n".encode()) for number in range(60)]
    assert contradictions(files) == ()
