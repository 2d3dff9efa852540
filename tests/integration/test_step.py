"""The program that runs one step: no terminal, exact bytes, both ends kept, and it ends when the step does."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.sources import step

PROGRAM = Path(step.__file__)


def run(
    tmp_path: Path, script: str, *command: str, ending: str = ".sh", timeout: float = 20
) -> tuple[int, bytes, bytes]:
    """Exit status, what was handed on to act, and the log."""
    (tmp_path / "script").write_text(script, encoding="utf-8")
    log = tmp_path / "0.log"
    log.unlink(missing_ok=True)
    words = command or ("bash", "-e", "@SCRIPT@")
    done = subprocess.run(
        [sys.executable, "-I", "-S", PROGRAM, log, ending, tmp_path / "script", *words], capture_output=True, timeout=timeout, check=False
    )  # fmt: skip
    assert done.stderr == b""
    return done.returncode, done.stdout, log.read_bytes()


def test_the_output_is_kept_byte_by_byte(tmp_path: Path) -> None:
    code, handed_on, log = run(tmp_path, r"printf 'a\000\377\r\n'; echo err >&2; printf end; exit 4")
    assert (code, handed_on, log) == (4, b"", b"a\x00\xff\r\nerr\nend")
    assert (tmp_path / "0.log.exit").read_text() == "4"


def test_there_is_no_terminal_and_no_input(tmp_path: Path) -> None:
    code, _, log = run(tmp_path, "tty || true; cat; (: < /dev/tty) 2>&1 || true; echo end")
    assert code == 0
    assert log.startswith(b"not a tty\n")
    assert b"/dev/tty: No such device" in log
    assert log.endswith(b"end\n")


def test_a_signal_ends_it_like_a_shell_would_say(tmp_path: Path) -> None:
    assert run(tmp_path, "kill -9 $$")[0] == 137


def test_a_closed_pipe_ends_a_writer_quietly(tmp_path: Path) -> None:
    assert run(tmp_path, "yes | head -1") == (0, b"", b"y\n")


def test_scripts_have_the_ending_that_their_interpreter_expects(tmp_path: Path) -> None:
    assert run(tmp_path, "echo $0", "sh", "@SCRIPT@")[2] == f"{tmp_path}/script.sh\n".encode()
    assert run(tmp_path, "import sys; print(sys.argv[0])", sys.executable, "@SCRIPT@", ending=".py")[2].endswith(
        b"script.py\n"
    )
    assert run(tmp_path, "x", "echo", "<@SCRIPT@>", ending="")[2] == f"<{tmp_path}/script>\n".encode()


def test_a_missing_interpreter_is_said_in_the_log(tmp_path: Path) -> None:
    assert run(tmp_path, "x", "no-such-shell", "@SCRIPT@") == (127, b"", b"no-such-shell: command not found\n")


def test_commands_that_change_the_job_are_handed_on(tmp_path: Path) -> None:
    script = "echo '::set-output name=a::b'; echo '  ::add-mask::x'; echo '::error file=a::y'; echo '::group::g'; echo 'a ::set-output name=a::b'; printf '::debug::z'"
    _, handed_on, log = run(tmp_path, script)
    assert handed_on == b"::set-output name=a::b\n::add-mask::x\n"
    assert b"::error file=a::y" in log


def test_it_does_not_wait_for_what_the_step_left_running_and_does_not_kill_it(tmp_path: Path) -> None:
    script = f"(until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo tick; touch {tmp_path}/survived) & echo started"
    code, _, log = run(tmp_path, script)  # would last until its own limit if it waited
    assert code == 0
    assert log.startswith(b"started\n")
    assert not (tmp_path / "survived").exists()
    (tmp_path / "go").touch()
    deadline = time.monotonic() + 60
    while not (tmp_path / "survived").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (tmp_path / "survived").exists()


def test_a_flood_keeps_its_beginning_and_its_end_in_bounded_files(tmp_path: Path) -> None:
    code, _, head = run(tmp_path, "echo first; yes 0123456789 | head -c 60000000; echo; echo last", timeout=60)
    sizes = {ending: (tmp_path / f"0.log{ending}").stat().st_size for ending in (".older", ".last")}
    lost = int((tmp_path / "0.log.lost").read_text())
    assert code == 0
    assert head.startswith(b"first\n0123456789\n")
    assert len(head) == step.HEAD
    assert sizes[".older"] == step.TAIL
    assert (tmp_path / "0.log.last").read_bytes().endswith(b"\nlast\n")
    assert len(head) + lost + sum(sizes.values()) == 6 + 60_000_000 + 1 + 5


@given(
    st.lists(
        st.sampled_from([b"::a::b\n", b"plain\n", b" ::c x=1::\n", b"::error::e\n", b"\n", b"a::b\n"]), max_size=8
    ),
    st.integers(1, 9),
)
def test_commands_are_found_wherever_the_reading_cuts(lines: list[bytes], size: int) -> None:
    text, commands, found = b"".join(lines), step.Commands(), b""
    for start in range(0, len(text), size):
        found += commands.feed(text[start : start + size])
    assert found == b"".join(line.strip() + b"\n" for line in lines if line.strip() in (b"::a::b", b"::c x=1::"))


def test_an_endless_line_takes_no_endless_memory() -> None:
    commands = step.Commands()
    for _ in range(40):
        assert commands.feed(b"x" * 100_000) == b""
    assert len(commands._rest) < 2_000_000
    assert commands.feed(b"\n::a::b\n") == b"::a::b\n"


def test_it_can_be_called(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s").write_text("echo out; echo ::save-state name=x::y\n")
    assert step.main([str(tmp_path / "0.log"), "", str(tmp_path / "s"), "sh", "@SCRIPT@"]) == 0
    assert capfd.readouterr().out == "::save-state name=x::y\n"
