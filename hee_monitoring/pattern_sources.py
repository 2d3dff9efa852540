"""Compiles the YAML sources of the pattern database, and writes the page that documents each pattern.

Responsible for reading the sources, filling what a category implies (impact, safety, rollback, matrix row), and refusing what
breaks a rule: ids, vocabulary, expressions that RE2 refuses, examples that do not hold. Loading is `database`'s.

Invariant: the same sources give the same bytes, whatever the machine; every example is proved while compiling.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from hee_core.errors import ConfigError
from hee_monitoring.database import COMPILED, FORMAT, Pattern, PatternDB

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1.1.0"
SOURCES = COMPILED.parent
_ID = re.compile(r"HEE-PAT-[0-9]{3}\Z")
ROLES = ("cause", "hint", "verdict", "consequence", "count")
_REQUIRED = {"id", "title", "category", "what", "remedy"}
_OPTIONAL = {
    "description", "channel", "impact", "safety", "rollback", "row", "priority", "role", "match", "examples", "not", "signal",
    "refines", "requires", "unless", "then", "peek", "near", "above",
}  # fmt: skip

# category: first id, last id, impact on HEE, safety of automation. Rollback is required where automation may change files.
CATEGORIES: dict[str, tuple[int, int, str, str]] = {
    "state": (1, 1, "Critical", "Low"),
    "decision": (2, 2, "High", "Medium"),
    "spec": (3, 3, "Medium", "High"),
    "governance": (4, 4, "Critical", "Low"),
    "context": (5, 5, "High", "Medium"),
    "compile": (100, 169, "High", "Medium"),
    "typecheck": (170, 189, "Medium", "Medium"),
    "test": (190, 279, "High", "Medium"),
    "coverage": (280, 289, "Medium", "Medium"),
    "dependency": (290, 349, "High", "Medium"),
    "lockfile": (350, 369, "Medium", "High"),
    "toolchain": (370, 399, "High", "Medium"),
    "workflow-config": (400, 459, "High", "Medium"),
    "build-config": (460, 489, "High", "Medium"),
    "vcs": (490, 519, "Medium", "Medium"),
    "network": (520, 559, "Low", "High"),
    "resource": (560, 579, "Medium", "Medium"),
    "infra": (580, 609, "Low", "High"),
    "format": (610, 629, "Low", "High"),
    "lint": (630, 679, "Low", "Medium"),
    "timeout": (680, 699, "Medium", "Medium"),
    "cancelled": (700, 709, "Low", "Medium"),
    "permission": (710, 739, "High", "Low"),
    "rate-limit": (740, 749, "Low", "High"),
    "artifact": (750, 764, "Medium", "Medium"),
    "deploy": (765, 789, "High", "Low"),
    "policy": (790, 804, "Medium", "Low"),
    "perf-size": (805, 814, "Medium", "Medium"),
    "drift": (815, 829, "Medium", "Medium"),
    "docs-link": (830, 844, "Low", "Medium"),
    "crash": (845, 869, "High", "Medium"),
    "security": (870, 894, "Critical", "Low"),
    "license": (895, 904, "High", "Low"),
    "aggregator": (905, 914, "Low", "Medium"),
    "unknown": (999, 999, "Medium", "Low"),
}
IMPACTS, SAFETY = ("Critical", "High", "Medium", "Low"), ("High", "Medium", "Low")
CHANNELS = ("log", "annotation", "job", "run", "file")
_ROLLBACK = {"format", "lockfile", "drift"}


def source_digest(folder: Path = SOURCES) -> str:
    """SHA-256 over names and bytes of all sources, independent of line-ending conversion."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        whole.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return whole.hexdigest()


def read_sources(folder: Path = SOURCES) -> tuple[Pattern, ...]:
    """Reads and checks every source; raises ConfigError that lists all findings."""
    from ruamel.yaml import YAML

    patterns: dict[str, Pattern] = {}
    findings: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        for item in YAML(typ="safe", pure=True).load(path.read_text("utf-8")):
            where = f"{path.name}: {item.get('id', item.get('title', '?'))}"
            if missing := _REQUIRED - set(item):
                findings.append(f"{where}: lacks {', '.join(sorted(missing))}")
                continue
            if unknown := set(item) - _REQUIRED - _OPTIONAL:
                findings.append(f"{where}: unknown key {', '.join(sorted(unknown))}")
                continue
            pattern = pattern_of(item)
            if pattern.pattern_id in patterns:
                findings.append(f"{where}: the id is taken")
            findings += (f"{where}: {text}" for text in check(pattern))
            patterns[pattern.pattern_id] = pattern
    ordered = tuple(patterns[key] for key in sorted(patterns))
    findings += _check_references(patterns)
    if findings:
        raise ConfigError("pattern sources: " + "; ".join(findings), hint="correct the sources and build again")
    return ordered


