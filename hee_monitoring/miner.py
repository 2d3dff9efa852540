"""Finds what the lines of many runs have in common: templates, by the frequency of words.

Responsible for cutting lines into words, masking what differs from run to run, and grouping. After SLCT and LogCluster
(Vaarandi): a word is constant if at least so many runs have it, everything else is a gap. Which template is worth a
pattern is left to `candidates`.

Invariant: a pure function of the set of (line, run, repository): order and repetition change nothing (no tree is grown, as
Drain does). Time is linear in the text; a run counts once, however often it says something.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE_LIMIT = 400
PIECES = 120
VALUES = 3  # so many words in one place of otherwise equal templates make that place a gap
GAP, NUMBER, NAME, PATH, URL = "\0gap", "\0number", "\0name", "\0path", "\0url"
MASKS = frozenset({GAP, NUMBER, NAME, PATH, URL})
_PIECE = re.compile(
    r"(?P<space>[ \t]+)|(?P<gap>\[REDACTED\]|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4})"
    r"|(?P<url>[a-z]{2,8}://[^\s'\"`<>]+)"
    r"|(?P<name>'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"|`[^`\n]{1,200}`|\u2018[^\u2019\n]{1,200}\u2019)"
    r"|(?P<path>(?:[A-Za-z]:)?[\w.@~+-]{0,64}(?:[/\\][\w.@~+-]+)+[/\\]?|[\w-]{1,64}\.(?:py|js|ts|tsx|jsx|java|go|rs|rb|c|cc|cpp|h|kt|php|json|ya?ml|toml|xml|md|sh)\b)"
    r"|(?P<number>[-+]?\w*\d[\w]*(?:[.:-]\w*\d\w*)*%?)"
    r"|(?P<word>[^\W\d]+)|(?P<mark>.)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a failure: publishable text, which run of which repository said it, and whether it was its first evidence."""

    text: str
    run: str
    repository: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A sequence of words and marks; a piece of `MASKS` stands for what differs. `lines` are all that it was made of."""

    pieces: tuple[str, ...]
    lines: frozenset[Line]

    @property
    def runs(self) -> int:
        """How many runs show it."""
        return len({line.run for line in self.lines})

    @property
    def text(self) -> str:
        """For people, and the name of the template."""
        return "".join(f"<{piece[1:]}>" if piece in MASKS else piece for piece in self.pieces)


def parsed(text: str) -> Template:
    """The template that is shown as this text; no lines are known of it."""
    found = (match[1] for match in re.finditer(r"(<(?:gap|number|name|path|url)>|[ \t]+|[^\W\d]+|.)", text))
    return Template(
        tuple(f"\0{each[1:-1]}" if len(each) > 1 and each[0] == "<" else each for each in found), frozenset()
    )


def is_word(piece: str) -> bool:
    """Says whether a piece is a word, and no mark or mask."""
    return piece[0].isalpha() or piece[0] == "_"


def pieces(text: str) -> tuple[str, ...]:
    """A line as words and marks, with masks for names, paths, addresses and everything with a digit."""
    found = []
    for match in _PIECE.finditer(text[:LINE_LIMIT].strip()):
        kind = match.lastgroup or ""
        found.append({"space": " ", "word": match[0], "mark": match[0]}.get(kind) or f"\0{kind}")
        if len(found) >= PIECES:
            break
    return tuple(found)


def mine(lines: Iterable[Line], support: int) -> tuple[Template, ...]:
    """The templates that at least `support` runs show; those of lines that were a first evidence lead, then the most frequent."""
    cut = {line: pieces(line.text) for line in set(lines)}
    runs: dict[str, set[str]] = defaultdict(set)
    for line, parts in cut.items():
        for part in parts:
            runs[part].add(line.run)
    constant = {part for part, seen in runs.items() if len(seen) >= support}
    groups: dict[tuple[str, ...], set[Line]] = defaultdict(set)
    for line, parts in cut.items():
        groups[_gaps(parts, constant)].add(line)
    found = [Template(key, frozenset(members)) for key, members in _joined(groups).items()]
    return tuple(sorted((each for each in found if each.runs >= support), key=_rank))


def _rank(template: Template) -> tuple[int, int, str]:
    return -len({line.run for line in template.lines if line.first}), -template.runs, template.text


def _gaps(parts: tuple[str, ...], constant: set[str]) -> tuple[str, ...]:
    """Replaces what is not constant; gaps with nothing but blanks or marks between them become one."""
    made: list[str] = []
    for part in parts:
        if part in constant or part in MASKS or not is_word(part):
            made.append(part)
            continue
        at = len(made) - 1
        while at >= 0 and made[at] not in MASKS and not is_word(made[at]):
            at -= 1
        if at >= 0 and made[at] == GAP:
            del made[at + 1 :]
        else:
            made.append(GAP)
    return tuple(made)


def _joined(groups: dict[tuple[str, ...], set[Line]]) -> dict[tuple[str, ...], set[Line]]:
    """Joins templates that differ in one word only, where that word takes several values."""
    near: dict[tuple[str, ...], dict[str, set[Line]]] = defaultdict(dict)
    for key, members in groups.items():
        for at, part in enumerate(key):
            if is_word(part):
                near[(*key[:at], GAP, *key[at + 1 :])][part] = members
    wide = {key: values for key, values in near.items() if len(values) >= VALUES}
    joined: dict[tuple[str, ...], set[Line]] = defaultdict(set)
    for key, members in groups.items():
        wider = [
            other
            for at, part in enumerate(key)
            if is_word(part) and (other := (*key[:at], GAP, *key[at + 1 :])) in wide
        ]
        best = max(wider, key=lambda other: (len(wide[other]), other), default=key)
        joined[best] |= members
    return joined
