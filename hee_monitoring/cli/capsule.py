"""`hee capsule`: the state capsule as a document."""

from __future__ import annotations

from pathlib import Path

import click

from hee_monitoring.cli import capsule_files, options


@click.group()
def capsule() -> None:
    """Render, validate, import, export and publish state capsules."""


for _command in (capsule_files.import_, capsule_files.index, capsule_files.export, capsule_files.publish):
    capsule.add_command(_command)


@capsule.command()
@click.option("--format", "format_", type=click.Choice(["md", "json"]), default="md", show_default=True)
@options.at
@options.as_json
@options.directory
def render(place: str, format_: str, at: str | None, as_json: bool) -> None:
    """Print the capsule for people (md) or for programs (json); --json is the same as --format json."""
    from hee_core import capsule as capsules
    from hee_core import render as rendering
    from hee_core.history import resolve

    with options.workspace(place) as workspace:
        log = workspace.log
        index = resolve(log, at)
        state = log.state_after(index)
        document = capsules.build(state, log_id=log.id)
        commit = log.entry(index).commit
    if as_json or format_ == "json":
        options.terminal(as_json=True).json(document)
    else:
        text = rendering.to_markdown(document, log_id=document["hee_log"]["id"], head=commit, index=index)
        options.terminal(as_json=False).exact(text.rstrip("\n"))


@capsule.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@options.at
@options.as_json
@options.directory
def validate(place: str, paths: tuple[Path, ...], at: str | None, as_json: bool) -> int:
    """Validate capsule files (.json, .yaml, .md), or without PATHS the current one, or that of a point.

    Exits 1 when a capsule breaks the schema, 2 when one cannot be read.
    """
    from hee_core import validation
    from hee_core.errors import CapsuleError

    terminal = options.terminal(as_json)
    findings = []
    if paths:
        for path in paths:
            try:
                document = validation.load_capsule(path.read_bytes(), path.name)
            except OSError as error:
                raise CapsuleError(f"{path}: {error.strerror}", hint="name a capsule file") from None
            findings += [(str(path), found) for found in validation.validate_capsule(document)]
            findings += [(str(path), validation.Finding("", said)) for said in _signature(place, path)]
    else:
        from hee_core import capsule as capsules
        from hee_core.history import resolve

        with options.workspace(place) as workspace:
            state = workspace.log.state_after(resolve(workspace.log, at))
            document = capsules.build(state, log_id=workspace.log.id)
        findings += [("current", found) for found in validation.validate_capsule(document)]
    if as_json:
        terminal.json(
            {"ok": not findings, "evaluated": len(paths) or 1,
             "findings": [{"path": path, "pointer": f.pointer, "message": f.message} for path, f in findings]}
        )  # fmt: skip
    else:
        terminal.table([(path, found.pointer or "/", found.message) for path, found in findings])
        terminal.status("CRITICAL" if findings else "OK", f"{len(paths) or 1} capsule(s), {len(findings)} finding(s)")
    return 1 if findings else 0


def _signature(place: str, path: Path) -> list[str]:
    """What is wrong with the signature of a published page; nothing for a page without one."""
    from itertools import islice

    from hee_core import merkle
    from hee_core.errors import HeeError
    from hee_monitoring.signedpage import MARK, Known, fault

    text = path.read_bytes().decode("utf-8", "replace")
    if path.suffix.lower() != ".md" or MARK not in text:
        return []
    try:
        with options.workspace(place) as workspace:
            log, head = workspace.log, workspace.log.refresh()

            def root(size: int) -> str:
                leaves = (merkle.leaf_hash(entry.event.to_bytes()) for entry in islice(log.read(), size))
                return merkle.Frontier().extend(leaves).root().hex()

            said = fault(text, Known(head.size, head.keyring, root) if head.keyring else None)
    except HeeError:
        said = fault(text, None)  # no log here: that the bytes are the signed ones can be said all the same
    return [said] if said else []
