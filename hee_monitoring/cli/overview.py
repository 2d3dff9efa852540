"""`hee` alone: how things stand in this repository, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core.errors import ConfigError, GitError, HeeError, KeyFault, LogNotFound
from hee_monitoring.nextsteps import by_urgency, next_steps
from hee_monitoring.status import WORDS

if TYPE_CHECKING:
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.workspace import Workspace

STEPS = 5


def show(place: str, terminal: Terminal) -> int:
    """Tells it in one screen; always 0, since looking around is no finding."""
    from hee_monitoring.workspace import Workspace

    try:
        with Workspace.open(place) as workspace:
            _stand(terminal, workspace)
            steps = list(next_steps(workspace.log.state, workspace.config))
    except GitError as error:
        terminal.status("UNKNOWN", str(error))
        steps = [
            ("hee demo", "shows the whole loop on a repository of its own"),
            ("hee explain LOG", "needs no repository"),
        ]
    except LogNotFound as error:
        terminal.status("UNKNOWN", "HEE does not watch this repository yet")
        begin = error.hint if error.hint.startswith("git ") else "hee init"
        steps = [(begin, "begins the log"), ("hee demo", "shows the whole loop somewhere else")]
    except (ConfigError, KeyFault, HeeError) as error:
        terminal.status("UNKNOWN", str(error))
        steps = [("hee doctor", error.hint)]
    terminal.line()
    terminal.line("Next")
    for command, what in steps[:STEPS]:
        terminal.exact(f"  {command}")
        terminal.line(terminal.dim(f"      {terminal.fit(what, terminal.width - 6)}"))
    terminal.line()
    terminal.line(terminal.dim("hee --help has every command"))
    return 0


def _stand(terminal: Terminal, workspace: Workspace) -> None:
    state, config = workspace.log.state, workspace.config
    count = len(state.issues)
    words = (
        f"{count} open issue(s)"
        if count
        else "nothing is red"
        if state.operational.sources
        else "nothing was looked at yet"
    )
    word = WORDS[state.status] if state.operational.sources or count else "UNKNOWN"
    terminal.status(word, f"{terminal.bold(state.status)}: {words}")
    if state.frozen:
        terminal.status("WARNING", f"frozen: {state.ledger.frozen_reason}")
    rows = [("log", f"{state.size} events, the last {state.time[:16].replace('T', ' ')} UTC")]
    judged = [
        (poll["time"], source, poll["commit"]) for source, poll in state.operational.sources.items() if poll["commit"]
    ]
    if judged:
        _, source, commit = max(judged)
        behind = "" if commit == workspace.repository.ref("HEAD^{commit}") else "; HEAD is another commit"
        rows.append(("judged", f"{commit[:7]} by {source}{behind}"))
    standing = sum(record["kind"] == "standing" for record in state.decisions.values())
    rows.append(("rules", f"{config.governance_rules}; {standing} standing decision(s)"))
    terminal.table(rows)
    for issue in by_urgency(state)[:STEPS]:
        fix = issue["fix"] or {}
        said = fix.get("outcome", "").replace("_", " ") or issue["action"] or "undecided"
        terminal.line(f"  {terminal.badge('CRITICAL' if issue['severity'] == 'critical' else 'WARNING')} "
                      f"{terminal.fit(issue['title'], max(20, terminal.width - 34))}  {terminal.dim(said)}")  # fmt: skip
    if count > STEPS:
        terminal.line(f"  and {count - STEPS} more: hee state")
