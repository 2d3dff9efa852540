"""A report as Markdown: tables that a forge shows, every text from a log as code. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hee_core.render import code, prose
from hee_monitoring.recall import triage_told
from hee_monitoring.reports import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Document = Mapping[str, Any]


def write(report: Document) -> str:
    """The whole report."""
    sections = [
        ["# HEE report", "", *_head(report)],
        _part("State over time", _table(("since", "status", "open issues", "event"), _timeline(report))),
        _part(
            "Failures by cause",
            _table(("cause", "issues", "seen", "resolved", "patterns", "events"), _failures(report)),
        ),
        _part("Open issues", _open(report)),
        _part("Alerts", _table(("alert", "what", "told", "not told", "seen to by", "events"), _alerts(report))),
        _part("Repairs and their proof", _fixes(report)),
        _part("Targets of monitoring and repairs", _table(_FIGURE, _figures([*report["latencies"], *report["rates"]]))),
        _part(
            "Coverage",
            _table(("metric", "target", "current", "gap", "priority", "counted", "events"), _coverage(report)),
        ),
        _part("Quality gates", _table(("gate", "target", "value", "met", "events"), _gates(report))),
        _part("Active decisions", _decisions(report)),
        _part("Governance", _governance(report)),
        _part("Events", _table(("event", "time", "type", "subject", "said"), _events(report))),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


_FIGURE = ("metric", "target", "value", "worst", "within", "verdict", "events")


def _part(title: str, lines: Iterable[str]) -> list[str]:
    return [f"## {title}", "", *(list(lines) or ["Nothing was recorded."])]


def _table(head: tuple[str, ...], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    made = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    if made:
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        yield from made


def _head(report: Document) -> Iterator[str]:
    frozen = ", **frozen**" if report["frozen"] else ""
    yield f"**{report['status']}**{frozen}: {report['open_issues']} open issue(s) after {report['events']} events, {words.day(report['as_of'])}."
    yield ""
    yield f"Log {code(report['log'])}. Every number names its events; `hee show EVENT` has one whole, `hee verify` checks them all."


def _said(events: list[int]) -> str:
    last, more = words.shown(events)
    return ", ".join([*([f"{more} more"] if more else []), *map(str, last)]) or "none"


def _timeline(report: Document) -> Iterator[tuple[str, ...]]:
    for point in report["timeline"]:
        yield words.day(point["time"]), point["status"], str(point["open"]), str(point["event"])


def _failures(report: Document) -> Iterator[tuple[str, ...]]:
    for cause in report["failures"]:
        numbers = (str(cause[name]) for name in ("issues", "seen", "resolved"))
        yield prose(cause["category"]), *numbers, ", ".join(map(code, cause["patterns"])), _said(cause["events"])


def _open(report: Document) -> Iterator[str]:
    for issue in report["issues"]:
        yield f"- **{issue['severity'] or 'not assessed'}** {code(issue['issue_id'])} {prose(issue['title'])} ({_said(issue['events'])})"
        for item in issue["evidence"]:
            place = f"{item['channel']} line {item['line']}" if item["line"] else item["channel"]
            yield f"  - {place}: {code(item['text'])}"
        if issue["triage"]:
            yield f"  - Verdict: {prose(triage_told(issue['triage']))}"
        if issue["next_step"]:
            yield f"  - Next: {prose(issue['next_step'])}"


def _alerts(report: Document) -> Iterator[tuple[str, ...]]:
    for alert in report["alerts"]:
        stands = alert["severity"] if alert["stands"] else "over"
        told = ", ".join(code(words.delivery(each)) for each in alert["delivered"]) or "nobody"
        seen = prose(words.seen_to(alert["acknowledged"]))
        yield (
            code(alert["alert"]),
            f"{stands}: {prose(alert['title'])}",
            told,
            str(alert["failed"]),
            seen,
            _said(alert["events"]),
        )


def _fixes(report: Document) -> Iterator[str]:
    for fix in report["fixes"]:
        branch = f" on {code(fix['branch'])}" if fix["branch"] else ""
        yield f"- {words.OUTCOME.get(fix['outcome'], fix['outcome'])}: {code(fix['issue_id'])} by {code(fix['strategy'])}{branch}, {words.day(fix['time'])} ({_said(fix['events'])})"
        if fix["reason"]:
            yield f"  - {prose(fix['reason'])}"
        for check in fix["proof"]:
            yield f"  - {'✔' if check['ok'] else '✖'} {code(check['name'])} ({check['event']})"


def _figures(figures: Iterable[Document]) -> Iterator[tuple[str, ...]]:
    for figure in figures:
        worst = words.value(figure, figure["worst"]) if figure.get("worst") is not None else ""
        yield (
            figure["name"], words.target(figure), words.value(figure, figure["value"]), worst, words.counted(figure),
            words.MET[figure["met"]], _said(figure["events"]),
        )  # fmt: skip


def _coverage(report: Document) -> Iterator[tuple[str, ...]]:
    for row in report["coverage"]:
        numbers = (words.value(row, row[name]) for name in ("target", "value", "gap"))
        yield row["name"], *numbers, row["priority"], words.counted(row), _said(row["events"])


def _gates(report: Document) -> Iterator[tuple[str, ...]]:
    for gate in report["gates"]:
        numbers = (words.value({"unit": ""}, gate[name]) for name in ("target", "value"))
        met = None if gate["value"] is None else gate["met"]
        yield prose(gate["gate"]), *numbers, words.MET[met], _said(gate["events"])


def _decisions(report: Document) -> Iterator[str]:
    for decision in report["decisions"]:
        said = f"{decision['action']}: " if decision["action"] else ""
        yield f"- {code(decision['decision_id'])} {code(decision['key'])} {said}{prose(decision['statement'])}, by {code(decision['decided_by'])} ({_said(decision['events'])})"


def _governance(report: Document) -> Iterator[str]:
    found = report["governance"]
    if found is None:
        yield "Left out; `--include-governance-metrics` adds it."
        return
    passed = found["evaluations"]
    holds = {True: "holds", False: "is broken", None: "is unknown"}[found["compliance"]]
    yield f"- Compliance {holds}; last verdict {found['verdict'] or 'unknown'}; mode {found['mode'] or 'unknown'}"
    yield f"- {passed['name']}: {words.value(passed, passed['value'])} ({words.counted(passed)}; {_said(passed['events'])})"
    yield f"- Decision stability: {words.value({'unit': ''}, found['decision_stability'])}"
    yield f"- Events that the rules of the log refused: {found['refused_events']}"
    for row in found["counts"]:
        yield f"- {code(row['type'])}: {row['count']} ({_said(row['events'])})"


def _events(report: Document) -> Iterator[tuple[str, ...]]:
    for event in report["referenced"]:
        yield (
            str(event["event"]),
            words.day(event["time"]),
            event["type"],
            code(event["subject"]),
            code(event["told"]) if event["told"] else "",
        )
