"""The log's store in a git repository: one durable pack an append, and a ref that moves only from where it was read.

Order of an append: the pack is written beside, fsynced, named, its directory fsynced; only then the ref. A crash before
the ref moved leaves unreachable objects and nothing else. In the files ref format no process is started for any of it;
other formats go through `git update-ref`. What the store keeps for itself lives in `<common dir>/hee` and is a cache.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hee_core import gitobjects
from hee_core.clock import SYSTEM, Clock
from hee_core.disk import Disk
from hee_core.errors import Conflict, GitError, HeeError, IntegrityError, LogError, LogNotFound
from hee_core.git import Repository
from hee_core.gitread import ObjectReader, Step, history
from hee_core.ids import Ids
from hee_core.lineage import Lineage, anchored, explains
from hee_core.log import Log
from hee_core.packs import Packs
from hee_core.refs import RefFile
from hee_core.store import EVENTS, REF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from hee_core.chain import Head
    from hee_core.gitobjects import GitObject
    from hee_core.keys import Signer


class GitStore:
    """Objects and one ref of a repository; shared by all its worktrees."""

    def __init__(
        self, repository: Repository, ref: str = REF, *, disk: Disk | None = None, clock: Clock = SYSTEM
    ) -> None:
        """Makes the indexes of packs again if the machine went down; otherwise writes nothing."""
        self.repository = repository
        self.object_format = repository.object_format
        self.ref = ref
        self.directory = repository.common_dir / "hee"
        self.name = str(repository.common_dir)
        self._disk = disk or Disk()
        self.lineage = Lineage(self.directory / "lineage", disk=self._disk, clock=clock)
        self.ids = Ids(self.directory / "ids", era=self.lineage.era)
        self._clock = clock
        self._reader = ObjectReader(repository, largest=gitobjects.LARGEST)
        self._stream = ObjectReader(
            repository, largest=gitobjects.LARGEST
        )  # one of its own, so that single reads may come between its answers
        self._packs = Packs(repository, place=self.directory, disk=self._disk, clock=clock)
        # HEAD of a reftable repository names a branch that cannot exist (gitrepository-layout).
        self._file = None
        if not (repository.common_dir / "reftable").exists():
            self._file = self._ref_file(ref)
        self._packs.heal()

    # ------------------------------------------------------------------ reading

    def tip(self) -> str | None:
        return self._file.read() if self._file else self.repository.ref(self.ref)

    def steps(self, tip: str, after: str | None, name: str = EVENTS) -> Iterator[Step]:
        try:
            for step in history(self.repository, name, tip, *([f"^{after}"] if after else [])):
                if after is None and not step.parents:
                    self._check_beginning(step.commit)
                yield step
        except GitError as error:
            raise IntegrityError(f"the log cannot be read: {error}", hint="run `hee verify`") from None

    def back(self, tip: str) -> Iterator[Step]:
        try:
            for step in history(self.repository, EVENTS, tip, newest_first=True):
                if not step.parents:
                    self._check_beginning(step.commit)
                yield step
        except GitError as error:
            raise IntegrityError(f"the log cannot be read: {error}", hint="run `hee verify`") from None

    def commits(self, tip: str) -> list[str]:
        done = self.repository.attempt("rev-list", "--reverse", "--first-parent", "--end-of-options", tip)
        if done.returncode:
            words = done.stderr.decode("utf-8", "replace").strip()
            raise GitError(f"git cannot list the log's commits: {words}", hint="`git fsck` says more")
        found = done.stdout.decode("ascii").split()
        self._check_beginning(found[0])
        return found

    def _check_beginning(self, commit: str) -> None:
        """Raises LogError where a shallow clone cut the history: the log does not begin at this commit."""
        try:
            cut = (self.repository.common_dir / "shallow").read_text(encoding="ascii").split()
        except OSError:
            return
        if commit in cut:
            raise LogError(
                "this clone is shallow: the beginning of the log is not here, and nothing can be said without it",
                hint="git fetch --unshallow, or fetch the branch hee/log whole",
            )

    def read(self, *ids: str) -> list[tuple[str, bytes] | None]:
        return self._reader.read_many(ids)

    def stream(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes] | None]:
        return self._stream.stream(ids)

    def file(self, commit: str, name: str) -> bytes:
        found = self._reader.read(f"{commit}:{name}")
        if found is None or found[0] != "blob":
            raise IntegrityError(f"commit {commit} has no {name}", hint="run `hee verify`")
        return found[1]

    def close(self) -> None:
        self._reader.close()
        self._stream.close()
        self.ids.close()
        self._packs.close()

    # ------------------------------------------------------------------ writing

    def exclusive(self) -> AbstractContextManager[None]:
        return self._locked("lock")

    def syncing(self) -> AbstractContextManager[None]:
        """Keeps other syncs on this machine waiting, but no writer: a network may be slow."""
        return self._locked("sync-lock")

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = self._disk.lock(self.directory / name)
        try:
            lock.__enter__()
        except OSError as error:
            raise GitError(
                f"the log cannot be written: {self.directory}: {error.strerror}",
                hint="the repository's git directory has to be writable, with some space left",
            ) from None
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def publish(self, objects: Sequence[GitObject], new: str, old: str | None) -> None:
        pack = gitobjects.pack(objects, self.object_format)
        written = self._packs.write(pack)
        try:
            self._move(new, old)
        except Conflict:
            if written:
                self._packs.discard(pack)
            raise
        except GitError:
            if written and self._is_at(old):  # else the append stands, only its durability is open: it needs its pack
                self._packs.discard(pack)
            raise
        self._packs.tidy()

    def _ref_file(self, name: str, place: str = "") -> RefFile:
        return RefFile(
            self.repository.common_dir, name, hash_size=self.repository.hash_size, place=self.directory / place,
            disk=self._disk, clock=self._clock,
        )  # fmt: skip

    def set_ref(self, name: str, new: str, old: str | None) -> None:
        """Moves one of the refs that syncs keep; nobody else does, and only while `syncing`."""
        if self._file:
            # In a place of its own: whoever appends meanwhile sweeps what writers of the log's branch left behind.
            self._ref_file(name, "sync").move(new, old)
        else:
            self.repository.update_ref(name, new, old)

    def drop_refs(self, below: str) -> None:
        """Removes the refs below a name, as far as that can be done."""
        for ref in self.repository.text("for-each-ref", "--format=%(refname)", below).splitlines():
            self.repository.attempt("update-ref", "-d", ref)

    def _move(self, new: str, old: str | None) -> None:
        if self._file:
            self._file.move(new, old)
        else:
            self.repository.update_ref(self.ref, new, old)

    def adopt(self, new: str, old: str | None) -> None:
        """Moves the ref to a commit that stock git brought here, once all that the move adds is durable."""
        self.settle(new, old)
        self._move(new, old)

    def settle(self, new: str, old: str | None) -> None:
        """Makes durable what stock git stored of a history; `old` is what was durable of it before."""
        self._packs.settle(new, old)

    def descends(self, new: str, old: str) -> bool:
        """Says whether a commit is another one or comes after it; no, if one of them cannot be read."""
        return self.repository.attempt("merge-base", "--is-ancestor", old, new).returncode == 0

    def resequenced(self, head: Head, tip: str) -> bool:
        if head.keyring is None:
            return False
        notes = self.lineage.notes(head.keyring, head.size)
        return explains(notes, head, tip, self) or anchored(head, tip, self)

    def _is_at(self, old: str | None) -> bool:
        try:
            return self.tip() == old
        except (HeeError, OSError):
            return False

    # ------------------------------------------------------------------ snapshots

    def load_snapshot(self) -> bytes | None:
        try:
            return (self.directory / "snapshot").read_bytes()
        except OSError:
            return None

    def save_snapshot(self, data: bytes) -> None:
        beside = self.directory / f"snapshot-{os.getpid()}-{self._clock.nonce()[:8]}"
        try:
            self._disk.make_directory(self.directory)
            self._disk.write(beside, data, sync=False)
            self._disk.rename(beside, self.directory / "snapshot")
        except OSError:
            try:
                self._disk.remove(beside)  # a cache that cannot be kept is a slower start, nothing more
            except OSError:
                return


def open_log(
    path: str | os.PathLike[str] | Repository = ".",
    *,
    signer: Signer | Callable[[], Signer] | None = None,
    clock: Clock = SYSTEM,
    pin: str = "",
    create: bool = False,
) -> Log:
    """Opens the log of a repository, or of the one that holds `path`; raises LogNotFound unless there is one or `create` is set.

    Without `signer` the key of this user is looked up when first needed. `pin` is the log id to expect.
    """
    from hee_core.keys import load_signer
    from hee_core.seen import Seen

    disk = Disk()
    repository = path if isinstance(path, Repository) else Repository.discover(path)
    store = GitStore(repository, disk=disk, clock=clock)
    if store.tip() is None and not create:
        raise LogNotFound(f"no log here: {store.repository.git_dir} has no branch hee/log", hint="run `hee init`")
    seen = Seen(store.name, disk=disk, clock=clock)
    return Log(store, signer=signer or load_signer, clock=clock, pin=pin, seen=seen)
