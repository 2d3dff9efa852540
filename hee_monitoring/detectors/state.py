"""HEE-PAT-001 State Corruption, as far as files show it. What the log itself shows is found by its verification.

Sub-rules: **d** a monitoring capsule breaks its schema · **e** it cannot be read (not UTF-8, conflict markers, cut off,
not JSON or YAML) · **g** it says done and has open tasks · **i** a record that calls itself immutable holds
placeholders. Capsules that are neither the specification's nor ours are left alone: they are other people's words.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from hee_core import canonical
from hee_core.errors import EventError
from hee_governance.capsules import STATE_KEYS, documents, is_capsule, signs
from hee_governance.document import Node, Unreadable, read
from hee_governance.document import documents as yaml_documents
from hee_monitoring.detectors.subject import Found, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_governance.capsules import Document
    from hee_monitoring.detectors.subject import Known
    from hee_monitoring.evidence import Evidence

_OURS, _THEIRS = re.compile(r"^<{7} ", re.MULTILINE), re.compile(r"^>{7} ", re.MULTILINE)
_PLACEHOLDER = re.compile(
    r"(TBD|TODO|FIXME|XXX+|PLACEHOLDER|HEE-PLACEHOLDER|\[insert.*|<[a-z][a-z _-]*>)", re.IGNORECASE
)
_EVIDENCE = 10


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:
    """Looks at every capsule file and at the capsule that the configuration names."""
    found = [
        entry
        for path in sorted(tree)
        if is_capsule(path) or path == known.config.state_capsule
        for entry in _capsule(path, tree[path])
    ]
    yield from found
    unreadable = {entry.subject for entry in found if entry.rule == "e"}
    yield from known.kept("HEE-PAT-001", found, lambda entry: any(item.where in unreadable for item in entry.evidence))


def _capsule(path: str, data: bytes) -> Iterator[Found]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        yield _found(path, "e", "cannot be read", (line(path, number, "the file is not UTF-8"),))
        return
    if (marker := _OURS.search(text)) and _THEIRS.search(text, marker.end()):
        number = text.count("\n", 0, marker.start()) + 1
        yield _found(path, "e", "cannot be read", (_row(path, text, number),))
        return
    for document in documents(path, text):
        yield from _document(path, text, document)
    done, undone = signs(path, text)
    if done and undone:
        evidence = tuple(line(path, claim.line, claim.words) for claim in (done[0], *undone[:5]))
        yield _found(path, "g", "contradicts itself about being done", evidence, confidence=7000)


def _document(path: str, text: str, document: Document) -> Iterator[Found]:
    fenced = path.endswith((".md", ".done"))
    if fenced and not document.is_state:
        yield from _placeholders(path, text, document)
        return
    if not document.closed:
        yield _found(path, "e", "cannot be read", (line(path, document.line - 1, "the block is never closed"),))
        return
    fault = _unparsable(document)
    if fault is not None:
        number = document.line + max(fault.line, 1) - 1
        evidence = (_row(path, text, number), line(path, number, f"the {document.kind} {fault.message}"))
        yield _found(path, "e", "cannot be read", evidence)
        return
    yield from _schema(path, document)
    yield from _placeholders(path, text, document)


def _unparsable(document: Document) -> Unreadable | None:
    if document.kind == "yaml":
        found = yaml_documents(document.text.encode())
        return found if isinstance(found, Unreadable) else None
    try:
        canonical.loads(document.text)
    except EventError as error:
        try:
            json.loads(document.text)
        except json.JSONDecodeError as fault:
            return Unreadable(fault.lineno, f"does not parse: {fault.msg}")
        except RecursionError:
            return Unreadable(0, "is nested too deeply")
        return Unreadable(0, f"does not parse: {error}")
    return None


def _schema(path: str, document: Document) -> Iterator[Found]:
    """Holds a monitoring capsule against its schema; one finding a file, whatever the number of faults."""
    from hee_core.validation import validate_capsule

    node = read(document.text.encode())
    if document.kind == "json":
        value = canonical.loads(document.text)
    else:
        value = None if isinstance(node, Unreadable) else node.plain
    if not isinstance(value, dict) or not any(key in STATE_KEYS for key in value):
        return
    evidence = tuple(
        line(path, _line_of(document, node, fault.pointer), f"{fault.pointer or '/'}: {fault.message}")
        for fault in validate_capsule(value)[:_EVIDENCE]
    )
    if evidence:
        yield _found(path, "d", "breaks its schema", evidence)


def _line_of(document: Document, node: Node | Unreadable, pointer: str) -> int:
    return document.line + (0 if isinstance(node, Unreadable) else node.at(pointer).line - 1)


def _placeholders(path: str, text: str, document: Document) -> Iterator[Found]:
    if document.kind != "yaml" or "mutable" not in document.text:
        return
    node = read(document.text.encode())
    if isinstance(node, Unreadable):
        return
    scalars = list(_scalars(node))
    if any(name == "mutable" and entry.value is False for name, entry in scalars):
        numbers = [document.line + entry.line - 1 for _, entry in scalars if _PLACEHOLDER.fullmatch(entry.text.strip())]
        if numbers:
            evidence = tuple(_row(path, text, number) for number in numbers[:_EVIDENCE])
            yield _found(path, "i", "is immutable and unfinished", evidence)


def _scalars(node: Node, name: str = "") -> Iterator[tuple[str, Node]]:
    """Every plain value with the key it stands under."""
    if isinstance(node.value, dict):
        for key, entry in node.items():
            yield from _scalars(entry, key)
    elif isinstance(node.value, list):
        for entry in node.value:
            yield from _scalars(entry, name)
    else:
        yield name, node


def _row(path: str, text: str, number: int) -> Evidence:
    rows = text.split("\n")
    return line(path, number, rows[number - 1] if 0 < number <= len(rows) else "")


def _found(path: str, rule: str, says: str, evidence: tuple[Evidence, ...], *, confidence: int = 10_000) -> Found:
    title = f"State corruption: a capsule {says}"
    return Found("HEE-PAT-001", "state", rule, path, title, confidence, evidence, {"path": path})
