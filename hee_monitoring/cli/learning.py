"""`hee patterns learn | candidates | accept | refuse | retire`: patterns that a repository learns, and who says so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hee_monitoring.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.log import Entry
    from hee_core.operational import State
    from hee_monitoring.learning import Learned
    from hee_monitoring.workspace import Workspace

_RATIONALE = click.option("--rationale", required=True, help="Why; it stays in the record.")


@click.command()
@click.argument("paths", nargs=-1)
@click.option("--success", multiple=True, metavar="PATH", help="Logs of jobs that passed: nothing may match them.")
@click.option("--dry-run", is_flag=True, help="Show the candidates and record nothing.")
@options.as_json
@options.directory
def learn(place: str, paths: tuple[str, ...], success: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    r"""Propose patterns for failures that nothing explains; a person accepts them.

    Looks at the failures that the log records, and at the logs in PATHS (a file, an archive, a directory, - for standard
    input). A candidate is recorded as an event and explains nothing until `hee patterns accept`.

    \b
    Example:
      hee patterns learn ci-logs/red --success ci-logs/green
    """
    from hee_monitoring.learning import Policy, given, recorded
    from hee_monitoring.learning import learn as look
    from hee_monitoring.sources.logs import read_input

    terminal = options.terminal(as_json)
    files = [
        file
        for path in paths
        for file in read_input(None if path == "-" else Path(path), sys.stdin.buffer.read() if path == "-" else None)
    ]
    passing = [file for path in success for file in read_input(Path(path)) if not file.fault]
    with options.workspace(place) as workspace:
        if not dry_run:
            options.allowed(workspace, "propose")
        head, state, patterns = workspace.log.head, workspace.log.state, workspace.patterns
        config = workspace.config
        policy = Policy(config.support, config.growth, config.proposals)
        failures = recorded(workspace.log, patterns) + given(files, patterns)
        found = look(failures, [file.data for file in passing], policy, state)
        if found.proposals and not dry_run:
            workspace.log.append(_events(workspace, found, policy.text), expected=head)
    if as_json:
        terminal.json(_document(found, recorded=bool(found.proposals) and not dry_run))
        return
    for proposal in found.proposals:
        terminal.line(f"{terminal.badge('WARNING')} {terminal.bold(proposal.candidate)}  {proposal.category}")
        terminal.line(f"    {terminal.fit(proposal.template, terminal.width - 4)}")
        terminal.line(terminal.dim(f"    {len(proposal.runs)} run(s) of {proposal.repositories} repository(ies)"))
    for reason, count in sorted(found.left_out.items()):
        terminal.line(terminal.dim(f"  left out  {count} {reason}"))
    terminal.status(
        "OK",
        f"{found.unexplained} of {found.failures} failure(s) unexplained, {len(found.proposals)} candidate(s)"
        + (", nothing recorded" if dry_run else ""),
    )
    if found.proposals and not found.successes:
        terminal.note("no passing logs were given: whether a candidate matches one is not known (--success PATH)")
    if found.proposals and not dry_run:
        terminal.line(f'  next: hee patterns accept {found.proposals[0].candidate} --rationale "why"')


@click.command("candidates")
@options.at
@options.as_json
@options.directory
def candidates_(place: str, at: str | None, as_json: bool) -> None:
    """List the candidates that wait for a person, and those that were refused."""
    from hee_core.history import resolve

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        ledger = workspace.log.state_after(resolve(workspace.log, at)).ledger
    if as_json:
        terminal.json({"proposed": list(ledger.proposals.values()), "refused": list(ledger.refusals.values())})
        return
    for name, record in ledger.proposals.items():
        terminal.line(f"{terminal.badge('WARNING')} {terminal.bold(name)}  {record['category']}")
        terminal.line(f"    {terminal.fit(record['regex'], terminal.width - 4)}")
        terminal.line(terminal.dim(f"    {record['support']} run(s) of {record['repositories']} repository(ies)"))
        for example in record["examples"][:2]:
            terminal.line(f"    example  {terminal.fit(example, terminal.width - 13)}")
    for name, record in ledger.refusals.items():
        terminal.line(f"{terminal.badge('UNKNOWN')} {name}  refused: {terminal.fit(record['reason'], 60)}")
    if not ledger.proposals:
        terminal.line("  no candidate waits; next: hee patterns learn")


@click.command()
@click.argument("candidate")
@click.option("--category", default="", help="What kind of failure it is; needed where nothing proves it.")
@click.option("--title", default="", help="What happened, in a few words.")
@click.option("--what", default="", help="What it means.")
@click.option("--remedy", default="", help="What to do.")
@_RATIONALE
@options.as_json
@options.directory
def accept(
    place: str, candidate: str, category: str, title: str, what: str, remedy: str, rationale: str, as_json: bool
) -> None:
    """Bring a candidate into force as a pattern of this repository. Takes a person's key."""
    from hee_core.errors import EventError
    from hee_monitoring import candidates

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "accept", candidate)
        state = workspace.log.state
        proposal = _named(state, candidate)
        category = category or proposal["category"]
        if not candidates.learnable(category):
            raise EventError(
                f"nothing proves the category of {proposal['candidate']}"
                if category == "unknown"
                else f"{category!r} is no category of a learned pattern",
                hint="--category, one of: " + ", ".join(candidates.LEARNABLE),
            )
        if said := candidates.faults(proposal["template"], proposal["regex"]):
            raise EventError(f"{proposal['candidate']} is no pattern: {'; '.join(said)}", hint="refuse it")
        name, version = _number(state, proposal["candidate"])
        data = {
            "candidate": proposal["candidate"],
            "pattern_id": name,
            "version": version,
            "category": category,
            "title": title or f"Learned: {proposal['template']}"[:120],
            "what": what
            or f"{proposal['support']} runs of this repository failed with this line before it was learned.",
            "remedy": remedy or "Read the line, and see how it ended the last time: `hee explain` tells.",
        }
        entry = _settle(workspace, "pattern.accepted", data, name, "accepted", proposal["template"], rationale)
    if as_json:
        terminal.json({**options.entry_json(entry), "pattern_id": name, "pattern_version": version})
        return
    terminal.status("OK", f"{name} version {version} ({category}) explains from here on; `hee patterns show {name}`")


