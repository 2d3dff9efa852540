"""`hee governance release` and `roadmap`: whether a commit may be released, and what was planned for when."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.operational import State


@click.command()
@click.argument("commit", default="HEAD")
@options.as_json
@options.directory
def release(place: str, commit: str, as_json: bool) -> int:
    """Check whether a commit may be released: rules, gates as recorded, pipelines, state health, changelog.

    Run `hee gates` first: a gate that was never evaluated is not met. Exits 1 while something is missing.
    """
    from hee_core.audit import verify
    from hee_core.tree import CommitTree
    from hee_governance import rules

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        judged = workspace.repository.commit(commit)
        state = workspace.log.state
        verified = verify(workspace.log)
        with CommitTree(workspace.repository, judged) as tree:
            report = rules.check(tree, workspace.config)
            log = tree["CHANGELOG.md"].decode("utf-8", "replace") if "CHANGELOG.md" in tree else ""
        wanted = [gate.name for gate in workspace.config.gates]
    gates = {name: record["met"] for name, record in state.operational.gates.items()}
    unmet = [name for name in wanted if not gates.get(name)]
    criteria = [
        ("rules", report.verdict == "pass", report.detail),
        ("quality gates", bool(wanted) and not unmet, f"{len(wanted) - len(unmet)} of {len(wanted)} met{': not ' if unmet else ''}{', '.join(unmet)}"),
        ("pipelines", *_pipelines(state, judged)),
        ("state health", verified.ok and state.status == "operational", f"{state.status}, {len(verified.findings)} finding(s) in {verified.events} events"),
        ("open issues", not state.issues, f"{len(state.issues)} open"),
        ("changelog", *_changelog(log)),
    ]  # fmt: skip
    ready = all(held for _, held, _ in criteria)
    if as_json:
        rows = [{"criterion": name, "met": held, "detail": detail} for name, held, detail in criteria]
        terminal.json({"ready": ready, "commit": judged, "criteria": rows})
        return 0 if ready else 1
    for name, held, detail in criteria:
        terminal.status("OK" if held else "CRITICAL", f"{name}: {detail}")
    terminal.status("OK" if ready else "CRITICAL", f"{judged[:7]} is {'ready' if ready else 'not ready'} for release")
    return 0 if ready else 1


def _pipelines(state: State, commit: str) -> tuple[bool, str]:
    polls = [poll for poll in state.operational.sources.values() if poll["commit"] == commit]
    if not polls:
        return False, "no source has judged this commit: `hee monitor --once`"
    unknown = [name for poll in polls for name in poll["unknown"]]
    failed = [issue["job"] for issue in state.issues.values() if issue["commit"] == commit and issue["job"]]
    return not unknown and not failed, f"{len(failed)} job(s) red, {len(unknown)} could not be judged"


def _changelog(text: str) -> tuple[bool, str]:
    """The newest part has something, and says what happens to state."""
    part = re.split(r"^## ", text, flags=re.MULTILINE)[1:2]
    if not part or len(part[0].splitlines()) < 2:
        return False, "CHANGELOG.md has no entry"
    about = re.search(r"^### .*(State|Migration|Event catalogue)", part[0], re.MULTILINE)
    return (
        about is not None,
        "the newest part speaks of state" if about else "the newest part has no section on state or migration",
    )


@click.command()
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Past or planned on this day (default: today).")
@options.as_json
def roadmap(as_of: object, as_json: bool) -> None:
    """Show the specification's roadmap: what was planned for when, and whether this program has it."""
    from hee_core.clock import SYSTEM
    from hee_governance.roadmap import ROADMAP

    terminal = options.terminal(as_json)
    day = f"{as_of:%Y-%m-%d}" if as_of else SYSTEM.now()[:10]
    rows: list[dict[str, Any]] = [
        {"version": m.version, "features": m.features, "target": m.target, "state_impact": m.impact,
         "date": m.planned(day), "present": find_spec(m.shows) is not None}
        for m in ROADMAP
    ]  # fmt: skip
    if as_json:
        terminal.json({"as_of": day, "milestones": rows})
        return
    terminal.table(
        [(r["version"], r["target"], r["date"], "here" if r["present"] else "not here", r["features"]) for r in rows]
    )
