"""The program that stands in, inside a local job, for a published action that this machine can do without fetching it.

Set-up actions are answered with what is installed here if its version is what the step asks for, caches as if they were
empty; artifacts are directories of the run. It imports nothing of this project, since it is started by the job:
`published.py ACTION VERB ARTIFACTS`; the step's inputs are in the environment as `HEE_INPUT_…`.

Invariant: whatever cannot be had here ends with status 78 and a last line that says what, and is never a green step.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

UNAVAILABLE = 78
_VERSION = re.compile(r"(\d+(?:\.\d+)*)")
_COMPARED = re.compile(r"(>=|<=|>|<|==|=|~|\^)\s*v?(\d+(?:\.\d+){0,2})")


class UnavailableError(Exception):
    """What the step asks for is not on this machine."""


def given(name: str, default: str = "") -> str:
    """An input of the step."""
    return os.environ.get(f"HEE_INPUT_{name.upper().replace('-', '_')}", "").strip() or default


def hand_on(file: str, text: str) -> None:
    """Appends a line to one of the files by which a step talks to its job: `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_PATH`."""
    with Path(os.environ[file]).open("a", encoding="utf-8") as stream:
        stream.write(f"{text}\n")


def numbers(version: str) -> tuple[int, ...]:
    """The parts of a version number."""
    found = _VERSION.search(version)
    return tuple(map(int, found[1].split("."))) if found else ()


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version is one that a range names: `3`, `3.11`, `3.x`, `v20`, `>=3.9 <3.12`, `^20.1`; alternatives by `||`."""
    return any(_in_range(numbers(version), part.strip()) for part in wanted.split("||"))


def _in_range(have: tuple[int, ...], wanted: str) -> bool:
    compared = _COMPARED.findall(wanted)
    if compared:
        whole = _COMPARED.sub("", wanted).strip(" ,") == ""
        return whole and all(_compares(have, sign, numbers(number)) for sign, number in compared)
    parts = re.fullmatch(r"v?(\d+(?:\.(?:\d+|[x*]))*|[x*])", wanted)
    if parts is None:
        return False
    exact = [part for part in parts[1].split(".") if part not in ("x", "*")]
    return have[: len(exact)] == tuple(map(int, exact))


def _compares(have: tuple[int, ...], sign: str, number: tuple[int, ...]) -> bool:
    width = max(len(have), len(number))
    left, right = (each + (0,) * (width - len(each)) for each in (have, number))
    cut = have[: len(number)]  # what a range leaves out may be anything: 3.11.4 is no version above 3.11
    if sign in ("==", "=", ">", "<="):
        return {">": cut > number, "<=": cut <= number}.get(sign, cut == number)
    if sign in ("~", "^"):
        first = next((place for place, part in enumerate(number) if part), len(number) - 1)
        kept = first + 1 if sign == "^" else min(len(number), 2)
        return left >= right and left[:kept] == right[:kept]
    return left >= right if sign == ">=" else left < right


def asked(program: str, *arguments: str) -> str:
    """What a program says of its version; nothing when it is not there."""
    found = shutil.which(program)
    if found is None:
        return ""
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=30, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""


def from_file(path: str) -> str:
    """The version that a file such as `.python-version`, `.nvmrc` or `go.mod` names."""
    place = Path(path)
    if not path or not place.is_file():
        return ""
    text = place.read_text("utf-8", "replace")
    for pattern in (r'"node"\s*:\s*"([^"]+)"', r"(?m)^go (\d\S*)", r'(?m)^requires-python\s*=\s*"([^"]+)"', r"(?m)^(?:python|nodejs|golang|java)\s+(\S+)"):  # fmt: skip
        if found := re.search(pattern, text):
            return found[1].replace(",", " ")
    first = text.strip().splitlines()[:1]
    return first[0].strip() if first and len(first[0]) < 40 else ""


def wanted(*inputs: str, default: str = "") -> list[str]:
    """The versions that a step asks for, one a line; by input, by a file that it names, or by default."""
    name, file, *usual = inputs
    lines = [line.strip() for line in given(name).splitlines() if line.strip()]
    named = given(file) or next((path for path in usual if Path(path).is_file()), "")
    return lines or [line for line in (from_file(named), default) if line][:1]


