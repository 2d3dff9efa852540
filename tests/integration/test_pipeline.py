"""The whole loop over a real repository whose jobs are shell commands; `test_demo` runs the same with act."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import DEMO_JOBS, ShellSource, cycle_of, demo_repository, git, run_cycle, watched

import hee_core
from hee_core import Event
from hee_core.errors import Conflict
from hee_monitoring import pipeline, repairs
from hee_monitoring.facts import EDGES, nodes_of
from hee_monitoring.status import document
from hee_monitoring.workspace import Workspace

FORMAT = {"ci.yml#format": "ruff format --check ."}
BADLY = {"pyproject.toml": "[tool.ruff]\n", "a.py": "x = {  'a':1 }\n"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory):
    """One run of the demonstration's pipeline, looked at from many sides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEE_HOME", str(tmp_path_factory.mktemp("hee")))
        root = demo_repository(tmp_path_factory.mktemp("story") / "demo")
        before = (
            git(root, "status", "--porcelain"),
            git(root, "rev-parse", "HEAD"),
            (root / ".git" / "index").read_bytes(),
        )
        result, _ = run_cycle(root, DEMO_JOBS)
        with Workspace.open(root) as workspace:
            entries = list(workspace.log.read())
            report = document(
                workspace.log.state, head=workspace.log.head, events_appended=result.events, unknown={}, notes=[]
            )
            yield root, before, result, entries, report, hee_core.verify(workspace.log)


def by_category(report: dict) -> dict[str, dict]:
    return {failure["category"] + "/" + failure["job"].rpartition("#")[2]: failure for failure in report["failures"]}


@pytest.mark.spec("SEED-049", "SEED-054", "SEED-055", "SEED-256", "SEED-071")
def test_each_failure_gets_its_action_and_its_end(story) -> None:
    found = {name: (f["action"], (f["fix"] or {}).get("outcome")) for name, f in by_category(story[4]).items()}
    assert found == {
        "format/format": ("auto-fix", "verified"),
        "workflow-config/scripts": ("auto-fix", "verified"),
        "format/whitespace": ("auto-fix", "rolled_back"),
        "test/test": ("agent-review", "pending_review"),
        "spec/": ("auto-fix", "applied"),
        "governance/": ("manual-only", None),
    }


def test_the_evidence_is_the_line_that_proves_it(story) -> None:
    failures = by_category(story[4])
    assert failures["test/test"]["evidence"][0]["text"].strip() == "E       assert 400 == 401"
    assert "trailing whitespace" in failures["format/whitespace"]["evidence"][0]["text"]
    assert failures["spec/"]["evidence"][0]["line"] == 5


@pytest.mark.spec("SEED-100", "SEED-090")
def test_a_rolled_back_repair_leaves_nothing_but_its_record(story) -> None:
    root, _, _, entries, report, _ = story
    issue = by_category(report)["format/whitespace"]["issue_id"]
    assert git(root, "branch", "--list", f"hee/fix/{issue}") == ""
    assert [
        e.event.type for e in entries if e.event.data.get("issue_id") == issue and e.event.type.startswith("fix.")
    ] == [
        "fix.started",
        "fix.rolled_back",
    ]


@pytest.mark.spec("SEED-309", "SEED-310", "SEED-215")
def test_the_record_verifies(story) -> None:
    report = story[5]
    assert report.ok
    assert report.checked["event signatures"] == report.events == len(story[3])


def test_nothing_of_the_users_worktree_index_or_head_moved(story) -> None:
    root, before, *_ = story
    assert (
        git(root, "status", "--porcelain"),
        git(root, "rev-parse", "HEAD"),
        (root / ".git" / "index").read_bytes(),
    ) == before


@pytest.mark.spec(
    "SEED-044", "SEED-045", "SEED-046", "SEED-051", "SEED-052", "SEED-056", "SEED-057", "SEED-058", "SEED-060"
)
def test_a_cycle_walks_the_specifications_graph(story) -> None:
    entries, report = story[3], story[4]
    events = [{"type": e.event.type, "data": e.event.data} for e in entries]
    for failure in report["failures"]:
        walk = nodes_of(events, failure["issue_id"])
        assert walk[0] == "A"
        assert walk[-1] == "M"
        assert [a + b for a, b in itertools.pairwise(walk) if a + b not in EDGES] == []


