"""Which events are in the log, for a retry from another process: event id to index, in a file that is only a cache.

Responsible for keeping and finding; whoever finds an index reads the event there before believing it. What was added
since the last `save` is in memory. Keys begin with the event's time: new ones stand at the end of the file, so that
saving costs as much in a long log as in a short one. Invariant: an unreadable, foreign, torn or outdated file is the same as none, and
what is found in one was once added for exactly this log.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from hee_core.store import Named, Tail

_KEY = 16  # bytes of an id that are kept; whoever finds one compares the rest
_SECONDS = len("2026-01-24T12:00:00")
_UNSAVED = 20_000
_WORTH = 256  # fewer are read again from the log's end sooner than they are saved
_ASKED = 500  # ids in one question, well below the most variables that SQLite takes
_VERSION = 2
_TABLES = (
    "DROP TABLE IF EXISTS ids",
    "DROP TABLE IF EXISTS meta",
    "CREATE TABLE ids (id BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
    f"PRAGMA user_version = {_VERSION}",
)


def _key(event: Named) -> bytes:
    return event.time[:_SECONDS].encode() + bytes.fromhex(event.id[: 2 * _KEY])


class Ids:
    """The ids of one log; without a path, in memory only."""

    def __init__(self, path: Path | None = None, *, era: Callable[[], str] = str) -> None:
        """Opens nothing yet; `era` names the order in which the log's events stand: after another one all is void."""
        self.covered = 0
        self._era = era
        self._path = path
        self._log_id = ""
        self._saved = 0
        self._recent: dict[bytes, int] = {}
        self._file: sqlite3.Connection | None = None

    def begin(self, log_id: str, size: int) -> None:
        log_id += self._era()
        if log_id == self._log_id and self.covered <= size:
            return
        if self._log_id:
            self.forget()
        self._log_id = log_id
        self.covered = self._saved = self._stored()
        if self.covered > size:
            self.forget()

    def find(self, events: Iterable[Named]) -> dict[str, int]:
        names = {_key(event): event.id for event in events}
        found = {name: self._recent[key] for key, name in names.items() if key in self._recent}
        if self._saved:
            keys = [key for key in names if key not in self._recent]
            for start in range(0, len(keys), _ASKED):
                some = keys[start : start + _ASKED]
                marks = ",".join("?" * len(some))
                rows = self._ask(f"SELECT id, place FROM ids WHERE id IN ({marks})", some)  # noqa: S608 - only marks
                if not all(type(place) is int for _, place in rows):
                    self.forget()
                    return {}
                found |= {names[key]: place for key, place in rows}
        return found

    def add(self, first: int, events: Iterable[Named]) -> None:
        if first != self.covered:
            return
        for event in events:
            self._recent[_key(event)] = self.covered
            self.covered += 1
        if self._path and len(self._recent) >= _UNSAVED:
            self.save()

    def tail(self) -> Tail:
        return self._log_id, self._saved, tuple(self._recent)

    def resume(self, tail: Tail, size: int) -> None:
        name, first, keys = tail
        if name == self._log_id and first == self.covered and first + len(keys) <= size:
            self._recent |= {key: place for place, key in enumerate(keys, first)}
            self.covered += len(keys)

    def forget(self) -> None:
        self._recent = {}
        self.covered = self._saved = 0
        self.close()
        if self._path:
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                self._path = None  # it cannot be replaced: from here on, memory has to do

    def save(self) -> None:
        if not self._path or len(self._recent) < _WORTH or not self._log_id:
            return
        import sqlite3

        try:
            file = self._open(self._path)
            with file:
                file.execute("BEGIN IMMEDIATE")
                if self._meta(file) not in (None, self._log_id) or self._size(file) < self._saved:
                    return  # another process began anew: what it has is as good
                file.executemany("INSERT OR IGNORE INTO ids VALUES (?, ?)", self._recent.items())
                rows = [("log", self._log_id), ("size", str(max(self.covered, self._size(file))))]
                file.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        except (sqlite3.Error, OSError):
            self._give_up()
            return
        self._recent, self._saved = {}, self.covered

    def close(self) -> None:
        """Closes the file; it is opened again when needed."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    # ------------------------------------------------------------------ the file

    def _stored(self) -> int:
        if not self._path or not self._path.is_file():
            return 0
        rows = self._ask("SELECT name, value FROM meta ORDER BY name", ())
        if [name for name, _ in rows] != ["log", "size"] or rows[0][1] != self._log_id or not str(rows[1][1]).isdigit():
            self.forget()
            return 0
        return int(rows[1][1])

    def _ask(self, query: str, values: Sequence[object]) -> list[Any]:
        import sqlite3

        if not self._path:
            return []
        try:
            return self._open(self._path).execute(query, values).fetchall()
        except (sqlite3.Error, OSError):
            self._give_up()
            return []

    def _give_up(self) -> None:
        """Goes on without the file and without what was in it; the next process begins a new one."""
        self.close()
        self._recent = {}
        self.covered = self._saved = 0
        if self._path:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        self._path = None

    def _open(self, path: Path) -> sqlite3.Connection:
        if self._file is None:
            import sqlite3

            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA trusted_schema = OFF")
            self._file.execute("PRAGMA journal_mode = TRUNCATE")  # a killed process leaves the file as it was
            if self._version(self._file) != _VERSION:
                self._make_tables(self._file)
        return self._file

    def _make_tables(self, file: sqlite3.Connection) -> None:
        with file:
            file.execute("BEGIN IMMEDIATE")
            if self._version(file) != _VERSION:  # else another process just made them
                for statement in _TABLES:
                    file.execute(statement)

    def _version(self, file: sqlite3.Connection) -> int:
        return int(file.execute("PRAGMA user_version").fetchone()[0])

    def _meta(self, file: sqlite3.Connection) -> str | None:
        row = file.execute("SELECT value FROM meta WHERE name = 'log'").fetchone()
        return row[0] if row else None

    def _size(self, file: sqlite3.Connection) -> int:
        row = file.execute("SELECT value FROM meta WHERE name = 'size'").fetchone()
        return int(row[0]) if row else 0
