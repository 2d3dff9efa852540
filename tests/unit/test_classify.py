"""Which line is the cause: small logs of our own, shaped like real ones."""

from __future__ import annotations

import pytest

from hee_monitoring.classify import _safe, diagnose, explain_log
from hee_monitoring.database import PatternDB
from hee_monitoring.evidence import Annotation, Channel, Conclusion, Job, Run, Step
from hee_monitoring.finder import Hit
from hee_monitoring.observe import observe

DB = PatternDB.load()
EXIT = "##[error]Process completed with exit code 1.\n"


def explain(text: str):
    return explain_log(text.encode(), DB)


def step(name: str, body: str, *, failed: bool = False) -> str:
    return f"##[group]Run {name}\n{name}\nshell: bash\n##[endgroup]\n{body}\n" + (EXIT if failed else "")


@pytest.mark.parametrize(
    ("log", "category", "row", "line"),
    [
        ("Would reformat: a.py\n1 file would be reformatted\n", "format", "format", 1),
        ("unformatted: File would be reformatted\n --> bad.py:1:11\n\n1 file would be reformatted\n", "format", "format", 1),
        (
            "F401 [*] `os` imported but unused\n --> a.py:1:8\n\nFound 1 error.\n[*] 1 fixable with the `--fix` option.\n",
            "lint", "lint-safe", 1,
        ),
        ("F401 [*] `os` imported but unused\nFound 1 error.\n[*] 1 fixable with `--fix`.\n", "lint", "lint-safe", 1),
        ("F821 Undefined name `x`\nF401 [*] `os` imported but unused\nFound 2 errors.\n[*] 1 fixable with `--fix`.\n", "lint", "lint", 1),
        ("F821 Undefined name `x`\nFound 1 error.\n", "lint", "lint", 1),
        ("bash: line 1: ./run.sh: Permission denied\n", "workflow-config", "exec-bit", 1),
        ("docs/a.md:3: trailing whitespace.\n+x  \n", "format", "whitespace", 1),
        ("trim trailing whitespace.................................................Failed\n", "format", "whitespace", 1),
        ("f.txt: FAILED\nsha256sum: WARNING: 1 computed checksum did NOT match\n", "drift", "drift", 1),
        ("error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.\n", "lockfile", "lockfile", 1),
        ("npm error code EUSAGE\nnpm error\nnpm error Missing: a@1 from lock file\n", "lockfile", "lockfile", 3),
        (" ERR_PNPM_OUTDATED_LOCKFILE  Cannot install\n", "lockfile", "lockfile", 1),
        ("error: generated files are out of date\n", "drift", "drift", 1),
        ("cd: a\nbash: line 2: nope: command not found\n", "toolchain", "toolchain", 2),
    ],
)  # fmt: skip
def test_a_tool_s_output_alone_is_explained(log: str, category: str, row: str, line: int) -> None:
    found = explain(log)
    pattern = DB.get(found.pattern_id)
    assert pattern is not None
    assert (found.category, pattern.matrix_row, found.line) == (category, row, line)


def test_a_hint_that_the_tool_s_own_summary_confirms_is_sure_enough_to_be_repaired() -> None:
    named = step("npx prettier --check .", "[warn] src/a.ts", failed=True)
    summed = step(
        "npx prettier --check .",
        "[warn] src/a.ts\n[warn] Code style issues found in the above file. Run Prettier with --write to fix.",
        failed=True,
    )
    assert (explain(named).category, explain(named).confidence) == ("format", 5000)
    assert (explain(summed).pattern_id, explain(summed).confidence) == ("HEE-PAT-617", 8000)


def travis(*commands: tuple[str, str, int]) -> str:
    """A log in which each command is a step, with the statement that follows a failed one."""
    steps = (
        f"travis_time:start:1\n$ {command}\n{output}\ntravis_time:end:1\n"
        + (f'The command "{command}" exited with {code}.\n' if code else "")
        for command, output, code in commands
    )
    return "".join(steps) + f"Done. Your build exited with {int(any(code for *_, code in commands))}.\n"


