"""Signing keys: where the agent's private key lives, how it is made and read, and the signers that use one.

Responsible for key files (their format is `privatekey`'s business), the environment variable of CI and of people, and
the rule that an agent's key stays outside every repository. Keys in ssh-agent are `sshagent`'s; who may sign is the
keyring's.
Invariant: a private key is never overwritten, never readable by others, never in an error or a `repr`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hee_core import privatefile, privatekey, sshkey, sshsig
from hee_core.checkpoint import note_text
from hee_core.errors import KeyFault
from hee_core.keychanges import role_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DEFAULT_ACTOR = "agent:hee"
DEFAULT_CI_ACTOR = "ci:hee"
KEY_FILE = "agent_ed25519"
_PUBLIC = ("ssh-", "ecdsa-", "sk-")  # how the text of a public key begins
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
        super().__init__(privatekey.read(_read(path), str(path)), actor=actor)
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
        super().__init__(privatekey.read(text, "HEE_SIGNING_KEY"), actor=name)


def _encoded(value: str) -> str:
    """The key that a value is base64 of, with or without its first and last line; empty for anything else."""
    from base64 import b64decode, b64encode

    try:
        data = b64decode("".join(value.split()), validate=True)
    except ValueError:
        return ""
    if data.startswith(privatekey.MAGIC):
        return f"{privatekey.BEGIN}\n{b64encode(data).decode()}\n{privatekey.END}\n"
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


# ------------------------------------------------------------------ the key of this machine


def load_signer(*, actor: str | None = None) -> Signer:
    """The signer of this process: `HEE_SIGNING_KEY` if it is set, else the agent's key file.

    Where the variable is a public key or names its `.pub` file, ssh-agent signs with it, as it does for git.
    """
    value = os.environ.get("HEE_SIGNING_KEY", "").strip()
    if not value:
        return FileSigner(default_key_path(), actor=actor or os.environ.get("HEE_ACTOR") or DEFAULT_ACTOR)
    if value.endswith(".pub") or value.startswith(_PUBLIC):
        from hee_core.sshagent import AgentSigner

        whose = actor or os.environ.get("HEE_ACTOR")
        if not whose:
            raise KeyFault("HEE_ACTOR is not set: nobody knows who signs", hint="for example HEE_ACTOR=human:ada")
        return AgentSigner(_public(value), whose)
    return EnvSigner(actor=actor)


def _public(value: str) -> str:
    """The public key that a value is, or that is in the file it names."""
    if value.startswith(_PUBLIC):
        return value
    try:
        return Path(value).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError):
        raise KeyFault("HEE_SIGNING_KEY: the public key that it names cannot be read") from None


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

    if not os.path.lexists(path):
        key = Ed25519PrivateKey.generate()
        text = privatekey.write(key, comment=actor)
        # The draft's name is the key's own, so that nobody else writes it; if somebody was first, theirs is the key.
        privatefile.create(path, text.encode("ascii"), unique=key.public_key().public_bytes_raw().hex()[:16])
    return FileSigner(path, actor=actor)


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
