"""Three judges of a capsule agree: the model and the strict schema always, and both within the specification's schema."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from state_world import COMMIT, DIGEST, LOG_ID, World

from hee_core import capsule, model, render
from hee_core.errors import CapsuleError
from hee_core.testing import histories
from hee_core.validation import load_capsule, validate_capsule


def _full() -> dict[str, Any]:
    """A capsule in which every key of the schema is present."""
    world = World()
    for type_ in ("config.loaded", "patterns.loaded", "governance.evaluated"):
        world.say(type_)
    text = {"workflow": "ci.yml", "step": "ruff", "branch": "main"}
    for name in ("ISS-1", "ISS-2"):
        world.say("ci.failure_detected", issue_id=name, **text)
        world.say("ci.failure_classified", issue_id=name)
        world.say("ci.impact_assessed", issue_id=name)
        world.say("alert.raised", issue_id=name)
    world.decide(kind="issue", issue_id="ISS-1", action="auto-fix", rationale="safe")
    rest = {"value": "2", "deny_paths": ["vendor/"], "scope": ["src"], "alternatives": ["3"], "evidence": ["x"]}
    said = {
        "safety": "high",
        "rule": "r",
        "policy": "p",
        "review_by": "2026-06-01",
        "action": "none",
        "rationale": "why",
    }
    world.decide(**rest, **said, issue_id="ISS-9", supersedes=world.decide())
    world.say("fix.started", commit=COMMIT)
    world.say("fix.validated")
    world.say("fix.applied", summary="formatted")
    world.say("fix.refused", issue_id="ISS-2")
    world.say("ci.issue_resolved", issue_id="ISS-2")
    for metric in capsule.METRICS:
        world.say("coverage.measured", metric=metric, value=8555)
    world.say("gate.evaluated", gate="prompt_compatibility")
    world.say("state.frozen")
    document = world.capsule
    document["hee_unknown"] = ["something"]
    document["hee_totals"] |= {"issues_earlier_digest": DIGEST, "fixes_earlier_digest": DIGEST}
    return document


FULL = _full()
VALUES = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 1.0, 0.5, 100, 100.01, 2**53 - 1, 2**53, 10**30, float("nan"), float("inf")),
        *(
            "",
            "x",
            "x" * 301,
            "x" * 2001,
            "state-v1",
            "state-v1\n",
            "state-v" + "1" * 20,
            "HEE-PAT-001",
            "HEE-PAT-001\n",
        ),
        *(
            "2026-01-24T12:00:00Z",
            "2026-01-24T12:00:00+01:00",
            "2026-02-30T12:00:00Z",
            "yesterday",
            "\ud800",
            "\x00",
            "٣",
        ),
        *("critical", "Critical", "auto-fix", "operational", "failed", "verified", "frozen", "strict", "log", "issue"),
        *(DIGEST, DIGEST + "\n", COMMIT, COMMIT[1:], "HEE-DEC-00000000", "HEE-DEC-0000000g"),
        *([], [1], ["x"], [None], [{}], {}, {"x": 1}, {"issue_id": "ISS-1"}),
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every key and item of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in ((*path, key), *places(item, (*path, key)))]


PLACES = places(FULL)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The full capsule with up to three places changed, removed, doubled or added to."""
    document = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PLACES))
        place: Any = document
        try:
            for part in parents:
                place = place[part]
            kind = draw(st.sampled_from(["change", "change", "remove", "double", "add"]))
            if kind == "remove":
                del place[last]
            elif kind == "double" and isinstance(place, list):
                place.append(copy.deepcopy(place[last]))
            elif kind == "add" and isinstance(place, dict):
                place[draw(st.sampled_from(["extra", "", "line", "fix", "HEE-DEC-12345678", "HEE-DEC-12345678\n"]))] = (
                    draw(VALUES)
                )
            else:
                place[last] = copy.deepcopy(draw(VALUES))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return document


def accepts(document: Any) -> bool:
    try:
        model.read(document)
    except CapsuleError:
        return False
    return True


def test_the_full_capsule_has_every_key_that_the_strict_schema_names() -> None:
    from hee_core.validation import STRICT_SCHEMA

    def named(schema: Any) -> set[str]:
        if isinstance(schema, dict):
            inner = set().union(*map(named, schema.values())) if schema else set()
            return inner | set(schema.get("properties", {}))
        return set().union(*map(named, schema)) if isinstance(schema, list) else set()

    have = {str(path[-1]) for path in PLACES}
    assert named(STRICT_SCHEMA) - have == set()
    assert validate_capsule(FULL) == ()


@pytest.mark.spec("SEED-169", "SEED-170")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
@example(FULL)
@example([])
@example({})
def test_model_and_schema_agree_on_every_document_and_strict_implies_the_specification(document: Any) -> None:
    strict = validate_capsule(document) == ()
    assert accepts(document) is strict
    if strict:
        assert validate_capsule(document, strict=False) == ()


@pytest.mark.spec("SEED-171")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged().filter(lambda document: validate_capsule(document) == ()))
def test_every_valid_capsule_survives_json_markdown_and_the_model(document: dict[str, Any]) -> None:
    read = model.read(document)
    assert read.document() == document
    page = render.to_markdown(read.document(), log_id=LOG_ID, head=None, index=1)
    assert load_capsule(page.encode(), "page.md") == document
    assert load_capsule(read.to_bytes(), "page.json") == document
    assert capsule.parse(read.to_bytes()) == read
    assert json.loads(read.to_bytes()) == document


@pytest.mark.spec("SEED-170", "SEED-171")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_the_capsule_of_any_history_is_valid_and_survives_every_form(history: list[Any]) -> None:
    world = World()
    world.events = history
    document = world.capsule
    assert validate_capsule(document) == ()
    page = render.to_markdown(document, log_id=LOG_ID, head="x", index=len(history) - 1)
    assert model.read(render.from_markdown(page)).to_bytes() == capsule.write(world.state, log_id=LOG_ID)
