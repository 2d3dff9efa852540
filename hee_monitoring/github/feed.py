"""The feed of finished runs: every branch and event, each attempt once, also after having been away.

Responsible for one poll: the listing as far back as the cursor, runs that were unfinished, which of them need a closer
look, and the step of the cursor that belongs to each. Reading a run whole is `detail`'s; recording is the pipeline's.

Invariant: a poll changes nothing but this object. What it gives is recorded with the cursor's step in one append, and the
version of the listing is kept only after all of it was; so a poll that fails anywhere is repeated, and loses nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hee_core import branches
from hee_core.canonical import digest
from hee_core.errors import NotFound, RateLimited, SourceError, Unreachable
from hee_monitoring.cursor import SOURCE, Cursor, step
from hee_monitoring.evidence import Conclusion, Job, Run
from hee_monitoring.github.client import items, parsed
from hee_monitoring.github.detail import Detail
from hee_monitoring.github.etags import Etags, Seen
from hee_monitoring.github.payloads import RunItem, Unreadable, run_item
from hee_monitoring.observe import FAILING
from hee_monitoring.redact import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from hee_core.projection import State
    from hee_monitoring.github.client import Client

WHOLE = 100  # runs looked at closely in one poll; the next one goes on
STRAGGLERS = 50
LONGEST_BRANCH = 200  # a longer name stands in the log cut
OUR_BRANCHES = "hee/"
_CALM = (Conclusion.SUCCESS, Conclusion.SKIPPED, Conclusion.NEUTRAL)
_TRIES = 3


@dataclass(frozen=True)
class Sight:
    """One run that was looked at closely, with the payload that settles it and the calm ones before it.

    Without a run, calm runs only. It is the cycle's source: what it shows is known already.
    """

    run: Run | None
    step: Mapping[str, Any] | None
    name: str = SOURCE

    def runs(self, commit: str) -> tuple[Run, ...]:
        """The run."""
        del commit
        return (self.run,) if self.run else ()


@dataclass(frozen=True)
class Batch:
    """What one poll gave, oldest run first; `notes` say what was left for the next one.

    `empty` says that there is no run at all, which proves nothing.
    """

    sights: tuple[Sight, ...] = ()
    notes: tuple[str, ...] = ()
    empty: bool = False
    seen: Seen | None = None


@dataclass
class _Listing:
    """The runs of a poll while they are gathered."""

    finished: dict[tuple[int, int], RunItem] = field(default_factory=dict)
    missed: set[tuple[int, int]] = field(default_factory=set)
    newest: dict[tuple[str, str, str], int] = field(default_factory=dict)  # by line and event, the run that began last
    pending: set[int] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    listed: set[int] = field(default_factory=set)
    oldest: int = 0
    etag: str = ""
    changed: bool = True


class Feed:
    """The finished runs of one repository on GitHub."""

    def __init__(
        self,
        client: Client,
        work: Path,
        *,
        progress: Callable[[str], None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Takes where to keep the listing's version; `environment` tells which run is our own."""
        self.client = client
        self._etags = Etags(work / "github" / "listing.json")
        self._detail = Detail(client, progress)
        self._own_run = environment.get("GITHUB_RUN_ID", "")
        reference = environment.get("GITHUB_WORKFLOW_REF", "").partition("@")[0]
        self._own_workflow = reference.removeprefix(f"{client.place.repository}/")
        self._tries: dict[int, int] = {}
        self._branches: dict[str, bool | None] = {}

    def poll(self, state: State, *, told: Collection[int] = ()) -> Batch:
        """Asks once what is new since the state's cursor; raises SourceError when nothing at all could be read.

        `told` are runs to ask for by themselves if the listing does not show them yet.
        """
        self._branches.clear()
        cursor = Cursor.of(state)
        listing = self._listing(cursor, told)
        fresh = [listing.finished[key] for key in sorted(listing.finished)]
        opening: dict[str, Any] = {}
        aside: list[RunItem] = []
        if cursor.new and listing.listed:
            fresh, aside = newest(fresh)
            opening = {"floor": min(listing.listed) - 1, "left_aside": len(aside)}
        sights, notes = self._sights(state, fresh, listing)
        new = listing.skipped - cursor.skipped
        if new or opening:
            first = sights[0] if sights else Sight(None, step((), pending=listing.pending))
            shown = first.step or {}
            runs = [*step(aside, pending=())["runs"], *shown["runs"]]
            sights[:1] = [Sight(first.run, {**shown, **opening, "skipped": sorted(new), "runs": runs})]
        empty = not listing.listed and listing.changed
        if empty:
            notes = [*notes, f"GitHub lists no run of {self.client.place.repository}: nothing is known of it"]
        if new:
            notes = [*notes, f"{len(new)} item(s) of GitHub's answer cannot be read and were left out"]
        seen = self._seen(listing, cursor) if not notes else None
        return Batch(tuple(sights), tuple(notes), empty, seen)

    def one(self, run_id: int, state: State) -> Sight:
        """Looks at one run, settled or not; raises NotFound for one that is not there or not finished."""
        answer = self.client.get(self.client.place.path(f"actions/runs/{run_id}"))
        if answer.status != 200:
            raise NotFound(f"{self.client.place.repository} has no run {run_id}", hint="its number is in its address")
        try:
            item = run_item(parsed(answer), self.client.place.repository)
        except Unreadable as fault:
            raise SourceError(f"run {run_id} cannot be read: {fault}", hint="look at it on GitHub") from None
        if not item.done:
            raise NotFound(f"run {run_id} has not ended", hint="ask again when it has")
        cursor = Cursor.of(state)
        known = cursor.new or cursor.settles(run_id, item.attempt)
        settles = None if known else step([item], pending=set(cursor.pending) - {run_id})
        return Sight(self._detail.run(item), settles)

    def has_branch(self, name: str) -> bool | None:
        """Whether the repository has a branch, asked once a poll; None for a fork's, and where that is not told."""
        if ":" in name or MARK in name or len(name) >= LONGEST_BRANCH:
            return None
        if name not in self._branches and len(self._branches) < STRAGGLERS:
            self._branches[name] = self._ask_for(name)
        return self._branches.get(name)

    def _ask_for(self, branch: str) -> bool | None:
        """Asks for the refs that begin with a branch's name: GitHub lists none of a branch that is gone, and does not say 404."""
        escaped = branch.replace("%", "%25").replace("#", "%23")
        try:
            answer = self.client.get(self.client.place.path(f"git/matching-refs/heads/{escaped}"))
            if answer.status != 200 or answer.next:
                return None
            return any(
                isinstance(ref, dict) and ref.get("ref") == f"refs/heads/{branch}" for ref in items(parsed(answer), "")
            )
        except SourceError:
            return None

    def restart(self, run: Run) -> str:
        """Asks for a run's failed jobs to be run again; returns why GitHub does not, or nothing."""
        try:
            answer = self.client.post(self.client.place.path(f"actions/runs/{run.run_id}/rerun-failed-jobs"))
        except SourceError as error:
            return str(error)
        return "" if answer.status == 201 else f"GitHub answers {answer.status}"

    def keep(self, batch: Batch, state: State) -> None:
        """Remembers that everything that a poll gave is recorded, under the cursor that the state now has."""
        if batch.seen is not None:
            cursor = Cursor.of(state)
            seen = batch.seen
            self._etags.keep(Seen(seen.url, seen.token, cursor.digest, seen.etag, seen.oldest))

    # ------------------------------------------------------------------ the listing

    def _listing(self, cursor: Cursor, told: Collection[int]) -> _Listing:
        """The runs since the cursor, and those that were unfinished and are not on the first page any more."""
        url = self.client.place.path("actions/runs?per_page=100")
        before = self._etags.read(url, self.client.credential.fingerprint, cursor.digest) if not cursor.new else None
        answer = self.client.get(url, etag=before.etag if before else "")
        listing = _Listing(etag=answer.etag)
        if answer.status == 304 and before is not None:
            listing.changed = False
            listing.pending = {run_id for run_id in cursor.pending if run_id >= before.oldest}
            listing.listed = set(listing.pending)
        elif answer.status == 200:
            more = self._page(items(parsed(answer), "workflow_runs"), cursor, listing)
            listing.oldest = min(listing.listed, default=0)
            while more and answer.next:
                answer = self.client.get(answer.next)
                if answer.status != 200:
                    raise Unreachable(f"a page of the runs answers {answer.status}", hint="HEE asks again")
                more = self._page(items(parsed(answer), "workflow_runs"), cursor, listing)
        else:
            raise SourceError(
                f"GitHub knows no runs of {self.client.place.repository} (status {answer.status})",
                hint="is the name right, and may the token read it? GitHub says 404 of what a token may not see",
            )
        known = listing.listed if listing.changed else listing.listed - set(told)
        stragglers = [run_id for run_id in dict.fromkeys((*told, *cursor.pending)) if run_id not in known]
        listing.pending.update(stragglers[STRAGGLERS:])
        for run_id in stragglers[:STRAGGLERS]:
            found = self.client.get(self.client.place.path(f"actions/runs/{run_id}"))
            if found.status == 200:
                self._page([parsed(found)], cursor, listing)
        for run_id, attempt in sorted(listing.missed)[:STRAGGLERS]:
            found = self.client.get(self.client.place.path(f"actions/runs/{run_id}/attempts/{attempt}"))
            if found.status == 200:
                self._page([parsed(found)], cursor, listing)
        return listing

    def _page(self, page: Sequence[Any], cursor: Cursor, listing: _Listing) -> bool:
        """Sorts the runs of a page; says whether an earlier page can have more that is new."""
        new = False
        for each in page:
            try:
                run = run_item(each, self.client.place.repository)
            except Unreadable:
                listing.skipped.add(mark(each))
                continue
            listing.listed.add(run.run_id)
            line = (*run.line, run.event)
            listing.newest[line] = max(run.run_id, listing.newest.get(line, 0))
            if self._is_ours(run):
                continue
            if not run.done:
                listing.pending.add(run.run_id)
            elif not cursor.settles(run.run_id, run.attempt):
                listing.finished[run.run_id, run.attempt] = run
                new = True
            if not cursor.new:
                listing.missed |= {(run.run_id, attempt) for attempt in cursor.missed(run.run_id, run.attempt)}
        return new and not cursor.new

    def _is_ours(self, run: RunItem) -> bool:
        """Whether a run is this program's own doing: its workflow, its run, or a branch that it made."""
        return (
            str(run.run_id) == self._own_run
            or (self._own_workflow != "" and run.workflow == self._own_workflow)
            or run.branch.startswith(OUR_BRANCHES)
        )

    def _seen(self, listing: _Listing, cursor: Cursor) -> Seen | None:
        if not listing.changed or not listing.etag or not listing.oldest:
            return None
        url = self.client.place.path("actions/runs?per_page=100")
        return Seen(url, self.client.credential.fingerprint, cursor.digest, listing.etag, listing.oldest)

    # ------------------------------------------------------------------ closer looks

    def _sights(self, state: State, fresh: Sequence[RunItem], listing: _Listing) -> tuple[list[Sight], list[str]]:
        """The runs in their order: those that say something whole, calm ones as part of the next step."""
        still_red: dict[tuple[str, str], set[str]] = {}  # by line, the jobs that a green run would close
        for issue in state.issues.values():
            for place in branches.places(issue) if issue["source"] == SOURCE else ():
                still_red.setdefault((place["workflow"], place["branch"]), set()).add(place["job"])
        sights: list[Sight] = []
        calm: list[RunItem] = []
        left = {(run.run_id, run.attempt) for run in fresh}
        notes: list[str] = []
        for run in fresh:
            if run.conclusion in _CALM and not still_red.get(run.line):
                calm.append(run)
                continue
            try:
                whole = self._whole(run, listing) if len(sights) < WHOLE else None
            except (RateLimited, Unreachable) as error:
                if not sights and not calm:
                    raise
                whole = None
                notes.append(str(error))
            if whole is None:
                break
            seen = still_red.setdefault(run.line, set())
            seen |= {job.key for job in whole.jobs if job.conclusion in FAILING}
            seen -= {job.key for job in whole.jobs if job.conclusion is Conclusion.SUCCESS}
            seen &= {job.key for job in whole.jobs}  # one that is not listed any more is looked for once a poll
            left -= {(each.run_id, each.attempt) for each in (run, *calm)}
            sights.append(Sight(whole, step([*calm, run], pending=listing.pending | {run_id for run_id, _ in left})))
            calm = []
        if calm:
            left -= {(each.run_id, each.attempt) for each in calm}
            sights.append(Sight(None, step(calm, pending=listing.pending | {run_id for run_id, _ in left})))
        if left:
            notes.append(f"{len(left)} run(s) are left for the next poll")
        return sights, notes

    def _whole(self, run: RunItem, listing: _Listing) -> Run:
        """A run with its jobs; one whose jobs could not be listed several times is red without them, not in the way."""
        try:
            whole = self._detail.run(run)
        except Unreachable as error:
            self._tries[run.run_id] = self._tries.get(run.run_id, 0) + 1
            if self._tries[run.run_id] < _TRIES:
                raise
            ended = run.conclusion if run.conclusion in FAILING else Conclusion.UNKNOWN
            why = f"its jobs could not be listed: {error}"
            job = Job(
                run.workflow, run.workflow, ended, started_at=run.started_at, completed_at=run.completed_at, reason=why
            )
            whole = Run(SOURCE, run.conclusion, (job,), run.commit, run.branch, run.run_id, run.attempt, run.workflow)
        self._tries.pop(run.run_id, None)
        return replace(whole, superseded=listing.newest.get((*run.line, run.event), 0) > run.run_id)


def newest(runs: Sequence[RunItem]) -> tuple[list[RunItem], list[RunItem]]:
    """The last run of each workflow on each branch, and the others: how things stand, not how they came to be."""
    last = {run.line: run for run in runs}
    chosen = {run.run_id for run in last.values()}
    return [run for run in runs if run.run_id in chosen], [run for run in runs if run.run_id not in chosen]


def mark(item: Any) -> str:
    """Names an item that cannot be read."""
    import json

    return digest(json.dumps(item, sort_keys=True).encode())[:16]
