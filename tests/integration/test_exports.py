"""What is exported is read by the libraries of others: CloudEvents' own, in-toto's, securesystemslib, Prometheus' parser."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from pathlib import Path

import pytest
import worlds
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from prometheus_client.parser import text_string_to_metric_families
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

import hee_core
from hee_core import sshkey
from hee_core.errors import KeyFault, ToolMissing
from hee_core.store import Entry
from hee_monitoring.cli.main import run
from hee_monitoring.exports import intoto, metrics
from hee_monitoring.workspace import Workspace

JOBS = {"ci.yml#format": "ruff format --check ."}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with a repair that was proved, and its key beside it."""
    root = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEE_HOME", str(root / "home"))
        (root / "home").mkdir()
        place = worlds.watched(root / "app", {"app.py": "x  =  1\n"})
        worlds.run_cycle(place, JOBS)
    return place


@pytest.fixture(autouse=True)
def _home(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEE_HOME", str(place.parent / "home"))


def events(place: Path) -> list[Entry]:
    with Workspace.open(place) as workspace:
        return list(workspace.log.read())


def test_events_are_cloudevents_and_the_very_bytes_that_were_signed(place, capsys):
    from cloudevents.v1.http import from_json

    assert run(["-C", str(place), "export", "cloudevents"]) == 0
    lines = capsys.readouterr().out.splitlines()
    entries = events(place)
    assert [line.encode() for line in lines] == [entry.event.to_bytes() for entry in entries]
    for line, entry in zip(lines, entries, strict=True):
        read = from_json(line)
        assert (read["type"], read["specversion"], read["source"]) == (entry.event.type, "1.0", entry.event.source)
        assert read.data == entry.event.data
    assert run(["-C", str(place), "export", "cloudevents", "--since", "3", "--at", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [json.loads(line) for line in lines[4:6]]
    assert run(["-C", str(place), "export", "cloudevents", "--since", "5", "--at", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_proved_repair_is_a_test_result_that_others_verify(place, tmp_path, capsys):
    (verified,) = [entry for entry in events(place) if entry.event.type == "fix.verified"]
    file = tmp_path / "repair.json"
    assert run(["-C", str(place), "export", "in-toto", str(verified.index), "--output", str(file)]) == 0
    capsys.readouterr()
    document = json.loads(file.read_text())
    body = b64decode(document["payload"])
    made = json.loads(body)
    Statement.copy_from_pb(json_format.Parse(body, statement_pb2.Statement())).validate()
    json_format.ParseDict(made["predicate"], test_result_pb2.TestResult())
    assert made["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert made["subject"][0]["digest"] == {"gitCommit": verified.event.data["commit"]}
    assert made["predicate"]["result"] == "PASSED"
    assert "ci.yml#format (the failed job)" in made["predicate"]["passedTests"]
    with Workspace.open(place) as workspace:
        signer = workspace.log.signer
    key = SSlibKey(signer.key_id, "ed25519", "ed25519", {"public": _raw(signer.public_key)})
    envelope = Envelope.from_dict(document)
    envelope.verify([key], 1)
    broken = Envelope.from_dict(json.loads(file.read_text()))
    broken.payload = body.replace(b"PASSED", b"FAILED")
    with pytest.raises(VerificationError):
        broken.verify([key], 1)


def _raw(public_key: str) -> str:
    return sshkey.blob_of(public_key)[-32:].hex()


def test_any_other_event_is_a_predicate_about_its_own_bytes(place, capsys):
    assert run(["-C", str(place), "export", "in-toto", "0", "--unsigned"]) == 0
    made = json.loads(capsys.readouterr().out)
    first = events(place)[0]
    assert made["predicateType"] == "urn:hee:attestation:event:v1"
    assert made["subject"][0]["digest"] == {"sha256": first.event.id}
    assert made["predicate"]["event"] == json.loads(first.event.to_bytes())


def test_a_repair_that_is_red_somewhere_is_a_failed_result(place):
    (verified,) = [entry for entry in events(place) if entry.event.type == "fix.verified"]
    data = {**verified.event.data, "checks": [{"name": "lint", "ok": False, "detail": "", "duration_ms": 0}]}
    event = hee_core.Event.new("fix.verified", data).bound(source="urn:hee:x", actor="agent:hee", key_id="k")
    predicate = intoto.statement(Entry(1, event, ""), "ab" * 32)["predicate"]
    assert (predicate["result"], predicate["failedTests"], predicate["passedTests"]) == ("FAILED", ["lint"], [])


def test_an_envelope_is_no_text_of_a_checkpoint_and_signing_takes_no_other_text(place):
    with Workspace.open(place) as workspace:
        made = intoto.statement(workspace.log.entry(0), workspace.log.id)
        assert intoto.payload(made).count(b"\n") == 1
        with pytest.raises(KeyFault):
            workspace.log.signer.sign_raw(intoto.payload(made).strip())


def test_the_state_is_metrics_that_prometheus_reads(place, capsys):
    assert run(["-C", str(place), "export", "metrics"]) == 0
    families = {each.name: each for each in text_string_to_metric_families(capsys.readouterr().out)}
    with Workspace.open(place) as workspace:
        state = workspace.log.state
    samples = {sample.labels["status"]: sample.value for sample in families["hee_status"].samples}
    assert [word for word, value in samples.items() if value] == [state.status]
    assert sum(sample.value for sample in families["hee_open_issues"].samples) == len(state.issues) == 1
    assert families["hee_events"].samples[0].value == state.size
    assert families["hee_fixes_verified"].samples[0].value == 1
    assert families["hee_last_cycle_timestamp_seconds"].samples[0].value > 1e9
    assert not families["hee_gate_ratio"].samples  # nothing was measured, and 0 would say that it was
    assert run(["-C", str(place), "export", "metrics", "--at", "0", "--json"]) == 0
    assert "hee_events_total 1.0" in json.loads(capsys.readouterr().out)["text"]


def test_metrics_of_gates_and_of_blindness_are_there_once_they_are_known():
    from state_world import World

    world = World()
    world.say("gate.evaluated", gate="line_coverage", value=8550, met=True)
    world.say("gate.evaluated", gate="spec_coverage", value=None, met=False)
    world.say("monitor.blinded", source="github", kind="network", reason="no answer")
    families = {each.name: each for each in text_string_to_metric_families(metrics.text(world.state))}
    assert {s.labels["gate"]: s.value for s in families["hee_gate_met"].samples} == {
        "line_coverage": 1,
        "spec_coverage": 0,
    }
    assert {s.labels["gate"]: s.value for s in families["hee_gate_ratio"].samples} == {"line_coverage": 0.855}
    assert families["hee_source_blind"].samples[0].value == 1


def test_without_the_library_one_sentence_names_the_extra(place, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with Workspace.open(place) as workspace, pytest.raises(ToolMissing, match="prometheus-client"):
        metrics.text(workspace.log.state)
    assert run(["-C", str(place), "export", "metrics"]) == 2
    assert "hee[metrics]" in capsys.readouterr().err
