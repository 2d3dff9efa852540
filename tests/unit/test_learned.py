"""What the fold holds of learned patterns: who settles a candidate, which ids and versions there are, what a rollback keeps."""

from __future__ import annotations

import pytest
from state_world import World

from hee_core.errors import EventError
from hee_core.learned import PROPOSALS_KEPT

ADA = "human:ada"
CANDIDATE = "HEE-CAN-" + "0" * 12
OTHER = "HEE-CAN-" + "1" * 12


def propose(world: World, candidate: str = CANDIDATE, support: int = 3) -> None:
    world.say(
        "pattern.proposed", candidate=candidate, regex="the shelf fell", template="the shelf fell", category="unknown",
        support=support, repositories=1, examples=["the shelf fell"], database="1",
    )  # fmt: skip


def accepted(candidate: str = CANDIDATE, name: str = "HEE-PAT-940", version: int = 1) -> dict[str, object]:
    return {
        "candidate": candidate, "pattern_id": name, "version": version, "category": "infra", "title": "t", "what": "w", "remedy": "r",
    }  # fmt: skip


def test_a_pattern_comes_into_force_goes_and_comes_back_under_its_id() -> None:
    world = World()
    propose(world)
    world.say("pattern.accepted", actor=ADA, **accepted())
    assert (world.state.ledger.learned["HEE-PAT-940"]["status"], world.state.ledger.proposals) == ("in force", {})
    with pytest.raises(EventError, match="in force already"):
        propose(world)
    world.say("pattern.retired", actor=ADA, pattern_id="HEE-PAT-940", reason="over")
    propose(world, support=9)
    for wrong, said in (
        (accepted(version=1), "another version next"),
        (accepted(name="HEE-PAT-941", version=2), "keeps its id|is not the id"),
    ):
        with pytest.raises(EventError, match=said):
            world.say("pattern.accepted", actor=ADA, **wrong)
    world.say("pattern.accepted", actor=ADA, **accepted(version=2))
    assert world.state.ledger.learned["HEE-PAT-940"]["version"] == 2
    propose(world, OTHER)
    with pytest.raises(EventError, match="is not the id"):
        world.say("pattern.accepted", actor=ADA, **accepted(OTHER))


@pytest.mark.parametrize("name", ["HEE-PAT-001", "HEE-PAT-939", "HEE-PAT-999"])
def test_no_learned_pattern_takes_the_number_of_a_shipped_one(name: str) -> None:
    world = World()
    propose(world)
    with pytest.raises(EventError, match="no id of a learned pattern"):
        world.say("pattern.accepted", actor=ADA, **accepted(name=name))


def test_what_was_not_proposed_or_is_not_in_force_cannot_be_settled() -> None:
    world = World()
    for type_, data in (
        ("pattern.accepted", accepted()),
        ("pattern.refused", {"candidate": CANDIDATE, "reason": "r"}),
        ("pattern.retired", {"pattern_id": "HEE-PAT-940", "reason": "r"}),
    ):
        with pytest.raises(EventError, match=r"is not proposed|no learned pattern in force"):
            world.say(type_, actor=ADA, **data)


def test_what_nobody_checked_changes_nothing() -> None:
    world = World()
    propose(world)
    assert world.claim("pattern.accepted", accepted(), actor="agent:hee").ledger.learned == {}
    assert world.claim("pattern.accepted", {**accepted(), "version": True}, actor=ADA).ledger.learned == {}
    assert world.claim("pattern.refused", {"candidate": "HEE-CAN-x", "reason": "r"}, actor=ADA).ledger.refusals == {}


def test_proposals_are_bounded_and_a_refusal_is_remembered_until_it_is_proposed_again() -> None:
    world = World()
    for number in range(PROPOSALS_KEPT + 5):
        propose(world, f"HEE-CAN-{number:012}")
    assert len(world.state.ledger.proposals) == PROPOSALS_KEPT
    last = f"HEE-CAN-{PROPOSALS_KEPT:012}"
    world.say("pattern.refused", actor=ADA, candidate=last, reason="noise")
    assert world.state.ledger.refusals[last]["support"] == 3
    propose(world, last, 9)
    assert world.state.ledger.refusals == {}