@click.command()
@click.argument("candidate")
@_RATIONALE
@options.as_json
@options.directory
def refuse(place: str, candidate: str, rationale: str, as_json: bool) -> None:
    """Refuse a candidate; it comes back only when far more runs show it. Takes a person's key."""
    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "accept", candidate)
        proposal = _named(workspace.log.state, candidate)
        name = proposal["candidate"]
        data = {"candidate": name, "reason": rationale}
        entry = _settle(workspace, "pattern.refused", data, name, "refused", proposal["template"], rationale)
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"{name} is refused, with event {entry.index}")


@click.command()
@click.argument("pattern_id")
@_RATIONALE
@options.as_json
@options.directory
def retire(place: str, pattern_id: str, rationale: str, as_json: bool) -> None:
    """Take a learned pattern out of force; what it explained before keeps its record. Takes a person's key."""
    from hee_core.errors import NotFound

    terminal = options.terminal(as_json)
    with options.workspace(place) as workspace:
        options.allowed(workspace, "accept", pattern_id)
        record = workspace.log.state.ledger.learned.get(pattern_id)
        if record is None:
            raise NotFound(f"{pattern_id} is no learned pattern", hint="`hee patterns list --own` has them")
        data = {"pattern_id": pattern_id, "reason": rationale}
        entry = _settle(workspace, "pattern.retired", data, pattern_id, "retired", record["template"], rationale)
    if as_json:
        terminal.json(options.entry_json(entry))
        return
    terminal.status("OK", f"{pattern_id} explains nothing from event {entry.index} on")


def _events(workspace: Workspace, found: Learned, policy: str) -> list[Any]:
    """One event for each candidate: data, never code."""
    from hee_monitoring import facts

    patterns = workspace.patterns
    return [
        facts.event(
            "pattern.proposed",
            {
                "candidate": proposal.candidate,
                "regex": proposal.regex,
                "template": proposal.template,
                "category": proposal.category,
                "support": len(proposal.runs),
                "repositories": proposal.repositories,
                "examples": list(proposal.examples),
                "failures": found.failures,
                "successes": found.successes,
                "lines": found.lines,
                "database": f"{patterns.version}+{patterns.digest[:12]}",
                "policy": policy,
            },
            subject=f"pattern/{proposal.candidate}",
            clock=workspace.clock,
        )
        for proposal in found.proposals
    ]


def _settle(
    workspace: Workspace, type_: str, data: Mapping[str, Any], about: str, value: str, template: str, rationale: str
) -> Entry:
    """One append: what becomes of the pattern, and the decision that says so, which replaces the one before it."""
    from hee_core.errors import EventError
    from hee_monitoring import facts

    if not rationale.strip():
        raise EventError("the rationale is empty", hint="a decision says why")
    log, key = workspace.log, f"pattern/{about}"
    head, state = log.head, log.state
    before = [name for name, record in state.decisions.items() if record["key"] == key]
    decision = {
        "kind": "standing", "key": key, "value": value, "statement": f"{value}: {template}"[:500],
        "rationale": rationale, "scope": [f"pattern:{about}"], "evidence": [str(data.get("candidate", about))],
        "supersedes": before[-1] if before else "",
    }  # fmt: skip
    return log.append(
        [
            facts.event(type_, data, subject=key, clock=workspace.clock),
            facts.event("decision.recorded", decision, subject=f"decision/{key}", clock=workspace.clock),
        ],
        expected=head,
    )


def _named(state: State, name: str) -> Mapping[str, Any]:
    """The proposal with this id, or the one whose id begins so."""
    from hee_core.errors import NotFound

    found = [record for each, record in state.ledger.proposals.items() if each.startswith(name) and name]
    if len(found) != 1:
        raise NotFound(
            f"{len(found) or 'no'} candidate(s) have the id {name}", hint="`hee patterns candidates` lists what waits"
        )
    return found[0]


def _number(state: State, candidate: str) -> tuple[str, int]:
    """The id that a candidate has or gets, and its next version."""
    from hee_core import learned
    from hee_core.errors import EventError

    known = state.ledger.learned
    if name := learned.holder(known, candidate):
        return name, known[name]["version"] + 1
    number = max((int(name[-3:]) + 1 for name in known), default=learned.FIRST)
    if number > learned.LAST:
        raise EventError(
            f"all numbers of learned patterns ({learned.FIRST} to {learned.LAST}) are used",
            hint="write the pattern into .hee/patterns.yaml",
        )
    return f"HEE-PAT-{number}", 1


def _document(found: Learned, *, recorded: bool) -> dict[str, Any]:
    return {
        "recorded": recorded,
        "failures": found.failures,
        "unexplained": found.unexplained,
        "successes": found.successes,
        "lines": found.lines,
        "candidates": [
            {
                "candidate": proposal.candidate,
                "template": proposal.template,
                "regex": proposal.regex,
                "category": proposal.category,
                "support": len(proposal.runs),
                "repositories": proposal.repositories,
                "examples": list(proposal.examples),
            }
            for proposal in found.proposals
        ],
        "left_out": dict(sorted(found.left_out.items())),
    }
