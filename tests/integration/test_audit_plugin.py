"""The audit kit as another tool uses it: from its page, as a pytest plugin, and from the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from forge import Forge
from logs import make_log

from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_core.testing import PROMISES

pytest_plugins = ["pytester"]
PAGE = Path(__file__).parents[2] / "docs" / "audit-kit.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
OWNER = EphemeralSigner()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with make_log(tmp_path / "repository", signer=OWNER) as log:
        for text in ("one", "two", "three"):
            log.append([Event.new("note.recorded", {"text": text})])
    return tmp_path / "repository"


@pytest.fixture
def forged(place: Path) -> Path:
    forge = Forge(place, OWNER)
    forge.appends[2].files["capsule.json"] = forge.appends[1].files["capsule.json"]
    forge.rewrite()
    return place


def test_the_examples_of_the_page_run_as_printed(pytester, place):
    for name in ("file.txt", ".git"):
        (place / name).rename(pytester.path / name)
    for number, example in enumerate(EXAMPLES):
        (pytester.path / f"test_example_{number}.py").write_text(example, encoding="utf-8")
    assert len(EXAMPLES[0].splitlines()) == 5
    pytester.runpytest_subprocess("-q", "-Werror", "-pno:cacheprovider").assert_outcomes(passed=2)


def test_the_page_names_every_promise():
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(PROMISES)


def test_a_named_log_gives_one_test_for_each_promise(pytester, place):
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(
        """
        def test_of_the_tool(hee_log, hee_memory_log):
            assert (len(hee_log), len(hee_memory_log)) == (4, 1)
        """
    )
    done = pytester.runpytest_subprocess("-v", f"--hee-log={place}")
    done.assert_outcomes(passed=len(PROMISES) + 1)
    done.stdout.fnmatch_lines([f"*{name} PASSED*" for name in PROMISES])


def test_a_forged_log_fails_with_index_and_rule_and_without_a_traceback(pytester, forged):
    pytester.makeini(f"[pytest]\nhee_log = {forged}\n")
    done = pytester.runpytest_subprocess("-q", "-k", "capsule-follows or verified or append-only")
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(["verified at 2: capsule: *", "capsule-follows at 2: capsule.json of commit *"])
    done.stdout.no_fnmatch_line("*Traceback*")


def test_a_log_that_is_not_there_is_unknown_with_the_next_step(pytester, tmp_path):
    done = pytester.runpytest_subprocess("-q", "--hee-log", str(tmp_path), "-k", "verified")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["UNKNOWN: * is not inside a git repository", "next: *"])


def test_a_run_without_a_log_loads_nothing_of_hee(pytester):
    pytester.makepyfile(
        """
        import sys
        def test_nothing_is_loaded():
            ours = {name for name in sys.modules if name.startswith("hee_")}
            assert ours <= {"hee_core", "hee_core.testing", "hee_core.testing.plugin"}
            assert not {"cryptography", "pydantic", "hypothesis.strategies"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-q", "-Werror", "-pno:hypothesispytest", "-pno:cov").assert_outcomes(passed=1)


def test_the_promises_at_the_command_line(forged):
    def hee(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "hee_monitoring.cli.main", "-C", str(forged), "verify", "--properties"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    status, said = hee()
    assert status == 1
    assert "OK append-only" in said
    assert re.search(r"CRITICAL capsule-follows\n +event 2 +capsule\.json of commit", said)
    status, said = hee("--json")
    report = json.loads(said)
    assert (status, report["ok"], list(report["promises"])) == (1, False, list(PROMISES))
    assert [one["index"] for one in report["promises"]["capsule-follows"]] == [2]
