"""Signing keys: where the agent's private key lives, how it is made and read, and the signers that use one.

Responsible for key files (OpenSSH format, Ed25519, without a passphrase), the environment variable of CI, and the rule
that an agent's key stays outside every repository. Keys of people are `sshagent`'s; who may sign is the keyring's.
Invariant: a private key is never overwritten, never readable by others, never in an error or a `repr`.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hee_core import sshkey, sshsig
from hee_core.errors import IntegrityError, KeyFault
from hee_core.keychanges import role_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DEFAULT_ACTOR = "agent:hee"
DEFAULT_CI_ACTOR = "ci:hee"
KEY_FILE = "agent_ed25519"
_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
_END = "-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_MAX_FILE = 65536


class Signer(Protocol):
    """Somebody who signs: as whom, with which key."""

    @property
    def actor(self) -> str:
        """`human:`, `agent:` or `ci:` and a name."""
        ...

    @property
    def role(self) -> str:
        """`human`, `agent` or `ci`."""
        ...

    @property
    def public_key(self) -> str:
        """The key as text, without a comment."""
        ...

    @property
    def key_id(self) -> str:
        """The key's fingerprint, `SHA256:…`."""
        ...

    def sign(self, message: bytes, namespace: str) -> bytes:
        """The blob of an SSH signature over the message."""
        ...

    def sign_raw(self, message: bytes) -> bytes:
        """64 bytes of plain Ed25519 over the text of a note; refuses everything that is not one."""
        ...


class EphemeralSigner:
    """Signs with a key in memory: the base of the other signers, and of itself for tests and `MemoryLog`."""

    def __init__(self, private_key: Ed25519PrivateKey | None = None, *, actor: str = DEFAULT_ACTOR) -> None:
        """Takes a key, or makes one that nobody will ever have again."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.role = role_of(actor)
        self.actor = actor
        self._key = private_key or Ed25519PrivateKey.generate()
        self.public_key = sshkey.ed25519_text(self._key.public_key().public_bytes_raw())
        self.key_id = sshkey.fingerprint(self.public_key)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.actor} {self.key_id}>"

    def sign(self, message: bytes, namespace: str) -> bytes:
        return sshsig.sign(self._key, message, namespace)

    def sign_raw(self, message: bytes) -> bytes:
        return self._key.sign(note_text(message))


class FileSigner(EphemeralSigner):
    """Signs with a key file that nobody else can read."""

    def __init__(self, path: Path, *, actor: str = DEFAULT_ACTOR) -> None:
        """Reads the file; raises KeyFault if it is missing, open to others, encrypted or not Ed25519."""
        super().__init__(_private_key(_read(path), str(path)), actor=actor)
        self.path = path


class EnvSigner(EphemeralSigner):
    """Signs with the key in `HEE_SIGNING_KEY`: its text, base64 of it, or the path of a file."""

    def __init__(self, *, actor: str | None = None) -> None:
        """Reads the variable; the actor is the one given, or `HEE_ACTOR`, or `ci:hee`."""
        value = os.environ.get("HEE_SIGNING_KEY", "").strip()
        if not value:
            raise KeyFault("HEE_SIGNING_KEY is not set or empty", hint="put the text of an OpenSSH private key into it")
        text = value if value.startswith("-----BEGIN") else _encoded(value) or _read(_file_of(value), "HEE_SIGNING_KEY")
        name = actor or os.environ.get("HEE_ACTOR") or DEFAULT_CI_ACTOR
        super().__init__(_private_key(text, "HEE_SIGNING_KEY"), actor=name)


def _encoded(value: str) -> str:
    """The key that a value is base64 of, with or without its first and last line; empty for anything else."""
    from base64 import b64decode, b64encode

    try:
        data = b64decode("".join(value.split()), validate=True)
    except ValueError:
        return ""
    if data.startswith(_MAGIC):
        return f"{_BEGIN}\n{b64encode(data).decode()}\n{_END}\n"
    return data.decode("ascii", "replace").strip() if data.lstrip().startswith(b"-----BEGIN") else ""


def _file_of(value: str) -> Path:
    """The file that a value names; what names none may be half a key, so it is never shown."""
    try:
        path = Path(value).expanduser()
        path.stat()
    except (OSError, ValueError, RuntimeError):
        raise KeyFault(
            "HEE_SIGNING_KEY is neither a key nor a file",
            hint="put the text of an OpenSSH private key into it, base64 of that, or the path of its file",
        ) from None
    return path


def note_text(message: bytes) -> bytes:
    """Returns the message if it is the text of a signed note, the only thing that is ever signed raw.

    Its lines hold no control characters, so that it cannot begin what SSH signs: a signature (`SSHSIG` and lengths
    with NUL bytes) or a login (a length with NUL bytes).
    """
    try:
        text = message.decode()
    except UnicodeDecodeError:
        text = ""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise KeyFault("raw signatures are for the text of notes only", hint="use sign(message, namespace)")
    return message


# ------------------------------------------------------------------ the key of this machine


def load_signer(*, actor: str | None = None) -> Signer:
    """The signer of this process: `HEE_SIGNING_KEY` if it is set, else the agent's key file."""
    if os.environ.get("HEE_SIGNING_KEY", "").strip():
        return EnvSigner(actor=actor)
    return FileSigner(default_key_path(), actor=actor or os.environ.get("HEE_ACTOR") or DEFAULT_ACTOR)


