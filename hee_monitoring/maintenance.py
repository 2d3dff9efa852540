"""What each task of the maintenance schedule does, and its record in the log.

A task looks at something real, counts what it evaluated, and names what it found; none deletes anything. Times and
periods are left to `hee_governance.schedule`. Invariant: a task that evaluated nothing is not in order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core import capsule as capsules
from hee_core import catalogue
from hee_core.audit import verify
from hee_core.clock import seconds_between
from hee_core.errors import Conflict
from hee_core.tree import CommitTree
from hee_core.validation import validate_capsule
from hee_governance import ledgermeasures, rules
from hee_governance.conflicts import conflicts_of
from hee_governance.decisions import Decision
from hee_governance.schedule import TASKS, Standing, standing
from hee_monitoring import facts
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hee_core.events import Event
    from hee_monitoring.workspace import Workspace

KEY_DAYS = 90
_MANIFESTS = {
    "pyproject.toml": ("uv.lock", "poetry.lock", "pdm.lock", "constraints.txt", "requirements.txt", "pylock.toml"),
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"),
    "Cargo.toml": ("Cargo.lock",),
    "go.mod": ("go.sum",),
    "Gemfile": ("Gemfile.lock",),
}


@dataclass(frozen=True)
class Done:
    """How a task came out: how much it looked at, and what it found."""

    evaluated: int
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it looked at something and found nothing."""
        return self.evaluated > 0 and not self.findings


def standings(workspace: Workspace, now: str, *, until: int | None = None) -> tuple[Standing, ...]:
    """Where every task stands at a time, from the log up to an index."""
    last: dict[str, str] = {}
    born = now
    for entry in workspace.log.read():
        if until is not None and entry.index > until:
            break
        event = entry.event
        born = event.time if entry.index == 0 else born
        if event.type == "maintenance.recorded" and event.fits and event.data["status"] == "done":
            last[event.data["task"]] = event.time
    return tuple(standing(task, last.get(task.name, ""), born=born, now=now) for task in TASKS)


def perform(workspace: Workspace, place: Standing, now: str) -> Done:
    """Does one task and records it; that it was overdue is recorded too."""
    done = _TASKS[place.task.name](workspace, now)
    log, clock = workspace.log, workspace.clock

    def event(data: dict[str, Any]) -> Event:
        data = {"task": place.task.name, "period_days": place.task.period_days, **data}
        return facts.event("maintenance.recorded", data, subject=f"maintenance/{place.task.name}", clock=clock)

    events = [event({"status": "overdue", "next_due": place.next_due})] if place.status == "overdue" else []
    found = [publishable(text, limit=300) for text in done.findings[:20]]
    following = standing(place.task, now, born=now, now=now).next_due
    events.append(
        event({"status": "done", "ok": done.ok, "evaluated": done.evaluated, "findings": found, "next_due": following})
    )
    while True:
        try:
            log.append(events, expected=log.head)
        except Conflict:
            continue
        return done


def _state_health(workspace: Workspace, _: str) -> Done:
    report = verify(workspace.log)
    state = workspace.log.state
    faults = validate_capsule(capsules.build(state, log_id=workspace.log.id))
    found = [
        f"event {finding.index}: {finding.kind}: {finding.detail}" for finding in (*report.findings, *report.unknown)
    ]
    found += [f"capsule {fault.pointer or '/'}: {fault.message}" for fault in faults]
    found += [f"the state is {state.status}"] if state.status in ("failed", "hee-compliance-check") else []
    return Done(report.events, tuple(found))


def _performance_review(workspace: Workspace, _: str) -> Done:
    timed = ledgermeasures.timings(entry.event for entry in workspace.log.read() if entry.event.fits)
    found = [
        f"{timing.name}: {timing.longest:.0f} s at the longest, the target is {timing.target} s"
        for timing in timed
        if timing.longest is not None and not timing.met
    ]
    return Done(sum(timing.longest is not None for timing in timed), tuple(found))  # what never happened was not held


def _pattern_review(workspace: Workspace, _: str) -> Done:
    state, patterns = workspace.log.state, workspace.patterns
    seen = Counter(issue["pattern_id"] for issue in (*state.issues.values(), *state.operational.closed.values()))
    found = [f"{count} failures by no pattern of this database: {name}" for name, count in seen.items()
             if name and patterns.get(name) is None and not name.endswith("-999")]  # fmt: skip
    if seen["HEE-PAT-999"]:
        found.append(f"{seen['HEE-PAT-999']} failures that no pattern explains: `hee patterns` shows what is known")
    known = state.ledger.patterns.get("digest")
    if known and known != patterns.digest:
        found.append(f"the log knows pattern database {known[:12]}, this program has {patterns.digest[:12]}")
    return Done(len(patterns), tuple(found))


