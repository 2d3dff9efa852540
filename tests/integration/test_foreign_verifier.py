"""A verifier in another language, written from the format's page alone, agrees with ours on good logs and on bad ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from forge import Forge
from logs import make_log
from test_tamper import MUTATIONS, OWNER

import hee_core
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.log import Log

SCRIPT = Path(__file__).parents[2] / "docs" / "verify-log.mjs"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
KNOWN = ("drop_append", "edit_event", "merge", "mode")  # `tests/golden/test_vectors.py` has all the others, without git


def check(place: Path, *pin: str) -> dict:
    done = subprocess.run(["node", SCRIPT, place, *pin], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


def make(place: Path, object_format: str = "sha1") -> Log:
    log = make_log(place, signer=OWNER, object_format=object_format)
    first = log.append([Event.new("note.recorded", {"text": 'one h\u00e9llo "quoted"\ttab\nline'})]).event
    change = {"from": "operational", "to": "degraded", "trigger": "t"}
    log.append([Event.new("note.recorded", {"text": "two"}, causes=(first.id,)), Event.new("state.changed", change)])
    log.append([Event.new("decision.recorded", {"key": "k", "statement": "s"})])
    log.append([Event.new("note.recorded", {"text": "five"})])
    hee_core.rollback(log, to=1, reason="a mistake")
    return log


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_both_accept_a_log_with_keys_that_come_and_go(tmp_path, object_format):
    with make(tmp_path / "repository", object_format) as log:
        other = EphemeralSigner(actor="agent:other")
        data = {"public_key": other.public_key, "actor": other.actor, "role": "agent"}
        log.append([Event.new("key.added", data)])
        Log(log.store, signer=other).append([Event.new("note.recorded", {"text": str(n)}) for n in range(9)])
        log.append([Event.new("key.revoked", {"key_id": other.key_id, "reason": "x"})])
        ours = hee_core.verify(log)
        assert check(tmp_path / "repository", log.id) == {
            "ok": True,
            "events": ours.events,
            "log": log.id,
            "findings": [],
            "unknown": [],
            "not_judged": ["capsule", "state"],
        }
        assert [finding["kind"] for finding in check(tmp_path / "repository", "0" * 64)["findings"]] == ["foreign-log"]


@pytest.mark.parametrize(
    "mutate", [row[0] for row in MUTATIONS if row[0].__name__ in KNOWN], ids=lambda mutate: mutate.__name__
)
def test_both_refuse_the_same_forgeries(tmp_path, mutate):
    with make(tmp_path / "repository") as log:
        forge = Forge(tmp_path / "repository", OWNER)
        mutate(forge)
        forge.rewrite()
        log.store.close()
        fresh = Log(log.store, signer=OWNER)
        fresh.keep_snapshots = False
        ours = min((finding.index, finding.kind) for finding in hee_core.verify(fresh).findings)
        theirs = min((finding["index"], finding["kind"]) for finding in check(tmp_path / "repository")["findings"])
        assert theirs[0] == ours[0]
