"""Facts of a run that beat its text, and what only follows from a failure: each told from the cause by the real classifier."""

from __future__ import annotations

import pytest

from hee_monitoring.classify import diagnose, explain_log
from hee_monitoring.database import PatternDB
from hee_monitoring.evidence import Annotation, Conclusion, Job, Run, Step
from hee_monitoring.observe import observe

DB = PatternDB.load()
EXIT = "##[error]Process completed with exit code 1.\n"
WORKFLOW = ".github/workflows/ci.yml"
BEGAN = "2026-01-24T12:00:00Z"


def step(name: str, body: str, *, failed: bool = False) -> str:
    return f"##[group]Run {name}\n{name}\nshell: bash\n##[endgroup]\n{body}\n" + (EXIT if failed else "")


def job(**facts) -> Job:
    return Job(**{"key": f"{WORKFLOW}#test", "name": "test", "conclusion": Conclusion.FAILURE, **facts})


def said(found) -> tuple[str, str, int]:
    return found.category, found.pattern_id, found.line


TYPES = step(
    "mypy .", "a.py:1: error: Incompatible types in assignment  [assignment]\nFound 1 error in 1 file", failed=True
)
TESTS = step("pytest", "E       assert 4 == 3\nFAILED a.py::test_x - assert 4 == 3\n1 failed in 0.1s", failed=True)


def test_a_job_that_never_started_is_infrastructure() -> None:
    assert said(diagnose(job(), DB)) == ("infra", "HEE-PAT-584", 0)


def test_a_job_that_died_without_a_failed_step_is_infrastructure_although_its_log_ends_well() -> None:
    steps = (Step("Run pytest", 1, Conclusion.SUCCESS), Step("Upload", 2, Conclusion.CANCELLED))
    died = job(started_at=BEGAN, steps=steps, log=step("pytest", "3 passed in 0.1s").encode())
    assert said(diagnose(died, DB)) == ("infra", "HEE-PAT-583", 0)
    caused = job(started_at=BEGAN, steps=steps, log=TESTS.encode())
    assert diagnose(caused, DB).category == "test"


@pytest.mark.parametrize("conclusion", [Conclusion.FAILURE, Conclusion.STARTUP_FAILURE])
def test_a_red_run_without_jobs_is_a_workflow_that_could_not_start_and_never_vanishes(conclusion: Conclusion) -> None:
    (seen,) = observe(
        [Run("github", conclusion, (), workflow=WORKFLOW)], [], lambda each: diagnose(each, DB)
    ).observations
    assert said(seen.diagnosis) == ("workflow-config", "HEE-PAT-408", 0)
    assert seen.job_key == WORKFLOW
    told = job(key=WORKFLOW, name=WORKFLOW, reason="the run ended as failure, and GitHub lists no job of it")
    assert "lists no job" in diagnose(told, DB).text


@pytest.mark.parametrize("message", ["", 'The strategy configuration was canceled because "test" failed'])
def test_a_sibling_that_fail_fast_cancelled_is_no_failure_of_its_own(message: str) -> None:
    red = job(log=TESTS.encode(), started_at=BEGAN)
    notes = (Annotation(message),) if message else ()
    other = job(
        key=f"{WORKFLOW}#lint", name="lint", conclusion=Conclusion.CANCELLED, annotations=notes, started_at=BEGAN,
        log=(step("pytest", "test_a.py ....") + "##[error]The operation was canceled.\n").encode(),
    )  # fmt: skip
    picture = observe([Run("github", Conclusion.FAILURE, (red, other))], [], lambda each: diagnose(each, DB))
    assert [seen.job_key for seen in picture.observations] == [red.key]
    assert picture.unknown == {other.key: "it was cancelled because another job failed"}


def test_a_run_that_a_later_one_took_the_place_of_opens_nothing() -> None:
    cancelled = job(
        conclusion=Conclusion.CANCELLED, log=b"##[error]The operation was canceled.\n", started_at=BEGAN,
        annotations=(Annotation("Canceling since a higher priority waiting request for 'ci-main' exists"),),
    )  # fmt: skip
    picture = observe([Run("github", Conclusion.CANCELLED, (cancelled,))], [], lambda each: diagnose(each, DB))
    assert picture.observations == ()
    assert picture.unknown == {cancelled.key: "it was cancelled: a later run took its place"}


def test_an_exit_status_is_told_only_where_nothing_else_is() -> None:
    assert said(explain_log(step("./run.sh", "", failed=True).encode(), DB))[:2] == ("unknown", "")
    assert said(explain_log(TESTS.encode(), DB)) == ("test", "HEE-PAT-190", 5)


def test_noise_of_the_teardown_is_no_cause() -> None:
    after = "Post job cleanup.\nfatal: unable to access 'https://x/': Could not resolve host: x\nCleaning up orphan processes\n"
    down = step(
        "docker compose down",
        "Error response from daemon: driver failed programming external connectivity",
        failed=True,
    )
    assert said(explain_log((TESTS + after).encode(), DB)) == ("test", "HEE-PAT-190", 5)
    assert said(explain_log((TESTS + down).encode(), DB)) == ("test", "HEE-PAT-190", 5)


XFAIL = """\
================================== XFAILURES ===================================
___________________________________ test_old ___________________________________
E       assert 1 == 2
test_a.py:5: AssertionError
{}E       assert 4 == 3
test_a.py:12: AssertionError
=========================== short test summary info ============================
XFAIL test_a.py::test_old - known: issue 4
FAILED test_a.py::test_real - assert 4 == 3
=================== 1 failed, 1 passed, 1 xfailed in 0.04s ====================="""


def test_the_error_inside_a_test_that_is_expected_to_fail_is_no_cause() -> None:
    heading = "=================================== FAILURES ===================================\n"
    found = explain_log(step("pytest --xfail-tb -rx", XFAIL.format(heading), failed=True).encode(), DB)
    assert (*said(found), found.text) == ("test", "HEE-PAT-190", 10, "E       assert 4 == 3")
    unclosed = explain_log(step("pytest", XFAIL.format("").partition("===== short")[0], failed=True).encode(), DB)
    assert unclosed.line == 7  # a section without an end hides nothing


@pytest.mark.parametrize("names", [("Types", "Tests"), ("Run mypy .", "Run pytest")])
def test_a_step_with_continue_on_error_gives_way_to_the_one_that_the_platform_calls_failed(
    names: tuple[str, str],
) -> None:
    steps = (Step(names[0], 1, Conclusion.SUCCESS), Step(names[1], 2, Conclusion.FAILURE))
    found = diagnose(job(started_at=BEGAN, steps=steps, log=(TYPES + TESTS).encode()), DB)
    assert said(found) == ("test", "HEE-PAT-190", 12)


def test_of_steps_that_failed_the_platform_s_word_counts_even_if_it_is_the_first() -> None:
    first = (Step("Run mypy .", 1, Conclusion.FAILURE), Step("Run pytest", 2, Conclusion.SUCCESS))
    assert diagnose(job(started_at=BEGAN, steps=first, log=(TYPES + TESTS).encode()), DB).category == "typecheck"
    both = (Step("Types", 1, Conclusion.FAILURE), Step("Tests", 2, Conclusion.FAILURE))
    assert diagnose(job(started_at=BEGAN, steps=both, log=(TYPES + TESTS).encode()), DB).category == "typecheck"
