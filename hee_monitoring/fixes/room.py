"""The directory in which one repair happens, and what is said of one whose repair was cut off.

What happens in it is `transaction`'s; how it is held and removed is that of all `rooms`.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hee_monitoring import rooms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PREFIX = "fix-"


@contextmanager
def room(work: Path, fix_id: str) -> Iterator[Path]:
    """Makes a directory named after this process and the fix, holds it, and removes it on the way out."""
    with rooms.room(work, f"{_PREFIX}{os.getpid()}-{re.sub(r'[^A-Za-z0-9._-]', '-', fix_id)[:80]}") as place:
        yield place


def discard_leftovers(work: Path) -> tuple[str, ...]:
    """Removes the rooms of processes that died and says in a sentence each what was removed, or could not be."""
    said = []
    for place in rooms.sweep(work, _PREFIX):
        process, _, fix = place.name.removeprefix(_PREFIX).partition("-")
        if place.exists():
            said.append(f"the unfinished repair {fix} of process {process} left {place}, which can't be removed")
        else:
            said.append(f"discarded the unfinished repair {fix} of process {process}; nothing of it was published")
    return tuple(said)
