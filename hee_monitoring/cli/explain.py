"""`hee explain`: why a log is red."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options, runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.projection import State
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.database import PatternDB
    from hee_monitoring.evidence import Diagnosis


@click.command()
@click.argument("path")
@options.sarif
@options.as_json
@options.directory
def explain(place: str, path: str, sarif: bool, as_json: bool) -> int:
    r"""Say why a log is red, with the line that proves it.

    PATH is a log, an archive of logs, a JUnit report, or - for standard input: that needs no repository and no network. Or it
    names a run of GitHub (its number, its address, owner/repository#number) where no file has that name; that needs GITHUB_TOKEN.
    In a repository that HEE watches it says whether the failure was seen before, and what ended it.
    Exits 1 when something failed or cannot be told, 0 when the log shows no failure, 2 when nothing can be read.

    \b
    Examples:
      hee explain build.log
      gh run view 123 --log-failed | hee explain -
      hee explain octo-org/octo-repo#30433642
    """
    terminal = options.terminal(as_json or sarif)
    patterns, state = _asked(terminal, place)
    asked = runs.named(path)
    look = runs.explained(asked, place, patterns, terminal) if asked else _files(path, patterns)
    failed = [(name, diagnosis) for name, diagnosis in look.found if diagnosis.category != "none"]
    verdicts = {diagnosis.issue_id: look.verdict(name, diagnosis, state) for name, diagnosis in failed}
    if sarif:
        terminal.json(_sarif(failed, patterns))
    elif as_json:
        terminal.json(_document(failed or look.found, patterns, state, verdicts) | look.about)
    elif not failed:
        terminal.status("OK", f"no failure in {look.words}, {len(patterns)} patterns")
    for name, diagnosis in failed if not terminal.as_json else ():
        shown = name if len(look.found) > 1 else ""
        _screen(terminal, patterns, shown, diagnosis, state, verdicts[diagnosis.issue_id])
    return 1 if failed else 0


def _files(path: str, patterns: PatternDB) -> runs.Look:
    """Explains a file, an archive, or standard input."""
    from hee_core.errors import SourceError
    from hee_monitoring.sources.logs import read_input

    files = read_input(None if path == "-" else Path(path), sys.stdin.buffer.read() if path == "-" else None)
    if all(file.fault for file in files):
        raise SourceError(
            f"{files[0].name} {files[0].fault}" if len(files) == 1 else f"none of the {len(files)} logs holds any text",
            hint="name a text log, a JUnit report, or a zip, tar or gzip of them; `gh run view RUN --log-failed` writes one",
        )
    read = sum(len(file.data) for file in files)
    found = [(file.name, file.explain(patterns)) for file in files]
    return runs.Look(found, f"{len(files)} log(s), {read} bytes")


def _asked(terminal: Terminal, place: str) -> tuple[PatternDB, State | None]:
    """The patterns in force in this repository and its state; what this program ships where there is no log.

    Where the log, or the project's pattern file, cannot be read, a note says so.
    """
    from hee_core.errors import GitError, HeeError, LogNotFound
    from hee_monitoring.database import PatternDB

    try:
        with options.workspace(place) as workspace:
            return workspace.patterns, workspace.log.state
    except (LogNotFound, GitError):
        return PatternDB.load(), None
    except HeeError as error:
        terminal.note(f"the log of this repository was not asked: {error}")
        return PatternDB.load(), None


def _sarif(failed: list[tuple[str, Diagnosis]], patterns: PatternDB) -> dict[str, Any]:
    from hee_monitoring import __version__
    from hee_monitoring.reports.sarif import Result, document

    results = []
    for name, top in failed:
        for found in (top, *top.secondary):
            pattern = patterns.get(found.pattern_id)
            impact = pattern.hee_impact if pattern else "medium"
            said = f"{found.title}: {found.text.strip()}" if found.text.strip() else found.title
            results.append(
                Result(
                    found.pattern_id or "HEE-UNKNOWN", found.title, impact, said, name.lstrip("./"), found.line,
                    fingerprint=found.fingerprint, help=pattern.remedy if pattern else "",
                )
            )  # fmt: skip
    return document(results, version=__version__)


def _document(
    found: list[tuple[str, Diagnosis]], patterns: PatternDB, state: State | None, verdicts: Mapping[str, Any]
) -> dict[str, Any]:
    first = found[0][1]
    failures = [
        _failure(diagnosis, patterns, state) | {"triage": verdicts.get(diagnosis.issue_id)}
        for _, top in found
        if top.category != "none"
        for diagnosis in (top, *top.secondary)
    ]
    return {
        "category": first.category,
        "pattern_id": first.pattern_id or None,
        "line": first.line or None,
        "text": first.text,
        "fingerprint": first.fingerprint,
        "confidence": first.confidence / 10000,
        "title": first.title,
        "failures": failures,
        "database": {"version": patterns.version, "digest": patterns.digest, "patterns": len(patterns)},
    }


def _failure(diagnosis: Diagnosis, patterns: PatternDB, state: State | None) -> dict[str, Any]:
    from hee_governance.matrix import Matrix
    from hee_monitoring.recall import recall

    pattern = patterns.get(diagnosis.pattern_id)
    row = Matrix.load().row(pattern.matrix_row if pattern else diagnosis.category)
    return {
        "issue_id": diagnosis.issue_id,
        "pattern_id": diagnosis.pattern_id or None,
        "category": diagnosis.category,
        "title": diagnosis.title,
        "fingerprint": diagnosis.fingerprint,
        "impact": pattern.hee_impact.lower() if pattern else "medium",
        "confidence": diagnosis.confidence / 10000,
        "evidence": [
            {"channel": e.channel.value, "line": e.line, "text": e.text, "where": e.where} for e in diagnosis.evidence
        ],
        "captures": dict(diagnosis.captures),
        "action": row.action,
        "fix": None,
        "seen": recall(state, diagnosis.issue_id) if state else None,
    }


def _screen(
    terminal: Terminal, patterns: PatternDB, name: str, diagnosis: Diagnosis, state: State | None, verdict: Any
) -> None:
    from hee_monitoring.recall import recall, told, triage_told

    pattern = patterns.get(diagnosis.pattern_id)
    if name:
        terminal.line(terminal.bold(" ".join(name.split())))  # a name may not begin a line that commands a runner
    if diagnosis.category == "unknown":
        terminal.status("UNKNOWN", diagnosis.title)
    else:
        terminal.status(
            "CRITICAL", f"{terminal.bold(diagnosis.category)}: {diagnosis.title}  {terminal.dim(diagnosis.pattern_id)}"
        )
    for item in diagnosis.evidence:
        terminal.line(f"  {item.line or item.channel.value:>7}  {terminal.fit(item.text, terminal.width - 11)}")
    if pattern:
        terminal.line(f"  what     {terminal.whole(pattern.what)}")
        terminal.line(f"  next     {terminal.whole(pattern.remedy)}")
    elif diagnosis.category == "unknown":
        terminal.line("  next     read the log around the failure, or run the tests again and keep what they print")
    if state is not None:
        memory = recall(state, diagnosis.issue_id)
        terminal.line(
            f"  seen     {terminal.fit(told(memory) if memory else 'never before here', terminal.width - 11)}"
        )
    if verdict is not None:
        terminal.line(f"  verdict  {terminal.fit(triage_told(verdict), terminal.width - 11)}")
    terminal.line(f"  {diagnosis.confidence // 100} % sure; fingerprint {diagnosis.fingerprint[:16]}")
    for other in diagnosis.secondary[:3]:
        head = f"  also     line {other.line}: "
        text = terminal.fit(other.text, terminal.width - len(head) - len(other.category) - 3)
        terminal.line(f"{head}{text}  {terminal.dim(other.category)}")
