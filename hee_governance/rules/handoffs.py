"""HGV-CAPS-001 and HGV-CAPS-002: a capsule says what the next person needs, and done means done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_governance.capsules import SIX_KEYS, documents, is_capsule, signs
from hee_governance.document import Unreadable, read
from hee_governance.rules.model import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hee_governance.document import Node
    from hee_governance.rules.model import Context, Finding, Severity

_SOURCE = "HEE state capsule guide"


def _keys(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    text = context.tree[path].decode("utf-8", "replace")
    found = documents(path, text)
    # A capsule in our canonical form is new; what carries only the six keys was written by hand, long ago or not.
    severity: Severity = "ERROR" if any(entry.is_state for entry in found) and len(found) > 1 else "WARNING"
    for entry in found:
        if entry.kind != "yaml":
            continue
        node = read(entry.text.encode())
        if isinstance(node, Unreadable):
            line = entry.line + max(node.line, 1) - 1
            yield rule.finding(path, line, f"the YAML {node.message}", subject="yaml", severity=severity)
        elif node.get("chat") or sum(key in SIX_KEYS for key, _ in node.items()) >= 3:
            for key in SIX_KEYS:
                value = node.get(key)
                if value is None or _empty(value):
                    line = entry.line + (value.line - 1 if value else 0)
                    said = "is empty" if value else "is missing"
                    yield rule.finding(path, line, f"the capsule's {key!r} {said}", subject=key, severity=severity)


def _empty(node: Node) -> bool:
    """Says whether a value holds no text at all; an empty list says that there is nothing, which is an answer."""
    return node.value is None or (isinstance(node.value, str) and not node.value.strip())


def _done(rule: Rule, context: Context, path: str) -> Iterator[Finding]:
    done, undone = signs(path, context.tree[path].decode("utf-8", "replace"))
    if done and undone:
        message = f"{done[0].words} says done, but {len(undone)} open: {undone[0].words}"
        yield rule.finding(path, undone[0].line, message, subject="done")


def _capsules(context: Context) -> Iterable[str]:
    return tuple(path for path in context.paths if is_capsule(path))


def _texts(context: Context) -> Iterable[str]:
    return tuple(path for path in _capsules(context) if path.endswith((".md", ".done", ".yaml", ".yml")))


RULES = (
    Rule(
        id="HGV-CAPS-001",
        clause="A capsule of the six keys has all of them: chat, purpose, context, decisions, open_threads, next_chat_bootstrap.",
        source=_SOURCE,
        severity="ERROR",
        looks_at="YAML in capsule files under docs/STATE_CAPSULES",
        remedy="Fill in the key; write `[]` where there is nothing to say.",
        subjects=_texts,
        check=_keys,
    ),
    Rule(
        id="HGV-CAPS-002",
        clause="A capsule is marked done only when no open task remains.",
        source=_SOURCE,
        severity="WARNING",
        looks_at="file names, status lines and boxes of capsule files",
        remedy="Close or move the open tasks, or take the done marker away; append the correction, do not edit history.",
        subjects=_texts,
        check=_done,
    ),
)
