"""Public keys as OpenSSH writes them: their text, their fingerprint, and how each type checks a signature.

Responsible for the SSH wire format and for which key types and algorithms still hold (Ed25519, ECDSA on P-256 and P-384,
RSA of 2048 bits or more with SHA-2; on a security key, Ed25519 and ECDSA on P-256, touched). What is signed and for what purpose is `sshsig`'s
business. Invariant: one key has one text, and a key that cannot be checked is refused when it is read.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hee_core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = "ssh-ed25519"
SK_ED25519 = "sk-ssh-ed25519@openssh.com"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384

_CURVES = {"ecdsa-sha2-nistp256": "nistp256", "ecdsa-sha2-nistp384": "nistp384"}
_RSA = {"rsa-sha2-256": "SHA256", "rsa-sha2-512": "SHA512"}  # `ssh-rsa` as an algorithm means SHA-1: never accepted
_USER_PRESENT = 0x01
# Points of order at most 8 (y coordinates, both encodings): under such a "key" one signature fits many messages.
_P = 2**255 - 19
_Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_WEAK = frozenset({0, 1, _P - 1, _P, _P + 1, _Y8, _P - _Y8})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that was read: `check(algorithm, rest, signed)` raises IntegrityError unless the key signed `signed`.

    `rest` is what follows the algorithm's name in a signature in wire form.
    """

    text: str
    type: str
    check: Callable[[str, bytes, bytes], None]


# ------------------------------------------------------------------ text


def blob_of(public_key: str) -> bytes:
    """The wire bytes of a public key given as text; a comment behind it is ignored."""
    words = public_key.split()
    if len(words) < 2:
        raise IntegrityError("not a public key: expected 'ssh-ed25519 AAAA…'")
    blob = unbase64(words[1], "public key")
    if Reader(blob, "public key").string() != words[0].encode():
        raise IntegrityError(f"public key: it is called {words[0]!a} and holds another type")
    return blob


def canonical(public_key: str) -> str:
    """The key as the log writes it: no comment, one space; refuses a key that cannot be checked."""
    return read(blob_of(public_key)).text


@lru_cache(maxsize=1024)
def fingerprint(public_key: str) -> str:
    """The name of a key as `ssh-keygen -l` prints it: `SHA256:…`."""
    return "SHA256:" + b64encode(hashlib.sha256(blob_of(public_key)).digest()).decode().rstrip("=")


def ed25519_text(raw: bytes) -> str:
    """A 32-byte Ed25519 public key as text."""
    return f"{ED25519} {b64encode(pack(ED25519.encode(), raw)).decode()}"


@lru_cache(maxsize=1024)
def ed25519_bytes(public_key: str) -> bytes:
    """The 32 bytes of an Ed25519 public key; refuses other types."""
    reader = Reader(blob_of(public_key), "public key")
    if (type_ := reader.text()) != ED25519:
        raise IntegrityError(f"public key: {type_} cannot do this, only {ED25519}")
    raw = reader.string()
    reader.end()
    ed25519(raw)
    return raw


# ------------------------------------------------------------------ one key type each


@lru_cache(maxsize=1024)
def read(blob: bytes) -> PublicKey:
    """Reads a public key in wire form; raises IntegrityError for what is malformed, weak or unknown."""
    reader = Reader(blob, "public key")
    type_ = reader.text()
    if type_ in _CURVES:
        check = _ecdsa(reader, type_)
    elif type_ in _TYPES:
        check = _TYPES[type_](reader)
    else:
        raise IntegrityError(
            f"public key: type {type_!r} is not supported", hint="`ssh-keygen -t ed25519` makes a good one"
        )
    return PublicKey(f"{type_} {b64encode(blob).decode()}", type_, check)


