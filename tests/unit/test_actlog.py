"""What act says, read as GitHub would have shown it; whatever act could not do is unknown, never red."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hee_monitoring.evidence import Annotation, Conclusion
from hee_monitoring.sources.actlog import Outcome, StepLog, judge, late, listen, worst
from hee_monitoring.workflow import plan

PATH = ".github/workflows/ci.yml"


def outcome(
    steps: str,
    *events: dict[str, Any] | str,
    logs: dict[int, StepLog] | None = None,
    missing: str = "",
    ended: bool = False,
) -> Outcome:
    text = f"on: push\njobs: {{a: {{runs-on: ubuntu-latest, steps: {steps}}}}}"
    (job,) = plan({PATH: text.encode()}).jobs
    lines = [event if isinstance(event, str) else json.dumps({"jobID": "a", **event}) for event in events]
    return judge(job, listen("\n".join(lines).encode(), "a"), logs or {}, lambda name: name != missing, ended=ended)


def started(number: int) -> dict[str, Any]:
    return {"level": "info", "msg": f"Run Main {number}", "step": str(number), "stepID": [str(number)]}


def finished(number: int, result: str) -> dict[str, Any]:
    return {"level": "info", "msg": "", "step": str(number), "stepID": [str(number)], "stepResult": result}


def error(number: int, message: str) -> dict[str, Any]:
    return {"level": "error", "msg": message, "step": str(number), "stepID": [str(number)]}


def printed(number: int, text: str) -> dict[str, Any]:
    return {"level": "info", "msg": text, "step": str(number), "stepID": [str(number)], "raw_output": True}


GREEN = {"level": "info", "msg": "", "jobResult": "success"}
RED = {"level": "info", "msg": "", "jobResult": "failure"}
FAILED = (started(0), finished(0, "failure"), error(0, "exit status 2"), RED)


def test_a_green_job_has_its_log_and_its_steps() -> None:
    found = outcome(
        "[{name: One, run: 'echo a\n\n  echo b'}, {run: x, if: failure()}]",
        started(0),
        finished(0, "success"),
        GREEN,
        logs={0: StepLog(b"a\nb", 0)},
    )
    assert (found.conclusion, found.reason, found.annotations) == (Conclusion.SUCCESS, "", ())
    assert found.log == b"##[group]Run echo a\necho a\necho b\n##[endgroup]\na\nb\n"
    assert [(step.name, step.number, step.conclusion) for step in found.steps] == [
        ("One", 1, Conclusion.SUCCESS),
        ("Run x", 2, Conclusion.SKIPPED),
    ]


def test_a_failed_command_is_a_failure_with_its_exit_code() -> None:
    found = outcome("[{run: make}]", *FAILED, logs={0: StepLog(b"boom\n", 2)})
    assert (found.conclusion, found.reason) == (Conclusion.FAILURE, "")
    assert found.log.endswith(b"boom\n##[error]Process completed with exit code 2.\n")
    assert found.annotations == (Annotation("Process completed with exit code 2."),)


def test_a_forgiven_step_counts_as_passed_and_still_shows_its_code() -> None:
    forgiven = {"level": "info", "msg": "Failed but continue next step", "step": "0", "stepID": ["0"]}
    found = outcome(
        "[{run: make, continue-on-error: true}]",
        started(0),
        forgiven,
        finished(0, "failure"),
        GREEN,
        logs={0: StepLog(b"", 3)},
    )
    assert (found.conclusion, found.steps[0].conclusion) == (Conclusion.SUCCESS, Conclusion.SUCCESS)
    assert b"exit code 3" in found.log


def test_the_output_of_a_step_without_wrapper_is_act_s() -> None:
    inner = {"level": "info", "msg": "", "step": "0", "stepID": ["0", "1"], "stepResult": "success"}
    command = {
        "level": "error",
        "msg": "x",
        "step": "0",
        "stepID": ["0", "1"],
        "command": "error",
        "raw": "::error file=a.py,line=3::bad\n",
    }
    output = {"level": "info", "msg": "set", "step": "0", "stepID": ["0", "1"], "command": "set-output"}
    found = outcome(
        "[{uses: ./x}]",
        started(0),
        printed(0, "one\n"),
        command,
        output,
        inner,
        finished(0, "failure"),
        error(0, "exit status 1"),
        RED,
    )
    assert found.conclusion is Conclusion.FAILURE
    assert (
        found.log
        == b"##[group]Run ./x\n##[endgroup]\none\n##[error]bad\n##[error]Process completed with exit code 1.\n"
    )
    assert found.annotations[0] == Annotation("bad", path="a.py", line=3)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((started(0), finished(0, "failure"), error(0, "Cannot find: pwsh in PATH"), RED), "act could not run 'Run make': Cannot find: pwsh in PATH"),
        ((started(0), finished(0, "failure"), RED), "act could not run 'Run make': it says no more"),
        (({"level": "error", "msg": "failed to start\n container"}, RED), "act could not run it: failed to start container"),
        ((RED,), "act says that it failed, and names no step"),
        (("Error: workflow is not valid: x",), "act could not run it: workflow is not valid: x"),
        (("panic: runtime error",), "act could not run it: panic: runtime error"),
        ((), "act ended without saying how the job ended"),
        (("Error: Job 'a' failed",), "act ended without saying how the job ended"),
        ((json.dumps({"level": "fatal", "msg": "no runner"}), "[1, 2]"), "act could not run it: no runner"),
        ((json.dumps({"level": "warning", "msg": "Couldn't get a valid docker connection"}),), "act ended without saying how the job ended"),
    ],
)  # fmt: skip
def test_what_act_could_not_do_is_unknown_with_its_words(events: tuple[Any, ...], reason: str) -> None:
    found = outcome("[{run: make}]", *events)
    assert (found.conclusion, found.reason) == (Conclusion.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"OSError: [Errno 30] Read-only file system: '/etc/x'\n", "'Run make' writes outside its own directory, which the sandbox keeps read-only"),
        (b"Cannot connect to the Docker daemon at unix:///x\n", "'Run make' needs Docker, which is kept from reaching your machine"),
        (b'sudo: The "no new privileges" flag is set: no new privileges\n', "'Run make' runs sudo, which does nothing here"),
        (b"cp: error writing 'x': No space left on device\n", "'Run make' ran out of disk space on this machine"),
        (b"line 3: mvn: command not found\n", "'Run make' needs mvn, which GitHub's machines have and this one has not"),
        (b"/bin/sh: 1: mvn: not found\nmake: *** [x] Error 127\n", "'Run make' needs mvn, which GitHub's machines have and this one has not"),
        (b"make: mvn: No such file or directory\n", "'Run make' needs mvn, which GitHub's machines have and this one has not"),
    ],
)  # fmt: skip
def test_what_this_machine_lacks_is_no_failure_of_the_commit(text: bytes, reason: str) -> None:
    found = outcome("[{run: make}]", *FAILED, logs={0: StepLog(text, 2)}, missing="mvn")
    assert (found.conclusion, found.reason) == (Conclusion.UNKNOWN, reason)


def test_a_missing_program_of_the_project_s_own_is_a_failure() -> None:
    assert (
        outcome("[{run: make}]", *FAILED, logs={0: StepLog(b"our-tool: command not found\n", 127)}).conclusion
        is Conclusion.FAILURE
    )
    assert (
        outcome("[{run: make}]", *FAILED, logs={0: StepLog(b"make: command not found\n", 127)}).conclusion
        is Conclusion.FAILURE
    )


def test_a_step_that_fails_with_an_empty_secret_proves_nothing() -> None:
    found = outcome("[{run: 'upload ${{ secrets.KEY }}'}]", *FAILED, logs={0: StepLog(b"denied\n", 1)})
    assert (found.conclusion, found.reason) == (
        Conclusion.UNKNOWN,
        "'Run upload ${{ secrets.KEY }}' failed, and it uses KEY, which is empty here",
    )


def test_the_first_failed_step_decides() -> None:
    events = (
        started(0),
        finished(0, "failure"),
        error(0, "exit status 1"),
        started(1),
        finished(1, "failure"),
        error(1, "Cannot find: pwsh in PATH"),
        RED,
    )
    assert (
        outcome("[{run: a}, {run: b, if: always()}]", *events, logs={0: StepLog(b"", 1)}).conclusion
        is Conclusion.FAILURE
    )


def test_a_step_that_ran_out_of_its_time_says_so() -> None:
    events = (started(0), finished(0, "failure"), error(0, "this step has been cancelled: signal: killed"), RED)
    found = outcome("[{name: Slow, run: a, timeout-minutes: 1}]", *events, logs={0: StepLog(b"so far\n", None)})
    assert found.conclusion is Conclusion.FAILURE
    assert found.log.endswith(b"so far\n##[error]The action 'Slow' has timed out.\n")


def test_commands_are_shown_as_github_shows_them() -> None:
    text = (
        b"::group::Build\n::endgroup::\n::warning file=a%2Cb.c,line=2,title=x=y::one%0Atwo%25\n  ::notice::n\n::debug::hidden\n::set-output name=a::b\n"
        b"::add-mask::secret\nthe secret\n::stop-commands::tok\n::error::not one\n::tok::\n::error line=x::last\n::unknown::kept"
    )
    found = outcome("[{run: a}]", started(0), finished(0, "success"), GREEN, logs={0: StepLog(text, 0)})
    assert found.log.partition(b"##[endgroup]\n")[2] == (
        b"##[group]Build\n##[endgroup]\n##[warning]one\ntwo%\n##[notice]n\nthe ***\n::error::not one\n##[error]last\n::unknown::kept\n"
    )
    assert found.annotations == (
        Annotation("one\ntwo%", "warning", "a,b.c", 2),
        Annotation("n", "notice"),
        Annotation("last"),
    )


def test_a_mask_holds_in_the_steps_after_it() -> None:
    events = (started(0), finished(0, "success"), started(1), finished(1, "success"), GREEN)
    found = outcome(
        "[{run: a}, {run: b}]", *events, logs={0: StepLog(b"::add-mask::hush\n", 0), 1: StepLog(b"hush", 0)}
    )
    assert b"hush" not in found.log


def test_a_flood_of_annotations_is_cut() -> None:
    found = outcome(
        "[{run: a}]", started(0), finished(0, "success"), GREEN, logs={0: StepLog(b"::error::x\n" * 500, 0)}
    )
    assert len(found.annotations) == 50


def test_a_step_that_was_running_when_act_was_ended_is_unknown() -> None:
    found = outcome("[{run: a}]", started(0), logs={0: StepLog(b"so far", None)})
    assert (found.conclusion, found.steps[0].conclusion) == (Conclusion.UNKNOWN, Conclusion.UNKNOWN)
    assert b"so far" in found.log


@pytest.mark.parametrize(("minutes", "text"), [(360, "6h0m0s"), (5, "5m0s"), (90, "1h30m0s")])
def test_a_job_that_ran_out_of_its_own_time_timed_out(minutes: int, text: str) -> None:
    found = late(outcome("[{run: a}]", started(0)), minutes * 60, minutes)
    assert (found.conclusion, found.reason) == (Conclusion.TIMED_OUT, "")
    assert found.annotations[-1].message == f"The job has exceeded the maximum execution time of {text}"
    assert found.log.endswith(f"##[error]The job has exceeded the maximum execution time of {text}\n".encode())


def test_a_job_that_ran_out_of_the_local_limit_is_unknown() -> None:
    found = late(outcome("[{run: a}]", started(0)), 900, 360)
    assert (found.conclusion, found.reason) == (
        Conclusion.UNKNOWN,
        "it did not end within 900 s, the limit for a local run",
    )


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([Conclusion.SUCCESS, Conclusion.FAILURE, Conclusion.UNKNOWN], Conclusion.FAILURE),
        ([Conclusion.SUCCESS, Conclusion.TIMED_OUT], Conclusion.TIMED_OUT),
        ([Conclusion.SUCCESS, Conclusion.UNKNOWN, Conclusion.SKIPPED], Conclusion.UNKNOWN),
        ([Conclusion.SUCCESS, Conclusion.SKIPPED], Conclusion.SUCCESS),
        ([Conclusion.SKIPPED], Conclusion.SKIPPED),
    ],
)
def test_a_run_is_as_good_as_its_worst_job(ends: list[Conclusion], expected: Conclusion) -> None:
    assert worst(ends) is expected


def test_a_job_of_which_act_never_speaks_was_skipped_by_its_condition() -> None:
    for said in ((), ("Error: Job 'needed' failed",)):
        found = outcome("[{run: a}]", *said, ended=True)
        assert (found.conclusion, found.reason, found.log) == (Conclusion.SKIPPED, "its condition was not met", b"")
    assert outcome("[{run: a}]", "Error: bad workflow", ended=True).conclusion is Conclusion.UNKNOWN


def test_one_failed_stage_of_an_action_is_the_step_s_failure() -> None:
    found = outcome(
        "[{uses: ./x}]", started(0), finished(0, "failure"), error(0, "exit status 5"), finished(0, "success"), RED
    )
    assert (found.conclusion, found.steps[0].conclusion) == (Conclusion.FAILURE, Conclusion.FAILURE)


def test_a_checkout_that_fails_is_ours_and_no_failure_of_the_commit() -> None:
    found = outcome("[{uses: actions/checkout@v4}]", *FAILED, logs={0: StepLog(b"one\ncp: cannot stat\n", 1)})
    assert (found.conclusion, found.reason) == (
        Conclusion.UNKNOWN,
        "the commit could not be copied for 'Run actions/checkout@v4': cp: cannot stat",
    )


def test_a_wrapper_that_did_not_come_to_its_end_proves_nothing() -> None:
    events = (started(0), finished(0, "failure"), error(0, "signal: killed"), RED)
    found = outcome("[{run: kill -9 $PPID}]", *events, logs={0: StepLog(b"x", None)})
    assert (found.conclusion, found.reason) == (
        Conclusion.UNKNOWN,
        "act could not run 'Run kill -9 $PPID': signal: killed",
    )


@pytest.mark.parametrize(
    ("then", "code", "conclusion"),
    [
        ("", 78, Conclusion.SUCCESS),  # nothing of the job came after it
        ("{uses: actions/upload-artifact@v4}", 78, Conclusion.SUCCESS),
        ("{run: make}", 78, Conclusion.UNKNOWN),
        ("{run: make}", 1, Conclusion.SUCCESS),  # what the action itself would have said
    ],
)
def test_steps_after_an_action_that_was_not_had_say_nothing_even_if_it_may_fail(
    then: str, code: int, conclusion: Conclusion
) -> None:
    steps = f"[{{run: lint}}, {{uses: some/action@v1, continue-on-error: true}}, {then}]".replace(", ]", "]")
    forgiven = {"level": "info", "msg": "Failed but continue next step", "step": "1", "stepID": ["1"]}
    logs = {1: StepLog(b"[hee: not here: the action]", code)}
    said = (started(0), finished(0, "success"), started(1), forgiven, finished(1, "failure"), started(2))
    found = outcome(steps, *said, finished(2, "success"), GREEN, logs=logs)
    assert found.conclusion is conclusion
    if conclusion is Conclusion.UNKNOWN:
        assert "the action" in found.reason
        red = outcome(
            steps, *said, finished(2, "failure"), error(2, "exit status 2"), RED, logs={**logs, 2: StepLog(b"", 2)}
        )
        assert (red.conclusion, red.reason) == (Conclusion.UNKNOWN, found.reason)
