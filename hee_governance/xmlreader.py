"""Reports in XML as a stream of elements, read so that no report can take memory or open a file.

Entities and internal document types are refused, and an external one is never fetched; size and depth are bounded.
Which elements mean what is left to the readers of each report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
_CHUNK = 64 * 1024


class Unparsable(Exception):
    """Why a document cannot be read, and at which line (0 if it has none)."""

    def __init__(self, line: int, message: str) -> None:
        """Keeps the line apart from the message."""
        super().__init__(message)
        self.line = line


class Element(NamedTuple):
    """One end of an element: `opens` says which one; attributes stand at the opening end."""

    name: str
    attributes: Mapping[str, str]
    opens: bool
    line: int


def elements(data: bytes) -> Iterator[Element]:
    """The ends of all elements in order; raises Unparsable for broken XML and for what no report needs."""
    if len(data) > MAX_BYTES:
        raise Unparsable(0, f"is larger than {MAX_BYTES} bytes")
    parser = expat.ParserCreate()
    found: list[Element] = []
    depth = 0

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Unparsable(parser.CurrentLineNumber, "is nested too deeply")
        found.append(Element(name, attributes, opens=True, line=parser.CurrentLineNumber))

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        found.append(Element(name, {}, opens=False, line=parser.CurrentLineNumber))

    def typed(_name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise Unparsable(parser.CurrentLineNumber, "declares a document type of its own, which no report needs")

    def refused(*_: object) -> None:
        raise Unparsable(parser.CurrentLineNumber, "declares an entity, which no report needs")

    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.StartDoctypeDeclHandler, parser.EntityDeclHandler = typed, refused
    for start in range(0, len(data) or 1, _CHUNK):
        try:
            parser.Parse(data[start : start + _CHUNK], start + _CHUNK >= len(data))
        except expat.ExpatError as error:
            raise Unparsable(error.lineno, f"is not well-formed XML: {expat.ErrorString(error.code)}") from None
        yield from found
        found.clear()
