"""`hee gates`: the quality gates and the compliance matrix, measured, recorded, and told to a CI step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.git import Repository
    from hee_core.log import Log
    from hee_governance.config import Config
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.gatecheck import GateReport

_WORD = {"OK": "OK", "FAIL": "CRITICAL", "UNKNOWN": "UNKNOWN"}
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("commit", default="HEAD")
@click.option("--coverage", multiple=True, type=_FILE, help="A report of coverage.py (JSON), Cobertura or LCOV.")
@click.option("--junit", multiple=True, type=_FILE, help="A JUnit report: which tests ran and passed.")
@click.option("--base", metavar="COMMIT", help="Find gates weaker than here (default: where the branch began).")
@click.option("--no-record", is_flag=True, help="Evaluate only; write nothing to the log.")
@options.at
@options.as_json
@options.directory
@options.status_style
def gates(
    place: str, commit: str, coverage: tuple[Path, ...], junit: tuple[Path, ...], base: str | None, no_record: bool,
    at: str | None, as_json: bool,
) -> int:  # fmt: skip
    r"""Evaluate the quality gates and the compliance matrix over a commit (default: HEAD), and record how they came out.

    Exits 0 when everything is met, 1 when something is not; what could not be measured is UNKNOWN and not met. With
    --at the log is read as of that point and nothing is recorded.

    \b
    Example:
      hee gates --coverage coverage.json --junit junit.xml
    """
    from hee_core.clock import SYSTEM
    from hee_core.history import resolve
    from hee_monitoring import gatecheck

    terminal = options.terminal(as_json)
    reports = {
        name: tuple((str(path), options.content(path, "name the report that the tests wrote")) for path in paths)
        for name, paths in (("coverage", coverage), ("junit", junit))
    }
    repository, config, log = _opened(place, records=not (no_record or at))
    try:
        judged = repository.commit(commit)
        index = resolve(log, at) if log else -1
        as_of = log.entry(index).event.time if log and at else SYSTEM.now()
        against = repository.commit(base) if base else _base(repository, judged)
        report = gatecheck.check(
            repository, config, judged, as_of=as_of, base=against, log=log, index=index, **reports
        )  # fmt: skip
        entry, why = (None, "") if no_record or at or log is None else gatecheck.record(log, report, clock=SYSTEM)
        entry_index = entry.index if entry else None
    finally:
        if log is not None:
            log.close()
    if as_json:
        terminal.json({**report.to_json(), "recorded": entry_index, "not_recorded": why or None})
    else:
        _show(terminal, report)
        if entry_index is not None or why:
            terminal.line(
                terminal.dim(f"  recorded with event {entry_index}" if entry_index is not None else f"  {why}")
            )
    return options.Ended(0 if report.met else 1, _word(report))


def _opened(place: str, *, records: bool) -> tuple[Repository, Config, Log | None]:
    """The repository with its configuration, and its log if there is one: a CI checkout may have none."""
    from hee_core.errors import LogNotFound
    from hee_core.git import Repository
    from hee_monitoring.workspace import load_config

    try:
        workspace = options.workspace(place)
    except LogNotFound:
        repository = Repository.discover(place)
        return repository, load_config(repository), None
    if records:
        options.allowed(workspace, "gates")
    return workspace.repository, workspace.config, workspace.log


def _base(repository: Repository, commit: str) -> str:
    """Where the commit's branch left the protected one; on the protected branch itself the commit before."""
    from hee_monitoring.workspace import protected_branches

    for name in protected_branches(repository):
        tip = repository.ref(name)
        if tip and tip != commit:
            done = repository.attempt("merge-base", tip, commit)
            found = done.stdout.decode().strip()
            if found and found != commit:
                return found
    done = repository.attempt("rev-parse", "--verify", "--quiet", f"{commit}^")
    return done.stdout.decode().strip()


def _show(terminal: Terminal, report: GateReport) -> None:
    for gate in report.gates:
        word = "OK" if gate.met else "UNKNOWN" if gate.unknown else "CRITICAL"
        terminal.status(word, gate.detail)
        measure = report.measured.measures.get(gate.gate)
        for text in measure.evidence[:3] if measure and not gate.met else ():
            terminal.line(f"    {terminal.fit(text, terminal.width - 4)}")
    if not report.gates:
        terminal.status("UNKNOWN", "no quality gate is configured: add `quality_gates` to hee.yaml")
    terminal.line()
    for row in report.compliance.requirements:
        terminal.status(_WORD[row.status], f"{row.name} ({row.method}): {row.detail}")
    if report.weakened:
        terminal.line()
    for entry in report.weakened:
        said = f"answered by {entry.decision}" if entry.decision else "no decision answers for it"
        word = "OK" if entry.decision else "CRITICAL"
        terminal.status(word, f"{entry.path}:{entry.line}  weaker gate: {entry.message}; {said}")
    if report.open:
        terminal.line("    " + report.open[0].to_json()["remedy"])  # type: ignore[operator]
    terminal.line()
    against = f", compared with {report.base[:7]}" if report.base else ", compared with no other commit"
    done = "all met" if report.met else "not met"
    terminal.status(
        _word(report),
        f"{done}: {sum(g.met for g in report.gates)} of {len(report.gates)} gates at {report.commit[:7]}{against}",
    )
    for note in report.measured.notes:
        terminal.line(f"  {note}")


def _word(report: GateReport) -> str:
    return "OK" if report.met else "UNKNOWN" if report.unknown and not _failed(report) else "CRITICAL"


def _failed(report: GateReport) -> bool:
    broken = any(requirement.status == "FAIL" for requirement in report.compliance.requirements)
    return bool(report.open) or broken or any(not gate.met and not gate.unknown for gate in report.gates)
