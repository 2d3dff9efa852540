"""Full verification: objects, chain, signatures, capsule, checkpoint and trailers, each finding with its place.

It trusts nothing but the log id it is given (or, at first use, the one it finds) and one reader of objects. What it
cannot check it reports; a log is `ok` only when everything was evaluated and nothing was found. This module walks the
objects; `hee_core.inspection` judges each append. Invariant: damage is a finding, never an exception.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from hee_core import chain, checkpoint, consistency, gitobjects, history, merkle
from hee_core.errors import GitError, HeeError, IntegrityError, LogError, LogNotFound
from hee_core.inspection import Finding, Inspection, Report
from hee_core.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hee_core.cosignature import Witness
    from hee_core.gitobjects import Commit
    from hee_core.history import At
    from hee_core.log import Log
    from hee_core.seen import Seen
    from hee_core.store import Store

    _Listing = list[tuple[str, str, str]] | IntegrityError  # the entries of a tree as (mode, name, id)
    _Found = tuple[str, bytes] | GitError | None  # an object; or why it cannot be read; or that it is missing

__all__ = ["Finding", "Inspection", "Report", "inspect", "verify"]

MOST_FINDINGS = 1000
_WINDOW = 32  # commits whose trees are asked for at once
_RANGE = re.compile(r"^HEE-Index: ([0-9]{1,15})\.\.[0-9]{1,15}$", re.MULTILINE)


def verify(
    log: Log,
    *,
    at: At = None,
    since: bytes = b"",
    witnesses: Sequence[Witness] = (),
    quorum: int = 1,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Report:
    """Checks the whole log, or all up to the append that holds a point; raises LogNotFound when there is none.

    `since` is an earlier checkpoint that it must go on from (IntegrityError for what is none); with `witnesses`, a
    `quorum` of them must have cosigned it, in a note that the log holds or in `since`. `progress` is told how many of
    how many events were checked; 0 of them where nobody knows.
    """
    store = log.store
    tip = store.tip()
    if tip is None:
        raise LogNotFound("there is no log to verify", hint="run `hee init`")
    if since:
        checkpoint.parse(since)
    if at is not None:
        tip = log.entry(history.resolve(log, at)).commit
    inspection = Inspection(store, log.seen)
    size = log.known_size(tip)
    _Walk(store, inspection, lambda: progress(inspection.head.size, size)).all(tip, size)
    inspection.findings = inspection.settled()
    if not inspection.head.size and not inspection.findings and not inspection.unknown:
        inspection.found("empty", "the branch holds no event")
    log_id = inspection.head.log_id
    unread = not log_id and (inspection.findings or inspection.unknown)  # what was not read is unknown, not another log
    if log.pin and log_id != log.pin and not unread:
        inspection.found(
            "foreign-log", f"this is log {log_id[:12] or 'nothing'}, the configuration names {log.pin[:12]}", 0
        )
    if not inspection.findings and not inspection.blind and at is None:
        _compare_with_last_time(log, inspection, tip)
    compared: tuple[consistency.Since | consistency.Seen, ...] = ()
    if since or witnesses:
        compared = _compare_with_notes(store, inspection, tip, since=since, witnesses=witnesses, quorum=quorum)
    return Report(
        inspection.head.size,
        tip,
        log_id,
        tuple(inspection.findings[:MOST_FINDINGS]),
        tuple(inspection.warnings[:MOST_FINDINGS]),
        tuple(inspection.unknown),
        dict(inspection.checked),
        next((found for found in compared if isinstance(found, consistency.Since)), None),
        next((found for found in compared if isinstance(found, consistency.Seen)), None),
        tuple(inspection.anchors),
    )


def inspect(store: Store, tip: str, *, trusted: str | None = None, seen: Seen | None = None) -> Inspection:
    """Judges everything up to a commit and gives what is known after it; up to `trusted` it was judged before.

    Raises GitError or LogError where the history cannot be listed; all other damage is among the findings, and what
    concerns unsigned commits that no event answers for apart from them.
    """
    inspection = Inspection(store, seen)
    for step in store.steps(trusted, None) if trusted else ():
        inspection.trust(step)
    inspection.trusted = inspection.head
    _Walk(store, inspection).after(tip, trusted)
    return inspection


def not_as_seen(seen: Seen, inspection: Inspection, store: Store, tip: str) -> Finding | None:
    """What was verified here before and is no more; None if the log goes on from it, or nothing was."""
    size, then = seen.size(inspection.head.log_id), inspection.then
    if then.size != size:  # no append ends there any more
        lines = (line for step in store.steps(tip, None) for line in chain.lines(step))
        then = Frontier().extend(map(merkle.leaf_hash, islice(lines, size)))
    fault = seen.contradiction(inspection.head, then)
    return Finding(*fault) if fault else None


def _compare_with_last_time(log: Log, inspection: Inspection, tip: str) -> None:
    """A repository that was put back as a whole is consistent in itself: only what was seen outside of it can tell."""
    if log.seen is None:
        return
    fault = not_as_seen(log.seen, inspection, log.store, tip)
    if fault:
        inspection.findings.append(fault)
    elif log.store.tip() == inspection.head.commit:  # else a sync may have put another order in its place meanwhile
        log.seen.keep(inspection.head)


def _compare_with_notes(
    store: Store, inspection: Inspection, tip: str, *, since: bytes, witnesses: Sequence[Witness], quorum: int
) -> tuple[consistency.Since | consistency.Seen, ...]:
    """Holds the log against what others kept of it; what it says otherwise is a finding."""
    head = inspection.head
    try:
        if head.keyring is None:
            raise IntegrityError("there is no first event that could say whose keys count")
        past = consistency.Past.read(store, tip, head.log_id, head.keyring)
    except HeeError as error:
        inspection.found("object", f"it cannot be compared with the checkpoint: {error}", 0)
        return ()
    compared = [
        *([consistency.since(past, since)] if since else ()),
        *([consistency.witnessed(past, witnesses, quorum, notes=[since] if since else [])] if witnesses else ()),
    ]
    for found in compared:
        if isinstance(found, Finding):
            inspection.found(found.kind, found.detail, found.index)
    return tuple(found for found in compared if not isinstance(found, Finding))


class _Walk:
    """Goes from the first commit to the last, and reads every object of each with its content checked."""

    def __init__(self, store: Store, inspection: Inspection, progress: Callable[[], None] = lambda: None) -> None:
        self.store = store
        self.inspection = inspection
        self.progress = progress

    def after(self, tip: str, before: str | None) -> None:
        """Inspects the appends after a commit that was reached already (None: all); raises GitError where git cannot go on."""
        commits = self.store.commits(tip)
        self._each(commits[commits.index(before) + 1 :] if before else commits)

    def all(self, tip: str, size: int) -> None:
        """Inspects every append; `size` is the number of events that somebody saw at the tip, 0 if nobody did."""
        try:
            commits = self.store.commits(tip)
        except LogError as error:
            self.inspection.found("shallow", str(error), 0)
            return
        except GitError as error:
            self._search(tip, size, str(error))
            return
        self._each(commits)

    def _each(self, commits: Sequence[str]) -> None:
        for start in range(0, len(commits), _WINDOW):
            self.progress()
            for append in self._window(commits[start : start + _WINDOW]):
                self._append(*append)
                if (
                    self.inspection.blind
                    or self.inspection.head.keyring is None
                    or len(self.inspection.findings) > MOST_FINDINGS
                ):
                    return  # without a first event nothing after it means anything

    def _window(self, commits: Sequence[str]) -> Iterator[tuple[str, bytes | None, _Listing, dict[str, _Found]]]:
        """Some commits, each with its tree, both checked, and with the blobs that the tree names, not checked yet."""
        raws = self._objects(commits)
        trees = [self._tree_id(raw) for raw in raws]
        wanted = [tree for tree in trees if tree]
        found = dict(zip(wanted, self._objects(wanted), strict=True)) if wanted else {}
        listings = [self._listing(found.get(tree)) for tree in trees]
        named = [
            {blob: None for mode, _, blob in listing if mode == "100644"} if isinstance(listing, list) else {}
            for listing in listings
        ]
        blobs = self._stream([blob for names in named for blob in names])
        for commit, raw, tree, listing, names in zip(commits, raws, trees, listings, named, strict=True):
            data = self._content(commit, "commit", raw)
            sound = self._content(tree, "tree", found.get(tree)) is not None
            yield commit, data, listing if sound else [], dict(zip(names, islice(blobs, len(names)), strict=True))

    def _listing(self, tree: _Found) -> _Listing:
        """The entries of a tree, or why it is none."""
        try:
            return gitobjects.parse_tree(tree[1], self.store.object_format) if isinstance(tree, tuple) else []
        except IntegrityError as error:
            return error

    def _stream(self, ids: Sequence[str]) -> Iterator[_Found]:
        """The objects one by one, or for each that cannot be read why."""
        done = 0
        try:
            for found in self.store.stream(ids):
                done += 1
                yield found
        except GitError:
            yield from map(self._object, ids[done:])

    def _tree_id(self, raw: _Found) -> str:
        if raw is None or isinstance(raw, GitError):
            return ""
        match = re.match(rb"tree ([0-9a-f]{40}|[0-9a-f]{64})\n", raw[1])
        return match[1].decode() if match else ""

    def _append(self, commit: str, raw: bytes | None, listing: _Listing, found: dict[str, _Found]) -> None:
        parsed: Commit | None = None
        files: dict[str, bytes] = {}
        entries: list[tuple[str, str, str]] = []
        try:
            parsed = gitobjects.parse_commit(raw) if raw is not None else None
            if isinstance(listing, IntegrityError):
                raise listing
            entries = listing if parsed else []
        except IntegrityError as error:
            self.inspection.found("object", f"commit {commit[:12]}: {error}")
        for mode, name, _ in entries:
            if mode != "100644":
                self.inspection.found("tree", f"commit {commit[:12]}: {name[:40]!a} has mode {mode[:8]!a}, not 100644")
        for mode, name, blob in entries:
            data = self._content(blob, "blob", found.get(blob)) if mode == "100644" else None
            if data is not None:
                files[name] = data
        self.inspection.append(commit, parsed, raw or b"", files)

    def _objects(self, ids: Sequence[str]) -> Sequence[_Found]:
        """The objects, or for each that cannot be read why."""
        try:
            return self.store.read(*ids)
        except GitError:
            return [self._object(object_id) for object_id in ids]

    def _object(self, object_id: str) -> _Found:
        try:
            return self.store.read(object_id)[0]
        except GitError as error:
            return error

    def _content(self, object_id: str, kind: str, found: _Found) -> bytes | None:
        if not object_id:
            return None
        if found is None:
            self.inspection.found("object", f"{kind} {object_id[:12]} is missing")
            return None
        if isinstance(found, GitError):
            self.inspection.found("object", f"{kind} {object_id[:12]}: {found}")
            return None
        self.inspection.checked["objects"] += 1
        if found[0] != kind or gitobjects.make(*found, self.store.object_format).id != object_id:
            self.inspection.found("object", f"{kind} {object_id[:12]} does not have the content that its id names")
            return None
        return found[1]

    # ------------------------------------------------------------------ when the history itself is broken

    def _search(self, tip: str, size: int, words: str) -> None:
        """Finds the newest commit that cannot be read, and its place from the commit after it."""
        index = size - 1 if size else 0
        commit = tip
        while commit:
            found = self._object(commit)
            data = found[1] if found is not None and not isinstance(found, GitError) else b""
            try:
                if not data or gitobjects.make("commit", data, self.store.object_format).id != commit:
                    raise IntegrityError(f"commit {commit[:12]} cannot be read, nor what came before it: {words}")
                parsed = gitobjects.parse_commit(data)
            except HeeError as error:
                self.inspection.found("object", str(error), index)
                return
            numbers = _RANGE.search(parsed.message)
            index = max(0, int(numbers[1]) - 1) if numbers else index
            commit = parsed.parents[0] if parsed.parents else ""
        self.inspection.found("object", words, 0)
