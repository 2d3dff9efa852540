"""The state machine is the specification's diagram, and nothing else."""

from __future__ import annotations

import re
from itertools import product

import pytest

from hee_core import machine
from hee_core.validation import SEED_SCHEMA

EDGES = [
    pytest.param("Operational", "Degraded", "HEE Issues Detected", marks=pytest.mark.spec("SEED-173")),
    pytest.param("Degraded", "Operational", "HEE Auto-Fix Successful", marks=pytest.mark.spec("SEED-174")),
    pytest.param("Degraded", "HEEComplianceCheck", "HEE Governance Issues", marks=pytest.mark.spec("SEED-175")),
    pytest.param("HEEComplianceCheck", "Degraded", "HEE Compliance Restored", marks=pytest.mark.spec("SEED-176")),
    pytest.param("HEEComplianceCheck", "Failed", "HEE Critical Violation", marks=pytest.mark.spec("SEED-177")),
    pytest.param("Degraded", "Failed", "HEE Critical Failure", marks=pytest.mark.spec("SEED-178")),
    pytest.param("Failed", "Degraded", "HEE Partial Recovery", marks=pytest.mark.spec("SEED-179")),
    pytest.param("Failed", "Operational", "HEE Full Recovery", marks=pytest.mark.spec("SEED-180")),
    pytest.param("Operational", "Maintenance", "HEE Scheduled Update", marks=pytest.mark.spec("SEED-181")),
    pytest.param("Maintenance", "Operational", "HEE Update Complete", marks=pytest.mark.spec("SEED-182")),
    pytest.param("Degraded", "Maintenance", "HEE Manual Intervention", marks=pytest.mark.spec("SEED-183")),
]
PAIRS = list(product(machine.STATES, repeat=2))


@pytest.mark.parametrize(("from_", "to", "label"), EDGES)
def test_every_edge_of_the_diagram_has_its_label(from_: str, to: str, label: str) -> None:
    assert machine.label(machine.STATUS_OF[from_], machine.STATUS_OF[to]) == label


@pytest.mark.spec("SEED-184")
def test_of_the_twenty_five_pairs_only_the_eleven_are_edges() -> None:
    named = {(machine.STATUS_OF[row.values[0]], machine.STATUS_OF[row.values[1]]) for row in EDGES}
    assert len(PAIRS) == 25
    assert {pair for pair in PAIRS if machine.label(*pair)} == named
    assert len(machine.TRANSITIONS) == 11


@pytest.mark.spec("SEED-135")
def test_status_words_and_state_names_are_a_bijection_over_the_words_of_the_schema() -> None:
    words = SEED_SCHEMA["properties"]["hee_monitoring_state"]["properties"]["current_status"]["enum"]
    assert set(machine.STATES) == set(words)
    assert {machine.STATUS_OF[name]: name for name in machine.STATES.values()} == dict(machine.STATES)


@pytest.mark.spec("SEED-189")
@pytest.mark.parametrize(("from_", "to"), PAIRS)
def test_between_any_two_states_the_path_is_a_chain_of_edges_and_none_is_shorter(from_: str, to: str) -> None:
    chain = machine.path(from_, to)
    places = [from_, *(step.to for step in chain)]
    assert places[-1] == to
    assert all(machine.label(a, b) == step.label for a, b, step in zip(places, places[1:], chain, strict=False))
    reachable, steps = {from_}, 0
    while to not in reachable:
        reachable |= {b for a, b in PAIRS if a in reachable and machine.label(a, b)}
        steps += 1
    assert len(chain) == steps


@pytest.mark.spec("SEED-189")
def test_the_way_from_operational_to_failed_leads_over_degraded() -> None:
    assert [step.to for step in machine.path("operational", "failed")] == ["degraded", "failed"]


@pytest.mark.parametrize("pair", [("operational", "broken"), ("broken", "operational")])
def test_a_word_that_is_no_status_has_no_path(pair: tuple[str, str]) -> None:
    with pytest.raises(KeyError, match="broken"):
        machine.path(*pair)


@pytest.mark.spec("SEED-185", "SEED-186", "SEED-190", "SEED-191")
def test_polling_is_every_minute_in_calm_and_twice_as_often_otherwise() -> None:
    assert {word: machine.poll_interval(word) for word in [*machine.STATES, "?"]} == {
        "operational": 60,
        "maintenance": 60,
        "degraded": 30,
        "failed": 30,
        "hee-compliance-check": 30,
        "?": 30,
    }


@pytest.mark.spec("SEED-172", "SEED-187", "SEED-188")
def test_the_diagram_begins_at_operational_and_reads_back_to_the_same_edges_and_notes() -> None:
    text = machine.mermaid()
    assert text.startswith("stateDiagram-v2\n    [*] --> Operational\n")
    edges = re.findall(r"^    (\w+) --> (\w+): (.+)$", text, re.MULTILINE)
    assert edges == [row.values for row in EDGES]
    notes = dict(re.findall(r"note right of (\w+)\n(.*?)\n    end note", text, re.DOTALL))
    assert {name: [line.strip() for line in note.split("\n")] for name, note in notes.items()} == {
        machine.STATES[word]: list(lines) for word, lines in machine.NOTES.items()
    }
