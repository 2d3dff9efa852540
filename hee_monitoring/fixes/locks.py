"""What a lock file pins, and whether a newer text of it pins the same: the proof that nothing was upgraded.

Responsible for reading the formats and for comparing two texts of one file. Which packages may move, because their
requirement in the manifest changed, is told by the caller (`requirements`). Pure; a text that cannot be read is never
called equal.

Invariant: when nothing is found, every package that both texts name keeps its versions, except those that may move, and
no pinned version has other contents or comes from another place than before.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_HOST = re.compile(r"\bhttps?://(?:[^/\s\"'#]*@)?([^/\s\"'#]+)")
_DASHES = re.compile(r"[-_.]+")
_PNPM = re.compile(r"^  ['\"]?/?(?P<name>(?:@[\w.-]+/)?[\w.-]+)[@/](?P<version>\d[\w.+-]*)[^:\n]*:[^\S\n]*$")
_PNPM_CONTENT = re.compile(r"\bintegrity: ['\"]?([\w+/=-]+)")
_YARN_NAME = re.compile(r'^"?(?P<name>(?:@[^/@\s"]+/)?[^/@\s"]+)@')
_YARN_FACT = re.compile(r'^  (?P<key>version|resolved|resolution|integrity|checksum):? "?(?P<value>[^"\n]*)"?$')
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w\s,.-]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=([\w:+/=-]+)")
_GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?(?P<name>[\w.~-]+(?:/[\w.~+-]+)*)\s+(?P<version>v\d\S*)")
_GO_SUM = re.compile(r"^(?P<name>\S+) (?P<version>v\S+) (?P<content>h1:\S+)$")


@dataclass
class Lock:
    """The versions of each package with what is known of their contents, and the hosts they come from."""

    packages: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    grows: bool = False  # whether files are added to a version that was published before, as on Python's index

    def pin(self, name: str, version: object, contents: Collection[str] = ()) -> None:
        """Notes one pinned version."""
        if isinstance(version, str) and version:
            self.packages.setdefault(name, {}).setdefault(version, set()).update(contents)


def moved(path: str, old: bytes, new: bytes, may_move: Collection[str] = ()) -> Iterator[str]:
    """Says in a few words each which packages the newer text of a lock file pins otherwise."""
    reader = _reader(path)
    if reader is None:
        yield "the file is no lock file that can be compared"
        return
    try:
        before, after = reader(old.decode("utf-8")), reader(new.decode("utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield "the lock file can't be read, so nothing shows what moved"
        return
    free = {_python(name) for name in may_move} | set(may_move)
    for name in sorted(before.packages.keys() & after.packages.keys()):
        was, now = before.packages[name], after.packages[name]
        gone, came = sorted(was.keys() - now.keys()), sorted(now.keys() - was.keys())
        if gone and came and name not in free:
            yield f"{name} would move from {', '.join(gone[:3])} to {', '.join(came[:3])}"
        for version in sorted(was.keys() & now.keys()):
            same = was[version] <= now[version] if after.grows else was[version] == now[version]
            if was[version] and not same:
                yield f"{name} {version} would have other contents than before"
    if before.hosts and (strange := sorted(after.hosts - before.hosts)):
        yield f"packages would come from {strange[0]}, which the lock file did not name before"


def compared(path: str) -> bool:
    """Whether a file is, by its name, a lock file."""
    return path.rpartition("/")[2] in _READERS


def _reader(path: str) -> Callable[[str], Lock] | None:
    name = path.rpartition("/")[2]
    if name in _READERS:
        return _READERS[name]
    return _requirements if name.endswith(".txt") else None


def _python(name: str) -> str:
    return _DASHES.sub("-", name).lower()


def _npm(text: str) -> Lock:
    data, lock = json.loads(text), Lock(hosts=set(_HOST.findall(text)))
    packages = data.get("packages")
    if isinstance(packages, dict):
        for place, entry in packages.items():
            if "node_modules/" in place and not entry.get("link"):
                name = entry.get("name") or place.rpartition("node_modules/")[2]
                lock.pin(name, entry.get("version"), _npm_contents(entry))
        lock.hosts = {host for entry in packages.values() for host in _HOST.findall(str(entry.get("resolved", "")))}
        return lock
    waiting = [data.get("dependencies", {})]
    lock.hosts = set()
    while waiting:
        for name, entry in waiting.pop().items():
            lock.pin(name, entry.get("version"), _npm_contents(entry))
            lock.hosts.update(_HOST.findall(str(entry.get("resolved", ""))))
            waiting.append(entry.get("dependencies", {}))
    return lock


def _npm_contents(entry: dict[str, object]) -> list[str]:
    """The sum of what is installed, or the commit of what is cloned: its version says nothing."""
    resolved = str(entry.get("resolved", ""))
    return [resolved] if resolved.startswith("git") else _words(entry.get("integrity"))


def _toml(text: str) -> Lock:
    """`uv.lock`, `poetry.lock` and `pdm.lock`; what the repository itself contains is not pinned."""
    lock = Lock(grows=True)
    for entry in tomllib.loads(text).get("package", []):
        source = entry.get("source")
        if isinstance(source, dict) and source.keys() & {"virtual", "editable", "directory", "workspace"}:
            continue
        files = [*entry.get("files", []), *entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
        hashes = {str(file.get("hash", "")) for file in files if isinstance(file, dict)}
        cloned = (
            [json.dumps(source)] if isinstance(source, dict) and source.keys() & {"git", "resolved_reference"} else []
        )
        lock.pin(_python(entry["name"]), entry.get("version"), (hashes - {""}) | set(cloned))
        lock.hosts.update(_HOST.findall(json.dumps(source)))
    return lock


def _cargo(text: str) -> Lock:
    """What has no source is a package of the repository itself."""
    lock = Lock()
    for entry in tomllib.loads(text).get("package", []):
        if source := entry.get("source"):
            cloned = [source] if source.startswith("git") else []
            lock.pin(_python(entry["name"]), entry.get("version"), [*_words(entry.get("checksum")), *cloned])
            lock.hosts.update(_HOST.findall(source))
    return lock


def _pnpm(text: str) -> Lock:
    lock, inside, pinned = Lock(hosts=set()), False, None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            inside = line.startswith("packages:")
        elif inside and (found := _PNPM.match(line)):
            pinned = found.group("name"), found.group("version")
            lock.pin(*pinned)
        elif inside and pinned and (content := _PNPM_CONTENT.search(line)):
            lock.pin(*pinned, {content.group(1)})
        if inside:
            lock.hosts.update(_HOST.findall(line) if "tarball:" in line else ())
    if "lockfileVersion" not in text[:400]:
        raise ValueError(text[:40])
    return lock


def _yarn(text: str) -> Lock:
    lock = Lock()
    for block in re.split(r"\n(?=\S)", f"\n{text}"):
        head, _, body = block.strip("\n").partition("\n")
        name = _YARN_NAME.match(head)
        if name is None or head.startswith("#"):
            continue
        facts = {found["key"]: found["value"] for line in body.splitlines() if (found := _YARN_FACT.match(line))}
        if re.search(r"@(?:workspace|link|portal|file):", facts.get("resolution", head)):
            continue
        where = facts.get("resolution", facts.get("resolved", ""))
        cloned = [where] if "git" in where and "#" in where and "integrity" not in facts else []
        sums = _words(facts.get("integrity") or facts.get("checksum"))
        lock.pin(name["name"], facts.get("version"), [*sums, *cloned])
        lock.hosts.update(_HOST.findall(facts.get("resolved", "")))
    if "yarn lockfile" not in text[:400] and "__metadata" not in text:
        raise ValueError(text[:40])
    return lock


def _requirements(text: str) -> Lock:
    lock = Lock(
        grows=True, hosts=set(_HOST.findall("\n".join(line for line in text.splitlines() if line.startswith("-"))))
    )
    for line in text.replace("\\\n", " ").splitlines():
        if found := _PINNED.match(line):
            lock.pin(_python(found["name"]), found["version"], _HASH.findall(line))
    return lock


def _go_mod(text: str) -> Lock:
    lock, inside = Lock(), ""
    for line in text.splitlines():
        opened = re.match(r"(\w+) \($", line)
        inside = opened[1] if opened else "" if line.startswith(")") else inside
        if (inside == "require" or line.startswith("require ")) and (found := _GO_REQUIRE.match(line)):
            lock.pin(found["name"], found["version"])
    if not re.search(r"^module\s", text, re.MULTILINE):
        raise ValueError(text[:40])
    return lock


def _go_sum(text: str) -> Lock:
    """Sums of versions that nothing needs any more go; a sum never changes. One version is no rival of another."""
    lock = Lock()
    for line in text.splitlines():
        found = _GO_SUM.match(line)
        if found is None:
            raise ValueError(line[:40])
        lock.pin(f"{found['name']} {found['version']}", found["version"], {found["content"]})
    return lock


def _words(text: object) -> list[str]:
    return text.split() if isinstance(text, str) else []


_READERS: dict[str, Callable[[str], Lock]] = {
    "package-lock.json": _npm, "npm-shrinkwrap.json": _npm, "uv.lock": _toml, "poetry.lock": _toml, "pdm.lock": _toml, "Cargo.lock": _cargo,
    "pnpm-lock.yaml": _pnpm, "yarn.lock": _yarn, "go.mod": _go_mod, "go.sum": _go_sum,
}  # fmt: skip
