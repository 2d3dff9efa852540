"""Signatures are strict: one encoding, one purpose, known algorithms; every refusal is an IntegrityError that says why."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hee_core import sshkey, sshsig
from hee_core.errors import IntegrityError
from hee_core.sshkey import pack

MESSAGE = b'{"type":"note.recorded"}'
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.public_key().public_bytes_raw()
TEXT = sshkey.ed25519_text(RAW)
ED_BLOB = pack(b"ssh-ed25519", RAW)
RSA_KEY = rsa.generate_private_key(65537, 2048)
P256_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())


def mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big") if number else b""


def rsa_blob(key: rsa.RSAPublicKey) -> bytes:
    numbers = key.public_numbers()
    return pack(b"ssh-rsa", mpint(numbers.e), mpint(numbers.n))


def ec_blob(key: ec.EllipticCurvePublicKey, curve: bytes) -> bytes:
    numbers, size = key.public_numbers(), (key.key_size + 7) // 8
    point = b"\4" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")
    return pack(b"ecdsa-sha2-" + curve, curve, point)


def preimage(namespace: bytes = b"hee-event", hashed: bytes = b"sha512", message: bytes = MESSAGE) -> bytes:
    return b"SSHSIG" + pack(namespace, b"", hashed, hashlib.new(hashed.decode(), message).digest())


def blob(
    signature: bytes,
    *,
    key: bytes = ED_BLOB,
    version: int = 1,
    namespace: bytes = b"hee-event",
    reserved: bytes = b"",
    hashed: bytes = b"sha512",
) -> bytes:
    return b"SSHSIG" + version.to_bytes(4, "big") + pack(key, namespace, reserved, hashed, signature)


def by_rsa(algorithm: bytes = b"rsa-sha2-512", hashed: bytes = b"sha512") -> bytes:
    digest = hashes.SHA256() if algorithm.endswith(b"256") else hashes.SHA512()
    raw = RSA_KEY.sign(preimage(hashed=hashed), padding.PKCS1v15(), digest)
    return blob(pack(algorithm, raw), key=rsa_blob(RSA_KEY.public_key()), hashed=hashed)


def by_ec(key: ec.EllipticCurvePrivateKey, curve: bytes) -> bytes:
    digest = hashes.SHA256() if curve == b"nistp256" else hashes.SHA384()
    r, s = utils.decode_dss_signature(key.sign(preimage(), ec.ECDSA(digest)))
    return blob(pack(b"ecdsa-sha2-" + curve, pack(mpint(r), mpint(s))), key=ec_blob(key.public_key(), curve))


def by_security_key(flags: int = 1, counter: int = 7) -> bytes:
    tail = bytes([flags]) + counter.to_bytes(4, "big")
    raw = KEY.sign(hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(preimage()).digest())
    name = b"sk-ssh-ed25519@openssh.com"
    return blob(pack(name, raw) + tail, key=pack(name, RAW, b"ssh:"))


def by_security_key_ecdsa(flags: int = 1, counter: int = 7) -> bytes:
    tail = bytes([flags]) + counter.to_bytes(4, "big")
    told = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(preimage()).digest()
    r, s = utils.decode_dss_signature(P256_KEY.sign(told, ec.ECDSA(hashes.SHA256())))
    name = b"sk-ecdsa-sha2-nistp256@openssh.com"
    curve = ec_blob(P256_KEY.public_key(), b"nistp256")[4 + 19 :]  # without its type
    return blob(pack(name, pack(mpint(r), mpint(s))) + tail, key=pack(name) + curve + pack(b"ssh:"))


KINDS = {
    "ed25519": sshsig.sign(KEY, MESSAGE, "hee-event"),
    "ed25519 over sha256": blob(pack(b"ssh-ed25519", KEY.sign(preimage(hashed=b"sha256"))), hashed=b"sha256"),
    "ecdsa p256": by_ec(P256_KEY, b"nistp256"),
    "ecdsa p384": by_ec(P384_KEY, b"nistp384"),
    "rsa sha2-256": by_rsa(b"rsa-sha2-256", b"sha256"),
    "rsa sha2-512": by_rsa(),
    "security key": by_security_key(),
    "security key ecdsa": by_security_key_ecdsa(),
}


def test_signing_gives_the_blob_that_the_protocol_describes():
    assert sshsig.sign(KEY, MESSAGE, "hee-event") == blob(pack(b"ssh-ed25519", KEY.sign(preimage())))


def test_a_blob_assembled_from_a_signature_made_elsewhere_is_the_same_blob():
    made = pack(b"ssh-ed25519", KEY.sign(sshsig.preimage(MESSAGE, "git")))
    assert sshsig.assemble(ED_BLOB, "git", made) == sshsig.sign(KEY, MESSAGE, "git")


@pytest.mark.spec("SEED-216")
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_of_every_supported_kind_verifies_and_names_its_key(kind):
    parsed = sshsig.parse(KINDS[kind])
    assert sshsig.verify(KINDS[kind], MESSAGE, "hee-event") == parsed.public_key
    assert parsed.namespace == "hee-event"
    assert parsed.hash_algorithm in ("sha256", "sha512")


@pytest.mark.spec("SEED-215")
@pytest.mark.parametrize("kind", ["ed25519", "ed25519 over sha256", "ecdsa p256", "security key"])
def test_a_signature_with_any_bit_flipped_is_refused(kind):
    good = KINDS[kind]
    for at in range(len(good) * 8):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        if kind == "security key" and bytes(bad) == by_security_key():
            continue
        with pytest.raises(IntegrityError):
            sshsig.verify(bytes(bad), MESSAGE, "hee-event")


@pytest.mark.spec("SEED-215")
@pytest.mark.parametrize("kind", ["ecdsa p384", "rsa sha2-256", "rsa sha2-512", "security key ecdsa"])
def test_a_signature_with_any_byte_changed_is_refused(kind):
    good = KINDS[kind]
    for at in range(len(good)):
        with pytest.raises(IntegrityError):
            sshsig.verify(good[:at] + bytes([good[at] ^ (1 << at % 8)]) + good[at + 1 :], MESSAGE, "hee-event")


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_cut_short_anywhere_or_with_a_byte_more_is_refused(kind):
    good = KINDS[kind]
    for end in range(len(good)):
        with pytest.raises(IntegrityError):
            sshsig.verify(good[:end], MESSAGE, "hee-event")
    with pytest.raises(IntegrityError, match="1 bytes too many"):
        sshsig.verify(good + b"\0", MESSAGE, "hee-event")


@pytest.mark.spec("SEED-215")
@pytest.mark.parametrize("kind", KINDS)
def test_another_message_or_another_namespace_is_refused(kind):
    with pytest.raises(IntegrityError, match="does not match the message"):
        sshsig.verify(KINDS[kind], MESSAGE + b" ", "hee-event")
    for other in ("git", "hee-evenu", "file", "hee-event2"):
        with pytest.raises(IntegrityError, match=rf"'hee-event', expected '{other}'"):
            sshsig.verify(KINDS[kind], MESSAGE, other)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage())), version=2), "version 2"),
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage())), reserved=b"x"), "reserved field"),
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage())), hashed=b"sha1"), "'sha1' is not allowed"),
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage(b""))), namespace=b""), "namespace is empty"),
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage())), namespace=b"\xff"), "not UTF-8"),
        (blob(pack(b"rsa-sha2-512", KEY.sign(preimage()))), "made with 'rsa-sha2-512'"),
        (by_rsa(b"ssh-rsa"), "made with 'ssh-rsa'"),
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage()) + b"\0")), "does not match"),
        (blob(pack(b"ssh-ed25519", KEY.sign(preimage())), key=ED_BLOB + b"\0"), "1 bytes too many"),
        (b"SSHSIF" + KINDS["ed25519"][6:], "does not begin like one"),
        (KINDS["ed25519"] + bytes(20000), "too long"),
        (by_security_key(flags=4), "nobody touched"),
        (by_security_key_ecdsa(flags=4), "nobody touched"),
    ],
)
def test_what_the_protocol_does_not_allow_is_refused_with_the_reason(bad, reason):
    with pytest.raises(IntegrityError, match=reason):
        sshsig.verify(bad, MESSAGE, "hee-event")


def test_a_namespace_is_ascii_text():
    for name in ("", "é"):
        with pytest.raises(IntegrityError, match="no namespace"):
            sshsig.sign(KEY, MESSAGE, name)


def test_a_key_of_small_order_for_which_anybody_can_sign_is_refused():
    # y = 1 is the neutral element: with R = [S]B the equation holds for every message, and the library accepts it.
    neutral = (1).to_bytes(32, "little")
    forged = neutral + bytes(32)  # R = neutral, S = 0
    Ed25519PublicKey.from_public_bytes(neutral).verify(forged, preimage())
    bad = blob(pack(b"ssh-ed25519", forged), key=pack(b"ssh-ed25519", neutral))
    with pytest.raises(IntegrityError, match="small order"):
        sshsig.verify(bad, MESSAGE, "hee-event")
    with pytest.raises(IntegrityError, match="small order"):
        sshkey.canonical(sshkey.ed25519_text(neutral))


def test_the_refused_points_are_exactly_those_of_order_one_two_four_and_eight():
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def doubled(y: int) -> int:  # the y of 2P on -x^2 + y^2 = 1 + d x^2 y^2, which depends on y alone
        xx = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        return (y * y + xx) * pow(2 - (y * y - xx), -1, p) % p

    def order_divides_eight(y: int) -> bool:
        for _ in range(3):
            y = doubled(y % p)
        return y == 1

    assert len(sshkey._WEAK) == 7
    assert all(order_divides_eight(y) for y in sshkey._WEAK)
    assert {y % p for y in sshkey._WEAK} >= {0, 1, p - 1}
    assert not order_divides_eight(int.from_bytes(RAW, "little") % 2**255)


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("ssh-ed25519", "expected 'ssh-ed25519"),
        ("ssh-ed25519 !!!!", "not base64"),
        ("ssh-ed25519 " + b64encode(ED_BLOB).decode()[:-1] + "=", "base64|cut short"),
        ("ssh-rsa " + b64encode(ED_BLOB).decode(), "holds another type"),
        ("ssh-ed25519 " + b64encode(pack(b"ssh-ed25519", RAW[:31])).decode(), "32 bytes"),
        ("ssh-dss " + b64encode(pack(b"ssh-dss", b"\1")).decode(), "not supported"),
        ("ssh-rsa " + b64encode(pack(b"ssh-rsa", b"\3", b"\0" * 300)).decode(), "shortest form"),
        ("ssh-rsa " + b64encode(pack(b"ssh-rsa", b"\0\3", b"\1")).decode(), "shortest form"),
        ("ssh-rsa " + b64encode(pack(b"ssh-rsa", b"\x83", b"\1")).decode(), "not positive"),
        ("ssh-rsa " + b64encode(pack(b"ssh-rsa", b"\1\0\1", b"\x7f" * 128)).decode(), "1023 bits, expected 2048"),
        ("ssh-rsa " + b64encode(pack(b"ssh-rsa", b"\1\0\1", b"\x7f" * 2049)).decode(), "16391 bits"),
        ("ssh-rsa " + b64encode(pack(b"ssh-rsa", b"\4", b"\x7f" * 257)).decode(), "public key: e must be odd"),
        (
            "ecdsa-sha2-nistp256 " + b64encode(pack(b"ecdsa-sha2-nistp256", b"nistp384", b"\4")).decode(),
            "uncompressed point of nistp256",
        ),
        (
            "ecdsa-sha2-nistp256 " + b64encode(pack(b"ecdsa-sha2-nistp256", b"nistp256", b"\4" + b"\1" * 64)).decode(),
            "not on nistp256",
        ),
    ],
)
def test_a_public_key_that_is_malformed_weak_or_unknown_is_refused(bad, reason):
    with pytest.raises(IntegrityError, match=reason):
        sshkey.canonical(bad)


def test_a_public_key_has_one_text_whatever_comment_comes_with_it():
    assert sshkey.canonical(f"  {TEXT}  me@example  work \n") == TEXT
    assert sshkey.fingerprint(f"{TEXT} me@example") == sshkey.fingerprint(TEXT) == sshsig.fingerprint(TEXT)
    assert sshkey.ed25519_bytes(TEXT) == RAW


def test_base64_with_stray_bits_is_not_a_second_form_of_the_same_bytes():
    assert sshkey.unbase64("QQ==", "it") == b"A"
    with pytest.raises(IntegrityError, match="one base64 form"):
        sshkey.unbase64("QR==", "it")


def test_only_ed25519_keys_have_thirty_two_bytes():
    with pytest.raises(IntegrityError, match="only ssh-ed25519"):
        sshkey.ed25519_bytes("ssh-rsa " + b64encode(rsa_blob(RSA_KEY.public_key())).decode())


# ------------------------------------------------------------------ armor and commits


def test_armor_and_dearmor_are_inverse_and_lines_have_seventy_columns():
    for kind in KINDS.values():
        text = sshsig.armor(kind)
        assert sshsig.dearmor(text) == kind
        assert sshsig.dearmor(text[:-1]) == kind
        assert {len(line) for line in text.split("\n")[1:-3]} <= {70}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "hello\n" + text,
        lambda text: text + "hello\n",
        lambda text: text + "\n",
        lambda text: text + text,
        lambda text: text.replace("\n", "\n\n", 1),
        lambda text: text.replace("SSH", "PGP"),
        lambda text: text.replace("\nU1NI", "\n U1NI"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        lambda text: "",
    ],
)
def test_anything_but_one_armored_block_is_refused(spoil):
    with pytest.raises(IntegrityError):
        sshsig.dearmor(spoil(sshsig.armor(KINDS["ed25519"])))


COMMIT = (
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n"
    b"\nsubject\n\nbody\n"
)


def signed_commit(header: bytes) -> bytes:
    head, gap, body = COMMIT.partition(b"\n\n")
    return head + b"\n" + header[:-1] + gap + body


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_a_commit_is_split_into_what_was_signed_and_the_signature(hash_name):
    made = sshsig.sign(KEY, COMMIT, sshsig.COMMIT_NAMESPACE)
    header = sshsig.commit_signature_header(made, hash_name)
    assert header.startswith(b"gpgsig-sha256 -" if hash_name == "sha256" else b"gpgsig -")
    assert all(line.startswith(b" ") for line in header.split(b"\n")[1:-1])
    assert sshsig.split_commit(signed_commit(header), hash_name) == (COMMIT, made)


def test_a_commit_without_exactly_one_signature_under_the_right_name_is_refused():
    made = sshsig.sign(KEY, COMMIT, sshsig.COMMIT_NAMESPACE)
    ours, other = sshsig.commit_signature_header(made, "sha1"), sshsig.commit_signature_header(made, "sha256")
    with pytest.raises(IntegrityError, match="not signed"):
        sshsig.split_commit(COMMIT, "sha1")
    for header in (other, ours + ours, ours + other, other + ours, ours + b"gpgsigx y\n", ours + b"gpgsig\n"):
        with pytest.raises(IntegrityError, match="expected one signature"):
            sshsig.split_commit(signed_commit(header), "sha1")
    with pytest.raises(IntegrityError, match="armored"):
        sshsig.split_commit(signed_commit(ours[:-5] + b"\n \xff\n"), "sha1")
