"""`hee patterns`: what the diagnosis knows."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import learning, options

if TYPE_CHECKING:
    from hee_monitoring.database import Pattern, PatternDB


@click.group()
def patterns() -> None:
    """List, show and test the failure patterns; learn new ones."""


for _command in (learning.learn, learning.candidates_, learning.accept, learning.refuse, learning.retire):
    patterns.add_command(_command)


@patterns.command("list")
@click.option("--category", help="Only this category.")
@click.option("--own", is_flag=True, help="Only those of this repository: its file, and what was accepted.")
@options.at
@options.as_json
@options.directory
def list_(place: str, category: str | None, own: bool, at: str | None, as_json: bool) -> None:
    """List the patterns: id, category, title; with --at those that a cycle used then, if this program has them."""
    from hee_monitoring import ownpatterns

    terminal = options.terminal(as_json)
    database = _database(place, at)
    chosen = [
        pattern
        for pattern in database
        if (not category or pattern.category == category) and (not own or ownpatterns.is_own(pattern))
    ]
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
@click.option("--file", type=click.Path(dir_okay=False), help="A project's pattern file, before it is committed.")
@options.as_json
@options.directory
def test(place: str, pattern_id: str | None, file: str | None, as_json: bool) -> int:
    """Run the examples of one pattern, or of all: it must be found in each, and in no counterexample.

    With --file it reads that file, tells every fault with line and pointer, and runs its examples beside the shipped patterns.
    """
    from hee_monitoring.joblog import read
    from hee_monitoring.scan import scan

    terminal = options.terminal(as_json)
    database, tested = _database(place, None), None
    if file:
        database, tested = _with_file(file)
    failed, ran = [], 0
    for pattern in database if tested is None else tested:
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


def _with_file(name: str) -> tuple[PatternDB, tuple[Pattern, ...]]:
    """The shipped patterns with those of a file, and the latter alone."""
    from hee_core.errors import ConfigError
    from hee_monitoring import ownpatterns
    from hee_monitoring.database import PatternDB

    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}", hint="name a pattern file") from None
    own = ownpatterns.load(data, name)
    return ownpatterns.extended(PatternDB.load(), own, {}), own


def _database(place: str, at: str | None) -> PatternDB:
    """The patterns in force here; raises NotFound if those of a point of the log cannot be had with this program.

    What a cycle used last tells which version of this program it was; what was accepted or retired since counts as well.
    """
    from hee_core.errors import GitError, LogNotFound, NotFound
    from hee_core.history import resolve
    from hee_monitoring.database import PatternDB

    try:
        with options.workspace(place) as workspace:
            if at is None:
                return workspace.patterns
            log, index = workspace.log, resolve(workspace.log, at)
            loaded = [entry.index for entry in islice(log.read(), index + 1) if entry.event.type == "patterns.loaded"]
            if not loaded:
                raise NotFound(f"no patterns were in force at event {index}", hint="the first cycle says which it uses")
            used, state = log.state_after(loaded[-1]), log.state_after(index)
            then, file = used.ledger.patterns, state.ledger.patterns.get("file", "")
            if workspace.patterns_with(then.get("file", ""), used).digest != then["digest"]:
                raise NotFound(
                    f"version {then['version']} of the patterns was in force at event {index}, "
                    f"this program has {PatternDB.load().version}",
                    hint="install the version of hee that ran then",
                )
            return workspace.patterns_with(file, state)
    except (LogNotFound, GitError):
        if at is not None:
            raise
        return PatternDB.load()


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
