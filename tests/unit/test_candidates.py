"""Candidates: what the miner makes of lines, what an expression may not be, and what is replayed against it."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from hee_core import learned
from hee_core.errors import ConfigError
from hee_monitoring import candidates, ownpatterns
from hee_monitoring.finder import compiled
from hee_monitoring.learning import Policy, learn
from hee_monitoring.miner import Line, mine
from hee_monitoring.pattern_sources import CATEGORIES
from hee_monitoring.redact import MARK
from hee_monitoring.rehearsal import Failure


def template(*texts: str, support: int = 3):  # type: ignore[no-untyped-def]
    return mine([Line(text, str(number), "r") for number, text in enumerate(texts)], support)[0]


def failures(*texts: str, log: bytes = b"", explained: bool = False) -> list[Failure]:
    return [Failure(f"{explained} {number}", "r", (text,), explained, log) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["lost pinion 'a' at 1", "lost pinion 'b c' at 22", "lost pinion 'd' at 3.4"], "lost pinion <name> at <number>"),
        (["cannot read src/a.py here", "cannot read /b/c here", "cannot read d.json here"], "cannot read <path> here"),
        (["gone: https://a.org/x y", "gone: http://b/z y", "gone: ftp://c y"], "gone: <url> y"),
        (["mail to ada@example.org failed", "mail to bob@example.org failed", "mail to eve@x.net failed"], "mail to <gap> failed"),
        (["shelf one broke", "shelf two three broke", "shelf four broke"], "shelf <gap> broke"),
        (["a b alpha c"] * 1 + ["a b beta c"] * 1 + ["a b gamma c"] * 1, "a b <gap> c"),
        ([f"key {MARK} refused"] * 3, "key <gap> refused"),
    ],
)  # fmt: skip
def test_a_template_is_what_runs_have_in_common(texts, shown):
    assert template(*texts).text == shown


def test_words_that_are_frequent_in_one_place_are_a_gap_as_well():
    lines = [Line(f"module {name} is lost", f"{name}{run}", "r") for name in ("foo", "bar", "baz") for run in range(3)]
    assert [each.text for each in mine(lines, 3)] == ["module <gap> is lost"]


def test_one_run_counts_once_however_often_it_says_something():
    assert mine([Line(f"lost pinion {number}", "1", "r") for number in range(50)], 2) == ()


def test_an_expression_captures_what_names_the_thing_and_no_number():
    made = candidates.expression(
        template("lost 'a' in x/y.py at 1", "lost 'b' in z/y.py at 2", "lost 'c' in q/y.py at 3")
    )
    found = compiled(made).search(b"lost 'other' in u/v.py at 99")
    assert found is not None
    assert found.groupdict() == {b"name": b"other", b"file": b"u/v.py"}


@pytest.mark.parametrize(
    ("words", "regex", "said"),
    [
        ("error <gap>", "error.*", "too general"),
        ("Error: process failed with code <number>", "Error: process failed", "too general"),
        ("frobnicator", "frobnicator", "too general"),
        ("some words of its own", ".*", "matches what says nothing"),
        ("the frobnicator lost its pinion", "T[a-z]+", "not that of its template"),  # forged: the words are only shown
        ("some words of its own", "(?:a|b", "no expression"),
        ("some words of its own", "(?=x)y", "no expression"),
        ("some words of its own", "x" * 601, "too long"),
        ("password=hunter2hunter2 of shelves", "password=hunter2hunter2", "secret"),
        ("some words\x1b of its own", "words\x1b", "not shown"),
    ],
)
def test_what_an_expression_may_not_be(words, regex, said):
    assert said in "; ".join(candidates.faults(words, regex))


def test_a_category_is_guessed_only_from_words_that_prove_it():
    assert candidates.guessed(template(*["ENOSPC on the shelf"] * 3)) == "resource"
    assert candidates.guessed(template(*["ENOSPC and EACCES on the shelf"] * 3)) == "unknown"
    assert candidates.guessed(template(*["the network is bad"] * 3)) == "unknown"


LOST = [f"the frobnicator lost pinion {number}" for number in range(3)]


@pytest.mark.parametrize(
    ("more", "green", "reason"),
    [
        ([], [b"the frobnicator lost pinion 9\n"], "matches a passing log"),
        (failures("the frobnicator lost pinion 7", explained=True), [], "an existing pattern explains what it matches"),
        (failures(*["E  assert"] * 6, log=b"x\nthe frobnicator lost pinion 7\n", explained=True), [], "too general"),
        ([Failure("z", "r", ("other words",), explained=False, log=b"the frobnicator lost pinion 7\n" * 30)], [], "too general"),
    ],
)  # fmt: skip
def test_the_replay_speaks_against_a_candidate(more, green, reason):
    assert len(learn(failures(*LOST), [b"all well\n"], Policy()).proposals) == 1
    found = learn([*failures(*LOST), *more], green, Policy())
    assert (found.proposals, found.left_out[reason]) == ((), 1)


def test_a_better_candidate_leaves_nothing_to_others_and_there_are_never_too_many():
    both = [Failure(str(n), "r", (text, "winding up the clockwork"), explained=False) for n, text in enumerate(LOST)]
    found = learn(both, [], Policy())
    assert [each.template for each in found.proposals] == ["the frobnicator lost pinion <number>"]
    assert found.left_out == {"explains nothing that a better one leaves": 1}
    many = [
        Failure(f"{word}{n}", "r", (f"frobnicator {word} stands {word}ing still",), explained=False)
        for word in ("aaa", "bbb") for n in range(3)
    ]  # fmt: skip
    assert learn(many, [], Policy(3, 3, 1)).left_out["more than are proposed at once"] == 1


def test_own_patterns_have_numbers_that_no_shipped_one_can_have():
    own = range(ownpatterns.FIRST, learned.LAST + 1)
    assert all(last < own[0] or first > own[-1] for first, last, _, _ in CATEGORIES.values())
    assert ownpatterns.LAST < learned.FIRST


def test_an_accepted_pattern_that_breaks_the_rules_is_left_out_of_the_database():
    record = {"category": "infra", "template": "<gap>", "regex": ".*"}
    assert "too general" in ownpatterns.unusable(record)
    assert "no category" in ownpatterns.unusable({**record, "category": "state"})


def test_the_published_schema_is_that_of_the_reader():
    published = json.loads(resources.files("hee_monitoring").joinpath("schemas/patterns.json").read_text())
    assert published == ownpatterns.json_schema()


def test_what_a_log_said_before_it_died_is_kept_and_bounded():
    from hee_monitoring.classify import explain_log
    from hee_monitoring.database import PatternDB

    noise = "".join(f"line {number} of many\n\n---\n" for number in range(40))
    found = explain_log(f"{noise}##[error]Process completed with exit code 3.\nafter\n".encode(), PatternDB.load())
    assert found.category == "unknown"
    lines = {each.line: each.text for each in found.evidence}
    assert found.text == "line 39 of many"  # the program's last words
    assert lines == {1 + 3 * number: f"line {number} of many" for number in range(30, 40)} | {
        121: "Process completed with exit code 3."
    }


def test_a_pattern_file_with_an_id_twice_is_refused():
    entry = """\
  - id: HEE-PAT-915
    title: t
    category: infra
    what: w
    remedy: r
    match: ["the frobnicator lost"]
    examples: ["the frobnicator lost a", "the frobnicator lost b"]
    not: ["no"]
"""
    with pytest.raises(ConfigError, match="10: /patterns/1 the id HEE-PAT-915 stands here twice"):
        ownpatterns.load(f"patterns:\n{entry}{entry}".encode())
