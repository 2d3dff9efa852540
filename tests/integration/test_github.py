"""Following GitHub's runs, over loopback, by the real client: nothing lost, nothing doubled, nothing given away."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

import pytest
from github_world import NETWORK, PATH, RUFF, SECRET, GitHubWorld, client_of, green, red, world
from worlds import git

import hee_core
from hee_core.errors import IntegrityError, NotFound, RateLimited, SourceError, Unauthorized, Unreachable
from hee_monitoring import following
from hee_monitoring.following import Follower
from hee_monitoring.github.simulator import SimulatedJob
from hee_monitoring.workspace import Workspace


@pytest.fixture
def hub(tmp_path: Path):
    with world(tmp_path / "r") as made:
        yield made


def detections(hub: GitHubWorld) -> list[tuple[int, int, str]]:
    return [
        (d["run_id"], d["attempt"], d["job"].rpartition("#")[2])
        for d in hub.events("ci.failure_detected")
        if d["run_id"]
    ]


@pytest.mark.spec("SEED-047", "SEED-048", "SEED-193", "SEED-255")
def test_a_red_run_is_detected_explained_and_recorded_with_its_run(hub: GitHubWorld) -> None:
    hub.calm()
    run = hub.server.run("failure", [red(), green("test")], commit="a" * 40)
    hub.poll(fix=False)
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert (issue["category"], issue["run_id"], issue["commit"]) == ("format", run.run_id, "a" * 40)
    assert issue["evidence"][0]["text"] == "unformatted: File would be reformatted"
    assert hub.state.operational.last_run_id == run.run_id
    (detected,) = [d for d in hub.events("ci.failure_detected") if d["run_id"]]
    assert detected["completed_at"] == run.updated_at
    assert hub.events("ci.polled")[-1]["analysis_ms"] >= 0
    assert [done["state_update_ms"] is not None for done in hub.events("monitor.completed")] == [True]
    assert hee_core.verify(hub.workspace.log).ok


@pytest.mark.spec("SEED-050", "SEED-227")
def test_a_quiet_poll_is_one_conditional_request_and_no_event(hub: GitHubWorld) -> None:
    hub.calm()
    hub.poll(fix=False)
    size = len(hub.workspace.log)
    hub.asked()
    for _ in range(5):
        assert hub.poll(fix=False).events == 0
    hub.afresh()
    hub.poll(fix=False)
    assert len(hub.asked()) == 6
    assert [answer[2] for answer in hub.server.answers[-6:]] == [304] * 6
    assert len(hub.workspace.log) == size


def test_another_token_does_not_use_the_versions_of_the_first(hub: GitHubWorld) -> None:
    hub.calm()
    hub.poll(fix=False)
    hub.afresh(secret="ghp_" + "a" * 36)
    hub.poll(fix=False)
    assert hub.server.answers[-1][2] == 200


def test_being_away_loses_no_run_and_a_second_monitor_doubles_none(hub: GitHubWorld) -> None:
    hub.calm()
    made = []
    for number in range(250):
        bad = number % 80 == 7
        made.append(
            hub.server.run(
                "failure" if bad else "success",
                [red(log=RUFF.replace(b"a.py", b"%d.py" % number))] if bad else [green()],
            )
        )
    hub.asked()
    hub.poll(fix=False)
    asked = hub.asked()
    assert (
        len(asked) == 3 + 4 * 3 + 4
    )  # pages; jobs, annotations and log of each red run; jobs of the green ones after them
    assert [run_id for run_id, _, _ in detections(hub)] == [run.run_id for n, run in enumerate(made) if n % 80 == 7]
    hub.afresh()
    (hub.workspace.work / "github" / "listing.json").unlink()
    assert hub.poll(fix=False).events == 0
    settled = {seen["run_id"] for moved in hub.events("ci.cursor_moved") for seen in moved["runs"]}
    assert settled >= {run.run_id for run in made}


def test_of_two_monitors_with_the_same_reading_one_records_it(hub: GitHubWorld) -> None:
    hub.calm()
    run = hub.server.run("failure", [red()])
    feed = hub.follower._feed
    read = feed.poll

    def read_while_another_records(*arguments, **options):
        batch = read(*arguments, **options)
        with Workspace.open(hub.root, clock=hub.clock) as workspace:
            other = Follower(workspace, client_of(hub.server, hub.clock), hub.judge, lambda _: None)
            other.cycle(workspace, fix=False)
            other.close()
        return batch

    feed.poll = read_while_another_records
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "format")]
    assert hee_core.verify(hub.workspace.log).ok


def test_what_ended_late_and_what_ran_again_are_seen_once_each(hub: GitHubWorld) -> None:
    hub.calm()
    slow = hub.server.run(None)
    for _ in range(120):
        hub.server.run("success", [green()])
    hub.poll(fix=False)
    assert hub.state.operational.sources["github"]["pending"] == [slow.run_id]
    hub.poll(fix=False)
    hub.server.finish(slow, "failure", [red("slow")])
    hub.poll(fix=False)
    hub.server.again(slow, "failure", [red("slow")])
    hub.poll(fix=False)
    assert detections(hub) == [
        (slow.run_id, 1, "slow")
    ]  # far down the listing: only a delivery or --run-id sees attempt 2
    hub.poll(fix=False, run_id=slow.run_id)
    young = hub.server.run("failure", [red("young")])
    hub.poll(fix=False)
    hub.server.again(young, "failure", [red("young")])
    hub.poll(fix=False)
    assert detections(hub)[-2:] == [(young.run_id, 1, "young"), (young.run_id, 2, "young")]


def test_an_attempt_that_was_over_before_anybody_looked_is_seen_as_well(hub: GitHubWorld) -> None:
    hub.calm()
    run = hub.server.run("failure", [red()])
    hub.server.again(run, "failure", [red()])
    hub.server.again(run, None)
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "format"), (run.run_id, 2, "format")]
    hub.server.finish(run, "success", [green()])
    hub.poll(fix=False)
    assert not any(issue["source"] == "github" for issue in hub.state.issues.values())
    assert len(detections(hub)) == 2


def test_only_a_later_green_of_the_same_branch_closes_an_issue(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("failure", [red()], branch="main")
    hub.poll(fix=False)
    hub.server.run("success", [green()], branch="feature")
    hub.server.run("success", [SimulatedJob("format", "skipped")], branch="main")
    hub.poll(fix=False)
    assert any(issue["source"] == "github" for issue in hub.state.issues.values())
    hub.server.run("success", [green()], branch="main")
    hub.poll(fix=False)
    assert not any(issue["source"] == "github" for issue in hub.state.issues.values())


def test_a_fork_whose_branch_is_called_main_is_not_our_main(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("failure", [red()], head="somebody/harbor")
    hub.poll(fix=False)
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert issue["branch"] == "somebody:main"


@pytest.mark.parametrize("word", ["startup_failure", "timed_out", "action_required", "stale", "cancelled", "failure"])
def test_no_red_conclusion_is_overlooked_even_without_a_job(hub: GitHubWorld, word: str) -> None:
    hub.calm()
    run = hub.server.run(word)
    hub.poll(fix=False)
    assert [run_id for run_id, _, _ in detections(hub)] == [run.run_id]


SUPERSEDED = "Canceling since a higher priority waiting request for 'ci-main' exists"
FAIL_FAST = 'The strategy configuration was canceled because "test.py311" failed'
PYTEST = (
    b"2026-01-24T12:00:00.0Z ##[group]Run pytest\n2026-01-24T12:00:00.0Z ##[endgroup]\n"
    b"2026-01-24T12:00:00.0Z FAILED tests/test_a.py::test_x - AssertionError: no\n"
    b"2026-01-24T12:00:00.0Z 1 failed, 3 passed in 0.12s\n2026-01-24T12:00:00.0Z ##[error]The operation was canceled.\n"
)


def test_a_run_that_a_later_one_replaced_opens_no_issue(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("cancelled", [SimulatedJob("format", "cancelled", 404, [SUPERSEDED])], branch="noted")
    hub.server.run("cancelled", [SimulatedJob("format", "cancelled", 404)], branch="listed")
    hub.server.run("cancelled", branch="without a job")
    hub.server.run(None, branch="listed")
    hub.server.run(None, branch="without a job")
    result = hub.poll(fix=False)
    assert detections(hub) == []
    assert set(result.unknown.values()) == {"it was cancelled: a later run took its place"}
    assert hub.state.status == "operational"
    assert hub.poll(fix=False).events == 0


def test_a_replaced_run_without_a_job_does_not_prove_that_its_workflow_starts(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("startup_failure")
    hub.poll(fix=False)
    hub.server.run("cancelled")
    hub.server.run(None)
    hub.poll(fix=False)
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert issue["job"] == PATH


def test_a_run_of_another_event_or_workflow_replaces_nothing(hub: GitHubWorld) -> None:
    hub.calm()
    alone = hub.server.run("cancelled", [SimulatedJob("format", "cancelled", 404)])
    hub.server.run(None, event="schedule")
    hub.server.run(None, path=".github/workflows/other.yml")
    hub.server.run(None, branch="other")
    hub.poll(fix=False)
    assert detections(hub) == [(alone.run_id, 1, "format")]


def test_siblings_that_fail_fast_cancelled_are_no_failures(hub: GitHubWorld) -> None:
    hub.calm()
    siblings = [
        SimulatedJob(f"test (3.{n})", "cancelled", b"x ##[error]The operation was canceled.\n") for n in (12, 13)
    ]
    run = hub.server.run("failure", [red("test (3.11)"), *siblings])
    hub.server.run("cancelled", [SimulatedJob("alone", "cancelled", 404, [FAIL_FAST])], branch="other")
    result = hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "test (3.11)")]
    assert set(result.unknown.values()) == {"it was cancelled because another job failed"}


@pytest.mark.parametrize("notes", [[], [SUPERSEDED], [FAIL_FAST]])
def test_a_cancelled_job_that_holds_a_failure_is_red(hub: GitHubWorld, notes: list[str]) -> None:
    hub.calm()
    run = hub.server.run("cancelled", [SimulatedJob("test", "cancelled", PYTEST, notes)])
    hub.server.run(None)
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "test")]
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert issue["category"] == "test"


def test_a_cancelled_job_with_a_failed_step_is_red(hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.calm()
    run = hub.server.run("cancelled", [SimulatedJob("test", "cancelled", 404, [SUPERSEDED])])
    real = hub.server._job

    def with_failed_step(*arguments):
        shown = real(*arguments)
        shown["steps"][0]["conclusion"] = "failure"
        return shown

    monkeypatch.setattr(hub.server, "_job", with_failed_step)
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "test")]


def test_a_word_that_nobody_knows_is_unknown_and_never_green(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("reticulated", [SimulatedJob("format", "reticulated")])
    result = hub.poll(fix=False)
    assert result.unknown == {".github/workflows/ci.yml#format": "it ended in a way that this program does not know"}
    assert result.passed == 0


@pytest.mark.parametrize(
    ("log", "conclusion", "words"),
    [
        (410, "failure", "its log has expired"),
        (404, "failure", "it left no log"),
        (404, "cancelled", "it was cancelled before it left a log"),
        (b"", "failure", "its log is empty, which proves nothing"),
    ],
)
def test_a_missing_log_is_never_read_as_clean(hub: GitHubWorld, log: bytes | int, conclusion: str, words: str) -> None:
    hub.calm()
    hub.server.run("failure", [SimulatedJob("format", conclusion, log)])
    hub.poll(fix=False)
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert words in issue["evidence"][0]["text"] or conclusion == "cancelled"


def test_an_annotation_explains_what_has_no_log(hub: GitHubWorld) -> None:
    hub.calm()
    note = "The job has exceeded the maximum execution time of 6h0m0s"
    hub.server.run("cancelled", [SimulatedJob("build", "cancelled", 404, [note])])
    hub.poll(fix=False)
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert (issue["category"], issue["evidence"][0]["channel"]) == ("timeout", "annotation")


def test_many_red_jobs_cost_one_archive(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run(
        "failure", [red(f"lint ({number}, a/b)", RUFF.replace(b"a.py", b"%d.py" % number)) for number in range(9)]
    )
    hub.asked()
    hub.poll(fix=False)
    asked = hub.asked()
    assert sum("/actions/jobs/" in each for each in asked) == 0
    assert sum(each.endswith("/logs") for each in asked) == 1
    assert len(detections(hub)) == 1  # nine times the same failure


@pytest.mark.spec("SEED-213")
def test_the_token_reaches_no_other_host_and_no_byte_on_disk(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("failure", [red(log=RUFF + f"token {SECRET}\n".encode())])
    hub.poll(fix=False)
    hub.server.fail("401")
    with pytest.raises(Unauthorized) as caught:
        hub.poll(fix=False)
    assert SECRET not in str(caught.value) + repr(hub.client.credential)
    assert hub.server.leaked == []
    assert hub.server.tokens == {f"Bearer {SECRET}"}
    objects = git(hub.root, "log", "-p", "--all", "--format=%B")
    assert SECRET not in objects
    for path in (hub.root, hub.workspace.work):
        assert not any(SECRET.encode() in file.read_bytes() for file in path.rglob("*") if file.is_file())


@pytest.mark.spec("SEED-227")
@pytest.mark.parametrize("kind", ["limit", "pause"])
def test_a_rate_limit_waits_without_asking_and_leaves_no_event(hub: GitHubWorld, kind: str) -> None:
    hub.calm()
    size = len(hub.workspace.log)
    hub.asked()
    hub.server.fail(kind)
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            hub.poll(fix=False)
    assert caught.value.wait > 60
    assert len(hub.asked()) == 1
    hub.clock.sleep(caught.value.wait + 1)
    hub.poll(fix=False)
    assert len(hub.workspace.log) == size


@pytest.mark.spec("SEED-228")
@pytest.mark.parametrize("kind", ["502", "reset", "truncated", "garbage", "short", "slow"])
def test_a_fault_of_the_network_is_retried_and_nothing_is_lost(hub: GitHubWorld, kind: str) -> None:
    hub.calm()
    hub.afresh(timeout=0.3)
    run = hub.server.run("failure", [red()])
    for place in ("/runs?", "/jobs?", "blob"):
        hub.server.fail(kind, place, 1)
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "format")]
    issue = next(i for i in hub.state.issues.values() if i["source"] == "github")
    assert issue["category"] == "format" or kind in ("garbage", "short")  # of a log nobody can tell that it is garbage


def test_a_network_that_stays_away_keeps_the_state_and_is_said_after_ten_minutes(hub: GitHubWorld) -> None:
    hub.calm()
    run = hub.server.run("failure", [red()])
    size = len(hub.workspace.log)
    hub.server.fail("503", times=12)
    for _ in range(2):
        with pytest.raises(Unreachable):
            hub.poll(fix=False)
    assert len(hub.workspace.log) == size
    hub.clock.sleep(601)
    with pytest.raises(Unreachable):
        hub.poll(fix=False)
    assert [blind["kind"] for blind in hub.events("monitor.blinded")] == ["network"]
    hub.poll(fix=False)
    assert len(hub.events("monitor.recovered")) == 1
    assert detections(hub) == [(run.run_id, 1, "format")]


@pytest.mark.spec("SEED-229")
@pytest.mark.parametrize("kind", ["401", "403"])
def test_a_refused_token_undoes_the_cycle_in_flight_and_alerts_once(hub: GitHubWorld, kind: str) -> None:
    hub.calm()
    made = [hub.server.run("failure", [red(f"job {number}")]) for number in range(3)]
    hub.server.fail(kind, f"/runs/{made[1].run_id}/", 2)
    for _ in range(2):
        with pytest.raises(Unauthorized):
            hub.poll(fix=False)
    assert detections(hub) == []  # the first run had been read by then
    assert [alert["severity"] for alert in hub.events("alert.raised") if "blind" in alert["title"]] == ["high"]
    assert following.blindness(hub.state)
    hub.poll(fix=False)
    assert [run_id for run_id, _, _ in detections(hub)] == [run.run_id for run in made]
    assert following.blindness(hub.state) is None


@pytest.mark.spec("SEED-230")
def test_an_item_that_cannot_be_read_is_skipped_counted_and_recorded_once(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.raw = [{"id": "seven"}, None, {"id": 2**70, "status": "completed", "head_sha": "c" * 40}]
    run = hub.server.run("failure", [red()])
    result = hub.poll(fix=False)
    assert any("3 item(s)" in note for note in result.notes)
    assert detections(hub) == [(run.run_id, 1, "format")]
    assert [len(moved["skipped"]) for moved in hub.events("ci.cursor_moved")][-1] == 3
    assert hub.poll(fix=False).events == 0


def test_a_run_whose_jobs_never_come_does_not_stand_in_the_way(hub: GitHubWorld) -> None:
    hub.calm()
    stuck, behind = hub.server.run("failure", [red("a")]), hub.server.run("failure", [red("b")])
    hub.server.fail("500", f"/runs/{stuck.run_id}/", 12)
    for _ in range(2):
        with pytest.raises(Unreachable):
            hub.poll(fix=False)
    hub.poll(fix=False)
    assert [run_id for run_id, _, _ in detections(hub)] == [stuck.run_id, behind.run_id]
    first = next(d for d in hub.events("ci.failure_detected") if d["run_id"] == stuck.run_id)
    assert "could not be listed" in first["evidence"][0]["text"]


@pytest.mark.spec("SEED-231")
def test_a_damaged_log_ends_the_monitor_and_nothing_is_written(hub: GitHubWorld) -> None:
    from hee_monitoring.watch import watch

    hub.calm()
    head = git(hub.root, "rev-parse", "hee/log")
    (hub.root / "torn").write_text("{")
    torn = git(hub.root, "hash-object", "-w", "torn")
    listing = git(hub.root, "ls-tree", "hee/log").replace(git(hub.root, "rev-parse", "hee/log:events.jsonl"), torn)
    made = subprocess.run(["git", "mktree"], cwd=hub.root, input=listing, capture_output=True, text=True, check=True)
    forged = git(hub.root, "commit-tree", made.stdout.strip(), "-p", head, "-m", "forged")
    git(hub.root, "update-ref", "refs/heads/hee/log", forged)
    with pytest.raises(IntegrityError):
        list(watch(hub.workspace, source="act", limit=3))
    assert git(hub.root, "rev-parse", "hee/log") == forged


def test_its_own_branches_and_its_own_run_are_not_watched(hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.calm()
    own = hub.server.run("failure", [red()])
    hub.server.run("failure", [red()], branch="hee/fix/HEE-ISS-1")
    hub.server.run("failure", [red()], path=".github/workflows/hee.yml")
    monkeypatch.setenv("GITHUB_RUN_ID", str(own.run_id))
    monkeypatch.setenv("GITHUB_WORKFLOW_REF", f"{hub.server.repository}/.github/workflows/hee.yml@refs/heads/main")
    hub.afresh()
    hub.poll(fix=False)
    assert detections(hub) == []


def test_a_repository_without_runs_is_unknown(hub: GitHubWorld) -> None:
    result = hub.poll(fix=False)
    assert any("nothing is known" in note for note in result.notes)
    assert (result.polled, result.passed) == (True, 0)  # shown as UNKNOWN
    hub.client.place = type(hub.client.place)(hub.server.url, "harbor-works/else")
    with pytest.raises(SourceError, match="knows no runs"):
        hub.poll(fix=False)


@pytest.mark.spec("SEED-256", "SEED-039")
def test_a_red_run_of_a_commit_that_is_here_is_repaired_and_proved_here(hub: GitHubWorld) -> None:
    hub.calm()
    hub.server.run("failure", [red(), green("container")], commit=hub.head)
    hub.poll()
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert (issue["fix"]["outcome"], issue["fix"]["strategy"]) == ("verified", "ruff-format")
    assert git(hub.root, "diff", "--name-only", "main", issue["fix"]["branch"]) == "a.py"
    hub.asked()
    assert hub.poll().events == 0
    assert len(hub.asked()) == 1


def test_a_commit_that_is_not_here_waits_and_is_repaired_when_it_came(hub: GitHubWorld) -> None:
    hub.calm()
    git(hub.root, "checkout", "-q", "-b", "else")
    (hub.root / "b.py").write_text("y = 1\n")
    git(hub.root, "add", "b.py")
    missing = git(hub.root, "commit-tree", git(hub.root, "write-tree"), "-p", "HEAD", "-m", "not here yet")
    place = hub.root / ".git" / "objects" / missing[:2] / missing[2:]
    kept = place.read_bytes()
    place.unlink()
    hub.server.run("failure", [red()], commit=missing, branch="else")
    result = hub.poll()
    assert any("is not in this clone" in note for note in result.notes)
    place.write_bytes(kept)
    hub.poll()
    (issue,) = [i for i in hub.state.issues.values() if i["source"] == "github"]
    assert issue["fix"]["outcome"] == "verified"


@pytest.mark.spec("SEED-256")
def test_a_transient_failure_is_run_again_on_github_and_closes_when_green(hub: GitHubWorld) -> None:
    hub.calm()
    run = hub.server.run("failure", [red("apt", NETWORK), red("pip", NETWORK.replace(b"deb", b"pypi"))])
    hub.poll()
    assert [(asked["run_id"], asked["attempt"]) for asked in hub.events("ci.rerun_requested")] == [(run.run_id, 2)] * 2
    assert sum(each.startswith("POST") for each in hub.server.requests) == 1
    assert run.conclusion is None
    hub.server.finish(run, "success", [green("apt"), green("pip")])
    hub.poll()
    assert not any(issue["source"] == "github" for issue in hub.state.issues.values())


def test_what_stays_red_goes_to_a_person_and_a_storm_is_not_fed(hub: GitHubWorld) -> None:
    hub.calm()
    runs = [
        hub.server.run("failure", [red(f"apt {n}", NETWORK.replace(b"deb", b"h%d" % n))], branch=f"b{n}")
        for n in range(7)
    ]
    hub.poll()
    assert len(hub.events("ci.rerun_requested")) == 5
    assert [refused["rule"] for refused in hub.events("fix.refused")] == ["storm", "storm"]
    for attempt in (2, 3):
        hub.server.finish(runs[0], "failure", [red("apt 0", NETWORK.replace(b"deb", b"h0"))])
        hub.clock.sleep(3700)
        hub.poll()
        assert runs[0].attempt == min(attempt + 1, 3)
    assert hub.events("fix.refused")[-1]["reason"].endswith("red at attempt 3")


def test_one_run_is_looked_at_by_its_number(hub: GitHubWorld) -> None:
    hub.calm()
    run, busy = hub.server.run("failure", [red()]), hub.server.run(None)
    hub.poll(fix=False, run_id=run.run_id)
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "format")]
    for number, words in ((busy.run_id, "has not ended"), (5, "has no run 5")):
        with pytest.raises(NotFound, match=words):
            hub.poll(run_id=number)


def test_after_a_rollback_the_runs_are_seen_again(hub: GitHubWorld) -> None:
    hub.calm()
    point = len(hub.workspace.log) - 1
    run = hub.server.run("failure", [red()])
    hub.poll(fix=False)
    hee_core.rollback(hub.workspace.log, to=point, reason="try")
    hub.poll(fix=False)
    assert detections(hub) == [(run.run_id, 1, "format")] * 2


def test_no_hour_has_more_requests_than_the_budget(hub: GitHubWorld) -> None:
    hub.calm()
    made = [hub.server.run("failure", [red(f"job {number}")]) for number in range(20)]
    hub.afresh(budget=0)
    hub.client.limits.saw = lambda headers: None  # this GitHub allows far more
    hub.client.limits.budget = 23
    total = []
    for _ in range(6):
        hub.asked()
        with contextlib.suppress(RateLimited):
            hub.poll(fix=False)
        total.append(len(hub.asked()))
        hub.clock.sleep(3601)
    assert max(total) <= 23
    assert [run_id for run_id, _, _ in detections(hub)] == [run.run_id for run in made]


def test_pages_in_another_order_and_a_clock_that_is_wrong_change_nothing(hub: GitHubWorld) -> None:
    hub.calm()
    made = [hub.server.run("failure", [red(f"job {number}")]) for number in range(5)]
    hub.server.fail("reordered", "/runs?")
    hub.server.fail("skew", "/jobs?", 5)
    hub.poll(fix=False)
    assert [run_id for run_id, _, _ in detections(hub)] == [run.run_id for run in made]


@pytest.mark.spec("SEED-307", "SEED-190", "SEED-191")
def test_the_command_follows_github_when_origin_and_token_say_so(
    hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hee_monitoring.cli.main import run

    place = ["-C", str(hub.root), "monitor"]
    run_id = hub.server.run("failure", [red()]).run_id
    assert run([*place, "--once", "--no-fix", "--source", "github"]) == 2
    assert "set GITHUB_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    assert run([*place, "--once", "--no-fix", "--source", "github"]) == 2
    assert "not on GitHub" in capsys.readouterr().err
    git(hub.root, "remote", "add", "origin", f"https://github.example.org/{hub.server.repository}.git")
    monkeypatch.setenv("GITHUB_API_URL", hub.server.url)
    assert run([*place, "--once", "--no-fix", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert [failure["job"] for failure in shown["failures"]] == [".github/workflows/ci.yml#format"]
    assert run([*place, "--once", "--no-fix"]) == 1
    assert "nothing new on GitHub" in capsys.readouterr().out
    assert run([*place, "--run-id", str(run_id), "--no-fix"]) == 1
    assert run([*place, "--run-id", "5"]) == 2
    assert run([*place, "--run-id", "5", "--source", "act"]) == 2
    out = capsys.readouterr()
    assert "a run has a number only on GitHub" in out.err
    assert SECRET not in out.out + out.err


@pytest.mark.spec("SEED-190", "SEED-191", "SEED-192", "SEED-227")
def test_the_loop_polls_at_60_and_30_seconds_and_backs_off_from_faults(
    hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hee_monitoring.watch import watch

    monkeypatch.setattr("hee_monitoring.watch.platform", lambda *_: hub.follower)
    hub.calm()
    waits: list[float] = []
    told: list[Exception] = []
    looks = watch(hub.workspace, fix=False, pause=waits.append, trouble=told.append, stop=lambda: len(waits) >= 8)
    next(looks)
    next(looks)
    hub.server.run("failure", [red()])
    next(looks)
    hub.server.fail("503", times=8)
    hub.server.fail("pause", times=1)
    list(looks)
    assert [round(wait) for wait in waits[:2]] == [60, 60]
    assert [round(wait) for wait in waits[2:5]] == [30, 60, 120]
    assert waits[5] >= 240  # a pause that GitHub asked for, or what doubled by then
    assert {type(each).__name__ for each in told} == {"Unreachable", "RateLimited"}


def test_the_demonstration_on_github_is_followed_by_the_real_client(hub: GitHubWorld) -> None:
    from hee_monitoring.demo_github import followed

    with followed(hub.workspace, hub.judge.runs(hub.head), hub.judge, lambda _: None) as (server, follower):
        server.runs[1001].path = PATH  # the shell's run is named after nothing
        assert follower.cycle(hub.workspace)[1].events > 0
        assert follower.cycle(hub.workspace)[1].events == 0
        assert server.leaked == []
    assert [failure["fix"]["outcome"] for failure in hub.state.issues.values() if failure["source"] == "github"] == [
        "verified"
    ]


def test_two_monitors_that_read_the_same_record_it_once(hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.calm()
    run = hub.server.run("failure", [red()])
    hub.server.run("success", [green()], branch="else")
    batch = hub.follower._feed.poll(hub.state)
    monkeypatch.setattr(hub.follower._feed, "poll", lambda *_, **__: batch)
    assert hub.poll(fix=False).events > 0
    assert hub.poll(fix=False).events == 0
    assert detections(hub) == [(run.run_id, 1, "format")]


FLAKE = (
    b"2026-01-24T12:00:00.0000000Z FAILED tests/test_a.py::test_b - AssertionError: assert 1 == 2\n"
    b"2026-01-24T12:00:00.1000000Z ===== 1 failed, 2 passed in 0.10s =====\n"
    b"2026-01-24T12:00:00.2000000Z ##[error]Process completed with exit code 1.\n"
)


def test_one_failure_on_many_branches_is_one_issue_and_closes_when_all_were_green(hub: GitHubWorld) -> None:
    for branch, commit in (("main", "a"), ("topic", "b"), ("gone", "d")):
        hub.server.run("failure", [red("test", FLAKE)], branch=branch, commit=commit * 40)
    hub.poll()
    (issue,) = hub.state.issues.values()
    assert [place["branch"] for place in issue["branches"]] == ["main", "topic", "gone"]
    assert issue["count"] == 3
    hub.server.run("success", [green("test")], branch="topic", commit="e" * 40)
    hub.poll()
    (cleared,) = hub.events("ci.branch_cleared")
    assert (cleared["branch"], cleared["how"]) == ("topic", "green")
    del hub.server.desk.branches["gone"]
    hub.server.run("success", [green("test")], branch="main", commit="f" * 40)
    hub.poll()
    assert [(each["branch"], each["how"]) for each in hub.events("ci.branch_cleared")][1:] == [("main", "green")]
    hub.server.run("success", [green("other")], branch="main", commit="1" * 40)
    hub.server.run("failure", [red("format")], branch="main", commit="2" * 40)
    hub.poll()
    (resolved,) = hub.events("ci.issue_resolved")
    assert resolved["by"] == "gone is gone, so nothing of it can be red"
    (closed,) = hub.state.operational.closed.values()
    assert closed["episodes"] == {"passed": 0, "lasted": 2}  # nobody saw how it ended on the third


def test_a_branch_that_nobody_may_ask_for_stays_red(hub: GitHubWorld) -> None:
    hub.server.run("failure", [red("test", FLAKE)], branch="topic", head="somebody/harbor")
    hub.server.run("failure", [red("test", FLAKE)], branch="topic")
    hub.poll()
    del hub.server.desk.branches["topic"]
    hub.server.fail("404", "matching-refs", times=9)
    hub.server.run("failure", [red("format")], branch="main", commit="2" * 40)
    hub.poll()
    assert [len(issue.get("branches", ())) for issue in hub.state.issues.values()] == [2, 1]
    hub.server.faults.clear()
    hub.server.run("failure", [red("format")], branch="main", commit="3" * 40)
    hub.poll()
    issue = next(iter(hub.state.issues.values()))
    assert [place["branch"] for place in issue["branches"]] == ["somebody:topic"]  # of a fork nothing can be said


def test_green_in_another_attempt_of_the_commit_is_flaky(hub: GitHubWorld) -> None:
    run = hub.server.run("failure", [red("test", FLAKE)])
    hub.poll()
    (said,) = hub.events("ci.failure_triaged")
    assert (said["verdict"], said["green"], said["model"]) == ("unknown", 0, "triage 2")
    hub.server.again(run, "success", [green("test")])
    hub.poll()
    assert dict(hub.state.issues) == {}
    said = hub.events("ci.failure_triaged")[-1]
    assert (said["verdict"], said["green"]) == ("flaky", 1)
    (closed,) = hub.state.operational.closed.values()
    assert closed["episodes"] == {"passed": 1, "lasted": 0}
    hub.server.again(run, "failure", [red("test", FLAKE)])
    hub.poll()
    said = hub.events("ci.failure_triaged")[-1]
    assert (said["verdict"], said["green"], said["passed"]) == ("flaky", 1, 1)


def test_green_in_an_attempt_before_the_first_red_one_is_flaky(hub: GitHubWorld) -> None:
    run = hub.server.run("success", [green("test"), green("lint")])
    hub.poll()
    hub.server.again(run, "failure", [red("test", FLAKE), green("lint")])
    hub.poll()
    (said,) = hub.events("ci.failure_triaged")
    assert (said["verdict"], said["green"], said["red"]) == ("flaky", 1, 0)
    other = hub.server.run("success", [green("test")], commit="7" * 40)
    hub.poll()
    hub.server.again(other, "failure", [red("build", FLAKE.replace(b"test_b", b"test_c"))])
    hub.poll()
    assert hub.events("ci.failure_triaged")[-1]["green"] == 0  # of this job nobody saw a green one


def test_what_the_base_shows_as_well_is_a_broken_base(hub: GitHubWorld) -> None:
    hub.server.run("failure", [red("test", FLAKE)], branch="main", commit=hub.head)
    hub.server.run("failure", [red("test", FLAKE)], branch="topic", commit=hub.head)
    hub.poll()
    assert [said["verdict"] for said in hub.events("ci.failure_triaged")] == ["unknown", "broken-base"]
    hub.server.run("success", [green("test")], branch="main", commit="f" * 40)
    hub.poll()
    hub.server.run("failure", [red("test", FLAKE)], branch="other", commit="e" * 40)
    hub.poll()
    said = hub.events("ci.failure_triaged")[-1]
    assert (said["verdict"], said["base"]) == ("known", False)


def test_many_commits_that_fail_alike_within_minutes_are_infrastructure(hub: GitHubWorld) -> None:
    for branch, commit in (("a", "a"), ("b", "b"), ("c", "d")):
        hub.server.run("failure", [red("net", NETWORK)], branch=branch, commit=commit * 40)
    hub.poll()
    assert [said["storm"] for said in hub.events("ci.failure_triaged")] == [0, 1, 2]
    assert hub.events("ci.failure_triaged")[-1]["verdict"] == "infrastructure"


def test_the_first_of_a_storm_of_different_failures_is_judged_as_its_last_is(hub: GitHubWorld) -> None:
    lost = NETWORK.replace(
        b"curl: (6) Could not resolve host: deb.example.org",
        b"fatal: unable to access 'https://git.example.org/': Could not resolve host: git.example.org",
    )
    timed = NETWORK.replace(
        b"curl: (6) Could not resolve host: deb.example.org",
        b"Error response from daemon: driver failed programming external connectivity",
    )
    for number, log in enumerate((NETWORK, lost, timed)):
        hub.server.run("failure", [red("net", log)], branch=f"b{number}", commit=f"{number}" * 40)
    hub.server.run("failure", [red("format")], branch="other", commit="9" * 40)
    hub.poll()
    issues = {issue["branches"][0]["branch"]: issue["triage"] for issue in hub.state.issues.values()}
    assert [issues[f"b{number}"]["storm"] for number in range(3)] == [2, 2, 2]
    assert {issues[f"b{number}"]["verdict"] for number in range(3)} == {"infrastructure"}
    assert issues["other"]["storm"] == 0
    said = [event["storm"] for event in hub.events("ci.failure_triaged")]
    assert len(said) == 7  # four failures; the first one was judged twice more, the second once
    hub.poll()
    assert len(hub.events("ci.failure_triaged")) == 7
