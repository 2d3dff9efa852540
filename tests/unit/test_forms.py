"""The quick yes to a payload says what the models of the catalogue say, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_core import catalogue, forms
from hee_core.errors import EventError
from hee_core.events import Event
from hee_core.testing.strategies import payloads

ROOT = Path(__file__).resolve().parents[2]
drawn = st.sampled_from(sorted(catalogue.TYPES)).flatmap(lambda type_: st.tuples(st.just(type_), payloads(type_)))
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([2**53, -1, 10001, 1.0, 0.5, "\ud800", "é", "", "a\n"]),
    st.text(max_size=4), st.sampled_from(["x" * 300, "x" * 301, "x" * 2001, "0" * 40, "0" * 64, "0" * 64 + "\n"]),
    st.lists(st.one_of(st.text(max_size=2), st.integers()), max_size=2), st.just({}), st.just((b"a",)),
    st.dictionaries(st.one_of(st.text(max_size=2), st.integers()), st.text(max_size=2), max_size=2),
)  # fmt: skip


def judged(type_: str, data: object) -> object:
    """What the models make of it; None for a refusal."""
    try:
        return catalogue.payload(type_, data)
    except EventError:
        return None


def test_the_table_is_what_the_models_give():
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "build_forms.py"), "--check"], check=False)
    assert done.returncode == 0, "run scripts/build_forms.py"


@given(drawn)
def test_whatever_the_models_write_is_taken_without_them(drawn):
    type_, data = drawn
    given_ = {name: value for name, value in data.items() if value not in ("", [], {}, None, 0)}
    assert forms.stored(type_, catalogue.version(type_), data) == judged(type_, data) == data
    assert forms.stored(type_, catalogue.version(type_), given_) == judged(type_, given_)


@given(drawn, st.data())
def test_what_is_taken_is_what_the_models_make_of_it(drawn, choice):
    type_, data = drawn
    name = choice.draw(st.sampled_from([*data, "unheard_of"]))
    changed = {**data, name: choice.draw(ODD)}
    nested = next(
        (item for item in data.values() if isinstance(item, list) and item and isinstance(item[0], dict)), None
    )
    if nested and choice.draw(st.booleans()):
        nested[0][choice.draw(st.sampled_from(sorted(nested[0])))] = choice.draw(ODD)
        changed = data
    taken = forms.stored(type_, catalogue.version(type_), changed)
    assert taken is None or list(taken.items()) == list(judged(type_, changed).items())


def test_what_is_taken_shares_nothing_with_what_was_given():
    given_ = {"issue_id": "a", "impact": "low", "severity": "low", "reasons": ["one"]}
    taken = forms.stored("ci.impact_assessed", 1, given_)
    given_["reasons"].append("two")
    assert taken["reasons"] == ["one"]
    first, second = (forms.stored("approval.granted", 1, {"subject": "a", "statement": "b"}) for _ in range(2))
    first["scope"].append("c")
    assert second["scope"] == []


@pytest.mark.parametrize("data", [MappingProxyType({"text": "a"}), catalogue.NoteRecorded(text="a")])
def test_what_is_no_plain_payload_is_for_the_models(data):
    assert forms.stored("note.recorded", 1, data) is None


def test_another_version_or_an_unknown_type_is_for_the_models():
    assert forms.stored("note.recorded", 2, {"text": "a"}) is None
    assert forms.stored("no.such", 1, {}) is forms.stored("no.such", 0, {}) is None
    assert (forms.version("no.such"), forms.version("note.recorded")) == (0, 1)


def test_an_event_knows_its_fields_with_their_defaults():
    assert Event.new("state.frozen", {"reason": "a"}).fields == {"reason": "a"}
    assert Event.new("fix.started", catalogue.FixStarted(
        fix_id="a", issue_id="b", pattern_id="HEE-PAT-001", strategy="c"
    )).fields["branch"] == ""  # fmt: skip
    with pytest.raises(EventError, match="/reason"):
        Event("state.frozen", {"reason": 5}, "", "").fields  # noqa: B018
