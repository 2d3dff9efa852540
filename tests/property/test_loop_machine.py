"""No interleaving with another bot and a person makes HEE repair one failure without end.

The world is a few values (what stands on the branch, what is offered), the log and the rules that decide are the real ones.
What must hold is counted here from the actions themselves, not from what the code under test counts.
"""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hee_core.clock import FixedClock, seconds_between
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.memory import MemoryStore
from hee_core.record import Record
from hee_governance.config import dump_default, load
from hee_governance.decide import MAX_ATTEMPTS, MAX_REPEATS, Policy
from hee_monitoring import loops, pipeline
from hee_monitoring.attempts import Attempt, record_of
from hee_monitoring.cycle import Cycle, Result
from hee_monitoring.database import PatternDB
from hee_monitoring.evidence import Diagnosis
from hee_monitoring.fixes.outcome import Check, Outcome, Request
from hee_monitoring.verdicts import verdict_of

ISSUE = {"issue_id": "HEE-ISS-1"}
ORDER = ["stop", "capture", "classify", "correct", "verify", "report"]
DAY = 86400.0


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class LoopMachine(RuleBasedStateMachine):
    """HEE, a bot that works against it, a person who pushes, merges, approves and freezes, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock()
        store = MemoryStore()
        self.log = Log(store, signer=EphemeralSigner(), clock=self.clock)
        self.log.create("here")
        ada = EphemeralSigner(actor="human:ada")
        self.log.append(
            [
                Event.new(
                    "key.added", {"public_key": ada.public_key, "actor": "human:ada", "role": "human"}, clock=self.clock
                )
            ]
        )
        self.person = Log(store, signer=ada, clock=self.clock)
        config = load(dump_default(self.log.id))
        patterns = PatternDB.load()
        self.pattern = next(each for each in patterns if each.matrix_row == "format")
        workspace = SimpleNamespace(
            log=self.log, config=config, clock=self.clock, policy=Policy.of(config), patterns=patterns
        )
        self.cycle = Cycle(workspace, SimpleNamespace(name="act"), "0" * 40, "main")
        self.number = 0
        self.content, self.before, self.offered = "good 0", "", ("", "")
        self.taken: set[str] = set()  # fixes that came into the branch
        self.fails = False
        # what happened since the last approval, by this machine's own account
        self.made: list[tuple[str, str]] = []  # time and change
        self.undone: set[str] = set()  # changes that were in the branch and are not any more
        self.failures, self.stops = 0, 0

    # ------------------------------------------------------------------ the two adversaries, and time

    def _push(self, content: str) -> None:
        self.number += 1
        self.content = content

    @rule()
    def somebody_breaks_it_in_a_new_way(self) -> None:
        self._push(f"bad {self.number + 1}")

    @precondition(lambda self: self.before)
    @rule()
    def a_bot_puts_back_what_was_repaired(self) -> None:
        change = f"{self.before}>{self.content}"
        if sha(change) in [diff for _, diff in self.made]:  # one of before the approval is begun anew like any other
            self.undone.add(change)
        self._push(self.before)

    @rule()
    def somebody_pushes_something_else(self) -> None:
        self._push(self.content)

    @precondition(lambda self: self.offered[0])
    @rule()
    def a_person_merges_the_repair(self) -> None:
        fix, content = self.offered
        if self.content.startswith("bad") and f"good {self.content[4:]}" == content:
            self.before = self.content
            self.taken.add(fix)
            self._push(content)

    @rule(times=st.integers(2, 4), fails=st.booleans())
    def it_goes_on_for_a_while(self, times: int, fails: bool) -> None:
        for _ in range(times):
            self.somebody_breaks_it_in_a_new_way()
            self.fails = fails
            self.hee_looks()
            if self.offered[0]:
                self.a_person_merges_the_repair()

    @rule()
    def a_bot_takes_a_merged_repair_back(self) -> None:
        self.hee_looks()
        if self.offered[0]:
            self.a_person_merges_the_repair()
        if self.before:
            self.a_bot_puts_back_what_was_repaired()
            self.hee_looks()

    @rule(hours=st.sampled_from([1, 7, 25]))
    def time_passes(self, hours: int) -> None:
        self.clock.sleep(hours * 3600.0)

    @rule()
    def the_next_repair_will_not_hold(self) -> None:
        self.fails = True

    @precondition(lambda self: ISSUE["issue_id"] in self.log.state.issues)
    @rule()
    def a_person_approves(self) -> None:
        data = {"subject": ISSUE["issue_id"], "statement": "go on"}
        self.person.append([Event.new("approval.granted", data, clock=self.clock)])
        self.made, self.undone, self.failures, self.stops = [], set(), 0, 0

    @rule()
    def a_person_pulls_or_ends_the_freeze(self) -> None:
        type_ = "state.unfrozen" if self.log.state.frozen else "state.frozen"
        self.person.append([Event.new(type_, {"reason": "enough"}, clock=self.clock)])

    # ------------------------------------------------------------------ HEE

    def _say(self, type_: str, data: dict) -> None:
        self.log.append([Event.new(type_, {**ISSUE, **data}, clock=self.clock)])

    @rule()
    def hee_looks(self) -> None:
        self.log.refresh()
        if self.log.state.frozen:
            with pytest.raises(Exception, match="frozen"):
                self._say("fix.refused", {"pattern_id": self.pattern.pattern_id, "reason": "x"})
            return
        issue, commit = self.log.state.issues.get(ISSUE["issue_id"]), f"{self.number:040x}"
        if self.content.startswith("good"):
            if issue is not None:
                self._say("ci.issue_resolved", {"by": "green", "commit": commit})
            return
        if issue is None or issue["commit"] != commit:
            seen = {
                "fingerprint": "f" * 16,
                "source": "act",
                "job": "ci.yml#format",
                "commit": commit,
                "branch": "main",
                "evidence": [],
            }
            known = {
                "pattern_id": self.pattern.pattern_id,
                "category": self.pattern.category,
                "title": "badly laid out",
                "confidence": 9900,
                "database": "1",
            }
            self._say("ci.failure_detected", seen)
            self._say("ci.failure_classified", known)
            self._say("ci.impact_assessed", {"impact": "low", "severity": "low"})
        pipeline.decide(self.cycle, Result())
        issue = self.log.state.issues[ISSUE["issue_id"]]
        assert self.made or self.failures or self.stops or issue["action"] == "auto-fix", "an approval begins it anew"
        if issue["action"] == "auto-fix" and issue["fix"] is None:
            self._repair(issue)

    def _repair(self, issue: Record) -> None:
        """What `repairs.transact` and `conclude` do, with a change that is a value."""
        good = f"good {self.content[4:]}"
        diff, fix_id = sha(f"{self.content}>{good}"), f"HEE-FIX-{self.number}-{self.clock.nonce()[-6:]}"
        diagnosis = Diagnosis(self.pattern.pattern_id, "format", "badly laid out", "f" * 16, 9900, ())
        request = Request(
            issue["issue_id"],
            fix_id,
            diagnosis,
            "format",
            "ci.yml#format",
            issue["commit"],
            "main",
            trailers={"HEE-Capsule": "0" * 64},
        )
        outcome = Outcome(
            "verified",
            "green",
            "tidy",
            "tidy 1",
            "Tidy",
            sha(fix_id)[:40],
            "1" * 40,
            ("a",),
            1,
            1,
            diff,
            post=(Check("job", ok=True),),
        )
        again = loops.undone(self.log.state, issue, diff, lambda fix: fix["fix_id"] in self.taken)
        if self.fails or again:
            outcome = Outcome("rolled_back", again or "still red", "tidy", "tidy 1")
        attempt = Attempt(issue, request, outcome, 1, verdict_of(self.cycle, issue, self.log.state), None, again)
        events = record_of(self.cycle, attempt, branch=f"hee/fix/{issue['issue_id']}", backup=None)
        if again:
            events.append(loops.incident(self.log.state, issue, "cycle", again, self.clock))
        self.log.append(events)
        if outcome.kept:
            assert not self.stops, "repaired after it was stopped"
            assert f"{self.content}>{good}" not in self.undone, "made again what was taken back"
            self.made.append((self.clock.now(), diff))
            self.offered, self.failures = (fix_id, good), 0
        else:
            self.failures += not again
        self.fails = False

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def repairs_are_bounded(self) -> None:
        times = [time for time, _ in self.made]
        assert all(sum(0 <= seconds_between(start, time) < DAY for time in times) <= MAX_REPEATS for start in times)
        assert self.failures <= MAX_ATTEMPTS

    @invariant()
    def an_incident_is_told_once_and_in_the_playbooks_order(self) -> None:
        told = [entry.event for entry in self.log.read() if entry.event.type in ("fix.stopped", "approval.granted")]
        since = max((number for number, event in enumerate(told) if event.type == "approval.granted"), default=-1)
        self.stops = sum(event.type == "fix.stopped" for event in told[since + 1 :])
        assert self.stops <= 1
        for event in told:
            if event.type == "fix.stopped":
                assert [step["step"] for step in event.data["playbook"]] == ORDER


LoopMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestLoops = LoopMachine.TestCase