def default_key_path() -> Path:
    """Where the agent's key lives: under HEE_HOME, else XDG_DATA_HOME/hee, else ~/.local/share/hee.

    Raises KeyFault for a path inside a git repository, where a commit or a job could carry the key away.
    """
    home = os.environ.get("HEE_HOME")
    if home:
        base = Path(home).expanduser().absolute()
    else:
        data = os.environ.get("XDG_DATA_HOME", "")
        base = (Path(data) if data.startswith("/") else Path.home() / ".local" / "share") / "hee"
    path = base / "keys" / KEY_FILE
    inside = repository_around(path)
    if inside is not None:
        raise KeyFault(
            f"{path}: a signing key may not live inside the git repository {inside}",
            hint="set HEE_HOME to a directory outside of every repository",
        )
    return path


def repository_around(path: Path) -> Path | None:
    """The git worktree or git directory that a path lies in, as written and with symbolic links followed."""
    for start in (Path(os.path.normpath(path.absolute())), path.resolve()):
        for folder in start.parents:
            bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
            if (folder / ".git").exists() or bare:
                return folder
    return None


def create_agent_key(path: Path, *, actor: str = DEFAULT_ACTOR) -> FileSigner:
    """Makes the agent's key durably, or reads the one that is there; of two that race, both get the same key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if os.path.lexists(path):
        return FileSigner(path, actor=actor)
    key = Ed25519PrivateKey.generate()
    # The name is the key's own, so that nobody else writes this file; linking it makes it appear whole, or not at all.
    draft = path.with_name(f".{path.name}.{key.public_key().public_bytes_raw().hex()[:16]}")
    try:
        made = _directories(path.parent)
        _write(draft, openssh_text(key, comment=actor))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # somebody was first, and theirs is the key
        finally:
            draft.unlink()
        for folder in (path.parent, *made):
            _sync(folder)
    except OSError as error:
        raise KeyFault(
            f"{path}: the key could not be written: {error.strerror}", hint="set HEE_HOME to a directory you can write"
        ) from None
    return FileSigner(path, actor=actor)


# ------------------------------------------------------------------ files


def _directories(folder: Path) -> list[Path]:
    """Makes the missing directories, for this user only; returns the parents whose entries are new."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    return [each.parent for each in missing]


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, name: str = "") -> str:
    """The text of a key file; `name` stands for its path where that came from a secret."""
    where = name or str(path)
    try:
        # O_NONBLOCK: opening a pipe by mistake must not wait for a writer
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFault(f"{where}: there is no signing key", hint="`hee init` makes one") from None
    except OSError as error:
        raise KeyFault(f"{where}: the signing key cannot be opened: {error.strerror}") from None
    except ValueError:
        raise KeyFault(f"{where!r}: the signing key cannot be opened: no path holds NUL") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFault(f"{where}: a signing key is a regular file")
        if status.st_mode & 0o077:
            raise KeyFault(
                f"{where}: other users can read or change the signing key (mode {stat.S_IMODE(status.st_mode):04o})",
                hint='chmod 600 "$HEE_SIGNING_KEY"' if name else f"chmod 600 {path}",
            )
        return os.read(descriptor, _MAX_FILE).decode("ascii", "replace")
    finally:
        os.close(descriptor)


