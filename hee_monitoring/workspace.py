"""A watched repository with all that a cycle needs of it: log, configuration, policy, patterns. The composition root.

Configuration and policy are read from the protected branch; only before it is committed there, from the worktree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hee_core.clock import SYSTEM, Clock
from hee_core.errors import ConfigError, IntegrityError, KeyFault, LogNotFound
from hee_core.git import ObjectReader, Repository
from hee_core.gitstore import open_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hee_core.events import Event
    from hee_core.keys import Signer
    from hee_core.log import Log
    from hee_core.projection import State
    from hee_governance.config import Config
    from hee_governance.decide import Policy
    from hee_monitoring.database import PatternDB

CONFIG = "hee.yaml"
PROTECTED = ("main", "master")


@dataclass(frozen=True)
class Workspace:
    """One repository, its log and its rules. Use it in `with`; it closes the log."""

    repository: Repository
    log: Log
    config: Config
    clock: Clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] = ".",
        *,
        signer: Signer | None = None,
        clock: Clock = SYSTEM,
        create: bool = False,
    ) -> Workspace:
        """Opens the log of the repository that holds `path`; raises LogNotFound before `hee init` unless `create` is set."""
        repository = Repository.discover(path)
        config = load_config(repository, clock=clock)
        try:
            log = open_log(repository, signer=signer, clock=clock, pin=config.log_id, create=create)
        except LogNotFound as error:
            raise LogNotFound(
                str(error), hint="run `hee sync`: a remote has it" if _of_remote(repository) else error.hint
            ) from None
        return cls(repository, log, config, clock)

    @cached_property
    def policy(self) -> Policy:
        """What the configuration allows."""
        from hee_governance.decide import Policy

        return Policy.of(self.config)

    @cached_property
    def patterns(self) -> PatternDB:
        """The pattern database in force: what this program ships, the project's file, and what people accepted."""
        return self.patterns_with(self.pattern_file, self.log.state)

    @cached_property
    def pattern_file(self) -> str:
        """The git blob of the project's pattern file, on the branch that the configuration is read from; empty if there is none."""
        from hee_monitoring.ownpatterns import PATH

        named = protected_branches(self.repository)
        there = self.repository.text("for-each-ref", "--format=%(refname)", *named).splitlines()
        branch = next((name for name in named if name in there), "HEAD")
        return self.repository.ref(f"{branch}:{PATH}") or ""

    def patterns_with(self, file: str, state: State) -> PatternDB:
        """The database with a pattern file (a blob) and what a state has in force; raises ConfigError for a file that is none."""
        from hee_monitoring import ownpatterns
        from hee_monitoring.database import PatternDB

        learned = state.ledger.learned
        if not file:
            return ownpatterns.extended(PatternDB.load(), (), learned) if learned else PatternDB.load()
        with ObjectReader(self.repository) as reader:
            found = reader.read(file)
        if found is None or found[0] != "blob":
            raise ConfigError(f"the pattern file {file[:12]} is not here any more", hint="fetch the commit that had it")
        return ownpatterns.extended(PatternDB.load(), ownpatterns.load(found[1]), learned)

    @property
    def work(self) -> Path:
        """Where clones and caches of this repository live: outside of it, one directory a log."""
        return cache_directory() / self.log.id[:16]

    def commit(self, name: str = "HEAD") -> tuple[str, str]:
        """The commit to judge and the branch it is on (empty when detached)."""
        return self.repository.commit(name), self.repository.head_branch() if name == "HEAD" else ""


def cache_directory() -> Path:
    """`$HEE_HOME/cache`, else `$XDG_CACHE_HOME/hee`, else `~/.cache/hee`."""
    if home := os.environ.get("HEE_HOME"):
        return Path(home) / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hee"


def load_config(repository: Repository, *, clock: Clock = SYSTEM) -> Config:
    """The configuration in force: the protected branch's, or before it is committed there, the worktree's new one.

    A configuration that only some other branch has counts for nothing, lest a commit bring its own judge; in a
    repository without a protected branch it is HEAD's. Where there is none, the default one holds. The waivers are
    those of the same branch, and today is the day that dates are held against.
    """
    from hee_governance import waivers
    from hee_governance.config import dump_default, load

    named = protected_branches(repository)
    there = repository.text("for-each-ref", "--format=%(refname)", *named).splitlines()
    protected = [name for name in named if name in there]
    config: Config | None = None
    waived: tuple[waivers.Waiver, ...] = ()
    with ObjectReader(repository) as reader:
        for name in protected or ["HEAD"]:
            found = reader.read(f"{name}:{CONFIG}")
            if config is None and found and found[0] == "blob":
                config = load(found[1], CONFIG)
        for place in waivers.PLACES:
            found = reader.read(f"{(protected or ['HEAD'])[0]}:{place}")
            if found and found[0] == "blob":
                waived += waivers.read(place, found[1])
        tracked = bool(protected) and reader.read(f"HEAD:{CONFIG}") is not None
    worktree = repository.root / CONFIG if repository.root else None
    if config is None and worktree and worktree.is_symlink():
        raise ConfigError(f"{CONFIG} is a symbolic link", hint="make it a regular file")
    if config is None:
        own = worktree is not None and worktree.is_file() and not tracked
        config = load(worktree.read_bytes() if worktree and own else dump_default(), CONFIG)
    if config.plugins:
        from hee_monitoring import plugins

        config = replace(config, brought=plugins.rules(config.plugins))
    return replace(config, as_of=clock.now()[:10], waivers=waived)


