"""Gives the same failure the same name over runs, branches, repositories' checkouts and machines.

Responsible for normalizing text (numbers, times, hashes, addresses, runner paths, temporary names) and for hashing it.
What counts as the same failure beyond its text is decided by whoever keeps issues.

Invariant: `normalize` is idempotent, and two texts that differ only in what a run, a clock or a machine put there are equal
afterwards. `VERSION` is part of every fingerprint, so that a change of rules never merges old and new names silently.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
_LIMIT = 400

_RULES = tuple(
    (re.compile(expression), text)
    for expression, text in (
        (r"\x1b\[[0-9;]*[A-Za-z]", ""),
        (r"\\", "/"),
        (r"(?:[A-Za-z]:)?(?:/[\w.-]+){0,3}/(?:_work|work|a|builds|workspace)/(?:_temp/[\w.-]+/?|[\w.-]+/[\w.-]+/)", ""),
        (r"(?:[A-Za-z]:)?/(?:home|Users|root)/[\w.-]+/", "~/"),
        (r"(?:/private)?(?:/var)?/(?:tmp|folders)/[\w.+/-]*", "<tmp>"),
        (r"~/AppData/Local/Temp/[\w.+/-]*", "<tmp>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\b(?:sha\d{1,3}[:-])[A-Za-z0-9+/=]{16,}", "<hash>"),
        (r"@[0-9a-f]{5,16}\b", "@<hash>"),
        (r"\b0x[0-9a-fA-F]+\b", "<hash>"),
        (r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b", "<hash>"),
        (r"\b(?:fv-az|runner-|ip-|GitHub Actions )[\w-]*\d[\w-]*", "<host>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<ip>"),
        (
            r"(?<![A-Za-z0-9_])[-+]?\d+(?:[.,:]\d+)*(?:e[-+]?\d+)?(?=(?:ns|us|µs|ms|s|m|h|min|sec|secs|seconds|%|KB|MB|GB|KiB|MiB|GiB|kB|B)?(?![A-Za-z0-9_]))",
            "#",
        ),
        (r"\s+", " "),
    )
)


def normalize(text: str) -> str:
    """Replaces what differs from run to run and cuts the rest to a bounded length."""
    text = text[: 4 * _LIMIT]
    for _ in range(4):
        before = text
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
        text = text.strip()[:_LIMIT].strip()
        if text == before:
            break
    return text


def fingerprint(pattern_id: str, captures: Mapping[str, str], text: str = "") -> str:
    """Hashes the pattern with its captures, or with the text where it captures nothing, to 16 hexadecimal digits."""
    parts = [f"{name}={normalize(value)}" for name, value in sorted(captures.items())] or [normalize(text)]
    return hashlib.sha256("\0".join((f"v{VERSION}", pattern_id, *parts)).encode("utf-8", "replace")).hexdigest()[:16]
