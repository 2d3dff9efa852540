"""HGV-SEC-001: the text of a capsule reads as what it is: UTF-8, NFC, nothing hidden, bounded size."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from hee_core.canonical import is_clean
from hee_governance.capsules import is_capsule
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding

MAX_BYTES = 512_000


def _check(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    data = context.tree[path]
    if len(data) > MAX_BYTES:
        yield rule.finding(path, 0, f"the capsule has {len(data)} bytes, more than {MAX_BYTES}", subject="size")
        return
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        yield rule.finding(path, line, "the capsule is not UTF-8", subject="encoding")
        return
    for number, row in enumerate(text.split("\n"), 1):
        plain = row.removesuffix("\r")
        if not is_clean(plain):
            hidden = next((char for char in plain if not is_clean(char)), "")
            what = (
                f"U+{ord(hidden):04X} {unicodedata.name(hidden, 'control character')}"
                if hidden
                else "text that is not NFC"
            )
            yield rule.finding(path, number, f"the line holds {what}", subject=what)


def _capsules(context: Context) -> Iterable[str]:
    return tuple(path for path in context.paths if is_capsule(path))


RULES = (
    Rule(
        id="HGV-SEC-001",
        clause="Text is UTF-8 and NFC, without control, bidirectional or zero-width characters, and of bounded size.",
        source="HEE security doctrine",
        severity="CRITICAL",
        looks_at="capsule files under docs/STATE_CAPSULES",
        remedy="Write the capsule again without the hidden characters; `hee capsule render` writes clean text.",
        subjects=_capsules,
        check=_check,
    ),
)