@lru_cache(maxsize=1024)
def ed25519(raw: bytes) -> Ed25519PublicKey:
    """A 32-byte Ed25519 public key as an object that verifies; refuses points of small order."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if len(raw) != 32:
        raise IntegrityError("public key: an Ed25519 key has 32 bytes")
    if int.from_bytes(raw, "little") % 2**255 in _WEAK:
        raise IntegrityError("public key: a point of small order, for which anybody can sign")
    return Ed25519PublicKey.from_public_bytes(raw)


def _ed25519(reader: Reader) -> Callable[[str, bytes, bytes], None]:
    key = ed25519(reader.string())
    reader.end()

    def check(algorithm: str, rest: bytes, signed: bytes) -> None:
        _expect(algorithm, ED25519)
        _verify(key.verify, _only(rest), signed)

    return check


def _sk_ed25519(reader: Reader) -> Callable[[str, bytes, bytes], None]:
    key = ed25519(reader.string())
    return _touched(reader, SK_ED25519, lambda raw, told: _verify(key.verify, raw, told))


def _sk_ecdsa(reader: Reader) -> Callable[[str, bytes, bytes], None]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = _point(reader, "nistp256", ec.SECP256R1())
    scheme = ec.ECDSA(hashes.SHA256())
    return _touched(reader, SK_ECDSA, lambda raw, told: _verify(key.verify, _two_numbers(raw), told, scheme))


def _touched(reader: Reader, type_: str, verify: Callable[[bytes, bytes], None]) -> Callable[[str, bytes, bytes], None]:
    """How keys on a security key check (OpenSSH `PROTOCOL.u2f`): it signs for an application, and says if it was touched."""
    application = hashlib.sha256(reader.string()).digest()
    reader.end()

    def check(algorithm: str, rest: bytes, signed: bytes) -> None:
        _expect(algorithm, type_)
        inner = Reader(rest, "SSH signature")
        raw, flags, counter = inner.string(), inner.take(1), inner.take(4)
        inner.end()
        if not flags[0] & _USER_PRESENT:
            raise IntegrityError("SSH signature: of a security key that nobody touched")
        verify(raw, application + flags + counter + hashlib.sha256(signed).digest())

    return check


def _ecdsa(reader: Reader, type_: str) -> Callable[[str, bytes, bytes], None]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    curve, digest = {
        "nistp256": (ec.SECP256R1(), hashes.SHA256()),
        "nistp384": (ec.SECP384R1(), hashes.SHA384()),
    }[_CURVES[type_]]
    key = _point(reader, _CURVES[type_], curve)
    reader.end()
    scheme = ec.ECDSA(digest)

    def check(algorithm: str, rest: bytes, signed: bytes) -> None:
        _expect(algorithm, type_)
        _verify(key.verify, _two_numbers(_only(rest)), signed, scheme)

    return check


def _point(reader: Reader, name: str, curve: EllipticCurve) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    named, point = reader.text(), reader.string()
    if named != name or not point.startswith(b"\x04"):
        raise IntegrityError(f"public key: not an uncompressed point of {name}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError:
        raise IntegrityError(f"public key: the point is not on {name}") from None


def _two_numbers(data: bytes) -> bytes:
    """An ECDSA signature as the library wants it."""
    from cryptography.hazmat.primitives.asymmetric import utils

    inner = Reader(data, "SSH signature")
    raw = utils.encode_dss_signature(inner.mpint(), inner.mpint())
    inner.end()
    return raw


def _rsa(reader: Reader) -> Callable[[str, bytes, bytes], None]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    exponent, modulus = reader.mpint(), reader.mpint()
    reader.end()
    bits = modulus.bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise IntegrityError(f"public key: RSA of {bits} bits, expected {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise IntegrityError(f"public key: {error}") from None

    def check(algorithm: str, rest: bytes, signed: bytes) -> None:
        _expect(algorithm, *_RSA)
        _verify(key.verify, _only(rest), signed, padding.PKCS1v15(), getattr(hashes, _RSA[algorithm])())

    return check


_TYPES = {ED25519: _ed25519, SK_ED25519: _sk_ed25519, SK_ECDSA: _sk_ecdsa, "ssh-rsa": _rsa}


def _expect(algorithm: str, *allowed: str) -> None:
    if algorithm not in allowed:
        raise IntegrityError(f"SSH signature: made with {algorithm!r}, this key signs with {' or '.join(allowed)}")


def _only(rest: bytes) -> bytes:
    inner = Reader(rest, "SSH signature")
    raw = inner.string()
    inner.end()
    return raw


def _verify(verify: Callable[..., None], *arguments: object) -> None:
    from cryptography.exceptions import InvalidSignature

    try:
        verify(*arguments)
    except InvalidSignature:
        raise IntegrityError("SSH signature: it does not match the message") from None


# ------------------------------------------------------------------ the wire


def pack(*fields: bytes) -> bytes:
    """SSH strings: each field with its length in four bytes before it."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


class Reader:
    """Reads SSH wire data from the front; raises IntegrityError where it ends too early or too late."""

    def __init__(self, data: bytes, what: str, *, at: int = 0) -> None:
        """Takes the data, the name that errors give it, and where to begin."""
        self.data = data
        self.what = what
        self.at = at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.at + count
        if end > len(self.data):
            raise IntegrityError(f"{self.what}: cut short")
        value = self.data[self.at : end]
        self.at = end
        return value

    def uint32(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """The next field, with its length before it."""
        return self.take(self.uint32())

    def text(self) -> str:
        """The next field as UTF-8 text."""
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise IntegrityError(f"{self.what}: not UTF-8 text") from None

    def mpint(self) -> int:
        """The next field as a positive number in its shortest form."""
        data = self.string()
        if not data.lstrip(b"\0") or data[0] >= 0x80 or (data[0] == 0 and data[1] < 0x80):
            raise IntegrityError(f"{self.what}: a number is not positive or not in its shortest form")
        return int.from_bytes(data, "big")

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self.data) - self.at)

    def end(self) -> None:
        """Refuses anything that is left."""
        if self.at != len(self.data):
            raise IntegrityError(f"{self.what}: {len(self.data) - self.at} bytes too many")


def unbase64(text: str, what: str) -> bytes:
    """Reads base64 in its one form: no white space, no stray bits."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise IntegrityError(f"{what}: not base64") from None
    if b64encode(data).decode() != text:
        raise IntegrityError(f"{what}: not the one base64 form of its bytes")
    return data
