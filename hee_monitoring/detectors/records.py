"""What capsules and contracts say of their own and against each other; one after the other in time is `series`'.

Sub-rules: 001 **h** one id with two contents · **j** evidence that is not there · 002 **c** an actor may and must not do one
thing · **f** one decision with different grounds · **g** one claim that is made and denied · 005 **g** a version that does
not fit its state version. Invariant: a capsule that cannot be read says nothing here; `state` tells of it, and what was
found in it before stays open.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from hee_governance import importing
from hee_governance.capsules import is_capsule
from hee_governance.document import Node, read
from hee_monitoring.detectors.capsules import capsule_of, found_in
from hee_monitoring.detectors.series import of_series
from hee_monitoring.detectors.subject import Found, line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from hee_governance.importing import Imported
    from hee_monitoring.detectors.capsules import Capsule
    from hee_monitoring.detectors.subject import Known

_CONTRACT = re.compile(r"(?:^|/)contracts/.*\.ya?ml$|\.contract\.ya?ml$")
_IDS = ("decision_id", "issue_id", "failure_id", "id")
_POINTERS = re.compile(r"(?:^|/)(?:evidence|evidence_roots|evidence_refs|proof)(?:/\d+)?$")
_PATH = re.compile(r"(?:\./)?[\w.-]+(?:/[\w.-]+)+")
_VERSION = re.compile(r"\b(\d+\.\d+)\.\d+\+state-v(\d+)\b")
_FITS = {"1.0": (1,), "1.1": (1,), "1.2": (1, 2), "2.0": (2, 3)}  # the release system's matrix
_SAID = {"decision": "f", "claim": "g", "totals": "g"}
_MANY = 10
_FILES = 2000


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:
    """Looks at every capsule and contract; what stands in too many files to read is not judged."""
    paths = [path for path in sorted(tree) if is_capsule(path)][:_FILES]
    capsules = [capsule for path in paths if (capsule := capsule_of(path, tree[path])) is not None]
    known_paths = set(tree) | {
        "/".join(parts[:end]) for parts in (path.split("/") for path in tree) for end in range(1, len(parts))
    }
    found = [entry for capsule in capsules for entry in _of_one(known_paths, capsule)]
    found += of_series(capsules)
    found += _contradictions(path_data for path_data in ((path, tree[path]) for path in paths))
    for path in sorted(path for path in tree if _CONTRACT.search(path))[:_FILES]:
        found += _contract(path, tree[path])
    yield from found
    unread = set(paths) - {capsule.path for capsule in capsules}
    for pattern in ("HEE-PAT-001", "HEE-PAT-002", "HEE-PAT-005"):
        yield from known.kept(pattern, found, lambda entry: any(item.where in unread for item in entry.evidence))


def _mappings(node: Node) -> Iterator[Node]:
    """Every mapping, the outer before the inner."""
    if isinstance(node.value, dict):
        yield node
        for entry in node.value.values():
            yield from _mappings(entry)
    elif isinstance(node.value, list):
        for entry in node.value:
            yield from _mappings(entry)


def _of_one(known_paths: Collection[str], capsule: Capsule) -> Iterator[Found]:
    path = capsule.path
    seen: dict[tuple[str, str], tuple[object, int]] = {}
    for node, first in capsule.nodes:
        for entry in _mappings(node):
            for key, name in (
                (key, name) for key in _IDS if (name := entry.get(key)) is not None and name.text.strip()
            ):
                content = {word: value for word, value in entry.plain.items() if word != key}
                at = first + name.line - 1
                before, place = seen.setdefault((key, name.text), (content, at))
                if before != content:
                    told = (
                        line(path, at, f"{key}: {name.text}"),
                        line(path, place, f"{key}: {name.text}, with other content"),
                    )
                    yield found_in("001.h", f"{path} {name.text}", "one id stands for two records", told)
                break
    named = (value for value in capsule.values if _POINTERS.search(value.pointer) and _PATH.fullmatch(value.text))
    gone = [value for value in named if not _exists(known_paths, value.text)]
    if gone:
        evidence = [line(path, value.line, f"{value.pointer}: {value.text}") for value in gone[:_MANY]]
        yield found_in("001.j", path, "the evidence that a capsule names is not there", evidence, 7000)
    for value in capsule.values:
        match = _VERSION.search(value.text)
        if match and match[1] in _FITS and int(match[2]) not in _FITS[match[1]]:
            wrong = (line(path, value.line, value.text),)
            yield found_in("005.g", f"{path} {match[0]}", "a version does not fit its state version", wrong)


def _exists(known_paths: Collection[str], text: str) -> bool:
    path = posixpath.normpath(text)
    return path.startswith("..") or path in known_paths


def _contradictions(files: Iterator[tuple[str, bytes]]) -> Iterator[Found]:
    read_ = (importing.read(path, data) for path, data in files)
    imported: list[Imported] = [entry for entry in read_ if isinstance(entry, importing.Imported)]
    for entry in importing.contradictions(imported):
        if entry.kind in _SAID:
            evidence = tuple(line(path, at, text) for path, at, text in reversed(entry.claims[:_MANY]))
            subject = f"{entry.kind} {entry.subject}"
            yield found_in(f"002.{_SAID[entry.kind]}", subject, entry.message, evidence, 7000)


def _contract(path: str, data: bytes) -> Iterator[Found]:
    node = read(data)
    for entry in _mappings(node) if isinstance(node, Node) else ():
        allowed = {_action(item) for word in ("may", "must") for item in _items(entry.get(word))}
        for item in _items(entry.get("must_not")):
            if _action(item) in allowed:
                evidence = (line(path, item.line, item.text),)
                says = "a contract allows and forbids one action"
                yield found_in("002.c", f"{path} {_action(item)}", says, evidence)


def _items(node: Node | None) -> list[Node]:
    return [item for item in node.value if item.text] if node is not None and isinstance(node.value, list) else []


def _action(item: Node) -> str:
    return re.sub(r"\W+", " ", item.text).strip().casefold()
