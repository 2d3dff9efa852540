"""Reports: numbers that name their events, null where nothing was measured, and text of a log that stays text."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_world import LOG_ID, World

from hee_core.events import Event
from hee_core.replay import Replay
from hee_core.testing import events, foreign_events, histories
from hee_monitoring.reports import document, junit, markdown, page, words
from hee_monitoring.reports.trail import Trail

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(1)> ![a](http://evil.example) | @everyone `'&lt;"


@dataclass(frozen=True)
class Line:
    index: int
    event: Event
    commit: str


def lines(history: list[Event], *, together: int = 1) -> list[Line]:
    return [Line(index, event, f"{index // together:040x}") for index, event in enumerate(history)]


def report(history: list[Event], **options: Any) -> dict[str, Any]:
    return document.build(lines(history), log_id=LOG_ID, head="f" * 40, governance=True, **options)  # type: ignore[arg-type]


def story() -> World:
    """A failure that is detected, told, repaired and proved; another whose repair is rolled back."""
    world = World()
    world.say("ci.failure_detected", completed_at="2026-01-24T11:59:31Z")
    world.say("ci.failure_classified")
    world.say("ci.impact_assessed")
    world.move("degraded")
    world.decide(issue_id="ISS-1", kind="issue", action="auto-fix")
    world.say("alert.raised", hours=0.5)
    world.say("fix.started")
    world.say("fix.validated")
    world.say("fix.applied")
    world.say("fix.verified")
    world.say("fix.started", fix_id="fix-2")
    world.say("fix.rolled_back", fix_id="fix-2", duration_ms=90_500)
    world.say("governance.evaluated")
    world.say("governance.evaluated", verdict="fail")
    world.say("coverage.measured", numerator=8555, denominator=10000)
    world.say("gate.evaluated")
    world.say("monitor.heartbeat", source="act", polls=60, since="2026-01-24T11:30:00Z")
    return world


def by_name(figures: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {f["name"]: (f["value"], f["numerator"], f["denominator"], f["met"]) for f in figures}


@pytest.mark.spec("SEED-194", "SEED-196")
def test_a_cycle_says_itself_how_long_explaining_and_recording_took() -> None:
    world = World()
    world.say("ci.polled", analysis_ms=31_000)
    world.say("ci.failure_detected")
    world.say("ci.impact_assessed")
    world.say("monitor.completed", state_update_ms=40)
    latencies = by_name(report(world.events)["latencies"])
    assert latencies["Analysis time"] == (31_000, 0, 1, False)
    assert latencies["State update"] == (40, 1, 1, True)


@pytest.mark.spec("SEED-192", "SEED-193", "SEED-195", "SEED-197", "SEED-198", "SEED-200", "SEED-201")
def test_the_targets_of_the_specification_are_held_against_events() -> None:
    made = report(story().events)
    latencies = by_name(made["latencies"])
    assert latencies.pop("Polling frequency")[1:] == (0, 1, False)
    assert latencies == {
        "Detection latency": (30_000, 1, 1, True),
        "Analysis time": (2000, 1, 1, True),
        "Alert delivery": (1_805_000, 0, 1, False),
        "State update": (None, 0, 0, None),
        "Fix execution": (1_808_000, 0, 1, False),
        "Rollback time": (90_500, 1, 1, True),
    }
    assert by_name(made["rates"]) == {
        "Success rate": (5000, 1, 2, False),
        "Failures repaired": (10_000, 1, 1, None),
        "State preservation": (10_000, 2, 2, True),
        "Decision continuity": (10_000, 1, 1, True),
    }
    assert made["governance"]["evaluations"]["value"] == 5000
    (kept, undone) = made["fixes"]
    assert (kept["outcome"], kept["branch"], [check["event"] for check in kept["proof"]]) == (
        "verified",
        "hee/fix/ISS-1",
        [9],
    )
    assert (undone["outcome"], undone["branch"], undone["events"]) == ("rolled_back", "", [10, 11])


@pytest.mark.spec("SEED-202", "SEED-203", "SEED-204", "SEED-205", "SEED-206", "SEED-207", "SEED-208", "SEED-209")
def test_coverage_has_target_current_gap_and_priority_computed_and_not_copied() -> None:
    rows = {row["name"]: row for row in report(story().events)["coverage"]}
    assert {name: row["priority"] for name, row in rows.items()} == {
        "Line Coverage": "High", "Branch Coverage": "High", "Function Coverage": "Medium", "Integration Tests": "High",
        "Spec Coverage": "Critical", "Prompt Coverage": "Critical", "HEE Decision Coverage": "Critical",
    }  # fmt: skip
    line = rows.pop("Line Coverage")
    assert (line["value"], line["gap"], line["met"], line["numerator"], line["events"]) == (
        8555,
        1445,
        False,
        8555,
        [14],
    )
    assert {(row["target"], row["value"], row["gap"], row["met"]) for row in rows.values()} == {
        (10_000, None, None, None)
    }


def test_a_log_in_which_nothing_happened_claims_nothing() -> None:
    made = report([World().event("note.recorded")])
    assert {figure["value"] for figure in (*made["latencies"], *made["rates"], *made["coverage"])} == {None}
    assert {figure["met"] for figure in (*made["latencies"], *made["rates"])} == {None}
    assert "100 %" not in markdown.write(made).replace("at least 100 %", "").replace("| 100 % | unknown", "")
    assert page.write(made).count("? UNKNOWN") >= 10


@FEW
@given(histories(min_size=1), st.integers(1, 3))
def test_the_timeline_is_the_projection_and_every_number_names_events_that_are_listed(
    history: list[Event], together: int
) -> None:
    made = document.build(lines(history, together=together), log_id=LOG_ID, head=None, governance=True)  # type: ignore[arg-type]
    replay = Replay(lambda start, stop: history[start:stop])
    for point in made["timeline"]:
        state = replay.state_after(point["event"])
        assert (point["status"], point["open"]) == (state.status, len(state.issues))
    assert made["timeline"][-1]["status"] == made["status"]
    listed = {event["event"] for event in made["referenced"]}
    html = page.write(made)
    assert {int(index) for index in re.findall(r'href="#e(\d+)"', html)} <= listed
    assert {int(index) for index in re.findall(r'id="e(\d+)"', html)} == listed
    for figure in (*made["latencies"], *made["rates"]):
        assert figure["numerator"] <= figure["denominator"]
        assert (figure["value"] is None) == (figure["denominator"] == 0) == (figure["interval"] is None)


@FEW
@given(st.lists(foreign_events() | events(), min_size=1, max_size=12))
def test_no_event_that_can_be_read_breaks_a_report(history: list[Event]) -> None:
    made = report(history)
    json.dumps(made, allow_nan=False)
    markdown.write(made)
    page.write(made)
    ET.fromstring(junit.write(made))


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets |= {value or "" for name, value in attrs if name in ("href", "src")}


def hostile() -> dict[str, Any]:
    world = World()
    evidence = [{"channel": "log", "line": 1, "text": HOSTILE, "where": HOSTILE}]
    world.say("ci.failure_detected", job=HOSTILE, step=HOSTILE, evidence=evidence)
    world.say("ci.failure_classified", title=HOSTILE, category=HOSTILE)
    world.say("ci.impact_assessed")
    world.say("decision.recorded", key=HOSTILE, statement=HOSTILE, rationale=HOSTILE)
    world.say("fix.started", strategy=HOSTILE)
    world.say("fix.validated", checks=[{"name": HOSTILE, "ok": False}])
    world.say("fix.rolled_back", reason=HOSTILE)
    world.say("alert.raised", next_step=HOSTILE, title=HOSTILE)
    world.say("gate.evaluated", gate=HOSTILE)
    world.say("ci.failure_detected", issue_id="ISS-2", evidence=evidence)
    world.move("degraded")
    return report(world.events)


def test_a_hostile_log_stays_text_on_the_page() -> None:
    html = page.write(hostile())
    seen = Seen()
    seen.feed(html)
    assert seen.tags.isdisjoint({"script", "img", "iframe", "link", "object", "form", "base"})
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert all(re.fullmatch(r"#e\d+", target) for target in seen.targets)
    assert "alert(1)" in html
    assert "default-src 'none'" in html
    assert "prefers-color-scheme:dark" in html
    assert "@media print" in html


def test_a_hostile_log_stays_text_in_markdown_and_junit() -> None:
    made = hostile()
    for row in markdown.write(made).splitlines():
        plain = re.sub(r"`[^`]*`", "", row)
        assert not re.search(r"<script|<img|!\[|@everyone|https?:", plain), row
    suite = ET.fromstring(junit.write(made))
    assert (suite.get("tests"), suite.get("failures")) == ("3", "3")
    assert suite[0][0].text == " ".join(HOSTILE.split())
    assert suite[0][0].get("message") == HOSTILE


def test_plots_say_in_words_what_they_show() -> None:
    html = page.write(report(story().events))
    for title in ("State and open issues over time", "Failures by cause", "Worst duration against its target"):
        assert f"<title>{title}</title>" in html
    assert html.count("<svg") == 3
    assert "30 min 8 s" in html


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1 s"), (119_999, "119.999 s"), (120_001, "2 min 1 s"), (120_000, "2 min"), (7_260_000, "2 h 1 min")],
)  # fmt: skip
def test_a_duration_is_never_rounded_down_to_a_target(milliseconds: int, said: str) -> None:
    assert words.duration(milliseconds) == said


def test_clocks_that_disagree_give_no_sample() -> None:
    world = World()
    world.say("ci.failure_detected", completed_at="2030-01-01T00:00:00Z")
    world.say("ci.failure_detected", issue_id="ISS-2", completed_at="yesterday")
    trail = Trail(lines(world.events))  # type: ignore[arg-type]
    assert trail.durations["detection_latency"].samples == []


def test_junit_is_xml_whatever_a_log_holds() -> None:
    made = hostile()
    issue = {**made["issues"][0], "title": "a\uffffb\ufffe"}
    suite = ET.fromstring(junit.write({**made, "issues": [issue]}))
    assert suite[0][0].get("message") == "a\ufffdb\ufffd"
