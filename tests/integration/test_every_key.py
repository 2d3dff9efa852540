"""Events by people with every kind of key hold, for us, for ssh-keygen's rules and for the verifier in another language."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from forge import REF, Forge
from logs import git, make_log, open_at
from test_foreign_verifier import check

import hee_core
from hee_core import chain, sshkey, sshsig
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.sshkey import pack

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.spec("SEED-216"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
]
OWNER = EphemeralSigner()
TAIL = b"\1" + (7).to_bytes(4, "big")


def mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def numbers(raw: bytes) -> bytes:
    return pack(*map(mpint, utils.decode_dss_signature(raw)))


def told(signed: bytes) -> bytes:
    return hashlib.sha256(b"ssh:").digest() + TAIL + hashlib.sha256(signed).digest()


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
RSA, ED = rsa.generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
SK, SK_EC = sshkey.SK_ED25519.encode(), sshkey.SK_ECDSA.encode()
PUBLIC = RSA.public_key().public_numbers()
# name -> public key in wire form, signature in wire form over some bytes
KEYS = {
    "ecdsa-256": (
        pack(b"ecdsa-sha2-nistp256", b"nistp256", point(P256)),
        lambda data: pack(b"ecdsa-sha2-nistp256", numbers(P256.sign(data, ec.ECDSA(hashes.SHA256())))),
    ),
    "ecdsa-384": (
        pack(b"ecdsa-sha2-nistp384", b"nistp384", point(P384)),
        lambda data: pack(b"ecdsa-sha2-nistp384", numbers(P384.sign(data, ec.ECDSA(hashes.SHA384())))),
    ),
    "rsa-512": (
        pack(b"ssh-rsa", mpint(PUBLIC.e), mpint(PUBLIC.n)),
        lambda data: pack(b"rsa-sha2-512", RSA.sign(data, padding.PKCS1v15(), hashes.SHA512())),
    ),
    "sk-ed25519": (
        pack(SK, ED.public_key().public_bytes_raw(), b"ssh:"),
        lambda data: pack(SK, ED.sign(told(data))) + TAIL,
    ),
    "sk-ecdsa": (
        pack(SK_EC, b"nistp256", point(P256), b"ssh:"),
        lambda data: pack(SK_EC, numbers(P256.sign(told(data), ec.ECDSA(hashes.SHA256())))) + TAIL,
    ),
}


class Person:
    """Whoever signs with a key of such a kind."""

    def __init__(self, kind: str) -> None:
        self.blob, self._make = KEYS[kind]
        self.actor, self.role = f"ci:{kind}", "ci"
        self.public_key = sshkey.read(self.blob).text
        self.key_id = sshkey.fingerprint(self.public_key)

    def sign(self, message: bytes, namespace: str) -> bytes:
        return sshsig.assemble(self.blob, namespace, self._make(sshsig.preimage(message, namespace)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0 created, then for each kind of key its addition and a note by its owner; the log's own key orders all of it."""
    place = tmp_path_factory.mktemp("keys") / "repository"
    with make_log(place, signer=OWNER) as log:
        before = after = log.refresh()
        events, signatures = [], []
        for kind in KEYS:
            person = Person(kind)
            data = {"public_key": person.public_key, "actor": person.actor, "role": person.role}
            for who, draft in (
                (OWNER, Event.new("key.added", data)),
                (person, Event.new("note.recorded", {"text": kind})),
            ):
                event = chain.bind(before, draft, who)
                chain.guard(after, event, log)
                after = chain.grow(after, [event], log)
                events.append(event)
                signatures.append(who.sign(event.to_bytes(), sshsig.EVENT_NAMESPACE))
        made = chain.seal(before, after, events, signatures, OWNER, object_format=log.store.object_format)
        log.store.publish(made.objects, made.head.commit, before.commit)
    return place


def found(place: Path) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    with open_at(place, signer=OWNER) as log:
        log.keep_snapshots = False
        ours = {(finding.index, finding.kind) for finding in hee_core.verify(log).findings}
    return ours, {(finding["index"], finding["kind"]) for finding in check(place)["findings"]}


def test_an_event_by_any_kind_of_key_holds_for_both(place):
    assert found(place) == (set(), set())


