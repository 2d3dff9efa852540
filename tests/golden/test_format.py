"""The published format: its vector holds by the page alone, and our code still writes exactly that."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import hee_core
from hee_core.clock import FixedClock
from hee_core.keys import EphemeralSigner
from hee_core.log import Log
from hee_core.memory import MemoryStore

VECTOR = json.loads((Path(__file__).parent / "format-vector.json").read_text(encoding="utf-8"))
PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
LINES = [event["line"].encode() for event in VECTOR["events"]]


def test_the_vector_holds_without_our_code(tmp_path):
    assert [hashlib.sha256(line).hexdigest() for line in LINES] == [event["id"] for event in VECTOR["events"]]
    assert VECTOR["log_id"] == VECTOR["events"][0]["id"]
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in LINES]
    root = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert base64.b64encode(root).decode() == VECTOR["root"]
    text, signature = VECTOR["checkpoint"].split("\n\n")
    assert text.split("\n") == [f"hee-log/{VECTOR['log_id']}", "2", VECTOR["root"]]
    dash, name, encoded = signature.split()
    raw = base64.b64decode(encoded)
    public = base64.b64decode(VECTOR["public_key"].split()[1])[-32:]
    assert (dash, name) == ("\N{EM DASH}", f"hee-log/{VECTOR['log_id']}")
    assert raw[:4] == hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode() + b"\n")
    (tmp_path / "signers").write_text(f"agent:hee {VECTOR['public_key']}\n")
    for event in VECTOR["events"]:
        armored = f"-----BEGIN SSH SIGNATURE-----\n{event['signature']}\n-----END SSH SIGNATURE-----\n"
        (tmp_path / "signature").write_text(armored)
        command = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "agent:hee", "-n", "hee-event"]
        command += ["-s", tmp_path / "signature"]
        subprocess.run(command, input=event["line"].encode(), check=True, capture_output=True)


@pytest.mark.spec("SEED-309")
def test_our_code_writes_the_vector():
    signer = EphemeralSigner(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR["seed"])))
    clock = FixedClock()
    log = Log(MemoryStore(), signer=signer, clock=clock)
    log.create("vector")
    log.append([hee_core.Event.new("note.recorded", {"text": "h\u00e9llo"}, subject="release", clock=clock)])
    assert [entry.event.to_bytes() for entry in log.read()] == LINES
    assert log.store.file(log.head, "checkpoint").decode() == VECTOR["checkpoint"]
    signatures = log.store.file(log.head, "signatures").decode().split()
    assert signatures == [VECTOR["events"][1]["signature"]]


def test_the_page_shows_the_vector():
    assert VECTOR["events"][1]["line"] in PAGE
    for value in (VECTOR["log_id"], VECTOR["events"][1]["id"], VECTOR["root"]):
        assert value in PAGE
