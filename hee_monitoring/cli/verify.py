"""`hee verify`: whether the log holds, byte for byte."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.audit import Report


@click.command()
@click.option(
    "--proof",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check a proof that `hee prove` wrote.",
)
@click.option("--log", "log_id", default="", help="With --proof: the id of the log it must be of.")
@click.option(
    "--signers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --proof: an allowed-signers file.",
)
@click.option(
    "--from", "since", metavar="CHECKPOINT", help="Prove that nothing was rewritten since (a file, -, or its text)."
)
@click.option(
    *("--witness", "vkeys"),
    multiple=True,
    metavar="KEY[,KEY]",
    help="A witness whose cosignatures count (`hee witness key`).",
)
@click.option("--quorum", type=click.IntRange(min=1), help="How many of the witnesses it takes (default: all).")
@click.option(
    "--properties", is_flag=True, help="Hold the log to the promises of the audit kit, each judged by itself."
)
@options.at
@options.as_json
@options.directory
@options.status_style
def verify(
    place: str,
    proof: Path | None,
    log_id: str,
    signers: Path | None,
    since: str | None,
    vkeys: tuple[str, ...],
    quorum: int | None,
    properties: bool,
    at: str | None,
    as_json: bool,
) -> int:
    r"""Check every byte, signature and projection of the log, or one proof without the repository.

    With --at everything up to the append that holds that point. Exits 0 when all holds, 1 with the index and the kind of
    whatever does not, 2 when it could not be read or judged.

    \b
    Examples:
      hee verify
      hee verify --from then.note
      hee verify --witness "$(cat w1.vkey),$(cat w2.vkey)" --quorum 1
      hee verify --proof event-17.tlog-proof --log LOG_ID --signers signers
    """
    from hee_core.cosignature import Witness
    from hee_monitoring.cli.prove import check_proof, note_of

    witnesses = tuple(Witness.parse(word) for vkey in vkeys for word in vkey.split(","))
    if quorum is not None and quorum > len({witness.public_key for witness in witnesses}):
        raise click.UsageError(f"--quorum {quorum} with {len(witnesses)} --witness: name as many")
    needed = quorum or len({witness.public_key for witness in witnesses}) or 1
    if proof:
        trusted = witnesses, needed
        return check_proof(place, proof, log_id=log_id, signers=signers, trusted=trusted, as_json=as_json)
    if properties:
        return _properties(place, as_json=as_json)
    from hee_core.audit import verify as audit

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        note = note_of(since) if since else b""
        report = audit(
            workspace.log, at=at, since=note, witnesses=witnesses, quorum=needed, progress=terminal.advance("verifying")
        )
        pinned = bool(workspace.config.log_id)
    blind = any(finding.kind == "shallow" for finding in report.findings)
    status = 0 if report.ok else 2 if blind or not report.findings else 1
    if as_json:
        findings, warnings, unknown = (
            [{"index": f.index, "kind": f.kind, "detail": f.detail} for f in found]
            for found in (report.findings, report.warnings, report.unknown)
        )
        terminal.json(
            {"ok": report.ok, "events": report.events, "head": report.head, "log": report.log_id, "pinned": pinned,
             "checked": report.checked, "findings": findings, "warnings": warnings, "unknown": unknown,
             "reanchored": [asdict(anchor) for anchor in report.anchors], **_kept(report)}
        )  # fmt: skip
        return status
    checked = ", ".join(f"{count} {name}" for name, count in report.checked.items())
    if report.ok:
        terminal.status("OK", f"{report.events} events hold (log {report.log_id[:12]})")
        terminal.line(f"  checked {checked}")
        for line in _kept_words(report):
            terminal.line(f"  {line}")
        for anchor in report.anchors:
            terminal.line(
                f"  event {anchor.index} answers for events 0 to {anchor.events - 1}, in {anchor.commits} rewritten commit(s) up to {anchor.head[:12]}"
            )
        for warning in report.warnings[:50]:
            terminal.status("WARNING", f"event {warning.index}: {warning.detail}")
        if not pinned:
            terminal.line("  first use: commit hee.yaml, so that this log id is what the next verification expects")
        return 0
    if blind:
        terminal.status("UNKNOWN", f"the log could not be verified: {report.findings[0].detail}")
        terminal.line("  next: git fetch --unshallow, then hee verify")
        return status
    if report.findings:
        terminal.status(
            "CRITICAL", f"the log does not hold: {len(report.findings)} finding(s) in {report.events} events"
        )
        terminal.table([(f"event {f.index}", f.kind, f.detail) for f in report.findings[:50]])
    if report.unknown:
        terminal.status(
            "UNKNOWN", f"a later version of HEE wrote what this one cannot judge; {report.events} events read"
        )
        terminal.table([(f"event {f.index}", f.detail) for f in report.unknown[:50]])
    terminal.line(f"  checked {checked}")
    if not report.findings:
        terminal.line("  next: upgrade hee, then hee verify; what was checked holds")
        return status
    if {finding.kind for finding in report.findings} <= {"commit-signature", "trailer"}:
        terminal.line("  if the history was rewritten on purpose (git filter-repo): hee reanchor --reason WHY")
    terminal.line("  next: do not append; compare with another clone (`git fetch`), and ask who pushed to hee/log")
    return status


def _kept(report: Report) -> dict[str, Any]:
    """What was proved against what others kept of the log; null where nothing was asked for, or it does not hold."""
    from base64 import b64encode

    since, seen = report.since, report.witnessed
    return {
        "from": since
        and {
            "size": since.size,
            "root": b64encode(since.root).decode(),
            "key_id": since.key_id,
            "proof": [b64encode(node).decode() for node in since.proof],
        },
        "witnessed": seen
        and {
            "size": seen.size,
            "quorum": seen.quorum,
            "by": [{"name": witness.name, "size": size, "time": time} for witness, size, time in seen.by],
        },
    }


def _kept_words(report: Report) -> Iterator[str]:
    if report.since:
        yield f"nothing was rewritten since the checkpoint of {report.since.size} events"
    if seen := report.witnessed:
        names = ", ".join(f"{witness.name} ({size})" for witness, size, _ in seen.by)
        yield f"{seen.size} of {report.events} events were seen by {seen.quorum} witness(es): {names}"


def _properties(place: str, *, as_json: bool) -> int:
    from hee_core.testing import PROMISES

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        found = {name: promise(workspace.log) for name, promise in PROMISES.items()}
    ok = not any(found.values())
    if as_json:
        told = {name: [{"index": one.index, "detail": one.detail} for one in ones] for name, ones in found.items()}
        terminal.json({"ok": ok, "promises": told})
    for name, ones in found.items():
        terminal.status("CRITICAL" if ones else "OK", name)
        terminal.table([(f"event {one.index}", one.detail) for one in ones[:50]])
    return 0 if ok else 1