@pytest.mark.parametrize(
    ("commands", "category"),
    [
        # A command that failed and was survived explains nothing.
        ((("gem install x", "ERROR:  Error installing x:", 0), ("make test", "AssertionError: 1 != 2\nFAILED (failures=1)", 1)), "test"),
        # The build goes on after a failed script; the first one counts, not what is printed while cleaning up.
        ((("pytest", "E   assert 1 == 2", 1), ("mypy", "a.py:1: error: x  [misc]", 1), ("cat a.log", "cat: a.log: No such file or directory", 0)), "test"),
        ((("pip list", "AssertionError: x", 0), ("ruby x", "Could not find gem 'rails' in any of the gem sources.", 1)), "dependency"),
    ],
)  # fmt: skip
def test_in_a_log_of_travis_the_command_that_failed_decides(commands: tuple, category: str) -> None:
    assert explain(travis(*commands)).category == category


def test_captures_name_the_thing() -> None:
    assert explain("bash: line 1: ./run.sh: Permission denied\n").captures["path"] == "./run.sh"
    assert explain("docs/a.md:3: trailing whitespace.\n").captures["path"] == "docs/a.md"
    assert explain("F401 [*] `os` imported but unused\n --> a.py:1:8\n").captures["path"] == "a.py"


def test_an_assertion_is_preferred_to_the_summary_of_pytest() -> None:
    log = step("pytest", "    def test_x():\n>       assert 1 == 2\nE       assert 1 == 2\n\na.py:3: AssertionError\n"
               "FAILED a.py::test_x - assert 1 == 2\n=== 1 failed in 0.1s ===", failed=True)  # fmt: skip
    found = explain(log)
    assert (found.category, found.line, found.text) == ("test", 7, "E       assert 1 == 2")
    assert found.confidence == 9500
    assert len(found.evidence) > 1


def test_the_line_below_a_test_s_name_proves_more() -> None:
    found = explain(
        "ATest > adds() FAILED\n    java.lang.AssertionError: expected 1\n        at x.A.b(A.java:3)\n1 tests completed, 1 failed\n"
    )
    assert (found.line, found.evidence[1].line) == (2, 1)
    assert found.captures["test"] == "ATest > adds()"


def test_a_green_log_is_none_whatever_it_prints() -> None:
    noisy = "ERROR: boom\nE   assert 1 == 2\n1 failing\nFound 1 error.\n"
    assert explain(step("a", noisy) + "Post job cleanup.\nCleaning up orphan processes\n").category == "none"
    assert explain(noisy + "Finished: SUCCESS\n").category == "none"
    assert explain("3 passed in 0.1s\n").category == "none"


def test_the_echo_of_a_script_is_no_evidence() -> None:
    log = step('echo "No space left on device"', "3 passed in 0.1s\nodd", failed=True)
    assert explain(log).category == "unknown"


def test_a_failure_that_nothing_explains_is_unknown_and_points_at_the_last_words() -> None:
    found = explain(step("x", "something odd", failed=True))
    assert (found.category, found.pattern_id, found.confidence, found.line) == ("unknown", "", 0, 5)
    better = explain(step("x", "Error: odd thing happened", failed=True))
    assert (better.category, better.line) == ("unknown", 5)


def test_nothing_readable_is_unknown_not_none() -> None:
    assert explain_log(b"", DB).category == "unknown"
    assert explain_log(bytes(range(256)) * 50, DB).category == "unknown"


def test_a_failure_that_the_job_survived_gives_way_to_the_deciding_one() -> None:
    log = (
        step("mypy", "a.py:1: error: bad type  [x]\nFound 1 error in 1 file (checked 1 source file)", failed=True)
        + step("ruff check", "All checks passed!") + step("build", "ok") + step("pytest", "E   assert 1 == 2", failed=True)
    )  # fmt: skip
    assert explain(log).category == "test"


def test_clean_up_after_the_failure_is_no_cause() -> None:
    log = (
        step("pytest", "E   assert 1 == 2", failed=True) + "fatal: not a git repository\n" + step("Upload report", "x")
    )
    assert explain(log).category == "test"


def test_a_later_step_that_always_runs_does_not_hide_the_cause() -> None:
    log = step("pytest", "E   assert 1 == 2", failed=True) + step(
        "upload", "Error: No files were found with the provided path: x", failed=True
    )
    found = explain(log)
    assert found.category == "test"


def test_a_cancelled_job_with_a_real_failure_is_explained_by_the_failure() -> None:
    stamp = "2026-01-24T12:00:00.1234567Z "
    log = "".join(
        f"{job}\tstep\t{stamp}{line}\n"
        for job, line in (
            ("a", "##[error]The operation was canceled."),
            ("b", "E   assert 1 == 2"),
            ("b", "##[error]Process completed with exit code 1."),
        )
    )
    found = explain(log)
    assert (found.category, found.line, found.evidence[0].where) == ("test", 2, "b")


