"""Three clones and a remote that others may abuse, against a small model: nothing acknowledged is lost, and all converge."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from clones import REF, Clones, changed, note, refs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from logs import git, open_at

import hee_core
from hee_core.errors import GitError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.vouching import signed_by

WHO = st.integers(0, 2)
SOAK = bool(os.environ.get("HEE_SOAK"))


class SyncMachine(RuleBasedStateMachine):
    """`acknowledged` is the model: each event's id, and the clone that said yes to it. `aside` was reported as refused."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="hee-sync-"))
        self.world = Clones(self.place)
        self.logs = []
        with open_at(self.place / "first", signer=self.world.signer) as log:
            signers = [EphemeralSigner(actor=f"agent:{name}") for name in "abc"]
            for signer in signers:
                data = {"public_key": signer.public_key, "actor": signer.actor, "role": "agent"}
                log.append([Event.new("key.added", data)])
            git(self.place / "first", "push", "--quiet", str(self.world.origin), f"{REF}:{REF}")
        for name, signer in zip("abc", signers, strict=True):
            self.logs.append(self.world.clone(name, signer=signer))
        self.acknowledged: dict[str, int] = {}
        self.aside: set[str] = set()
        self.online = True

    def teardown(self) -> None:
        try:
            self.end()
        finally:
            for log in self.logs:
                log.close()
            shutil.rmtree(self.place)

    def append(self, who: int, events: list[Event]) -> None:
        entry = self.logs[who].append(events)
        for index in range(entry.index - len(events) + 1, entry.index + 1):
            self.acknowledged[self.logs[who].event_id(index)] = who

    def sync(self, who: int):
        done = hee_core.sync(self.logs[who])
        self.aside.update(one.event.id for one in done.refused)
        return done

    @rule(who=WHO, count=st.integers(1, 3))
    def record(self, who, count):
        self.append(who, [note(f"{who} {n}") for n in range(count)])

    @rule(who=WHO)
    def change(self, who):
        status = self.logs[who].state.status
        to = "degraded" if status == "operational" else "operational"
        self.append(who, [changed(status, to), note("why")])

    @rule(who=WHO)
    def synchronize(self, who):
        if self.online:
            done = self.sync(who)
            assert not done.findings
            assert done.head == self.world.tip() == self.logs[who].head
        else:
            before = refs(self.place / "abc"[who])
            with pytest.raises(GitError, match="cannot be reached"):
                hee_core.sync(self.logs[who])
            assert refs(self.place / "abc"[who]) == before

    @rule()
    def cut_or_mend_the_network(self):
        here, there = (self.world.origin, self.place / "gone")[:: 1 if self.online else -1]
        here.rename(there)
        self.online = not self.online

    @rule(who=WHO)
    def another_process(self, who):
        signer = self.logs[who].signer
        with open_at(self.place / "abc"[who], signer=signer) as log:
            event = note("by another process")
            log.append([event])
            entry = log.append([event])  # a retry
            self.acknowledged[entry.event.id] = who

    @precondition(lambda self: self.online)
    @rule(back=st.integers(1, 4), forge=st.booleans())
    def abuse(self, back, forge):
        """Somebody moves the remote's branch back, or puts another history there, and is found out by who saw more."""
        true = self.world.tip()
        commits = git(self.world.origin, "rev-list", "--first-parent", REF).split()
        point = commits[min(back, len(commits) - 1)]
        knew = []
        for who, log in enumerate(self.logs):
            tracked = git(self.place / "abc"[who], "rev-parse", "refs/hee/remotes/origin")
            knew += [who] if tracked in commits[: commits.index(point)] else []
            del log
        if forge:
            git(self.place, "clone", "--quiet", "--bare", str(self.world.origin), "forger")
            git(self.place / "forger", "update-ref", REF, point)
            with open_at(self.place / "forger", signer=self.world.signer) as forger:
                forger.append([note("instead")])
                point = forger.head
            git(self.place / "forger", "push", "--quiet", "--force", "origin", REF)
            shutil.rmtree(self.place / "forger")
        else:
            self.world.force(point)
        for who in knew:
            before = refs(self.place / "abc"[who])
            done = hee_core.sync(self.logs[who])
            assert [one.kind for one in done.findings] == ["rewritten" if forge else "rolled-back"]
            assert done.findings[0].index > 0
            assert refs(self.place / "abc"[who]) == before
        self.world.force(true)

    @invariant()
    def nothing_is_missing_where_it_was_acknowledged(self):
        here = [{entry.event.id for entry in log.read()} for log in self.logs]
        for event_id, who in self.acknowledged.items():
            assert event_id in here[who] or event_id in self.aside

    def end(self) -> None:
        """Everybody syncs, and everybody has the same."""
        if not self.online:
            self.cut_or_mend_the_network()
        for who in (0, 1, 2, 0, 1):
            self.sync(who)
        orders = [[entry.event.id for entry in log.read()] for log in self.logs]
        assert orders[0] == orders[1] == orders[2]
        assert {log.head for log in self.logs} == {self.world.tip()}
        assert len(set(orders[0])) == len(orders[0])
        assert set(self.acknowledged) <= set(orders[0]) | self.aside
        assert not self.aside & set(orders[0])
        for name, log in zip("abc", self.logs, strict=True):
            kept = git(self.place / name, "for-each-ref", "--format=%(refname)", "refs/hee/unsynced/").split()
            texts = [git(self.place / name, "log", "--format=%B", ref) for ref in kept]
            mine = {event for event in self.aside if self.acknowledged[event] == "abc".index(name)}
            assert all(any(event in text for text in texts) for event in mine)
            with open_at(self.place / name, signer=EphemeralSigner()) as reader:
                report = hee_core.verify(reader)
            assert report.ok, report.findings
            for event, line in zip(
                (entry.event for entry in log.read()),
                (line for step in log.store.steps(log.head, None, "signatures") for line in step.content.splitlines()),
                strict=True,
            ):
                assert signed_by(event, line) == event.key_id


TestSyncMachine = pytest.mark.slow(pytest.mark.spec("SEED-005", "SEED-309", "SEED-310")(SyncMachine.TestCase))
TestSyncMachine.settings = settings(
    max_examples=60 if SOAK else 3,
    stateful_step_count=25 if SOAK else 9,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
