"""JUnit reports as outcomes: which test ran, and whether it passed.

Responsible for matching a test function of a source file with its cases in a report. Invariant: a test that failed
once did not pass, and a report that counts failures it does not list is `Unreadable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from hee_governance.document import Unreadable
from hee_governance.xmlreader import Unparsable, elements

if TYPE_CHECKING:
    from collections.abc import Mapping

Outcome = Literal["passed", "failed", "skipped"]
_ENDS: dict[str, Outcome] = {"failure": "failed", "error": "failed", "skipped": "skipped"}
_WORST: tuple[Outcome, ...] = ("skipped", "passed", "failed")


@dataclass(frozen=True)
class TestReport:
    """The outcome of every case by `classname.name`, as the report writes it; of one name the worst counts."""

    __test__ = False  # not a test of ours, whatever a collector thinks of the name

    cases: Mapping[str, Outcome]

    @cached_property
    def _by_name(self) -> Mapping[str, list[tuple[str, Outcome]]]:
        found: dict[str, list[tuple[str, Outcome]]] = {}
        for case, outcome in self.cases.items():
            owner, _, name = case.partition("[")[0].rpartition(".")
            found.setdefault(name, []).append((f"{owner}.", outcome))
        return found

    def outcome(self, path: str, name: str) -> Outcome | None:
        """What became of a test function of a file, over all its parameters; None where it did not run."""
        module = f"{path.removesuffix('.py').replace('/', '.')}."
        found = [outcome for owner, outcome in self._by_name.get(name, ()) if owner.startswith(module)]
        return max(found, key=_WORST.index) if found else None

    def count(self, outcome: Outcome) -> int:
        """How many cases came out so."""
        return sum(each == outcome for each in self.cases.values())


def read(data: bytes) -> TestReport | Unreadable:
    """Reads a JUnit report."""
    cases: dict[str, Outcome] = {}
    name, counted, listed = "", 0, 0
    outcome: Outcome = "passed"
    try:
        for number, entry in enumerate(elements(data)):
            if number == 0 and entry.name not in ("testsuites", "testsuite"):
                return Unreadable(entry.line, f"is no JUnit report: its root is {entry.name!r}")
            if entry.name == "testsuite" and entry.opens:
                counted += sum(_whole(entry.attributes.get(word, "")) for word in ("failures", "errors"))
            elif entry.name == "testcase" and entry.opens:
                owner = entry.attributes.get("classname") or entry.attributes.get("file", "")
                name, outcome = f"{owner}.{entry.attributes.get('name', '')}", "passed"
            elif entry.name == "testcase":
                cases[name] = worse(cases.get(name, outcome), outcome)
            elif entry.name in _ENDS and entry.opens:
                listed += _ENDS[entry.name] == "failed"
                outcome = "failed" if outcome == "failed" else _ENDS[entry.name]
    except Unparsable as error:
        return Unreadable(error.line, str(error))
    if counted and not listed:
        return Unreadable(0, f"counts {counted} failures and lists none")
    return TestReport(cases) if cases else Unreadable(0, "holds no test, which proves nothing")


def worse(one: Outcome, other: Outcome) -> Outcome:
    """Of two outcomes of one test the one that says less for it."""
    return max(one, other, key=_WORST.index)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0
