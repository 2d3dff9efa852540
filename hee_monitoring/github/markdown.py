"""Foreign text as GitHub's Markdown may hold it: it pings nobody, links nothing, closes no issue and ends no block.

What a log or a file name says is redacted first, then stands as code, where GitHub reads no `@name`, `#12`, commit, image
or HTML. Invariant: no such text can end the code that it stands in.
"""

from __future__ import annotations

import re

from hee_monitoring.redact import publishable

LARGEST = 60_000  # characters of one body; GitHub takes 65,536


def code(text: str, *, limit: int = 300) -> str:
    """Text as code within a line."""
    line = " ".join(publishable(text, limit=limit).split()) or " "
    ticks = "`" * (_longest(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def block(text: str, *, limit: int = 4000) -> str:
    """Text as a block of code."""
    clean = publishable(text, limit=limit).strip("\n")
    fence = "`" * max(_longest(clean) + 1, 3)
    return f"{fence}text\n{clean}\n{fence}"


def plain(text: str, *, limit: int = 200) -> str:
    """Text for a place that knows no code, a title: one line, whose `@` and `#` begin no name and no number."""
    return re.sub(r"([@#])(?=\w)", "\\1\u2060", " ".join(publishable(text, limit=limit).split()))


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
