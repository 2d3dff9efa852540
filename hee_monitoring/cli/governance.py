"""`hee governance check`: a repository against the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from datetime import datetime

_ICON = {"pass": "OK", "fail": "CRITICAL", "unknown": "UNKNOWN"}
_SEVERITY = {"CRITICAL": "CRITICAL", "ERROR": "CRITICAL", "WARNING": "WARNING", "INFO": "OK", "UNKNOWN": "UNKNOWN"}


@click.group()
def governance() -> None:
    """Check a repository against the rules."""


@governance.command()
@click.argument("commit", required=False)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Hold it against the rules that were valid on this date (default: now).",
)
@options.at
@options.as_json
@options.directory
def check(place: str, commit: str | None, as_of: datetime | None, at: str | None, as_json: bool) -> int:
    """Evaluate the rules over a commit (default: HEAD); needs no log, but with --at: then over what it judged last by then.

    Every built-in rule holds since it was introduced and none was withdrawn, so a date changes nothing yet. Exits 0
    when they pass, 1 when they fail or could not be evaluated.
    """
    from hee_core.git import Repository
    from hee_core.tree import CommitTree
    from hee_governance import rules
    from hee_monitoring.workspace import load_config

    terminal = options.terminal(as_json)
    repository = Repository.discover(place)
    if at is not None:
        commit, as_of = _then(place, commit, as_of, at)
    with CommitTree(repository, repository.commit(commit or "HEAD")) as tree:
        report = rules.check(tree, load_config(repository))
    if as_json:
        terminal.json({**report.to_json(), "commit": tree.commit, "as_of": as_of.date().isoformat() if as_of else None})
        return 0 if report.verdict == "pass" else 1
    for finding in report.findings:
        terminal.line(
            f"{terminal.badge(_SEVERITY.get(finding.severity, 'WARNING'))} {finding.path}:{finding.line}  {finding.message}  {terminal.dim(finding.rule)}"
        )
        terminal.line(f"    {terminal.fit(finding.remedy, terminal.width - 4)}")
    terminal.status(
        _ICON[report.verdict],
        f"{report.verdict}: {report.evaluated} evaluated, {len(report.findings)} finding(s) at {tree.commit[:7]}",
    )
    return 0 if report.verdict == "pass" else 1


def _then(place: str, commit: str | None, as_of: datetime | None, at: str) -> tuple[str, datetime]:
    """The commit that a source had judged last at a point of the log, and the day of that point; what was said stays."""
    from datetime import datetime

    from hee_core.errors import NotFound
    from hee_core.history import resolve

    with options.workspace(place) as workspace:
        index = resolve(workspace.log, at)
        state = workspace.log.state_after(index)
    judged = sorted((poll["time"], poll["commit"]) for poll in state.operational.sources.values() if poll["commit"])
    if not commit and not judged:
        raise NotFound(f"no commit had been judged by event {index}", hint="name one: hee governance check COMMIT")
    return commit or judged[-1][1], as_of or datetime.fromisoformat(state.time)
