"""A decision of the ledger as judgement sees it: what it speaks about, what it demands, what it forbids.

Responsible for reading the payload of `decision.recorded` and for telling whether a decision applies. Leaves the
ledger itself (which decisions are active) to `hee_core`, and contradictions between decisions to `conflicts`.

A scope is a list of selectors: `category:`, `pattern:`, `branch:`, `issue:` or `path:` and a glob; text without one
of these words is a path. Selectors of one word are alternatives, different words must all hold, and a decision
without a scope applies everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_governance.paths import any_match, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.catalogue import Action

KINDS = ("category", "pattern", "branch", "issue", "path")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is held against; `paths` is empty while it is not known which files are touched."""

    category: str = ""
    pattern: str = ""
    branch: str = ""
    issue: str = ""
    paths: tuple[str, ...] = ()

    def values(self, kind: str) -> tuple[str, ...]:
        """The subject's values for a selector's word."""
        if kind == "path":
            return self.paths
        value: str = getattr(self, kind)
        return (value,) if value else ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One recorded decision. `digest` is the hash of its record, where the caller has one."""

    decision_id: str
    key: str
    statement: str = ""
    action: Action | None = None
    value: str = ""
    deny_paths: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    supersedes: str = ""
    kind: str = "standing"
    digest: str = ""
    evidence: tuple[str, ...] = ()

    @classmethod
    def of(cls, decision_id: str, data: Mapping[str, Any], *, digest: str = "") -> Decision:
        """Reads the payload of a `decision.recorded` event."""
        return cls(
            decision_id,
            key=data["key"],
            statement=data.get("statement", ""),
            action=data.get("action"),
            value=data.get("value", ""),
            deny_paths=tuple(data.get("deny_paths", ())),
            scope=tuple(data.get("scope", ())),
            supersedes=data.get("supersedes", ""),
            kind=data.get("kind", "standing"),
            digest=digest,
            evidence=tuple(data.get("evidence", ())),
        )

    def applies(self, subject: Subject) -> bool:
        """Says whether the scope selects the subject; a selector over something unknown does not."""
        return all(
            any(matches_value(kind, glob, value) for glob in globs for value in subject.values(kind))
            for kind, globs in selectors(self.scope).items()
        )

    def denied(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the paths that this decision forbids to change."""
        return tuple(path for path in paths if any_match(self.deny_paths, path))


def selectors(scope: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """A scope as the globs of each word."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in scope:
        word, colon, glob = entry.partition(":")
        kind, glob = (word, glob.strip()) if colon and word in KINDS else ("path", entry)
        found[kind] = (*found.get(kind, ()), glob)
    return found


def matches_value(kind: str, glob: str, value: str) -> bool:
    """Says whether a selector's glob selects a value; only paths and branches have segments."""
    return matches(glob, value) if kind in ("path", "branch") else matches(glob, value.replace("/", "-"))
