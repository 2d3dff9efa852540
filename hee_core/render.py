"""The capsule for people: Markdown that a forge shows, with the same capsule in it as data.

Text that came from a log is shown as code wherever it could mean something to Markdown, so nothing in it becomes a
link, a mention or a tag. The page has no tables and wraps nothing: common formatters leave it as it is.
Invariant: `from_markdown(to_markdown(capsule))` is the capsule.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hee_core import canonical, fences
from hee_core.errors import CapsuleError, EventError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

# status -> its icon, what it means, what a person does
STATUS = {
    "operational": ("🟢", "all is well", ""),
    "degraded": ("🟡", "something is red", ""),
    "hee-compliance-check": ("🟠", "governance is being checked", "Read `hee governance check`, and mend or waive."),
    "failed": ("🔴", "a person has to look", "Read the open issues. HEE repairs nothing until the state is degraded."),
    "maintenance": ("🔵", "a person is at work", "End the maintenance when the work is done."),
}
FIXES_SHOWN = 10
RESOLVED_SHOWN = 10
DECISIONS_SHOWN = 50
TEXT_SHOWN = 200
NEXT = {
    "auto-fix": "`hee monitor --once` repairs it, or says why it cannot.",
    "rerun": "Run the job again: the failure is not in the code.",
    "agent-review": "Somebody who knows the code has to look at it.",
    "manual-only": "Only a person may act on it.",
}
_SEVERITY = {"critical": 0, "high": 1, "medium": 2, "low": 3}
_PLAIN = re.compile(r"(?:[^\W_]|[ ,;()'/%=.+-]|:(?= |\Z))+")
_LINKING = re.compile(r"www\.|\bGH-[0-9]", re.IGNORECASE)


def to_markdown(capsule: Document, *, log_id: str, head: str | None, index: int, data: bool = True) -> str:
    """The page; `head` names the log's head, `index` its last event. Without `data` it is for reading only."""
    state = capsule["hee_monitoring_state"]
    issues = state.get("recent_issues", [])
    opened = sorted((issue for issue in issues if not issue.get("resolved")), key=_rank)
    icon, meaning, _ = STATUS[state["current_status"]]
    sections = [
        [f"# {icon} {state['current_status']}", "", f"{meaning.capitalize()}: {_summary(capsule, opened)}."],
        *_freeze(capsule),
        _section("What to do next", _todo(capsule, opened)),
        _section("Open issues", (line for issue in opened for line in _issue(issue))),
        _section("Repairs", _fixes(capsule["hee_auto_fix_history"])),
        _section("Active decisions", _decisions(capsule.get("hee_decisions", {}))),
        _section("Measured", _measured(capsule)),
        _section("Resolved", (_resolved(issue) for issue in _last(issues, RESOLVED_SHOWN))),
        _section("This page", _origin(capsule, log_id, head, index)),
    ]
    if data:
        sections.append(["## Data", "", *_six_keys(capsule, opened, log_id, index), "", *fences.block("json", capsule)])
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def from_markdown(text: str) -> dict[str, Any]:
    """The capsule in a page: its one fenced JSON block; raises CapsuleError if there is none, or more than one."""
    blocks = fences.find(text, "json")
    if len(blocks) != 1:
        raise CapsuleError(
            f"a capsule in Markdown has one fenced JSON block, this text has {len(blocks)}",
            hint="start from `hee capsule render --format md`",
        )
    try:
        document = canonical.loads(blocks[0].text)
    except EventError as error:
        raise CapsuleError(f"the JSON block at line {blocks[0].line}: {error}") from None
    if not isinstance(document, dict):
        raise CapsuleError(f"the JSON block at line {blocks[0].line} is not an object")
    return document


