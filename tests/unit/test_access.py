"""Who may do what, and the sentence with which a person allows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_governance.access import CAPABILITIES, ROLES, may
from hee_governance.authz import Authorization, NotAuthorized, parse
from hee_governance.decide import Approval, Facts, Policy, decide

LINE = "AUTHZ: APPROVED_TO_ACT — scope=src/**,tests/** — authority=Ada — expires=2026-12-31T18:00:00Z"


@pytest.mark.spec("SEED-214", "SEED-219", "SEED-221")
@given(st.sampled_from([*ROLES, "robot", ""]), st.sampled_from([*CAPABILITIES, "fly"]))
def test_only_a_known_role_has_a_known_capability_and_only_people_approve(role, capability):
    access = may(role, capability)
    assert access.allowed == (role in ROLES and capability in ROLES.get(role, ()))
    assert access.reason
    if capability in ("approve", "unfreeze") and access.allowed:
        assert role == "human"


@given(st.sampled_from(list(ROLES)), st.sampled_from(CAPABILITIES), st.lists(st.sampled_from(CAPABILITIES)).map(tuple))
def test_a_configuration_takes_capabilities_and_gives_none(role, capability, left):
    limited = may(role, capability, {role: left}).allowed
    assert limited == (may(role, capability).allowed and capability in left)


def test_the_sentence_is_read_with_its_fields():
    assert parse(LINE) == Authorization(("src/**", "tests/**"), "Ada", "2026-12-31T18:00:00Z", LINE)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("AUTHZ: APPROVED_TO_ACT", "names no scope"),
        (" AUTHZ: APPROVED_TO_ACT — scope=a", "it is near"),
        ("authz: approved_to_act — scope=a", "it is near"),
        ("AUTHZ: APPROVED TO ACT — scope=a", "it is near"),
        ("I do not give AUTHZ: APPROVED_TO_ACT — scope=a", "it is near"),
        ("please go on", "does not begin"),
        ("AUTHZ: APPROVED_TO_ACT — scope=a ", "blanks at its end"),
        ("AUTHZ: APPROVED_TO_ACT — scope=a\nAUTHZ: APPROVED_TO_ACT — scope=**", "one line"),
        ("AUTHZ: APPROVED_TO_ACT - scope=a", "no field"),
        ("AUTHZ: APPROVED_TO_ACTION — scope=a", "no field"),
        ("AUTHZ: APPROVED_TO_ACT — scope=a — scope=b", "twice"),
        ("AUTHZ: APPROVED_TO_ACT — scope=a — mood=good", "is not one of"),
        ("AUTHZ: APPROVED_TO_ACT — scope=../x", "leaves the repository"),
        ("AUTHZ: APPROVED_TO_ACT — scope=**", "scope of everything"),
        ("AUTHZ: APPROVED_TO_ACT — scope=* — authority=Ada", "scope of everything"),
        ("AUTHZ: APPROVED_TO_ACT — scope=**/*,src/**", "scope of everything"),
        ("AUTHZ: APPROVED_TO_ACT — scope=/**/", "scope of everything"),
        ("AUTHZ: APPROVED_TO_ACT — scope=?*", "scope of everything"),
        ("AUTHZ: APPROVED_TO_ACT — scope=*/,/*", "scope of everything"),
        ("AUTHZ: APPROVED_TO_ACT — scope=a — expires=tomorrow", "no time with an offset"),
    ],
)
def test_what_is_only_near_the_sentence_authorizes_nothing(line, says):
    found = parse(line)
    assert isinstance(found, NotAuthorized)
    assert says in found.reason


def test_a_scope_of_everything_has_an_end_and_a_wide_one_need_not():
    whole = parse("AUTHZ: APPROVED_TO_ACT — scope=** — expires=2026-12-31T18:00:00Z")
    assert isinstance(whole, Authorization)
    assert isinstance(parse("AUTHZ: APPROVED_TO_ACT — scope=src/**,*.md"), Authorization)


def action(*actors: str, quorum: int = 1, author: str = "agent:hee") -> str:
    approvals = tuple(Approval(f"A{n}", "I", actor.partition(":")[0], actor=actor) for n, actor in enumerate(actors))
    facts = Facts(
        pattern_id="HEE-PAT-612", category="test", hee_impact="low", safety_level="high", confidence=9000,
        issue_id="I", approvals=approvals, author=author, as_of="2026-06-01T00:00:00Z",
    )  # fmt: skip
    return decide(facts, Policy(quorum=quorum)).action


@pytest.mark.spec("SEED-069", "SEED-072")
def test_a_quorum_takes_that_many_people_and_nobody_approves_their_own_repair():
    assert action("human:ada") == "auto-fix"
    assert action("human:ada", quorum=2) == "agent-review"
    assert action("human:ada", "human:ada", quorum=2) == "agent-review"
    assert action("human:ada", "human:bob", quorum=2) == "auto-fix"
    assert action("human:ada", "agent:hee", quorum=2) == "agent-review"
    assert action("human:ada", author="human:ada") == "agent-review"
    assert action("human:ada", "human:bob", author="human:ada") == "auto-fix"
