"""Capsules that people wrote, read by their content: what they say, from which line, and where they contradict themselves.

Responsible for one file at a time, and for contradictions over many (`contradictions`). Takes bytes and gives values;
never edits a source. Invariant: any bytes give an `Imported` or a `Rejected` with a reason.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from hee_core.canonical import clean, digest
from hee_governance import capsules, document
from hee_governance.document import Node, Unreadable
from hee_governance.importing import facts, formats
from hee_governance.importing.contradictions import Contradiction, contradictions
from hee_governance.importing.model import MAX_FACTS, Done, Fact, Imported, Issue, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hee_governance.importing.formats import Form

__all__ = ["MAX_BYTES", "Contradiction", "Done", "Fact", "Imported", "Issue", "Rejected", "contradictions", "read"]

MAX_BYTES = 256_000
LARGE = 30_000
_TITLED = re.compile(r"\s*#\s*state-capsule", re.IGNORECASE)
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_PLACEHOLDER = re.compile(r"TBD|TODO|FIXME|PLACEHOLDER|HEE-PLACEHOLDER|\[Insert.*", re.IGNORECASE)
_HOME = re.compile(r"(?:/home/|/Users/)[A-Za-z0-9._-]+")
_DATE = re.compile(r"(20\d\d)[-\u2010-\u2013]?(0[1-9]|1[0-2])[-\u2010-\u2013]?([0-2]\d|3[01])")
_STAMP = re.compile(r"(20\d\d-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?|(20\d{6})T(\d{6})Z")
_DATED = re.compile(
    r"(?:^|/)(?:timestamp(?:_utc)?|date|asof|as_of|created_at|ts_utc|ts_human|last updated|generated)$", re.IGNORECASE
)


def read(path: str, data: bytes) -> Imported | Rejected:
    """Reads one file; the path only serves for its date, for its done marker, and to be named."""
    if len(data) > MAX_BYTES:
        return Rejected(path, 0, f"has more than {MAX_BYTES} bytes: no capsule is so large")
    try:
        raw = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Rejected(path, data.count(b"\n", 0, error.start) + 1, "is not UTF-8")
    if "\0" in raw:
        return Rejected(path, raw.count("\n", 0, raw.index("\0")) + 1, "holds NUL bytes: it is no text")
    text = raw.replace("\r\n", "\n")
    issues = list(_of_bytes(data, raw))
    whole = document.documents(text.encode())
    tree = whole[0] if isinstance(whole, tuple) and len(whole) == 1 and isinstance(whole[0].value, dict) else None
    form = formats.of_data(tree) if tree else None
    if form and form.name in ("F1", "F2") and _TITLED.match(text):
        form = replace(form, name="F9")  # the title is a comment to YAML
    fenced: list[tuple[str, Node, int]] = []
    if form is None:
        tree, fenced = None, list(_fenced(text, issues))
        form = formats.of_text(text, [(language, node) for language, node, _ in fenced])
    if form is None:
        return _refused(path, text, whole)
    if form.name == "F1" and tree is None and not any(issue.code == "D1" for issue in issues):
        line, said = (whole.line, whole.message) if isinstance(whole, Unreadable) else (1, "is more than one document")
        issues.append(Issue("D1", line, f"means to be YAML and is not: it {said}"))
    found = list(_facts(form, tree, fenced, text))
    return _imported(path, data, text, form=form, tree=tree, found=found, issues=issues)


def _imported(
    path: str, data: bytes, text: str, *, form: Form, tree: Node | None, found: list[Fact], issues: list[Issue]
) -> Imported:
    done = _done(path, text, tree)
    date, source = _date(path, found)
    issues += _of_facts(path, text, found, done, date=date, source=source)
    if len(found) > MAX_FACTS:
        issues.append(Issue("D22", 0, f"{len(found)} facts, of which {MAX_FACTS} are kept"))
    issues.sort(key=lambda issue: (issue.line, issue.code))
    lossless = tree is not None and len(found) <= MAX_FACTS and not any(issue.code == "D1" for issue in issues)
    kept = tuple(found[:MAX_FACTS])
    return Imported(
        path=path, digest=digest(data), format=form.name, form=formats.FORMS[form.name], confidence=form.confidence,
        date=date, date_from=source, done=done, facts=kept, issues=tuple(issues), lossless=lossless,
        subject=_subject(path), values={fact.key: fact for fact in kept},
    )  # fmt: skip


def _refused(path: str, text: str, whole: object) -> Rejected:
    if not text.strip():
        return Rejected(path, 0, "is empty")
    if isinstance(whole, Unreadable) and path.endswith((".yaml", ".yml", ".json")):
        return Rejected(path, whole.line, whole.message)
    first = next((number for number, row in enumerate(text.splitlines(), 1) if row.strip()), 1)
    return Rejected(path, first, "shows no sign of any known capsule format")


def _fenced(text: str, issues: list[Issue]) -> Iterator[tuple[str, Node, int]]:
    for block in capsules.documents("x.md", text):
        tree = document.read(block.text.encode())
        if isinstance(tree, Node) and isinstance(tree.value, dict):
            yield block.kind, tree, block.line
        elif isinstance(tree, Unreadable):
            issues.append(Issue("D1", block.line + max(tree.line, 1) - 1, f"the {block.kind} block {tree.message}"))


def _facts(form: Form, tree: Node | None, fenced: list[tuple[str, Node, int]], text: str) -> Iterator[Fact]:
    if tree is not None:
        yield from facts.of_data(tree)
        return
    if form.name == "F20":  # what was said in a chat is nobody's fact
        return
    for _, node, first in fenced:
        yield from facts.of_data(node, first)
    if form.name == "F24":
        yield from facts.pairs(text)
    else:
        yield from facts.of_prose(text)


def _done(path: str, text: str, tree: Node | None) -> Done:
    if tree is not None:
        status = next((tree.at(pointer) for pointer in ("/status", "/state/status", "/artifact/status")
                       if tree.at(pointer).text), None)  # fmt: skip
        words = f"status: {status.text}\n" if status else ""
        done, undone = capsules.signs(path, words)
    else:
        done, undone = capsules.signs(path, text)
    marker = any(claim.line == 0 for claim in done)
    said = [True for claim in done if claim.line] + [False for claim in undone if claim.words.startswith("status")]
    boxes = re.findall(r"^[ \t]*[-*+][ \t]+\[([ xX])\]", text, re.MULTILINE)
    return Done(marker, said[0] if said else None, boxes.count(" "), len(boxes))


def _date(path: str, found: list[Fact]) -> tuple[str, str]:
    """The first of: a dated field, the file's name, a directory; and which of them it was."""
    for fact in found:
        if _DATED.search(fact.key) and (stamp := _stamp(fact.text)):
            return stamp, f"field {fact.key}, line {fact.line}"
    *folders, name = path.split("/")
    if stamp := _stamp(name):
        return stamp, "file name"
    for folder in reversed(folders):
        if stamp := _stamp(folder):
            return stamp, "directory"
    return "", ""


