"""Which events are in the log, for a retry from another process: event id to index, in a file that is only a cache.

Responsible for keeping and finding; whoever finds an index reads the event there before believing it. What was added
since the last `save` is in memory. Invariant: an unreadable, foreign, torn or outdated file is the same as none, and
what is found in one was once added for exactly this log.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

_KEY = 16  # bytes of an id that are kept; whoever finds one compares the rest
_UNSAVED = 20_000
_WORTH = 256  # fewer are read again from the log's end sooner than they are saved
_VERSION = 1


class Ids:
    """The ids of one log; without a path, in memory only."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens nothing yet."""
        self.covered = 0
        self._path = path
        self._log_id = ""
        self._saved = 0
        self._recent: dict[bytes, int] = {}
        self._file: sqlite3.Connection | None = None

    def begin(self, log_id: str, size: int) -> None:
        if log_id == self._log_id and self.covered <= size:
            return
        if self._log_id:
            self.forget()
        self._log_id = log_id
        self.covered = self._saved = self._stored()
        if self.covered > size:
            self.forget()

    def find(self, event_id: str) -> int | None:
        key = bytes.fromhex(event_id)[:_KEY]
        found = self._recent.get(key)
        if found is None and self._saved:
            rows = self._ask("SELECT place FROM ids WHERE id = ?", (key,))
            found = rows[0][0] if rows else None
        return found

    def add(self, first: int, ids: Iterable[str]) -> None:
        if first != self.covered:
            return
        for event_id in ids:
            self._recent[bytes.fromhex(event_id)[:_KEY]] = self.covered
            self.covered += 1
        if self._path and len(self._recent) >= _UNSAVED:
            self.save()

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
            return 0
        return int(rows[1][1])

    def _ask(self, query: str, values: tuple[object, ...]) -> list[Any]:
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
            if self._file.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._file.execute("CREATE TABLE IF NOT EXISTS ids (id BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID")
                self._file.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
                self._file.execute(f"PRAGMA user_version = {_VERSION}")
        return self._file

    def _meta(self, file: sqlite3.Connection) -> str | None:
        row = file.execute("SELECT value FROM meta WHERE name = 'log'").fetchone()
        return row[0] if row else None

    def _size(self, file: sqlite3.Connection) -> int:
        row = file.execute("SELECT value FROM meta WHERE name = 'size'").fetchone()
        return int(row[0]) if row else 0
