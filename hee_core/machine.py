"""The specification's state machine as data: five states, eleven transitions with their labels, and nothing else.

It knows words and edges; who moves along them, and when, is decided elsewhere. Invariant: what is not in
`TRANSITIONS` is not a transition.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Step(NamedTuple):
    """One legal transition between two status words, with the label that the specification gives it."""

    from_: str
    to: str
    label: str


INITIAL = "operational"

# The status word of the capsule -> the state's name in the specification's diagram.
STATES: Mapping[str, str] = MappingProxyType(
    {
        "operational": "Operational",
        "degraded": "Degraded",
        "hee-compliance-check": "HEEComplianceCheck",
        "failed": "Failed",
        "maintenance": "Maintenance",
    }
)
STATUS_OF: Mapping[str, str] = MappingProxyType({name: word for word, name in STATES.items()})

TRANSITIONS: tuple[Step, ...] = (
    Step("operational", "degraded", "HEE Issues Detected"),
    Step("degraded", "operational", "HEE Auto-Fix Successful"),
    Step("degraded", "hee-compliance-check", "HEE Governance Issues"),
    Step("hee-compliance-check", "degraded", "HEE Compliance Restored"),
    Step("hee-compliance-check", "failed", "HEE Critical Violation"),
    Step("degraded", "failed", "HEE Critical Failure"),
    Step("failed", "degraded", "HEE Partial Recovery"),
    Step("failed", "operational", "HEE Full Recovery"),
    Step("operational", "maintenance", "HEE Scheduled Update"),
    Step("maintenance", "operational", "HEE Update Complete"),
    Step("degraded", "maintenance", "HEE Manual Intervention"),
)

# What the specification promises while a state lasts.
NOTES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "operational": (
            "All HEE systems operational",
            "Normal HEE monitoring",
            "State capsule updates",
            "Governance compliance",
        ),
        "degraded": (
            "HEE issues detected",
            "Auto-fix attempts with HEE safety",
            "State preservation active",
            "Decision continuity maintained",
        ),
        "hee-compliance-check": (
            "HEE governance validation",
            "Compliance issue resolution",
            "State integrity verification",
            "Decision conflict resolution",
        ),
        "failed": (
            "HEE critical failure",
            "Manual intervention required",
            "State rollback initiated",
            "Governance violation handling",
        ),
    }
)

_LABELS = {(step.from_, step.to): step.label for step in TRANSITIONS}
_CALM = frozenset({"operational", "maintenance"})


def label(from_: str, to: str) -> str | None:
    """The specification's label of an edge; None where it has no such edge."""
    return _LABELS.get((from_, to))


def path(from_: str, to: str) -> tuple[Step, ...]:
    """The shortest chain of legal transitions; empty if the two are the same, KeyError for a word that is no status."""
    if from_ not in STATES or to not in STATES:
        raise KeyError(from_ if from_ not in STATES else to)
    chains: dict[str, tuple[Step, ...]] = {from_: ()}
    queue = [from_]
    for status in queue:  # breadth first; ties fall to the order of TRANSITIONS
        for step in TRANSITIONS:
            if step.from_ == status and step.to not in chains:
                chains[step.to] = (*chains[status], step)
                queue.append(step.to)
    return chains[to]


def poll_interval(status: str) -> int:
    """Seconds between two polls: 60 when all is calm, 30 in every other status, one that we do not know included."""
    return 60 if status in _CALM else 30


def mermaid() -> str:
    """The machine as the Mermaid diagram of the specification."""
    lines = ["stateDiagram-v2", f"    [*] --> {STATES[INITIAL]}"]
    lines += [f"    {STATES[step.from_]} --> {STATES[step.to]}: {step.label}" for step in TRANSITIONS]
    for status, note in NOTES.items():
        lines += ["", f"    note right of {STATES[status]}", *(f"        {line}" for line in note), "    end note"]
    return "\n".join(lines) + "\n"
