"""Turns a template into an expression, and says by rule whether an expression is fit to be a pattern.

Responsible for the expression (RE2, on one line, captures that name the thing), for what makes one too general or unsafe,
for the few words that prove a category, and for the pattern that an accepted candidate becomes. What it matches is
measured by `learning`.

Invariant: an expression that `faults` passes is linear, bounded, publishable, and holds words of its own; a learned pattern
is a hint: it proves no failure, beats no shipped cause, and its row of the matrix is that of the unknown: people look.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from hee_monitoring.database import Pattern
from hee_monitoring.finder import compiled
from hee_monitoring.miner import GAP, MASKS, NAME, NUMBER, PATH, URL, is_word, parsed
from hee_monitoring.pattern_sources import CATEGORIES, captures_of
from hee_monitoring.redact import publishable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_monitoring.miner import Template

LONGEST = 600
LETTERS = 8
WORDS = 2
DETECTED = ("state", "decision", "spec", "governance", "context")  # found by detectors in files, never by text
LEARNABLE = tuple(category for category in CATEGORIES if category not in (*DETECTED, "unknown"))
# Words that stand in every kind of failure; they say nothing of which one it is.
_GENERIC = frozenset(
    [
        "error",
        "errors",
        "failed",
        "failure",
        "failing",
        "fail",
        "fatal",
        "exception",
        "warning",
        "info",
        "debug",
        "line",
        "file",
        "exit",
        "code",
        "with",
        "status",
        "at",
        "in",
        "on",
        "of",
        "to",
        "for",
        "from",
        "the",
        "and",
        "is",
        "are",
        "was",
        "not",
        "no",
        "by",
        "at",
        "all",
        "build",
        "command",
        "process",
        "job",
        "step",
        "run",
        "task",
        "test",
        "tests",
    ]
)
_OPENING, _CLOSING = "(?:['\"`]|\u2018)", "(?:['\"`]|\u2019)"
_SHAPES = {
    GAP: r"[^\n]{1,200}?",
    NUMBER: r"[-+\w.:%]*\d[-+\w.:%]*",
    NAME: _OPENING + r"[^'\"`\n]{1,200}?" + _CLOSING,
    PATH: r"[\w.@~+:/\\-]{1,300}",
    URL: r"[a-z]{2,8}://[^ \t'\"`<>\n]{1,300}",
}
_CAPTURED = {
    NAME: _OPENING + r"(?P<name>[^'\"`\n]{1,200}?)" + _CLOSING,
    PATH: r"(?P<file>[\w.@~+:/\\-]{1,300})",
    URL: r"(?P<url>[a-z]{2,8}://[^ \t'\"`<>\n]{1,300})",
}
_EVERYWHERE = (b"", b" ", b"error", b"Error: failed", b"a b c d e f g h 1 2 3 'x' /y/z")
# A category is guessed only from words that prove it; anything else is for a person to say.
_PROOFS: dict[str, frozenset[str]] = {
    "dependency": frozenset({"ModuleNotFoundError", "ImportError", "ClassNotFoundException", "NoClassDefFoundError"}),
    "compile": frozenset({"SyntaxError", "IndentationError"}),
    "test": frozenset({"AssertionError", "AssertionFailedError", "ComparisonFailure"}),
    "timeout": frozenset({"TimeoutError", "TimeoutException", "TimeoutExpired"}),
    "network": frozenset({"ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", "EAI_AGAIN", "UnknownHostException"}),
    "permission": frozenset({"PermissionError", "EACCES", "EPERM", "AccessDeniedException"}),
    "resource": frozenset({"ENOSPC", "ENOMEM", "OutOfMemoryError", "MemoryError"}),
}


def candidate_id(template: str) -> str:
    """The same template is the same candidate, whoever found it."""
    return f"HEE-CAN-{hashlib.sha256(template.encode()).hexdigest()[:12]}"


def expression(template: Template) -> str:
    """The expression of a template: its words and marks, with the first name, path and address captured."""
    pieces, made, captured = list(template.pieces), [], set[str]()
    while pieces and (pieces[0] in (GAP, NUMBER) or pieces[0] == " "):
        del pieces[0]
    while pieces and (pieces[-1] in (GAP, NUMBER) or pieces[-1] == " "):
        del pieces[-1]
    for piece in pieces:
        if piece in _CAPTURED and piece not in captured:
            captured.add(piece)
            made.append(_CAPTURED[piece])
        elif piece in MASKS:
            made.append(_SHAPES[piece])
        else:
            made.append("[ \\t]+" if piece == " " else re.escape(piece))
    begins = pieces and is_word(pieces[0]) and pieces == list(template.pieces[: len(pieces)])
    return ("^[ \\t]*" if begins else "") + "".join(made)


def faults(template: str, regex: str) -> list[str]:
    """What makes an expression unfit to be a pattern, whatever it matches; empty if nothing does."""
    words: list[str] = re.findall(r"[^\W\d]+", re.sub(r"<(?:gap|number|name|path|url)>", " ", template))
    own = sum(len(word) for word in words if word.lower() not in _GENERIC)
    found = []
    if own < LETTERS or len(words) < WORDS:
        found.append(f"too general: {own} letters of its own, at least {LETTERS} in {WORDS} words are needed")
    if expression(parsed(template)) != regex:
        found.append("the expression is not that of its template")
    if len(regex) > LONGEST:
        found.append(f"too long: {len(regex)} characters, at most {LONGEST}")
    if publishable(regex) != regex or publishable(template) != template:
        found.append("holds what looks like a secret, or a character that is not shown")
    try:
        matcher = compiled(regex)
    except ValueError:
        return [*found, "is no expression that RE2 takes"]
    return [*found, "too general: it matches what says nothing"] if says_nothing(matcher) else found


def says_nothing(matcher: re.Pattern[bytes]) -> bool:
    """Says whether an expression matches lines that are in every log."""
    return any(matcher.search(text) for text in _EVERYWHERE)


def guessed(template: Template) -> str:
    """The category that words of the template prove; `unknown` where none does, or two do."""
    words = {piece for piece in template.pieces if is_word(piece)}
    found = [category for category, proofs in _PROOFS.items() if words & proofs]
    return found[0] if len(found) == 1 else "unknown"


def learnable(category: str) -> bool:
    """Says whether a person may put a learned pattern under this category."""
    return category in LEARNABLE


def pattern_of(record: Mapping[str, Any]) -> Pattern:
    """The pattern that an accepted candidate (a record of the ledger) is: a hint that waits for a person's review."""
    category = record["category"]
    return Pattern(
        pattern_id=record["pattern_id"], title=record["title"], description=record["what"], category=category,
        channel="log", hee_impact=CATEGORIES[category][2], safety_level="Low", rollback_required=True,
        matrix_row="unknown", what=record["what"], remedy=record["remedy"], priority=40, role="hint",
        regexes=(record["regex"],), vetoes=(), then="", peek="", near=0,
        captures=captures_of((record["regex"],)), examples=tuple(record["examples"]), counterexamples=(),
    )  # fmt: skip
