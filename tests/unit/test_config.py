"""The configuration: the specification's form, the plain form, and a pointer and line for every fault."""

from __future__ import annotations

import json
import re
from importlib import resources

import jsonschema
import pytest

from hee_core.canonical import digest
from hee_core.errors import ConfigError
from hee_governance import config as configuration
from hee_governance.config import dump_default, json_schema, load
from hee_governance.gates import Gate

LOG = "ab" * 32
SEED = b"""\
hee_monitoring:
  version: "1.0"
  state_capsule: "docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md"
  governance_rules: "strict"
  quality_gates:
    - spec_coverage: 100%
    - state_preservation: 100%
    - decision_continuity: 100%
  safety_protocols:
    - pre_fix_validation: "required"
    - post_fix_validation: "required"
    - rollback_on_failure: "automatic"
"""
PLAIN = b"""\
hee_monitoring:
  version: "1.0"
  state_capsule: docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md
  governance_rules: strict
  quality_gates: {spec_coverage: 100, state_preservation: 100.0%, decision_continuity: "100 %"}
  safety_protocols:
    pre_fix_validation: required
    post_fix_validation: required
    rollback_on_failure: automatic
"""
FULL = b"""\
hee_monitoring:
  version: "1.0"
  governance_rules: warn
  quality_gates: [{branch_coverage: 99.5%}]
  log: {id: "LOGID", branch: hee/other}
  branch: release/2026
  sources: [act, logs]
  fix: {max_severity: medium, safety: high, min_confidence: 75%, max_attempts: 2, paths: ["src/**"], deny_paths: []}
  spec: {files: ["docs/rules/*.md"], tests: ["checks/"], clauses: ["RULE-[0-9]+"]}
""".replace(b"LOGID", LOG.encode())


def body(text: str) -> bytes:
    return b'hee_monitoring:\n  version: "1.0"\n' + text.encode()


@pytest.mark.spec("SEED-030", "SEED-031", "SEED-032", "SEED-033", "SEED-034", "SEED-035", "SEED-038")
def test_the_specifications_own_text_loads():
    found = load(SEED)
    assert found.version == "1.0"
    assert found.state_capsule == "docs/STATE_CAPSULES/2026-01-24/HEE-Monitoring.md"
    assert found.governance_rules == "strict"
    assert found.gates == (
        Gate("spec_coverage", 10_000),
        Gate("state_preservation", 10_000),
        Gate("decision_continuity", 10_000),
    )
    assert dict(found.safety_protocols) == {
        "pre_fix_validation": "required",
        "post_fix_validation": "required",
        "rollback_on_failure": "automatic",
    }
    assert found.warnings == ()


@pytest.mark.spec("SEED-034", "SEED-038")
def test_the_plain_form_gives_the_same_model():
    assert load(PLAIN) == load(SEED)


@pytest.mark.spec("SEED-043")
def test_the_digest_is_that_of_the_bytes():
    assert load(SEED).digest == digest(SEED)
    assert load(PLAIN).digest != load(SEED).digest


def test_every_setting_of_ours_is_read():
    found = load(FULL, "conf/hee.yaml")
    assert (found.log_id, found.log_branch, found.branch, found.sources) == (
        LOG,
        "hee/other",
        "release/2026",
        ("act", "logs"),
    )
    assert (found.max_severity, found.safety, found.min_confidence, found.max_attempts) == ("medium", "high", 7500, 2)
    assert (found.fix_paths, found.deny_paths) == (("src/**",), ())
    assert (found.spec_files, found.spec_tests, found.clauses) == (("docs/rules/*.md",), ("checks/",), ("RULE-[0-9]+",))
    assert found.gates == (Gate("branch_coverage", 9950),)
    assert found.path == "conf/hee.yaml"


@pytest.mark.spec("SEED-033")
@pytest.mark.parametrize("mode", ["strict", "warn", "off"])
def test_the_three_modes_are_accepted(mode):
    assert load(body(f"  governance_rules: {mode}\n")).governance_rules == mode


@pytest.mark.spec("SEED-035")
@pytest.mark.parametrize(
    ("written", "value"),
    [("0%", 0), ("7%", 700), ("99.5%", 9950), ("99.99 %", 9999), ("100.00%", 10_000), ("42", 4200), ('"0.1%"', 10)],
)
def test_a_percentage_is_read_without_rounding(written, value):
    assert load(body(f"  quality_gates: {{line_coverage: {written}}}\n")).quality_gates["line_coverage"] == value


@pytest.mark.spec("SEED-032")
@pytest.mark.parametrize("path", ["a.md", "docs/x y/b.json", "c.yaml", "d.yml", "current"])
def test_a_capsule_path_may_end_in_each_format(path):
    assert load(body(f"  state_capsule: {path}\n")).state_capsule == path


