"""`hee decide`: a decision for the record, which later repairs must respect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.operational import State
    from hee_governance.conflicts import Conflict
    from hee_monitoring.cli.terminal import Terminal


@click.command()
@click.argument("key")
@click.argument("statement")
@click.option("--rationale", required=True, help="Why; it stays in the record.")
@click.option(
    "--action",
    type=click.Choice(["auto-fix", "rerun", "agent-review", "manual-only", "none"]),
    help="The most that automation may do.",
)
@click.option("--value", default="", help="What it must be: a value, or a constraint as '>=3.11,<4'.")
@click.option(
    "--scope", multiple=True, metavar="SELECTOR", help="category:, pattern:, branch:, issue: or path: and a glob."
)
@click.option("--deny-path", "deny_paths", multiple=True, metavar="GLOB", help="Files that no repair may change.")
@click.option("--alternative", "alternatives", multiple=True, metavar="TEXT", help="What else was considered.")
@click.option("--evidence", multiple=True, metavar="TEXT", help="What it rests on: a commit, an issue, a measurement.")
@click.option("--review-by", default="", metavar="DATE", help="Until when it stands without another look.")
@click.option("--supersedes", default="", metavar="ID", help="The decision that this one replaces.")
@options.as_json
@options.directory
def decide(place: str, /, as_json: bool, **said: Any) -> int:
    r"""Record a decision that later repairs must respect.

    KEY names what it is about (one active decision a key), STATEMENT says it. Exits 1, and records nothing, when it
    contradicts an active decision. One that turns its predecessor around within seven days without new evidence is
    recorded, and told.

    \b
    Example:
      hee decide format.vendor "Vendored files keep their bytes" --deny-path 'vendor/**' --rationale "checksums"
    """
    from hee_core.events import Event

    data: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
    data["kind"] = "standing"
    _refuse_empty(data)
    _refuse_useless(data["scope"], data["deny_paths"])
    _refuse_no_date(data["review_by"])
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        log = workspace.log
        options.allowed(workspace, "decide", data["key"])
        head, state = log.head, log.state
        found, turned = _conflicts(state, data, workspace.clock.now())
        if found:
            return _refused(terminal, found)
        subject = f"decision/{data['key']}"
        entry = log.append(
            [Event.new("decision.recorded", data, subject=subject, clock=workspace.clock)], expected=head
        )
        name = [name for name, record in log.state.decisions.items() if record["key"] == data["key"]][-1]
        touched = _touched(state, data["deny_paths"])
    if as_json:
        rows = [_row(conflict) for conflict in turned]
        entry_json = options.entry_json(entry)
        terminal.json({"recorded": True, "decision_id": name, "conflicts": rows, "touches": touched, **entry_json})
    else:
        terminal.status("OK", f"{name} recorded with event {entry.index}")
        for words in (*(conflict.reason for conflict in turned), *touched):
            terminal.status("WARNING", words)
    return 0


def _conflicts(state: State, data: dict[str, Any], now: str) -> tuple[tuple[Conflict, ...], tuple[Conflict, ...]]:
    """What the new decision contradicts, and whether it turns around the one that it supersedes."""
    from hee_core.clock import seconds_between
    from hee_governance.conflicts import conflicts_of, reversal
    from hee_governance.decisions import Decision

    before = data["supersedes"]
    active = [
        Decision.of(name, record)
        for name, record in state.decisions.items()
        if record["kind"] == "standing" and name != before
    ]
    old = state.decisions.get(before)
    new = Decision.of("the new one", data)
    found = conflicts_of((*active, new), known={*state.ledger.ended, *([before] if old else [])})
    if old is None:
        return found, ()
    days = max(0, int(seconds_between(old["decided_at"], now) // 86_400))
    return found, reversal(new, Decision.of(before, old), days=days)


def _touched(state: State, deny_paths: list[str]) -> list[str]:
    """Repairs that are there already and change what the decision forbids from now on."""
    from hee_governance.paths import any_match

    return [
        f"{fix['branch']} changes {path}, which this decision forbids: do not merge it"
        for fix in state.ledger.fixes.values()
        if fix["success"] and fix["branch"] and fix["issue_id"] in state.issues
        for path in fix["files"]
        if any_match(tuple(deny_paths), path)
    ]


def _refused(terminal: Terminal, found: tuple[Conflict, ...]) -> int:
    if terminal.as_json:
        terminal.json({"recorded": False, "conflicts": [_row(conflict) for conflict in found]})
    for conflict in found:
        terminal.status("CRITICAL", f"conflict: {conflict.reason}")
    terminal.line("  next: supersede the other decision (--supersedes ID), or narrow the scope")
    return 1


def _row(conflict: Conflict) -> dict[str, Any]:
    return {"kind": conflict.kind, "decisions": list(conflict.decisions), "reason": conflict.reason}


def _refuse_empty(data: dict[str, Any]) -> None:
    from hee_core.errors import EventError

    for name in ("key", "statement", "rationale"):
        if not data[name].strip():
            raise EventError(f"{name} is empty", hint="a decision says what it is about, what holds, and why")


def _refuse_no_date(text: str) -> None:
    from datetime import datetime

    from hee_core.errors import EventError

    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or ("T" in text and found.tzinfo is None)):
        raise EventError(f"--review-by {text!r} is no date", hint="for example 2026-12-31")


def _refuse_useless(scope: list[str], deny_paths: list[str]) -> None:
    """Raises EventError for a selector or a path that can match nothing: it would look like protection and be none."""
    from hee_core.errors import EventError
    from hee_governance.decisions import KINDS
    from hee_governance.paths import escapes

    for selector in scope:
        word, colon, glob = selector.partition(":")
        word, glob = (word, glob.strip()) if colon else ("path", selector.strip())
        if word not in KINDS:
            raise EventError(
                f"--scope {selector!r}: {word!r} is no word of a scope", hint=f"one of {', '.join(KINDS)}, and a glob"
            )
        reason = escapes(glob.removeprefix("/")) if word == "path" else ""
        if not glob.strip("/") or reason:
            raise EventError(f"--scope {selector!r} {reason or 'has an empty glob'}", hint="for example path:src/**")
    for glob in deny_paths:
        if reason := escapes(glob):
            raise EventError(f"--deny-path {glob!r} {reason}", hint="a glob inside the repository, as vendor/**")
