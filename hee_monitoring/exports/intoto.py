"""An event as an in-toto statement (v1), and the DSSE envelope that carries one. Pure but for the signature.

A verified repair is a `test-result` (in-toto attestation predicate v0.1) about the commit of the repair; any other event
is its own predicate, about its own bytes: an event's id is their SHA-256.

Invariant: what is signed is one line of text that ends in a line end, so that it can be mistaken neither for the text of
a checkpoint, which has three lines, nor for what SSH signs, which has control characters.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from hee_core.canonical import encode, loads

if TYPE_CHECKING:
    from hee_core.keys import Signer
    from hee_core.store import Entry

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
EVENT = "urn:hee:attestation:event:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def statement(entry: Entry, log_id: str) -> dict[str, Any]:
    """The statement that an event makes."""
    event, data = entry.event, entry.event.data
    place = f"urn:hee:{log_id}"
    if event.type == "fix.verified" and data.get("commit"):
        red = [check["name"] for check in data["checks"] if not check["ok"]]
        green = [check["name"] for check in data["checks"] if check["ok"]]
        predicate = {
            "result": "FAILED" if red else "PASSED",
            "configuration": [{"uri": place, "name": f"event {entry.index}", "digest": {"sha256": event.id}}],
            "passedTests": green,
            "warnedTests": [],
            "failedTests": red,
        }
        subject = {"name": data["branch"] or data["commit"], "digest": {"gitCommit": data["commit"]}}
        return _statement(subject, TEST_RESULT, predicate)
    whole = {"index": entry.index, "log": log_id, "event": loads(event.to_bytes())}
    return _statement({"name": f"{place}#{entry.index}", "digest": {"sha256": event.id}}, EVENT, whole)


def payload(made: dict[str, Any]) -> bytes:
    """The bytes of a statement: canonical JSON and a line end."""
    return encode(made) + b"\n"


def envelope(made: dict[str, Any], signer: Signer) -> dict[str, Any]:
    """The statement in a DSSE envelope, signed with plain Ed25519; raises KeyFault for keys of other types."""
    body = payload(made)
    preauth = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(body), body)
    signature = {"keyid": signer.key_id, "sig": b64encode(signer.sign_raw(preauth)).decode()}
    return {"payloadType": PAYLOAD_TYPE, "payload": b64encode(body).decode(), "signatures": [signature]}


def _statement(subject: dict[str, Any], kind: str, predicate: dict[str, Any]) -> dict[str, Any]:
    return {"_type": STATEMENT, "subject": [subject], "predicateType": kind, "predicate": predicate}
