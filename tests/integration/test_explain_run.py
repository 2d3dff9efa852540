"""`hee explain` of a run on GitHub: named by number, address or repository, and read through the real client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from github_world import NETWORK, RUFF, SECRET, green, red
from worlds import git

from hee_core.errors import SourceError
from hee_monitoring.cli.main import run as run_command
from hee_monitoring.github import named
from hee_monitoring.github.simulator import SimulatedJob, Simulator

Explain = Callable[..., tuple[int, str, str]]
HOME = "harbor-works/harbor"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with Simulator() as simulator:
        monkeypatch.setenv("GITHUB_API_URL", simulator.url)
        monkeypatch.setenv("GITHUB_TOKEN", SECRET)
        monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
        monkeypatch.setenv("HEE_HOME", str(tmp_path / "hee"))
        monkeypatch.chdir(tmp_path)
        yield simulator


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str]) -> Explain:
    def explained(*arguments: str) -> tuple[int, str, str]:
        code = run_command(["explain", *arguments])
        return code, *capsys.readouterr()

    return explained


def test_a_run_is_explained_like_its_logs(server: Simulator, explain: Explain, tmp_path: Path) -> None:
    run = server.run("failure", [red(), green("test"), red("apt", NETWORK)], path=".github/workflows/ci.yml")
    code, out, _ = explain(f"{HOME}#{run.run_id}", "--json")
    said = json.loads(out)
    assert (code, said["category"], said["line"]) == (1, "format", 1)
    assert [failure["category"] for failure in said["failures"]] == ["format", "network"]
    assert said["run"]["jobs"][1] == {"job": ".github/workflows/ci.yml#test", "conclusion": "success", "reason": ""}
    (tmp_path / "format.log").write_bytes(RUFF)
    alone = json.loads(explain("format.log", "--json")[1])
    assert alone["failures"][0]["fingerprint"] == said["failures"][0]["fingerprint"]
    assert alone["failures"][0]["triage"] is None
    for address in (
        f"https://github.com/{HOME}/actions/runs/{run.run_id}",
        f"https://github.com/{HOME}/actions/runs/{run.run_id}/job/7?pr=1",
    ):
        assert json.loads(explain(address, "--json")[1]) == said
    code, out, _ = explain(f"{HOME}#{run.run_id}")
    assert code == 1
    assert "ci.yml#format" in out
    assert "verdict" in out
    assert not server.leaked


def test_another_attempt_that_was_green_makes_it_flaky(server: Simulator, explain: Explain) -> None:
    log = b"FAILED tests/test_a.py::test_b - AssertionError: assert 1 == 2\n##[error]Process completed with exit code 1.\n"
    run = server.run("failure", [red("test", log)])
    server.again(run, "success", [green("test")])
    address = f"https://github.com/{HOME}/actions/runs/{run.run_id}"
    code, out, _ = explain(f"{address}/attempts/1", "--json")
    (failure,) = json.loads(out)["failures"]
    assert (code, failure["triage"]["verdict"]) == (1, "flaky")
    code, out, _ = explain(address)
    assert (code, "no failure in run" in out) == (0, True)
    assert json.loads(explain(address, "--json")[1])["category"] == "none"


def test_a_job_that_nobody_can_judge_is_not_green(server: Simulator, explain: Explain) -> None:
    run = server.run("success", [SimulatedJob("odd", "exploded"), green()])
    code, out, _ = explain(f"{HOME}#{run.run_id}", "--json")
    assert (code, json.loads(out)["category"]) == (1, "unknown")


def test_a_hostile_name_of_a_job_commands_neither_terminal_nor_runner(server: Simulator, explain: Explain) -> None:
    run = server.run("failure", [red("\x1b[31mevil\n::error::job"), red("apt", NETWORK)])
    code, out, _ = explain(f"{HOME}#{run.run_id}")
    assert code == 1
    assert "\x1b[31m" not in out
    assert not any(line.startswith("::") for line in out.splitlines())


def test_what_cannot_be_asked_says_what_to_do(
    server: Simulator, explain: Explain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = server.run(None)
    for argument, words in (
        ("999", "of which repository"),
        (f"{HOME}#999", "has no run 999"),
        (f"{HOME}#{busy.run_id}", "has not ended"),
        (f"https://evil.example/{HOME}/actions/runs/5", "is not the GitHub that the token is for"),
        ("no-such-file.log", "no-such-file.log"),
    ):
        code, _, err = explain(argument)
        assert (code, words in err) == (2, True), err
    (tmp_path / "999").write_bytes(RUFF)
    assert explain("999", "--json")[0] == 1  # a file of that name wins
    monkeypatch.delenv("GITHUB_TOKEN")
    code, _, err = explain(f"{HOME}#{busy.run_id}")
    assert (code, "none is set" in err, "set GITHUB_TOKEN" in err) == (2, True, True)


def test_a_number_alone_is_of_the_remote(server: Simulator, explain: Explain, tmp_path: Path) -> None:
    run = server.run("failure", [red()])
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", f"https://github.com/{HOME}.git")
    assert json.loads(explain(str(run.run_id), "--json")[1])["category"] == "format"


@pytest.mark.parametrize(
    "text", ["build.log", "a/b", "a/b#x", "#5", "https://github.com/a/b/pull/5", "a/b/c#5", "5 ", "12345678901234567"]
)
def test_what_is_no_run_is_a_path(text: str) -> None:
    assert named.name(text) is None


def test_an_unsafe_address_gets_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    run = named.name("https://ghe.example.org/a/b/actions/runs/5")
    assert run is not None
    safe = {"GITHUB_API_URL": "https://ghe.example.org/api/v3"}
    assert named.where(run, None, safe).api == "https://ghe.example.org/api/v3"
    with pytest.raises(SourceError, match="not an https address"):
        named.where(run, None, {"GITHUB_API_URL": "http://ghe.example.org/api/v3"})
    with pytest.raises(SourceError, match="is not the GitHub"):
        named.where(run, None, {"GITHUB_API_URL": "https://other.example.org/api/v3/ghe.example.org.evil"})
