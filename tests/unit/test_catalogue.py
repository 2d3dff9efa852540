"""The catalogue: a list that only grows, of frozen models without floats, each with its schema."""

from __future__ import annotations

import inspect
import typing
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from hee_core import catalogue, chain, objections
from hee_core.errors import EventError
from hee_core.testing.strategies import payloads
from hee_core.upcasters import UPCASTERS

GOLDEN = Path(__file__).parents[1] / "golden" / "event-types.txt"


def test_the_list_of_types_is_the_one_that_was_published():
    lines = "".join(f"{type_} {catalogue.VERSIONS[type_]}\n" for type_ in sorted(catalogue.TYPES))
    assert lines == GOLDEN.read_text(), f"a type is never removed; if this is a new one, add it to {GOLDEN.name}"


def models(annotation: object) -> set[type]:
    """Every class that an annotation mentions."""
    inner = set().union(*map(models, typing.get_args(annotation)), set())
    return inner | ({annotation} if inspect.isclass(annotation) else set())


@pytest.mark.parametrize("type_", sorted(catalogue.TYPES))
def test_every_payload_is_frozen_knows_its_fields_and_holds_no_float(type_):
    waiting, seen = [catalogue.TYPES[type_]], set()
    while waiting:
        model = waiting.pop()
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == "forbid"
        assert model.__doc__
        for name, field in model.model_fields.items():
            for each in models(field.annotation):
                assert not issubclass(each, float), f"{type_}.{name}"
                if issubclass(each, BaseModel) and each not in seen:
                    seen.add(each)
                    waiting.append(each)


@given(st.sampled_from(sorted(catalogue.TYPES)).flatmap(lambda type_: st.tuples(st.just(type_), payloads(type_))))
def test_a_payload_fits_its_exported_schema_and_is_stable(drawn):
    type_, data = drawn
    stored = catalogue.payload(type_, data)
    assert catalogue.payload(type_, stored) == stored
    schema = catalogue.schema(type_)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(stored)
    assert catalogue.payload(type_, catalogue.model(type_, catalogue.version(type_), stored)) == stored


def test_every_old_version_has_a_way_to_the_newest():
    for type_, newest in catalogue.VERSIONS.items():
        assert all((type_, version) in UPCASTERS for version in range(1, newest))


def test_a_fault_is_named_with_its_place_and_where_to_look():
    with pytest.raises(EventError, match=r"note\.recorded: /text: ") as caught:
        catalogue.payload("note.recorded", {"text": 5})
    assert caught.value.hint == "hee_core.schema('note.recorded') describes the payload"
    with pytest.raises(EventError, match="not in the event catalogue"):
        catalogue.schema("no.such")


def test_events_that_are_folded_together_are_judged_by_nothing_that_they_change():
    judged_by_state = set(objections.RULES) | {
        "decision.recorded",
        "state.frozen",
        "key.added",
        "key.revoked",
        "log.created",
    }
    assert set(catalogue.TYPES) - judged_by_state >= chain.PLAIN
