"""How a payload of an earlier version becomes one of the next: one function for each step, and nothing else.

A type's new version comes with its model in `catalogue`, with `python scripts/build_forms.py`, which keeps the form of
the version before, and with its step here. Invariant: a step is total. Whatever was valid in its version becomes valid
in the next, without looking at anything else; a test draws payloads of every earlier form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# (type, version) -> the function that turns that version's data into the next version's
UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("ci.polled", 1): lambda data: {**data, "analysis_ms": None},
    ("monitor.completed", 1): lambda data: {**data, "state_update_ms": None},
}
