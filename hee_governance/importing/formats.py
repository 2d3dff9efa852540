"""Which of the capsule formats that people really wrote a text is, by what stands in it and never by its name.

The names are those of the catalogue of formats (docs/governance.md lists them). Invariant: what shows no sign of any
format is None, and is rejected; nothing is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_governance.capsules import SIX_KEYS, STATE_KEYS

if TYPE_CHECKING:
    from hee_governance.document import Node

FORMS = {
    "F1": "six keys as bare YAML",
    "F2": "six keys as YAML with a mapping as context",
    "F3": "six keys in a fenced block",
    "F4": "six keys as headings",
    "F5": "report in prose",
    "F6": "rolling dashboard",
    "F9": "key lines under a heading",
    "F10": "marker `capsule:`",
    "F11": "result `artifact:`",
    "F12": "`pill:`",
    "F13": "snapshot `state:`",
    "F14": "lock",
    "F15": "marker `completion:`",
    "F16": "object with apiVersion and kind",
    "F17": "spool item",
    "F18": "monitoring state 1.0 (JSON)",
    "F19": "design with JSON blocks",
    "F20": "chat transcript",
    "F21": "pointer to another file",
    "F22": "the specification's capsule (JSON)",
    "F23": "decision record",
    "F24": "identity capsule (key=value)",
    "F25": "session handoff",
}
# Blanks of one line only, and nothing that could be divided in two ways: a hostile text is long, and time is linear in it.
_HEADING = re.compile(r"#{1,6}[ \t]+(.*)$", re.MULTILINE)
_SPOKEN = re.compile(
    r"^(?:#+\s*)?(?:\*\*)?(?:You|ChatGPT|User|Assistant|Human|Claude)(?: said)?:(?:\*\*)?\s*$", re.MULTILINE
)
_POINTER = re.compile(r"source of truth:?\W+\S+", re.IGNORECASE)
_DECISION = re.compile(r"^[ \t]*(?:[-*][ \t]+)?\*\*(Decision|Alternatives|Consequences|Rationale)\*\*:?", re.MULTILINE)
_META = re.compile(r"^[ \t]*(?:[-*][ \t]+)?\*\*[A-Z][\w /&-]{1,30}(?:\*\*:|:\*\*)", re.MULTILINE)
_DATED = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?\*\*(?:Date|Status|Session|Window|Branch|Last Updated)(?:\*\*:|:\*\*)", re.MULTILINE
)
_BOX = re.compile(r"^[ \t]*[-*+][ \t]+\[[ xX]\]", re.MULTILINE)
_KEY_LINE = re.compile(r"^([a-z][a-z_]{2,30}):(?:\s|$)", re.MULTILINE)
_PAIR = re.compile(r"[a-z0-9_.]+=\S.*|[a-z0-9_.]+=(?:null)?")
_HANDOFF = ("who you are", "where context lives", "standing rules", "next steps", "peers", "purpose")
_REPORT = re.compile(
    r"\bsession|report\b|handoff|post-?mortem|completion|summary|\bshift\b|\bplan\b|\bdone\b|optimization|quarantine|current tasks|checklist|autopsy|packet"
    r"|recovery|assessment|capsule|what happened|next steps",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Form:
    """A format and how sure the signs make it, in percent."""

    name: str
    confidence: int


def of_data(tree: Node) -> Form | None:
    """The format of a YAML or JSON mapping."""
    keys = {key for key, _ in tree.items()}
    if keys & set(STATE_KEYS):
        return Form("F22", 100 if keys >= set(STATE_KEYS) else 80)
    if "monitoring_state" in keys:
        return Form("F18" if "metadata" in keys else "F22", 100 if "metadata" in keys else 80)
    if "chat" in keys or len(keys & set(SIX_KEYS)) >= 3:
        context = tree.get("context")
        sure = 100 if keys >= set(SIX_KEYS) else 60 + 5 * len(keys & set(SIX_KEYS))
        return Form("F2" if context and isinstance(context.value, dict) else "F1", sure)
    if {"apiVersion", "kind"} <= keys:
        return Form("F16", 100 if {"metadata", "spec"} <= keys else 80)
    for key, name in (("pill", "F12"), ("capsule", "F10"), ("completion", "F15"), ("artifact", "F11")):
        if key in keys:
            return Form(name, 100)
    if "state" in keys and isinstance(getattr(tree.get("state"), "value", None), dict):
        return Form("F13", 100)
    if "phase_id" in keys or {"branch", "pr_url"} <= keys:
        return Form("F17", 100 if "status" in keys else 80)
    if "gnu_name" in keys or "permanence" in keys:
        return Form("F14", 100)
    if any(key.endswith(("stool_hash", "stool_hash_full")) for key in keys):
        return Form("F24", 100)
    return None


def of_text(text: str, fenced: list[tuple[str, Node]]) -> Form | None:
    """The format of a Markdown text; `fenced` are its blocks that can be read, with their language."""
    inner = [form for language, tree in fenced if (form := of_data(tree)) and language in ("json", "yaml", "yml")]
    states = [form for form in inner if form.name in ("F18", "F22")]
    if len(states) > 1 or (states and len(fenced) > 2):
        return (
            Form("F19", 80) if not any(form.confidence == 100 and form.name == "F22" for form in states) else states[0]
        )
    if states:
        return states[0]
    if any(form.name in ("F1", "F2") for form in inner):
        return Form("F3", 100)
    return _of_prose(text)


def _of_prose(text: str) -> Form | None:
    heads = [match[1].rstrip().rstrip("#").strip().lower() for match in _HEADING.finditer(text)]
    spoken = len(_SPOKEN.findall(text))
    if spoken >= 2 or (spoken and len(text) > 10_000):
        return Form("F20", 90 if spoken >= 2 else 70)
    if re.match(r"\s*chat:", text):
        return Form("F1", 60)  # meant as YAML; a reader of YAML refuses it
    if heads and heads[0].startswith("chat:") and sum(head.replace(" ", "_") in SIX_KEYS for head in heads) >= 2:
        return Form("F4", 100)
    keyed = set(_KEY_LINE.findall(text))
    if heads and heads[0].startswith("state-capsule") and keyed & set(SIX_KEYS):
        return Form("F9", 90)
    if _POINTER.search(text) and len(text) < 1500:
        return Form("F21", 90)
    if any("quick status" in head for head in heads) or ({"active tasks", "completed tasks"} <= set(heads)):
        return Form("F6", 90)
    if sum(any(head.startswith(word) for head in heads) for word in _HANDOFF) >= 3:
        return Form("F25", 80)
    record = bool(heads) and (heads[0].startswith("adr") or {"status", "context", "decision"} <= set(heads))
    grounds = _DECISION.findall(text)
    if record or ("Decision" in grounds and len(grounds) >= 3 and not _BOX.search(text)):
        return Form("F23", 90 if record else 80)
    rows = [row for row in text.splitlines() if row.strip() and not row.startswith("#")]
    if len(rows) >= 3 and all(_PAIR.fullmatch(row.strip()) for row in rows):
        return Form("F24", 90)
    signs = len(_META.findall(text)) + 2 * len(_BOX.findall(text)) + len(keyed)
    named = bool(heads) and _REPORT.search(heads[0]) is not None
    dated = _DATED.search(text) is not None
    tasks = _BOX.search(text) is not None and any(_REPORT.search(head) for head in heads)
    if named or tasks or (heads and dated and signs >= 2):
        return Form("F5", min(90, 50 + 10 * named + 5 * min(signs, 6)))
    return None