def _capsule_archive(workspace: Workspace, _: str) -> Done:
    """Packs the repository's objects together, with the log's head and every object of it where they were."""
    repository, head = workspace.repository, workspace.log.head
    packed = repository.attempt("repack", "-d", "-q", "--geometric=2")
    whole = repository.attempt("fsck", "--connectivity-only", "--no-dangling", head or "HEAD")
    found = [f"{name}: {done.stderr.decode('utf-8', 'replace').strip()[:200]}"
             for name, done in (("git repack", packed), ("git fsck", whole)) if done.returncode]  # fmt: skip
    if workspace.log.head != head:
        found.append("the log moved meanwhile: that was another writer, look at `hee log`")
    published = [path for path in repository.entries("HEAD", "docs/STATE_CAPSULES") if path.endswith(".md")]
    return Done(1 + len(published), tuple(found))


def _dependency_review(workspace: Workspace, _: str) -> Done:
    with CommitTree(workspace.repository, workspace.commit()[0]) as tree:
        named = [path for path in tree if path.rpartition("/")[2] in _MANIFESTS]
        found = [f"{path} has no lock file beside it" for path in sorted(named) if not _locked(path, tree)]
        pinning = tuple(rule for rule in rules.RULES if rule.id == "HGV-CI-009")
        report = rules.check(tree, None, pinning)
    found += [f"{f.path}:{f.line}: {f.message}" for f in report.findings if f.subject.startswith("uses/")]
    return Done(len(named) + report.evaluated + 1, tuple(found))


def _locked(path: str, tree: Iterable[str]) -> bool:
    folder, _, name = path.rpartition("/")
    files = set(tree)
    return any(f"{folder}/{lock}".lstrip("/") in files or lock in files for lock in _MANIFESTS[name])


def _security_audit(workspace: Workspace, now: str) -> Done:
    head = workspace.log.refresh()
    keys = head.keyring.keys if head.keyring else {}
    found = []
    for name, key in keys.items():
        if key.valid(head.size):
            days = seconds_between(workspace.log.entry(key.since).event.time, now) / 86_400
            if days > KEY_DAYS:
                found.append(f"key {name} of {key.actor} is {days:.0f} days old: `hee keys rotate`")
    denied = Counter(entry.event.actor for entry in workspace.log.read() if entry.event.type == "access.denied")
    found += [f"{actor} was refused {count} times" for actor, count in denied.items() if count >= 3]
    with CommitTree(workspace.repository, workspace.commit()[0]) as tree:
        report = rules.check(tree, workspace.config)
    found += [f"{f.path}:{f.line}: {f.message}" for f in report.findings if f.severity == "CRITICAL"]
    return Done(len(keys) + report.evaluated, tuple(found))


def _governance_review(workspace: Workspace, now: str) -> Done:
    state = workspace.log.state
    day = now[:10]
    active = [record for record in state.decisions.values() if record["kind"] == "standing"]
    found = [f"{record['decision_id']} was to be looked at again by {record['review_by']}"
             for record in active if record["review_by"] and record["review_by"][:10] < day]  # fmt: skip
    decisions = [Decision.of(record["decision_id"], record) for record in active]
    found += [conflict.reason for conflict in conflicts_of(decisions, known=state.ledger.ended)]
    with CommitTree(workspace.repository, workspace.commit()[0]) as tree:
        report = rules.check(tree, workspace.config, as_of=day)
        coming = rules.preview(tree, workspace.config, as_of=day)
    found += [f"{f.path}:{f.line}: {f.message}" for f in report.findings if f.rule.startswith("HGV-WAIVE")]
    if coming and coming[1].findings:
        found.append(f"ruleset {coming[0].version} from {coming[0].valid_from} adds {len(coming[1].findings)} findings")
    return Done(len(active) + len(workspace.config.waivers) + len(rules.RULES), tuple(found))


def _migration_check(workspace: Workspace, _: str) -> Done:
    """Every event of the log is of a type and version that this program reads, and its payload fits today's model."""
    found, count = [], 0
    for entry in workspace.log.read():
        count += 1
        event = entry.event
        if event.type not in catalogue.TYPES or event.version > catalogue.VERSIONS[event.type]:
            found.append(f"event {entry.index}: {event.type} version {event.version} is newer than this program")
    ledger = workspace.log.state.ledger
    if ledger.malformed:
        found.append(f"{ledger.malformed} events do not fit their type")
    return Done(count, tuple(found))


def _architecture_review(workspace: Workspace, now: str) -> Done:
    kinds = Counter(entry.event.type for entry in workspace.log.read())
    born = workspace.log.entry(0).event.time
    days = max(1.0, seconds_between(born, now) / 86_400)
    most, count = kinds.most_common(1)[0]
    total = sum(kinds.values())
    a_year = total * 365 / days
    found = (
        [f"the log grows by {a_year:.0f} events a year, mostly {most} ({count} of {total})"]
        if a_year > 1_000_000
        else []
    )
    return Done(len(kinds), tuple(found))


_TASKS: dict[str, Callable[[Workspace, str], Done]] = {
    "state-health": _state_health,
    "performance-review": _performance_review,
    "pattern-review": _pattern_review,
    "capsule-archive": _capsule_archive,
    "dependency-review": _dependency_review,
    "security-audit": _security_audit,
    "governance-review": _governance_review,
    "migration-check": _migration_check,
    "architecture-review": _architecture_review,
}
