"""Rewrites the history of a real log: what somebody could do who may write to the repository, or even sign commits."""

from __future__ import annotations

import base64
import subprocess
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logs import git

from hee_core import gitobjects, sshsig

if TYPE_CHECKING:
    from pathlib import Path

    from hee_core.keys import Signer

REF = "refs/heads/hee/log"


@dataclass
class Append:
    """One commit, to be changed at will. `signer` signs it anew; None leaves it without a signature."""

    files: dict[str, bytes]
    person: str
    message: str
    signer: Signer | None
    modes: dict[str, str] = field(default_factory=dict)
    more_parents: list[str] = field(default_factory=list)
    no_parent: bool = False

    @property
    def lines(self) -> list[bytes]:
        return self.files["events.jsonl"].split(b"\n")[:-1]

    @lines.setter
    def lines(self, lines: list[bytes]) -> None:
        self.files["events.jsonl"] = b"".join(line + b"\n" for line in lines)

    @property
    def signatures(self) -> list[bytes]:
        return self.files["signatures"].split(b"\n")[:-1]

    @signatures.setter
    def signatures(self, lines: list[bytes]) -> None:
        self.files["signatures"] = b"".join(line + b"\n" for line in lines)

    def sign_events(self, signer: Signer) -> None:
        self.signatures = [base64.b64encode(signer.sign(line, sshsig.EVENT_NAMESPACE)) for line in self.lines]


class Forge:
    """The appends of a repository's log; change them, then `rewrite`."""

    def __init__(self, place: Path, signer: Signer) -> None:
        self.place = place
        self.format, common = git(place, "rev-parse", "--show-object-format", "--git-common-dir").split("\n")
        self.objects = place / common / "objects"
        commits = git(place, "rev-list", "--reverse", REF).split()
        raws = self._read(commits)
        parsed = [gitobjects.parse_commit(raw) for raw in raws]
        trees = [gitobjects.parse_tree(raw, self.format) for raw in self._read([commit.tree for commit in parsed])]
        blobs = iter(self._read([blob for tree in trees for _, _, blob in tree]))
        self.appends = [
            Append({name: next(blobs) for _, name, _ in tree}, commit.committer, commit.message, signer)
            for commit, tree in zip(parsed, trees, strict=True)
        ]

    def read(self, name: str) -> bytes:
        return self._read([name])[0]

    def _read(self, names: list[str]) -> list[bytes]:
        """The contents of many objects by one process: `ID KIND SIZE LF CONTENT LF` for each."""
        command = ["git", "cat-file", "--batch"]
        asked = "".join(f"{name}\n" for name in names).encode()
        said = subprocess.run(command, cwd=self.place, input=asked, capture_output=True, check=True).stdout
        found, at = [], 0
        for _ in names:
            end = said.index(b"\n", at)
            size = int(said[at:end].split(b" ")[2])
            found.append(said[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return found

    def write(self, kind: str, data: bytes) -> str:
        """Stores a loose object as git does, whatever it holds; a process for each would be most of these tests' time."""
        made = gitobjects.make(kind, data, self.format)
        path = self.objects / made.id[:2] / made.id[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(data)) + data, 1))
            path.chmod(0o444)
        return made.id

    def rewrite(self) -> list[str]:
        """Stores the appends as they are now and moves the branch; returns the commits."""
        commits: list[str] = []
        for append in self.appends:
            rows = b""
            for name, data in sorted(append.files.items()):
                mode = append.modes.get(name, "100644")
                rows += f"{mode} {name}\0".encode() + bytes.fromhex(self.write("blob", data))
            parents = ([commits[-1]] if commits and not append.no_parent else []) + append.more_parents
            head = f"tree {self.write('tree', rows)}\n" + "".join(f"parent {parent}\n" for parent in parents)
            head += f"author {append.person}\ncommitter {append.person}\n"
            body = b"\n" + append.message.encode()
            signature = b""
            if append.signer:
                blob = append.signer.sign(head.encode() + body, sshsig.COMMIT_NAMESPACE)
                signature = sshsig.commit_signature_header(blob, self.format)
            commits.append(self.write("commit", head.encode() + signature + body))
        git(self.place, "update-ref", REF, commits[-1])
        return commits
