"""The promises of learning: order changes nothing, hostile text makes no bad pattern, a verdict can be repeated."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from hee_core.learned import IN_FORCE
from hee_monitoring import candidates
from hee_monitoring.classify import explain_log
from hee_monitoring.database import PatternDB
from hee_monitoring.finder import compiled
from hee_monitoring.learning import Policy, learn
from hee_monitoring.miner import Line, mine, parsed, pieces
from hee_monitoring.ownpatterns import extended
from hee_monitoring.redact import publishable
from hee_monitoring.rehearsal import Failure

DB = PatternDB.load()
WORDS = st.sampled_from(
    ["shelf", "pinion", "lost", "module", "cannot", "'a b'", "x/y.py:3", "12", "https://e.org/1", "a_b", "-", "(", "Öl"]
)
SENTENCES = st.lists(WORDS, min_size=1, max_size=7).map(" ".join)
LINES = st.lists(
    st.builds(Line, SENTENCES, st.sampled_from("123456"), st.sampled_from("AB"), st.booleans()), max_size=40
)
# What a log may hold that wants to become a pattern: escapes, controls, secrets, syntax of expressions.
HOSTILE = st.one_of(
    st.text(max_size=120),
    st.sampled_from([".*", "(a+)+$", "[", "\\", "\x1b[31mred", "a\u202eb", "token=ghp_" + "a" * 36, "(?i)(?P<x>", "e" * 3000, "\x00 \x07", "$^|", "<gap> <gap>"]),
    SENTENCES,
)  # fmt: skip


@given(LINES, st.integers(2, 4), st.integers(0, 2**32))
def test_the_same_lines_in_any_order_and_number_give_the_same_templates(lines, support, seed):
    mixed = lines * 2
    random.Random(seed).shuffle(mixed)
    assert mine(mixed, support) == mine(lines, support)
    for template in mine(lines, support):
        assert template.runs >= support
        assert candidates.expression(parsed(template.text)) == candidates.expression(template)


@given(
    st.lists(st.tuples(st.lists(HOSTILE, min_size=1, max_size=4), st.integers(0, 5)), max_size=8), st.integers(0, 2**32)
)
@settings(max_examples=60)
def test_no_text_of_a_log_becomes_a_catch_all_a_slow_expression_or_a_secret(shown, seed):
    failures = [
        Failure(str(run), "here", tuple(publishable(text, limit=300) for text in texts), explained=False)
        for texts, run in shown
    ]
    found = learn(failures, [], Policy(2, 3, 5))
    mixed = failures[:]
    random.Random(seed).shuffle(mixed)
    assert learn(mixed, [], Policy(2, 3, 5)).proposals == found.proposals
    assert len(found.proposals) <= 5
    for proposal in found.proposals:
        assert len(proposal.regex) <= candidates.LONGEST
        assert publishable(proposal.regex) == proposal.regex
        assert not candidates.faults(proposal.template, proposal.regex)
        assert all(compiled(proposal.regex).search(text.encode()) for text in proposal.examples)
        assert all(map(str.isprintable, proposal.regex))


@given(SENTENCES, st.integers(1, 5))
@settings(max_examples=15)
def test_the_same_evidence_database_and_policy_give_the_same_verdict(text, number):
    record = {
        "candidate": "HEE-CAN-" + "0" * 12, "pattern_id": "HEE-PAT-940", "version": 1, "category": "infra", "title": "t", "what": "w",
        "remedy": "r", "regex": candidates.expression(parsed("the frobnicator of shelf <gap> lost")), "template": "the frobnicator of shelf <gap> lost",
        "examples": [], "support": 3, "status": IN_FORCE,
    }  # fmt: skip
    log = f"{text}\nthe frobnicator of shelf s{number} lost\n##[error]Process completed with exit code 1.\n".encode()
    one, two = (extended(DB, (), {"HEE-PAT-940": record}) for _ in range(2))
    assert one.digest == two.digest != DB.digest
    assert explain_log(log, one) == explain_log(log, two)
    without = explain_log(log, DB)
    if without.category != "unknown":
        assert (
            explain_log(log, one).pattern_id == without.pattern_id
        )  # a learned pattern takes nothing from a shipped one


@given(st.text(max_size=300))
def test_cutting_a_line_is_total_and_bounded(text):
    assert len(pieces(text)) <= 120
