"""Gates that hide each other: what a repaired failure hid is repaired in the same commit, if it may be; two tools that fight end it."""

from __future__ import annotations

import pytest
from repair_world import World, fingerprint_of, git, make_repository

from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.strategy import Change, Terms

WORDS = ("one", "two", "three", "four", "five", "six")


def gates(*words: str) -> str:
    return "\n".join(f"grep -qx {word} a.txt || {{ echo {word} is missing; exit 1; }}" for word in words)


class Adds:
    """A strategy for one word: it adds the line, and may take another one out."""

    rows = ("format",)
    network = False
    terms = Terms(paths=("*.txt",), keeps=Keeps.SYNTAX)

    def __init__(self, word: str, instead: str = "") -> None:
        self.name, self.word, self.instead = f"adds-{word}", word, instead

    def applies(self, diagnosis, tree):
        return None if diagnosis.text.startswith(f"{self.word} ") else "another word"

    def apply(self, diagnosis, tree, tools):
        lines = [line for line in tools.read("a.txt").decode().splitlines() if line != self.instead]
        tools.write("a.txt", ("\n".join(dict.fromkeys([*lines, self.word])) + "\n").encode())
        return Change(f"Add {self.word}", f"{self.name} 1")


def world_of(tmp_path, *words: str) -> World:
    root = make_repository(tmp_path / "repo", {"a.txt": "zero\n", "b.txt": "b\n"})
    (tmp_path / "work").mkdir()
    return World(root, tmp_path / "work", {"lint": gates(*words), "docs": "grep -q b b.txt"})


ALL = tuple(Adds(word) for word in WORDS)


def everything(diagnosis) -> str:
    return "format"


@pytest.mark.spec("SEED-197")
def test_what_the_failure_hid_is_repaired_in_the_same_commit(tmp_path):
    world = world_of(tmp_path, "one", "two", "three")
    before = fingerprint_of(world.root)
    outcome = world.repair(world.request("lint"), strategies=ALL, follow=everything)
    assert (outcome.outcome, outcome.reason) == ("verified", "lint is green on the fix; 1 other job still green")
    assert (outcome.strategy, outcome.tool) == ("adds-one+adds-two+adds-three", "adds-one 1, adds-two 1, adds-three 1")
    assert git(world.root, "show", f"{outcome.commit}:a.txt").split() == ["zero", "one", "two", "three"]
    assert git(world.root, "rev-parse", f"{outcome.commit}^") == world.commit
    assert [diagnosis.text for diagnosis in outcome.followed] == ["two is missing", "three is missing"]
    assert [check.name for check in outcome.post if "turn" in check.name] == ["lint (turn 1)", "lint (turn 2)"]
    assert sum(check.name.startswith("second run") for check in outcome.post) == 3
    assert fingerprint_of(world.root) == before


def test_what_may_not_be_repaired_ends_it_with_nothing_left(tmp_path):
    world = world_of(tmp_path, "one", "two")
    before = fingerprint_of(world.root)
    for options in (
        {"follow": lambda diagnosis: ""},  # the matrix leaves it to people
        {"follow": everything, "strategies": ALL[:1]},  # no strategy can
        {},
    ):
        outcome = world.repair(world.request("lint"), **{"strategies": ALL, **options})
        assert (outcome.outcome, outcome.commit) == ("rolled_back", "")
        assert outcome.reason == "lint is still red: the job says two is missing"
    assert fingerprint_of(world.root) == before


def test_two_tools_that_undo_each_other_end_it(tmp_path):
    world = world_of(tmp_path, "one", "two")
    fighting = (Adds("one", instead="two"), Adds("two", instead="one"))
    outcome = world.repair(world.request("lint"), strategies=fighting, follow=everything)
    # The first failure shows again after the second turn: it was repaired once, so it is not tried again.
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "lint is still red: the job says one is missing")
    back = (Adds("one"), Adds("two", instead="one"))
    back[1].word, back[1].applies = "zero", lambda diagnosis, tree: None if "two" in diagnosis.text else "no"
    outcome = world.repair(world.request("lint"), strategies=back, follow=everything)
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "adds-one and adds-two undo each other's work")


def test_five_turns_are_the_most(tmp_path):
    world = world_of(tmp_path, *WORDS)
    outcome = world.repair(world.request("lint"), strategies=ALL, follow=everything)
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "lint is still red: the job says six is missing")
    assert len(outcome.followed) == 4


def test_the_policy_holds_for_each_turn_and_for_all_of_them_together(tmp_path):
    world = world_of(tmp_path, "one", "two")
    other = Adds("two")
    other.apply = lambda diagnosis, tree, tools: (tools.write("a.txt", tools.read("a.txt") + b"two\n"), tools.write("b.txt", b"bb\n"), Change("Two", "t 1"))[2]  # fmt: skip
    outcome = world.repair(world.request("lint", max_files=1), strategies=(Adds("one"), other), follow=everything)
    assert "files" in outcome.reason
    other.terms = Terms(paths=("c.txt",), keeps=Keeps.SYNTAX)
    outcome = world.repair(world.request("lint"), strategies=(Adds("one"), other), follow=everything)
    assert outcome.reason.startswith("the diff policy forbids the change: a.txt")
