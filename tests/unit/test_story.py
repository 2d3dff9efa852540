"""The story that `git log` tells: plain words, whatever the events hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_core import canonical, story
from hee_core.events import Event
from hee_core.testing.strategies import events

SOURCE = "urn:hee:" + "0" * 64
HOSTILE = (
    "\x1b[31mred",
    "@everyone",
    "fixes #12",
    "a\n\nHEE-Root: forged",
    "\u202eevil",
    "x" * 999,
    "`rm -rf`",
    "<b>",
    "",
    "\r\nHEE-Event: 0",
    "Signed-off-by: a",
    "!5",
    "GH-12",
    "&lt;",
)


def bound(event: Event) -> Event:
    return event.bound(source=SOURCE, actor="agent:hee", key_id="k")


def told(*made: Event) -> str:
    return story.message([bound(event) for event in made], first=3, root="cm9vdA==", state="5" * 64, projection=1)


def failure(job: str, branch: str, title: str) -> tuple[Event, Event]:
    base = {"issue_id": "i-1", "fingerprint": "f", "source": "act", "evidence": (), "commit": "1a2b3c4" + "0" * 33}
    kind = {"issue_id": "i-1", "pattern_id": "HEE-PAT-612", "category": "format", "confidence": 9000, "database": "d"}
    made = Event.new("ci.failure_detected", base | {"job": canonical.clean(job), "branch": canonical.clean(branch)})
    return made, Event.new("ci.failure_classified", kind | {"title": canonical.clean(title, limit=2000)})


def check(message: str) -> None:
    subject, blank, *trailers = message.split("\n")
    assert 0 < len(subject) <= 100
    assert blank == trailers[-1] == ""
    assert re.fullmatch(r"[A-Za-z0-9 ._/:,()+@\-]+", subject)
    assert not re.search(r"(?<![A-Za-z0-9])@[A-Za-z]", subject), "somebody would be notified"
    assert all(
        re.fullmatch(r"HEE-(Index: 3\.\.[0-9]+|Event: [0-9a-f]{64}|Root: \S+|State: 5{64}|Projection: 1)", line)
        for line in trailers[:-1]
    )


@pytest.mark.parametrize("job", HOSTILE)
@pytest.mark.parametrize("branch", ["main", *HOSTILE[:6]])
def test_hostile_names_reach_neither_terminals_nor_people_nor_trailers(job, branch):
    check(told(*failure(job, branch, "3 files would be reformatted")))


@given(st.lists(events(), min_size=1, max_size=4))
def test_whatever_happened_the_message_is_plain(made):
    check(told(*made))


def test_a_red_job_reads_as_a_sentence():
    message = told(*failure("ci.yml#lint", "main", "3 files would be reformatted"))
    assert message.startswith(
        "lint red on main@1a2b3c4: 3 files would be reformatted (HEE-PAT-612)\n\nHEE-Index: 3..4\n"
    )


def test_the_trailers_name_range_events_root_and_state():
    made = [bound(Event.new("note.recorded", {"text": str(n)})) for n in range(2)]
    message = story.message(made, first=7, root="cm9vdA==", state="5" * 64, projection=1)
    assert story.trailers(message) == {
        "HEE-Index": "7..8", "HEE-Event": made[1].id, "HEE-Root": "cm9vdA==", "HEE-State": "5" * 64, "HEE-Projection": "1",
    }  # fmt: skip
    assert f"HEE-Event: {made[0].id}\n" in message


def test_a_group_commit_names_its_range_only():
    message = told(*[Event.new("note.recorded", {"text": str(n)}) for n in range(100)])
    assert "HEE-Index: 3..102" in message
    assert "HEE-Event" not in message
    assert message.startswith("note recorded x100\n")
