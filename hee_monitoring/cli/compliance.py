"""`hee governance workflow`: what the compliance check asks for, and what is still missing before it ends."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@options.as_json
@options.directory
def workflow(place: str, as_json: bool) -> int:
    """Walk the compliance workflow: rules, open violations, state integrity, decision conflicts.

    An open governance violation leads from degraded to hee-compliance-check; the next `hee monitor` leads back when
    none is open. Exits 1 while something is missing.
    """
    from hee_core.audit import verify
    from hee_core.tree import CommitTree
    from hee_governance import rules
    from hee_governance.conflicts import conflicts_of
    from hee_governance.decisions import Decision

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        state = workspace.log.state
        with CommitTree(workspace.repository, workspace.commit()[0]) as tree:
            report = rules.check(tree, workspace.config)
        verified = verify(workspace.log)
    standing = [Decision.of(name, record) for name, record in state.decisions.items()]
    conflicts = conflicts_of(standing, known=state.ledger.ended)
    violations = [issue for issue in state.issues.values() if issue["category"] == "governance"]
    steps = [
        ("governance validation", report.verdict == "pass", report.detail, "hee governance check"),
        ("compliance resolution", not violations, f"{len(violations)} violation(s) open", "mend or waive, then hee monitor --once"),
        ("state integrity verification", verified.ok, f"{verified.events} events, {len(verified.findings)} finding(s)", "hee verify"),
        ("decision conflict resolution", not conflicts, f"{len(conflicts)} conflict(s)", "hee decisions conflicts"),
    ]  # fmt: skip
    done = all(held for _, held, _, _ in steps)
    if as_json:
        rows = [
            {"step": name, "done": held, "detail": detail, "next": None if held else then}
            for name, held, detail, then in steps
        ]
        terminal.json({"status": state.status, "done": done, "steps": rows})
        return 0 if done else 1
    for name, held, detail, then in steps:
        terminal.status("OK" if held else "CRITICAL", f"{name}: {detail}" + ("" if held else f"; next: {then}"))
    terminal.status(
        "OK" if done else "WARNING",
        f"the state is {state.status}; " + ("compliance holds" if done else "compliance is not restored yet"),
    )
    return 0 if done else 1
