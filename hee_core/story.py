"""The log as a story: one plain line for each append, and its trailers. Pure.

Nothing taken from a CI log enters a commit message: a subject is made of our own words, of numbers, and of names cut
down to characters that reach neither a terminal's escape parser nor anybody's notifications. Total: an event that
this program does not know, or whose payload fits nothing, is told by its type alone.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hee_core import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hee_core.events import Event

    Facts = Sequence[tuple[str, Mapping[str, Any]]]  # types and payloads

_UNSAFE = re.compile(r"[^A-Za-z0-9 ._/:,()+\-]+")
_REACHING = re.compile(r"(?i)(?<=\bgh)-(?=[0-9])|:(?=//)|(?<=\bwww)\.")  # forges make links of GH-12 and of addresses
_AT = re.compile(r"(?<=[A-Za-z0-9]) at-(?=[0-9a-f]{7}\b)")  # after a letter or digit, an @ notifies nobody
_MOST_IDS = 32  # a group commit of thousands names its range and root; the ids are in its tree


def plain(text: object, limit: int = 60) -> str:
    """Text with only harmless characters, cut to `limit`."""
    safe = " ".join(_REACHING.sub(" ", _UNSAFE.sub("-", str(text))).split())
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


def subject(events: Sequence[Event]) -> str:
    """What happened, in at most 100 characters."""
    types = {event.type for event in events}
    tellers = [(type_, tell) for type_, tell in _TELLERS if type_ in types]
    facts = [(event.type, data) for event in events if (data := _data_of(event)) is not None] if tellers else []
    for type_, tell in tellers:
        told = [data for kind, data in facts if kind == type_]
        try:
            if told:
                return _AT.sub("@", plain(tell(told, facts), 100))
        except (AttributeError, KeyError, TypeError):
            continue  # a payload that its author did not check
    name, count = events[0].type, len(events)
    if len(types) > 1:
        name, count = Counter(event.type for event in events).most_common(1)[0]
    more = f" and {len(events) - count} more" if len(events) > count else ""
    line = plain(f"{name.replace('_', ' ').replace('.', ' ')}{f' x{count}' if count > 1 else ''}{more}", 100)
    return line or "an event without a name"


def message(events: Sequence[Event], *, first: int, root: str, state: str, projection: int) -> str:
    """The whole commit message: subject and trailers; `first` is the index of the first event."""
    last = first + len(events) - 1
    lines = [subject(events), "", f"HEE-Index: {first}..{last}"]
    if len(events) <= _MOST_IDS:
        lines += [f"HEE-Event: {event.id}" for event in events]
    return "\n".join([*lines, f"HEE-Root: {root}", f"HEE-State: {state}", f"HEE-Projection: {projection}", ""])


def trailers(text: str) -> dict[str, str]:
    """The trailers of a message that `message` wrote; of a repeated one the last."""
    found = {}
    for line in text.rpartition("\n\n")[2].splitlines():
        name, colon, value = line.partition(": ")
        if colon and name.startswith("HEE-"):
            found[name] = value
    return found


def facts(text: str) -> list[str]:
    """The trailers of a message that follow from its events alone, whichever program folds them."""
    lines = text.rpartition("\n\n")[2].splitlines()
    return [line for line in lines if not line.startswith(("HEE-State: ", "HEE-Projection: "))]


def _data_of(event: Event) -> Mapping[str, Any] | None:
    """The payload in the form that is told here; None if there is none."""
    newest = forms.version(event.type)
    if event.version < newest:
        return forms.upcast(event.type, event.version, event.data)
    return event.data if event.version == newest else None


def _data(facts: Facts, type_: str, issue: str) -> Mapping[str, Any]:
    return next((data for kind, data in facts if kind == type_ and data.get("issue_id") == issue), {})


def _place(data: Mapping[str, Any]) -> str:
    branch, commit = plain(data.get("branch", ""), 30), str(data.get("commit") or "")[:7]
    # ` at-` becomes an @ only between a branch and a commit, where no forge sees a name.
    return f" on {branch} at-{commit}" if branch and commit else f" at {commit}" if commit else ""


def _failures(told: Sequence[Mapping[str, Any]], facts: Facts) -> str:
    data = told[0]
    found = _data(facts, "ci.failure_classified", data["issue_id"])
    if len(told) == 1:
        what = found.get("title") or "not explained yet"
        return f"{plain(data['job'].rpartition('#')[2] or data['source'], 24)} red{_place(data)}: {what} ({found.get('pattern_id', 'unknown')})"
    names = ", ".join(plain(each["job"].rpartition("#")[2] or each["source"], 16) for each in told)
    return f"{len(told)} red{_place(data)}: {names}"


def _decisions(told: Sequence[Mapping[str, Any]], _: Facts) -> str:
    if all(data["kind"] == "issue" for data in told):
        kinds = Counter(str(data["action"]) for data in told)
        return "decided: " + ", ".join(f"{count} {action}" for action, count in sorted(kinds.items()))
    return f"decision recorded: {told[0]['key']}: {told[0]['statement']}"


def _applied(told: Sequence[Mapping[str, Any]], facts: Facts) -> str:
    data = told[0]
    strategy = next((started["strategy"] for kind, started in facts if kind == "fix.started"), "fix")
    proof = (
        "proved by running the failed job again" if data["outcome"] == "verified" else "applied, waits for its review"
    )
    return f"repaired by {strategy}: {len(data['files'])} file(s), {proof}"


def _rolled_back(told: Sequence[Mapping[str, Any]], _: Facts) -> str:
    return f"repair by {told[0]['strategy']} rolled back, nothing left behind ({told[0]['pattern_id']})"


def _count(words: str) -> Callable[[Sequence[Mapping[str, Any]], Facts], str]:
    return lambda told, _: words.format(count=len(told), data=told[0])


# The first type that an append holds tells its story.
_TELLERS: tuple[tuple[str, Callable[[Sequence[Mapping[str, Any]], Facts], str]], ...] = (
    ("log.created", _count("log created")),
    ("log.reanchored", _count("log anchored again: {data[events]} events stand in rewritten commits")),
    ("state.rolled_back", _count("state rolled back to event {data[to_index]}")),
    ("state.frozen", _count("frozen: no writes until a person unfreezes")),
    ("state.unfrozen", _count("unfrozen")),
    ("ci.failure_detected", _failures),
    ("fix.suggested", _count("a proposal for {data[issue_id]}: {data[outcome]}")),
    ("fix.stopped", _count("repairs of {data[issue_id]} stopped: they do not converge ({data[rule]})")),
    ("fix.applied", _applied),
    ("fix.rolled_back", _rolled_back),
    ("fix.refused", _count("{count} repair(s) refused")),
    ("fix.proposed", _count("{count} repair(s) wait for a review")),
    ("pattern.accepted", _count("pattern {data[pattern_id]} accepted: {data[title]}")),
    ("pattern.refused", _count("pattern candidate {data[candidate]} refused")),
    ("pattern.retired", _count("pattern {data[pattern_id]} retired")),
    ("pattern.proposed", _count("{count} pattern candidate(s) proposed")),
    ("decision.recorded", _decisions),
    ("ci.branch_cleared", _count("{count} issue(s) ended on a branch, and are open on others")),
    ("ci.issue_resolved", _count("{count} issue(s) resolved: seen green")),
    ("ci.rerun_requested", _count("{count} run(s) started again: a transient failure")),
    ("monitor.blinded", _count("{data[source]} cannot be asked ({data[kind]})")),
    ("monitor.recovered", _count("{data[source]} answers again")),
    ("alert.delivered", _count("a channel was told: {data[stage]}")),
    ("alert.undelivered", _count("a channel could not be told")),
    ("alert.acknowledged", _count("alert acknowledged")),
    ("alert.raised", _count("{count} alert(s) raised")),
    ("ci.polled", lambda told, _: f"all clear{_place(told[0])}: {len(told[0]['jobs_passed'])} job(s) green"),
    ("ci.cursor_moved", lambda told, _: f"{sum(len(data['runs']) for data in told)} run(s) dealt with"),
    ("token.registered", _count("token {data[name]} registered")),
    ("token.rotated", _count("token {data[name]} rotated")),
    ("token.approved", _count("permissions of token {data[name]} approved")),
    ("key.added", _count("key added for {data[actor]}")),
    ("checkpoint.cosigned", _count("checkpoint cosigned by a witness")),
    ("key.revoked", _count("key revoked")),
    ("key.rotated", _count("key rotated: a successor signs")),
    ("key.expiry_set", _count("expiry of a key set")),
    ("key.root_granted", _count("key made a root key")),
    ("key.threshold_changed", _count("threshold for keys set to {data[threshold]}")),
)


def other_projection(text: str, version: int) -> str:
    """The version of the projection that a message names, if it is another one; else empty."""
    named = trailers(text).get("HEE-Projection", "")
    return named if named.isdecimal() and int(named) != version else ""