def test_only_a_cancellation_is_cancelled() -> None:
    assert explain(step("x", "running") + "##[error]The operation was canceled.\n").category == "cancelled"


def test_an_exit_status_alone_is_weak_evidence() -> None:
    found = explain("##[group]Run x\n##[endgroup]\nodd\n##[error]Process completed with exit code 139.\n")
    assert (found.category, found.confidence) == ("crash", 3000)


def test_a_verdict_decides_between_categories() -> None:
    log = (
        "[ERROR] /x/A.java:[3,5] cannot find symbol\n[ERROR] COMPILATION ERROR : \n[WARNING] Received HTTP 503\n"
        "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3:compile (a) on project b: Compilation failure\n"
        "Finished: FAILURE\n"
    )
    assert (explain(log).category, explain(log).line) == ("compile", 1)


def test_a_survived_shell_error_far_above_is_a_mere_hint() -> None:
    log = "bash: line 1: bc: command not found\n" + "ok\n" * 60 + "E   assert 1 == 2\nFinished: FAILURE\n"
    assert explain(log).category == "test"


def test_other_failures_follow_the_cause() -> None:
    log = step("pytest", "E   assert 1 == 2\nE   KeyError: 'x'\nFAILED a.py::test_x - z", failed=True)
    found = explain(log)
    assert [other.line for other in found.secondary] == [6, 7]
    assert found.captures["test"] == "a.py::test_x"


def test_equal_assertions_of_two_tests_are_two_failures_and_of_one_test_one() -> None:
    one, again, two = (
        explain(f"E   assert {number} == 2\nFAILED a.py::{name} - x\n")
        for number, name in ((1, "test_a"), (5, "test_a"), (1, "test_b"))
    )
    assert one.fingerprint == again.fingerprint
    assert one.fingerprint != two.fingerprint


def test_secrets_and_control_characters_do_not_reach_the_evidence() -> None:
    found = explain("E   AssertionError: password=hunter2 \x1b[31m\u202egnp\n")
    assert "hunter2" not in found.text
    assert "hunter2" not in str(dict(found.captures))
    assert found.text.isprintable()


TOKEN = "ghp_" + "a1B2" * 9
HIDDEN = f"{TOKEN[:9]}\u200b{TOKEN[9:]}"


def test_a_hidden_secret_does_not_reach_evidence_place_title_or_captures() -> None:
    notes = (Annotation(f"E   AssertionError: {HIDDEN}", path=f"src/{HIDDEN}.py", line=3),)
    for found in (
        explain(step(f"echo {HIDDEN}", f"E   AssertionError: {HIDDEN}", failed=True)),
        diagnose(job(annotations=notes, started_at="x"), DB),
        diagnose(job(annotations=notes, conclusion=Conclusion.TIMED_OUT, key=f"ci.yml#{HIDDEN}"), DB),
        diagnose(job(reason=f"cannot read {HIDDEN}", started_at="x", key=f"ci.yml#{HIDDEN}"), DB),
    ):
        assert "a1B2" not in str(found)
        assert "[REDACTED]" in str(found)


def test_a_capture_of_a_part_of_a_secret_is_a_secret() -> None:
    pattern = next(iter(DB))
    captures = {"host": "hunter2", "path": "a.py", "whole": "password=hunter2 in", "head": "letmein"}
    hit = Hit(pattern, 2, "password=hunter2 in a.py", captures, 0, (1, "--token letmein"))
    assert _safe(hit, captures) == {
        "host": "[REDACTED]",
        "path": "a.py",
        "whole": "password=[REDACTED] in",
        "head": "[REDACTED]",
    }


def job(**facts) -> Job:
    return Job(**{"key": "ci.yml#test", "name": "test", "conclusion": Conclusion.FAILURE, **facts})


def test_a_job_that_did_not_fail_is_none() -> None:
    for conclusion in (Conclusion.SUCCESS, Conclusion.SKIPPED, Conclusion.NEUTRAL):
        assert diagnose(job(conclusion=conclusion, log=b"E   assert 1 == 2\n"), DB).category == "none"


def test_a_failed_job_is_explained_by_its_log() -> None:
    found = diagnose(job(log=b"E   assert 1 == 2\n", started_at="2026-01-24T12:00:00Z"), DB)
    assert (found.category, found.line) == ("test", 1)


def test_a_failed_job_with_a_log_that_shows_nothing_is_unknown() -> None:
    assert diagnose(job(log=b"all fine\n", started_at="x"), DB).category == "unknown"


