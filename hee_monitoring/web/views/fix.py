"""A repair with its proof: the change, held against the digest in the log, the gate that failed before and is green after."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from hee_core.errors import HeeError, NotFound
from hee_core.story import trailers
from hee_monitoring.redact import redact
from hee_monitoring.web.views.timeline import row

if TYPE_CHECKING:
    from hee_core.git import Repository
    from hee_monitoring.web.book import Book, Look

MOST_LINES = 2000
MOST_BYTES = 512 * 1024


def values(book: Book, look: Look, fix_id: str) -> dict[str, Any]:
    """What the page shows; raises NotFound for a repair that no event up to this point names."""
    entries = [entry for entry in book.about(look, fix_id) if entry.event.data.get("fix_id") == fix_id]
    if not entries:
        raise NotFound(f"{fix_id} is no repair of this log", hint="the timeline lists them: type fix.")
    data: dict[str, Any] = {}
    checks: dict[str, dict[str, Any]] = {"pre": {}, "post": {}}
    for entry in entries:
        event = entry.event
        if not event.fits:
            continue  # what breaks its own form says nothing here; its line is in the history
        fields = event.fields
        phase = "pre" if fields.get("phase") == "pre" else "post"
        for check in fields.get("checks", []):  # one that ran again counts as it ended last
            checks[phase][check["name"]] = check
        data |= {name: value for name, value in fields.items() if name != "checks" and value not in ("", None)}
    record = look.state.ledger.fixes.get(fix_id)
    outcome = record["outcome"] if record else data.get("outcome", "")
    kept = outcome in ("verified", "applied")
    return {
        "fix": data,
        "fix_id": fix_id,
        "outcome": outcome,
        "verdicts": record["governance"] if record else {},
        "checks": {phase: list(found.values()) for phase, found in checks.items()},
        "change": change(book.workspace.repository, data.get("commit", ""), data.get("diff", "")) if kept else None,
        "history": [row(entry) for entry in entries],
    }


def change(repository: Repository, commit: str, digest: str) -> dict[str, Any]:
    """The diff of a repair's commit, and whether it is the one whose digest the log has (null: the commit is not here)."""
    try:
        diff = repository.run("diff-tree", "-p", "--binary", "--full-index", f"{commit}^", commit)
        message = repository.text("log", "-1", "--format=%B", commit)
    except HeeError:
        return {"same": None, "lines": [], "more": 0, "message": "", "trailers": {}}
    lines = redact(diff[:MOST_BYTES].decode("utf-8", "replace")).split("\n")
    return {
        "same": hashlib.sha256(diff).hexdigest() == digest,
        "lines": [(_kind(line), line) for line in lines[:MOST_LINES]],
        "more": max(0, diff.count(b"\n") - MOST_LINES, 0),
        "message": message.rpartition("\n\n")[0],
        "trailers": trailers(message),
    }


def _kind(line: str) -> str:
    if line.startswith(("diff ", "index ", "--- ", "+++ ", "new file", "deleted file", "old mode", "new mode")):
        return "meta"
    return {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "same")
