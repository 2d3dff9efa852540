"""What a fix strategy is: a mechanical repair for one kind of failure, and the terms under which it works.

Responsible for the interface and its values. Which strategies there are is left to `registry`, whether a repair holds
to `transaction`.

Invariant: a strategy changes files in the tree it is given and nothing else; that it can't repair is a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from hee_monitoring.evidence import Diagnosis
    from hee_monitoring.fixes.meaning import Keeps
    from hee_monitoring.fixes.tools import Tools


@dataclass(frozen=True)
class Change:
    """What a strategy did, in plain words without anything of a log, and the tool with the version really used.

    `may_move` are the packages of a lock file whose demand in the manifest changed: no other may get another version.
    """

    summary: str
    tool: str
    may_move: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Declined:
    """Why a strategy did not do anything, in one sentence."""

    reason: str


@dataclass(frozen=True)
class Terms:
    """What the diff of a strategy may look like; see `diffpolicy.Policy` for the words.

    `whole_tree`: its tool looks at all files, so a link that leaves the tree forbids it. `gate`: a failed job proves
    it; without one its outcome is `applied`, never `verified`. `reviewed` are globs of protected files, CI and the
    configuration of gates, that it changes nonetheless: such a strategy is tried only after a person approved the repair.
    """

    paths: tuple[str, ...]
    keeps: Keeps
    creates: tuple[str, ...] = ()
    executable: bool = False
    pending_tests: bool = False
    whole_tree: bool = False
    gate: bool = True
    reviewed: tuple[str, ...] = ()


class Strategy(Protocol):
    """One mechanical repair. `rows` are the rows of the decision matrix that it serves.

    `network` says that it installs or resolves something; what runs the repository's code runs without it all the same.
    """

    name: str
    rows: tuple[str, ...]
    network: bool
    terms: Terms

    def applies(self, diagnosis: Diagnosis, tree: Path) -> str | None:
        """None when it can try this failure in this tree, else one sentence why not."""
        ...

    def apply(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> Change | Declined:
        """Changes files in the tree; raises ToolMissing when its tool can't be had."""
        ...


@runtime_checkable
class Proving(Strategy, Protocol):
    """A strategy for what no job shows: it says itself how its work is proved."""

    def prove(self, diagnosis: Diagnosis, tree: Path, tools: Tools) -> str:
        """What is wrong with the repaired tree in one sentence; empty when it is as it should be."""
        ...
