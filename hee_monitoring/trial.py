"""A trial of the triage verdict on failures whose true cause is known, because they are made up: how right, how calibrated.

Responsible for a generative model that is not the one of `triage` (other shares, failure rates of each flaky job, attempts
that nobody made, bases that nobody looked at) and for counting. Real logs have no label for their cause; what can be asked of
them is asked in `alone`.

Invariant: deterministic without a clock or a seed: every draw is a hash of the case and of what is drawn.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hee_monitoring.triage import CAUSES, MODEL, Signs, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hee_monitoring.accuracy import Outcome

CASES = 6000
# Per cent of failures by category, and of true causes within one, in the order of CAUSES.
_MIX = (
    ("test", 32),
    ("lint", 20),
    ("dependency", 16),
    ("compile", 12),
    ("timeout", 6),
    ("network", 5),
    ("infra", 5),
    ("unknown", 4),
)
_TRUE = {
    "test": (26, 3, 10, 61), "lint": (1, 1, 9, 89), "dependency": (5, 15, 18, 62), "compile": (1, 1, 12, 86),
    "timeout": (30, 18, 8, 44), "network": (14, 66, 3, 17), "infra": (8, 78, 4, 10), "unknown": (20, 12, 12, 56),
}  # fmt: skip
_RATES = (2, 5, 10, 20, 35, 50)  # per cent of its runs in which a flaky job fails


@dataclass(frozen=True, slots=True)
class Case:
    """One made-up failure: its true cause, what could be known of it, and the verdict."""

    truth: str
    signs: Signs
    verdict: Verdict


def cases(number: int = CASES) -> Iterator[Case]:
    """The made-up failures, always the same."""
    for case in range(number):
        category = _pick(case, "category", [part for _, part in _MIX])
        name = _MIX[category][0]
        truth = CAUSES[_pick(case, "truth", _TRUE[name])]
        signs = _signs(case, name, truth)
        yield Case(truth, signs, judge(signs))


def _signs(case: int, category: str, truth: str) -> Signs:
    rate = _RATES[_draw(case, "rate") % len(_RATES)]
    stays = {"flaky": rate, "infrastructure": 60, "broken-base": 99, "change": 99}[truth]
    passes = {"flaky": 85, "infrastructure": 90, "broken-base": 8, "change": 5}[truth]
    attempts = (0, 0, 0, 1, 2)[_draw(case, "attempts") % 5]
    red = sum(_draw(case, f"attempt {number}") % 100 < stays for number in range(attempts))
    episodes = (0, 0, 0, 1, 1, 2, 4)[_draw(case, "episodes") % 7]
    passed = sum(_draw(case, f"episode {number}") % 100 < passes for number in range(episodes))
    also_red = {"flaky": rate // 2, "infrastructure": 15, "broken-base": 97, "change": 3}[truth]
    base = (_draw(case, "base") % 100 < also_red) if _draw(case, "looked") % 2 else None
    storm = _pick(case, "storm", (45, 25, 30) if truth == "infrastructure" else (88, 9, 3))
    seen = episodes + (truth == "broken-base")
    return Signs(
        category, green=attempts - red, red=red, passed=passed, lasted=episodes - passed, seen=seen, base=base,
        base_name="main", storm=storm,
    )  # fmt: skip


def _draw(case: int, what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{case}/{what}".encode()).digest()[:6], "big")


def _pick(case: int, what: str, parts: Sequence[int]) -> int:
    """A place among `parts`, each as likely as it is large."""
    left = _draw(case, what) % sum(parts)
    for place, part in enumerate(parts):
        left -= part
        if left < 0:
            return place
    raise AssertionError  # the parts add up


def cause(case: Case) -> str:
    """The cause that a verdict names; empty for unknown."""
    word = case.verdict.word
    return "change" if word in ("new", "known") else "" if word == "unknown" else word


def tally(made: Sequence[Case], name: str) -> tuple[int, int, int]:
    """How often a cause was said, how often rightly, and how often it was true."""
    said = [case for case in made if cause(case) == name]
    return len(said), sum(case.truth == name for case in said), sum(case.truth == name for case in made)


def brier(made: Sequence[Case]) -> int:
    """The Brier score of P(flaky), in parts of 10000: 0 is perfect; always saying the base rate is what to beat."""
    return sum((case.verdict.flaky - 10000 * (case.truth == "flaky")) ** 2 for case in made) // (len(made) * 10000)


def bands(made: Sequence[Case]) -> Iterator[tuple[int, int, int, int]]:
    """By ten per cent of P(flaky): where the band begins, its cases, the mean that was said, how often it was true."""
    for low in range(0, 10000, 1000):
        band = [case for case in made if min(case.verdict.flaky // 1000, 9) * 1000 == low]
        if band:
            mean = sum(case.verdict.flaky for case in band) // len(band)
            yield low, len(band), mean, sum(case.truth == "flaky" for case in band) * 10000 // len(band)


def miscalibration(made: Sequence[Case]) -> int:
    """How far what is said lies from what is true, in basis points: the mean over the bands, each by its cases."""
    return sum(number * abs(mean - true) for _, number, mean, true in bands(made)) // len(made)


def alone(outcomes: Iterable[Outcome]) -> Counter[str]:
    """The verdicts on real failing logs of which nothing but the text is known."""
    failing = [outcome for outcome in outcomes if not outcome.label.passed and outcome.category != "none"]
    return Counter(judge(Signs(outcome.category)).word for outcome in failing)


def report(outcomes: Sequence[Outcome]) -> str:
    """The page's part about the verdict."""
    made = list(cases())
    flaky = sum(case.truth == "flaky" for case in made)
    rate = flaky * 10000 // len(made)
    quiet = [case for case in made if cause(case) == ""]
    out = [
        "", "## Flaky, infrastructure, broken base, or the change", "",
        (f"`hee_monitoring/trial.py`, model `{MODEL}`: {len(made)} made-up failures with a known cause, drawn from other shares and rates than "
        "the verdict assumes; three of five have no second attempt, and of half nobody knows whether the base is red."), "",
        "| cause | said | right | precision | true cases | recall |", "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for name in CAUSES:
        said, right, true = tally(made, name)
        out.append(f"| {name} | {said} | {right} | {_percent(right, said)} | {true} | {_percent(right, true)} |")
    out += [
        "",
        (
            f"Unknown was said of {len(quiet)} ({_percent(len(quiet), len(made))}). Brier score of P(flaky): 0.{brier(made):04d}; always saying the "
            f"true share of {_percent(flaky, len(made))} would have 0.{rate * (10000 - rate) // 10000:04d}."
        ),
        "", f"How often flaky was true, by the probability that was said (on average {miscalibration(made) / 100:.1f} points apart):", "",
        "| P(flaky) said | cases | mean said | true |", "| --- | ---: | ---: | ---: |",
    ]  # fmt: skip
    for low, number, mean, true in bands(made):
        out.append(f"| {low // 100}-{low // 100 + 10} % | {number} | {mean // 100} % | {true // 100} % |")
    words = alone(outcomes)
    shown = ", ".join(f"{word} {words[word]}" for word in sorted(words, key=lambda word: (-words[word], word)))
    out += [
        "",
        (
            f"Of the {sum(words.values())} real failing logs above nothing but the text is known, and their causes have no label. The verdict on "
            f"them is: {shown}. Flaky is said of {words['flaky']}: a text alone never proves it."
        ),
    ]  # fmt: skip
    return "\n".join(out) + "\n"


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 // whole} %" if whole else "-"
