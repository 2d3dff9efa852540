"""The program that runs one step of a local job inside the sandbox, the way GitHub's runner does.

`act` gives a step a terminal, keeps feeding its input, and repeats each line in its own words. This program stands between:
the step gets no terminal and no input, its output goes byte by byte to a file, and only the commands that change the
job (`::set-output …`, `::add-mask::…`) are handed on to act. It imports nothing of this project, since it is started
once for each step: `step.py LOG ENDING SCRIPT COMMAND…`, where `@SCRIPT@` in the command stands for the script.

What act starts by itself (the steps of a local action) is met through a folder of stand-ins, first on its PATH, each of
which calls `step.py --stand-in LOGS PROGRAM ARGUMENTS…`: act 0.2.89 does not wait for the last output of a program that
fails, and about one in twenty such outputs is lost on a busy machine (`pkg/container/host_environment.go`, `exec`).

Invariant: it ends with the step, whatever the step left running, and its files stay below a fixed size.
"""

import os
import select
import signal
import sys
import time

STAND_INS = "bin"
NUMBER = "HEE_STEP"
HEAD = 16 * 1024 * 1024
TAIL = 8 * 1024 * 1024
_CHUNK = 1 << 16
_LONGEST_COMMAND = 1 << 20
_LINGER_S = 1.0
_SHOWN = (b"error", b"warning", b"notice", b"debug", b"group", b"endgroup")


class Log:
    """A file for the first bytes and two that take turns for the last, so that a kill at any moment leaves both ends."""

    def __init__(self, path: str) -> None:
        """Takes the path of the first file, which may hold what came before; the others are beside it."""
        self._path = path
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115, PTH123 - open while the step runs; no pathlib at start
        self._room = max(HEAD - self._file.tell(), 0)
        self._lost = 0
        self._refused = False

    def write(self, data: bytes) -> None:
        """Takes the next bytes; once the disk refuses them, says so through act, and takes them to nowhere."""
        try:
            while data and not self._refused:
                if not self._room:
                    self._turn()
                taken = self._file.write(data[: self._room]) or 0
                data, self._room = data[taken:], self._room - taken
        except OSError as error:
            self._refused = True
            os.write(1, f"[hee: the log can't be written: {error.strerror}]\n".encode())

    def close(self) -> None:
        """Ends the log."""
        self._file.close()

    def _turn(self) -> None:
        self._file.close()
        last, older = f"{self._path}.last", f"{self._path}.older"
        if os.path.exists(last):  # noqa: PTH110
            if os.path.exists(older):  # noqa: PTH110
                self._lost += TAIL
                with open(f"{self._path}.lost", "w", encoding="ascii") as file:  # noqa: PTH123
                    file.write(str(self._lost))
            os.replace(last, older)  # noqa: PTH105
        self._file = open(last, "wb", buffering=0)  # noqa: SIM115, PTH123
        self._room = TAIL


class Commands:
    """Finds the lines that are commands for the runner, over the borders of what was read."""

    def __init__(self) -> None:
        """Begins at the start of a line."""
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Returns the command lines that became complete, but for those that are only shown."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > _LONGEST_COMMAND:
            self._rest = b"x"  # no command is that long; only the line's end is of interest
        if b"::" not in data[:end]:
            return b""
        lines = (line.strip() for line in data[:end].split(b"\n"))
        return b"".join(line + b"\n" for line in lines if line[:2] == b"::" and _name(line) not in _SHOWN)


def _name(line: bytes) -> bytes:
    return line[2:].replace(b"::", b" ").split(b" ")[0].lower()


def _start(command: list[str], output: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - the step's own shell
    except OSError:
        os.write(2, f"{command[0]}: command not found\n".encode())
    finally:
        os._exit(127)


def _keep_reading(output: int) -> None:
    """Leaves a process behind that empties the pipe, so that a server which the step started is not killed by writing."""
    if os.fork():
        return
    try:
        os.setsid()
        for number in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        while os.read(output, _CHUNK):
            pass
    finally:
        os._exit(0)


def _run(command: list[str], log: Log) -> int:
    """Runs a program with its output in the log and returns its exit status, 128 + n for signal n."""
    output, end = os.pipe()
    pid = _start(command, end)
    os.close(end)
    commands = Commands()
    exited = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(output, select.POLLIN)
    poll.register(exited, select.POLLIN)
    deadline = 0.0
    while True:
        ready = dict(poll.poll(None if not deadline else max(0.0, deadline - time.monotonic()) * 1000))
        if exited in ready:
            poll.unregister(exited)
            deadline = time.monotonic() + _LINGER_S
        if output in ready:
            data = os.read(output, _CHUNK)
            log.write(data)
            if found := commands.feed(data):
                os.write(1, found)
            if not data:
                break
        elif deadline and (not ready or time.monotonic() >= deadline):
            _keep_reading(output)
            break
    log.close()
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _step(path: str, ending: str, script: str, *command: str) -> int:
    """Runs the step of a script, and leaves its exit status beside its log."""
    named = script + ending
    if ending:
        os.rename(script, named)  # noqa: PTH104
    _forget(os.path.dirname(path))  # noqa: PTH120
    code = _run([word.replace("@SCRIPT@", named) for word in command], Log(path))
    try:
        with open(f"{path}.exit", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(str(code))
    except OSError as error:
        os.write(1, f"[hee: the exit status can't be written: {error.strerror}]\n".encode())
    return code


def _stand_in(logs: str, program: str, *arguments: str) -> int:
    """Runs the program itself; its output goes to the log of the step that act is at, if act started it."""
    _forget(logs)
    number = os.environ.pop(NUMBER, "")
    if not number.isdecimal():
        os.execvp(program, [program, *arguments])  # noqa: S606
    return _run([program, *arguments], Log(f"{logs}/{number}.action.log"))


def _forget(logs: str) -> None:
    """Takes the stand-ins out of the PATH that the step will see."""
    stand_ins = f"{logs}/{STAND_INS}"
    os.environ["PATH"] = ":".join(
        place for place in os.environ.get("PATH", os.defpath).split(":") if place != stand_ins
    )


def main(arguments: list[str]) -> int:
    """Runs what it is asked to run, and returns its exit status."""
    if arguments[0] == "--stand-in":
        return _stand_in(*arguments[1:])
    return _step(*arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
