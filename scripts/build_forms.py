"""Writes hee_core/form_table.py, what the models of the event catalogue accept, as plain data; `--check` compares only.

The form of a version that is not the newest any more is kept from the table as it was before.
"""

from __future__ import annotations

import pprint
import sys
from pathlib import Path
from typing import Any

from hee_core import catalogue, form_table
from hee_core.canonical import MAX_INT

TARGET = Path(__file__).resolve().parents[1] / "hee_core" / "form_table.py"
HEAD = '''"""What the models of the event catalogue accept, as plain data; `hee_core.forms` says what each word means.

Generated from `hee_core/catalogue.py` by `python scripts/build_forms.py`; do not edit.
"""

from __future__ import annotations

from typing import Any

# fmt: off
# ruff: noqa: Q000
# (type, earlier version) -> its fields, as below
PAST: dict[tuple[str, int], dict[str, tuple[Any, ...]]] = {past}
# type -> (newest version, field -> (form,) or (form, default))
FORMS: dict[str, tuple[int, dict[str, tuple[Any, ...]]]] = '''


def form(schema: dict[str, Any], others: dict[str, Any]) -> tuple[Any, ...]:
    """The form of one JSON schema; raises ValueError for a schema with a part that no form knows."""
    schema = {key: value for key, value in schema.items() if key not in {"title", "description", "default"}}
    if "$ref" in schema:
        return form(others[schema["$ref"].rpartition("/")[2]], others)
    kind = schema.pop("type", "")
    made: tuple[Any, ...]
    if "const" in schema or "enum" in schema:
        made = ("word", *([schema.pop("const")] if "const" in schema else schema.pop("enum")))
    elif "anyOf" in schema:
        first, second = schema.pop("anyOf")
        if second != {"type": "null"}:
            raise ValueError(f"neither one nor null: {second}")
        made = ("maybe", form(first, others))
    elif kind == "string":
        made = ("text", schema.pop("minLength", 0), schema.pop("maxLength", MAX_INT), schema.pop("pattern", ""))
    elif kind == "integer":
        made = ("number", schema.pop("minimum", -MAX_INT), schema.pop("maximum", MAX_INT))
    elif kind == "boolean":
        made = ("flag",)
    elif kind == "array":
        made = ("list", form(schema.pop("items"), others), schema.pop("minItems", 0))
    elif kind == "object" and "properties" not in schema:
        made = ("map", form(schema.pop("additionalProperties"), others))
    elif kind == "object" and schema.pop("additionalProperties") is False:
        made = ("object", fields(schema, others))
    else:
        raise ValueError(f"no form is known for {schema}")
    if schema:
        raise ValueError(f"no form knows {schema}")
    return made


def fields(schema: dict[str, Any], others: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """The fields of an object's schema, in the order of the model; one that may be left out comes with its default."""
    required = set(schema.pop("required", ()))
    made: dict[str, tuple[Any, ...]] = {}
    for name, each in schema.pop("properties").items():
        default = () if name in required else (each.get("default", {}),)  # a default that is made anew is empty
        made[name] = (form(each, others), *default)
    return made


def table() -> dict[str, tuple[int, dict[str, tuple[Any, ...]]]]:
    """The form of every type in its newest version."""
    made = {}
    for type_ in sorted(catalogue.TYPES):
        schema = catalogue.schema(type_)
        made[type_] = (catalogue.VERSIONS[type_], form(schema, schema.pop("$defs", {}))[1])
    return made


def past(made: dict[str, tuple[int, dict[str, tuple[Any, ...]]]]) -> dict[tuple[str, int], dict[str, tuple[Any, ...]]]:
    """The forms of all earlier versions: those that are known, and those that `made` replaces."""
    replaced = {
        (type_, version): form
        for type_, (version, form) in form_table.FORMS.items()
        if type_ in made and made[type_][0] > version
    }
    return form_table.PAST | replaced


def plain(value: object) -> str:
    """A value as Python source."""
    return pprint.pformat(value, width=118, sort_dicts=False, compact=True)


def main() -> int:
    """Writes the table, or says whether the one that is there is right."""
    made = table()
    text = HEAD.replace("{past}", plain(past(made))) + plain(made) + "\n"
    if "--check" in sys.argv:
        return 0 if TARGET.read_text("utf-8") == text else 1
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
