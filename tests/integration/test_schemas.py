"""What is published as the schema of an output holds for what the commands really print, and refuses what is not one."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import worlds
from ruamel.yaml import YAML

from hee_monitoring.cli.main import run
from hee_monitoring.cli.schema import found, names

WORKFLOW = "on: push\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: pytest || true\n"
JOBS = {"ci.yml#test": "echo 'FAILED tests/test_a.py::test_b - assert 1 == 2'; echo '1 failed in 0.1s'; exit 1"}
ASKED = {
    "monitor": ("--once", "--no-fix", "--source", "logs", "--log", "{log}"),
    "explain": ("{log}",),
    "log": (),
    "show": ("0",),
    "verify": (),
    "governance check": (),
    "capsule validate": (),
    "capsule import": ("{capsule}",),
    "alerts": (),
    "doctor": (),
    "export cloudevents": (),
    "decisions list": (),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("schemas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEE_HOME", str(root / "home"))
        (root / "home").mkdir()
        place = worlds.watched(root / "app", {".github/workflows/ci.yml": WORKFLOW})
        worlds.run_cycle(place, JOBS)
        run(["-C", str(place), "decide", "a.key", "holds", "--rationale", "because"])
    (root / "build.log").write_text("FAILED tests/test_a.py::test_b - assert 1 == 2\n1 failed in 0.1s\n")
    (root / "capsule.md").write_text("# State Capsule\n\n- **Status**: operational\n")
    return place


@pytest.mark.parametrize("command", ASKED)
def test_the_schema_of_an_output_holds_for_what_is_printed(command, place, monkeypatch, capsys):
    monkeypatch.setenv("HEE_HOME", str(place.parent / "home"))
    words = [w.format(log=place.parent / "build.log", capsule=place.parent / "capsule.md") for w in ASKED[command]]
    capsys.readouterr()
    assert run(["-C", str(place), *command.split(), *words, "--json"]) in (0, 1)
    printed = json.loads(capsys.readouterr().out)
    schema = found(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(printed)
    assert printed, "an empty document proves nothing"
    broken = [{}] if isinstance(printed, list) else {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(broken)


def test_every_name_has_a_schema_that_is_one_and_the_demonstration_prints_what_monitor_does(place, capsys):
    for name in names():
        jsonschema.Draft202012Validator.check_schema(found(name))
    files = {"config", "capsule", "capsule-strict", "patterns", "alert"}
    assert set(ASKED) | {"demo"} == {name for name in names() if "/" not in name} - files
    assert found("demo")["properties"] == found("monitor")["properties"]
    assert run(["schema"]) == 0
    assert "event/fix.verified" in capsys.readouterr().out
    assert run(["schema", "--json"]) == 0
    assert "config" in json.loads(capsys.readouterr().out)
    assert run(["schema", "nothing"]) == 2
    assert "there is no schema 'nothing'" in capsys.readouterr().err


def test_the_state_is_a_capsule_and_the_configuration_fits_its_schema(place, monkeypatch, capsys):
    monkeypatch.setenv("HEE_HOME", str(place.parent / "home"))
    assert run(["-C", str(place), "state", "--json"]) == 0
    jsonschema.Draft202012Validator(found("capsule")).validate(json.loads(capsys.readouterr().out))
    written = YAML(typ="safe", pure=True).load((place / "hee.yaml").read_text())
    jsonschema.Draft202012Validator(found("config")).validate(written)