def python() -> None:
    """`actions/setup-python`: an environment of its own on an interpreter of this machine, first on the PATH."""
    if given("architecture", "x64") != "x64":
        raise UnavailableError(f"Python for {given('architecture')}")
    for want in wanted("python-version", "python-version-file", ".python-version", default="3.x"):
        have = _interpreters()
        fitting = [item for item in have.items() if satisfies(item[0], want.removesuffix("-dev"))]
        if not fitting:
            raise UnavailableError(f"Python {want}; here is {', '.join(have) or 'none'}")
        version, program = max(fitting, key=lambda item: numbers(item[0]))
        place = Path.home() / ".hee-python" / version
        subprocess.run([program, "-m", "venv", "--clear", str(place)], check=True, timeout=300)
        hand_on("GITHUB_PATH", str(place / "bin"))
        for name in ("pythonLocation", "Python_ROOT_DIR", "Python3_ROOT_DIR"):
            hand_on("GITHUB_ENV", f"{name}={place}")
        hand_on("GITHUB_OUTPUT", f"python-version={version}")
        hand_on("GITHUB_OUTPUT", f"python-path={place / 'bin' / 'python'}")
        print(f"Successfully set up CPython ({version})")


def _interpreters() -> dict[str, str]:
    """The CPythons of this machine: version and program."""
    found: dict[str, str] = {}
    names = ["python3", *(f"python3.{minor}" for minor in range(8, 20))]
    asking = (
        "import platform, sys; print(platform.python_implementation(), sys.version.split()[0], sys._base_executable)"
    )
    for name in names:
        words = asked(name, "-I", "-c", asking).split()
        if words[:1] == ["CPython"]:
            found.setdefault(words[1], words[2])
    return found


def program_of(name: str, versions: list[str], said: str, program: str) -> None:
    """Any tool of which one version is installed: it is there, and it is a version that was asked for."""
    have = ".".join(map(str, numbers(said)))
    if not have:
        raise UnavailableError(f"{name}; it is not installed here")
    for want in versions:
        if not satisfies(have, want):
            raise UnavailableError(f"{name} {want}; here is {have}")
    print(f"Using {name} {have} of this machine ({shutil.which(program)})")


def node() -> None:
    """`actions/setup-node`."""
    versions = wanted("node-version", "node-version-file", default="x")
    said = asked("node", "--version")
    even = numbers(said)[:1] and numbers(said)[0] % 2 == 0
    program_of(
        "Node", ["x" if want in ("lts/*", "node", "latest") and even else want for want in versions], said, "node"
    )
    hand_on("GITHUB_OUTPUT", f"node-version={said}")


def java() -> None:
    """`actions/setup-java`."""
    said = asked("java", "-version")
    program_of("Java", wanted("java-version", "java-version-file", default="x"), said, "javac")
    hand_on(
        "GITHUB_ENV", f"JAVA_HOME={Path(str(shutil.which('javac') or shutil.which('java'))).resolve().parent.parent}"
    )


def go() -> None:
    """`actions/setup-go`; a `go` line of go.mod asks for that version or a later one."""
    versions = wanted("go-version", "go-version-file", default="x")
    minimum = not given("go-version")
    names = [
        "x" if want in ("stable", "oldstable") else f">={want}" if minimum and want != "x" else want
        for want in versions
    ]
    program_of("Go", names, asked("go", "version").partition("version go")[2], "go")


def uv() -> None:
    """`astral-sh/setup-uv`; it also brings the Python that it is asked for."""
    version = given("version", "latest")
    program_of("uv", ["x" if version == "latest" else version], asked("uv", "--version"), "uv")
    if python_version := given("python-version"):
        hand_on("GITHUB_ENV", f"UV_PYTHON={python_version}")


def rust() -> None:
    """`dtolnay/rust-toolchain` and its like; the toolchain is the input or what stands behind the @."""
    toolchain = given("toolchain") or sys.argv[1].partition("@")[2]
    want = toolchain if numbers(toolchain)[:1] in ((0,), (1,)) and "-" not in toolchain else "x"
    if "nightly" in toolchain or "beta" in toolchain or given("target") or given("targets"):
        raise UnavailableError(f"the Rust toolchain {toolchain} {given('target') or given('targets')}".strip())
    for component in re.split(r"[,\s]+", given("components")):
        if component in ("rustfmt", "clippy") and not shutil.which(f"cargo-{component.replace('rustfmt', 'fmt')}"):
            raise UnavailableError(f"the Rust component {component}")
    program_of("Rust", [want], asked("rustc", "--version"), "cargo")


