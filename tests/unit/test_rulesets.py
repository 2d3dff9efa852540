"""Rules over time and place: which hold on a day, what is waived until when, and rules that a project writes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hee_core.errors import ConfigError
from hee_governance import waivers
from hee_governance.config import Config, load
from hee_governance.rules import ALL, RULESETS, check, preview, rulesets

CI = ".github/workflows/ci.yml"
TOOTHLESS = b"""on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@v4
      - run: git diff origin/main...HEAD --exit-code
      - run: pytest || true
      - uses: actions/checkout@0123456789012345678901234567890123456789
        with: {repository: org/tools}
"""
HEE = {"docs/doctrine/a.md": b"a", "prompts/p.md": b"# x\n", CI: TOOTHLESS}
TODAY = "2026-06-01"


def config(text: str = "", waived: str = "", day: str = TODAY) -> Config:
    data = f'hee_monitoring:\n  version: "1.0"\n{text}'.encode()
    return replace(load(data), as_of=day, waivers=waivers.read("hee/governance/waivers.txt", waived.encode()))


def ids(tree: dict[str, bytes], conf: Config | None = None, day: str = TODAY) -> list[tuple[str, str]]:
    return sorted({(finding.rule, finding.severity) for finding in check(tree, conf, as_of=day).findings})


@pytest.mark.parametrize(
    ("day", "found", "version"),
    [
        ("2026-01-23", [], ""),
        ("2026-01-24", ["HGV-CI-005", "HGV-CI-009"], "1.0.0"),
        ("2026-01-26", ["GOV-PROMPT-001", "HGV-CI-005", "HGV-CI-009"], "1.1.0"),
        ("2027-01-01", ["GOV-PROMPT-001", "HGV-CI-002", "HGV-CI-005", "HGV-CI-008", "HGV-CI-009"], "2.0.0"),
    ],
)
def test_a_day_decides_which_rules_hold(day, found, version):
    report = check(HEE, as_of=day)
    assert sorted({finding.rule for finding in report.findings}) == found
    assert report.ruleset == version
    assert (report.verdict == "unknown") == (report.evaluated == 0) == (version == "")


def test_a_rule_may_change_its_severity_on_a_day():
    assert ("HGV-CI-009", "WARNING") in ids(HEE, day="2026-12-31")
    assert ("HGV-CI-009", "ERROR") in ids(HEE, day="2027-01-01")


def test_a_version_is_named_by_its_beginning_and_pinned_by_the_configuration():
    assert [rulesets.named(name).version for name in ("1", "1.1", "2.0.0")] == ["1.3.0", "1.1.0", "2.0.0"]
    assert rulesets.named("9") is None
    pinned = config('  rules: {ruleset: "1.0"}\n', day="2027-06-01")
    report = check(HEE, pinned)
    assert report.ruleset == "1.0.0"
    assert "HGV-CI-002" not in report.looked_at
    assert "GOV-PROMPT-001" not in report.looked_at


LEARNED = b"""on: push
permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: mypy . || true
      - run: (pytest) || true
      - run: t() { ruff check; }; t || true
      - name: Link check
        run: if [ -d a ]; then echo ok; else echo 'missing'; fi
      - run: eslint .
        continue-on-error: ${{ !false }}