@pytest.mark.spec("SEED-193")
def test_what_needs_a_person_is_told_before_any_repair_takes_its_time(story) -> None:
    entries, report = story[3], story[4]
    begun = min(e.index for e in entries if e.event.type == "fix.started")
    waiting = [f["issue_id"] for f in report["failures"] if f["action"] in ("agent-review", "manual-only")]
    told = {e.event.data.get("issue_id"): e.index for e in entries if e.event.type == "alert.raised"}
    assert waiting
    assert all(told[issue] < begun for issue in waiting)


@pytest.mark.spec("SEED-007", "SEED-039", "SEED-040", "SEED-082", "SEED-098")
def test_no_repair_is_applied_without_checkpoint_validation_and_governance_before_it(story) -> None:
    entries = story[3]
    seen: dict[str, set[str]] = {}
    for entry in entries:
        data, type_ = entry.event.data, entry.event.type
        if type_ == "governance.evaluated" and data["verdict"] == "pass":
            seen.setdefault(data["scope"], set()).add(f"governance {data['phase']}")
        if type_ == "fix.validated" and data["ok"]:
            seen.setdefault(data["fix_id"], set()).add(data["phase"])
        if type_ == "state.checkpointed":
            seen.setdefault(data["reason"], set()).add("checkpoint")
        if type_ == "fix.applied":
            assert seen[data["fix_id"]] == {"governance before", "governance after", "pre", "post", "checkpoint"}
    assert sum(e.event.type == "fix.applied" for e in entries) == 3


@pytest.mark.spec("SEED-074")
def test_the_rationale_of_the_matrix_is_in_decision_and_alert(story) -> None:
    entries = story[3]
    decisions = [e.event.data for e in entries if e.event.type == "decision.recorded"]
    alerts = [e.event.data for e in entries if e.event.type == "alert.raised"]
    assert all(decision["rationale"] and decision["rule"].startswith("matrix/") for decision in decisions)
    assert {alert["rationale"] for alert in alerts} <= {decision["rationale"] for decision in decisions}
    assert "Requires HEE compliance review" in {alert["rationale"] for alert in alerts}


def test_commit_messages_are_plain_and_hold_nothing_of_a_log(story) -> None:
    root = story[0]
    messages = git(root, "log", "--format=%B", "hee/log")
    assert "assert 400" not in messages
    assert all(character.isprintable() or character == "\n" for character in messages)


def test_a_repairs_commit_is_signed_names_its_reasons_and_holds_only_the_repair(story) -> None:
    root, _, _, _, report, _ = story
    fix = by_category(report)["format/format"]
    message = git(root, "log", "-1", "--format=%B", fix["fix"]["branch"])
    assert f"HEE-Issue: {fix['issue_id']}" in message
    assert f"HEE-Decision: {fix['decision']}" in message
    assert git(root, "diff", "--name-only", "main", fix["fix"]["branch"]) == "harbor/table.py"
    assert "gpgsig" in git(root, "cat-file", "commit", fix["fix"]["branch"])