FAULTS = [
    (b"a: 1\n", 1, "/a", "not a known key"),
    (b"a: 1\n", 1, "/hee_monitoring", "is missing"),
    (b"hee_monitoring:\n", 1, "/hee_monitoring", "is a mapping"),
    (b"- a\n", 1, "/", "is a mapping"),
    (b"", 1, "/", "0 documents"),
    (b"a: [\n", 2, "/", "expected"),
    (b"\xff\n", 1, "/", "not UTF-8"),
    (b"a: 1\na: 2\n", 2, "/", "twice"),
    (b"---\na: 1\n---\na: 2\n", 4, "/", "2 documents"),
    (b"hee_monitoring: {}\n", 1, "/hee_monitoring/version", "is missing"),
    (b"hee_monitoring:\n  version: 1.0\n", 2, "/hee_monitoring/version", 'write "1.0" in quotes'),
    (b"hee_monitoring:\n  version:\n", 2, "/hee_monitoring/version", "not nothing"),
    (b'hee_monitoring:\n  version: "2.0"\n', 2, "/hee_monitoring/version", "not understood"),
    (b'hee_monitoring:\n  version: "0.9"\n', 2, "/hee_monitoring/version", "not understood"),
    (b'hee_monitoring:\n  version: "one"\n', 2, "/hee_monitoring/version", "is not a version"),
    (body("  governance_rules: strikt\n"), 3, "/hee_monitoring/governance_rules", "did you mean 'strict'"),
    (body("  governence_rules: strict\n"), 3, "/hee_monitoring/governence_rules", "did you mean 'governance_rules'"),
    (body("  state_capsule: ../x.md\n"), 3, "/hee_monitoring/state_capsule", "leaves the repository"),
    (body("  state_capsule: /x.md\n"), 3, "/hee_monitoring/state_capsule", "not relative"),
    (body("  state_capsule: x.txt\n"), 3, "/hee_monitoring/state_capsule", "is not a path"),
    (body("  state_capsule: [x.md]\n"), 3, "/hee_monitoring/state_capsule", "not list"),
    (body("  quality_gates:\n    - spec_coverage: 101%\n"), 4, "/hee_monitoring/quality_gates/0/spec_coverage", "'101%' is not a percentage"),
    (body("  quality_gates:\n    - spec_coverage: 99.999%\n"), 4, "/hee_monitoring/quality_gates/0/spec_coverage", "is not a percentage"),
    (body("  quality_gates:\n    spec_coverage: true\n"), 4, "/hee_monitoring/quality_gates/spec_coverage", "is not a percentage"),
    (body("  quality_gates:\n    - a: 1\n      b: 2\n"), 4, "/hee_monitoring/quality_gates/0", "one name with its value"),
    (body("  quality_gates:\n    - spec_coverage\n"), 4, "/hee_monitoring/quality_gates/0", "one name with its value"),
    (body("  quality_gates: 100%\n"), 3, "/hee_monitoring/quality_gates", "a mapping, or a list"),
    (body("  quality_gates:\n    - spec_coverge: 1%\n"), 4, "/hee_monitoring/quality_gates/0/spec_coverge", "did you mean 'spec_coverage'"),
    (body("  quality_gates:\n    - spec_coverage: 1%\n    - spec_coverage: 2%\n"), 5, "/hee_monitoring/quality_gates/1/spec_coverage", "twice"),
    (body("  safety_protocols:\n    - pre_fix_validation: optional\n"), 4, "/hee_monitoring/safety_protocols/0/pre_fix_validation", "required"),
    (body("  log: {id: abc}\n"), 3, "/hee_monitoring/log/id", "64 hexadecimal"),
    (body("  branch: a..b\n"), 3, "/hee_monitoring/branch", "branch name"),
    (body("  branch: x.lock\n"), 3, "/hee_monitoring/branch", "branch name"),
    (body("  sources: []\n"), 3, "/hee_monitoring/sources", "at least 1"),
    (body("  sources: act\n"), 3, "/hee_monitoring/sources", "is a list"),
    (body("  sources: [act, act]\n"), 3, "/hee_monitoring/sources", "twice"),
    (body("  sources:\n    - act\n    - jenkins\n"), 5, "/hee_monitoring/sources/1", "'jenkins' is not one of"),
    (body("  fix: {max_attempts: 0}\n"), 3, "/hee_monitoring/fix/max_attempts", "from 1 to 20"),
    (body("  fix: {max_attempts: true}\n"), 3, "/hee_monitoring/fix/max_attempts", "from 1 to 20"),
    (body("  fix: {paths: [../x]}\n"), 3, "/hee_monitoring/fix/paths/0", "leaves the repository"),
    (body("  fix:\n    a/b~c: 1\n"), 4, "/hee_monitoring/fix/a~1b~0c", "not a known key"),
    (body("  spec: {clauses: ['A(']}\n"), 3, "/hee_monitoring/spec/clauses/0", "not a regular expression"),
    (body("  spec: {clauses: ['A*']}\n"), 3, "/hee_monitoring/spec/clauses/0", "matches empty text"),
    (body("  ? [a]\n  : 1\n"), 3, "/", "a key that is no text"),
]  # fmt: skip


