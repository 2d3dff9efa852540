"""Repairs: fix strategies, and the transaction in which one is tried, proved and recorded, or leaves nothing behind."""

from hee_monitoring.fixes.changes import FileChange
from hee_monitoring.fixes.diffpolicy import Policy, Violation, check
from hee_monitoring.fixes.outcome import Check, Outcome, Request
from hee_monitoring.fixes.registry import REGISTRY, candidates, select
from hee_monitoring.fixes.room import discard_leftovers
from hee_monitoring.fixes.strategy import Change, Declined, Strategy, Terms
from hee_monitoring.fixes.toolversion import Pin, pinned
from hee_monitoring.fixes.transaction import repair

__all__ = [
    "REGISTRY",
    "Change",
    "Check",
    "Declined",
    "FileChange",
    "Outcome",
    "Pin",
    "Policy",
    "Request",
    "Strategy",
    "Terms",
    "Violation",
    "candidates",
    "check",
    "discard_leftovers",
    "pinned",
    "repair",
    "select",
]
