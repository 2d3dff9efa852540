"""What a rule is, what it looks at, and what comes out: findings and a verdict that is three-valued.

Invariant: nothing evaluated is never a pass, and what could not be read is a finding of severity `UNKNOWN`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from hee_governance.workflow import PLACE, Workflow, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hee_governance.config import Config, Mode
    from hee_governance.document import Unreadable
    from hee_governance.waivers import Waiver

Severity = Literal["CRITICAL", "ERROR", "WARNING", "INFO", "UNKNOWN"]
Outcome = Literal["pass", "fail", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("CRITICAL", "ERROR", "WARNING", "INFO", "UNKNOWN")
BLOCKING: tuple[Severity, ...] = ("CRITICAL", "ERROR")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule. `line` counts from 1, 0 is the whole file or tree; `subject` outlives moved lines."""

    rule: str
    severity: Severity
    path: str
    line: int
    message: str
    remedy: str
    subject: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as `hee governance check --json` prints it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `clause` says what must be so, `source` who says it, `looks_at` is what `subjects` lists for people.

    `check` is called once a subject; each call counts as one evaluation, so that a pass shows what was looked at. It
    holds from the day `valid_from` until before `valid_to`.
    """

    id: str
    clause: str
    source: str
    severity: Severity
    looks_at: str
    remedy: str
    subjects: Callable[[Context], Iterable[Any]]
    check: Callable[[Rule, Context, Any], Iterable[Finding]]
    valid_from: str = "2026-01-24"
    valid_to: str = ""

    def finding(
        self,
        path: str,
        line: int,
        message: str,
        *,
        subject: str = "",
        severity: Severity | None = None,
        remedy: str = "",
    ) -> Finding:
        """A finding of this rule, with its severity and remedy unless told otherwise."""
        return Finding(self.id, severity or self.severity, path, line, message, remedy or self.remedy, subject)


@dataclass
class Context:
    """A tree and a configuration, with what several rules need of it read once; `day` is what dates are held against.

    The tree may be lazy: only the files that a rule looks at are asked for.
    """

    tree: Mapping[str, bytes]
    config: Config | None = None
    day: str = ""
    _parsed: dict[str, Workflow | Unreadable] = field(default_factory=dict, repr=False)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """All paths, sorted."""
        return tuple(sorted(self.tree))

    @cached_property
    def links(self) -> frozenset[str]:
        """What stands in the tree and has no content of its own: symbolic links and submodules, where it lists them."""
        return frozenset(getattr(self.tree, "modes", ())) - frozenset(self.tree)

    def exists(self, path: str) -> bool:
        """Says whether a path is a file, a directory, or may lie behind a link or in a submodule."""
        parts = path.split("/")
        behind = any("/".join(parts[: count + 1]) in self.links for count in range(len(parts)))
        return path in self.tree or path in self.directories or behind

    @cached_property
    def directories(self) -> frozenset[str]:
        """Every directory that holds a file, at any depth, and the root as empty text."""
        found = {""}
        for path in self.tree:
            parts = path.split("/")[:-1]
            found.update("/".join(parts[: count + 1]) for count in range(len(parts)))
        return frozenset(found)

    @cached_property
    def workflow_files(self) -> tuple[str, ...]:
        """The paths of the workflow files."""
        return tuple(path for path in self.paths if PLACE.fullmatch(path))

    @cached_property
    def workflows(self) -> tuple[Workflow, ...]:
        """The workflows that can be read."""
        parsed = (self.workflow(path) for path in self.workflow_files)
        return tuple(entry for entry in parsed if isinstance(entry, Workflow))

    def workflow(self, path: str) -> Workflow | Unreadable:
        """One workflow file, read once."""
        if path not in self._parsed:
            self._parsed[path] = parse(path, self.tree[path])
        return self._parsed[path]


@dataclass(frozen=True, slots=True)
class Report:
    """What came out. `evaluated` counts evaluations, `looked_at` them by rule; `mode` is the configuration's.

    `verdict` is the truth about the tree; `allows` is what the mode makes of it: strict lets only a pass through.
    `waived` are the findings that a waiver covers: shown, and not counted.
    """

    verdict: Outcome
    evaluated: int
    findings: tuple[Finding, ...]
    mode: Mode = "strict"
    looked_at: Mapping[str, int] = field(default_factory=dict)
    detail: str = ""
    ruleset: str = ""
    waived: tuple[tuple[Finding, Waiver], ...] = ()

    @property
    def allows(self) -> bool:
        """Says whether work may go on: in strict mode only after a pass, otherwise always."""
        return self.mode != "strict" or self.verdict == "pass"

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that make the verdict fail."""
        return tuple(finding for finding in self.findings if finding.severity in BLOCKING)

    def to_json(self) -> dict[str, Any]:
        """The report as `hee governance check --json` prints it."""
        return {
            "verdict": self.verdict,
            "evaluated": self.evaluated,
            "mode": self.mode,
            "detail": self.detail,
            "ruleset": self.ruleset,
            "looked_at": dict(self.looked_at),
            "findings": [finding.to_json() for finding in self.findings],
            "waived": [
                {
                    **finding.to_json(),
                    "waiver": f"{waiver.path}:{waiver.line}",
                    "until": waiver.until,
                    "reason": waiver.reason,
                }
                for finding, waiver in self.waived
            ],
        }