def test_a_second_cycle_on_the_unchanged_repository_appends_nothing(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    first, _ = run_cycle(root, FORMAT)
    second, source = run_cycle(root, FORMAT)
    assert first.events > 0
    assert (second.events, source.runs_made) == (0, [])


@pytest.mark.spec("SEED-050")
def test_quiet_polls_add_nothing_but_one_heartbeat_an_hour(tmp_path: Path) -> None:
    clock = hee_core.FixedClock(step=0.001)
    root = watched(tmp_path / "r", {"a.txt": "a\n"}, clock=clock)
    source = ShellSource(root, {"ci.yml#ok": "true"})
    with Workspace.open(root, clock=clock) as workspace:
        pipeline.run(cycle_of(workspace, source))
        size = len(workspace.log)
        cycle = cycle_of(workspace, source)
        since = clock.now()
        for _ in range(100):
            assert pipeline.run(cycle).events == 0
            assert not pipeline.heartbeat(cycle, pipeline.Result(), polls=100, since=since, longest_ms=1)
        clock.sleep(3601)
        assert pipeline.heartbeat(cycle, pipeline.Result(), polls=100, since=since, longest_ms=1)
        assert len(workspace.log) == size + 1


@pytest.mark.spec("SEED-173", "SEED-174", "SEED-155")
def test_a_merged_repair_is_seen_green_and_leads_back_to_operational(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert workspace.log.state.status == "degraded"
    git(root, "merge", "--quiet", "--ff-only", issue["fix"]["branch"])
    result, _ = run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        assert (workspace.log.state.status, dict(workspace.log.state.issues)) == ("operational", {})
        last = [e.event.data["trigger"] for e in workspace.log.read() if e.event.type == "state.changed"]
        assert last == ["HEE Issues Detected", "HEE Auto-Fix Successful"]
    assert result.events > 0


def test_a_failure_that_comes_back_is_the_same_issue(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    run_cycle(root, FORMAT)
    good = git(root, "rev-parse", "HEAD")
    git(root, "rm", "--quiet", "a.py")
    git(root, "commit", "--quiet", "--message", "gone")
    run_cycle(root, FORMAT)
    git(root, "revert", "--no-edit", "HEAD")
    assert git(root, "rev-parse", "HEAD") != good
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert issue["count"] == 2


@pytest.mark.spec("SEED-006", "SEED-097")
def test_a_recorded_decision_stops_a_repair_and_is_named(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    with Workspace.open(root) as workspace:
        decision = {
            "key": "format.frozen",
            "statement": "no automatic formatting",
            "action": "agent-review",
            "rationale": "release week",
        }
        workspace.log.append([Event.new("decision.recorded", decision)])
        (name,) = workspace.log.state.decisions
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert issue["action"] == "agent-review"
        made = [e.event.data for e in workspace.log.read() if e.event.type == "decision.recorded"][-1]
        assert made["rule"] == f"decision/{name}"


def test_a_denied_path_is_found_out_after_the_change_and_rolls_it_back(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    with Workspace.open(root) as workspace:
        decision = {"key": "vendor", "statement": "a.py stays", "deny_paths": ["a.py"], "rationale": "copied"}
        workspace.log.append([Event.new("decision.recorded", decision)])
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert issue["fix"]["outcome"] == "rolled_back"
        assert "decision/HEE-DEC-" in issue["fix"]["reason"]
    assert "hee/fix" not in git(root, "branch", "--all")


def test_a_killed_cycle_is_finished_by_the_next_one(tmp_path: Path) -> None:
    """Kills the cycle before each of its appends in turn; the next one ends where an undisturbed one does."""

    class Killed(BaseException):
        pass

    def dying(real: Callable[..., object], at: int) -> Callable[..., object]:
        turns = itertools.count(1)

        def append(*args: object, **options: object) -> object:
            if next(turns) == at:
                raise Killed
            return real(*args, **options)

        return append

    def outcome(root: Path) -> object:
        with Workspace.open(root) as workspace:
            state = workspace.log.state
            types = sorted(e.event.type for e in workspace.log.read())
            assert hee_core.verify(workspace.log).ok
            return (
                state.status,
                {i["issue_id"]: (i["action"], i["fix"]["outcome"], i["count"]) for i in state.issues.values()},
                types,
                git(root, "branch", "--format=%(refname)"),
            )

    undisturbed = watched(tmp_path / "whole", BADLY)
    run_cycle(undisturbed, FORMAT)
    expected = outcome(undisturbed)
    appends = 0
    for at in range(1, 10):
        root = watched(tmp_path / f"r{at}", BADLY)
        with Workspace.open(root) as workspace:
            workspace.log.append = dying(workspace.log.append, at)  # type: ignore[method-assign]
            try:
                pipeline.run(cycle_of(workspace, ShellSource(root, FORMAT)))
            except Killed:
                appends += 1
            else:
                break
        run_cycle(root, FORMAT)
        status, issues, types, branches = outcome(root)
        assert (status, issues, branches) == (expected[0], expected[1], expected[3])
        for once in ("ci.failure_detected", "decision.recorded", "fix.applied", "fix.verified"):
            assert types.count(once) == expected[2].count(once)
    assert appends == 4


def test_a_kill_between_the_record_and_the_branch_is_finished_by_the_next_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = watched(tmp_path / "r", BADLY)
    with monkeypatch.context() as patch:
        patch.setattr(repairs, "publish", lambda *_: [])
        run_cycle(root, FORMAT)
    assert "hee/fix" not in git(root, "branch", "--all")
    run_cycle(root, FORMAT)
    assert "hee/fix" in git(root, "branch", "--all")


def test_two_cycles_at_once_detect_a_failure_once(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    with Workspace.open(root) as one, Workspace.open(root) as two:
        first = cycle_of(one, ShellSource(root, FORMAT), fix=False)
        second = cycle_of(two, ShellSource(root, FORMAT), fix=False)
        real = two.log.append
        raced = []

        def racing(events: list[Event], **options: object) -> object:
            if not raced:
                raced.append(True)
                pipeline.run(first)
            return real(events, **options)  # type: ignore[arg-type]

        two.log.append = racing  # type: ignore[method-assign]
        pipeline.run(second)
        assert sum(e.event.type == "ci.failure_detected" for e in two.log.read()) == 1
        with pytest.raises(Conflict):
            one.log.append([Event.new("note.recorded", {"text": "late"})], expected=None)


@pytest.mark.spec("SEED-048")
def test_a_job_that_cannot_be_judged_is_unknown_and_never_green(tmp_path: Path) -> None:
    from dataclasses import replace

    from hee_monitoring.evidence import Conclusion

    root = watched(tmp_path / "r", {"a.txt": "a\n"})

    class Blind(ShellSource):
        def runs(self, commit: str):  # type: ignore[no-untyped-def]
            (run,) = super().runs(commit)
            return (
                replace(
                    run,
                    jobs=tuple(replace(j, conclusion=Conclusion.UNKNOWN, reason="needs a container") for j in run.jobs),
                ),
            )

    with Workspace.open(root) as workspace:
        result = pipeline.run(cycle_of(workspace, Blind(root, {"ci.yml#x": "true"})))
        assert result.unknown == {"ci.yml#x": "needs a container"}
        (polled,) = [e.event.data for e in workspace.log.read() if e.event.type == "ci.polled"]
        assert (polled["jobs_passed"], polled["jobs_unknown"]) == ([], ["ci.yml#x"])


def test_a_transient_failure_is_run_again_and_resolved_when_green(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    flag = tmp_path / "flag"
    jobs = {
        "ci.yml#net": f"test -e {flag} || {{ touch {flag}; echo 'curl: (6) Could not resolve host: example.org'; exit 6; }}"
    }
    run_cycle(root, jobs)
    with Workspace.open(root) as workspace:
        assert dict(workspace.log.state.issues) == {}
        resolved = [e.event.data["by"] for e in workspace.log.read() if e.event.type == "ci.issue_resolved"]
        assert resolved == ["the same commit was green when the job ran again"]


def test_a_transient_failure_that_stays_goes_to_a_person(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    run_cycle(root, {"ci.yml#net": "echo 'curl: (6) Could not resolve host: example.org'; exit 6"})
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert (issue["action"], issue["fix"]["outcome"]) == ("rerun", "refused")
        assert issue["next_step"]


def test_an_unexplained_failure_is_unknown_and_waits_for_a_person(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    run_cycle(root, {"ci.yml#odd": "echo hmm; exit 3"})
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert (issue["category"], issue["action"]) == ("unknown", "agent-review")


def test_the_json_of_the_report_is_whole(story) -> None:
    report = json.loads(json.dumps(story[4]))
    assert set(report) >= {"status", "head", "events_appended", "failures"}
    for failure in report["failures"]:
        assert set(failure) >= {
            "issue_id",
            "pattern_id",
            "category",
            "fingerprint",
            "impact",
            "evidence",
            "action",
            "fix",
        }
        assert all(set(item) >= {"channel", "line", "text"} for item in failure["evidence"])


@pytest.mark.spec("SEED-070", "SEED-219")
def test_a_repair_that_waits_for_a_review_happens_after_a_persons_approval_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hee_core.keys import create_agent_key, load_signer

    root = watched(tmp_path / "r", BADLY)
    with Workspace.open(root) as workspace:
        decision = {
            "key": "format",
            "statement": "people look first",
            "action": "agent-review",
            "rationale": "release week",
        }
        workspace.log.append([Event.new("decision.recorded", decision)])
        run_cycle(root, FORMAT)
        (issue,) = workspace.log.state.issues.values()
        assert (issue["action"], issue["fix"]["outcome"]) == ("agent-review", "pending_review")
        approval = {"subject": issue["issue_id"], "statement": "looked at it"}
        with pytest.raises(hee_core.EventError, match="only a person"):
            workspace.log.append([Event.new("approval.granted", approval)])
        person = create_agent_key(tmp_path / "ada", actor="human:ada")
        added = {"public_key": person.public_key, "actor": "human:ada", "role": "human"}
        (standing,) = [name for name, record in workspace.log.state.decisions.items() if record["kind"] == "standing"]
        workspace.log.append([Event.new("key.added", added)])
    with monkeypatch.context() as patch:
        patch.setenv("HEE_SIGNING_KEY", str(tmp_path / "ada"))
        patch.setenv("HEE_ACTOR", "human:ada")
        with Workspace.open(root, signer=load_signer()) as workspace:
            workspace.log.append([Event.new("approval.granted", approval)])
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert (issue["action"], issue["fix"]["outcome"]) == ("agent-review", "pending_review")
        ended = {"decision_id": standing, "how": "revoked", "reason": "release is out"}
        workspace.log.append([Event.new("decision.ended", ended)])
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert (issue["action"], issue["fix"]["outcome"]) == ("auto-fix", "verified")
        made = [e.event.data for e in workspace.log.read() if e.event.type == "decision.recorded"][-1]
        assert made["rule"].startswith("approval/")


def test_a_branch_that_somebody_else_made_is_never_passed_off_as_the_repair(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    run_cycle(root, FORMAT, fix=False)
    with Workspace.open(root) as workspace:
        (name,) = workspace.log.state.issues
    git(root, "checkout", "-q", "-b", f"hee/fix/{name}")
    (root / "evil.py").write_text("print(1)\n")
    git(root, "add", "evil.py")
    git(root, "commit", "-qm", "not ours")
    planted = git(root, "rev-parse", "HEAD")
    git(root, "checkout", "-q", "main")
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert issue["fix"]["outcome"] == "verified"
        assert (
            git(root, "rev-parse", issue["fix"]["branch"])
            == repairs.recorded_commit(workspace.log.state, issue)
            != planted
        )
    assert git(root, "rev-parse", f"hee/fix/{name}") == planted


def test_the_same_failure_at_a_new_commit_is_repaired_anew_and_its_branch_moves_on(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    run_cycle(root, FORMAT)
    (root / "b.py").write_text("y = {  'b':2 }\n")
    git(root, "add", "b.py")
    git(root, "commit", "-qm", "another one")
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
        assert (issue["count"], issue["fix"]["outcome"]) == (2, "verified")
        (active,) = [r for r in workspace.log.state.decisions.values() if r["kind"] == "issue"]
        assert active["decision_id"] == issue["decision_id"]
    assert set(git(root, "diff", "--name-only", "main", issue["fix"]["branch"]).split()) == {"a.py", "b.py"}


def test_after_a_rollback_the_next_cycle_looks_again_instead_of_calling_it_green(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    run_cycle(root, FORMAT, fix=False)
    with Workspace.open(root) as workspace:
        polled = next(entry.index for entry in workspace.log.read() if entry.event.type == "ci.polled")
        hee_core.rollback(workspace.log, to=polled, reason="try")
        assert dict(workspace.log.state.issues) == {}
    result, source = run_cycle(root, FORMAT, fix=False)
    assert source.runs_made == ["ci.yml#format"]
    with Workspace.open(root) as workspace:
        assert len(workspace.log.state.issues) == 1
    assert result.polled


@pytest.mark.spec("SEED-033")
def test_a_branch_cannot_bring_its_own_configuration(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", BADLY)
    git(root, "checkout", "-q", "-b", "feature")
    text = (root / "hee.yaml").read_text()
    (root / "hee.yaml").write_text(text.replace('governance_rules: "strict"', 'governance_rules: "off"'))
    git(root, "commit", "-qam", "quiet please")
    with Workspace.open(root) as workspace:
        assert workspace.config.governance_rules == "strict"
    git(root, "checkout", "-q", "main")
    git(root, "rm", "-q", "hee.yaml")
    git(root, "commit", "-qm", "gone")
    git(root, "checkout", "-q", "feature")
    with Workspace.open(root) as workspace:
        assert workspace.config.governance_rules == "strict"


@pytest.mark.spec("SEED-098")
def test_what_governance_said_around_a_repair_is_what_was_evaluated(story) -> None:
    said = [
        e.event.data for e in story[3] if e.event.type == "governance.evaluated" and e.event.data["scope"] != "cycle"
    ]
    assert {s["phase"] for s in said} == {"before", "after"}
    assert all(s["evaluated"] > 0 and s["detail"] for s in said)
    assert len({s["evaluated"] for s in said}) > 1


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_a_repair_that_another_bot_takes_back_is_made_once_and_then_stopped(tmp_path: Path, how: str) -> None:
    root = watched(tmp_path / "r", BADLY)
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (issue,) = workspace.log.state.issues.values()
    git(
        root,
        "merge",
        "--quiet",
        *(["--squash"] if how == "squash" else ["--no-ff", "-m", "take it"]),
        issue["fix"]["branch"],
    )
    if how == "squash":
        git(root, "commit", "--quiet", "--message", "tidy, by hand as it seems")
    if how == "merge":  # the other one is reverted before anybody looked
        run_cycle(root, FORMAT)
    git(root, "checkout", "--quiet", "HEAD~1", "--", "a.py")
    git(root, "commit", "--quiet", "--message", "as it was, says the bot", name="Bot")
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (again,) = workspace.log.state.issues.values()
        assert again["fix"]["outcome"] == "rolled_back"
        assert "taken over and taken back" in again["fix"]["reason"]
        (stop,) = (entry.event.data for entry in workspace.log.read() if entry.event.type == "fix.stopped")
        assert (stop["rule"], stop["fixes"][0]) == ("cycle", issue["fix"]["fix_id"])
        assert f"hee approve {issue['issue_id']}" in again["next_step"]
    (root / "a.py").write_text(BADLY["a.py"] + "y = {  'b':2 }\n")
    git(root, "commit", "--quiet", "--all", "--message", "and on")
    run_cycle(root, FORMAT)
    with Workspace.open(root) as workspace:
        (stopped,) = workspace.log.state.issues.values()
        assert (stopped["action"], stopped["fix"]["outcome"]) == ("agent-review", "pending_review")
        assert sum(entry.event.type == "fix.applied" for entry in workspace.log.read()) == 1
        assert hee_core.verify(workspace.log).ok


def test_of_many_transient_failures_at_once_none_is_run_again(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    jobs = {
        f"ci.yml#n{n}": f"echo 'curl: (6) Could not resolve host: {name}.example.org'; exit 6"
        for n, name in enumerate("abcdef")
    }
    _, source = run_cycle(root, jobs)
    with Workspace.open(root) as workspace:
        issues = list(workspace.log.state.issues.values())
        assert len(issues) >= 5
        assert {(issue["fix"]["outcome"], issue["fix"]["rule"]) for issue in issues} == {("refused", "storm")}
        assert all("incident" in issue["fix"]["reason"] and issue["next_step"] for issue in issues)
        assert "ci.rerun_requested" not in workspace.log.state.ledger.counts
    assert source.runs_made == list(jobs)


def test_one_failure_is_run_again_three_times_an_hour_whatever_is_pushed(tmp_path: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    flag = tmp_path / "flag"
    # Red at the first look at each commit, green when it is run again: a flake without end.
    flaky = f"c=$(git rev-parse HEAD); grep -qs $c {flag} || {{ echo $c >> {flag}; echo 'curl: (6) Could not resolve host: example.org'; exit 6; }}"
    for number in range(5):
        run_cycle(root, {"ci.yml#net": flaky})
        git(root, "commit", "--quiet", "--allow-empty", "--message", f"push {number}")
    with Workspace.open(root) as workspace:
        assert workspace.log.state.ledger.counts["ci.rerun_requested"] == 3
        refused = [e.event.data for e in workspace.log.read() if e.event.type == "fix.refused"]
        assert [each["rule"] for each in refused] == ["rerun", "rerun"]
        assert "3 times within an hour" in refused[0]["reason"]
