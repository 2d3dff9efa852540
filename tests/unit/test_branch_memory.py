"""On which branches an issue is red, as the fold remembers it; a log without verdicts folds as it always did."""

from __future__ import annotations

import json

import pytest
from state_world import COMMIT, World

from hee_core import branches, projection

TRIAGED = {
    "verdict": "new", "probability": 8000, "flaky": 500, "infrastructure": 500, "broken_base": 1000, "change": 8000,
    "model": "triage 1",
}  # fmt: skip


def red(world: World, branch: str, **place: object) -> None:
    world.say("ci.failure_detected", branch=branch)
    world.say("ci.failure_triaged", issue_id="ISS-1", **TRIAGED, red_on=[{"branch": branch, "commit": COMMIT, **place}])


def test_a_log_without_verdicts_has_none_of_the_fields() -> None:
    world = World()
    world.say("ci.failure_detected", branch="main")
    assert not {"triage", "branches", "episodes"} & set(world.issue)
    assert [place["branch"] for place in branches.places(world.issue)] == ["main"]
    world.say("ci.issue_resolved")
    (closed,) = world.state.operational.closed.values()
    assert "episodes" not in closed
    assert branches.places(closed) == ()


def test_branches_come_and_go_by_events_alone() -> None:
    world = World()
    red(world, "main")
    red(world, "topic", job="lint")
    red(world, "main")
    assert [place["branch"] for place in world.issue["branches"]] == ["topic", "main"]
    world.say(
        "ci.branch_cleared", issue_id="ISS-1", branch="topic", how="green", by="lint was seen green", commit=COMMIT
    )
    world.say("ci.branch_cleared", issue_id="ISS-1", branch="nowhere", how="green", by="x")
    world.say("ci.branch_cleared", issue_id="ISS-9", branch="main", how="green", by="x")
    world.say("ci.failure_triaged", issue_id="ISS-9", **TRIAGED)
    assert [place["branch"] for place in world.issue["branches"]] == ["main"]
    assert (world.issue["episodes"], world.issue["cleared"]) == ({"passed": 1, "lasted": 0}, ["topic"])
    world.say("ci.branch_cleared", issue_id="ISS-1", branch="main", how="gone", by="main is gone")
    world.say("ci.issue_resolved", commit="e" * 40)
    (closed,) = world.state.operational.closed.values()
    assert (closed["episodes"], closed["branches"]) == ({"passed": 1, "lasted": 0}, [])
    red(world, "main")
    world.say("ci.issue_resolved", commit="e" * 40)
    (closed,) = world.state.operational.closed.values()
    assert closed["episodes"] == {"passed": 1, "lasted": 1}


def test_branches_are_bounded_and_those_left_out_counted() -> None:
    world = World()
    for number in range(branches.KEPT + 5):
        red(world, f"b{number}")
    assert len(world.issue["branches"]) == branches.KEPT
    assert (world.issue["branches"][0]["branch"], world.issue["branches_dropped"]) == ("b5", 5)
    dumped = json.loads(json.dumps(projection.dump(world.state)))
    assert projection.load(dumped).digest == world.state.digest


@pytest.mark.parametrize(
    "red_on",
    ["main", [{"branch": 1}], [{}], [{"branch": "m", "run_id": -1}], [{"branch": "m", "commit": "x"}], [None]],
)
def test_a_hostile_place_is_malformed_and_changes_nothing(red_on: object) -> None:
    world = World()
    world.say("ci.failure_detected", branch="main")
    state = world.claim("ci.failure_triaged", {"issue_id": "ISS-1", **TRIAGED, "red_on": red_on})
    assert (state.ledger.malformed, "triage" in state.issues["ISS-1"]) == (1, False)
