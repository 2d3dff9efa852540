"""Why a failure is there: flaky, infrastructure, a broken base, or a change, with a probability and what it rests on. Pure.

Responsible for weighing signs that others gathered (`signs`): a prior by category, and a likelihood for each sign, the
failure's own history among them. Says nothing of what failed (`classify`) or what to do (governance).

Invariant: integers only, so the same signs give the same verdict on every machine; one more green attempt at the same commit
never lowers the probability of flaky; what is not known weighs nothing and is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = "triage 2"  # a change of any number below is another model
SURE = 7000  # basis points that a cause needs, else the verdict is unknown
CAUSES = ("flaky", "infrastructure", "broken-base", "change")

# Parts of 1000 by cause. 17 % of 31,058 failures of an industrial CI were flaky (TELUS), 2.7 % network and 3.2 % platform
# among 375 of GitHub Actions; the rest of each row is judgment, checked by the trial in docs/diagnosis-report.md.
_DETERMINISTIC = (5, 5, 140, 850)
_TRANSIENT = (100, 700, 50, 150)
_USUAL = (170, 60, 120, 650)
PRIORS: dict[str, tuple[int, int, int, int]] = {
    **dict.fromkeys(("infra", "network", "rate-limit"), _TRANSIENT),
    **dict.fromkeys(("resource", "artifact", "vcs"), (150, 400, 70, 380)),
    **dict.fromkeys(("timeout", "crash"), (350, 150, 100, 400)),
    "test": (200, 20, 130, 650),
    "dependency": (60, 120, 220, 600),
    "deploy": (150, 200, 100, 550),
    **dict.fromkeys(
        (
            *(
                "lint",
                "format",
                "typecheck",
                "compile",
                "lockfile",
                "workflow-config",
                "build-config",
                "coverage",
                "policy",
            ),
            *("license", "drift", "state", "decision", "spec", "governance", "context"),
        ),
        _DETERMINISTIC,
    ),
}
TRANSIENT = frozenset(("infra", "network", "rate-limit", "resource", "artifact"))
# Likelihoods, parts of 1000 in the order of CAUSES. Of a green attempt flaky has the greatest: that keeps the promise above.
_GREEN, _RED = (750, 500, 20, 20), (250, 500, 980, 980)
# Of an earlier episode that passed by itself, too; milder than what the trial's worlds do, since an episode may have had another cause.
_PASSED, _LASTED = (800, 800, 100, 100), (200, 200, 900, 900)
_BASE = {True: (60, 150, 950, 20), False: (940, 850, 50, 980)}
_STORM = ((1, 1, 1, 1), (200, 300, 200, 250), (60, 450, 60, 180))
MANY = len(_STORM) - 1  # other commits beyond which another one says nothing new
_SECOND_LOOK = 20  # attempts or episodes beyond which another one says nothing new


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of one failure; None is what nobody could look at.

    `green` and `red` count other attempts of the job at the same commit; `passed` and `lasted` count earlier episodes that
    ended by themselves or needed a change; `storm` counts other commits that went red like this within minutes.
    """

    category: str
    green: int = 0
    red: int = 0
    passed: int = 0
    lasted: int = 0
    seen: int = 0
    base: bool | None = None
    base_name: str = ""
    storm: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, how probable its cause is, the four causes in basis points (their sum is at most 10000), and why."""

    word: str
    probability: int
    causes: tuple[int, int, int, int]
    evidence: tuple[str, ...]
    missing: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """The verdict as the log and the commands name its parts."""
        flaky, infrastructure, broken_base, change = self.causes
        return {
            "verdict": self.word,
            "probability": self.probability,
            "flaky": flaky,
            "infrastructure": infrastructure,
            "broken_base": broken_base,
            "change": change,
            "evidence": self.evidence,
            "missing": self.missing,
            "model": MODEL,
        }

    @property
    def flaky(self) -> int:
        """The probability of flaky in basis points."""
        return self.causes[0]


def judge(signs: Signs) -> Verdict:
    """The verdict on a failure."""
    weights = list(PRIORS.get(signs.category, _USUAL))
    for likelihood, times in _likelihoods(signs):
        weights = [weight * each**times for weight, each in zip(weights, likelihood, strict=True)]
    total = sum(weights)
    flaky, infra, base, change = (weight * 10000 // total for weight in weights)
    causes = (flaky, infra, base, change)
    best = max(range(4), key=lambda number: (weights[number], -number))
    if causes[best] < SURE:
        word = "unknown"
    elif CAUSES[best] == "change":
        word = "known" if signs.seen else "new"
    else:
        word = CAUSES[best]
    return Verdict(word, causes[best], causes, tuple(_evidence(signs, CAUSES[best])), tuple(_missing(signs)))


def _likelihoods(signs: Signs) -> Sequence[tuple[Sequence[int], int]]:
    """What each sign says of each cause, and how often it says it; a sign that is not known says nothing."""
    said: list[tuple[Sequence[int], int]] = [
        (_GREEN, min(signs.green, _SECOND_LOOK)),
        (_RED, min(signs.red, _SECOND_LOOK)),
        (_PASSED, min(signs.passed, _SECOND_LOOK)),
        (_LASTED, min(signs.lasted, _SECOND_LOOK)),
        (_STORM[min(signs.storm or 0, MANY)], 1),
    ]
    if signs.base is not None:
        said.append((_BASE[signs.base], 1))
    return said


def _evidence(signs: Signs, best: str) -> Sequence[str]:
    """What is known, first what speaks for the best cause, last what was there before any sign."""
    said = []
    if signs.green:
        said.append(("flaky", f"green in {signs.green} other attempt(s) of the same commit"))
    if signs.red:
        said.append(("change", f"red in {signs.red} other attempt(s) of the same commit"))
    if signs.base is not None:
        words = "is red with it as well" if signs.base else "was seen green"
        said.append(("broken-base" if signs.base else "change", f"{signs.base_name} {words}"))
    if signs.storm:
        said.append(("infrastructure", f"{signs.storm} other commit(s) went red like this within ten minutes"))
    if both := signs.passed + signs.lasted:
        kind = "flaky" if signs.passed > signs.lasted else "change"
        said.append((kind, f"of {both} earlier episode(s) {signs.passed} passed without a change"))
    if signs.seen:
        said.append(("change", f"seen {signs.seen} time(s) before"))
    ordered = [text for _, text in sorted(said, key=lambda item: item[0] != best)]
    return [*ordered, f"{signs.category} failures begin at {_shares(signs.category)}"]


def _shares(category: str) -> str:
    flaky, infra, base, change = (part // 10 for part in PRIORS.get(category, _USUAL))
    return f"{change} % the change, {base} % broken base, {flaky} % flaky, {infra} % infrastructure"


def _missing(signs: Signs) -> Sequence[str]:
    said = []
    if not signs.green and not signs.red:
        said.append("no other attempt of the same commit was seen")
    if not signs.passed and not signs.lasted:
        said.append("no earlier episode of this failure has ended here")
    if signs.base is None:
        said.append(f"whether {signs.base_name or 'its base'} is red as well")
    if signs.storm is None:
        said.append("whether other commits went red at the same time")
    return said
