"""Learns from what no pattern explains: mines templates, replays each over everything known, and says which to propose.

Responsible for gathering failures (recorded ones of a log, and logs that somebody has), for the replay, and for choosing
few. Mining is `miner`'s, the rules on an expression are `candidates`', the decision is a person's.

Invariant: the same failures, logs, database and policy give the same proposals, in whatever order they come; what was
decided is never mined again. A proposal matched no passing log and nothing that an existing pattern explains.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hee_monitoring.candidates import candidate_id, expression, faults, guessed
from hee_monitoring.classify import NONE, UNKNOWN
from hee_monitoring.finder import matches
from hee_monitoring.miner import Line, mine
from hee_monitoring.redact import publishable
from hee_monitoring.rehearsal import Failure, Rehearsal
from hee_monitoring.scan import states_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hee_core.log import Log
    from hee_core.operational import State
    from hee_core.record import Record
    from hee_monitoring.database import PatternDB
    from hee_monitoring.miner import Template
    from hee_monitoring.sources.logs import LogFile

TRIED = 300
REMEMBERED = 3000
EXAMPLES = 5
NAME_LIMIT = 500
_HEAD = 400_000
_REPOSITORY = re.compile(rb"Syncing repository: ([\w./-]{1,200})|^repository: ([\w./-]{1,200})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Policy:
    """When a template is proposed: `support` runs; `growth` times as many as when it was refused; `proposals` at once."""

    support: int = 3
    growth: int = 3
    proposals: int = 10

    @property
    def text(self) -> str:
        """As a proposal records it."""
        return f"support {self.support}, growth {self.growth}, proposals {self.proposals}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate that passed everything."""

    candidate: str
    template: str
    regex: str
    category: str
    runs: frozenset[str]
    repositories: int
    examples: tuple[str, ...]


@dataclass(slots=True)
class Learned:
    """What one look over everything found: `unexplained` failures of `failures`, and why templates were left out."""

    proposals: tuple[Proposal, ...] = ()
    failures: int = 0
    unexplained: int = 0
    successes: int = 0
    lines: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def recorded(log: Log, database: PatternDB) -> list[Failure]:
    """The last failures that a log records; what a pattern explained that is retired does not count."""
    detected: dict[str, Mapping[str, object]] = {}
    found: deque[Failure] = deque(maxlen=REMEMBERED)
    for entry in log.read():
        data = entry.event.data
        if entry.event.type == "ci.failure_detected":
            detected[data["issue_id"]] = data
        elif entry.event.type == "ci.failure_classified" and data["issue_id"] in detected:
            seen = detected[data["issue_id"]]
            # Of a platform's run the attempts are one run: the same commit said the same thing again.
            run = f"{seen['source']} {seen['run_id'] or seen['commit'] or entry.index}"
            lines = tuple(publishable(item["text"], limit=500) for item in seen["evidence"] if item["channel"] == "log")  # type: ignore[attr-defined]
            explained = data["category"] != UNKNOWN and database.get(data["pattern_id"]) is not None
            known = explained or _known(lines, database)
            found.append(Failure(run, "this repository", lines, known))
    return list(found)


def given(files: Iterable[LogFile], database: PatternDB) -> list[Failure]:
    """The failures that logs show; a log that shows none, or is no text, says nothing."""
    found = []
    for file in files:
        if file.fault or (diagnosis := file.explain(database)).category == NONE:
            continue
        named = _REPOSITORY.search(file.data[:_HEAD])
        folder = file.name.rpartition("/")[0] or "here"
        repository = next(filter(None, named.groups())).decode() if named else folder
        run = hashlib.sha256(file.data).hexdigest()[:16]
        lines = tuple(item.text for item in diagnosis.evidence)
        found.append(Failure(run, repository, lines, diagnosis.category != UNKNOWN, file.data))
    return found


def learn(
    failures: Sequence[Failure], successes: Sequence[bytes], policy: Policy, state: State | None = None
) -> Learned:
    """The candidates that everything known speaks for; those that a state settled already are left out."""
    rehearsal = Rehearsal(failures, successes)
    lines = {
        Line(text, failure.run, failure.repository, number == 0)
        for failure in rehearsal.unexplained
        for number, text in enumerate(failure.lines)
        if text.strip() and not states_end(text)
    }
    learned = Learned((), len(failures), len(rehearsal.unexplained), len(successes), rehearsal.lines)
    chosen: list[Proposal] = []
    covered: set[str] = set()
    for template in mine(lines, policy.support)[:TRIED]:
        regex = expression(template)
        # What a cheap rule refuses is never tried on whole logs.
        reason = next(iter(faults(template.text, regex)), "") or rehearsal.objection(
            template, regex, covered, policy.support
        )
        if not reason:
            proposal = _proposal(template, regex, rehearsal)
            reason = _settled(proposal, state, policy) if state is not None else ""
            covered |= proposal.runs
            if not reason and len(chosen) < policy.proposals:
                chosen.append(proposal)
            elif not reason:
                reason = "more than are proposed at once"
        if reason:
            learned.left_out[reason.partition(":")[0]] += 1
    learned.proposals = tuple(chosen)
    return learned


def _settled(proposal: Proposal, state: State, policy: Policy) -> str:
    """Why a candidate needs no proposal: it is one, or people refused or retired it and too few new runs show it."""
    ledger, name, support = state.ledger, proposal.candidate, len(proposal.runs)
    if name in ledger.proposals and support <= ledger.proposals[name]["support"]:
        return "proposed already"
    before: list[Record] = [each for each in ledger.learned.values() if each["candidate"] == name]
    before += [ledger.refusals[name]] if name in ledger.refusals else []
    if any(support < policy.growth * record["support"] for record in before):
        return "people refused or retired it"
    return ""


def _proposal(template: Template, regex: str, rehearsal: Rehearsal) -> Proposal:
    """The candidate with everything that it matches, whosever line it was."""
    hit, name = rehearsal.matched(regex), template.text[:NAME_LIMIT]
    return Proposal(
        candidate_id(name), name, regex, guessed(template), frozenset(failure.run for failure, _ in hit),
        len({failure.repository for failure, _ in hit}),
        tuple(sorted({text[:300] for _, text in hit}, key=lambda text: (len(text), text))[:EXAMPLES]),
    )  # fmt: skip


def _known(lines: Sequence[str], database: PatternDB) -> bool:
    return any(
        matches(pattern, text)
        for pattern in database
        if pattern.role in ("cause", "hint") and pattern.channel == "log"
        for text in lines[:1]
    )
