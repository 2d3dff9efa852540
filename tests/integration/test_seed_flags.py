"""What the flags of the specification's scripts do, one by one, without running a workflow."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from github_world import SECRET, red, template
from worlds import git, run_cycle, watched

from hee_core.clock import FixedClock
from hee_core.errors import CapsuleError, IntegrityError
from hee_core.events import Event
from hee_core.record import Record
from hee_monitoring import handed
from hee_monitoring.cli import actions, seed
from hee_monitoring.cli.main import run
from hee_monitoring.cli.seed_fix import selected
from hee_monitoring.cli.seed_monitor import context_of, repairable
from hee_monitoring.github.simulator import Simulator
from hee_monitoring.workspace import Workspace

JOBS = {"ci.yml#format": "ruff format --check ."}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = watched(tmp_path / "r", {"a.py": "x  =  1\n"})
    monkeypatch.chdir(made)
    return made


def script(capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> tuple[int, str, str]:
    status = run(list(arguments), seed.command(name))
    out, err = capsys.readouterr()
    return status, out, err


def capsule(root: Path) -> dict:
    with Workspace.open(root) as workspace:
        from hee_core import capsule as capsules

        return capsules.build(workspace.log.state, log_id=workspace.log.id)


@pytest.mark.spec("SEED-107")
@pytest.mark.parametrize("form", ["inline", "base64", "json", "yaml", "md"])
def test_a_capsule_arrives_in_every_form_and_is_held_against_the_log(root: Path, form: str) -> None:
    document = capsule(root)
    text = json.dumps(document)
    given = {"inline": text, "base64": base64.b64encode(text.encode()).decode()}.get(form)
    if given is None:
        assert run(["--output", f"c.{form}"], seed.command("update_hee_state_capsule")) == 0
        given = f"c.{form}"
    taken = handed.take(given, name="--state-capsule", root=root)
    assert taken is not None
    assert taken.document == document
    with Workspace.open(root) as workspace:
        assert handed.faults(taken, workspace.log) == ((), 0)
        for change in ({"size": 9}, {"size": True}, {"id": "0" * 64}):
            other = handed.Handed("it", {**document, "hee_log": {**document["hee_log"], **change}})
            with pytest.raises(IntegrityError, match="it "):
                handed.point(other, workspace.log)
        with pytest.raises(IntegrityError, match="it was changed"):
            handed.point(handed.Handed("it", {**document, "hee_unknown": []}), workspace.log)
        nameless = handed.Handed("it", {name: value for name, value in document.items() if name != "hee_log"})
        assert handed.point(nameless, workspace.log) is None
    with pytest.raises(CapsuleError, match="no log here"):
        handed.point(taken, None)


@pytest.mark.parametrize("text", ["", "current", "current.json", "./current.md", "  "])
def test_the_word_current_is_the_logs_own_capsule(root: Path, text: str) -> None:
    assert handed.take(text, name="--state-capsule", root=root) is None


@pytest.mark.parametrize(
    "text", ["{'secret': 1}", "[1]", "nothing.json", "a b c", base64.b64encode(b"secret secret secret").decode(), "{1:"]
)
def test_what_is_no_capsule_is_refused_without_repeating_it(root: Path, text: str) -> None:
    with pytest.raises(CapsuleError) as caught:
        handed.take(text, name="HEE_STATE_CAPSULE", root=root)
    assert "secret" not in str(caught.value)


@pytest.mark.spec("SEED-307")
def test_a_flag_beats_the_environment_which_beats_the_configuration(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    for arguments, variable in ((("--hee-governance", "off"), "warn"), ((), "warn"), ((), "")):
        if variable:
            monkeypatch.setenv("HEE_GOVERNANCE", variable)
        else:
            monkeypatch.delenv("HEE_GOVERNANCE")
        with monkeypatch.context() as patched:
            patched.setattr(
                seed, "capsule_of", lambda _, workspace, __: modes.append(workspace.config.governance_rules)
            )
            assert script(capsys, "hee_monitor", "--run-id", "7", *arguments)[0] == 2
    assert modes == ["off", "warn", "strict"]
    (root / "c.json").write_text(json.dumps(capsule(root)))
    monkeypatch.setenv("HEE_STATE_CAPSULE", "missing.json")
    assert script(capsys, "load_hee_state_capsule", "--state-capsule", "c.json")[0] == 0
    status, _, err = script(capsys, "load_hee_state_capsule")
    assert (status, "missing.json does not exist" in err) == (2, True)


def test_severity_and_safety_pick_the_issues_that_are_repaired_this_time(root: Path) -> None:
    run_cycle(root, JOBS, fix=False)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        worse = Record(issue, severity="high")
        assert [selected(workspace, most, None)(worse) for most in ("low", "medium", "high", None)] == [
            *[False] * 2,
            True,
            True,
        ]
        assert [selected(workspace, None, least)(issue) for least in ("low", "medium", "high")] == [True, True, True]
        assert repairable(workspace.log.state) == [issue["issue_id"]]
    run_cycle(root, JOBS, wanted=lambda _: False, rerun=True)
    with Workspace.open(root) as workspace:
        assert workspace.log.state.issues[issue["issue_id"]]["fix"] is None


def test_nobody_is_told_of_what_is_below_the_alert_level(root: Path) -> None:
    jobs = {"ci.yml#test": "echo 'E       assert 400 == 401'; echo '=== 1 failed in 0.01s ==='; exit 1"}
    told = {}
    for level in ("critical", "low"):
        run_cycle(root, jobs, alert_level=level)
        with Workspace.open(root) as workspace:
            told[level] = workspace.log.state.ledger.counts.get("alert.raised", 0)
    assert told == {"critical": 0, "low": 1}


def test_the_log_knows_a_run_with_its_context(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_cycle(root, JOBS, fix=False)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        run_id, full = issue["run_id"], context_of(workspace.log.state, "full")
        assert context_of(workspace.log.state, "none") == {}
        assert set(context_of(workspace.log.state, "minimal")) < set(full)
    assert run_id == 0  # runs of one's own machine have no number
    assert full["status"] == "degraded"


@pytest.mark.parametrize(
    ("broken", "rules", "check", "status"),
    [(False, "strict", "none", 0), (True, "strict", "none", 1), (True, "warn", "basic", 0), (True, "off", "none", 0)],
)
def test_validation_is_as_strict_as_it_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], broken: bool, rules: str, check: str, status: int
) -> None:
    document = capsule(root)
    if broken:
        document["something"] = "that the specification allows and our schema does not"
        document.pop("hee_log")
    (root / "c.json").write_text(json.dumps(document))
    arguments = ("--input", "c.json", "--hee-rules", rules, "--governance-check", check, "--json")
    ended, out, _ = script(capsys, "validate_hee_state_capsule", *arguments)
    assert (ended, json.loads(out)["ok"]) == (status, not broken or rules == "off")


def test_a_changed_capsule_is_a_finding_of_the_basic_check(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = capsule(root)
    document["hee_monitoring_state"]["last_run_id"] = 7
    (root / "c.json").write_text(json.dumps(document))
    status, out, _ = script(capsys, "validate_hee_state_capsule", "--input", "c.json")
    assert (status, "it was changed" in out) == (1, True)


@pytest.mark.spec("SEED-277")
def test_the_monitoring_hook_stops_what_breaks_a_rule_and_not_what_was_broken_before(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lenient = "on: [push]\npermissions: {}\njobs:\n  t:\n    runs-on: ubuntu-latest\n    timeout-minutes: 1\n    steps:\n      - run: pytest || true\n"
    path = root / ".github/workflows/t.yml"
    path.parent.mkdir(parents=True)
    path.write_text(lenient)
    git(root, "add", "--all")
    hook = ("hee_monitor", "--mode", "pre-commit")
    status, out, _ = script(capsys, *hook)
    assert (status, ".github/workflows/t.yml:8" in out) == (1, True)
    assert script(capsys, *hook, "--hee-governance", "warn")[0] == 0
    status, out, _ = script(capsys, *hook, "--json")
    assert (status, json.loads(out)["ok"]) == (1, False)
    git(root, "commit", "--quiet", "--message", "broken before")
    path.write_text(lenient + "      - run: echo done\n")
    git(root, "add", "--all")
    assert script(capsys, *hook)[0] == 0
    (root / "b.py").write_text("y = 1\n")
    git(root, "commit", "--quiet", "--all", "--message", "more")
    git(root, "add", "--all")
    assert "none that a rule looks at" in script(capsys, *hook)[1]


def test_the_hooks_judge_what_they_are_handed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "c.json").write_text("{}")
    for name in ("hee_monitor", "hee_auto_fix"):
        status, out, _ = script(capsys, name, "--mode", "pre-commit", "--state-capsule", "c.json")
        assert (status, "c.json" in out) == (1, True)
    (root / "c.json").write_text(json.dumps(capsule(root)))
    assert script(capsys, "hee_monitor", "--mode", "pre-commit", "--state-capsule", "c.json", "--json")[0] == 0


def test_an_agent_may_commit_what_a_repair_may_change_and_capsules(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = root / "docs/STATE_CAPSULES/2026-01-24/HEE.md"
    page.parent.mkdir(parents=True)
    page.write_text("# capsule\n")
    (root / "a.py").write_text("x = 1\n")
    git(root, "add", "--all")
    hook = ("hee_auto_fix", "--mode", "pre-commit", "--safety", "high")
    assert script(capsys, *hook)[0] == 0
    monkeypatch.setenv("HEE_ACTOR", "agent:hee")
    assert script(capsys, *hook)[0] == 0
    (root / "a.py").write_text("x = 1  # noqa\n")
    (root / "hee.yaml").write_text("x: 1\n")
    git(root, "add", "--all")
    status, out, _ = script(capsys, *hook, "--json")
    said = json.loads(out)["violations"]
    assert status == 1
    assert any(words.startswith("hee.yaml: ") for words in said)
    assert any("noqa" in words for words in said)
    assert script(capsys, *hook, "--hee-governance", "warn")[0] == 0


def test_a_person_is_told_of_a_repair_that_touches_the_same_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_cycle(root, JOBS)
    (root / "a.py").write_text("x   =  2\n")
    git(root, "add", "--all")
    status, out, _ = script(capsys, "hee_auto_fix", "--mode", "pre-commit")
    assert (status, "repairs a.py as well" in out) == (0, True)
    found = json.loads(script(capsys, "hee_auto_fix", "--mode", "pre-commit", "--json")[1])
    assert [repair["files"] for repair in found["repairs"]] == [["a.py"]]


def test_an_index_with_a_conflict_is_not_judged(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(root, "checkout", "--quiet", "-b", "other")
    (root / "a.py").write_text("z = 1\n")
    git(root, "commit", "--quiet", "--all", "--message", "other")
    git(root, "checkout", "--quiet", "main")
    (root / "a.py").unlink()
    git(root, "commit", "--quiet", "--all", "--message", "gone")
    with pytest.raises(Exception, match="merge"):
        git(root, "merge", "other")
    status, _, err = script(capsys, "hee_monitor", "--mode", "pre-commit")
    assert (status, "not merged" in err) == (2, True)


def test_a_log_line_never_becomes_a_command_of_the_runner(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issue = {
        "severity": "high", "pattern_id": "HEE-PAT-1", "category": "a,b:c", "title": "t%\n::add-mask::x\r", "action": "",
        "rationale": "", "next_step": "", "evidence": [{"channel": "file", "where": "a,b\n.py", "line": 0, "text": ""}],
    }  # fmt: skip
    actions.annotate([issue])
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    actions.annotate([issue])
    (line,) = capsys.readouterr().err.splitlines()
    assert line == ("::error file=a%2Cb%0A.py,line=1,title=HEE-PAT-1 a%2Cb%3Ac::t%25%0A::add-mask::x%0D: undecided")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "o"))
    actions.outputs(a="x\ny=1", b=True, c=3)
    assert (tmp_path / "o").read_text() == "a=xy=1\nb=true\nc=3\n"
    assert (actions.exit_status(1), actions.exit_status(0)) == (0, 0)


@pytest.mark.parametrize("name", ["report.md", "report.html", "report.json", "report.xml"])
def test_a_report_is_written_in_the_form_that_its_file_names(
    root: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run_cycle(root, JOBS)
    status, out, _ = script(capsys, "generate_hee_state_report", "--output", name, "--include-governance-metrics")
    assert (status, name in out) == (0, True)
    beginning = {"md": "# HEE report", "html": "<!doctype html>", "json": "{", "xml": "<?xml"}[name.partition(".")[2]]
    assert (root / name).read_text().startswith(beginning)
    assert run(["report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "degraded"
    assert run(["report", "--at", "0", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["open_issues"] == 0
    assert run(["report", "--output", "nowhere/r.md"]) == 2


@pytest.mark.spec("SEED-296")
def test_a_report_is_of_the_point_that_its_capsule_stands_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "current.json").write_text(json.dumps(capsule(root)))
    run_cycle(root, JOBS)
    printed = ("--input", "current.json", "--output", "hee_monitoring_report.md", "--include-governance-metrics")
    assert script(capsys, "generate_hee_state_report", *printed)[0] == 0
    assert "**operational**: 0 open issue(s) after 1 events" in (root / "hee_monitoring_report.md").read_text()
    nameless = {name: value for name, value in capsule(root).items() if name != "hee_log"}
    (root / "current.json").write_text(json.dumps(nameless))
    status, out, err = script(capsys, "generate_hee_state_report", *printed, "--json")
    assert (status, json.loads(out)["status"], "names no log" in err) == (0, "degraded", True)


@pytest.mark.parametrize("how", [("--all",), (".github/workflows/t.yml",)])
def test_a_hook_judges_the_index_that_git_hands_to_it(root: Path, how: tuple[str, ...]) -> None:
    path = root / ".github/workflows/t.yml"
    path.parent.mkdir(parents=True)
    head = "on: [push]\npermissions: {}\njobs:\n  t:\n    runs-on: ubuntu-latest\n    timeout-minutes: 1\n    steps:\n"
    path.write_text(head + "      - run: pytest\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a gate")
    hook = root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec {sys.executable} -m hee_monitoring.cli.seed hee_monitor --mode pre-commit\n")
    hook.chmod(0o755)
    path.write_text(head + "      - run: pytest || true\n")  # never staged by itself
    who = {f"GIT_{role}_{what}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "commit", "-m", "weaker", *how], env=os.environ | who, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "HGV-CI-005" in done.stdout + done.stderr) == (1, True)


def seen_run(root: Path, run_id: int) -> None:
    """Records a failure of a numbered run, as a forge would have it."""
    with Workspace.open(root) as workspace:
        clock = workspace.clock
        found = {
            "issue_id": "HEE-ISS-1", "fingerprint": "f", "source": "github", "job": "ci.yml#t", "run_id": run_id,
            "evidence": [{"channel": "log", "line": 3, "text": "E   assert 1 == 2", "where": ""}],
        }  # fmt: skip
        said = {
            "issue_id": "HEE-ISS-1",
            "pattern_id": "HEE-PAT-190",
            "category": "test",
            "title": "Pytest assertion failed",
        }
        judged = {"issue_id": "HEE-ISS-1", "impact": "high", "severity": "high", "reasons": ["main is protected"]}
        decided = {"kind": "standing", "key": "tests", "statement": "people repair tests", "rationale": "they know"}
        workspace.log.append(
            [
                Event.new("ci.failure_detected", found, clock=clock),
                Event.new("ci.failure_classified", {**said, "confidence": 9000, "database": "1"}, clock=clock),
                Event.new("ci.impact_assessed", judged, clock=clock),
                Event.new("decision.recorded", decided, clock=clock),
                Event.new(
                    "alert.raised", {"issue_id": "HEE-ISS-1", "severity": "high", "title": "t", "next_step": "look"}
                ),
            ]
        )


@pytest.mark.spec("SEED-292", "SEED-304")
def test_one_run_is_shown_with_as_much_context_as_was_asked_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen_run(root, 12345)
    asked = ("hee_monitor", "--run-id", "12345")
    status, out, _ = script(capsys, *asked, "--hee-context", "full", "--detailed")
    assert (status, "run 12345: 1 issue(s), 1 still open" in out) == (1, True)
    for words in ("assert 1 == 2", "main is protected", "people repair tests", "after 6 events", "look"):
        assert words in out
    status, out, _ = script(capsys, *asked, "--hee-context", "none")
    assert (status, "context" in out, "main is protected" in out) == (1, False, False)
    document = json.loads(script(capsys, *asked, "--hee-context", "full", "--json")[1])
    assert (document["failures"][0]["resolved"], document["context"]["decisions"][0]["key"]) == (False, "tests")


@pytest.mark.parametrize(("mode", "status"), [("strict", 2), ("warn", 2), ("off", 2)])
def test_a_capsule_that_breaks_the_schema_stops_a_strict_run_and_is_told_in_others(
    root: Path, capsys: pytest.CaptureFixture[str], mode: str, status: int
) -> None:
    document = {name: value for name, value in capsule(root).items() if name != "hee_log"}
    (root / "c.json").write_text(json.dumps({**document, "hee_gates": "none"}))
    asked = ("hee_monitor", "--run-id", "7", "--state-capsule", "c.json", "--hee-governance", mode)
    ended, _, err = script(capsys, *asked)  # the log knows no run 7
    assert (ended, "/hee_gates" in err, "no run 7" in err) == (status, mode != "off", mode != "strict")


def test_the_scripts_print_documents(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, flags in (
        ("load_hee_state_capsule", ()),
        ("update_hee_state_capsule", ("--output", "u.yaml")),
        ("generate_hee_state_capsule", ("--output", "g.json", "--no-publish")),
        ("validate_hee_state_capsule", ()),
    ):
        status, out, _ = script(capsys, name, *flags, "--json")
        assert (status, isinstance(json.loads(out), dict)) == (0, True), name
    assert not (root / "docs").exists()
    (root / "u.json").write_text('{"hee_log": {"id": "x"}}')
    git(root, "branch", "-D", "hee/log")
    status, _, err = script(capsys, "validate_hee_state_capsule", "--input", "u.yaml", "--governance-check", "full")
    assert (status, "nothing vouches" in err) == (0, True)
    assert script(capsys, "load_hee_state_capsule")[0] == 2
    status, _, err = script(capsys, "hee_monitor", "--mode", "pre-commit", "--state-capsule", "u.json")
    assert (status, "there is no log here" in err) == (2, True)


@pytest.mark.spec("SEED-292")
def test_a_run_that_the_log_does_not_know_is_asked_of_github(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    template(tmp_path / "r")
    monkeypatch.chdir(tmp_path / "r")
    with Simulator(clock=FixedClock(step=0.001)) as server:
        run_ = server.run("failure", [red()], commit="a" * 40)
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", server.repository)
        monkeypatch.setenv("GITHUB_TOKEN", SECRET)
        asked = ("hee_monitor", "--run-id", str(run_.run_id), "--hee-context", "full", "--detailed")
        status, out, err = script(capsys, *asked)
        made = len(server.requests)
        assert (status, "unformatted: File would be reformatted" in out) == (1, True), err
        assert SECRET not in out + err
        assert script(capsys, *asked)[0] == 1
        assert len(server.requests) == made  # now the log knows it


def test_a_staged_capsule_that_cannot_be_read_is_not_in_order(tmp_path, capsys, monkeypatch):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    monkeypatch.chdir(root)
    assert script(capsys, "validate_hee_state_capsule", "--hee-rules", "strict")[0] == 0
    place = root / "docs" / "STATE_CAPSULES" / "2026-01-01"
    place.mkdir(parents=True)
    (place / "b.json").write_bytes(b"\xff\xfe{}")
    git(root, "add", "--all")
    status, _, err = script(capsys, "validate_hee_state_capsule", "--hee-rules", "strict")
    assert (status, "not UTF-8" in err) == (2, True)
