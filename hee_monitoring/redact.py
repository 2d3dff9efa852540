"""Replaces secrets in text by `[REDACTED]`, before anything is kept, signed or shown.

Responsible for recognizing credentials by their shape (issuer prefixes, private keys, URL passwords, assignments to a
telling name), and for the one order in which foreign text becomes publishable: clean, redact, cut. It is a net below the
platform's own masking, not a scanner of repositories.

Invariant: linear time (RE2), and idempotent: `redact(redact(text)) == redact(text)`, `publishable` likewise.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from hee_core.canonical import clean

MARK = "[REDACTED]"

_ESCAPES = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?|\x1b[ -/]*[0-~]")
# Drawn as nothing, and no format character (Cf) by its category: joiners, fillers, variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

_WHOLE = (
    r"gh[pousr]_[A-Za-z0-9]{30,255}",
    r"github_pat_[A-Za-z0-9_]{30,255}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_.-]{18,}",
    r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{16}\b",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+",
    r"https://(?:discord|discordapp)\.com/api/webhooks/[A-Za-z0-9/_-]+",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\bdop_v1_[a-f0-9]{60,}",
    r"\bhv[sb]\.[A-Za-z0-9_-]{20,}",
    r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
    r"\bdckr_pat_[A-Za-z0-9_-]{20,}",
    r"\brubygems_[a-f0-9]{40,}",
    r"\bcrates\.io-[A-Za-z0-9]{30,}|\bcio[A-Za-z0-9]{32}\b",
    r"(?s:-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\z))",
)
_NAME = (
    r"(?:[A-Za-z0-9_.-]*(?:passwd|password|passphrase|secret|api[_-]?key|apikey|access[_-]?key|auth[_-]?token|access[_-]?token"
    r"|private[_-]?key|client[_-]?secret|credentials?|_token|-token|^token|\btoken|_pwd|\bpwd|_pass|_auth|_authtoken)[A-Za-z0-9_-]*)"
)
# Each has one group that stays in front of the mark.
_VALUE = (
    r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"'<>]*:)[^\s/@\"'<>]+@",
    r"((?i:authorization|x-api-key|private-token|job-token)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?i:basic|bearer|token|digest|negotiate)\s+)?)[^\s\"',;]+",
    r"((?i:\b(?:bearer|basic)) )[A-Za-z0-9+/._~-]{16,}={0,2}",
    r"((?i:" + _NAME + r")[\"']?\s{0,4}(?:=|:)\s{0,4}[\"']?)[^\s\"',;&)}\]]+\]?",
    r"((?i:--(?:password|token|secret|api-key|auth-token))[ =])[^\s-][^\s]*",
)
_HINT = (
    r"(?i)://|_|-----BEGIN|xox|AKIA|ASIA|A[RI][OD]A|A[GN]PA|eyJ|AIza|ya29|sk-|SG\.|hvs|hvb|AGE-S|cio|crates|glpat|gl[a-z]+-|pypi-|pass|secret|token|key|auth"
    r"|credential|bearer|basic|pwd"
)


def redact(text: str) -> str:
    """Returns the text with every recognized secret replaced; the name in front of a value stays readable."""
    if _compiled(_HINT).search(text) is None:
        return text
    whole, values = _compiled("|".join(_WHOLE)), [_compiled(value) for value in _VALUE]
    while True:
        clean = whole.sub(lambda _: MARK, text)
        for value in values:
            clean = value.sub(_keep, clean)
        if clean == text:
            return text
        text = clean


def publishable(text: str, *, limit: int = 0) -> str:
    """Foreign text as an event or a screen may hold it: clean, then redacted, then cut to `limit` characters.

    In this order, since a character that is not drawn would hide a secret, and half a secret is not recognized.
    """
    text = clean(_ESCAPES.sub("", text) if "\x1b" in text or "\x9b" in text else text)
    bare = text if text.isascii() else _bare(text)
    safe = redact(bare)
    text = clean(safe) if safe != bare or redact(text) != text else text
    room = limit
    while limit and len(text) > limit:
        # The end of a cut can look like a secret again; the mark for it needs room.
        cut = redact(clean(text, limit=room))
        if len(cut) <= limit:
            return cut
        room -= len(MARK)
    return text


def _bare(text: str) -> str:
    """The text without what is not drawn."""
    return _INVISIBLE.sub("", "".join(each for each in text if each in "\t\n" or unicodedata.category(each) != "Cf"))


def _keep(found: re.Match[str]) -> str:
    at = "@" if found.group(0).endswith("@") and "://" in found.group(1) else ""
    return f"{found.group(1)}{MARK}{at}"


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 32 << 20
    pattern: re.Pattern[str] = re2.compile(expression, options)
    return pattern
