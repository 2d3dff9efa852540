"""A report as one HTML file: no network, no script, every text escaped, readable in print and in the dark. Pure.

Each number links to the row of the event that it stands on, at the foot of the page.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from hee_monitoring.recall import triage_told
from hee_monitoring.reports import plots, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

# Nothing may be loaded or run, whatever a text of a log looks like: the page says so itself.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """\
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--line:#d1d9e0;--paper:#fff;--mark:#0969da;--done:#8cc0f5;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;--paper:#0d1117;--mark:#4493f8;--done:#1f4f8a;--bad:#ff7b72}}
@media print{:root{--ink:#000;--dim:#333;--line:#999;--paper:#fff;--mark:#333;--done:#aaa;--bad:#000}a{color:inherit}section{break-inside:avoid-page}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--dim)}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}a{color:var(--mark)}.dim{color:var(--dim)}
tr:target{outline:2px solid var(--mark)}svg{width:100%;min-width:32rem;max-width:45rem;height:auto;display:block}td:first-child>code{white-space:nowrap}
svg .axis{font:12px system-ui,sans-serif;fill:var(--ink)}svg .grid{stroke:var(--line)}svg .line{fill:none;stroke:var(--mark);stroke-width:2.5}
svg .bar{fill:var(--mark)}svg .done{fill:var(--done)}svg .over{fill:none;stroke:var(--bad);stroke-width:2.5;stroke-dasharray:6 3}
svg .target{stroke:var(--ink);stroke-width:2;stroke-dasharray:3 3}"""


class Html(str):
    """Text that is markup already; any other text is escaped."""

    __slots__ = ()


def write(report: Document) -> str:
    """The whole page."""
    status = f"{report['status']}{' (frozen)' if report['frozen'] else ''}"
    sections = [
        _part("State over time", plots.state_over_time(report), ("since", "status", "open issues", "event"), _timeline(report)),
        _part("Failures by cause", plots.failures_by_cause(report), ("cause", "issues", "seen", "resolved", "patterns", "events"), _failures(report)),
        _part("Open issues", "", ("issue", "severity", "what", "evidence", "next", "events"), _issues(report)),
        _part("Alerts", "", ("alert", "what", "told", "not told", "seen to by", "events"), _alerts(report)),
        _part("Repairs and their proof", "", ("outcome", "issue", "strategy and branch", "proof", "events"), _fixes(report)),
        _part("Targets of monitoring and repairs", plots.against_targets(report), ("metric", "target", "value", "worst", "within", "verdict", "events"), _figures(report)),
        _part("Coverage", "", ("metric", "target", "current", "gap", "priority", "counted", "events"), _coverage(report)),
        _part("Quality gates", "", ("gate", "target", "value", "met", "events"), _gates(report)),
        _part("Active decisions", "", ("decision", "about", "said", "by", "events"), _decisions(report)),
        _part("Governance", "", ("metric", "value", "events"), _governance(report)) if report["governance"] else "",
        _part("Events", "", ("event", "time", "type", "actor", "subject", "said"), _events(report)),
    ]  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>HEE report: {escape(status)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        f"<h1>HEE report: {escape(status)}</h1>\n"
        f"<p>{report['open_issues']} open issue(s) after {report['events']} events, {words.day(report['as_of'])}.<br>\n"
        f'<span class="dim">Log <code>{escape(report["log"])}</code></span></p>\n'
        + "\n".join(filter(None, sections))
        + "\n</main>\n</body>\n</html>\n"
    )


def _part(title: str, plot: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = list(rows)
    if not lines:
        return f"<section>\n<h2>{title}</h2>\n<p>Nothing was recorded.</p>\n</section>"
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "\n".join(map(_row, lines))
    return (
        f'<section>\n<h2>{title}</h2>\n<div class="scroll">{plot}</div>\n'
        f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>\n</section>'
    )


def _row(cells: Sequence[str]) -> str:
    name = f' id="{cells[0].anchor}"' if isinstance(cells[0], _Anchor) else ""
    return f"<tr{name}>{''.join(f'<td>{_safe(cell)}</td>' for cell in cells)}</tr>"


class _Anchor(str):
    """The index of an event, where the links of the page lead to."""

    __slots__ = ()

    @property
    def anchor(self) -> str:
        return f"e{self}"


def _safe(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)


def _code(text: str) -> Html:
    return Html(f"<code>{escape(text)}</code>") if text else Html()


def _lines(*texts: str) -> Html:
    return Html("<br>".join(_safe(text) for text in texts if text))


def _links(events: list[int]) -> Html:
    last, more = words.shown(events)
    made = [f'<a href="#e{index}">{index}</a>' for index in last]
    return Html((f"{more} more, " if more else "") + ", ".join(made) or "none")


def _timeline(report: Document) -> Iterator[Sequence[str]]:
    for point in report["timeline"]:
        yield words.day(point["time"]), point["status"], str(point["open"]), _links([point["event"]])


def _failures(report: Document) -> Iterator[Sequence[str]]:
    for cause in report["failures"]:
        numbers = (str(cause[name]) for name in ("issues", "seen", "resolved"))
        yield cause["category"], *numbers, ", ".join(cause["patterns"]), _links(cause["events"])


def _issues(report: Document) -> Iterator[Sequence[str]]:
    for issue in report["issues"]:
        proof = _lines(*(_code(item["text"]) for item in issue["evidence"]))
        what = _lines(issue["title"], issue["job"], triage_told(issue["triage"]) if issue["triage"] else "")
        yield (
            _code(issue["issue_id"]),
            issue["severity"] or "not assessed",
            what,
            proof,
            issue["next_step"],
            _links(issue["events"]),
        )


def _alerts(report: Document) -> Iterator[Sequence[str]]:
    for alert in report["alerts"]:
        what = _lines(alert["severity"] if alert["stands"] else "over", alert["title"])
        told = _lines(*map(words.delivery, alert["delivered"])) or "nobody"
        yield (
            _code(alert["alert"]),
            what,
            told,
            str(alert["failed"]),
            words.seen_to(alert["acknowledged"]),
            _links(alert["events"]),
        )


def _fixes(report: Document) -> Iterator[Sequence[str]]:
    for fix in report["fixes"]:
        proof = [Html(f"{'✔' if c['ok'] else '✖'} {_code(c['name'])} {_links([c['event']])}") for c in fix["proof"]]
        how = _lines(fix["strategy"], _code(fix["branch"]), fix["reason"])
        outcome = words.OUTCOME.get(fix["outcome"], fix["outcome"])
        yield outcome, _code(fix["issue_id"]), how, _lines(*proof), _links(fix["events"])


def _figures(report: Document) -> Iterator[Sequence[str]]:
    for figure in (*report["latencies"], *report["rates"]):
        worst = words.value(figure, figure["worst"]) if figure.get("worst") is not None else ""
        name = _lines(
            figure["name"],
            Html(f'<span class="dim">{escape(figure.get("how", ""))}</span>') if figure.get("how") else "",
        )
        number = words.value(figure, figure["value"])
        yield (
            name,
            words.target(figure),
            number,
            worst,
            words.counted(figure),
            words.MET[figure["met"]],
            _links(figure["events"]),
        )


def _coverage(report: Document) -> Iterator[Sequence[str]]:
    for row in report["coverage"]:
        numbers = (words.value(row, row[name]) for name in ("target", "value", "gap"))
        yield row["name"], *numbers, row["priority"], words.counted(row), _links(row["events"])


def _gates(report: Document) -> Iterator[Sequence[str]]:
    for gate in report["gates"]:
        numbers = (words.value({"unit": ""}, gate[name]) for name in ("target", "value"))
        met = None if gate["value"] is None else gate["met"]
        yield gate["gate"], *numbers, words.MET[met], _links(gate["events"])


def _decisions(report: Document) -> Iterator[Sequence[str]]:
    for decision in report["decisions"]:
        about = _lines(decision["key"], _code(decision["issue_id"]))
        said = _lines(f"{decision['action'] or 'noted'}: {decision['statement']}", decision["rationale"])
        yield _code(decision["decision_id"]), about, said, decision["decided_by"], _links(decision["events"])


def _governance(report: Document) -> Iterator[Sequence[str]]:
    found = report["governance"]
    passed = found["evaluations"]
    yield "Compliance", words.MET[found["compliance"]], ""
    yield "Mode, last verdict", f"{found['mode'] or 'unknown'}, {found['verdict'] or 'unknown'}", ""
    yield passed["name"], f"{words.value(passed, passed['value'])} ({words.counted(passed)})", _links(passed["events"])
    yield "Decision stability", words.value({"unit": ""}, found["decision_stability"]), ""
    yield "Events that the rules of the log refused", str(found["refused_events"]), ""
    for row in found["counts"]:
        yield row["type"], str(row["count"]), _links(row["events"])


def _events(report: Document) -> Iterator[Sequence[str]]:
    for event in report["referenced"]:
        said = _code(event["told"])
        yield (
            _Anchor(event["event"]),
            words.day(event["time"]),
            event["type"],
            event["actor"],
            _code(event["subject"]),
            said,
        )
