"""`hee decide`: a decision for the record, which later repairs must respect."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@click.argument("key")
@click.argument("statement")
@click.option("--rationale", required=True, help="Why; it stays in the record.")
@click.option(
    "--action",
    type=click.Choice(["auto-fix", "rerun", "agent-review", "manual-only", "none"]),
    help="The most that automation may do.",
)
@click.option(
    "--scope", multiple=True, metavar="SELECTOR", help="category:, pattern:, branch:, issue: or path: and a glob."
)
@click.option("--deny-path", "deny_paths", multiple=True, metavar="GLOB", help="Files that no repair may change.")
@click.option("--supersedes", default="", metavar="ID", help="The decision that this one replaces.")
@options.as_json
@options.directory
def decide(
    place: str, key: str, statement: str, rationale: str, action: str | None, scope: tuple[str, ...],
    deny_paths: tuple[str, ...], supersedes: str, as_json: bool,
) -> int:  # fmt: skip
    r"""Record a decision that later repairs must respect.

    KEY names what it is about (one active decision a key), STATEMENT says it.

    \b
    Example:
      hee decide format.vendor "Vendored files keep their bytes" --deny-path 'vendor/**' --rationale "checksums"
    """
    from hee_core.events import Event
    from hee_governance.conflicts import conflicts_of
    from hee_governance.decisions import Decision

    _refuse_empty(key=key, statement=statement, rationale=rationale)
    _refuse_useless(scope, deny_paths)
    terminal = options.terminal(as_json)
    data = {"kind": "standing", "key": key, "statement": statement, "rationale": rationale, "action": action, "scope": list(scope),
            "deny_paths": list(deny_paths), "supersedes": supersedes}  # fmt: skip
    with options.workspace(place) as workspace:
        log = workspace.log
        head, state = log.head, log.state
        active = [
            Decision.of(name, record)
            for name, record in state.decisions.items()
            if record["kind"] == "standing" and name != supersedes
        ]
        found = conflicts_of(
            (*active, Decision.of("the new one", data)),
            known={*state.ledger.ended, *([supersedes] if supersedes in state.decisions else [])},
        )
        if found:
            if as_json:
                terminal.json(
                    {
                        "recorded": False,
                        "conflicts": [{"decisions": list(c.decisions), "reason": c.reason} for c in found],
                    }
                )
            for conflict in found:
                terminal.status("CRITICAL", f"conflict: {conflict.reason}")
            terminal.line("  next: supersede the other decision (--supersedes ID), or narrow the scope")
            return 1
        entry = log.append(
            [Event.new("decision.recorded", data, subject=f"decision/{key}", clock=workspace.clock)], expected=head
        )
        name = [name for name, record in log.state.decisions.items() if record["key"] == key][-1]
    if as_json:
        terminal.json({"recorded": True, "decision_id": name, **options.entry_json(entry)})
    else:
        terminal.status("OK", f"{name} recorded with event {entry.index}")
    return 0


def _refuse_empty(**texts: str) -> None:
    from hee_core.errors import EventError

    for name, text in texts.items():
        if not text.strip():
            raise EventError(f"{name} is empty", hint="a decision says what it is about, what holds, and why")


def _refuse_useless(scope: tuple[str, ...], deny_paths: tuple[str, ...]) -> None:
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