@lru_cache(maxsize=4096)
def code(text: str, *, limit: int = TEXT_SHOWN) -> str:
    """Any text as one code span: nothing in it is read as Markdown, HTML, a mention or a link."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    text = " ".join(text.replace("`", "'").split())
    if len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return f"`{text or '(empty)'}`"


@lru_cache(maxsize=4096)
def prose(text: str) -> str:
    """Text as it is if it can only be read as words, otherwise as code; not for the start of a line."""
    words = " ".join(text.split())
    if len(words) <= TEXT_SHOWN and _PLAIN.fullmatch(words) and "//" not in words and not _LINKING.search(words):
        return words
    return code(text)


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return [f"## {title}", "", *found] if found else []


def _count(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"


def _summary(capsule: Document, opened: Sequence[Document]) -> str:
    fixes = capsule["hee_auto_fix_history"]
    proved = sum(1 for fix in fixes if fix.get("outcome") == "verified")
    undone = sum(1 for fix in fixes if fix.get("rollback"))
    more = capsule.get("hee_totals", {}).get("issues_open", len(opened))
    parts = [_count(more, "issue is open", "issues are open")]
    parts.append(f"{_count(proved, 'repair', 'repairs')} proved, {undone or 'none'} rolled back")
    if "hee_decisions" in capsule:
        decisions = len(capsule["hee_decisions"])
        parts.append(_count(decisions, "decision is active", "decisions are active"))
    return "; ".join(parts)


def _freeze(capsule: Document) -> Iterator[list[str]]:
    log = capsule.get("hee_log", {})
    if log.get("status") == "frozen":
        yield [f"**Frozen** until a person ends it: {prose(log.get('frozen_reason', 'no reason given'))}"]


def _todo(capsule: Document, opened: Sequence[Document]) -> Iterator[str]:
    state = capsule["hee_monitoring_state"]
    if STATUS[state["current_status"]][2]:
        yield f"- {STATUS[state['current_status']][2]}"
    for issue in opened:
        fix = issue.get("fix") or {}
        if fix.get("branch") and fix.get("outcome") in ("verified", "applied"):
            yield f"- {_name(issue)}: review and merge {code(fix['branch'])}."
        elif issue.get("next_step"):
            yield f"- {_name(issue)}: {prose(issue['next_step'])}"
        elif issue.get("action") in NEXT:
            yield f"- {_name(issue)}: {NEXT[issue['action']]}"
    unjudged = [name for name in capsule.get("hee_unknown", []) if name.startswith("job ")]
    if unjudged:
        yield f"- {_count(len(unjudged), 'job', 'jobs')} could not be judged: " + ", ".join(map(code, unjudged[:10]))
    if not opened and not unjudged and state["current_status"] == "operational":
        yield "- Nothing."


def _rank(issue: Document) -> tuple[int, str]:
    return _SEVERITY.get(issue.get("severity", ""), 4), issue.get("issue_id", "")


def _name(issue: Document) -> str:
    return code(issue.get("issue_id", "an issue without a name"))


def _issue(issue: Document) -> Iterator[str]:
    head = [f"**{_word(issue.get('severity', ''), _SEVERITY, 'not assessed')}**", _name(issue)]
    head += [code(issue[key]) for key in ("job", "pattern_id") if issue.get(key)]
    if issue.get("title"):
        head.append(prose(issue["title"]))
    yield "- " + " · ".join(head)
    for item in issue.get("evidence", []):
        place = ", ".join([item["channel"], *([f"line {item['line']}"] if item.get("line") else [])])
        where = f" of {code(item['where'])}" if item.get("where") else ""
        yield f"  - Evidence ({place}{where}): {code(item.get('text', ''))}"
    if issue.get("action"):
        why = f": {prose(issue['rationale'])}" if issue.get("rationale") else ""
        yield f"  - Decided: {issue['action']}{why}"
    if issue.get("hee_decision_conflict"):
        yield "  - In conflict with an active decision"
    fix = issue.get("fix")
    if fix:
        branch = f" on {code(fix['branch'])}" if fix.get("branch") else ""
        why = f": {prose(fix['reason'])}" if fix.get("reason") else ""
        yield f"  - Repair: {_words(fix['outcome'])}{branch}{why}"
    if issue.get("timestamp"):
        since = f" since {_time(issue['first_seen'])}" if issue.get("first_seen") else ""
        yield f"  - Seen {_count(issue.get('count', 1), 'time', 'times')}{since}, last {_time(issue['timestamp'])}"


def _resolved(issue: Document) -> str:
    title = f" · {prose(issue['title'])}" if issue.get("title") else ""
    by = f" · {prose(issue['resolved_by'])}" if issue.get("resolved_by") else ""
    return f"- {_name(issue)}{title}{by} · {_time(issue.get('resolved_at') or issue.get('timestamp', ''))}"


def _fixes(history: Sequence[Document]) -> Iterator[str]:
    for fix in reversed(history[-FIXES_SHOWN:]):
        success = "done" if fix["success"] else "failed"
        parts = [f"**{_words(fix.get('outcome', success))}**", code(fix["pattern_id"])]
        parts += [code(fix[key]) for key in ("issue_id", "strategy", "branch") if fix.get(key)]
        if fix.get("files_changed"):
            size = f"+{fix.get('insertions', 0)} -{fix.get('deletions', 0)}"
            parts.append(f"{_count(fix['files_changed'], 'file', 'files')}, {size}")
        yield "- " + " · ".join([*parts, _time(fix["timestamp"])])
        if fix.get("reason"):
            yield f"  - {'What' if fix['success'] else 'Why'}: {prose(fix['reason'])}"
        for check in fix.get("checks", []):
            yield f"  - {'Passed' if check['ok'] else 'Failed'}: {code(check['name'])}"
        if not fix["hee_context"]["governance_validation"]:
            yield "  - Governance: not shown to hold"
    if len(history) > FIXES_SHOWN:
        yield f"- and {len(history) - FIXES_SHOWN} earlier"


def _decisions(decisions: Mapping[str, Document]) -> Iterator[str]:
    ordered = sorted(decisions.items(), key=lambda item: (item[1]["kind"] == "issue", item[0]))
    for name, decision in ordered[:DECISIONS_SHOWN]:
        said = f"{decision['action']}: " if decision.get("action") else ""
        about = f" for {code(decision['issue_id'])}" if decision.get("issue_id") else ""
        yield f"- {code(name)} · {code(decision['key'])}{about} · {said}{prose(decision['statement'])}"
        yield f"  - By {code(decision['decided_by'])}, {_time(decision['decided_at'])}"
    if len(ordered) > DECISIONS_SHOWN:
        yield f"- and {len(ordered) - DECISIONS_SHOWN} more"


def _measured(capsule: Document) -> Iterator[str]:
    state = capsule["hee_monitoring_state"]
    specific = state["hee_specific"]
    unknown = set(capsule.get("hee_unknown", []))
    holds = "yes" if specific["governance_compliance"] else "no"
    if "hee_specific.governance_compliance" in unknown:
        holds = "unknown, so not relied on"
    yield f"- Governance holds: {holds}"
    named = {**state["coverage_metrics"], **capsule.get("hee_measures", {})}
    named |= {name: specific[name] for name in ("decision_stability", "prompt_compatibility") if name in specific}
    for name, value in sorted(named.items()):
        yield f"- {_words(name).capitalize()}: {value} %"
    missing = sorted(_words(name.partition(".")[2]) for name in unknown if name.startswith("coverage_metrics."))
    if missing:
        yield f"- Not measured: {', '.join(missing)}"
    for gate in capsule.get("hee_gates", []):
        value = f"{gate['value']} %" if "value" in gate else "unknown"
        yield f"- Gate {code(gate['gate'])}: {'met' if gate['met'] else 'not met'} ({value} of {gate['target']} %)"


def _origin(capsule: Document, log_id: str, head: str | None, index: int) -> Iterator[str]:
    log = capsule.get("hee_log", {})
    yield f"- State as of event {index}" + (f", {_time(log['as_of'])}" if log.get("as_of") else "")
    if log_id:
        yield f"- Log {code(log_id)}" + (f", head {code(head)}" if head else "")
    yield "- It follows from the events and nothing else; `hee verify` checks that, `hee log` tells the story."


def _six_keys(capsule: Document, opened: Sequence[Document], log_id: str, index: int) -> list[str]:
    state = capsule["hee_monitoring_state"]
    decisions = capsule.get("hee_decisions", {})
    values: dict[str, str | list[str]] = {
        "chat": f"HEE log {log_id[:12]} at event {index}" if log_id else "HEE monitoring",
        "purpose": "Keep the pipeline green, and every decision on record.",
        "context": [
            f"status: {state['current_status']}",
            f"last run: {state['last_run_id']}",
            _summary(capsule, opened),
        ],
        "decisions": [f"{name}: {decision['statement']}" for name, decision in sorted(decisions.items())],
        "open_threads": [f"{issue.get('issue_id', '')}: {issue.get('title', '')}" for issue in opened],
        "next_chat_bootstrap": [line.removeprefix("- ").replace("`", "'") for line in _todo(capsule, opened)],
    }
    return fences.yaml_block(values)


def _last(issues: Sequence[Document], limit: int) -> list[Document]:
    return [issue for issue in issues if issue.get("resolved")][-limit:][::-1]


def _word(word: str, known: Mapping[str, Any], otherwise: str) -> str:
    return word if word in known else otherwise


def _words(name: str) -> str:
    return prose(name.replace("_", " "))


def _time(text: str) -> str:
    if text.endswith("Z") and len(text) > len("2026-01-24T12:00"):
        return f"{text[:10]} {text[11:16]} UTC"
    return prose(text) if text else "at an unknown time"