def test_no_changed_byte_of_any_kind_of_signature_holds_for_either(place, tmp_path):
    shutil.copytree(place, tmp_path / "repository")
    forge = Forge(tmp_path / "repository", OWNER)
    good = forge.appends[1].signatures
    spoiled = []
    for n, line in enumerate(good):
        raw = bytearray(base64.b64decode(line))
        raw[-7 if n % 4 else -1] ^= 1
        spoiled.append(base64.b64encode(bytes(raw)))
    forge.appends[1].signatures = spoiled
    forge.rewrite()
    ours, theirs = found(tmp_path / "repository")
    everywhere = {(index, "signature") for index in range(1, len(good) + 1)}
    assert everywhere <= ours
    assert everywhere <= theirs
    forge.appends[1].signatures = [good[-1], *good[1:]]  # a good signature, of another event and another key
    forge.rewrite()
    ours, theirs = found(tmp_path / "repository")
    assert (1, "signature") in ours & theirs


# ------------------------------------------------------------------ two readers of the same rules


def crowded(place: Path, seed: int) -> int:
    """A log of a hundred random events about keys, allowed or not, in one append; returns how many were not."""
    choose = random.Random(seed)
    people = [EphemeralSigner(actor=f"{role}:{n}") for role in ("agent", "human", "ci") for n in range(4)]
    heirs = [EphemeralSigner(actor=who.actor) for who in people for _ in range(2)]
    everybody = [OWNER, *people, *heirs]
    with make_log(place, signer=OWNER) as log:
        git(place, "update-ref", "-d", REF)
    with open_at(place, signer=OWNER) as log:
        roots = [(who.public_key, who.actor) for who in people if choose.random() < 0.4]
        log.create(roots=roots, threshold=choose.randint(1, min(3, len(roots) + 1)))
        before = after = log.refresh()
        events, signatures, refused = [], [], 0
        for _ in range(100):
            who, whom = choose.choice(everybody), choose.choice(everybody[1:])
            if choose.random() < 0.6:  # mostly somebody who may sign at all
                valid = [each for each in everybody if after.keyring.check(each.key_id, after.size, each.actor) is None]
                who = choose.choice(valid)
            heir = choose.choice([each for each in heirs if each.actor == who.actor] or heirs)
            type_, data = choose.choice([
                ("key.added", {"public_key": whom.public_key, "actor": whom.actor, "role": whom.role, "reason": ""}),
                ("key.revoked", {"key_id": whom.key_id, "reason": ""}),
                ("key.rotated", {"public_key": heir.public_key, "reason": ""}),
                ("key.expiry_set", {"key_id": whom.key_id, "until": max(0, after.size + choose.randint(-2, 30)), "not_after": "", "reason": ""}),
                ("key.expiry_set", {"key_id": whom.key_id, "until": None, "not_after": "", "reason": ""}),
                ("key.root_granted", {"key_id": whom.key_id, "reason": ""}),
                ("key.threshold_changed", {"threshold": choose.randint(1, 4), "reason": ""}),
                ("state.frozen", {"reason": "r"}), ("state.unfrozen", {"reason": "r"}),
            ])  # fmt: skip
            event = chain.bind(before, Event.new(type_, data), who)
            try:
                chain.guard(after, event, log)
                grown = chain.grow(after, [event], log)
                fault = grown.keyring.check(OWNER.key_id, grown.size, OWNER.actor)
            except hee_core.HeeError as error:
                if not isinstance(error, hee_core.IntegrityError):
                    continue  # a freeze of what is frozen: no question of keys
                grown, fault, refused = chain.skip(after, event.to_bytes()), None, refused + 1
            if fault:
                continue  # whoever orders all of this stays
            after = grown
            events.append(event)
            signatures.append(who.sign(event.to_bytes(), sshsig.EVENT_NAMESPACE))
        made = chain.seal(before, after, events, signatures, OWNER, object_format=log.store.object_format)
        log.store.publish(made.objects, made.head.commit, before.commit)
    return refused


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60 if os.environ.get("HEE_SOAK") else 4))
def test_both_verifiers_let_the_same_keys_do_the_same_things(tmp_path, seed):
    refused = crowded(tmp_path / "repository", seed)
    ours, theirs = found(tmp_path / "repository")
    assert {index for index, kind in ours if kind == "key"} == {index for index, kind in theirs if kind == "key"}
    assert len({index for index, kind in ours if kind == "key"}) == refused > 5
