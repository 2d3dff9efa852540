"""Decisions at the command line: recorded with their grounds, refused when they contradict, told at any point."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from worlds import git, watched

from hee_monitoring.cli.main import run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", {"a.txt": "a\n"})


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str):  # type: ignore[no-untyped-def]
    status = run(["-C", str(root), *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out or "null")


def decide(capsys: pytest.CaptureFixture[str], root: Path, key: str, value: str, *more: str):  # type: ignore[no-untyped-def]
    return hee(capsys, root, "decide", key, f"{key} is {value}", "--value", value, "--rationale", "tried", *more)


@pytest.mark.spec("SEED-018", "SEED-097", "SEED-273")
def test_a_decision_keeps_its_grounds_and_is_found_again_at_any_point(root, capsys):
    grounds = ("--alternative", "stay", "--evidence", "issue 7", "--review-by", "2020-01-01", "--scope", "branch:main")
    _, first = decide(capsys, root, "python", ">=3.11", *grounds)
    name = first["decision_id"]
    status, shown = hee(capsys, root, "decisions", "show", name)
    assert status == 0
    assert (shown["value"], shown["alternatives"], shown["evidence"]) == (">=3.11", ["stay"], ["issue 7"])
    assert (shown["rationale"], shown["scope"], shown["status"]) == ("tried", ["branch:main"], "review due")
    evidence = ("--evidence", "3.12 is out")
    _, second = decide(capsys, root, "python", ">=3.12", "--supersedes", name, *evidence)
    listed = hee(capsys, root, "decisions", "list")[1]
    assert [row["decision_id"] for row in listed] == [second["decision_id"]]
    assert [row["decision_id"] for row in hee(capsys, root, "decisions", "list", "--at", str(first["index"]))[1]] == [
        name
    ]
    everything = {row["decision_id"]: row["status"] for row in hee(capsys, root, "decisions", "list", "--all")[1]}
    assert everything == {name: "ended", second["decision_id"]: "active"}
    drawn = hee(capsys, root, "decisions", "graph")[1]
    assert drawn["edges"] == [{"from": name, "to": second["decision_id"], "kind": "superseded"}]
    for words in (("list", "--all"), ("show", name), ("graph",), ("conflicts",)):
        assert run(["-C", str(root), "decisions", *words]) == 0
        assert name in capsys.readouterr().out or words == ("conflicts",)


def test_a_name_that_nothing_has_could_not_be_shown(root, capsys):
    assert run(["-C", str(root), "decisions", "show", "HEE-DEC-00000000"]) == 2
    assert run(["-C", str(root), "decisions", "list"]) == 0
    assert "no decision" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [(">=3.11", "3.12", 0), (">=3.11,<3.13", "3.13", 1), ("3.11", "3.11.0", 0), ("on", "off", 1), (">3", "<=3", 1)],
)
def test_values_conflict_only_where_they_cannot_both_hold(root, capsys, old, new, status):
    assert decide(capsys, root, "k", old)[0] == 0
    code, found = decide(capsys, root, "k", new)
    assert (code, found["recorded"]) == (status, status == 0)


def test_turning_a_decision_around_within_the_cool_off_without_new_evidence_is_told(root, capsys):
    name = decide(capsys, root, "cache", "on")[1]["decision_id"]
    status, found = decide(capsys, root, "cache", "off", "--supersedes", name)
    assert (status, found["recorded"], [each["kind"] for each in found["conflicts"]]) == (0, True, ["reversal"])
    again = ("decide", "cache", "on", "--value", "on", "--rationale", "r", "--supersedes", found["decision_id"])
    assert run(["-C", str(root), *again]) == 0
    assert "WARNING cache: this turns around" in capsys.readouterr().out
    last = hee(capsys, root, "decisions", "list")[1][0]["decision_id"]
    assert decide(capsys, root, "cache", "off", "--supersedes", last, "--evidence", "issue 9")[1]["conflicts"] == []


def test_two_branches_that_decide_the_same_thing_differently_are_in_conflict(root, capsys, monkeypatch, tmp_path):
    decide(capsys, root, "shared", "1")
    home = shutil.copytree(os.environ["HEE_HOME"], tmp_path / "home")  # another machine with a key that the log trusts
    git(tmp_path, "clone", "--quiet", str(root), "clone")
    git(tmp_path / "clone", "branch", "--no-track", "hee/log", "origin/hee/log")
    decide(capsys, root, "color", "red")
    with monkeypatch.context() as there:
        there.setenv("HEE_HOME", str(home))
        decide(capsys, tmp_path / "clone", "color", "blue")
    git(root, "fetch", "--quiet", str(tmp_path / "clone"), "hee/log:other")
    assert hee(capsys, root, "decisions", "conflicts")[0] == 0
    status, found = hee(capsys, root, "decisions", "conflicts", "--with", "other")
    assert (status, [(row["kind"], row["key"]) for row in found["conflicts"]]) == (1, [("apart", "color")])
    assert run(["-C", str(root), "decisions", "conflicts", "--with", "main"]) == 2


@pytest.mark.parametrize("date", ["soon", "2026-13-01", "2026-01-01T00:00:00"])
def test_a_review_date_is_a_date(root, capsys, date):
    assert run(["-C", str(root), "decide", "k", "s", "--rationale", "r", "--review-by", date]) == 2
    assert "is no date" in capsys.readouterr().err
