"""What people see: one look at every width, nothing lost in a pipe, statuses for monitors, and help that is true."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import git, repository, run_cycle, watched

from hee_core.clock import FixedClock, SystemClock
from hee_core.events import Event
from hee_monitoring.cli import terminal as terminals
from hee_monitoring.cli.main import COMMANDS, hee, run
from hee_monitoring.cli.terminal import Terminal, columns, inert
from hee_monitoring.workspace import Workspace

JOBS = {"ci.yml#format": "ruff format --check ."}


class Screen(io.StringIO):
    """A terminal of a width."""

    def isatty(self) -> bool:
        return True


def shown(text: str, width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    screen = Screen()
    monkeypatch.setattr(terminals.shutil, "get_terminal_size", lambda _: os.terminal_size((width, 24)))
    Terminal(out=screen, err=io.StringIO()).line(text)
    return screen.getvalue().splitlines()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text("ab é漢", min_size=1, max_size=12).filter(str.strip), max_size=12), st.integers(20, 160))
def test_a_line_is_broken_between_words_and_loses_none(words: list[str], width: int) -> None:
    text = "  " + " ".join(words)
    with pytest.MonkeyPatch.context() as patch:
        lines = shown(text, width, patch)
    assert " ".join(lines).split() == text.split()
    longest = max((columns(word) for word in text.split()), default=0)
    assert all(columns(line) <= max(width, longest + width // 3) for line in lines)


def test_styles_have_no_width_and_a_copied_command_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    bold = "\x1b[1mabc\x1b[0m " * 5
    assert len(shown(bold.rstrip(), 20, monkeypatch)) == 1
    screen = Screen()
    Terminal(out=screen, err=io.StringIO()).exact("git merge " + "x" * 90)
    assert screen.getvalue().count("\n") == 1


def test_a_pipe_gets_a_diff_whole() -> None:
    pipe = io.StringIO()
    text = "+" + "x" * 300
    assert Terminal(out=pipe, err=pipe).fit_block(text) == text


@pytest.mark.parametrize("text", ["::add-mask::x", "  ::error::x", "a\n::stop-commands::t", "x ##[error]y"])
def test_in_a_job_no_text_is_a_command_of_the_runner(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not re.search(r"(?m)^\s*::|##\[", inert(text))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    pipe = io.StringIO()
    Terminal(out=pipe, err=pipe).line(text)
    assert not re.search(r"(?m)^\s*::|##\[", pipe.getvalue())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return watched(tmp_path / "r", {"a.py": "x  =  1\n"})


def status(root: Path, *arguments: str) -> int:
    return run(["-C", str(root), *arguments, "--status-style", "nagios"])


def test_monitors_get_their_four_statuses(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (status(root, "state"), status(root, "verify"), status(root, "state", "--json")) == (0, 0, 0)
    run_cycle(root, JOBS, fix=False)
    assert (status(root, "state"), run(["-C", str(root), "state"])) == (1, 0)
    assert status(root, "state", "--at", "99") == 3
    assert status(root, "governance", "check") == 3  # nothing to evaluate
    path = root / ".github/workflows/t.yml"
    path.parent.mkdir(parents=True)
    path.write_text("on: [push]\njobs:\n  t:\n    steps:\n      - run: pytest || true\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "broken")
    assert status(root, "governance", "check") == 2
    (root / "green.log").write_text("fine\n")
    assert status(root, "monitor", "--once", "--source", "logs", "--log", str(root / "green.log"), "--no-fix") == 2
    git(root, "update-ref", "refs/heads/hee/log", git(root, "commit-tree", "HEAD^{tree}", "-m", "forged"))
    assert status(root, "verify") in (2, 3)
    capsys.readouterr()


def overview(capsys: pytest.CaptureFixture[str], place: Path) -> str:
    assert run(["-C", str(place)]) == 0
    return capsys.readouterr().out


def test_alone_it_says_how_things_stand_and_what_to_do_next(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "hee demo" in overview(capsys, tmp_path)
    plain = repository(tmp_path / "plain", {"a": "a"})
    assert "UNKNOWN HEE does not watch this repository yet" in overview(capsys, plain)
    said = overview(capsys, root)
    assert "UNKNOWN operational: nothing was looked at yet" in said
    assert "hee monitor --once" in said
    run_cycle(root, JOBS, fix=False)
    assert "  hee fix\n" in overview(capsys, root)
    run_cycle(root, JOBS, rerun=True)
    said = overview(capsys, root)
    assert "WARNING degraded: 1 open issue(s)" in said
    assert re.search(r"git merge hee/fix/HEE-ISS-\w+\n\s+a proved repair: Files are not formatted", said)
    red = {"ci.yml#test": "echo 'E       assert 400 == 401'; echo '=== 1 failed in 0.01s ==='; exit 1"}
    run_cycle(root, red, rerun=True)
    assert "hee approve HEE-ISS-" in overview(capsys, root)
    (root / "hee.yaml").write_text("nonsense")
    git(root, "commit", "--quiet", "--all", "--message", "broken configuration")
    assert "hee doctor" in overview(capsys, root)


def test_the_doctor_looks_at_clock_and_permissions(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["-C", str(root), "doctor", "--json"])
    checks = {check["name"]: check["status"] for check in json.loads(capsys.readouterr().out)["checks"]}
    assert {checks["clock"], checks["permissions"], checks["git"]} == {"OK"}
    with Workspace.open(root) as workspace:
        later = Event.new("note.recorded", {"text": "later"}, clock=FixedClock("2126-01-01T00:00:00.000000Z"))
        workspace.log.append([later])
    run(["-C", str(root), "doctor", "--json"])
    checks = {check["name"]: check["status"] for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["clock"] == "WARNING"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_HEE_COMPLETE={shell}_complete" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_shell_completes_commands_and_options() -> None:
    def complete(*words: str) -> set[str]:
        env = os.environ | {"_HEE_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": "1"}
        env["COMP_CWORD"] = str(len(words) - 1)
        done = subprocess.run(
            [sys.executable, "-c", "from hee_monitoring.cli.main import main; main()"],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return {line.rpartition(",")[2] for line in done.stdout.split()}

    assert {"state", "sync"} <= complete("hee", "s")
    assert "--include-governance-metrics" in complete("hee", "report", "--in")


def commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []

    def visit(path: str, command: click.Command) -> None:
        found.append((path, command))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                visit(f"{path} {name}", child)

    visit("hee", hee)
    return found


def test_every_example_of_the_help_is_a_command_line_that_is_understood() -> None:
    known, ran = dict(commands()), 0
    for path, command in known.items():
        text = (command.help or "").partition("Example")[2]
        for line in re.findall(r"(?m)(?:^|\|)\s*((?:[A-Z_]+=\S+ )*hee .*)$", text):
            words = shlex.split(re.sub(r"\$\([^)]*\)", "WORD", line.partition(" > ")[0].partition(" | ")[0]))
            words = words[next(n for n, word in enumerate(words) if word == "hee") :]
            words = [words[0], *(words[3:] if words[1] == "-C" else words[1:])]
            name = max((p for p in known if words[: p.count(" ") + 1] == p.split()), key=len)
            rest = words[name.count(" ") + 1 :]
            # A file that an example names need not be here.
            known[name].make_context(name, rest, resilient_parsing=True)
            options = {option for parameter in known[name].params for option in parameter.opts}
            assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= options, (path, line)
            ran += 1
    assert ran > 20


def test_every_command_has_help_and_a_document_for_programs() -> None:
    for path, command in commands():
        assert command.help, path
        if not isinstance(command, click.Group):
            options = {option for parameter in command.params for option in parameter.opts}
            assert "--json" in options, path
    assert "completion" in COMMANDS


def test_a_freeze_and_a_missing_pin_are_what_to_do_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = repository(tmp_path / "r", {"a.py": "x = 1\n", "hee.yaml": 'hee_monitoring:\n  version: "1.0"\n'})
    run(["-C", str(root), "init"])
    capsys.readouterr()
    assert "git add hee.yaml" in overview(capsys, root)
    with Workspace.open(root) as workspace:
        workspace.log.append([Event.new("state.frozen", {"reason": "release week"})])
    said = overview(capsys, root)
    assert "WARNING frozen: release week" in said
    assert said.index("hee unfreeze") < said.index("git add hee.yaml")


def test_a_work_of_more_than_a_second_says_how_far_it_is_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    now = [0.0]
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: now[0])
    err, pipe = Screen(), io.StringIO()
    shown = Terminal(out=io.StringIO(), err=err).advance("verifying")
    quiet = Terminal(out=io.StringIO(), err=pipe).advance("verifying")
    for seconds, done, of in ((0.5, 100, 1000), (2.0, 250, 1000), (3.0, 250, 0)):
        now[0] = seconds
        shown(done, of)
        quiet(done, of)
    assert err.getvalue().replace("\r\x1b[K", "|") == "|verifying: 250 of 1,000, about 6 s left|verifying: 250"
    assert not pipe.getvalue()
