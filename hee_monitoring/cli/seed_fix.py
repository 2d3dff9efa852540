"""`scripts/hee_auto_fix.py`: repair what may be repaired, show what would be, or check a commit before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import actions, options, seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.record import Record
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.workspace import Workspace

_LEVELS = click.Choice(["low", "medium", "high", "critical"])


@click.command("hee_auto_fix")
@click.option(
    "--mode",
    type=click.Choice(["hee-safe", "pre-commit"]),
    default="hee-safe",
    show_default=True,
    help="hee-safe: repair in isolation, prove, record. pre-commit: check only, write nothing.",
)
@seed.state_capsule
@seed.governance
@click.option("--max-severity", type=_LEVELS, help="Leave issues above this severity alone this time.")
@click.option(
    "--safety",
    type=click.Choice(["low", "medium", "high"]),
    help="Leave issues alone whose automation is less safe than this.",
)
@click.option("--hee-dry-run", "--dry-run", "dry_run", is_flag=True, help="Show what would change; write nothing.")
@click.option(
    "--report",
    type=click.Choice(["summary", "detailed", "json"]),
    default="summary",
    show_default=True,
    help="How much is told; json is the same as --json.",
)
@click.option("--validate-governance", is_flag=True, help="Evaluate the rules over the commit first.")
@options.as_json
@options.directory
def hee_auto_fix(
    place: str, mode: str, state_capsule: str | None, hee_governance: str | None, max_severity: str | None,
    safety: str | None, dry_run: bool, report: str, validate_governance: bool, as_json: bool,
) -> int:  # fmt: skip
    r"""Repair what the rules allow, and prove it.

    Flags narrow what the configuration allows and never widen it. Exits 0 when nothing is left open, 1 when something
    is or governance does not hold, 2 when it could not be done; in a job of GitHub Actions the outputs
    hee_changes_made and hee_fix_branches carry what is open.

    \b
    Examples:
      python scripts/hee_auto_fix.py --mode hee-safe --max-severity medium --hee-governance strict
      python scripts/hee_auto_fix.py --hee-dry-run --report detailed --validate-governance
    """
    terminal = options.terminal(as_json or report == "json")
    if mode == "pre-commit":
        from hee_monitoring.cli.precommit import fix_check

        return fix_check(place, terminal, state_capsule, hee_governance, safety)
    from hee_monitoring.watch import ready

    with options.workspace(place) as opened:
        workspace = seed.governed(opened, hee_governance)
        if dry_run:
            workspace.log.keep_snapshots = False
        seed.capsule_of(state_capsule, workspace, terminal)
        if not dry_run:
            options.allowed(workspace, "fix")
        ready(workspace)
        governance = _governance(terminal, workspace) if validate_governance else None
        wanted = selected(workspace, max_severity, safety)
        if dry_run:
            found = _preview(terminal, workspace, wanted, governance, detailed=report == "detailed")
        else:
            found = _repair(terminal, workspace, wanted, governance, detailed=report == "detailed")
        refused = governance is not None and not governance["allows"]
        return 1 if refused and not actions.here() else actions.exit_status(found)


def selected(workspace: Workspace, max_severity: str | None, safety: str | None) -> Callable[[Record], bool]:
    """Which issues the flags leave: at most so severe, at least so safe to automate."""
    from hee_governance.matrix import LEVELS, Matrix

    matrix = Matrix.load()

    def fits(issue: Record) -> bool:
        pattern = workspace.patterns.get(issue["pattern_id"])
        row = matrix.row(pattern.matrix_row if pattern else issue["category"])
        safe = min(row.safety, pattern.safety_level.lower() if pattern else "low", key=LEVELS.index)
        bad = issue["severity"] or issue["impact"] or "critical"
        return (not max_severity or LEVELS.index(bad) <= LEVELS.index(max_severity)) and (
            not safety or LEVELS.index(safe) >= LEVELS.index(safety)
        )

    return fits


def _governance(terminal: Terminal, workspace: Workspace) -> dict[str, Any]:
    from hee_core.tree import CommitTree
    from hee_governance import rules

    with CommitTree(workspace.repository, workspace.commit()[0]) as tree:
        report = rules.check(tree, workspace.config)
    word = {"pass": "OK", "fail": "CRITICAL", "unknown": "UNKNOWN"}[report.verdict]
    terminal.status(word, f"governance: {report.detail} (mode {report.mode})")
    return {**report.to_json(), "allows": report.allows}


def _preview(
    terminal: Terminal, workspace: Workspace, wanted: Callable[[Record], bool], governance: Any, *, detailed: bool
) -> int:
    from hee_monitoring import applying
    from hee_monitoring.fixes.outcome import KEPT

    proposals = applying.preview(workspace, wanted, progress=terminal.progress)
    if terminal.as_json:
        terminal.json({"dry_run": True, "fixes": proposals, "governance": governance})
    for proposal in proposals:
        word = "OK" if proposal["outcome"] in KEPT else "WARNING"
        terminal.status(word, f"{proposal['issue_id']}: {proposal['outcome']}: {proposal['reason']}")
        if detailed:
            terminal.line(
                f"  {proposal['title']}; {proposal['strategy'] or 'no strategy'}; {', '.join(proposal['files'])}"
            )
            terminal.exact(terminal.fit_block(proposal["diff"]))
    if not proposals:
        terminal.status("OK", "nothing that may be repaired is open")
    actions.outputs(hee_changes_made=False)
    return 0


def _repair(
    terminal: Terminal, workspace: Workspace, wanted: Callable[[Record], bool], governance: Any, *, detailed: bool
) -> int:
    from hee_monitoring.cli.monitor import report_json, screen
    from hee_monitoring.cli.seed_monitor import details, summary_of
    from hee_monitoring.watch import one_cycle

    before = repaired(workspace)
    cycle, result = one_cycle(workspace, source="auto", rerun=True, wanted=wanted, progress=terminal.progress)
    state = workspace.log.state
    made = {name: branch for name, branch in repaired(workspace).items() if before.get(name) != branch}
    if terminal.as_json:
        document = report_json(workspace, result)
        terminal.json(
            {**document, "hee_changes_made": bool(made), "branches": sorted(made.values()), "governance": governance}
        )
    else:
        screen(terminal, workspace, cycle, result)
        if detailed:
            for issue in state.issues.values():
                details(terminal, issue)
    actions.outputs(
        hee_changes_made=bool(made), hee_fix_branches=" ".join(sorted(made.values())), hee_status=state.status,
        hee_open_issues=len(state.issues),
    )  # fmt: skip
    actions.summary(summary_of(workspace))
    return len(state.issues)


def repaired(workspace: Workspace) -> dict[str, str]:
    """The branches of repairs that are kept, by attempt."""
    from hee_monitoring.fixes.outcome import KEPT

    fixes = workspace.log.state.ledger.fixes
    return {name: fix["branch"] for name, fix in fixes.items() if fix["outcome"] in KEPT and fix["branch"]}
