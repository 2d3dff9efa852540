"""`hee governance set`: one setting of hee.yaml, with every comment where it was."""

from __future__ import annotations

import os
import shutil

import click

from hee_monitoring.cli import options


@click.command("set")
@click.argument("key")
@click.argument("value")
@options.as_json
@options.directory
def set_(place: str, key: str, value: str, as_json: bool) -> None:
    r"""Change one setting of hee.yaml in the worktree, and keep every comment; it counts once it is committed.

    KEY is a path such as fix.max_severity, VALUE is YAML. The file is written whole, and only when the result is a valid
    configuration; otherwise every fault is told with its line and pointer, and nothing is changed.

    \b
    Example:
      hee governance set quality_gates.spec_coverage 95%
    """
    from hee_core.errors import ConfigError
    from hee_core.git import Repository
    from hee_governance.editing import edited
    from hee_monitoring.workspace import CONFIG

    terminal = options.terminal(as_json)
    root = Repository.discover(place).root
    if root is None:
        raise ConfigError("a bare repository has no worktree to change", hint="name one with -C")
    target = root / CONFIG
    if target.is_symlink():
        raise ConfigError(f"{CONFIG} is a symbolic link", hint="make it a regular file")
    old = options.content(target, "`hee init` writes one")
    new = edited(old, key, value, CONFIG)
    beside = target.with_name(f".{CONFIG}.{os.getpid()}")
    try:
        if new != old:
            beside.write_bytes(new)
            shutil.copymode(target, beside)
            beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(f"{CONFIG}: {error.strerror}", hint="make the file and its directory writable") from None
    if as_json:
        terminal.json({"path": CONFIG, "key": key, "changed": new != old})
    said = f"{key} is {value}; next: git add {CONFIG}" if new != old else f"{key} was {value} already"
    terminal.status("OK", f"{CONFIG}: {said}")
