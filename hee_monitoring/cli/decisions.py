"""`hee decisions`: what was decided, why, what it replaced, and where two branches decided differently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.operational import State


@click.group()
def decisions() -> None:
    """List, explain and relate the decisions of the log."""


@decisions.command("list")
@click.option("--all", "every", is_flag=True, help="Also those about one issue, and those that ended.")
@options.at
@options.as_json
@options.directory
def list_(place: str, every: bool, at: str | None, as_json: bool) -> None:
    """List the standing decisions that are active, now or at any earlier point."""
    terminal = options.terminal(as_json)
    state = _state(place, at)
    found = [row for row in _rows(state) if every or (row["kind"] == "standing" and row["status"] != "ended")]
    if as_json:
        terminal.json(found)
        return
    for row in found:
        word = {"active": "OK", "review due": "WARNING", "ended": "UNKNOWN"}[row["status"]]
        terminal.line(f"{terminal.badge(word)} {terminal.bold(row['decision_id'])}  {row['key']}")
        terminal.line(f"    {terminal.fit(row['statement'], terminal.width - 4)}")
        terminal.line(terminal.dim(f"    {row['status']}, by {row['decided_by']}, {row['decided_at'][:10]}"))
    if not found:
        terminal.line('  no decision; next: hee decide KEY "what holds" --rationale "why"')


@decisions.command()
@click.argument("name")
@options.at
@options.as_json
@options.directory
def show(place: str, name: str, at: str | None, as_json: bool) -> None:
    """Explain one decision: what it says, why, what it rests on, what became of it, and what it holds for now."""
    from hee_core.errors import NotFound
    from hee_governance.decisions import Decision, Subject

    terminal = options.terminal(as_json)
    state = _state(place, at)
    row = next((row for row in _rows(state) if row["decision_id"].startswith(name) and name), None)
    if row is None:
        raise NotFound(f"the log has no decision {name}", hint="`hee decisions list --all` names them")
    decision = Decision.of(row["decision_id"], row)
    issues = [
        issue["issue_id"]
        for issue in state.issues.values()
        if decision.applies(Subject(issue["category"], issue["pattern_id"], issue["branch"], issue["issue_id"]))
    ]
    row = {**row, "applies_to": issues if row["status"] != "ended" else []}
    if as_json:
        terminal.json(row)
        return
    terminal.line(terminal.bold(f"{row['decision_id']}  {row['key']}"))
    for field, value in row.items():
        if value and field not in ("decision_id", "key"):
            said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            terminal.line(f"  {field.replace('_', ' '):12} {said}")


@decisions.command()
@options.at
@options.as_json
@options.directory
def graph(place: str, at: str | None, as_json: bool) -> None:
    """Draw which decision replaced which: Mermaid, as forges show it, or nodes and edges with --json."""
    terminal = options.terminal(as_json)
    rows = {row["decision_id"]: row for row in _rows(_state(place, at)) if row["kind"] == "standing"}
    edges = [(row["supersedes"], name) for name, row in rows.items() if row["supersedes"]]
    if as_json:
        nodes = [{"decision_id": name, "key": row["key"], "status": row["status"]} for name, row in rows.items()]
        terminal.json({"nodes": nodes, "edges": [{"from": old, "to": new, "kind": "superseded"} for old, new in edges]})
        return
    terminal.line("flowchart LR")
    for name, row in rows.items():
        text = f"{row['key']}: {row['statement']}"[:80].replace('"', "'")
        terminal.line(f'  {name}["{text}"]' + (":::ended" if row["status"] == "ended" else ""))
    for old, new in edges:
        terminal.line(f"  {old} -->|superseded by| {new}")
    terminal.line("  classDef ended stroke-dasharray: 4")


@decisions.command()
@click.option("--with", "other", default="", metavar="REF", help="Another branch of the log, as origin/hee/log.")
@options.at
@options.as_json
@options.directory
def conflicts(place: str, other: str, at: str | None, as_json: bool) -> int:
    """Find active decisions that cannot all hold; exits 1 when there are some. Nothing resolves one but a decision."""
    from hee_governance.conflicts import apart, conflicts_of
    from hee_governance.decisions import Decision

    terminal = options.terminal(as_json)
    state = _state(place, at)
    ours = [Decision.of(name, record) for name, record in state.decisions.items()]
    found = list(conflicts_of(ours, known=state.ledger.ended))
    if other:
        theirs = [Decision.of(name, record) for name, record in _decisions_of(place, other).items()]
        here = [decision for decision in ours if decision.kind == "standing"]
        found += apart(here, [decision for decision in theirs if decision.kind == "standing"])
    if as_json:
        rows = [{"kind": c.kind, "key": c.key, "decisions": list(c.decisions), "reason": c.reason} for c in found]
        terminal.json({"ok": not found, "evaluated": len(ours), "conflicts": rows})
        return 1 if found else 0
    for conflict in found:
        terminal.status("CRITICAL", conflict.reason)
    terminal.status("CRITICAL" if found else "OK", f"{len(ours)} decision(s), {len(found)} conflict(s)")
    return 1 if found else 0


def _state(place: str, at: str | None) -> State:
    from hee_core.history import resolve

    with options.workspace(place) as workspace:
        return workspace.log.state_after(resolve(workspace.log, at))


def _rows(state: State) -> list[dict[str, Any]]:
    """Active decisions and the ended ones that the ledger remembers, in the order of their events' times."""
    today = state.time[:10]
    rows = [
        {**record, "status": "review due" if _is_due(record, today) else "active"}
        for record in state.decisions.values()
    ]
    rows += [{**record, "status": "ended"} for record in state.ledger.ended.values()]
    return sorted(rows, key=lambda row: str(row["decided_at"]))


def _is_due(record: Mapping[str, Any], today: str) -> bool:
    return bool(record["review_by"]) and record["review_by"][:10] < today


def _decisions_of(place: str, ref: str) -> Mapping[str, Any]:
    """The active decisions of another branch of the log, as its capsule lists them."""
    from hee_core import canonical
    from hee_core.errors import NotFound
    from hee_core.git import ObjectReader, Repository

    with ObjectReader(Repository.discover(place)) as reader:
        found = reader.read(f"{ref}:capsule.json")
    if found is None:
        raise NotFound(f"{ref} is no branch of a log", hint="for example origin/hee/log, after `git fetch`")
    document = canonical.loads(found[1])
    listed = document.get("hee_decisions", {}) if isinstance(document, dict) else {}
    return listed if isinstance(listed, dict) else {}
