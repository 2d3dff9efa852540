"""Reading objects through git: one process that answers, and a pipeline that streams a branch's history.

The only way this package reads objects, so that content and signature can never come from two readers. Leaves ids,
trust and meaning to others: whoever needs to be sure hashes what it gets. Invariant: what cannot be read is an error
or None, never a short or empty answer, and every process ends with the reader that started it.
"""

from __future__ import annotations

import contextlib
import tempfile
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from hee_core.errors import GitError, NotFound
from hee_core.gitobjects import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from subprocess import Popen
    from types import TracebackType

    from hee_core.git import Repository

_WINDOW = 256  # names that fit a pipe's buffer (64 KiB) whole, so that writing them never waits for reading


class Step(NamedTuple):
    """One commit of a history, and the content of one file of its tree; None when the tree has no such file."""

    commit: str
    parents: tuple[str, ...]
    content: bytes | None


def history(repository: Repository, name: str, *revisions: str, newest_first: bool = False) -> Iterator[Step]:
    """The commits that `git rev-list` finds, oldest first, with one file of each; raises GitError when git cannot go on.

    Both processes stream: memory stays level however long the history is.
    """
    with tempfile.TemporaryFile() as words:
        lister = repository.start(
            "rev-list", *(() if newest_first else ("--reverse",)), "--no-commit-header",
            f"--format=%H:{name} %H %P", "--end-of-options", *revisions, stderr=words,
        )  # fmt: skip
        reader = repository.start(
            "cat-file", "--batch=%(objecttype) %(objectsize) %(rest)", "--buffer", stdin=lister.stdout, stderr=words
        )
        assert lister.stdout  # noqa: S101 - they are pipes
        assert reader.stdout  # noqa: S101 - they are pipes
        lister.stdout.close()
        try:
            yield from _steps(reader.stdout)
            if lister.wait() or reader.wait():
                words.seek(0)
                text = words.read(2000).decode("utf-8", "replace").strip()
                raise GitError(
                    f"git cannot read the history: {text or 'a git process ended'}", hint="`git fsck` says more"
                )
        finally:
            reader.stdout.close()
            for process in (lister, reader):
                process.kill()
                process.wait()


def _steps(pipe: IO[bytes]) -> Iterator[Step]:
    while header := pipe.readline():
        words = header.decode("ascii", "replace").split()
        if words[-1] in ("missing", "ambiguous"):
            # cat-file names what it was asked for and not the rest of the line: the parents are lost with the file
            yield Step(words[0].partition(":")[0], (), None)
            continue
        size = int(words[1])
        if size > LARGEST:
            raise _too_large(words[2], size)
        content = pipe.read(size + 1)
        if len(content) != size + 1:
            return  # the exit status says why
        yield Step(words[2], tuple(words[3:]), content[:-1] if words[0] == "blob" else None)


class ObjectReader:
    """A `git cat-file --batch` that stays. Close it, or use it in `with`; after an error the next read starts another."""

    def __init__(self, repository: Repository, *, largest: int = 0) -> None:
        """Starts nothing until the first read; with `largest`, an object of more bytes is an error and not read."""
        self._repository = repository
        self._largest = largest
        self._process: Popen[bytes] | None = None
        self._words: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, name: str) -> tuple[str, bytes] | None:
        """An object by id or `commit:path` as (type, data), or None if there is none; raises GitError if git died."""
        return self.read_many([name])[0]

    def read_many(self, names: Iterable[str]) -> list[tuple[str, bytes] | None]:
        """A few objects (as `read`) with one round trip."""
        wanted = list(names)
        found: list[tuple[str, bytes] | None] = []
        for start in range(0, len(wanted), _WINDOW):
            found += self._window(wanted[start : start + _WINDOW])
        return found

    def read_all(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Many objects in order, a window at a time; raises NotFound for a missing one."""
        pending: list[str] = []
        for name in names:
            pending.append(name)
            if len(pending) == _WINDOW:
                yield from self._present(pending)
                pending = []
        yield from self._present(pending)

    def _present(self, names: list[str]) -> Iterator[tuple[str, bytes]]:
        for name, found in zip(names, self._window(names), strict=True):
            if found is None:
                raise NotFound(f"object {name} is missing", hint="`git fsck` says more")
            yield found

    def stream(self, names: Sequence[str]) -> Iterator[tuple[str, bytes] | None]:
        """Many objects in order (as `read`), each when it is asked for: git looks up the next ones meanwhile.

        Nothing else may be read here before the last of them was; raises GitError if git died.
        """
        for start in range(0, len(names), _WINDOW):
            some = names[start : start + _WINDOW]
            pipe = self._ask(some)
            left = len(some)
            try:
                while left:
                    answer = self._answer(pipe)
                    left -= 1
                    yield answer
            finally:
                if left:
                    self.close()  # what nobody read would be taken for the answer to the next question

    def _window(self, names: Sequence[str]) -> list[tuple[str, bytes] | None]:
        pipe = self._ask(names)
        return [self._answer(pipe) for _ in names]

    def _ask(self, names: Sequence[str]) -> IO[bytes]:
        process = self._start()
        assert process.stdin  # noqa: S101 - they are pipes
        assert process.stdout  # noqa: S101 - they are pipes
        if any("\n" in name for name in names):
            raise NotFound("an object's name has no line feed")
        try:
            process.stdin.write("".join(f"{name}\n" for name in names).encode())
            process.stdin.flush()
        except BrokenPipeError:
            raise self._dead() from None
        return process.stdout

    def _answer(self, pipe: IO[bytes]) -> tuple[str, bytes] | None:
        header = pipe.readline()
        if not header:
            raise self._dead()
        words = header.split()
        if words[-1] in (b"missing", b"ambiguous"):
            return None
        size = int(words[2])
        if 0 < self._largest < size:
            self._end()
            raise _too_large(words[0].decode(), size)
        data = pipe.read(size + 1)
        if len(data) != size + 1:
            raise self._dead()
        return words[1].decode(), data[:-1]

    def _start(self) -> Popen[bytes]:
        if self._process is None:
            self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
            self._process = self._repository.start("cat-file", "--batch", talk=True, stderr=self._words)
        return self._process

    def _dead(self) -> GitError:
        text = self._end()
        return GitError(f"git cannot read an object: {text or 'cat-file ended'}", hint="`git fsck` says more")

    def _end(self) -> str:
        """Ends the process, whatever it is at, and gives what it complained about."""
        assert self._process  # noqa: S101 - called only while it runs
        assert self._words  # noqa: S101 - opened with it
        self._process.kill()
        self._process.wait()
        self._words.seek(0)
        text = self._words.read(2000).decode("utf-8", "replace").strip()
        self.close()
        return text

    def close(self) -> None:
        """Ends the process; a later read starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout, self._words):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        process.wait()


def _too_large(name: str, size: int) -> GitError:
    return GitError(
        f"{name[:40]} has {size} bytes, a log's objects at most {LARGEST}: it was not read", hint="run `hee verify`"
    )
