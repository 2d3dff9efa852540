"""Detectors of HEE's own five patterns: pure functions over a commit's files and what the log knows.

Responsible for finding and for naming findings stably; leaves impact, decision and repair to the pipeline. Invariant:
the same files and facts give the same diagnoses in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_monitoring.detectors.subject import BOUND, Found, Known, named
from hee_monitoring.evidence import Channel, Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.operational import State
    from hee_governance.config import Config
    from hee_governance.rules import Report
    from hee_monitoring.evidence import Diagnosis

__all__ = ["BOUND", "Found", "Known", "detect", "find", "known_of", "named"]


def detect(
    tree: Mapping[str, bytes],
    state: State,
    config: Config,
    report: Report,
    *,
    history: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Diagnosis, ...]:
    """Runs every detector; `report` is what the rules said about the tree, `history` what `context.history_of` gives."""
    return find(tree, known_of(state, config, report, history=history))


def find(tree: Mapping[str, bytes], known: Known) -> tuple[Diagnosis, ...]:
    """Runs every detector over the files and facts."""
    from hee_governance.document import reading_once
    from hee_monitoring.detectors import context, decision, documented, governance, records, spec, state

    detectors = (state, records, decision, spec, documented, governance, context)
    with reading_once():
        found = [entry for detector in detectors for entry in detector.detect(tree, known)]
    broken = {entry.subject for entry in found if entry.pattern_id == "HEE-PAT-001"}
    once = {entry.name: entry for entry in reversed(found) if not _told_already(entry, broken)}
    return tuple(entry.diagnosis for entry in reversed(once.values()))


def known_of(
    state: State, config: Config, report: Report, *, history: Mapping[str, tuple[str, ...]] | None = None
) -> Known:
    """What the log's state says to the detectors."""
    from hee_governance.decisions import Decision

    ledger = state.ledger
    return Known(
        config=config,
        report=report,
        decisions=tuple(Decision.of(name, record) for name, record in state.decisions.items()),
        ended=frozenset(ledger.ended),
        ended_complete=ledger.ended_count == len(ledger.ended),
        attempts={name: record["streak"] for name, record in ledger.attempts.items()},
        history=history or {},
        open=tuple(_issue(record) for record in state.issues.values() if record["source"] == "files"),
    )


def _issue(record: Mapping[str, Any]) -> Found:
    """An open issue of the log as a finding of ours."""
    evidence = tuple(
        Evidence(Channel(item["channel"]), item["text"], item["line"], item["where"]) for item in record["evidence"]
    )
    return Found(
        pattern_id=record["pattern_id"],
        category=record["category"],
        rule="open",
        subject=record["issue_id"],
        title=record["title"],
        confidence=record["confidence"],
        evidence=evidence,
        fingerprint=record["fingerprint"],
    )


def _told_already(entry: Found, broken: set[str]) -> bool:
    """Says whether a rule repeats about a capsule what the state detector says: the file is one issue, not two."""
    return entry.pattern_id == "HEE-PAT-004" and entry.rule == "h" and entry.captures["path"] in broken
