"""HEE-PAT-003 **f**: a command that the documents tell people to run names a script that is not there.

Looks at fenced shell blocks of README and docs; history, decisions and changelogs tell of the past and are left alone, and
so are blocks that change the directory, and scripts below a directory that the repository does not have. A row that says
`hee-check:refs-ok` is left alone too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_monitoring.detectors.subject import BOUND, Found, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hee_monitoring.detectors.subject import Known

_PAST = re.compile(r"(?i)(?:^|/)(?:changelog|history|adrs?|archive|postmortems?|state_capsules|completions)(?:[./]|$)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+-]*)")
_SHELL = ("", "sh", "bash", "shell", "console", "zsh", "shell-session")
_CALL = re.compile(
    r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:(?:python3?|bash|sh|source|node|ruby) )?(?:\./)?"
    r"([\w.-]+(?:/[\w.-]+)+\.(?:py|sh|bash|js|mjs|rb))(?=\s|$)"
)
_ELSEWHERE = re.compile(r"^\s*(?:\$ )?(?:cd|pushd|git clone|curl|wget|tar|unzip)\b")
_BYTES = 500_000


def detect(tree: Mapping[str, bytes], known: Known) -> Iterator[Found]:
    """Looks at the documents; more missing scripts than `BOUND` in one file are its first ones."""
    tops = {path.partition("/")[0] for path in tree if "/" in path}
    found = []
    unread = set()
    for path in sorted(tree):
        if not path.endswith(".md") or _PAST.search(path) or not (path.startswith("docs/") or "/" not in path):
            continue
        if len(tree[path]) > _BYTES:
            unread.add(path)
            continue
        calls = _calls(tree[path].decode("utf-8", "replace"))
        missing = [
            (number, row, name) for number, row, name in calls if name not in tree and name.partition("/")[0] in tops
        ]
        for name in list(dict.fromkeys(name for _, _, name in missing))[:BOUND]:
            places = [line(path, number, row) for number, row, called in missing if called == name]
            captures = {"path": path, "script": name, "line": str(places[0].line), "sub_rule": "f"}
            title = f"Spec coverage gap: {path} tells to run {name}, which does not exist"
            found.append(Found("HEE-PAT-003", "spec", "f", f"{path} {name}", title, 9000, tuple(places[:5]), captures))
    yield from found
    yield from known.kept("HEE-PAT-003", found, lambda entry: any(item.where in unread for item in entry.evidence))


def _calls(text: str) -> list[tuple[int, str, str]]:
    """The scripts that shell blocks call: line, row, path."""
    found: list[tuple[int, str, str]] = []
    block: list[tuple[int, str, str]] = []
    fence, elsewhere = "", False
    for number, row in enumerate(text.splitlines(), 1):
        match = _FENCE.match(row)
        if match and not fence:
            fence, elsewhere, block = match[1], match[2].lower() not in _SHELL, []
        elif match and match[1].startswith(fence) and not match[2]:
            found += [] if elsewhere else block
            fence = ""
        elif fence:
            elsewhere = elsewhere or bool(_ELSEWHERE.match(row))
            call = None if "hee-check:refs-ok" in row else _CALL.match(row)
            block += [(number, row, call[1])] if call else []
    return found