def protected_branches(repository: Repository) -> tuple[str, ...]:
    """The branches whose word counts: main and master, or what the remote calls its default branch."""
    default = repository.remote_default()
    named = [f"refs/heads/{name}" for name in PROTECTED]
    if default:
        named = [f"refs/heads/{default.removeprefix('refs/remotes/origin/')}", default, *named]
    return tuple(named)


@dataclass(frozen=True)
class Initialized:
    """What `initialize` made or found. `key_path` is None for a key of the environment, `fault` why it may not sign."""

    repository: Repository
    log_id: str
    created: bool
    config_written: bool
    pinned: bool
    signer: Signer
    key_path: Path | None
    fault: KeyFault | None
    people: tuple[str, ...]


def initialize(
    path: str | os.PathLike[str] = ".",
    *,
    clock: Clock = SYSTEM,
    roots: Sequence[tuple[str, str]] = (),
    threshold: int = 1,
) -> Initialized:
    """Makes key, log and configuration where they are missing; safe to run again, and says what is still to be done.

    `roots` are more root keys of a new log, each with its actor; raises KeyFault where a log is that says otherwise.
    """
    from hee_core.keys import create_agent_key, default_key_path, load_signer
    from hee_governance.config import dump_default

    repository = Repository.discover(path)
    key_path = None if os.environ.get("HEE_SIGNING_KEY", "").strip() else default_key_path()
    if key_path:
        create_agent_key(key_path)
    config, signer = load_config(repository), load_signer()
    with open_log(repository, signer=signer, clock=clock, pin=config.log_id, create=True) as log:
        new = log.head is None
        if new:
            if there := _of_remote(repository):
                _adopt(log, there)
                new = False
            elif config.log_id:
                raise LogNotFound(
                    f"{CONFIG} names log {config.log_id[:12]}, and the branch hee/log is not here",
                    hint="fetch it: `hee sync`; or take the id out of the configuration to begin anew",
                )
            else:
                log.create("created by hee init", roots=roots, threshold=threshold)
        if not new and (roots or threshold > 1):
            _agree(log.entry(0).event, roots, threshold)
        target = (repository.root or repository.git_dir) / CONFIG
        written = repository.root is not None and not os.path.lexists(target) and not config.log_id
        if written:
            beside = target.with_name(f".{CONFIG}.{os.getpid()}")
            beside.write_bytes(dump_default(log.id))
            beside.replace(target)
        head = log.refresh()
        assert head.keyring is not None  # noqa: S101 - every log has a first event, which says whose keys count
        fault, people = head.keyring.fault(signer, head.size), head.keyring.people(head.size)
        pinned = written or config.log_id == log.id
        return Initialized(repository, log.id, new, written, pinned, signer, key_path, fault, people)


def _agree(genesis: Event, roots: Sequence[tuple[str, str]], threshold: int) -> None:
    """Refuses root keys and a threshold that are not those of the first event, which nothing changes any more."""
    named = {key["public_key"]: key["actor"] for key in genesis.data["root_keys"]}
    if any(named.get(key) != actor for key, actor in roots) or genesis.data["threshold"] != threshold:
        raise KeyFault(
            "the log exists, and its first event names other root keys or another threshold",
            hint="change them by events: `hee keys add`, `hee keys promote`, `hee keys threshold`",
        )


def _adopt(log: Log, ref: str) -> None:
    """Takes over the log that a clone brought along, instead of beginning a second one; raises IntegrityError if it does not hold."""
    from hee_core.reconcile import adopt

    for finding in adopt(log, ref).findings:
        raise IntegrityError(
            f"the log that this clone brought along does not hold: event {finding.index}: {finding.kind}: {finding.detail}",
            hint=f"ask who pushed to hee/log; `git log {ref}` shows it",
        )


def _of_remote(repository: Repository) -> str:
    """The remote-tracking branch that holds the log of a remote; empty when none does."""
    done = repository.attempt("for-each-ref", "--format=%(refname)", "refs/remotes/*/hee/log")
    found = done.stdout.decode("utf-8", "replace").split()
    return found[0] if found else ""
