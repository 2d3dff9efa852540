"""`hee patterns`: what the diagnosis knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_monitoring.database import Pattern, PatternDB


@click.group()
def patterns() -> None:
    """List and show the failure patterns."""


@patterns.command("list")
@click.option("--category", help="Only this category.")
@options.at
@options.as_json
@options.directory
def list_(place: str, category: str | None, at: str | None, as_json: bool) -> None:
    """List the patterns: id, category, title; with --at those that a cycle used then, if this program has them."""
    terminal = options.terminal(as_json)
    database = _database(place, at)
    chosen = [pattern for pattern in database if not category or pattern.category == category]
    if as_json:
        terminal.json(
            {
                "version": database.version,
                "digest": database.digest,
                "patterns": [_document(pattern) for pattern in chosen],
            }
        )
        return
    terminal.table([(pattern.pattern_id, pattern.category, pattern.title) for pattern in chosen], indent=0)
    terminal.line(f"{len(chosen)} patterns, version {database.version}")


@patterns.command()
@click.argument("pattern_id")
@options.at
@options.as_json
@options.directory
def show(place: str, pattern_id: str, at: str | None, as_json: bool) -> None:
    """Show one pattern: what it means, what to do, who decides, and its examples."""
    from hee_core.errors import NotFound
    from hee_governance.matrix import Matrix

    terminal = options.terminal(as_json)
    pattern = _database(place, at).get(pattern_id)
    if pattern is None:
        raise NotFound(f"HEE pattern not found: {pattern_id}", hint="`hee patterns list` has them all")
    row = Matrix.load().row(pattern.matrix_row)
    if as_json:
        terminal.json({**_document(pattern), "action": row.action, "rationale": row.rationale})
        return
    terminal.line(terminal.bold(f"{pattern.pattern_id}  {pattern.title}"))
    terminal.table(
        [
            ("category", f"{pattern.category} (read from: {pattern.channel})"),
            (
                "impact",
                f"{pattern.hee_impact}; safety of automation {pattern.safety_level}; rollback required {'Yes' if pattern.rollback_required else 'No'}",
            ),
            ("decision", f"{row.action}: {row.rationale}"),
            ("what", pattern.what),
            ("next", pattern.remedy),
        ]
    )
    for example in pattern.examples:
        terminal.line(f"  example   {terminal.fit(example, terminal.width - 12)}")


@patterns.command()
@click.argument("pattern_id", required=False)
@options.as_json
def test(pattern_id: str | None, as_json: bool) -> int:
    """Run the examples of one pattern, or of all: it must be found in each, and in no counterexample."""
    from hee_monitoring.database import PatternDB
    from hee_monitoring.joblog import read
    from hee_monitoring.scan import scan

    terminal = options.terminal(as_json)
    database = PatternDB.load()
    failed, ran = [], 0
    for pattern in database:
        if pattern_id and pattern.pattern_id != pattern_id:
            continue
        for text, wanted in (*((e, True) for e in pattern.examples), *((e, False) for e in pattern.counterexamples)):
            ran += 1
            hits = scan(read(text.encode()), database).hits
            if any(hit.pattern.pattern_id == pattern.pattern_id for hit in hits) is not wanted:
                failed.append((pattern.pattern_id, "missed" if wanted else "matched", text))
    if as_json:
        terminal.json({"ran": ran, "failed": [{"pattern_id": p, "what": w, "example": t} for p, w, t in failed]})
    else:
        terminal.table(failed)
        terminal.status("OK" if ran and not failed else "CRITICAL", f"{ran} examples, {len(failed)} wrong")
    return 1 if failed or not ran else 0


def _database(place: str, at: str | None) -> PatternDB:
    """The patterns of this program; raises NotFound unless they are the ones that were in force at a point of the log."""
    from hee_core.errors import NotFound
    from hee_core.history import resolve
    from hee_monitoring.database import PatternDB

    database = PatternDB.load()
    if at is not None:
        with options.workspace(place) as workspace:
            index = resolve(workspace.log, at)
            then = workspace.log.state_after(index).ledger.patterns
        if not then:
            raise NotFound(f"no patterns were in force at event {index}", hint="the first cycle says which it uses")
        if then["digest"] != database.digest:
            raise NotFound(
                f"version {then['version']} of the patterns was in force at event {index}, this program has {database.version}",
                hint="install the version of hee that ran then",
            )
    return database


def _document(pattern: Pattern) -> dict[str, Any]:
    return {
        "pattern_id": pattern.pattern_id,
        "title": pattern.title,
        "description": pattern.description,
        "category": pattern.category,
        "channel": pattern.channel,
        "hee_impact": pattern.hee_impact,
        "safety_level": pattern.safety_level,
        "rollback_required": pattern.rollback_required,
        "matrix_row": pattern.matrix_row,
        "what": pattern.what,
        "remedy": pattern.remedy,
        "examples": list(pattern.examples),
    }
