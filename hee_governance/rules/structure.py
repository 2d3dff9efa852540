"""GOV-STRUCT-001, GOV-DOC-001, GOV-PROMPT-001: the shape of a repository of the HEE community.

Only such a repository is held to them: it has a governance directory or doctrine of its own. A repository that is
merely watched by HEE is not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.rules.model import Context, Finding

MARKS = ("ci/governance/", "hee/governance/", "docs/doctrine/")
_NEEDED = ("docs", "prompts", ".github/workflows")
_HEADINGS = ("Authority", "Scope", "Invariant")
_SOURCE = "HEE ci/governance/rules.sh"


def is_hee_repository(paths: Iterable[str]) -> bool:
    """Says whether a tree is a repository of the HEE community, which its rules speak to."""
    return any(path.startswith(MARKS) for path in paths)


def _repository(context: Context) -> Iterable[str]:
    return ("repository",) if is_hee_repository(context.paths) else ()


def _prompts(context: Context) -> Iterable[str]:
    if not is_hee_repository(context.paths):
        return ()
    return tuple(path for path in context.paths if path.startswith("prompts/") and path.endswith(".md"))


def _directories(rule: Rule, context: Context, _subject: str) -> Iterator[Finding]:
    for name in _NEEDED:
        if name not in context.directories:
            yield rule.finding(f"{name}/", 0, f"the directory {name}/ does not exist", subject=name)


def _doctrine(rule: Rule, context: Context, _subject: str) -> Iterator[Finding]:
    if "docs/doctrine" not in context.directories:
        yield rule.finding("docs/doctrine/", 0, "docs/doctrine/ has no file", subject="docs/doctrine")


def _headings(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    rows = context.tree[path].decode("utf-8", "replace").splitlines()
    heads = [row.lstrip("#").strip().lower() for row in rows if re.match(r"#{1,6}\s", row)]
    missing = [name for name in _HEADINGS if not any(head.startswith(name.lower()) for head in heads)]
    if missing:
        yield rule.finding(path, 1, f"the prompt has no heading {' and no heading '.join(missing)}", subject=path)


RULES = (
    Rule(
        id="GOV-STRUCT-001",
        clause="docs/, prompts/ and .github/workflows/ exist.",
        source=_SOURCE,
        severity="ERROR",
        looks_at="the directories of an HEE repository",
        remedy="Create the directory with the content it is for.",
        subjects=_repository,
        check=_directories,
        valid_from="2026-01-26",
    ),
    Rule(
        id="GOV-DOC-001",
        clause="docs/doctrine/ holds at least one file.",
        source=_SOURCE,
        severity="ERROR",
        looks_at="the doctrine of an HEE repository",
        remedy="Restore the doctrine; rules without it have no ground.",
        subjects=_repository,
        check=_doctrine,
        valid_from="2026-01-26",
    ),
    Rule(
        id="GOV-PROMPT-001",
        clause="Every prompt has headings that begin Authority, Scope and Invariant.",
        source=_SOURCE,
        severity="ERROR",
        looks_at="prompts/**/*.md of an HEE repository",
        remedy="Add the missing headings with what they are for.",
        subjects=_prompts,
        check=_headings,
        valid_from="2026-01-26",
    ),
)