"""


@pytest.mark.parametrize(
    ("day", "pin", "errors", "warnings"),
    [
        ("2026-03-01", "", [8], []),
        ("2026-11-23", "", [8], []),
        ("2026-11-24", "", [8], [9, 10, 12, 14]),
        ("2027-01-01", "", [8, 9, 10, 12, 14], []),
        ("2027-06-01", "1.2", [8], []),
        ("2027-06-01", "1", [8], [9, 10, 12, 14]),
        ("2026-03-01", "2", [8, 9, 10, 12, 14], []),
    ],
)
def test_a_commit_is_judged_by_what_was_known_of_gates_on_its_day(day, pin, errors, warnings):
    conf = config(f'  rules: {{ruleset: "{pin}"}}\n' if pin else "", day=day)
    found = [f for f in check({CI: LEARNED}, conf, as_of=day).findings if f.rule == "HGV-CI-005"]
    assert [f.line for f in found if f.severity == "ERROR"] == errors
    assert [f.line for f in found if f.severity == "WARNING"] == warnings
    assert found == [f for f in check({CI: LEARNED}, conf, as_of=day).findings if f.rule == "HGV-CI-005"]


def test_a_preview_shows_only_what_the_next_ruleset_adds():
    coming, report = preview(HEE, config())
    assert coming.version == "2.0.0"
    assert sorted({finding.rule for finding in report.findings}) == ["HGV-CI-002", "HGV-CI-008", "HGV-CI-009"]
    assert preview(HEE, config(day="2027-01-01")) is None


def test_every_rule_has_days_that_exist_and_a_version_that_begins_with_it():
    starts = {entry.valid_from for entry in RULESETS}
    assert all(rule.valid_from in starts and (not rule.valid_to or rule.valid_to in starts) for rule in ALL)


# ------------------------------------------------------------------ waivers

WAIVED = "# why\n\nHGV-CI-005 | .github/workflows/*.yml | {} | being mended\n"


@pytest.mark.parametrize(
    ("until", "found", "waived"),
    [
        ("2026-06-01", [], 1),
        ("2026-05-31", ["HGV-CI-005", "HGV-WAIVE-002"], 0),
        ("2028-06-01", ["HGV-WAIVE-002"], 1),  # longer than a year: a warning
        ("2026-02-30", ["HGV-CI-005", "HGV-WAIVE-001"], 0),
        ("soon", ["HGV-CI-005", "HGV-WAIVE-001"], 0),
    ],
)
def test_a_waiver_covers_until_its_day_and_is_shown(until, found, waived):
    report = check(HEE, config(waived=WAIVED.format(until)), as_of=TODAY)
    assert [f.rule for f in report.findings if f.rule not in ("GOV-PROMPT-001", "HGV-CI-009")] == found
    assert len(report.waived) == len(report.to_json()["waived"]) == waived


@pytest.mark.parametrize(
    "row", ["HGV-CI-005 | a | 2026-12-31", "|||", "HGV-CI-005 | a | 2026-12-31 |", "ci | a | 2026-12-31 | x"]
)
def test_a_malformed_waiver_is_an_error_and_waives_nothing(row):
    report = check(HEE, config(waived=row))
    assert [f.severity for f in report.findings if f.rule == "HGV-WAIVE-001"] == ["ERROR"]
    assert report.waived == ()


def test_a_stale_waiver_is_reported_and_what_could_not_be_evaluated_is_never_waived():
    report = check(HEE, config(waived="HGV-CI-006 | ** | 2026-12-31 | none needed\n"))
    assert [f.line for f in report.findings if f.rule == "HGV-WAIVE-003"] == [1]
    broken = {CI: b"["}
    report = check(broken, config(waived="HGV-CI-000 | ** | 2026-12-31 | look away\n"))
    assert (report.verdict, report.waived) == ("unknown", ())


# ------------------------------------------------------------------ exemptions, advisory modes


def test_an_exemption_holds_for_its_files_and_until_its_day():
    text = '  rules:\n    exempt:\n      - {rule: HGV-CI-005, reason: r, paths: ["%s"], until: "%s"}\n'
    assert ("HGV-CI-005", "ERROR") not in ids(HEE, config(text % ("/.github/", "2026-06-01")))
    assert ("HGV-CI-005", "ERROR") in ids(HEE, config(text % ("/other/", "2026-06-01")))
    past = ids(HEE, config(text % ("/.github/", "2026-05-31")))
    assert {("HGV-CI-005", "ERROR"), ("HGV-WAIVE-002", "WARNING")} <= set(past)


def test_an_advisory_rule_warns_until_its_day_and_then_blocks_again():
    text = '  rules:\n    advisory:\n      - {rule: HGV-CI-005, reason: r, until: "2026-06-01"}\n'
    assert ("HGV-CI-005", "WARNING") in ids(HEE, config(text))
    assert ("HGV-CI-005", "ERROR") in ids(HEE, config(text), day="2026-06-02")


def test_warn_is_strict_from_its_day_on():
    text = '  governance_rules: warn\n  rules: {strict_from: "2026-06-01"}\n'
    assert check(HEE, config(text), as_of="2026-05-31").mode == "warn"
    assert check(HEE, config(text)).mode == "strict"


# ------------------------------------------------------------------ rules of a project

RULE = "  rules:\n    project:\n      - {{id: PRJ-001, clause: c., files: /{}, remedy: r., check: {}}}\n"
DATA = {
    "a.json": b'{"n": 3,\n "name": "x", "list": [1, 2]}',
    "b.toml": b'n = 3\n[t]\nk = "v"\n',
    "bad.json": b"{",
    "c.txt": b"one two\none",
}


@pytest.mark.parametrize(
    ("file", "check_", "says"),
    [
        ("a.json", "{compare: {at: /n, value: 3}}", ""),
        ("a.json", '{compare: {at: /n, op: ">", value: 3}}', "expected /n > 3, got 3"),
        ("a.json", '{compare: {at: /name, op: ">", value: 3}}', "which cannot be compared"),
        ("a.json", "{compare: {at: /none, value: 3}}", "got nothing"),
        ("a.json", "{compare: {at: /list/²/9, value: 3}}", "got nothing"),
        ("a.json", '{compare: {at: /none, op: "!=", value: 3}}', ""),
        ("a.json", "{match: {at: /name, pattern: ^y}}", "to match '^y', got 'x'"),
        ("a.json", "{count: {at: /list, value: 2}}", ""),
        ("a.json", '{count: {at: /list, op: ">=", value: 3}}', "got 2"),
        ("b.toml", "{compare: {at: /t/k, value: v}}", ""),
        ("c.txt", "{count: {pattern: one, value: 2}}", ""),
        ("c.txt", "{match: {pattern: three}}", "got no match"),
        ("c.txt", "{not: {match: {pattern: two}}}", "expected not (the text to match 'two')"),
        ("c.txt", "{any: [{match: {pattern: three}}, {match: {pattern: two}}]}", ""),
        ("c.txt", "{any: [{match: {pattern: 3}}, {match: {pattern: 4}}]}", " or "),
        ("c.txt", "{all: [{match: {pattern: one}}, {match: {pattern: three}}]}", "three"),
    ],
)
def test_a_projects_rule_says_what_was_expected_and_what_was_got(file, check_, says):
    report = check(DATA, config(RULE.format(file, check_)))
    found = [finding for finding in report.findings if finding.rule == "PRJ-001"]
    assert len(found) == bool(says)
    assert all(says in finding.message and finding.severity == "ERROR" for finding in found)
    assert report.looked_at["PRJ-001"] == 1


@pytest.mark.parametrize(
    ("file", "check_"),
    [
        ("bad.json", "{compare: {at: /n, value: 3}}"),
        ("bad.json", "{not: {compare: {at: /n, value: 3}}}"),
        ("c.txt", "{count: {at: /n, value: 3}}"),
        ("bad.json", "{any: [{compare: {at: /n, value: 3}}, {match: {pattern: nothing}}]}"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_not_of_unknown_too(file, check_):
    report = check(DATA, config(RULE.format(file, check_)))
    assert [(f.rule, f.severity) for f in report.findings] == [("PRJ-001", "UNKNOWN")]
    assert report.verdict == "unknown"


def test_a_rule_about_the_tree_counts_files_and_holds_from_its_day():
    rule = '  rules:\n    project:\n      - {id: PRJ-001, clause: c., remedy: r., valid_from: "2026-06-01", severity: warning, check: {count: {files: "*.json", value: 1}}}\n'
    report = check(DATA, config(rule))
    assert [(f.path, f.severity, f.message) for f in report.findings] == [
        (".", "WARNING", "expected files *.json == 1, got 2")
    ]
    assert "PRJ-001" not in check(DATA, config(rule), as_of="2026-05-31").looked_at


@pytest.mark.parametrize(
    ("check_", "pointer"),
    [
        ("{run: x}", "/check/run"),
        ("{}", "/check"),
        ("{all: []}", "/check/all"),
        ("{compare: {at: n, value: 1}}", "/check/compare/at"),
        ("{compare: {at: /n}}", "/check/compare/value"),
        ("{compare: {at: /n, value: 1, op: in}}", "/check/compare/op"),
        ("{match: {pattern: '('}}", "/check/match/pattern"),
        ("{match: {pattern: a, flags: i}}", "/check/match/flags"),
        ("{count: {value: many}}", "/check/count/value"),
        ("{not: " * 10 + "{match: {pattern: a}}" + "}" * 10, "nested more than"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(check_, pointer):
    with pytest.raises(ConfigError, match=re.escape(pointer)) as caught:
        config(RULE.format("a", check_))
    assert "hee.yaml:5:" in str(caught.value)


def test_the_guides_example_loads_and_means_what_it_says():
    guide = (Path(__file__).parents[2] / "docs/governance.md").read_text()
    block = next(part.partition("```")[0] for part in guide.split("```yaml\n") if "PRJ-001" in part)
    found = replace(load(block.encode()), as_of="2026-12-31")
    tree = {"pyproject.toml": b'[project]\nrequires-python = ">=3.10"\nauthors = [{name = "a"}]\n', "LICENSE": b""}
    said = {finding.rule: finding.message for finding in check(tree, found).findings}
    assert said == {"PRJ-001": "expected /project/requires-python to match '^>=3\\\\.1[1-9]', got '>=3.10'"}


def test_frozen_documents_keep_their_digest():
    from hee_core.canonical import digest

    sums = f"{digest(b'a')}  docs/a.md\n{'0' * 64}  docs/b.md\n{'0' * 64}  docs/gone.md\nrubbish\n"
    tree = {"ops/INTEGRITY_SHA256SUMS": sums.encode(), "docs/a.md": b"a", "docs/b.md": b"b"}
    found = [(f.line, f.severity) for f in check(tree).findings if f.rule == "HGV-FROZEN-002"]
    assert found == [(2, "CRITICAL"), (3, "CRITICAL"), (4, "CRITICAL")]


def test_a_job_that_fetches_history_or_checks_it_out_whole_may_ask_it():
    for text in (TOOTHLESS.replace(b"checkout@v4\n", b"checkout@v4\n        with: {fetch-depth: 0}\n"),
                 TOOTHLESS.replace(b"run: git diff", b"run: git fetch origin main && git diff")):  # fmt: skip
        assert "HGV-CI-002" not in {f.rule for f in check({CI: text}, as_of="2027-01-01").findings}


def test_a_clock_that_stands_before_this_release_judges_by_its_rules_and_not_by_none():
    report = check(HEE, config(day="1970-01-01"))
    assert (report.ruleset, report.verdict) == ("1.3.0", "fail")
    assert check(HEE, config(day="1970-01-01"), as_of="2026-01-24").ruleset == "1.0.0"
