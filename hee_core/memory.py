"""A log in this process: for tests, and for tools that want the log's rules without a repository."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from hee_core import gitobjects
from hee_core.clock import SYSTEM, Clock
from hee_core.errors import Conflict
from hee_core.gitread import Step
from hee_core.ids import Ids
from hee_core.log import Log
from hee_core.store import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from hee_core.chain import Head
    from hee_core.gitobjects import GitObject
    from hee_core.keys import Signer


class MemoryStore:
    """Objects in a dictionary and a ref in an attribute."""

    object_format = "sha1"
    name = ""

    def __init__(self) -> None:
        """Starts with no objects and no ref."""
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.ref: str | None = None
        self.ids = Ids()
        self.snapshot: bytes | None = None

    def tip(self) -> str | None:
        return self.ref

    def back(self, tip: str) -> Iterator[Step]:
        commit: str | None = tip
        while commit:
            parents = gitobjects.parse_commit(self.objects[commit][1]).parents
            yield Step(commit, parents, self.file(commit, EVENTS))
            commit = parents[0] if parents else None

    def file(self, commit: str, name: str) -> bytes:
        tree = gitobjects.parse_commit(self.objects[commit][1]).tree
        entries = gitobjects.parse_tree(self.objects[tree][1], self.object_format)
        return self.objects[{entry: blob for _, entry, blob in entries}[name]][1]

    def steps(self, tip: str, after: str | None, name: str = EVENTS) -> Iterator[Step]:
        found: list[Step] = []
        for step in self.back(tip):
            if step.commit == after:
                break
            found.append(step._replace(content=self.file(step.commit, name)))
        return reversed(found)

    def commits(self, tip: str) -> list[str]:
        return [step.commit for step in self.steps(tip, None)]

    def read(self, *ids: str) -> list[tuple[str, bytes] | None]:
        return [self.objects.get(object_id) for object_id in ids]

    def stream(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes] | None]:
        return map(self.objects.get, ids)

    def publish(self, objects: Sequence[GitObject], new: str, old: str | None) -> None:
        if self.ref != old:
            raise Conflict("the ref moved meanwhile")
        self.objects |= {item.id: (item.kind, item.data) for item in objects}
        self.ref = new

    def exclusive(self) -> AbstractContextManager[None]:
        return nullcontext()

    def resequenced(self, head: Head, tip: str) -> bool:
        del head, tip
        return False

    def load_snapshot(self) -> bytes | None:
        return self.snapshot

    def save_snapshot(self, data: bytes) -> None:
        self.snapshot = data

    def close(self) -> None:
        pass


def MemoryLog(*, signer: Signer | None = None, clock: Clock = SYSTEM) -> Log:  # noqa: N802 - the contract names it so
    """A new log in memory with its first event written, signed by a key of its own unless one is given."""
    from hee_core.keys import EphemeralSigner

    log = Log(MemoryStore(), signer=signer or EphemeralSigner(), clock=clock)
    log.create("in memory")
    return log
