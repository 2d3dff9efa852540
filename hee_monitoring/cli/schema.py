"""`hee schema`: the JSON Schema of a command's document, of a file, or of an event's payload."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import click

from hee_monitoring.cli import options

# name -> (package, file)
FILES = {
    "config": ("hee_governance", "schemas/config.json"),
    "capsule": ("hee_core", "schemas/capsule.seed.json"),
    "capsule-strict": ("hee_core", "schemas/capsule.strict.json"),
    "patterns": ("hee_monitoring", "schemas/patterns.json"),
    "alert": ("hee_monitoring", "schemas/alert.json"),
}


@click.command()
@click.argument("name", required=False)
@options.as_json
def schema(name: str | None, as_json: bool) -> None:
    r"""Print the JSON Schema (draft 2020-12) called NAME, or without one the names that there are.

    A name is a file's (`config`, `capsule`, `patterns`, `alert`), an event type's (`event/fix.verified`), or a command's
    (`"governance check"`) for what it prints with --json. `hee state --json` prints a `capsule`.

    \b
    Examples:
      hee schema
      hee schema monitor
      hee schema event/fix.verified
    """
    terminal = options.terminal(as_json)
    if name is not None:
        options.terminal(as_json=True).json(found(name))
    elif as_json:
        terminal.json(names())
    else:
        for each in names():
            terminal.line(each)


def names() -> list[str]:
    """Every name: files, then commands, then event types."""
    from hee_core.catalogue import TYPES

    return [*FILES, *_outputs(), *(f"event/{type_}" for type_ in TYPES)]


def found(name: str) -> Any:
    """The schema of that name; raises NotFound."""
    from hee_core import catalogue
    from hee_core.errors import NotFound

    if name in FILES:
        package, file = FILES[name]
        return json.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    outputs = _outputs()
    if name in outputs:
        return outputs[name]
    if name.startswith("event/") and name.removeprefix("event/") in catalogue.TYPES:
        return catalogue.schema(name.removeprefix("event/"))
    raise NotFound(f"there is no schema {name!r}", hint="`hee schema` lists them")


def _outputs() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        resources.files("hee_monitoring").joinpath("schemas/outputs.json").read_text(encoding="utf-8")
    )
    return read
