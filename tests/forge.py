"""Rewrites the history of a real log: what somebody could do who may write to the repository, or even sign commits."""

from __future__ import annotations

import base64
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
        self.format = git(place, "rev-parse", "--show-object-format")
        self.appends = []
        for commit in git(place, "rev-list", "--reverse", REF).split():
            names = git(place, "ls-tree", "--name-only", commit).split()
            raw = self.read(commit)
            parsed = gitobjects.parse_commit(raw)
            files = {name: self.read(f"{commit}:{name}") for name in names}
            self.appends.append(Append(files, parsed.committer, parsed.message, signer))

    def read(self, name: str) -> bytes:
        import subprocess

        kind = git(self.place, "cat-file", "-t", name)
        return subprocess.run(["git", "cat-file", kind, name], cwd=self.place, capture_output=True, check=True).stdout

    def write(self, kind: str, data: bytes) -> str:
        return git(self.place, "hash-object", "-w", "--literally", "-t", kind, "--stdin", stdin=data)

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
