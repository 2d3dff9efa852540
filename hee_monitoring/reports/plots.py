"""Plots of a report as SVG that is part of the page: its colors come from the page's style, for print and for the dark.

Nothing here depends on color alone: each mark has its word beside it or in its title. Pure.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from hee_monitoring.reports import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Document = Mapping[str, Any]

WIDTH, LEFT, RIGHT = 720, 150, 60
_LEVEL = {"operational": 0, "maintenance": 1, "degraded": 2, "hee-compliance-check": 3, "failed": 4}


def state_over_time(report: Document) -> str:
    """The status as a stepped line over time, one row a status, and the open issues below it."""
    points = report["timeline"]
    if len(points) < 2:
        return ""
    times = [datetime.fromisoformat(point["time"]).timestamp() for point in points]
    end = max(datetime.fromisoformat(report["as_of"]).timestamp(), *times)
    start, span = min(times), max(1.0, end - min(times))
    across = [LEFT + (time - start) / span * (WIDTH - LEFT - RIGHT) for time in [*times, end]]
    used = sorted({point["status"] for point in points}, key=lambda status: -_LEVEL[status])
    rows = {status: 20 + 26 * number for number, status in enumerate(used)}
    floor = 20 + 26 * len(used) + 70
    parts = [
        f'<text class="axis" x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(status)}</text>'
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        for status, y in rows.items()
    ]
    parts.append(_steps("line", across, [rows[point["status"]] for point in points]))
    most = max(1, *(point["open"] for point in points))
    parts.append(f'<text class="axis" x="{LEFT - 10}" y="{floor - 18}" text-anchor="end">open issues</text>')
    parts.append(f'<text class="axis" x="{WIDTH - RIGHT + 6}" y="{floor - 36}">{most}</text>')
    parts.append(f'<text class="axis" x="{WIDTH - RIGHT + 6}" y="{floor + 4}">0</text>')
    parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>')
    parts.append(_steps("bar", across, [floor - 40 * point["open"] / most for point in points], floor=floor))
    for place, anchor, time in ((LEFT, "start", points[0]["time"]), (WIDTH - RIGHT, "end", report["as_of"])):
        parts.append(f'<text class="axis" x="{place}" y="{floor + 20}" text-anchor="{anchor}">{words.day(time)}</text>')
    return _svg("State and open issues over time", floor + 30, parts)


def _steps(kind: str, across: Sequence[float], down: Sequence[float], *, floor: float | None = None) -> str:
    path = [f"M{across[0]:.1f},{floor if floor is not None else down[0]:.1f}"]
    for number, y in enumerate(down):
        path.append(f"V{y:.1f}H{across[number + 1]:.1f}")
    if floor is not None:
        path.append(f"V{floor:.1f}Z")
    return f'<path class="{kind}" d="{"".join(path)}"/>'


def failures_by_cause(report: Document) -> str:
    """A bar a cause, the resolved part hatched by its own tone and told in words."""
    causes = report["failures"][:15]
    if not causes:
        return ""
    most = max(cause["issues"] for cause in causes)
    parts = []
    for number, cause in enumerate(causes):
        y, room = 12 + 26 * number, WIDTH - LEFT - RIGHT - 120
        whole, done = room * cause["issues"] / most, room * cause["resolved"] / most
        text = f"{cause['issues']} ({cause['resolved']} resolved)"
        parts.append(
            f'<text class="axis" x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{escape(cause["category"])}</text>'
            f'<rect class="bar" x="{LEFT}" y="{y}" width="{whole:.1f}" height="18"/>'
            f'<rect class="done" x="{LEFT}" y="{y}" width="{done:.1f}" height="18"/>'
            f'<text class="axis" x="{LEFT + whole + 8:.1f}" y="{y + 13}">{text}</text>'
        )
    return _svg("Failures by cause", 16 + 26 * len(causes), parts)


def against_targets(report: Document) -> str:
    """The worst sample of each duration as a share of its target, with a mark at the target."""
    known = [figure for figure in report["latencies"] if figure["worst"] is not None]
    if not known:
        return ""
    most = max(1.25, *(min(4.0, figure["worst"] / figure["target"]) for figure in known))
    room = WIDTH - LEFT - RIGHT - 100
    mark = LEFT + room / most
    parts = list(_rows(known, most, room))
    bottom = 16 + 26 * len(known)
    parts.append(f'<line class="target" x1="{mark:.1f}" x2="{mark:.1f}" y1="6" y2="{bottom}"/>')
    parts.append(f'<text class="axis" x="{mark:.1f}" y="{bottom + 14}" text-anchor="middle">target</text>')
    return _svg("Worst duration against its target", bottom + 22, parts)


def _rows(known: Sequence[Document], most: float, room: float) -> Iterator[str]:
    for number, figure in enumerate(known):
        y, width = 12 + 26 * number, room * min(most, figure["worst"] / figure["target"]) / most
        yield (
            f'<text class="axis" x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{escape(figure["name"])}</text>'
            f'<rect class="{"bar" if figure["met"] else "over"}" x="{LEFT}" y="{y}" width="{max(1.0, width):.1f}" height="18"/>'
            f'<text class="axis" x="{LEFT + width + 8:.1f}" y="{y + 13}">{words.duration(figure["worst"])}</text>'
        )


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