@pytest.mark.spec("SEED-030", "SEED-031", "SEED-032", "SEED-035", "SEED-043")
@pytest.mark.parametrize(("data", "line", "pointer", "says"), FAULTS)
def test_every_fault_is_named_with_file_line_and_pointer(data, line, pointer, says):
    with pytest.raises(ConfigError) as caught:
        load(data, "conf/hee.yaml")
    said = [part for part in str(caught.value).split("; conf/") if re.search(re.escape(says), part)]
    assert said, str(caught.value)
    assert f"hee.yaml:{line}: {pointer} " in said[0]
    assert caught.value.hint


def test_many_faults_are_told_at_once_but_not_all():
    rows = "".join(f"  key{number}: 1\n" for number in range(8))
    with pytest.raises(ConfigError, match="and 3 more") as caught:
        load(body(rows))
    assert str(caught.value).count("hee.yaml:") == 5


@pytest.mark.spec("SEED-031")
def test_an_unknown_minor_version_is_a_warning_and_its_new_keys_are_left_aside():
    found = load(
        b'hee_monitoring:\n  version: "1.7"\n  later: 1\n  quality_gates: [{newer_gate: 5%}]\n  governance_rules: warn\n'
    )
    assert found.governance_rules == "warn"
    assert [warning.partition(":")[0] for warning in found.warnings] == [
        "version 1.7 is newer than 1.0",
        "hee.yaml",
        "hee.yaml",
    ]
    with pytest.raises(ConfigError, match="strict"):
        load(b'hee_monitoring:\n  version: "1.7"\n  governance_rules: loud\n')


@pytest.mark.parametrize(
    "data",
    [
        b"hee_monitoring: &a\n  fix: *a\n",
        b"[" * 3000,
        b"a: " + b"x" * 1_000_001,
        b"a: [" + b"1," * 60_000 + b"1]",
        b"a: *nowhere\n",
        b"%YAML 9.9\n---\na: 1\n",
        b"a: !!python/object/apply:os.system [x]\n",
        b"a: \x00\n",
    ],
)
def test_hostile_text_is_a_configuration_error_and_nothing_else(data):
    with pytest.raises(ConfigError):
        load(data)


@pytest.mark.spec("SEED-043")
def test_the_default_is_the_specifications_configuration_with_comments():
    found = load(dump_default(LOG))
    assert found.log_id == LOG
    without_log = load(dump_default())
    assert without_log == load(SEED)
    assert without_log.log_id == ""
    lines = [line for line in SEED.decode().splitlines() if line not in dump_default().decode().splitlines()]
    assert lines == []
    assert dump_default().count(b"#") > 5


def test_a_default_cannot_be_pinned_to_something_that_is_no_log():
    with pytest.raises(ConfigError, match="log/id"):
        dump_default("nonsense")


def test_the_commented_settings_of_the_default_are_at_their_defaults():
    text = dump_default().decode()
    commented = [line.removeprefix("  # ") for line in text.splitlines() if re.match(r"  # ( |fix:)", line)]
    loaded = load((text + "\n".join(f"  {line}" for line in commented) + "\n").encode())
    assert (loaded.max_severity, loaded.safety) == (load(dump_default()).max_severity, load(dump_default()).safety)
    assert loaded.fix_paths == ("**",)


# ------------------------------------------------------------------ the schema for editors


def test_the_published_schema_is_drawn_from_the_table():
    published = json.loads(resources.files("hee_governance").joinpath("schemas/config.json").read_text())
    assert published == json_schema()
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("data", [SEED, PLAIN, FULL, dump_default(LOG), body("")])
def test_the_schema_accepts_what_loads(data):
    assert load(data)
    jsonschema.validate(configuration.read(data).plain, json_schema())


def test_every_setting_is_described():
    section = json_schema()["properties"]["hee_monitoring"]["properties"]
    assert set(section) == set(configuration.FIELDS)
    assert all(entry["description"].endswith(".") for entry in section.values())
