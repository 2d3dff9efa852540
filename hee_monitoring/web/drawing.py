"""Pictures as numbers: where the states and edges of the state machine stand, and the boxes of the decision graph. Pure.

The templates draw them, with colors of the page's style. Invariant: the edges are those of `hee_core.machine`; one that
had no place here would fail a test, not be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hee_core import machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 760, 330
HALF_W = 88
CENTERS = {
    "maintenance": (245, 42),
    "operational": (95, 165),
    "degraded": (395, 165),
    "hee-compliance-check": (665, 165),
    "failed": (245, 288),
}
NAMES = {"hee-compliance-check": "compliance check"}
# Edge -> where it begins and ends, and where its label stands with its anchor.
EDGES: Mapping[tuple[str, str], tuple[tuple[int, int, int, int], tuple[int, int, str]]] = {
    ("operational", "degraded"): ((183, 156, 303, 156), (243, 130, "middle")),
    ("degraded", "operational"): ((307, 176, 187, 176), (245, 130, "middle")),
    ("degraded", "hee-compliance-check"): ((483, 156, 573, 156), (530, 130, "middle")),
    ("hee-compliance-check", "degraded"): ((577, 176, 487, 176), (530, 130, "middle")),
    ("hee-compliance-check", "failed"): ((640, 191, 337, 282), (500, 262, "start")),
    ("degraded", "failed"): ((400, 191, 320, 262), (382, 228, "start")),
    ("failed", "degraded"): ((285, 262, 350, 194), (306, 226, "end")),
    ("failed", "operational"): ((200, 262, 112, 195), (146, 240, "end")),
    ("operational", "maintenance"): ((85, 139, 165, 62), (112, 98, "end")),
    ("maintenance", "operational"): ((195, 68, 125, 136), (176, 104, "start")),
    ("degraded", "maintenance"): ((385, 139, 318, 66), (366, 98, "start")),
}
BOX_W, BOX_H, GAP_X, GAP_Y = 236, 64, 64, 20


def state_machine(status: str) -> dict[str, Any]:
    """The machine with its present state and the ways out of it."""
    nodes = [
        {"status": word, "name": NAMES.get(word, word), "x": x, "y": y, "now": word == status}
        for word, (x, y) in CENTERS.items()
    ]
    edges = []
    for step in machine.TRANSITIONS:
        (x1, y1, x2, y2), (x, y, anchor) = EDGES[step.from_, step.to]
        label = step.label.removeprefix("HEE ")
        edges.append(
            {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "x": x, "y": y, "anchor": anchor, "label": label,
             "from": NAMES.get(step.from_, step.from_), "to": NAMES.get(step.to, step.to), "next": step.from_ == status}
        )  # fmt: skip
    edges.sort(key=lambda edge: bool(edge["next"]))  # the ways out lie on top
    return {"nodes": nodes, "edges": edges, "width": WIDTH, "height": HEIGHT, "half_w": HALF_W}


@dataclass(frozen=True)
class Box:
    """One box of the graph: what it is, its two lines, where it leads, and how it is drawn."""

    kind: str
    head: str
    text: str
    href: tuple[str, ...] = ()
    faded: bool = False
    label: str = ""  # of the edge that leads here


def graph(rows: Sequence[Sequence[Box]]) -> dict[str, Any]:
    """Rows of boxes, each joined to the one before it."""
    placed = []
    for number, row in enumerate(rows):
        y = 8 + number * (BOX_H + GAP_Y)
        for column, box in enumerate(row):
            placed.append({"box": box, "x": 8 + column * (BOX_W + GAP_X), "y": y, "joined": column > 0})
    across = max((len(row) for row in rows), default=0)
    return {
        "boxes": placed, "w": BOX_W, "h": BOX_H, "gap": GAP_X,
        "width": 16 + across * (BOX_W + GAP_X) - GAP_X, "height": 16 + len(rows) * (BOX_H + GAP_Y) - GAP_Y,
    }  # fmt: skip


def cut(text: str, limit: int = 30) -> str:
    """A line that fits into a box; its whole text is in the title."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
