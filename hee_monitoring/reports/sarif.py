"""Findings as SARIF 2.1.0 (OASIS), which code scanning and editors read. Pure.

Invariant: every result names a rule of the run, and a location has a path inside the repository or none at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    **dict.fromkeys(("critical", "high", "error"), "error"),
    **dict.fromkeys(("medium", "low", "warning", "unknown"), "warning"),
    "info": "note",
}


@dataclass(frozen=True, slots=True)
class Result:
    """One finding. `line` counts from 1, 0 is the whole file; `help` is the next step; `waived` says why it is let be."""

    rule: str
    title: str
    severity: str
    message: str
    path: str = ""
    line: int = 0
    fingerprint: str = ""
    help: str = ""
    waived: str = ""


def document(results: Iterable[Result], *, version: str, commit: str = "") -> dict[str, Any]:
    """One run with its rules, in the order in which they first speak."""
    results = list(results)
    titles = {result.rule: (result.title, result.help) for result in reversed(results)}
    order = {rule: number for number, rule in enumerate(dict.fromkeys(result.rule for result in results))}
    rules = [
        {"id": rule, "shortDescription": {"text": titles[rule][0]},
         **({"help": {"text": titles[rule][1]}} if titles[rule][1] else {})}
        for rule in order
    ]  # fmt: skip
    driver = {"name": "hee", "semanticVersion": version, "rules": rules}
    run: dict[str, Any] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints"}
    run["results"] = [_result(result, order[result.rule]) for result in results]
    if commit:
        run["automationDetails"] = {"id": f"hee/{commit}"}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(result: Result, rule_index: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": rule_index,
        "level": _LEVELS.get(result.severity.lower(), "warning"),
        "message": {"text": f"{result.message}. Next: {result.help}" if result.help else result.message},
    }
    if result.path and not result.path.startswith("/") and ".." not in result.path.split("/"):
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(result.path), "uriBaseId": "%SRCROOT%"}}
        place["region"] = {"startLine": max(1, result.line)}  # code scanning shows nothing without a line
        made["locations"] = [{"physicalLocation": place}]
    if result.fingerprint:
        made["partialFingerprints"] = {"hee/v1": result.fingerprint}
    if result.waived:
        made["suppressions"] = [{"kind": "external", "justification": result.waived}]
    return made


def _uri(path: str) -> str:
    """A relative path as RFC 3986 writes one."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in path.encode("utf-8", "replace"))


def of_issues(issues: Iterable[Any]) -> list[Result]:
    """Open issues as `hee monitor` knows them; one without a file of its own stands at its workflow."""
    return [
        Result(
            issue["pattern_id"] or "HEE-UNKNOWN",
            issue["title"],
            issue["severity"] or issue["impact"] or "medium",
            _said(issue),
            *_place(issue),
            fingerprint=issue["fingerprint"],
            help=issue["next_step"],
        )
        for issue in issues
    ]


def _said(issue: Any) -> str:
    first = next(iter(issue["evidence"]), None)
    return f"{issue['title']}: {first['text'].strip()}" if first and first["text"].strip() else str(issue["title"])


def _place(issue: Any) -> tuple[str, int]:
    for item in issue["evidence"]:
        if item["channel"] in ("file", "annotation") and item["where"]:
            return item["where"], item["line"]
    return issue["job"].partition("#")[0], 0
