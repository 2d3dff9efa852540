"""`hee capsule import`, `index`, `export` and `publish`: capsules as files, other people's and our own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from hee_core.git import Repository
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.imports import Imports
    from hee_monitoring.workspace import Workspace


def _named(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[Path, ...]:
    if not all(map(str.strip, values)):
        raise click.BadParameter("an empty text names no file, and would be this whole directory")
    return tuple(map(Path, values))


_PATHS = click.argument("paths", nargs=-1, required=True, callback=_named)


@click.command("import")
@_PATHS
@click.option("--no-record", is_flag=True, help="Only report; write nothing to the log.")
@options.as_json
@options.directory
def import_(place: str, paths: tuple[Path, ...], no_record: bool, as_json: bool) -> int:
    """Read capsules that people wrote, in any of their formats, from files or directories.

    What they say is kept as unverified, each fact with its line; no file is changed. With a log every file is recorded
    once (`capsule.imported`), without one this only reports. Contradictions are listed with both sides, and nothing resolves
    them; what shows no sign of any format is rejected with the reason. Exits 1 when something contradicts itself or was
    rejected, and when there was nothing to read.
    """
    from hee_core.clock import SYSTEM
    from hee_core.errors import LogNotFound
    from hee_monitoring import imports

    terminal = options.terminal(as_json)
    found = _read(place, paths)
    recorded, why = 0, "asked not to" if no_record else ""
    if not no_record:
        try:
            with options.workspace(place) as workspace:
                options.allowed(workspace, "import")
                recorded = imports.record(workspace.log, found, clock=SYSTEM)
        except LogNotFound:
            why = "there is no log here"
    if as_json:
        terminal.json({**found.to_json(), "recorded": recorded, "not_recorded": why or None})
    else:
        _show(terminal, found)
        terminal.line(terminal.dim(f"  nothing recorded: {why}" if why else f"  {recorded} recorded"))
    return 0 if _word(found) == "OK" else 1


@click.command()
@_PATHS
@options.as_json
@options.directory
def index(place: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Print an index of the capsules below PATHS, by date, in Markdown."""
    from hee_monitoring import imports

    terminal = options.terminal(as_json)
    found = _read(place, paths)
    if as_json:
        terminal.json(
            [{key: value for key, value in file.to_json().items() if key != "facts"} for file in found.imported]
        )
    else:
        terminal.exact(imports.index(found).rstrip("\n"))


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@options.at
@options.as_json
@options.directory
def export(place: str, target: Path, at: str | None, as_json: bool) -> None:
    """Write the capsule, now or at any earlier point, to a .md, .json or .yaml file."""
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        size = write(workspace, target, at)
    if as_json:
        terminal.json({"path": str(target), "index": size})
    terminal.status("OK", f"{target}: the state after event {size}")


@click.command()
@click.option("--name", default="HEE-Monitoring", show_default=True, help="The page's name, without its ending.")
@options.as_json
@options.directory
def publish(place: str, name: str, as_json: bool) -> None:
    """Write the capsule to docs/STATE_CAPSULES/DATE/NAME.md in the worktree, yours to commit.

    DATE is the day of the log's last event, in UTC; a page of an earlier day is never touched.
    """
    from hee_core.errors import CapsuleError
    from hee_governance.capsules import ROOT
    from hee_governance.paths import escapes

    terminal = options.terminal(as_json)
    if reason := escapes(f"{name}.md"):
        raise CapsuleError(f"--name {name!r} {reason}", hint="a name such as HEE-Monitoring")
    with options.workspace(place) as workspace:
        options.allowed(workspace, "publish", name)
        root, day = workspace.repository.root, workspace.log.state.time[:10]
        if root is None:
            raise CapsuleError(
                "a bare repository has no worktree to publish in", hint="`hee capsule export FILE` writes one"
            )
        path = f"{ROOT}{day}/{name}.md"
        size = write(workspace, root / path, sign=True)
    if as_json:
        terminal.json({"path": path, "index": size})
    terminal.status("OK", f"{path}: the state after event {size}; next: git add {path}")


def _read(place: str, paths: tuple[Path, ...]) -> Imports:
    from hee_core.errors import CapsuleError
    from hee_monitoring import imports

    for path in paths:
        if not path.exists():
            raise CapsuleError(f"{path} does not exist", hint="name files or directories")
    repository = _repository(place)
    root = repository.root.resolve() if repository and repository.root else None
    named = [(_name(path, root), data) for path, data in imports.gather(paths)]
    return imports.read(named, repository)


def _name(path: Path, root: Path | None) -> str:
    """A file's path in the repository, or as it was given."""
    if root is not None and path.resolve().is_relative_to(root):
        return path.resolve().relative_to(root).as_posix()
    return path.as_posix()


def _repository(place: str) -> Repository | None:
    from hee_core.errors import HeeError
    from hee_core.git import Repository

    try:
        return Repository.discover(place)
    except HeeError:
        return None


def write(workspace: Workspace, target: Path, at: str | None = None, *, sign: bool = False) -> int:
    """Writes the capsule whole or not at all; gives the index of its last event. A page may `sign` what it says."""
    from hee_core import capsule, fences, render
    from hee_core.errors import CapsuleError
    from hee_core.history import resolve
    from hee_monitoring.signedpage import signed

    if target.suffix.lower() not in (".md", ".json", ".yaml", ".yml"):
        raise CapsuleError(
            f"{target}: a capsule is a .md, .json or .yaml file", hint="give the file one of these endings"
        )
    log = workspace.log
    index = resolve(log, at)
    document = capsule.build(log.state_after(index), log_id=log.id)
    head = log.entry(index).commit
    text = fences.json_text(document) + "\n"  # JSON is YAML
    if target.suffix.lower() == ".md":
        text = render.to_markdown(document, log_id=document["hee_log"]["id"], head=head, index=index)
    if sign:
        tree = log.refresh().frontier
        text = signed(text, root=tree.root().hex(), size=tree.size, signer=log.signer)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        raise CapsuleError(
            f"{target}: {error.strerror}", hint="name a file in a directory that can be written"
        ) from None
    return index


def _show(terminal: Terminal, found: Imports) -> None:
    for file in found.imported:
        word = "WARNING" if file.issues or file.done.verdict == "contradiction" else "OK"
        about = (
            f"{file.format} {file.form}, {file.confidence} % sure, {file.date[:10] or 'no date'}, {file.done.verdict}"
        )
        terminal.line(f"{terminal.badge(word)} {terminal.fit(file.path, terminal.width)}")
        whole = "every value read" if file.lossless else "not everything has a shape"
        terminal.line(f"    {about}; {len(file.facts)} facts, unverified; {whole}")
        for issue in file.issues[:5]:
            terminal.line(f"    {terminal.fit(f'{issue.code} line {issue.line}: {issue.message}', terminal.width - 4)}")
    for each in found.contradictions:
        terminal.status("CRITICAL", terminal.fit(each.message, terminal.width - 12))
        for path, line, text in each.claims:
            terminal.line(f"    {terminal.fit(f'{path}:{line}  {text}', terminal.width - 4)}")
    for refusal in found.rejected:
        terminal.status("UNKNOWN", f"{terminal.fit(refusal.path, terminal.width)}:{refusal.line} {refusal.reason}")
    counts = (len(found.imported), len(found.contradictions), len(found.rejected))
    terminal.status(_word(found), "{} read, {} contradictions, {} rejected".format(*counts))


def _word(found: Imports) -> str:
    """How an import came out: nothing read is as unknown as what could not be."""
    return "CRITICAL" if found.contradictions else "UNKNOWN" if found.rejected or not found.imported else "OK"
