"""A commit's files, or the staged ones, as a mapping from path to bytes that reads a file only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self

from hee_core.errors import GitError
from hee_core.git import ObjectReader, Repository

if TYPE_CHECKING:
    from types import TracebackType

LIMIT = 16 * 1024 * 1024


class CommitTree(Mapping[str, bytes]):
    """The regular files of one commit; `blobs` has their object ids. Files over 16 MiB are listed and not read.

    Use it in `with`.
    """

    def __init__(self, repository: Repository, commit: str) -> None:
        """Lists the tree; reads nothing yet. The empty text stands for what is staged."""
        self.commit = commit
        entries = repository.entries(commit) if commit else repository.staged()
        self.modes = {path: mode for path, (mode, _) in entries.items()}
        self.blobs = {path: blob for path, (mode, blob) in entries.items() if mode.startswith("100")}
        self._reader = ObjectReader(repository)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def __getitem__(self, path: str) -> bytes:
        """The content of a file; raises GitError when the repository cannot give it (a partial clone, offline)."""
        found = self._reader.read(self.blobs[path])
        if found is None:
            raise GitError(f"{path} is not in this clone", hint="fetch it: `git fetch --unshallow` or a full clone")
        return found[1] if len(found[1]) <= LIMIT else b""

    def __contains__(self, path: object) -> bool:
        return path in self.blobs

    def __iter__(self) -> Iterator[str]:
        return iter(self.blobs)

    def __len__(self) -> int:
        return len(self.blobs)
