"""The log against a model of thirty lines: whatever writers do, and in whatever order, both agree."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from logs import make_log

import hee_core
from hee_core.clock import FixedClock
from hee_core.errors import Conflict
from hee_core.events import Event
from hee_core.gitstore import open_log
from hee_core.keys import EphemeralSigner
from hee_core.log import Condition

SUBJECTS = ("release", "branch")
STATUS = st.sampled_from([("operational", "degraded"), ("degraded", "operational"), ("degraded", "failed")])


class Model:
    """A list of what was appended, and the status after each."""

    def __init__(self) -> None:
        self.nonces = ["genesis"]
        self.subjects = [""]
        self.status = ["operational"]

    def append(self, event: Event, status: str | None = None) -> bool:
        if event.nonce in self.nonces:
            return False
        self.nonces.append(event.nonce)
        self.subjects.append(event.subject)
        self.status.append(status or self.status[-1])
        return True


class LogMachine(RuleBasedStateMachine):
    """Two handles (as two processes have them) on one log."""

    events = Bundle("events")
    heads = Bundle("heads")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock()
        self.place = Path(tempfile.mkdtemp(prefix="hee-machine-"))
        self.signer = EphemeralSigner()
        self.handles = [make_log(self.place / "repository", clock=self.clock, signer=self.signer)]
        self.handles.append(self.open())
        self.model = Model()

    def open(self):
        return open_log(self.place / "repository", signer=self.signer, clock=self.clock)

    def teardown(self) -> None:
        for log in self.handles:
            log.close()
        shutil.rmtree(self.place)

    def note(self, text: str, subject: str) -> Event:
        return Event.new("note.recorded", {"text": hee_core.clean(text)}, subject=subject, clock=self.clock)

    @rule(
        target=events,
        who=st.integers(0, 1),
        texts=st.lists(st.text(max_size=20), min_size=1, max_size=4),
        subject=st.sampled_from(SUBJECTS),
    )
    def append(self, who, texts, subject):
        made = [self.note(text, subject) for text in texts]
        entry = self.handles[who].append(made)
        for event in made:
            self.model.append(event)
        assert entry.index == len(self.model.nonces) - 1
        return made[-1]

    @rule(target=heads, who=st.integers(0, 1))
    def look(self, who):
        return self.handles[who].head, len(self.model.nonces)

    @rule(who=st.integers(0, 1), head=heads)
    def append_expecting(self, who, head):
        commit, size = head
        event = self.note("expected", "release")
        if size == len(self.model.nonces):
            self.handles[who].append([event], expected=commit)
            self.model.append(event)
        else:
            with pytest.raises(Conflict):
                self.handles[who].append([event], expected=commit)

    @rule(who=st.integers(0, 1), after=st.integers(-1, 30), subject=st.sampled_from(SUBJECTS))
    def append_unless(self, who, after, subject):
        event = self.note("on condition", subject)
        if subject in self.model.subjects[after + 1 :]:
            with pytest.raises(Conflict):
                self.handles[who].append([event], unless=Condition(after, subjects=(subject,)))
        else:
            self.handles[who].append([event], unless=Condition(after, subjects=(subject,)))
            self.model.append(event)

    @rule(who=st.integers(0, 1), event=events, head=heads)
    def retry(self, who, event, head):
        entry = self.handles[who].append([event], expected=head[0])
        assert entry.index == self.model.nonces.index(event.nonce)

    @rule(who=st.integers(0, 1), edge=STATUS)
    def change(self, who, edge):
        event = Event.new("state.changed", {"from": edge[0], "to": edge[1], "trigger": "t"}, clock=self.clock)
        if edge[0] == self.model.status[-1]:
            self.handles[who].append([event])
            self.model.append(event, edge[1])
        else:
            with pytest.raises(hee_core.IllegalTransition):
                self.handles[who].append([event])

    @precondition(lambda self: len(self.model.nonces) > 1)
    @rule(who=st.integers(0, 1), data=st.data())
    def roll_back(self, who, data):
        to = data.draw(st.integers(0, len(self.model.nonces) - 2))
        entry = hee_core.rollback(self.handles[who], to=to, reason="the model says so")
        self.model.append(entry.event, self.model.status[to])

    @rule(who=st.integers(0, 1))
    def reopen(self, who):
        self.handles[who].close()
        self.handles[who] = self.open()

    @rule(who=st.integers(0, 1), at=st.integers(0, 40))
    def travel(self, who, at):
        if at < len(self.model.nonces):
            assert self.handles[who].state_after(at).status == self.model.status[at]

    @rule()
    def verify(self):
        with self.open() as fresh:
            report = hee_core.verify(fresh)
        assert (report.ok, report.events) == (True, len(self.model.nonces)), report.findings

    @invariant()
    def agree(self):
        for log in self.handles:
            assert len(log) == len(self.model.nonces)
            assert log.state.status == self.model.status[-1]
        entries = list(self.handles[0].read())
        assert [entry.index for entry in entries] == list(range(len(entries)))
        assert [entry.event.nonce for entry in entries][1:] == self.model.nonces[1:]


TestLogMachine = pytest.mark.spec("SEED-005", "SEED-184", "SEED-309", "SEED-311", "SEED-312", "SEED-318")(
    LogMachine.TestCase
)
TestLogMachine.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
