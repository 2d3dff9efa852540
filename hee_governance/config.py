"""The configuration: bytes of `hee.yaml` to a model, with a pointer and a line for everything that is wrong.

The table FIELDS is the one source of truth: `load`, the defaults and the JSON Schema for editors are drawn from it.
Invariant: what loads is whole and normalized; the specification's form and the plain-mapping form give equal models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from hee_core.canonical import digest
from hee_core.errors import ConfigError
from hee_governance.access import CAPABILITIES, ROLES
from hee_governance.alertsettings import CHANNELS, AlertChannel
from hee_governance.decide import DENY_PATHS, MAX_ATTEMPTS, MAX_REPEATS, MIN_CONFIDENCE
from hee_governance.document import Unreadable, read
from hee_governance.gates import NAMES, Gate
from hee_governance.matrix import LEVELS
from hee_governance.paths import escapes
from hee_governance.rulesettings import GLOB, RULES, RuleSettings
from hee_governance.settings import (
    Choice,
    Entry,
    Fault,
    Many,
    Named,
    Pairs,
    Percent,
    Table,
    Text,
    Whole,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.catalogue import Level
    from hee_governance.rules import Rule
    from hee_governance.waivers import Waiver

Mode = Literal["strict", "warn", "off"]
VERSION = (1, 0)
SUPPORT, GROWTH, PROPOSALS = 3, 3, 10
SPEC_FILES = ("/docs/spec*", "/docs/spec*/**", "/spec/**", "/specs/**", "/SPEC.md")
SPEC_TESTS = ("/tests/", "/test/", "test_*.py", "*_test.*", "*.test.*", "*_spec.rb", "/src/**/*Test.java")
CLAUSES = (r"(?:MUST|SHOULD|COULD)-[A-Z]+-\d{3}", r"SEED-\d{3}")


def _branch(text: str) -> str:
    """Why a text is no branch name, beyond its characters; empty if it is one."""
    bad = ".." in text or "//" in text or "/." in text or text.endswith((".lock", "/", "."))
    return "is not a branch name that git accepts" if bad else ""


def _clause(text: str) -> str:
    import re2

    try:
        re2.compile(text)
    except re2.error as error:
        return f"is not a regular expression: {error}"
    return "matches empty text" if re2.fullmatch(text, "") else ""


_BRANCH = Text(r"[A-Za-z0-9_][A-Za-z0-9._/-]*", "a branch name", _branch)
_PROTOCOLS = {
    "pre_fix_validation": Choice(("required",)),
    "post_fix_validation": Choice(("required",)),
    "rollback_on_failure": Choice(("automatic",)),
}
_LOG = {
    "id": Entry(
        Text(r"[0-9a-f]{64}", "a log id (64 hexadecimal digits)"), "", "Id of the log: the hash of its first event."
    ),
    "branch": Entry(_BRANCH, "hee/log", "Branch that holds the log."),
}
_FIX = {
    "max_severity": Entry(
        Choice(LEVELS[::-1]), "critical", "Issues above this severity are never repaired automatically."
    ),
    "safety": Entry(Choice(LEVELS[2::-1]), "medium", "At least this safe: what is less safe waits for a review."),
    "min_confidence": Entry(
        Percent(), MIN_CONFIDENCE, "Diagnoses less sure than this are never acted on automatically."
    ),
    "max_attempts": Entry(Whole(1, 20), MAX_ATTEMPTS, "So many failed repairs of one failure, then a person looks."),
    "max_repeats": Entry(
        Whole(1, 20), MAX_REPEATS, "So many repairs of one failure within a day, then a person looks."
    ),
    "publish": Entry(
        Choice(("branch", "pull-request")), "branch", "How a proved repair is offered: here, or on GitHub as well."
    ),
    "proposer": Entry(
        Text(r"[^\n]+", "a command line"), "", "Command that proposes changes for review; empty asks nobody."
    ),
    "proposer_network": Entry(Choice(("off", "on")), "off", "Whether that command reaches the network."),
    "paths": Entry(Many(GLOB), (), "Globs of the files a repair may change; empty means all."),
    "deny_paths": Entry(Many(GLOB), DENY_PATHS, "Globs of the files no repair may change."),
}
_SPEC = {
    "files": Entry(Many(GLOB, 1), SPEC_FILES, "Globs of the specification files."),
    "tests": Entry(Many(GLOB, 1), SPEC_TESTS, "Globs of the test files that trace clauses."),
    "clauses": Entry(
        Many(Text(r"[^\n]+", "a regular expression", _clause), 1), CLAUSES, "Patterns of clause ids (RE2)."
    ),
    "integration": Entry(
        Named(Text(r"[^\s]+", "a glob over test names, as `tests.integration.test_api*`")),
        {},
        "Integration points: a name, and the tests (`module.test`, as JUnit reports name them) that prove it.",
    ),
}


_LEARNING = {
    "support": Entry(
        Whole(2, 1000), SUPPORT, "So many runs have to show a template before it is proposed as a pattern."
    ),
    "growth": Entry(Whole(2, 100), GROWTH, "A refused one is proposed again when so many times as many runs show it."),
    "proposals": Entry(Whole(1, 50), PROPOSALS, "So many patterns are proposed at once."),
}

FIELDS: dict[str, Entry] = {
    "version": Entry(
        Text(r"[0-9]{1,4}\.[0-9]{1,4}", 'a version, as "1.0"'), "1.0", "Version of this form.", required=True
    ),
    "state_capsule": Entry(
        Text(
            r"[^\s].*\.(md|json|yaml|yml)", "a path to a .md, .json or .yaml file, or `current`", escapes, ("current",)
        ),
        "current",
        "Where the state capsule is published; `current` is the one on the log's branch.",
    ),
    "governance_rules": Entry(
        Choice(("strict", "warn", "off")), "strict", "strict fails closed, warn only reports, off does not look."
    ),
    "quality_gates": Entry(
        Pairs({name: Percent() for name in NAMES}), {}, "Least values; an unknown value is not met."
    ),
    "safety_protocols": Entry(Pairs(_PROTOCOLS), {}, "The specification's protocols; they cannot be weakened."),
    "rules": Entry(
        Table(RULES), {name: entry.default for name, entry in RULES.items()}, "Which rules hold here, and since when."
    ),
    "quorum": Entry(Whole(1, 10), 1, "So many people have to approve what waits for a person."),
    "access": Entry(
        Table({role: Entry(Many(Choice(CAPABILITIES)), None, f"All that {role} may do here.") for role in ROLES}),
        dict.fromkeys(ROLES),
        "Capabilities that are left to a role; a role can lose some, and gain none.",
    ),
    "log": Entry(
        Table(_LOG), {name: entry.default for name, entry in _LOG.items()}, "The log that this repository trusts."
    ),
    "branch": Entry(_BRANCH, "", "The protected branch; empty is the repository's default branch."),
    "sources": Entry(Many(Choice(("auto", "github", "act", "logs")), 1), ("auto",), "Where evidence comes from."),
    "pull_requests": Entry(
        Choice(("nothing", "comment", "check")), "nothing", "How pull requests on GitHub are told of what is red there."
    ),
    "fix": Entry(Table(_FIX), {name: entry.default for name, entry in _FIX.items()}, "Limits of automatic repairs."),
    "plugins": Entry(
        Many(Text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "the name of a plugin")),
        (),
        "Strategies, rules and sources of installed packages that are used here, by name.",
    ),
    "alerts": Entry(CHANNELS, (), "Who is told of what, by which channel."),
    "spec": Entry(
        Table(_SPEC), {name: entry.default for name, entry in _SPEC.items()}, "How spec coverage is measured."
    ),
    "learning": Entry(
        Table(_LEARNING), {name: entry.default for name, entry in _LEARNING.items()}, "When a pattern is proposed."
    ),
}
_TOP = Table({"hee_monitoring": Entry(Table(FIELDS), None, "Configuration of HEE monitoring.", required=True)})


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration in force. Percentages are basis points; `digest` is the SHA-256 of the bytes it was read from.

    `as_of` is the day that dates are held against, `waivers` those of the branch that it was read from, and `brought` the
    rules of its plugins; all are set by whoever reads it from a repository.
    """

    version: str
    state_capsule: str
    governance_rules: Mode
    quality_gates: Mapping[str, int]
    safety_protocols: Mapping[str, str]
    log_id: str
    log_branch: str
    branch: str
    sources: tuple[str, ...]
    pull_requests: Literal["nothing", "comment", "check"]
    max_severity: Level
    safety: Level
    min_confidence: int
    max_attempts: int
    max_repeats: int
    proposer: str
    proposer_network: str
    publish: str
    fix_paths: tuple[str, ...]
    deny_paths: tuple[str, ...]
    spec_files: tuple[str, ...]
    spec_tests: tuple[str, ...]
    clauses: tuple[str, ...]
    integration: Mapping[str, str]
    rules: RuleSettings = field(default_factory=RuleSettings)
    quorum: int = 1
    support: int = SUPPORT
    growth: int = GROWTH
    proposals: int = PROPOSALS
    access: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alerts: tuple[AlertChannel, ...] = ()
    plugins: tuple[str, ...] = ()
    as_of: str = field(default="", compare=False)
    waivers: tuple[Waiver, ...] = field(default=(), compare=False)
    brought: tuple[Rule, ...] = field(default=(), compare=False)
    path: str = field(default="hee.yaml", compare=False)
    digest: str = field(default="", compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The quality gates in the order they were written."""
        return tuple(Gate(name, target) for name, target in self.quality_gates.items())

    def mode_on(self, day: str) -> Mode:
        """The mode on a day: `warn` is strict from `rules.strict_from` on."""
        turned = self.rules.strict_from and day[:10] >= self.rules.strict_from
        return "strict" if self.governance_rules == "warn" and turned else self.governance_rules


def load(data: bytes, path: str = "hee.yaml") -> Config:
    """Reads a configuration; raises ConfigError that names every fault with its line and JSON pointer."""
    tree = read(data)
    if isinstance(tree, Unreadable):
        raise ConfigError(f"{path}:{tree.line}: / {tree.message}", hint="compare it with the output of `hee init`")
    faults: list[Fault] = []
    values = _TOP.read(tree, "", faults)
    section = values["hee_monitoring"] or {}
    newer = _newer(section.get("version", ""), tree.at("/hee_monitoring/version").line, faults)
    warnings = [newer] if newer else []
    if newer:  # keys of a later minor version are not ours to refuse
        warnings += [_said(path, fault) for fault in faults if fault.unknown]
        faults = [fault for fault in faults if not fault.unknown]
    if faults:
        shown = "; ".join(_said(path, fault) for fault in faults[:5])
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ConfigError(shown + more, hint="the JSON Schema hee_governance/schemas/config.json describes the file")
    return _config(section, path, digest(data), tuple(warnings))


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "HEE monitoring configuration"}
    return {**head, **_TOP.schema()}


def _config(section: Mapping[str, Any], path: str, digest_: str, warnings: tuple[str, ...]) -> Config:
    log, fix, spec = section["log"], section["fix"], section["spec"]
    learning = section["learning"]
    return Config(
        version=section["version"],
        state_capsule=section["state_capsule"],
        governance_rules=section["governance_rules"],
        quality_gates=MappingProxyType(dict(section["quality_gates"])),
        safety_protocols=MappingProxyType(
            {"pre_fix_validation": "required", "post_fix_validation": "required"}
            | {"rollback_on_failure": "automatic"}
            | section["safety_protocols"]
        ),
        log_id=log["id"],
        log_branch=log["branch"],
        branch=section["branch"],
        sources=section["sources"],
        pull_requests=section["pull_requests"],
        max_severity=fix["max_severity"],
        safety=fix["safety"],
        min_confidence=fix["min_confidence"],
        max_attempts=fix["max_attempts"],
        max_repeats=fix["max_repeats"],
        publish=fix["publish"],
        proposer=fix["proposer"],
        proposer_network=fix["proposer_network"],
        fix_paths=fix["paths"],
        deny_paths=fix["deny_paths"],
        spec_files=spec["files"],
        spec_tests=spec["tests"],
        clauses=spec["clauses"],
        integration=MappingProxyType(dict(spec["integration"])),
        rules=RuleSettings(**section["rules"]),
        quorum=section["quorum"],
        alerts=section["alerts"],
        support=learning["support"],
        growth=learning["growth"],
        proposals=learning["proposals"],
        plugins=section["plugins"],
        access=MappingProxyType({role: left for role, left in section["access"].items() if left is not None}),
        path=path,
        digest=digest_,
        warnings=warnings,
    )


def _newer(version: str, line: int, faults: list[Fault]) -> str:
    """A warning for a later minor version; adds a fault for another major one."""
    major, _, minor = version.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        return ""
    known = ".".join(map(str, VERSION))
    if int(major) != VERSION[0]:
        message = f"version {version} is not understood (this program knows {known})"
        faults.append(Fault("/hee_monitoring/version", line, message))
        return ""
    return f"version {version} is newer than {known}: unknown keys are left aside" if int(minor) > VERSION[1] else ""


def _said(path: str, fault: Fault) -> str:
    return f"{path}:{fault.line}: {fault.pointer or '/'} {fault.message}"


_DEFAULT = """\
# HEE: what watches this repository, and what it may do. Commit this file.
# Judgement is read from the protected branch, never from the commit being repaired.
hee_monitoring:
  version: "1.0"
  # Where the state capsule is published for people; the log's branch always holds the current one.
  state_capsule: "docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md"
  # strict fails closed on what could not be evaluated; warn only reports; off does not look.
  governance_rules: "strict"
  # Least values. What could not be measured does not meet its gate.
  quality_gates:
    - spec_coverage: 100%
    - state_preservation: 100%
    - decision_continuity: 100%
  # The protocols every repair goes through. They can be written down, not weakened.
  safety_protocols:
    - pre_fix_validation: "required"
    - post_fix_validation: "required"
    - rollback_on_failure: "automatic"
  # Limits of automatic repairs, at their defaults.
  # fix:
  #   max_severity: critical
  #   safety: medium
  #   paths: ["**"]
"""
_LOG_ID = """\
  # The log this repository trusts: the id is the hash of its first event.
  log:
    id: "{log_id}"
"""


def dump_default(log_id: str = "") -> bytes:
    """The specification's configuration with comments, pinned to a log; raises ConfigError for a malformed id."""
    text = _DEFAULT + (_LOG_ID.format(log_id=log_id) if log_id else "")
    data = text.encode()
    load(data)
    return data
