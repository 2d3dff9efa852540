"""The log's packs: one durable pack an append, merged geometrically, and indexes that heal after a power cut.

A pack of ours has a `.keep` beside it: no `git gc` of the user, started between the pack and the ref that will need it,
removes it, and we merge none but our own, beside the appends, in a thread that ends with the merge. A pack is fsynced
before it gets its name; its index is not, since it follows from the pack: after every start of the machine those that
are missing or torn are made again. Invariant: whatever
`write` returned for can be read after a power cut; a merge removes a pack only when another, durable one has it all.
"""

from __future__ import annotations

import hashlib
import os
from threading import Thread
from typing import TYPE_CHECKING

from hee_core.errors import GitError, HeeError
from hee_core.git import DURABLE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hee_core import gitobjects
    from hee_core.clock import Clock
    from hee_core.disk import Disk
    from hee_core.git import Repository

MARK = b"hee\n"
MOST_PACKS = 64  # then the small ones are merged
_LARGE_BLOB = "256k"  # the events of a group commit: nothing is gained by looking for what they have in common
_SMALL_INDEX = 1 << 18  # git fsyncs the indexes that it writes; ours are small
_SUFFIXES = ("keep", "idx", "pack")


class Packs:
    """The packs of a repository that this log wrote."""

    def __init__(self, repository: Repository, *, place: Path, disk: Disk, clock: Clock) -> None:
        """Writes nothing yet; `place` is the log's own directory."""
        self.directory = repository.common_dir / "objects" / "pack"
        self._repository = repository
        self._place = place
        self._disk = disk
        self._clock = clock
        self._count: int | None = None
        self._kept: Path | None = None  # a mark of ours to link to: a name costs less than a file
        self._merge: Thread | None = None
        self._boot = ""  # known once, since no process outlives the machine's run

    def write(self, pack: gitobjects.Pack) -> bool:
        """Stores a pack durably; False if it was here already. Raises GitError, having left nothing behind."""
        final = {suffix: self.directory / f"pack-{pack.name}.{suffix}" for suffix in _SUFFIXES}
        if final["idx"].exists() and final["pack"].exists():
            return False
        token = f"{os.getpid()}-{self._clock.nonce()[:8]}"
        beside = {suffix: self.directory / f"tmp_hee_{token}.{suffix}" for suffix in ("pack", "idx")}
        made: list[Path] = []
        try:
            self._disk.make_directory(self.directory)
            made.append(beside["pack"])
            self._disk.write(beside["pack"], pack.data)
            made.append(beside["idx"])
            self._disk.write(beside["idx"], pack.table, sync=not self._boot)
            if not final["keep"].exists():
                made.append(final["keep"])
                self._mark(final["keep"])
            for suffix in ("pack", "idx"):
                made.append(final[suffix])
                self._disk.rename(beside[suffix], final[suffix])
            self._disk.sync_directory(self.directory)
        except OSError as error:
            self._drop(made[::-1])
            raise GitError(
                f"cannot write to {self.directory}: {error.strerror}",
                hint="free some space, or make the directory writable; nothing was lost",
            ) from None
        self._count = None if self._count is None else self._count + 1
        return True

    def _mark(self, path: Path) -> None:
        kept = self._kept
        if kept:
            try:
                self._disk.link(kept, path)
            except OSError:  # it went with a merge, or this disk has no links
                self._drop((path,))
            else:
                return
        self._disk.write(path, MARK, sync=False)
        self._kept = path

    def discard(self, pack: gitobjects.Pack) -> None:
        """Removes a pack that nothing needs."""
        self._drop(self.directory / f"pack-{pack.name}.{suffix}" for suffix in ("idx", "pack", "keep"))
        self._count = None

    def _drop(self, paths: Iterable[Path]) -> None:
        for path in paths:
            try:
                self._disk.remove(path)
            except OSError:
                continue  # an unreachable pack costs space, nothing else

    def settle(self, new: str, old: str | None) -> None:
        """Makes durable what stock git stored of a history: it fsyncs neither loose objects nor directories."""
        objects = self.directory.parent
        listed = self._repository.run(
            "rev-list", "--objects", "--no-object-names", "--end-of-options", new, *([f"^{old}"] if old else [])
        )
        folders = {self.directory, objects}
        try:
            for name in listed.decode("ascii").split():
                loose = objects / name[:2] / name[2:]
                if loose.is_file():
                    self._disk.sync(loose)
                    folders.add(loose.parent)
            for folder in sorted(folders):
                self._disk.sync_directory(folder)
        except OSError as error:
            raise GitError(
                f"cannot make {objects} durable: {error.strerror}", hint="nothing was changed: try again"
            ) from None

    # ------------------------------------------------------------------ merging

    def tidy(self) -> None:
        """Begins to merge the small packs of ours when there are many, so that every pack is twice as big as those below it.

        Call it with the log's lock held and nothing half written.
        """
        if self._count is None:
            try:
                self._count = self._sweep()
            except OSError:
                return
        if self._count < MOST_PACKS or (self._merge and self._merge.is_alive()):
            return
        self._count = 0  # whatever happens below, it is tried again only after as many more
        merge = Thread(target=self._try_to_merge, name="hee merges packs")
        try:
            merge.start()
        except RuntimeError:
            return  # no thread to be had: the append stands, and the packs wait
        self._merge = merge

    def close(self) -> None:
        """Waits for a merge that began."""
        if self._merge:
            self._merge.join()
            self._merge = None

    def _try_to_merge(self) -> None:
        try:
            with self._disk.lock(self._place / "merge"):  # not the log's: nobody who appends waits for a merge
                self._merge_small()
        except (OSError, HeeError):
            return  # a merge that cannot be made costs space, nothing else

    def _merge_small(self) -> None:
        small = self._small(self.ours())
        if len(small) < MOST_PACKS // 2:
            return
        names = "".join(f"pack-{name}.pack\n" for name in small)
        merged = self._repository.run(
            *DURABLE, "-c", f"core.bigFileThreshold={_LARGE_BLOB}", "pack-objects", "--quiet", "--stdin-packs",
            "--delta-base-offset", str(self._place / "merged"), stdin=names.encode(),
        ).decode("ascii", "replace").strip()  # fmt: skip
        if merged not in small:
            self._name(merged)
        self._drop(self._place.glob("merged-*"))
        self._disk.sync_directory(self.directory)
        for name in small:
            if name != merged:
                self._drop(self.directory / f"pack-{name}.{suffix}" for suffix in ("idx", "rev", "pack", "keep"))

    def _name(self, merged: str) -> None:
        """Gives a merged pack its mark and then its name: a `git gc` that saw it unmarked would remove it in the end."""
        mark = self.directory / f"pack-{merged}.keep"
        self._mark(mark)
        try:
            for suffix in ("pack", "idx"):
                self._disk.rename(self._place / f"merged-{merged}.{suffix}", mark.with_suffix(f".{suffix}"))
        except OSError:  # for one, where objects are on another disk
            self._drop((mark, *self._place.glob("merged-*")))
            raise

    def _sweep(self) -> int:
        """Removes what killed writers left beside their names, and counts the marked packs.

        Whoever calls holds the log's lock, so other writers' unfinished files belong to nobody any more.
        """
        found = list(self.directory.iterdir())
        self._drop(path for path in found if path.name.startswith("tmp_hee_"))
        self._drop(path for path in self._place.iterdir() if path.name.startswith(("ref-", "snapshot-")))
        return sum(path.suffix == ".keep" for path in found)

    def ours(self) -> dict[str, int]:
        """The packs that this log wrote: name to size in bytes."""
        found = {}
        for path in self._listing("pack-*.keep"):
            try:
                if path.read_bytes() == MARK:
                    found[path.stem[5:]] = path.with_suffix(".pack").stat().st_size
            except OSError:
                continue
        return found

    def _small(self, sizes: dict[str, int]) -> list[str]:
        """The smallest packs, up to the first that is more than twice as big as all below it together."""
        named = self._in_multi_pack_index()
        total, small = 0, list[str]()
        for name in sorted(sizes, key=lambda name: sizes[name]):
            if len(small) > MOST_PACKS // 2 and sizes[name] > 2 * total:
                break
            if f"pack-{name}.idx".encode() not in named:
                small.append(name)
                total += sizes[name]
        return small

    def _in_multi_pack_index(self) -> bytes:
        """The user's own index over packs: what it names must stay."""
        try:
            return (self.directory / "multi-pack-index").read_bytes()
        except OSError:
            return b""

    def _listing(self, pattern: str) -> list[Path]:
        return sorted(self.directory.glob(pattern))

    # ------------------------------------------------------------------ after a power cut

    def heal(self) -> None:
        """Once for each start of the machine: makes the indexes again that a power cut took, and removes what it left."""
        self._boot = boot = self._disk.boot()
        note = self._place / "boot"
        if not boot or not self._place.is_dir():
            return  # without a name of the start every index is fsynced; without a place nothing was ever written here
        try:
            if note.read_text(encoding="ascii", errors="replace") == boot:
                return
        except OSError:
            pass
        try:
            for pack in self._listing("pack-*.pack"):
                if not self._sound(pack.with_suffix(".idx")):
                    self._index(pack)
        except OSError:
            return  # whoever appends swept it away meanwhile, or the disk refuses: it is looked at again next time
        beside = self._place / f"boot-{os.getpid()}-{self._clock.nonce()[:8]}"
        try:
            self._disk.make_directory(self._place)
            self._disk.write(beside, boot.encode(), sync=False)
            self._disk.rename(beside, note)
        except OSError:
            self._drop((beside,))  # it is looked at again next time

    def _sound(self, index: Path) -> bool:
        size = self._repository.hash_size // 2
        try:
            if index.stat().st_size > _SMALL_INDEX:
                return True
            data = index.read_bytes()
        except OSError:
            return False
        return len(data) > size and hashlib.new(self._repository.object_format, data[:-size]).digest() == data[-size:]

    def _index(self, pack: Path) -> None:
        """Makes the index of a pack again; a pack that is itself torn was never acknowledged, and stays as it is."""
        beside = pack.with_name(f"tmp_hee_{os.getpid()}-{self._clock.nonce()[:8]}.idx")
        done = self._repository.attempt("index-pack", "-o", str(beside), str(pack))
        try:
            if done.returncode == 0:
                self._disk.rename(beside, pack.with_suffix(".idx"))
                self._disk.sync_directory(self.directory)
        finally:
            self._drop((beside,))
