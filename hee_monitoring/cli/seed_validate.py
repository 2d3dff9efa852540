"""`scripts/validate_hee_state_capsule.py`: capsules held against the schema, the log, and governance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options, seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_core.log import Log
    from hee_governance.validator import Compliance
    from hee_monitoring.handed import Handed
    from hee_monitoring.workspace import Workspace

_WORDS = {"OK": "OK", "FAIL": "CRITICAL", "UNKNOWN": "UNKNOWN"}


@click.command("validate_hee_state_capsule")
@click.option(
    "--input", "input_", metavar="CAPSULE", help="A capsule; without it what is staged, else the current one."
)
@click.option(
    "--hee-rules",
    type=click.Choice(seed.MODES),
    default="strict",
    show_default=True,
    help="strict: our schema, faults fail. warn: faults are told. off: only the specification's schema.",
)
@click.option(
    "--governance-check",
    type=click.Choice(["full", "basic", "none"]),
    default="basic",
    show_default=True,
    help="basic: it is what the log says. full: and the compliance matrix, row by row.",
)
@options.as_json
@options.directory
def validate(place: str, input_: str | None, hee_rules: str, governance_check: str, as_json: bool) -> int:
    r"""Validate a state capsule.

    Exits 0 when it holds, 1 when it does not, 2 when it cannot be read. With `full`, a row of the matrix that fails or
    is unknown is a finding in strict mode.

    \b
    Example:
      python scripts/validate_hee_state_capsule.py --input current.json --hee-rules strict --governance-check full
    """
    from hee_core.errors import LogNotFound

    terminal = options.terminal(as_json)
    named = [input_] if input_ else _discovered(place)
    if not named and governance_check != "full":
        words = _own(place)
        if as_json:
            terminal.json({"ok": True, "evaluated": 0, "findings": [], "compliance": [], "detail": words})
        terminal.status("OK", words)
        return 0
    findings: list[tuple[str, str, str]] = []
    compliance: Compliance | None = None
    try:
        with options.workspace(place) as workspace:
            findings = _held(named or [""], workspace.log, workspace, hee_rules, governance_check)
            if governance_check == "full":
                compliance = _compliance(workspace)
    except LogNotFound:
        findings = _held(named, None, None, hee_rules, "none")
        terminal.note("there is no log here: nothing vouches for the capsule")
    unmet = [row for row in compliance.requirements if row.status != "OK"] if compliance else []
    bad = bool(findings) or (bool(unmet) and hee_rules == "strict")
    if as_json:
        rows = [{"name": r.name, "method": r.method, "status": r.status, "detail": r.detail}
                for r in (compliance.requirements if compliance else ())]  # fmt: skip
        found = [{"path": path, "pointer": pointer, "message": message} for path, pointer, message in findings]
        terminal.json({"ok": not bad, "evaluated": len(named) or 1, "findings": found, "compliance": rows})
    else:
        terminal.table([(path, pointer or "/", message) for path, pointer, message in findings])
        for row in compliance.requirements if compliance else ():
            terminal.status(_WORDS[row.status], f"{row.name}: {row.detail} ({row.method})")
        words = f"{len(named) or 1} capsule(s), {len(findings)} finding(s)"
        terminal.status("CRITICAL" if findings else "WARNING" if bad else "OK", words)
    return 1 if bad and hee_rules != "warn" else 0


def _discovered(place: str) -> list[str]:
    """The staged capsule files that mean to be the specification's; others are prose, and the rules' business."""
    from hee_core.git import Repository
    from hee_core.tree import CommitTree
    from hee_governance.capsules import documents
    from hee_monitoring.staged import Staged

    repository = Repository.discover(place)
    found = []
    capsules = Staged(repository).capsules
    if not capsules:
        return []
    with CommitTree(repository, "") as tree:
        for path in capsules:
            data = tree.get(path, b"")
            text = data.decode("utf-8", "replace")
            unreadable = text.encode() != data  # what cannot be read is no prose, and never in order
            if unreadable or any(document.is_state for document in documents(path, text)):
                found.append(path)
    return found


def _own(place: str) -> str:
    """Reads the log, whose own capsule follows from its events and is valid by construction; raises what does not hold."""
    from hee_core.errors import LogNotFound
    from hee_core.gitstore import open_log

    try:
        with open_log(place) as log:
            return f"no capsule is staged; the log's own follows from its {len(log)} events"
    except LogNotFound:
        return "no capsule is staged, and there is no log: nothing to validate"


def _held(
    named: list[str], log: Log | None, workspace: Workspace | None, rules: str, check: str
) -> list[tuple[str, str, str]]:
    from hee_core.validation import validate_capsule
    from hee_monitoring import handed
    from hee_monitoring.cli.seed_capsule import capsule_now

    root = (workspace.repository.root if workspace else None) or Path.cwd()
    found: list[tuple[str, str, str]] = []
    for name in named:
        taken = handed.take(name, name="--input", root=Path.cwd() if (Path.cwd() / name).exists() else root)
        if taken is None and workspace is None:
            continue
        taken = taken or handed.Handed("the log's own capsule", capsule_now(workspace))  # type: ignore[arg-type]
        faults = validate_capsule(taken.document, strict=rules != "off")
        found += [(taken.where, fault.pointer, fault.message) for fault in faults]
        if not faults and log is not None and check != "none":
            found += _against(taken, log)
    return found


def _against(taken: Handed, log: Log) -> Iterator[tuple[str, str, str]]:
    from hee_core.errors import HeeError
    from hee_monitoring import handed

    try:
        handed.point(taken, log)
    except HeeError as error:
        yield taken.where, "/hee_log", str(error)


def _compliance(workspace: Workspace) -> Compliance:
    """The specification's compliance matrix over the commit at HEAD and the state now, as `hee gates` evaluates it."""
    from hee_monitoring import gatecheck

    commit, log = workspace.commit()[0], workspace.log
    report = gatecheck.check(
        workspace.repository, workspace.config, commit, as_of=workspace.clock.now(), log=log, index=len(log) - 1
    )
    return report.compliance
