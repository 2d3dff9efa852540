"""Workflow commands (`::error file=a.py,line=3::text`) in a step's output, in the form in which GitHub shows them.

Responsible for the text as shown, for the annotations that the commands make, and for what they ask to mask. Carrying the
commands out is the runner's.

Invariant: every line that is not a command is kept as it is, byte by byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_core import canonical
from hee_monitoring.evidence import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterable

_COMMAND = re.compile(rb"^[ \t]*::([a-z-]+)(?: ([^\r\n]*?))?::([^\r\n]*)", re.IGNORECASE)
_LEVELS = {b"error": "failure", b"warning": "warning", b"notice": "notice"}
_HIDDEN = frozenset(
    {
        b"add-mask",
        b"set-output",
        b"save-state",
        b"add-path",
        b"set-env",
        b"add-matcher",
        b"remove-matcher",
        b"debug",
        b"echo",
        b"stop-commands",
    }
)


def shown(text: bytes, masks: list[bytes]) -> tuple[bytes, list[Annotation]]:
    """The output as GitHub shows it, commands in their shown form, and the annotations; adds to what is to be masked."""
    if b"::" not in text:
        return text, []
    lines: list[bytes] = []
    noted: list[Annotation] = []
    resume = b""
    for line in text.split(b"\n"):
        found = _COMMAND.match(line)
        if found is None or (resume and found[1] != resume):
            lines.append(line)
            continue
        name, argument = found[1].lower(), _plain(found[3])
        if found[1] == resume:
            resume = b""
        elif name in _LEVELS:
            lines.append(b"##[%s]%s" % (name, argument))
            noted.append(_annotation(_LEVELS[name], found[2] or b"", argument))
        elif name in (b"group", b"endgroup"):
            lines.append(b"##[%s]%s" % (name, argument))
        elif name not in _HIDDEN:
            lines.append(line)
        elif name == b"stop-commands":
            resume = argument
        elif name == b"add-mask" and argument.strip():
            masks.append(argument)
    return b"\n".join(lines), noted


def _annotation(level: str, properties: bytes, message: bytes) -> Annotation:
    values = dict(part.split(b"=", 1) for part in properties.split(b",") if b"=" in part)
    named = {key.strip().lower(): _plain(value, properties=True) for key, value in values.items()}
    line = named.get(b"line", b"").decode("ascii", "replace")
    return Annotation(
        message=canonical.clean(message.decode("utf-8", "replace"), limit=2000),
        level=level,
        path=canonical.clean(named.get(b"file", b"").decode("utf-8", "replace"), limit=500),
        line=int(line) if line.isdecimal() and len(line) < 9 else 0,
    )


def _plain(data: bytes, *, properties: bool = False) -> bytes:
    """Undoes the percent signs that stand for line ends and separators in a command."""
    pairs: Iterable[tuple[bytes, bytes]] = (
        (b"%0D", b"\r"),
        (b"%0A", b"\n"),
        *(((b"%3A", b":"), (b"%2C", b",")) if properties else ()),
        (b"%25", b"%"),
    )
    for written, meant in pairs:
        data = data.replace(written, meant)
    return data