@pytest.mark.parametrize(
    ("facts", "category"),
    [
        ({}, "infra"),
        ({"conclusion": Conclusion.TIMED_OUT, "log": b"working\n"}, "timeout"),
        ({"conclusion": Conclusion.CANCELLED}, "cancelled"),
        ({"conclusion": Conclusion.STARTUP_FAILURE}, "workflow-config"),
        ({"log": b"working\n", "started_at": "x", "steps": (Step("a", 1, Conclusion.SUCCESS),)}, "infra"),
        ({"started_at": "x"}, "unknown"),
        ({"log": b"\x00\x01\x02" * 900, "started_at": "x"}, "unknown"),
    ],
)
def test_metadata_speaks_where_there_is_no_text(facts, category) -> None:
    assert diagnose(job(**facts), DB).category == category


def test_a_cancelled_job_that_holds_a_test_failure_is_a_test_failure() -> None:
    assert diagnose(job(conclusion=Conclusion.CANCELLED, log=b"E   assert 1 == 2\n"), DB).category == "test"


def test_an_annotation_explains_a_job_without_a_log() -> None:
    notes = (
        Annotation("Node.js 20 is deprecated", level="warning"),
        Annotation("The hosted runner: GitHub Actions 3 lost communication with the server. Anything", path=".github"),
    )
    found = diagnose(job(annotations=notes, started_at="x"), DB)
    assert (found.category, found.evidence[0].channel) == ("infra", Channel.ANNOTATION)


def test_an_annotation_that_nobody_knows_does_not_stop_the_log() -> None:
    notes = (Annotation("Process completed with exit code 1."),)
    assert diagnose(job(annotations=notes, log=b"E   assert 1 == 2\n"), DB).category == "test"


def test_a_timeout_of_the_job_keeps_what_the_log_says_beside_it() -> None:
    found = diagnose(job(conclusion=Conclusion.TIMED_OUT, log=b"E   assert 1 == 2\n"), DB)
    assert found.category == "timeout"
    assert found.secondary[0].category == "test"


@pytest.mark.parametrize("conclusion", [Conclusion.ACTION_REQUIRED, Conclusion.STALE, Conclusion.FAILURE])
def test_a_red_job_without_a_diagnosis_is_unknown_and_never_vanishes(conclusion: Conclusion) -> None:
    red, other = job(conclusion=conclusion, log=b"all fine\n"), job(conclusion=conclusion, key="ci.yml#other")
    run = Run("act", Conclusion.FAILURE, (red, other))
    nothing = diagnose(job(conclusion=Conclusion.SUCCESS), DB)
    picture = observe([run], [], lambda _: nothing)
    assert [seen.job_key for seen in picture.observations] == ["ci.yml#test", "ci.yml#other"]
    for seen in picture.observations:
        assert (seen.diagnosis.category, seen.diagnosis.pattern_id) == ("unknown", "")
        assert f"ended as {conclusion.value}" in seen.diagnosis.text
    assert len(observe([run], [], lambda each: diagnose(each, DB)).observations) == 2


def test_what_nothing_explains_is_shown_with_the_program_s_last_words_and_keeps_its_name() -> None:
    body = 'checking words\n"exos" and "ex_lttb" are not in order\n\n--------\n'
    found = explain(step("./order", body, failed=True))
    assert found.category == "unknown"
    assert [(each.line, each.text) for each in found.evidence[:2]] == [
        (6, '"exos" and "ex_lttb" are not in order'),
        (10, "Process completed with exit code 1."),
    ]
    assert found.fingerprint == explain(step("./order", "checking\nother words\n", failed=True)).fingerprint


def test_words_of_another_step_are_nobody_s_last_words() -> None:
    found = explain(step("a", "fine") + "\n" + step("b", "", failed=True))
    assert found.text == "Process completed with exit code 1."


def test_a_tool_that_only_says_that_it_stopped_points_at_what_was_said_above() -> None:
    found = explain(
        step(
            "make check",
            "bad word at line 7\nMakefile:2: recipe for target 'check' failed\nmake: *** [check] Error 1",
            failed=True,
        )
    )
    assert [(each.line, each.text) for each in found.evidence] == [
        (5, "bad word at line 7"),
        (7, "make: *** [check] Error 1"),
    ]
    alone = explain(step("make check", "make: *** [check] Error 1", failed=True))
    assert (found.pattern_id, found.fingerprint) == (alone.pattern_id, alone.fingerprint)
    assert [each.line for each in alone.evidence] == [5]
