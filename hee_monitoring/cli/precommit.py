"""The specification's three hooks: offline, writing nothing, and quick when there is nothing to say.

Each opens only what it needs: without a staged file that a rule looks at, not even the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_core.errors import LogNotFound
from hee_core.git import Repository

if TYPE_CHECKING:
    from hee_core.projection import State
    from hee_governance.config import Config
    from hee_monitoring.cli.terminal import Terminal
    from hee_monitoring.staged import Staged


def monitor_check(place: str, terminal: Terminal, capsule: str | None, mode: str | None) -> int:
    """Holds what is staged against the rules, and a capsule that was handed in against the log."""
    from hee_monitoring.staged import Staged

    repository = Repository.discover(place)
    fault = _capsule(place, terminal, capsule)
    if fault:
        return fault
    staged = Staged(repository)
    if not staged.matters:
        return _quiet(terminal, f"{len(staged.changes)} staged file(s), none that a rule looks at")
    config = _config(repository, mode)
    report = staged.introduced(config)
    for finding in report.findings:
        word = "UNKNOWN" if finding.severity == "UNKNOWN" else "CRITICAL" if finding in report.blocking else "WARNING"
        terminal.status(word, f"{finding.path}:{finding.line}  {finding.message}  {finding.rule}")
        terminal.line(f"    {terminal.whole(finding.remedy)}")
    stops = [finding for finding in report.findings if finding in report.blocking or finding.severity == "UNKNOWN"]
    if terminal.as_json:
        terminal.json(
            {"ok": not stops, "evaluated": report.evaluated, "findings": [f.to_json() for f in report.findings]}
        )
    if stops and config.governance_rules == "strict":
        return 1
    return _quiet(terminal, f"{report.evaluated} rule checks, {len(report.findings)} new finding(s)", spoken=True)


def fix_check(place: str, terminal: Terminal, capsule: str | None, mode: str | None, safety: str | None) -> int:
    """Holds an agent's commit against the policy of repairs; tells a person of repairs that touch the same files."""
    from hee_monitoring.staged import Staged

    repository = Repository.discover(place)
    fault = _capsule(place, terminal, capsule)
    if fault:
        return fault
    staged = Staged(repository)
    if not staged.changes:
        return _quiet(terminal, "nothing is staged")
    if not staged.by_agent():
        return _beside(terminal, staged, repository, safety)
    config = _config(repository, mode)
    said = staged.refused(config, _state(place))
    for words in said:
        terminal.status("CRITICAL", words)
    if terminal.as_json:
        terminal.json({"ok": not said, "violations": said})
    if said and config.governance_rules == "strict":
        terminal.line("  an agent may commit what a repair may change, and capsules; leave the rest to a person")
        return 1
    return _quiet(terminal, f"{len(staged.changes)} staged file(s) hold to the policy of repairs", spoken=bool(said))


def _beside(terminal: Terminal, staged: Staged, repository: Repository, safety: str | None) -> int:
    """Proved repairs that nobody merged yet and that touch what is staged: they would stop applying."""
    found = []
    for branch in repository.text("for-each-ref", "--format=%(refname:short)", "refs/heads/hee/fix/").split():
        touched = repository.text("diff-tree", "-r", "--name-only", "--no-commit-id", branch).splitlines()
        if common := sorted(set(touched) & set(staged.changes)):
            found.append((branch, common))
    if terminal.as_json:
        terminal.json({"ok": True, "repairs": [{"branch": branch, "files": files} for branch, files in found]})
    for branch, files in found:
        terminal.status("WARNING", f"{branch} repairs {files[0]} as well: merge it first, or drop it")
    least = f" (automation at least {safety} safe)" if safety else ""
    return _quiet(terminal, f"{len(staged.changes)} staged file(s), a person commits{least}", spoken=bool(found))


def _capsule(place: str, terminal: Terminal, given: str | None) -> int:
    """1 for a capsule that was handed in and breaks the schema; a repository without one is in order."""
    from pathlib import Path

    from hee_monitoring import handed
    from hee_monitoring.cli import seed

    text, name = seed.named(given or None, terminal)
    found = handed.take(text, name=name, root=Path(place)) if text else None
    if found is None:
        return 0
    from hee_core.gitstore import open_log

    try:
        with open_log(place) as log:  # without the configuration: reading YAML would take longer than all the rest
            faults, _ = handed.faults(found, log)
    except LogNotFound:
        faults, _ = handed.faults(found, None)
    for words in faults:
        terminal.status("CRITICAL", words)
    return 1 if faults else 0


def _config(repository: Repository, mode: str | None) -> Config:
    """The configuration in force; a broken one is an error, since what it would forbid is not known."""
    from hee_monitoring.cli import seed
    from hee_monitoring.workspace import load_config

    return seed.in_mode(load_config(repository), mode)


def _state(place: str) -> State | None:
    from hee_monitoring.workspace import Workspace

    try:
        with Workspace.open(place) as workspace:
            return workspace.log.state
    except LogNotFound:
        return None


def _quiet(terminal: Terminal, words: str, *, spoken: bool = False) -> int:
    """Ends well; a document is printed unless one was."""
    if terminal.as_json:
        if not spoken:
            terminal.json({"ok": True, "detail": words})
    else:
        terminal.status("OK", words)
    return 0