def cache() -> None:
    """`actions/cache` and its like: nothing is in it, which every job must bear."""
    if given("fail-on-cache-miss") == "true":
        raise UnavailableError(f"a cache under {given('key')}, without which the step fails")
    print(f"Cache not found for input keys: {given('key')}")
    hand_on("GITHUB_OUTPUT", "cache-hit=")


def upload() -> int:
    """`actions/upload-artifact`: the files that the patterns name, below the directory that they have in common."""
    store, name, found = stored(), given("name", "artifact"), files(given("path"))
    if not found:
        words = f"No files were found with the provided path: {given('path')}. No artifacts will be uploaded."
        missing = given("if-no-files-found", "warn")
        print(f"::{'error' if missing == 'error' else 'warning'}::{words}" if missing != "ignore" else words)
        return 1 if missing == "error" else 0
    target = store / named(name)
    if target.exists() and given("overwrite") != "true":
        print(f"::error::Failed to CreateArtifact: an artifact with the name {name} already exists on the workflow run")
        return 1
    beside = store / f".{target.name}.{os.getpid()}"
    root = Path(os.path.commonpath([file.parent for file in found]))
    for file in found:
        copy = beside / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
    print(f"Artifact {name} has been successfully uploaded: {len(found)} file(s)")
    return 0


def download() -> int:
    """`actions/download-artifact`: one artifact into a directory, or all, each below its name."""
    store, place = stored(), Path(given("path", os.environ.get("GITHUB_WORKSPACE", "."))).expanduser()
    name, pattern = given("name"), given("pattern", "*")
    if name and not (store / named(name)).is_dir():
        raise UnavailableError(f"the artifact {name}, which no job of this local run uploaded")
    if not name and (re.search(r"[/{}()!+@\\]", pattern) or "**" in pattern):
        raise UnavailableError(f"artifacts by the pattern {pattern}, which only GitHub's own action understands")
    found = [store / named(name)] if name else sorted(each for each in store.glob(pattern) if each.name[0] != ".")
    for artifact in found:
        flat = name or given("merge-multiple") == "true"
        shutil.copytree(artifact, place if flat else place / artifact.name, dirs_exist_ok=True)
    hand_on("GITHUB_OUTPUT", f"download-path={place.resolve()}")
    print(f"Total of {len(found)} artifact(s) downloaded")
    return 0


def stored() -> Path:
    """Where the artifacts of this run are: a directory each."""
    store = Path(sys.argv[3])
    store.mkdir(parents=True, exist_ok=True)
    return store


def named(name: str) -> str:
    """A name of one path segment."""
    return name.replace("/", "_").lstrip(".") or "_"


def files(patterns: str) -> list[Path]:
    """The files that lines of patterns name, those of a directory included; a line after `!` takes files out."""
    found: dict[Path, None] = {}
    for line in patterns.splitlines():
        pattern = os.path.abspath(os.path.expanduser(line.strip().removeprefix("!")))  # noqa: PTH100, PTH111 - a pattern
        if not line.strip():
            continue
        hits = [Path(each) for each in glob.glob(pattern, recursive=True)]  # noqa: PTH207 - it may be absolute
        below = [each for hit in hits for each in ([hit] if hit.is_file() else hit.rglob("*")) if each.is_file()]
        visible = [each for each in below if given("include-hidden-files") == "true" or not hidden(each, pattern)]
        for each in visible:
            found.pop(each, None) if line.strip().startswith("!") else found.setdefault(each)
    return list(found)


def hidden(file: Path, pattern: str) -> bool:
    """Whether a part of the path that the pattern does not spell begins with a dot."""
    return any(part.startswith(".") and part not in Path(pattern).parts for part in file.parts)


def unavailable() -> None:
    """Every other action."""
    raise UnavailableError(f"the action {sys.argv[1]}, which would have to be fetched")


VERBS = {each.__name__: each for each in (python, node, java, go, uv, rust, cache, upload, download, unavailable)}


def main() -> int:
    """Stands in for one action."""
    try:
        return VERBS[sys.argv[2]]() or 0
    except Exception as error:  # noqa: BLE001 - a fault of ours is no failure of the step, which status 1 would be
        print(f"[hee: not here: {' '.join(str(error).split()) or type(error).__name__}]")
        return UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
