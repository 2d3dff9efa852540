"""Both verifiers refuse the same event of logs in which agents and people decide, allow, seal, roll back and freeze."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import hee_core
from hee_core import chain, machine
from hee_core.clock import FixedClock
from hee_core.errors import HeeError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.memory import MemoryStore
from hee_core.sshsig import EVENT_NAMESPACE

SCRIPT = Path(__file__).parents[2] / "docs" / "verify-log.mjs"
AGENT, ADA = EphemeralSigner(actor="agent:hee"), EphemeralSigner(actor="human:ada")
ISSUES = ("HEE-ISS-1", "HEE-ISS-2")


class Wanderer:
    """A log that grows by what somebody signs, asked or not whether it may stand there."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.log = Log(MemoryStore(), signer=AGENT, clock=FixedClock())
        self.log.create()
        self.names: list[str] = ["HEE-DEC-00000000"]
        self.approvals: list[str] = ["0" * 64]

    def data(self, type_: str) -> dict[str, Any]:
        """A payload that names what there is, was, or never was."""
        some, at = self.choose.choice, self.choose.randrange(len(self.log))
        point = {"index": at, "event": self.log.event_id(at)}
        step = some(machine.TRANSITIONS)
        made: dict[str, dict[str, Any]] = {
            "decision.recorded": {
                "key": "k", "statement": "s", "kind": some(["standing", "issue"]), "issue_id": some(["", *ISSUES]),
                "supersedes": some(["", "", *self.names]),
            },
            "decision.ended": {"decision_id": some(self.names), "how": "revoked", "reason": ""},
            "ci.issue_resolved": {"issue_id": some(ISSUES), "by": "seen"},
            "approval.granted": {"subject": f"rollback/{at}", "statement": "s", "expires": some(["", "2026-01-24T13:00:00Z", "2026-02-01"])},
            "approval.revoked": {"approval_id": some(self.approvals), "reason": ""},
            "alert.acknowledged": {"alert": some([*ISSUES, "state"]), "statement": ""},
            "token.approved": {"name": "t", "fingerprint": "SHA256:x", "statement": ""},
            "pattern.proposed": {
                "candidate": "HEE-CAN-000000000001", "regex": "a", "template": "a", "category": "c", "support": 1,
                "repositories": 1, "examples": [],
            },
            "state.checkpoint_sealed": {**point, "reason": "r"},
            "state.rolled_back": {
                "to_index": at, "to_event": point["event"], "state": self.log.state_after(at).digest, "reason": "r",
            },
            "state.changed": {"from": some([self.log.state.status, step.from_]), "to": step.to, "trigger": "t"},
            "state.frozen": {"reason": "r"},
            "state.unfrozen": {"reason": "r"},
            "key.added": {"public_key": ADA.public_key, "actor": ADA.actor, "role": "human"},
            "key.root_granted": {"key_id": ADA.key_id},
            "alert.raised": {"severity": "low", "title": "t"},
        }  # fmt: skip
        return made[type_]

    def step(self, *, lawful: bool) -> bool:
        """One more event; says whether an honest writer would have made it."""
        types = [*TYPES, *(["decision.recorded", "decision.ended", "approval.granted", "state.rolled_back"] * 2)]
        while True:
            signer, type_ = self.choose.choice([AGENT, ADA]), self.choose.choice(types)
            try:
                draft = Event.new(type_, self.data(type_), clock=self.log.clock)
            except HeeError:
                continue
            head = self.log.refresh()
            event = chain.bind(head, draft, signer)
            fault: HeeError | None = head.keyring.fault(signer, head.size) if head.keyring else None
            try:
                chain.guard(head, event, self.log)
            except HeeError as error:
                fault = fault or error
            if (fault is None) != lawful:
                if not lawful and self.choose.random() < 0.02:
                    return True
                continue
            try:
                after = chain.grow(head, (event,), self.log)
            except HeeError:
                after = chain.skip(head, event.to_bytes())
            signature = signer.sign(event.to_bytes(), EVENT_NAMESPACE)
            made = chain.seal(head, after, [event], [signature], AGENT, object_format="sha1")
            self.log.store.publish(made.objects, made.head.commit or "", head.commit)
            self.log.take(made.head)
            self.names += [name for name in self.log.state.decisions if name not in self.names]
            self.approvals += [event.id] if type_ == "approval.granted" else []
            return fault is None

    def rows(self, number: Any) -> list[Any]:
        """The log as a vector's commits."""
        store = self.log.store
        assert isinstance(store, MemoryStore)
        return [
            [
                number(store.objects[step.commit][1].decode()),
                [["100644", name, number(store.file(step.commit, name).decode())] for name in sorted(chain.FILES)],
            ]
            for step in store.steps(store.tip() or "", None)
        ]


TYPES = (
    "decision.recorded", "decision.ended", "ci.issue_resolved", "approval.granted", "approval.revoked",
    "alert.acknowledged", "token.approved", "pattern.proposed", "state.checkpoint_sealed", "state.rolled_back",
    "state.changed", "state.frozen", "state.unfrozen", "key.added", "key.root_granted", "alert.raised",
)  # fmt: skip


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.spec("SEED-215", "SEED-309")
def test_both_verifiers_refuse_the_same_event(tmp_path):
    texts: dict[str, int] = {}
    number = lambda text: texts.setdefault(text, len(texts))  # noqa: E731
    walks, lawful = [], []
    for seed in range(300 if os.environ.get("HEE_SOAK") else 24):
        walk = Wanderer(random.Random(seed))
        for _ in range(walk.choose.randrange(5, 24)):
            walk.step(lawful=True)
        lawful.append(seed % 4 == 0 or walk.step(lawful=False))
        walks.append(walk)
    vectors = [{"name": n, "object_format": "sha1", "commits": walk.rows(number)} for n, walk in enumerate(walks)]
    path = tmp_path / "walks.json"
    path.write_text(json.dumps({"vectors": vectors, "texts": list(texts)}))
    done = subprocess.run(["node", SCRIPT, "--vectors", path], capture_output=True, text=True, check=True)
    seen = set()
    for walk, good, line in zip(walks, lawful, done.stdout.splitlines(), strict=True):
        mine = hee_core.verify(Log(walk.log.store))
        other = json.loads(line)["findings"]
        last = walk.log.entry(len(walk.log) - 1).event
        said = [(one.index, one.kind) for one in mine.findings][:1]
        assert said == [(one["index"], one["kind"]) for one in other][:1], (mine.findings, other, last.type, last.actor)
        assert mine.ok is good, (mine.findings, last.type)
        seen |= {last.type} if said else set()
    assert len(seen & set(TYPES)) > 8, "many rules were broken"