def _stamp(text: str) -> str:
    """A time with offset if there is one, else a day; empty if it names no day that exists."""
    if match := _STAMP.search(text):
        if match[4]:
            day, clock = match[4], match[5]
            found = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"
        else:
            found = f"{match[1]}T{match[2]}{match[3] or ''}"
        return found if _exists(found) else ""
    match = _DATE.search(text)
    found = f"{match[1]}-{match[2]}-{match[3]}" if match else ""
    return found if found and _exists(found) else ""


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _subject(path: str) -> str:
    """What a file is about: its name without markers, suffixes and a leading date."""
    name = path.rpartition("/")[2].lower()
    name = re.sub(r"(\.(md|ya?ml|json|done|pill|v\d+))+$", "", name).removeprefix("done.")
    name = re.sub(r"-(done|complete|addendum-\d+)$", "", name)
    return re.sub(r"^20\d\d-?\d\d-?\d\d(t\d+z)?-", "", name)


def _of_bytes(data: bytes, text: str) -> Iterator[Issue]:
    if data.startswith(b"\xef\xbb\xbf"):
        yield Issue("D23", 1, "begins with a byte order mark")
    if "\r\n" in text:
        yield Issue("D23", text.count("\n", 0, text.index("\r\n")) + 1, "has lines that end in CR LF")
    if hidden := _HIDDEN.search(text):
        yield Issue(
            "D23", text.count("\n", 0, hidden.start()) + 1, f"holds the invisible character U+{ord(hidden[0]):04X}"
        )
    if len(data) > LARGE:
        yield Issue("D22", 0, f"has {len(data)} bytes")


def _of_facts(path: str, text: str, found: list[Fact], done: Done, *, date: str, source: str) -> Iterator[Issue]:
    if done.verdict == "contradiction":
        code = "D5" if done.status is False else "D6"
        yield Issue(code, 0, f"says done and is not: {_said(done)}")
    immutable = any(fact.key.endswith("/mutable") and fact.text == "false" for fact in found)
    holes = [fact for fact in found if immutable and _PLACEHOLDER.fullmatch(fact.text)]
    if holes:
        yield Issue("D7", holes[0].line, f"calls itself immutable and has {len(holes)} placeholders: {holes[0].key}")
    for fact in found:
        if fact.key in ("/artifact/path", "/pill/artifact/path") and not path.endswith(fact.text):
            yield Issue("D12", fact.line, f"says that it is {fact.text}")
    folder = next((stamp for part in reversed(path.split("/")[:-1]) if (stamp := _stamp(part))), "")
    if source.startswith("field") and folder and folder[:10] != date[:10]:
        yield Issue("D15", int(source.rpartition(" ")[2]), f"is of {date[:10]} and stands in {folder[:10]}")
    if "T" in date and not re.search(r"(Z|[+-]\d\d:\d\d)$", date):
        yield Issue("D14", 0, f"its time {date} has no offset")
    if home := _HOME.search(text):
        yield Issue("D21", text.count("\n", 0, home.start()) + 1, "names somebody's home directory")


def _said(done: Done) -> str:
    parts = ["the name says done"] if done.marker else []
    parts += [f"the status says {'done' if done.status else 'open'}"] if done.status is not None else []
    parts += [f"{done.open_boxes} of {done.boxes} boxes are open"] if done.boxes else []
    return clean(", ".join(parts), limit=200)
