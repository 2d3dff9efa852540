"""What learning brings to repositories that it did not learn from: a measurement on a labelled corpus.

Responsible for the experiment and its page: no shipped pattern is known, patterns are learned from some repositories
(every candidate is accepted, as if a person wanted all), and the logs of the others are explained with them.

Invariant: no log of a repository is on both sides; every passing log is on the side that learning has not seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_core.learned import FIRST, IN_FORCE
from hee_core.record import Record
from hee_monitoring.accuracy import labels, repository_of
from hee_monitoring.classify import NONE, UNKNOWN, explain_log
from hee_monitoring.database import PatternDB
from hee_monitoring.learning import Policy, given, learn
from hee_monitoring.ownpatterns import extended
from hee_monitoring.sources.logs import LogFile

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.accuracy import Label
    from hee_monitoring.learning import Proposal

FOLDS = 5
POLICY = Policy(3, 3, 40)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One turn: what was learned, and what it did to logs of other repositories."""

    learned: int
    failing: int
    explained: int
    lined: int
    line_right: int
    passing: int
    alarms: int


def measure(corpus: Path) -> list[Transfer]:
    """Learns in turn from all repositories but a part, and explains that part."""
    found = [(label, data, _fold(repository_of(label.file, data))) for label, data in labels(corpus)]
    return [_turn(found, fold) for fold in range(FOLDS) if any(each == fold for _, _, each in found)]


def report(shipped: PatternDB, corpus: Path) -> str:
    """The section of the page."""
    turns = measure(corpus)
    unknown = sum(not label.passed and explain_log(data, shipped).category == UNKNOWN for label, data in labels(corpus))
    total = {name: sum(getattr(turn, name) for turn in turns) for name in Transfer.__slots__}
    return (
        "\n## Learning, on repositories that it did not learn from\n\n"
        f"With the shipped patterns {unknown} of the {total['failing']} failing logs are unknown here, so there is next to nothing to "
        f"learn from this corpus. So: without any shipped pattern, learned from all repositories but a part, explained in that "
        f"part, {len(turns)} parts in turn, every candidate accepted. {total['explained']} of {total['failing']} failing logs were "
        f"explained by a pattern learned elsewhere ({', '.join(str(turn.learned) for turn in turns)} patterns in the turns), "
        f"{total['alarms']} false alarms on {total['passing']} passing logs. A line is right in {total['line_right']} of the "
        f"{total['lined']} explained logs with labelled lines: what repositories share is what tools say at the end, seldom the "
        "cause. Learning names what a repository sees again and again; it does not stand in for a pattern that somebody wrote.\n"
    )


def _fold(repository: str) -> int:
    return int(hashlib.sha256(f"transfer {repository}".encode()).hexdigest()[:8], 16) % FOLDS


def _turn(found: list[tuple[Label, bytes, int]], fold: int) -> Transfer:
    """Learns from the other parts and counts on this one."""
    nothing = PatternDB((), version="none", digest="0" * 64)
    before = [each for each in found if each[2] != fold]
    failures = given([LogFile(label.file, data) for label, data, _ in before if not label.passed], nothing)
    candidates = learn(failures, [data for label, data, _ in before if label.passed], POLICY).proposals
    database = extended(nothing, (), {f"HEE-PAT-{FIRST + n}": _record(each, n) for n, each in enumerate(candidates)})
    counts = dict.fromkeys(Transfer.__slots__, 0) | {"learned": len(candidates)}
    for label, data, each in found:
        if each != fold:
            continue
        said = explain_log(data, database)
        if label.passed:
            counts["passing"] += 1
            counts["alarms"] += said.category != NONE
            continue
        explained = bool(said.pattern_id)
        counts["failing"] += 1
        counts["explained"] += explained
        counts["lined"] += explained and bool(label.ranges)
        counts["line_right"] += explained and any(first <= said.line <= last for first, last in label.ranges)
    return Transfer(**counts)


def _record(proposal: Proposal, number: int) -> Record:
    """A candidate as the ledger would have it, accepted."""
    return Record(
        candidate=proposal.candidate, pattern_id=f"HEE-PAT-{FIRST + number}", version=1, category="infra",
        title=proposal.template[:120], what="", remedy="", regex=proposal.regex, template=proposal.template,
        examples=list(proposal.examples), support=len(proposal.runs), status=IN_FORCE,
    )  # fmt: skip
