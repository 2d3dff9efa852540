"""Makes lock files again without upgrading anything: what the strategies for package managers have in common.

Responsible for finding the lock files, for telling from history which demands of the manifests changed since a lock file
was last written, and for running the package manager beside it. That nothing else moved is proved by the diff policy
(`Keeps.PINS`), not believed of the tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hee_monitoring.fixes.requirements import changed
from hee_monitoring.fixes.strategy import Change, Declined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hee_monitoring.fixes.toolcache import Tool
    from hee_monitoring.fixes.tools import Tools


def tracked(tools: Tools, *names: str) -> list[str]:
    """The tracked files with one of these names, in order."""
    return sorted(path for path in tools.modes if path.rpartition("/")[2] in names and tools.is_file(path))


def relock(
    tools: Tools,
    tool: Tool,
    locks: Sequence[str],
    arguments: Sequence[str],
    *,
    manifest: str,
    env: Mapping[str, str] | None = None,
) -> Change | Declined:
    """Runs the tool in the folder of each lock file; `manifest` is the name of the files that it is derived from."""
    if not locks:
        return Declined("git tracks no lock file of this kind")
    free: frozenset[str] = frozenset()
    for lock in locks:
        folder = lock.rpartition("/")[0]
        manifests = [path for path in tracked(tools, manifest) if path.startswith(folder) and path not in locks]
        free |= demanded(tools, lock, manifests)
        before = {path: tools.read(path) for path in manifests}
        done = tools.run(tool, *arguments, folder=folder, env=env, network=True)
        if done.timed_out or done.exit_code != 0:
            return Declined(
                f"{tool.name} {tool.version} could not resolve the dependencies (exit status {done.exit_code})"
            )
        for path, data in before.items():  # some lay out the manifest anew, which nobody asked for
            if data is not None and tools.read(path) != data:
                tools.write(path, data)
    names = " and ".join(sorted({lock.rpartition("/")[2] for lock in locks}))
    return Change(f"Bring {names} in step with {manifest}", str(tool), free)


def demanded(tools: Tools, lock: str, manifests: Sequence[str]) -> frozenset[str]:
    """The packages whose demand in a manifest changed since the lock file was last changed."""
    before = tools.history.before(lock, *manifests)
    return frozenset[str]().union(
        *(changed(path, old, tools.read(path)) for path, old in zip(manifests, before, strict=True))
    )
