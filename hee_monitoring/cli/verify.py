"""`hee verify`: whether the log holds, byte for byte."""

from __future__ import annotations

import click

from hee_monitoring.cli import options


@click.command()
@options.as_json
@options.directory
def verify(place: str, as_json: bool) -> int:
    """Check every byte, signature and projection of the log.

    Exits 0 when all holds, 1 with the index and the kind of whatever does not.
    """
    from hee_core.audit import verify as audit

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        report = audit(workspace.log)
        pinned = bool(workspace.config.log_id)
    if as_json:
        findings = [{"index": f.index, "kind": f.kind, "detail": f.detail} for f in report.findings]
        terminal.json(
            {"ok": report.ok, "events": report.events, "head": report.head, "log": report.log_id, "pinned": pinned,
             "checked": report.checked, "findings": findings}
        )  # fmt: skip
        return 0 if report.ok else 1
    checked = ", ".join(f"{count} {name}" for name, count in report.checked.items())
    if report.ok:
        terminal.status("OK", f"{report.events} events hold (log {report.log_id[:12]})")
        terminal.line(f"  checked {checked}")
        if not pinned:
            terminal.line("  first use: commit hee.yaml, so that this log id is what the next verification expects")
        return 0
    terminal.status("CRITICAL", f"the log does not hold: {len(report.findings)} finding(s) in {report.events} events")
    terminal.table([(f"event {f.index}", f.kind, f.detail) for f in report.findings[:50]])
    terminal.line(f"  checked {checked}")
    terminal.line("  next: do not append; compare with another clone (`git fetch`), and ask who pushed to hee/log")
    return 1
