"""The governance validator: rule validation, compliance checking, decision tracking (SEED-254).

Speaks the specification's language over the machinery of this package and holds no judgement of its own. Invariant:
of the five requirements of the compliance matrix, one that was not evaluated is UNKNOWN, and then compliance is not
established.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hee_governance.measures import FULL, Measure, percent
from hee_governance.rules import RULES, SEVERITIES, Report, check
from hee_governance.rules import verdict_of as _verdict_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hee_governance.config import Config
    from hee_governance.gates import GateResult
    from hee_governance.rules import Rule

Status = Literal["OK", "FAIL", "UNKNOWN"]
_RULE_ID = re.compile(r"[A-Z]{2,5}(-[A-Z]{1,8})*-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the specification's compliance matrix, evaluated."""

    name: str
    method: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Compliance:
    """The five requirements; `compliant` only where every one was evaluated and holds."""

    requirements: tuple[Requirement, ...]

    @property
    def compliant(self) -> bool:
        """What the capsule's `governance_compliance` says: an unknown requirement is not compliance."""
        return all(requirement.status == "OK" for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class Continuity:
    """What became of the decisions between two points: each is carried, ended with a reason, lost, or changed."""

    carried: tuple[str, ...]
    ended: tuple[str, ...]
    lost: tuple[str, ...]
    mutated: tuple[str, ...]

    @property
    def measure(self) -> Measure:
        """Decision continuity: carried or ended, of those that were active; unknown where none was."""
        kept = len(self.carried) + len(self.ended)
        active = kept + len(self.lost) + len(self.mutated)
        return Measure.of("decision_continuity", kept, active, evidence=(*self.lost, *self.mutated))


class GovernanceValidator:
    """Validates rules, checks compliance, tracks decisions, under one configuration."""

    def __init__(self, config: Config | None = None, rules: tuple[Rule, ...] = RULES) -> None:
        """Takes the configuration whose mode holds, and the rules to evaluate."""
        self.config = config
        self.rules = rules

    def validate_rules(self) -> tuple[str, ...]:
        """What is wrong with the rules themselves: ids, severities, and words a person needs to act."""
        faults: list[str] = []
        seen: set[str] = set()
        for rule in self.rules:
            if not _RULE_ID.fullmatch(rule.id):
                faults.append(f"{rule.id}: not a rule id, as HGV-CI-005")
            if rule.id in seen:
                faults.append(f"{rule.id}: stands here twice")
            seen.add(rule.id)
            if rule.severity not in SEVERITIES:
                faults.append(f"{rule.id}: severity {rule.severity!r} is not one of {', '.join(SEVERITIES)}")
            empty = [name for name in ("clause", "source", "looks_at", "remedy") if not getattr(rule, name).strip()]
            if empty:
                faults.append(f"{rule.id}: says no {' and no '.join(empty)}")
        return tuple(faults)

    def check(self, tree: Mapping[str, bytes]) -> Report:
        """Evaluates the rules over a tree."""
        return check(tree, self.config, None if self.rules is RULES else self.rules)

    def introduced(self, before: Report, after: Report) -> Report:
        """What a change adds: the findings that were not there before, wherever their lines moved.

        This is how a fix is held to the rules (SEED-098) in a repository that has findings already.
        """
        known = [(finding.rule, finding.path, finding.subject) for finding in before.findings]
        added = []
        for finding in after.findings:
            key = (finding.rule, finding.path, finding.subject)
            if key in known:
                known.remove(key)
            else:
                added.append(finding)
        verdict = _verdict_of(added, after.evaluated)
        detail = f"{verdict}: {len(added)} findings that were not there before"
        return Report(verdict, after.evaluated, tuple(added), after.mode, after.looked_at, detail)

    def check_compliance(
        self,
        *,
        capsule_findings: Collection[str] | None = None,
        continuity: Measure | None = None,
        report: Report | None = None,
        gates: Collection[GateResult] | None = None,
        spec: Measure | None = None,
    ) -> Compliance:
        """Evaluates the specification's compliance matrix; what is not given was not evaluated.

        `capsule_findings` are the faults that capsule validation found, none for a whole capsule. Spec coverage is
        held against the configuration's gate, 100 % without one.
        """
        target = self.config.quality_gates.get("spec_coverage", FULL) if self.config else FULL
        rules = {"pass": "OK", "fail": "FAIL"}.get(report.verdict, "UNKNOWN") if report else "UNKNOWN"
        return Compliance(
            (
                _state(capsule_findings),
                _measured("Decision Continuity", "HEE decision tracking", continuity, FULL),
                Requirement(
                    "Governance Compliance",
                    "HEE rule validation",
                    rules,  # type: ignore[arg-type]
                    report.detail if report else "the rules were not evaluated",
                ),
                _quality(gates),
                _measured("Spec-First Alignment", "HEE spec coverage validation", spec, target),
            )
        )

    def track_decisions(
        self, before: Mapping[str, str], after: Mapping[str, str], ended: Collection[str] = ()
    ) -> Continuity:
        """Follows decisions (id to digest) from one point to a later one; `ended` are those an event ended."""
        gone = [decision for decision in before if decision not in after]
        return Continuity(
            carried=tuple(decision for decision in before if after.get(decision) == before[decision]),
            ended=tuple(decision for decision in gone if decision in ended),
            lost=tuple(decision for decision in gone if decision not in ended),
            mutated=tuple(d for d in before if d in after and after[d] != before[d]),
        )


def _state(findings: Collection[str] | None) -> Requirement:
    name, method = "State Preservation", "HEE capsule validation"
    if findings is None:
        return Requirement(name, method, "UNKNOWN", "the capsule was not validated")
    if findings:
        return Requirement(name, method, "FAIL", f"{len(findings)} faults in the capsule: {next(iter(findings))}")
    return Requirement(name, method, "OK", "the capsule is valid")


def _quality(gates: Collection[GateResult] | None) -> Requirement:
    name, method = "Quality Discipline", "HEE quality gate checks"
    if not gates:
        return Requirement(name, method, "UNKNOWN", "no quality gate was evaluated")
    failed = [gate for gate in gates if not gate.met and not gate.unknown]
    unknown = [gate for gate in gates if gate.unknown]
    status: Status = "FAIL" if failed else "UNKNOWN" if unknown else "OK"
    detail = "; ".join(gate.detail for gate in (failed or unknown)[:3]) or f"{len(gates)} gates met"
    return Requirement(name, method, status, detail)


def _measured(name: str, method: str, measure: Measure | None, target: int) -> Requirement:
    if measure is None or measure.value is None:
        return Requirement(name, method, "UNKNOWN", f"{name.lower()} could not be measured")
    status: Status = "OK" if measure.value >= target else "FAIL"
    detail = f"{percent(measure.value)} ({measure.numerator} of {measure.denominator}), required {percent(target)}"
    return Requirement(name, method, status, detail)
