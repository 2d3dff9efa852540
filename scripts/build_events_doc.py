"""Writes docs/events.md from the event catalogue; with --check, says whether it is in step."""

from __future__ import annotations

import sys
from pathlib import Path

from hee_core import catalogue

TARGET = Path(__file__).resolve().parent.parent / "docs" / "events.md"
HEAD = """\
# Events

Generated from `hee_core/catalogue.py` by `python scripts/build_events_doc.py`; do not edit. Each event is a CloudEvents
1.0 object in canonical JSON; this page lists the payloads (`data`). Percentages are integers of basis points (10000 is
100 %), durations integers of milliseconds. A field with a default may be left out.

| type | version | what it says |
|---|---|---|
"""


def document() -> str:
    """The whole page."""
    rows, parts = [], []
    for name, model in catalogue.TYPES.items():
        anchor = name.replace(".", "")
        says = (model.__doc__ or "").strip().split("\n")[0]
        rows.append(f"| [`{name}`](#{anchor}) | {catalogue.version(name)} | {says} |\n")
        schema = catalogue.schema(name)
        required = set(schema.get("required", ()))
        fields = "".join(
            f"| `{field}` | {_kind(facts)} | {'yes' if field in required else ''} |\n"
            for field, facts in schema.get("properties", {}).items()
        )
        parts.append(
            f"\n## {name}\n\n{(model.__doc__ or '').strip()}\n\n| field | value | required |\n|---|---|---|\n{fields}"
        )
    return HEAD + "".join(rows) + "".join(parts)


def _kind(facts: dict[str, object]) -> str:
    if "enum" in facts:
        return ", ".join(f"`{word}`" for word in facts["enum"])  # type: ignore[attr-defined]
    if "const" in facts:
        return f"`{facts['const']}`"
    if "anyOf" in facts:
        return " or ".join(_kind(option) for option in facts["anyOf"])  # type: ignore[attr-defined]
    if "$ref" in facts:
        return str(facts["$ref"]).rpartition("/")[2]
    if facts.get("type") == "array":
        return f"list of {_kind(facts.get('items', {}))}"  # type: ignore[arg-type]
    return str(facts.get("type", "any"))


def main() -> int:
    """Writes or compares."""
    text = document()
    if "--check" in sys.argv:
        return 0 if TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