def pattern_of(item: dict[str, Any]) -> Pattern:
    """Fills in what the category implies."""
    category = str(item["category"])
    _, _, impact, safety = CATEGORIES.get(category, (0, 0, "", ""))
    regexes = tuple(item.get("match", ()))
    row = str(item.get("row", category))
    return Pattern(
        pattern_id=str(item["id"]),
        title=str(item["title"]),
        description=str(item.get("description", item["what"])),
        category=category,
        channel=str(item.get("channel", "log")),
        hee_impact=str(item.get("impact", impact)),
        safety_level=str(item.get("safety", safety)),
        rollback_required=bool(item.get("rollback", category in _ROLLBACK or row != category)),
        matrix_row=row,
        what=str(item["what"]),
        remedy=str(item["remedy"]),
        priority=int(item.get("priority", 70)),
        role=str(item.get("role", "cause")),
        regexes=regexes,
        vetoes=tuple(item.get("unless", ())),
        then=str(item.get("then", "")),
        peek=str(item.get("peek", "")),
        near=int(item.get("near", 0)),
        above=bool(item.get("above", False)),
        captures=captures_of((*regexes, str(item.get("then", "")), str(item.get("peek", "")))),
        examples=tuple(item.get("examples", ())),
        counterexamples=tuple(item.get("not", ())),
        signal=str(item.get("signal", "")),
        refines=str(item.get("refines", "")),
        requires=tuple((str(pattern_id), str(capture)) for pattern_id, capture in item.get("requires", ())),
    )


def captures_of(regexes: tuple[str, ...]) -> tuple[str, ...]:
    """The names that expressions capture, sorted."""
    return tuple(sorted({name for regex in regexes for name in re.findall(r"\(\?P<([A-Za-z_]+)>", regex)}))


def check(pattern: Pattern) -> list[str]:
    """The rules that one pattern breaks."""
    first, last, _, _ = CATEGORIES.get(pattern.category, (0, -1, "", ""))
    rules = [
        (bool(_ID.match(pattern.pattern_id)), "an id reads HEE-PAT-nnn"),
        (first <= int(pattern.pattern_id[-3:] or 0) <= last, f"ids of {pattern.category} are {first:03} to {last:03}"),
        (pattern.channel in CHANNELS, f"channel {pattern.channel!r} does not exist"),
        (pattern.hee_impact in IMPACTS, f"impact {pattern.hee_impact!r} does not exist"),
        (pattern.safety_level in SAFETY, f"safety {pattern.safety_level!r} does not exist"),
        (pattern.role in ROLES, f"role {pattern.role!r} does not exist"),
        (0 <= pattern.priority <= 100, "priority is 0 to 100"),
        (
            bool(pattern.regexes) or bool(pattern.signal) or bool(pattern.refines) or pattern.channel == "file",
            "nothing finds it",
        ),
        (not pattern.regexes or len(pattern.examples) >= 2, "at least two examples"),
        (not pattern.regexes or len(pattern.counterexamples) >= 1, "at least one counterexample"),
    ]
    return [text for holds, text in rules if not holds] + check_examples(pattern)


def check_examples(pattern: Pattern) -> list[str]:
    """Proves expressions and examples with the engine that reads logs."""
    from hee_monitoring.finder import compiled, matches

    findings = []
    for regex in (*pattern.regexes, *pattern.vetoes, pattern.then, pattern.peek):
        if re.search(r"\[[^\]\[]*[^\x00-\x7f][^\]]*\]", re.sub(r"\\.", "", regex)):
            findings.append(f"non-ASCII inside a character class does not match bytes: {regex}")
        try:
            compiled(regex)
        except ValueError as error:
            return [*findings, str(error)]
    for example in pattern.examples:
        if pattern.regexes and not matches(pattern, example):
            findings.append(f"does not match its example {example!r}")
    for example in pattern.counterexamples:
        if matches(pattern, example):
            findings.append(f"matches its counterexample {example!r}")
    return findings


def _check_references(patterns: dict[str, Pattern]) -> list[str]:
    """Ids that `refines` and `requires` name must exist."""
    return [
        f"{pattern.pattern_id}: names {other}, which does not exist"
        for pattern in patterns.values()
        for other in (*filter(None, [pattern.refines]), *(name for name, _ in pattern.requires))
        if other not in patterns
    ]


def compile_sources(folder: Path = SOURCES) -> bytes:
    """The compiled database: one pattern a line, so that a change reads well in a diff."""
    lines = [json.dumps(_document(pattern), ensure_ascii=False, sort_keys=True) for pattern in read_sources(folder)]
    head = f'{{"format": {FORMAT}, "version": "{VERSION}", "digest": "{source_digest(folder)}", "patterns": [\n'
    return (head + ",\n".join(lines) + "\n]}\n").encode()


def _document(pattern: Pattern) -> dict[str, Any]:
    return {name: getattr(pattern, name) for name in Pattern.__slots__}


def document(database: PatternDB) -> str:
    """The reference page: a section for each category, an entry for each pattern."""
    out = [
        "# Patterns",
        "",
        (
            f"Generated by `python scripts/build_patterns.py` from `hee_monitoring/patterns/*.yaml`; {len(database)} patterns, "
            f"version {database.version}. Do not edit."
        ),
    ]
    for category in CATEGORIES:
        found = [pattern for pattern in database if pattern.category == category]
        if found:
            out += ["", f"## {category}"]
        for pattern in found:
            out += [
                "",
                f"### {pattern.pattern_id} {pattern.title}",
                "",
                pattern.what,
                "",
                f"**Remedy.** {pattern.remedy}",
                "",
            ]
            out.append(
                f"Channel {pattern.channel} · impact {pattern.hee_impact} · safety {pattern.safety_level} · rollback "
                f"{'yes' if pattern.rollback_required else 'no'} · matrix row `{pattern.matrix_row}` · {pattern.role}, "
                f"priority {pattern.priority}"
                + (f" · captures {', '.join(pattern.captures)}" if pattern.captures else "")
            )
            if pattern.examples:
                out += ["", "```text", *(line for line in pattern.examples), "```"]
    return "\n".join(out) + "\n"
