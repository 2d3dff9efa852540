"""Decisions: their scopes, and the contradictions between them."""

from __future__ import annotations

import pytest

from hee_governance.conflicts import conflicts_of, denied, scopes_overlap
from hee_governance.decisions import Decision, Subject, selectors

PAYLOAD = {
    "kind": "standing",
    "key": "format.vendor",
    "statement": "Vendored files keep their bytes",
    "action": "agent-review",
    "value": "off",
    "deny_paths": ["vendor/**"],
    "scope": ["category:format", "path: src/**", "lib/"],
    "supersedes": "HEE-DEC-0",
}


def test_a_decision_is_read_from_its_event():
    decision = Decision.of("HEE-DEC-1", PAYLOAD, digest="d")
    assert (decision.key, decision.action, decision.value, decision.supersedes) == (
        "format.vendor",
        "agent-review",
        "off",
        "HEE-DEC-0",
    )
    assert (decision.deny_paths, decision.kind, decision.digest) == (("vendor/**",), "standing", "d")
    assert Decision.of("HEE-DEC-2", {"key": "k"}) == Decision("HEE-DEC-2", "k")


def test_a_selector_without_a_known_word_is_a_path():
    assert selectors(("category:format", "path: src/**", "lib/", "odd:thing")) == {
        "category": ("format",),
        "path": ("src/**", "lib/", "odd:thing"),
    }


@pytest.mark.spec("SEED-006")
@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ((), True),
        (("category:format",), True),
        (("category:lint", "category:format"), True),
        (("category:lint",), False),
        (("category:*",), True),
        (("pattern:HEE-PAT-6*",), True),
        (("branch:release/*",), False),
        (("branch:main", "category:lint"), False),
        (("issue:HEE-ISS-1",), True),
        (("src/",), True),
        (("docs/",), False),
    ],
)
def test_a_decision_applies_where_its_scope_says(scope, applies):
    subject = Subject("format", "HEE-PAT-612", "main", "HEE-ISS-1", ("src/a.py",))
    assert Decision("D", "k", scope=scope).applies(subject) is applies


def test_a_selector_over_something_unknown_does_not_apply():
    assert not Decision("D", "k", scope=("src/",)).applies(Subject("format"))
    assert not Decision("D", "k", scope=("branch:main",)).applies(Subject("format"))


def one(name: str, **fields: object) -> Decision:
    return Decision(name, str(fields.pop("key", "subject")), **fields)  # type: ignore[arg-type]


@pytest.mark.spec("SEED-018", "SEED-097")
def test_two_values_for_one_subject_are_a_conflict():
    (found,) = conflicts_of([one("B", value="on"), one("A", value="off")])
    assert (found.kind, found.decisions, found.key) == ("incompatible", ("A", "B"), "subject")
    assert "'off'" in found.reason
    assert "'on'" in found.reason


def test_two_actions_for_one_subject_are_a_conflict():
    (found,) = conflicts_of([one("A", action="auto-fix"), one("B", action="manual-only")])
    assert found.kind == "incompatible"


@pytest.mark.parametrize(
    "pair",
    [
        (one("A", value="on"), one("B", value="on")),
        (one("A", value="on"), one("B", value="off", key="other")),
        (one("A", value="on"), one("B", value="off", supersedes="A")),
        (one("A", value="on", supersedes="B"), one("B", value="off")),
        (one("A", value="on"), one("B", action="auto-fix")),
        (one("A", value="on", scope=("/docs/",)), one("B", value="off", scope=("/src/",))),
        (one("A", value="on", scope=("branch:main",)), one("B", value="off", scope=("branch:next",))),
        (one("A", value="on", kind="issue"), one("B", value="off", kind="issue")),
    ],
)
def test_decisions_that_can_both_hold_are_no_conflict(pair):
    assert conflicts_of(pair) == ()


def test_scopes_of_different_words_overlap():
    assert scopes_overlap(one("A", scope=("branch:main",)), one("B", scope=("docs/",)))
    assert scopes_overlap(one("A"), one("B", scope=("docs/",)))


def test_supersession_in_a_circle_is_found_once():
    ring = [one("A", supersedes="C"), one("B", supersedes="A"), one("C", supersedes="B"), one("T", supersedes="A")]
    cycles = [found for found in conflicts_of(ring) if found.kind == "cycle"]
    assert [found.decisions for found in cycles] == [("A", "B", "C")]
    assert conflicts_of([one("S", supersedes="S")])[0].decisions == ("S",)


def test_supersession_of_what_the_ledger_does_not_know_is_found():
    (found,) = conflicts_of([one("B", supersedes="A")])
    assert (found.kind, found.decisions) == ("unknown-superseded", ("B",))
    assert conflicts_of([one("B", supersedes="A")], known={"A"}) == ()


def test_two_successors_of_one_decision_are_found():
    (found,) = conflicts_of([one("B", supersedes="A", value="x"), one("C", supersedes="A", value="x")], known={"A"})
    assert (found.kind, found.decisions) == ("superseded-twice", ("B", "C"))


@pytest.mark.spec("SEED-097")
def test_a_change_to_a_denied_path_is_found_with_the_paths():
    decisions = [
        one("A", deny_paths=("vendor/", "*.lock")),
        one("B", deny_paths=("docs/",), scope=("category:docs-link",)),
    ]
    subject = Subject("format", paths=("vendor/a", "docs/b", "x/poetry.lock", "src/c"))
    (found,) = denied(decisions, subject)
    assert (found.kind, found.decisions, found.paths) == ("denied", ("A",), ("vendor/a", "x/poetry.lock"))
    assert denied(decisions, Subject("format", paths=("src/c",))) == ()
