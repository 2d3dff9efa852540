"""`hee governance check`: a repository against the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import compliance, options, releases, settings, specification

if TYPE_CHECKING:
    from datetime import datetime

    from hee_governance.rules import Report

_ICON = {"pass": "OK", "fail": "CRITICAL", "unknown": "UNKNOWN"}
_SEVERITY = {"CRITICAL": "CRITICAL", "ERROR": "CRITICAL", "WARNING": "WARNING", "INFO": "OK", "UNKNOWN": "UNKNOWN"}


@click.group()
def governance() -> None:
    """Check a repository against the rules."""


for _command in (compliance.workflow, releases.release, releases.roadmap, settings.set_, specification.spec):
    governance.add_command(_command)
_as_of = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Hold it against the rules that were valid on this date (default: now).",
)


@governance.command()
@click.argument("commit", required=False)
@_as_of
@options.at
@options.sarif
@options.as_json
@options.directory
@options.status_style
def check(place: str, commit: str | None, as_of: datetime | None, at: str | None, sarif: bool, as_json: bool) -> int:
    """Evaluate the rules over a commit (default: HEAD); needs no log, but with --at: then over what it judged last by then.

    With --as-of the rules, waivers and advisory modes of that day decide. Exits 0 when they pass, 1 when they fail or
    could not be evaluated.
    """
    from hee_core.git import Repository
    from hee_core.tree import CommitTree
    from hee_governance import rules
    from hee_monitoring.workspace import load_config

    terminal = options.terminal(as_json or sarif)
    repository = Repository.discover(place)
    if at is not None:
        commit, as_of = _then(place, commit, as_of, at)
    with CommitTree(repository, repository.commit(commit or "HEAD")) as tree:
        report = rules.check(tree, load_config(repository), as_of=_day(as_of))
    if sarif:
        terminal.json(_sarif(report, tree.commit))
        return options.Ended(0 if report.verdict == "pass" else 1, _ICON[report.verdict])
    if as_json:
        terminal.json({**report.to_json(), "commit": tree.commit, "as_of": as_of.date().isoformat() if as_of else None})
        return options.Ended(0 if report.verdict == "pass" else 1, _ICON[report.verdict])
    for finding in report.findings:
        terminal.line(
            f"{terminal.badge(_SEVERITY.get(finding.severity, 'WARNING'))} {finding.path}:{finding.line}  {finding.message}  {terminal.dim(finding.rule)}"
        )
        terminal.line(f"    {terminal.whole(finding.remedy)}")
    for finding, waiver in report.waived:
        terminal.line(
            f"{terminal.badge('OK')} {finding.path}:{finding.line}  {finding.message}  {terminal.dim(finding.rule)}"
        )
        terminal.line(f"    waived until {waiver.until}: {terminal.fit(waiver.reason, terminal.width - 26)}")
    waived = f", {len(report.waived)} waived" if report.waived else ""
    terminal.status(
        _ICON[report.verdict],
        f"{report.verdict}: {report.evaluated} evaluated, {len(report.findings)} finding(s){waived} at {tree.commit[:7]}, "
        f"ruleset {report.ruleset or 'none'}",
    )
    return options.Ended(0 if report.verdict == "pass" else 1, _ICON[report.verdict])


def _sarif(report: Report, commit: str) -> dict[str, Any]:
    from hee_governance import __version__
    from hee_governance.rules import RULES
    from hee_monitoring.reports.sarif import Result, document

    clauses = {rule.id: rule.clause for rule in RULES}
    found = [(finding, "") for finding in report.findings]
    found += [(finding, f"until {waiver.until}: {waiver.reason}") for finding, waiver in report.waived]
    results = [
        Result(
            finding.rule, clauses.get(finding.rule, finding.rule), finding.severity, finding.message, finding.path,
            finding.line, fingerprint=f"{finding.rule}/{finding.path}/{finding.subject}", help=finding.remedy, waived=waived,
        )
        for finding, waived in found
    ]  # fmt: skip
    return document(results, version=__version__, commit=commit)


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


@governance.command()
@click.argument("commit", default="HEAD")
@_as_of
@options.as_json
@options.directory
def preview(place: str, commit: str, as_of: datetime | None, as_json: bool) -> int:
    """Show what the next published ruleset would find that the present one does not; exits 1 when it would."""
    from hee_core.git import Repository
    from hee_core.tree import CommitTree
    from hee_governance import rules
    from hee_monitoring.workspace import load_config

    terminal = options.terminal(as_json)
    repository = Repository.discover(place)
    with CommitTree(repository, repository.commit(commit)) as tree:
        found = rules.preview(tree, load_config(repository), as_of=_day(as_of))
    if found is None:
        if as_json:
            terminal.json({"ruleset": None, "findings": []})
        terminal.status("OK", "no further ruleset is published")
        return 0
    coming, report = found
    if as_json:
        rows = [finding.to_json() for finding in report.findings]
        terminal.json(
            {"ruleset": coming.version, "valid_from": coming.valid_from, "note": coming.note, "findings": rows}
        )
    for finding in report.findings:
        terminal.line(
            f"{terminal.badge(_SEVERITY[finding.severity])} {finding.path}:{finding.line}  {finding.message}  {terminal.dim(finding.rule)}"
        )
    word = "WARNING" if report.findings else "OK"
    terminal.status(
        word, f"ruleset {coming.version} from {coming.valid_from}: {len(report.findings)} new finding(s). {coming.note}"
    )
    return 1 if report.findings else 0


@governance.command("rules")
@_as_of
@options.as_json
@options.directory
def list_rules(place: str, as_of: datetime | None, as_json: bool) -> None:
    """List the rules that are in force, with their clause, source and days."""
    from hee_core.git import Repository
    from hee_governance import rules
    from hee_governance.rules import project, rulesets
    from hee_monitoring.workspace import load_config

    terminal = options.terminal(as_json)
    config = load_config(Repository.discover(place))
    day = _day(as_of) or rules.today(config)
    pinned = rulesets.named(config.rules.ruleset) if config.rules.ruleset else None
    held = rulesets.in_force(rules.ALL, pinned.valid_from if pinned else day)
    version = pinned or rulesets.of_day(day)
    found = (*held, *rulesets.in_force(project.rules_of(config.rules.project), day))
    if as_json:
        fields = ("id", "severity", "clause", "source", "looks_at", "remedy", "valid_from", "valid_to")
        rows = [{field: getattr(rule, field) or None for field in fields} for rule in found]
        terminal.json({"ruleset": version.version if version else None, "as_of": day, "rules": rows})
        return
    terminal.table([(rule.id, rule.severity, rule.valid_from, rule.clause) for rule in found])
    terminal.line(terminal.dim(f"  ruleset {version.version if version else 'none'} on {day}"))


def _day(as_of: datetime | None) -> str:
    return as_of.date().isoformat() if as_of else ""
