"""Who is told of what, and when: planned from the state alone, each transition once, a storm as a handful of messages."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_world import World

from hee_core.alerts import ALERTS_KEPT
from hee_core.errors import ConfigError, EventError, Frozen
from hee_governance.alertsettings import AlertChannel
from hee_governance.config import load
from hee_monitoring.alerting.message import Message
from hee_monitoring.alerting.planning import BUDGET, due
from hee_monitoring.alerting.standing import standing
from hee_monitoring.impact import WITHIN

CHAT = AlertChannel("chat", "chat", "CHAT_URL", "", "low", "raised")
PAGER = AlertChannel("pager", "webhook", "PAGER_URL", "", "low", "unacknowledged")
SPEC = pytest.mark.spec


class Told(World):
    """A history in which messages that are due are taken by their channels, unless a channel is down."""

    def __init__(self, *channels: AlertChannel, down: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.channels, self.down = channels, down
        self.sent: list[tuple[str, str, tuple[str, ...]]] = []

    def break_(self, name: str = "ISS-1", severity: str = "high") -> None:
        """A failure that a person is told of."""
        at_once = {"issue_id": name, "hours": -1 / 3600}
        self.say("ci.failure_detected", fingerprint=name, **at_once)
        self.say("ci.failure_classified", **at_once)
        self.say("ci.impact_assessed", severity=severity, **at_once)
        self.say("alert.raised", severity=severity, **at_once)

    def deliver(self, *, after_s: float = 0) -> list[tuple[str, str, tuple[str, ...]]]:
        """Sends what is due, some time later, and records it; returns channel, stage and names of each message."""
        self.clock.sleep(after_s)
        told = []
        for channel, message in list(due(self.state, self.channels, self.clock.now())):
            names = [alert.name for alert in message.alerts]
            data = {"channel": channel.name, "stage": message.stage, "alerts": names, "message": message.name}
            if channel.name in self.down:
                self.say("alert.undelivered", **data, attempt=message.attempt, reason="it answers 500")
            else:
                self.say("alert.delivered", **data)
                told.append((channel.name, message.stage, tuple(names)))
        self.sent += told
        return told


def test_each_transition_is_told_once():
    world = Told(CHAT)
    world.break_()
    assert world.deliver() == [("chat", "raised", ("ISS-1",))]
    world.say("ci.failure_detected")  # seen again: nothing new
    assert world.deliver() == []
    world.say("ci.issue_resolved")
    assert world.deliver() == [("chat", "closed", ("ISS-1",))]
    assert world.deliver() == []
    assert not world.state.ledger.alerts
    world.break_()
    assert world.deliver() == [("chat", "raised", ("ISS-1",))]


@SPEC("EXT-03")
@pytest.mark.parametrize(("severity", "within"), [("high", 300), ("medium", 900), ("low", 3600)])
def test_others_are_called_when_nobody_acknowledges_in_the_time_of_the_matrix(severity, within):
    assert WITHIN[severity] == within
    world = Told(CHAT, PAGER)
    world.break_(severity=severity)
    assert world.deliver() == [("chat", "raised", ("ISS-1",))]
    assert world.deliver(after_s=within - 60) == []
    assert world.deliver(after_s=60) == [("pager", "escalated", ("ISS-1",))]
    assert world.deliver(after_s=86400) == []


@SPEC("EXT-03")
def test_for_a_critical_alert_everybody_is_called_at_once():
    world = Told(CHAT, PAGER)
    world.break_(severity="critical")
    assert world.deliver() == [("chat", "raised", ("ISS-1",)), ("pager", "escalated", ("ISS-1",))]


def test_who_acknowledges_keeps_others_from_being_called_until_it_breaks_again():
    world = Told(CHAT, PAGER)
    world.break_()
    world.deliver()
    world.say("alert.acknowledged", alert="ISS-1", statement="on it", actor="human:ada")
    assert world.deliver(after_s=86400) == []
    world.say("ci.issue_resolved")
    assert world.deliver() == [("chat", "closed", ("ISS-1",))]
    world.break_()
    world.deliver()
    assert world.deliver(after_s=300) == [("pager", "escalated", ("ISS-1",))]


def test_only_a_person_acknowledges_and_nothing_in_advance():
    world = Told(CHAT)
    with pytest.raises(EventError, match="only a person"):
        world.say("alert.acknowledged", alert="ISS-1")
    world.say("alert.acknowledged", alert="ISS-1", actor="human:ada")
    world.break_()
    world.deliver()
    assert not world.state.ledger.alerts["ISS-1"]["acknowledged"]


@pytest.mark.parametrize(
    ("alert", "begin", "end"),
    [
        ("state", ("state.frozen", {"reason": "look"}), ("state.unfrozen", {"actor": "human:ada"})),
        (
            "source/github",
            ("monitor.blinded", {"source": "github", "kind": "network", "reason": "away"}),
            ("monitor.recovered", {"source": "github", "since": "2026-01-24T12:00:00Z"}),
        ),
    ],
)
def test_what_was_seen_to_before_anybody_was_told_is_seen_to_until_it_ends(alert, begin, end):
    world = Told(CHAT, PAGER)
    world.say(begin[0], **begin[1])
    world.say("alert.acknowledged", alert=alert, actor="human:ada")
    assert world.deliver() == [("chat", "raised", (alert,))]
    assert world.deliver(after_s=4000) == []
    world.say(end[0], **end[1])
    world.say(begin[0], **begin[1])  # begins anew before anybody was told of its end
    assert not world.state.ledger.alerts[alert]["acknowledged"]
    assert world.deliver(after_s=4000) == [("pager", "escalated", (alert,))]


def test_an_acknowledgement_of_a_failed_state_ends_with_it():
    world = Told(CHAT)
    before = world.say("note.recorded")
    for leave in (lambda: world.return_to(world.events.index(before)), lambda: world.move("degraded")):
        world.move("degraded", "failed")
        world.say("alert.acknowledged", alert="state", actor="human:ada")
        assert world.state.ledger.alerts["state"]["acknowledged"]
        leave()
        assert not world.state.ledger.alerts


def test_without_a_channel_for_that_the_same_ones_are_reminded_once():
    world = Told(CHAT)
    world.break_(severity="critical")
    assert world.deliver() == [("chat", "raised", ("ISS-1",))]
    assert world.deliver(after_s=299) == []
    assert world.deliver(after_s=1) == [("chat", "escalated", ("ISS-1",))]
    assert world.deliver(after_s=86400) == []


def test_a_channel_hears_only_of_what_is_bad_enough():
    world = Told(AlertChannel("chat", "chat", "CHAT_URL", "", "high", "raised"))
    world.break_("ISS-1", "medium")
    world.break_("ISS-2", "high")
    assert world.deliver() == [("chat", "raised", ("ISS-2",))]


def test_a_channel_that_is_down_is_tried_again_later_and_later_and_others_are_called():
    world = Told(CHAT, PAGER, down=frozenset({"chat"}))
    world.break_()
    assert world.deliver() == []
    assert world.deliver(after_s=29) == []
    tries = lambda: world.state.ledger.alerts["ISS-1"]["failed"]["chat"]["attempt"]  # noqa: E731
    assert tries() == 1
    world.deliver(after_s=2)
    assert tries() == 2
    assert world.deliver(after_s=300) == [("pager", "escalated", ("ISS-1",))]
    for _ in range(10):
        world.deliver(after_s=4000)
    assert tries() == 10
    for _ in range(240):
        world.deliver(after_s=3600)
    assert tries() == 20  # once a day from here on: a month of it is a handful of events
    world.down = frozenset()
    assert world.deliver(after_s=86400) == [("chat", "raised", ("ISS-1",))]
    world.say("ci.issue_resolved")
    assert [stage for _, stage, _ in world.deliver()] == ["closed", "closed"]


def test_a_channel_that_works_again_hears_at_once_of_what_it_missed():
    world = Told(CHAT, down=frozenset({"chat"}))
    world.break_()
    for _ in range(12):
        world.deliver(after_s=4000)
    world.down = frozenset()
    assert world.deliver(after_s=4000) == []
    world.break_("ISS-2")
    assert world.deliver(after_s=1) == [("chat", "raised", ("ISS-2",))]
    assert world.deliver(after_s=1) == [("chat", "raised", ("ISS-1",))]


@pytest.mark.parametrize("down", [frozenset(), frozenset({"chat"})])
def test_a_clock_that_is_set_back_a_year_silences_nobody(down):
    world = Told(CHAT, PAGER, down=down)
    for number in range(BUDGET):
        world.break_(f"ISS-{number}", "medium")
        world.deliver(after_s=1)
    world.clock.sleep(-365 * 86400)
    world.down = frozenset()
    world.break_("ISS-new", "medium")
    told = {name for _ in range(3) for _, _, names in world.deliver(after_s=700) for name in names}
    assert told >= {"ISS-new", "ISS-0"}


def test_more_alerts_than_are_kept_are_told_once():
    world = Told(CHAT)
    for number in range(ALERTS_KEPT + 100):
        world.break_(f"ISS-{number}", "medium")
    assert len(world.deliver()) == 1
    assert world.deliver(after_s=700) == []
    assert world.deliver(after_s=300) == [("chat", "escalated", tuple(world.state.issues))]
    assert world.deliver(after_s=700) == []


def test_what_a_rollback_took_away_is_not_called_resolved():
    world = Told(CHAT)
    before = world.say("note.recorded")
    world.break_()
    world.deliver()
    world.return_to(world.events.index(before))
    ((_, message),) = due(world.state, world.channels, world.clock.now())
    assert "resolved" not in message.text("ada/app")


def test_a_message_has_the_same_name_at_each_try_and_another_when_it_is_told_anew():
    world = Told(CHAT)
    world.break_()
    names = []
    for _ in range(2):
        ((_, message),) = due(world.state, world.channels, world.clock.now())
        names.append(message.name)
    world.deliver()
    world.say("ci.issue_resolved")
    world.deliver()
    world.break_()
    ((_, message),) = due(world.state, world.channels, world.clock.now())
    assert names[0] == names[1] != message.name


def test_a_storm_of_a_thousand_failures_is_a_handful_of_messages():
    world = Told(CHAT)
    for cycle in range(20):
        for number in range(50):
            world.break_(f"ISS-{cycle}-{number}", "medium")
        world.deliver(after_s=30)
    world.deliver(after_s=600)
    assert {name for _, stage, names in world.sent if stage == "raised" for name in names} == set(world.state.issues)
    raised = sum(stage == "raised" for _, stage, _ in world.sent)
    assert len(world.state.issues) == 1000
    assert raised <= BUDGET + 1


def test_a_critical_alert_still_gets_through_a_storm():
    world = Told(CHAT)
    for cycle in range(BUDGET):
        world.break_(f"ISS-{cycle}", "medium")
        world.deliver(after_s=1)
    world.break_("ISS-waits", "medium")
    assert world.deliver() == []
    world.break_("ISS-critical", "critical")
    assert world.deliver() == [("chat", "raised", ("ISS-critical",))]
    assert world.deliver(after_s=600)[0] == ("chat", "raised", ("ISS-waits",))


def test_people_are_told_of_a_freeze_while_it_lasts_and_of_its_end():
    world = Told(CHAT)
    world.say("state.frozen", reason="the rollback failed")
    assert world.deliver() == [("chat", "raised", ("state",))]
    with pytest.raises(Frozen):
        world.say("ci.polled")
    world.say("alert.acknowledged", alert="state", actor="human:ada")
    world.say("state.unfrozen", actor="human:ada")
    assert world.deliver() == [("chat", "closed", ("state",))]


def test_people_are_told_of_a_source_that_cannot_be_asked_and_of_a_state_that_failed():
    world = Told(CHAT)
    world.say("monitor.blinded", source="github", kind="authentication", reason="GitHub does not accept the token")
    assert world.deliver() == [("chat", "raised", ("source/github",))]
    world.say("monitor.recovered", source="github", since="2026-01-24T12:00:00Z")
    assert world.deliver() == [("chat", "closed", ("source/github",))]
    world.move("degraded", "failed")
    assert world.deliver() == [("chat", "raised", ("state",))]


def test_what_people_were_told_survives_a_rollback():
    world = Told(CHAT)
    before = world.say("note.recorded")
    world.break_()
    world.deliver()
    world.return_to(world.events.index(before))
    assert world.deliver() == [("chat", "closed", ("ISS-1",))]


@given(st.lists(st.sampled_from(["break", "heal", "deliver", "later", "down", "up", "seen"]), max_size=25))
def test_telling_twice_tells_nothing_new(steps):
    world = Told(CHAT, PAGER)
    for step in steps:
        if step == "break":
            world.break_()
        elif step == "heal":
            world.say("ci.issue_resolved")
        elif step == "deliver":
            world.deliver()
        elif step == "later":
            world.deliver(after_s=400)
        elif step == "seen":
            world.say("alert.acknowledged", alert="ISS-1", actor="human:ada")
        else:
            world.down = frozenset({"chat"}) if step == "down" else frozenset()
    world.deliver()
    assert world.deliver() == []
    for channel in ("chat", "pager"):
        stages = [stage for name, stage, _ in world.sent if name == channel]
        assert all(one != other for one, other in pairwise(stages))


def test_a_message_calls_nobody_and_stays_on_its_lines():
    world = Told(CHAT)
    world.say(
        "ci.failure_detected",
        evidence=[{"channel": "log", "line": 1, "text": "<!channel> @here\nghp_" + "a" * 36, "where": "lint"}],
    )
    world.say("ci.failure_classified", title="@everyone look\nsecond line")
    world.say("ci.impact_assessed", severity="high")
    world.say("alert.raised")
    (alert,) = standing(world.state).values()
    message = Message("0" * 64, "raised", (alert,))
    text = message.text("ada/app")
    assert "@" not in text
    assert "ghp_" not in text
    assert "second line" in text.splitlines()[0]
    assert json.loads(json.dumps(message.document("ada/app", "ab" * 32)))["alerts"][0]["name"] == "ISS-1"


def test_a_message_about_a_thousand_is_about_as_long_as_one_about_ten():
    world = Told(CHAT)
    for number in range(1000):
        world.break_(f"ISS-{number}")
    alerts = tuple(standing(world.state).values())
    long, short = (Message("0" * 64, "raised", alerts[:count]).text("ada/app") for count in (1000, 10))
    assert len(long) < len(short) + 100
    assert "1000 alerts (1000 format)" in long


def settings(rows: str) -> bytes:
    return f'hee_monitoring:\n  version: "1.0"\n  alerts:\n{rows}'.encode()


def test_channels_are_configured_without_an_address():
    config = load(settings("    - {name: chat, type: chat, url: CHAT_URL, least: high}\n"))
    assert config.alerts == (AlertChannel("chat", "chat", "CHAT_URL", "", "high", "raised"),)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("    - {name: chat, type: chat, url: 'https://hooks.example/secret'}\n", "environment variable"),
        ("    - {name: chat, type: chat}\n", "/alerts/0/url is missing"),
        ("    - {name: a, type: chat, url: A}\n    - {name: a, type: chat, url: B}\n", "the same channel twice"),
        ("    - {name: a, type: chat, url: A, when: unacknowledged}\n", "tells nobody at once"),
        ("    - {name: a, type: chat, url: A, least: loud}\n", "not one of"),
        ("    chat\n", "is a list"),
    ],
)
def test_a_channel_that_cannot_be_right_is_refused_with_its_place(rows, said):
    with pytest.raises(ConfigError, match=said):
        load(settings(rows))
