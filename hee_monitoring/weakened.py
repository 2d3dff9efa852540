"""Gates that are weaker at one commit than at another: thresholds, tests, hooks, suppressions, the configuration's gates.

Responsible for comparing two commits and for telling which findings a decision answers: a standing one that names the
path in its scope, whose key begins with `gate`, and that says until when (`review_by`). Leaves the patterns of
weakening to `fixes.weakening`. Invariant: a decision without an end, or past it, answers nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hee_core.errors import ConfigError
from hee_governance.config import load
from hee_governance.decisions import Decision, Subject, selectors
from hee_governance.document import Unreadable, read
from hee_governance.measures import percent
from hee_governance.paths import any_match
from hee_governance.workflow import PLACE
from hee_monitoring.fixes import weakening
from hee_monitoring.fixes.changes import FileChange
from hee_monitoring.fixes.diffpolicy import CI, GATES, TESTS
from hee_monitoring.workspace import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_core.record import Record
    from hee_governance.config import Config

RULE = "HEE-PAT-002.i"
REMEDY = "Take it back, or record who decided it and until when: `hee decide gate.NAME … --scope path:FILE --review-by DATE`."
_HOOKS = ".pre-commit-config.yaml"
_MODES = ("off", "warn", "strict")
_OF_TESTS = re.compile(
    r"skip|xfail|expected|__test__|ignore|\.(?:only|todo|fail)|^[xf](?:it|test|desc|spec|cont)|disabled", re.IGNORECASE
)
_COUNTED = re.compile(r": \d+ before, \d+ after$")
_THRESHOLD = re.compile(r"([\w-]+) went from [\d., ]+ to ([\d.]+)")
_TEST_GONE = re.compile(r"(?:[\w.… ]+[. ])?(test\w*) is gone")


class Listed(Protocol):
    """A tree whose contents can be told apart by `blobs` before any is read, as a commit's."""

    @property
    def blobs(self) -> Mapping[str, str | bytes]:
        """What names the content of each path."""
        ...

    def get(self, path: str, /) -> bytes | None:
        """The content of a path, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Weakening:
    """One gate that became weaker, where, and the decision that answers for it (empty if none does)."""

    path: str
    line: int
    message: str
    decision: str = ""

    def to_json(self) -> dict[str, object]:
        """The finding as `hee gates --json` prints it."""
        where = {"rule": RULE, "severity": "ERROR", "path": self.path, "line": self.line}
        return {**where, "message": self.message, "remedy": REMEDY, "decision": self.decision or None}


def between(old: Listed, new: Listed) -> tuple[Weakening, ...]:
    """Every gate that is weaker in the new tree; a test that only moved to another file is not gone."""
    changes = list(_changes(old, new))
    arrived = "\n".join(change.new_text for change in changes)
    found: list[Weakening] = []
    for change in changes:
        path = change.path.casefold()
        said = list(_of(change, gate=any_match((*GATES, *CI), path) != "", test=any_match(TESTS, path) != ""))
        gone = {message: name[1] for message in said if (name := _TEST_GONE.fullmatch(message))}
        moved = {message for message, name in gone.items() if re.search(rf"\b{name}\b", arrived)}
        for message in said:
            # Where a test went, its assertions went with it.
            if message not in moved and not (moved and _COUNTED.search(message)):
                found.append(Weakening(change.path, _line(change.new_text, message), message))
    return tuple(sorted(found, key=lambda entry: (entry.path, entry.line, entry.message)))


def answered(found: tuple[Weakening, ...], decisions: Mapping[str, Record], as_of: str) -> tuple[Weakening, ...]:
    """The findings with the decision that answers for each, as of a time."""
    standing = [
        Decision.of(name, record)
        for name, record in decisions.items()
        if record["kind"] == "standing" and record["key"].startswith("gate") and _lasts(record["review_by"], as_of)
    ]
    return tuple(Weakening(entry.path, entry.line, entry.message, _answer(entry, standing)) for entry in found)


def _answer(entry: Weakening, standing: list[Decision]) -> str:
    subject = Subject(paths=(entry.path,))
    speaking = (each for each in standing if "path" in selectors(each.scope) and each.applies(subject))
    return next((each.decision_id for each in speaking), "")


def _lasts(until: str, as_of: str) -> bool:
    """Says whether a date or time is not past yet; no date is no end."""
    try:
        end = datetime.fromisoformat(until if "T" in until else f"{until}T23:59:59Z")
        return datetime.fromisoformat(as_of) <= end
    except (ValueError, TypeError):
        return False


def _changes(old: Listed, new: Listed) -> Iterator[FileChange]:
    for path in sorted({*old.blobs, *new.blobs}):
        if old.blobs.get(path) != new.blobs.get(path) and any_match((*GATES, *CI, *TESTS), path.casefold()):
            yield FileChange(path, old.get(path), new.get(path))


def _of(change: FileChange, *, gate: bool, test: bool) -> Iterator[str]:
    if change.path == CONFIG:
        yield from _configuration(change)
    elif change.new is None:
        if PLACE.fullmatch(change.path):
            yield "the workflow is gone"
        elif test:
            yield from weakening.lost_tests(FileChange(change.path, change.old, b""))
        elif gate:
            yield "the gate's configuration is gone"
    elif not change.binary:
        old, new = change.old_text, change.new_text
        added = weakening.suppressions(old, new)  # what a shell ignores means nothing among a test's texts
        yield from (f"adds `{text}`" for text in added if gate or _OF_TESTS.search(text))
        yield from weakening.thresholds(old, new) if gate else ()
        yield from weakening.lost_tests(change) if test and change.old is not None else ()
        yield from _hooks(change) if change.path == _HOOKS else ()


def _configuration(change: FileChange) -> Iterator[str]:
    """What the configuration of HEE demands less; one that could not be read before demanded nothing."""
    before = _loaded(change.old)
    if before is None:
        return
    after = _loaded(change.new)
    if change.new and after is None:
        yield "the configuration cannot be read any more"
        return
    for name, target in before.quality_gates.items():
        now = after.quality_gates.get(name) if after else None
        if now is None:
            yield f"the quality gate {name} ({percent(target)}) is gone"
        elif now < target:
            yield f"the quality gate {name} went from {percent(target)} to {percent(now)}"
    mode = after.governance_rules if after else "off"
    if _MODES.index(mode) < _MODES.index(before.governance_rules):
        yield f"governance_rules went from {before.governance_rules} to {mode}"
    left = [entry.rule for entry in after.rules.exempt] if after else []
    for rule in dict.fromkeys(left):
        if left.count(rule) > sum(entry.rule == rule for entry in before.rules.exempt):
            yield f"{rule} is newly exempted"


def _loaded(data: bytes | None) -> Config | None:
    try:
        return load(data) if data else None
    except ConfigError:
        return None


def _hooks(change: FileChange) -> Iterator[str]:
    for name in sorted(_hook_ids(change.old or b"") - _hook_ids(change.new or b"")):
        yield f"the hook {name} is gone"


def _hook_ids(data: bytes) -> set[str]:
    tree = read(data)
    if isinstance(tree, Unreadable):
        return set()
    repos = tree.get("repos")
    found: set[str] = set()
    for repo in repos.value if repos and isinstance(repos.value, list) else ():
        hooks = repo.get("hooks")
        for hook in hooks.value if hooks and isinstance(hooks.value, list) else ():
            if name := hook.get("id"):
                found.add(name.text)
    return found


def _line(text: str, message: str) -> int:
    """The line of the new text that a message quotes; 0 where what it tells of is no longer there."""
    if told := _THRESHOLD.fullmatch(message):
        name = re.escape(told[1]).replace("_", "[-_]")
        found = re.search(rf"(?i)(?<![\w-]){name}(?![\w-])[^\n]*?(?<![\d.]){re.escape(told[2])}(?![\d.]*\d)", text)
        return text.count("\n", 0, found.start()) + 1 if found else 0
    quoted = message.removeprefix("adds `").removesuffix("`") if message.startswith("adds `") else ""
    at = text.find(quoted) if quoted else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