# ------------------------------------------------------------------ the OpenSSH format


def openssh_text(key: Ed25519PrivateKey, *, comment: str = "") -> str:
    """A private key as ssh-keygen writes one without a passphrase."""
    from base64 import b64encode
    from hashlib import sha256

    raw = key.public_key().public_bytes_raw()
    blob = sshkey.pack(sshkey.ED25519.encode(), raw)
    check = sha256(raw).digest()[:4]  # says that decryption worked, and nothing is encrypted here
    inner = check * 2 + blob + sshkey.pack(key.private_bytes_raw() + raw, comment.encode())
    inner += bytes(range(1, 1 + -len(inner) % 8))
    data = _MAGIC + sshkey.pack(b"none", b"none", b"") + b"\0\0\0\1" + sshkey.pack(blob, inner)
    text = b64encode(data).decode()
    return "\n".join([_BEGIN, *(text[at : at + 70] for at in range(0, len(text), 70)), _END, ""])


def _private_key(text: str, where: str) -> Ed25519PrivateKey:
    # Read here and not by cryptography's loader: its import takes as long as everything else that a command needs.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    words = text.split("\n")
    lines = [line.strip() for line in words if line.strip()]
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise KeyFault(f"{where}: not a private key in OpenSSH format", hint="`ssh-keygen -t ed25519 -N ''` writes one")
    try:
        seed, raw = _parts(sshkey.unbase64("".join(lines[1:-1]), "private key"), where)
    except IntegrityError as error:
        raise KeyFault(f"{where}: the private key is damaged: {error}") from None
    key = Ed25519PrivateKey.from_private_bytes(seed)
    if key.public_key().public_bytes_raw() != raw:
        raise KeyFault(f"{where}: the private key is damaged: its two halves do not belong together")
    return key


def _parts(data: bytes, where: str) -> tuple[bytes, bytes]:
    outer = sshkey.Reader(data, "private key")
    if outer.take(len(_MAGIC)) != _MAGIC:
        raise IntegrityError("private key: the format is not openssh-key-v1")
    if outer.string() != b"none":
        raise KeyFault(
            f"{where}: the private key is protected by a passphrase, which a program cannot type",
            hint="people sign through ssh-agent (`ssh-add`); an agent has a key of its own (`hee init`)",
        )
    outer.string()
    outer.string()
    count = outer.uint32()
    type_ = sshkey.Reader(outer.string(), "private key").text()
    if count != 1 or type_ != sshkey.ED25519:
        raise KeyFault(f"{where}: only one Ed25519 key can sign, this is {type_}", hint="`ssh-keygen -t ed25519 -N ''`")
    inner = sshkey.Reader(outer.string(), "private key")
    outer.end()
    if inner.take(4) != inner.take(4) or inner.string() != sshkey.ED25519.encode():
        raise IntegrityError("private key: the check numbers differ")
    raw, both = inner.string(), inner.string()
    if len(both) != 64 or both[32:] != raw:
        raise IntegrityError("private key: an Ed25519 key has 64 bytes, the last 32 are its public half")
    return both[:32], raw
