"""A history in the making: short words for events, folded as they are said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core import capsule, projection
from hee_core.clock import FixedClock
from hee_core.events import Event
from hee_core.replay import Replay

if TYPE_CHECKING:
    from hee_core.operational import State

LOG_ID = "ab" * 32
SOURCE = f"urn:hee:{LOG_ID}"
COMMIT = "c" * 40
DIGEST = "d" * 64
EVIDENCE = {"channel": "log", "line": 12, "text": "would reformat src/app.py", "where": "lint"}

DEFAULTS: dict[str, dict[str, Any]] = {
    "ci.failure_detected": {
        "issue_id": "ISS-1",
        "fingerprint": "fp-1",
        "source": "act",
        "job": "lint",
        "commit": COMMIT,
        "evidence": [EVIDENCE],
    },
    "ci.failure_classified": {
        "issue_id": "ISS-1",
        "pattern_id": "HEE-PAT-612",
        "category": "format",
        "title": "files would be reformatted",
        "confidence": 9000,
        "database": "2026.1",
    },
    "ci.impact_assessed": {"issue_id": "ISS-1", "impact": "medium", "severity": "low"},
    "ci.issue_resolved": {"issue_id": "ISS-1", "by": "job lint is green"},
    "ci.polled": {"source": "act", "issues_detected": True, "commit": COMMIT},
    "decision.recorded": {"key": "api.version", "statement": "stay on 2"},
    "decision.ended": {"how": "revoked", "reason": "no longer needed"},
    "fix.started": {"fix_id": "fix-1", "issue_id": "ISS-1", "pattern_id": "HEE-PAT-612", "strategy": "ruff-format"},
    "fix.validated": {"fix_id": "fix-1", "phase": "post", "ok": True, "checks": [{"name": "job lint", "ok": True}]},
    "fix.applied": {
        "fix_id": "fix-1",
        "issue_id": "ISS-1",
        "files": ["src/app.py"],
        "insertions": 2,
        "deletions": 1,
        "diff": DIGEST,
        "outcome": "verified",
        "branch": "hee/fix/ISS-1",
    },
    "fix.verified": {"fix_id": "fix-1", "issue_id": "ISS-1", "checks": [{"name": "job lint", "ok": True}]},
    "fix.rolled_back": {"fix_id": "fix-1", "issue_id": "ISS-1", "pattern_id": "HEE-PAT-612", "reason": "still red"},
    "fix.refused": {"issue_id": "ISS-1", "pattern_id": "HEE-PAT-612", "reason": "manual only", "rule": "matrix"},
    "fix.suggested": {
        "issue_id": "ISS-1",
        "pattern_id": "HEE-PAT-612",
        "commit": "a" * 40,
        "command": "agent",
        "request": "{}",
        "outcome": "proposed",
        "reason": "held",
    },
    "fix.stopped": {
        "issue_id": "ISS-1",
        "pattern_id": "HEE-PAT-612",
        "fingerprint": "fp-1",
        "rule": "repeats",
        "reason": "again and again",
        "fixes": ["HEE-FIX-1"],
        "playbook": [{"step": "stop", "said": "no further repair"}],
    },
    "fix.proposed": {"issue_id": "ISS-1", "pattern_id": "HEE-PAT-612", "strategy": "ruff-format", "reason": "medium"},
    "governance.evaluated": {"scope": "cycle", "verdict": "pass", "evaluated": 12},
    "gate.evaluated": {"gate": "spec_coverage", "target": 10000, "value": 9999, "met": False},
    "coverage.measured": {"metric": "line", "value": 8555},
    "alert.raised": {"issue_id": "ISS-1", "severity": "high", "title": "look", "next_step": "Fix the test"},
    "approval.granted": {"subject": "ISS-1", "statement": "go ahead"},
    "state.frozen": {"reason": "rollback failed"},
    "state.unfrozen": {"reason": "looked at it"},
    "state.checkpointed": {"backup_id": "b-1", "index": 3, "capsule": DIGEST, "decisions": 0},
    "config.loaded": {"path": "hee.yaml", "digest": DIGEST},
    "patterns.loaded": {"version": "2026.1", "digest": DIGEST, "count": 60},
    "monitor.started": {"source": "act", "capsule": DIGEST, "status": "operational"},
    "monitor.completed": {"failures": 1, "open_issues": 1},
    "note.recorded": {"text": "hello"},
}


class World:
    """A log without a log: events, the state after them, and every earlier state."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.clock = FixedClock("2026-01-24T12:00:00.000000Z", step=0)
        self.replay = Replay(lambda start, stop: self.events[start:stop])

    @property
    def state(self) -> State:
        return self.replay.state_after(len(self.events) - 1)

    @property
    def capsule(self) -> dict[str, Any]:
        return capsule.build(self.state, log_id=LOG_ID)

    @property
    def issue(self) -> dict[str, Any]:
        return dict(self.state.issues["ISS-1"])

    @property
    def fixes(self) -> list[dict[str, Any]]:
        return list(self.capsule["hee_auto_fix_history"])

    def event(self, type_: str, *, actor: str = "", hours: float = 0, **data: Any) -> Event:
        """A bound event that is not said yet; a person approves and takes back, the agent says the rest."""
        actor = actor or ("human:ada" if type_.startswith("approval.") else "agent:hee")
        self.clock.sleep(1 + 3600 * hours)
        draft = Event.new(type_, {**DEFAULTS.get(type_, {}), **data}, clock=self.clock)
        return draft.bound(source=SOURCE, actor=actor, key_id="key")

    def say(self, type_: str, **data: Any) -> Event:
        """Adds an event, as an honest writer would: guarded."""
        event = self.event(type_, **data)
        self.guard(event)
        self.events.append(event)
        return event

    def claim(self, type_: str, data: dict[str, Any], **envelope: Any) -> State:
        """Adds an event that nobody checked, and returns the state after it."""
        wire = {"version": 1, "time": "2026-01-24T12:00:00Z", "actor": "agent:hee", **envelope}
        event = Event(type=type_, data=data, nonce=f"{len(self.events):032x}", source=SOURCE, key_id="key", **wire)
        self.events.append(Event.from_bytes(event.to_bytes()))
        return self.state

    def guard(self, event: Event) -> None:
        """Raises what an honest writer would be told."""
        projection.guard(
            self.state, event, restore=self.replay.state_after, event_id=lambda index: self.events[index].id
        )

    def move(self, *words: str) -> None:
        """Walks the state machine along these status words."""
        for word in words:
            self.say("state.changed", **{"from": self.state.status, "to": word, "trigger": "test"})

    def decide(self, **data: Any) -> str:
        """Records a decision and returns its id."""
        self.say("decision.recorded", **data)
        return list(self.state.decisions)[-1]

    def return_to(self, index: int) -> Event:
        """Rolls back."""
        state = projection.digest(self.replay.state_after(index))
        return self.say(
            "state.rolled_back", to_index=index, to_event=self.events[index].id, state=state, reason="a test"
        )
