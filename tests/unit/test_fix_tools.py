"""How strategies get and run their tools, with small real programs in the tools' places."""

from __future__ import annotations

import os
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from repair_world import make_repository

from hee_core.errors import ToolMissing
from hee_core.git import Repository
from hee_monitoring import sandbox
from hee_monitoring.evidence import Channel, Diagnosis, Evidence
from hee_monitoring.fixes import REGISTRY, Change, Declined, confined
from hee_monitoring.fixes.black_format import BlackFormat
from hee_monitoring.fixes.cargo_fmt import CargoFmt
from hee_monitoring.fixes.clippy_fix import ClippyFix
from hee_monitoring.fixes.history import History
from hee_monitoring.fixes.isort_imports import IsortImports
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.npm_lock import NpmLock
from hee_monitoring.fixes.pip_compile import PipCompile
from hee_monitoring.fixes.pre_commit import PreCommit
from hee_monitoring.fixes.prettier import Prettier
from hee_monitoring.fixes.ruff_format import RuffFormat
from hee_monitoring.fixes.ruff_lint import RuffImports, RuffLint
from hee_monitoring.fixes.spec_skeleton import SpecSkeleton, clauses, skeleton_path
from hee_monitoring.fixes.toolcache import Tool, ToolCache
from hee_monitoring.fixes.tools import Tools
from hee_monitoring.fixes.uv_lock import UvLock
from hee_monitoring.fixes.whitespace import Whitespace
from hee_monitoring.fixes.yarn_lock import YarnLock

pytestmark = pytest.mark.spec("SEED-084", "SEED-252")


def said(title="", text="", **captures):
    evidence = (Evidence(Channel.LOG, text, 1),) if text else ()
    return Diagnosis("HEE-PAT-600", "format", title, "f", 9000, evidence, captures)


class Place:
    """A tree with files, and programs on PATH that are shell scripts."""

    def __init__(self, root, monkeypatch, past):
        self.past = past
        self.root, self.tree, self.bin = root, root / "tree", root / "bin"
        self.tree.mkdir()
        self.bin.mkdir()
        (root / "home").mkdir()
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", f"{self.bin}:/usr/bin:/bin")

    def files(self, **files):
        for path, text in files.items():
            confined.create(self.tree, path.replace("__", "/").replace("_dot_", "."), text.encode())
        return self

    def program(self, name, script):
        path = self.bin / name
        path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo {name} 1.2.3; exit 0; fi\n{script}\n')
        path.chmod(0o755)
        return self

    def tools(self, log="", *, timeout=20.0, cache="cache", network=False):
        modes = {
            path: "120000" if (self.tree / path).is_symlink() else "100644" for path, _ in confined.walk(self.tree)
        }
        store = ToolCache(self.root / cache, self.root / "home")
        return Tools(
            self.tree,
            modes,
            log.encode(),
            home=self.root / "home",
            cache=store,
            network=network,
            history=self.past,
            timeout=timeout,
        )


@pytest.fixture(scope="session")
def past(tmp_path_factory):
    """A history in which nothing happened."""
    root = make_repository(tmp_path_factory.mktemp("past") / "repository", {"a.txt": "a\n"})
    return History(Repository.discover(root), "HEAD")


@pytest.fixture
def place(tmp_path, monkeypatch, past):
    return Place(tmp_path, monkeypatch, past)


# ------------------------------------------------------------------ the cache


def wheel(folder, name, version, prints):
    """Builds a tiny wheel of a tool, as an index would have it."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"if __name__ == '__main__':\n    print('{name} {prints}')\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    folder = tmp_path / "index"
    wheel(folder, "hee_tidy", "2.0.1", "2.0.1")
    wheel(folder, "hee_liar", "2.0.1", "9.9.9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def test_a_pinned_version_is_installed_once_into_the_cache_and_nowhere_else(place, index, monkeypatch):
    place.files(
        requirements_dot_txt="hee-tidy==2.0.1\n", hee_tidy_dot_py="raise SystemExit('the repository is in the way')\n"
    )
    tool = place.tools().provide("hee-tidy")
    assert (tool.version, tool.source) == ("2.0.1", "pinned by requirements.txt")
    assert str(tool) == "hee-tidy 2.0.1 (pinned by requirements.txt)"
    assert tool.argv[0].startswith(str(place.root / "cache"))
    assert [entry.name for entry in (place.root / "cache").iterdir()] == [
        f"hee-tidy-2.0.1-py{sys.version_info.major}{sys.version_info.minor}"
    ]
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    tools = place.tools()
    assert tools.provide("hee-tidy") == tool
    assert tools.provide("hee-tidy") is tools.provide("hee-tidy")
    assert tools.run(tool).output == b"hee_tidy 2.0.1\n"


def test_two_that_install_the_same_tool_at_once_both_get_it(place, index):
    place.files(requirements_dot_txt="hee-tidy==2.0.1\n")
    homes = [place.root / f"home{n}" for n in range(2)]
    for home in homes:
        home.mkdir()
    with ThreadPoolExecutor(2) as pool:
        tools = list(
            pool.map(lambda home: ToolCache(place.root / "cache", home).provide("hee-tidy", place.tree), homes)
        )
    assert tools[0] == tools[1]
    assert len(list((place.root / "cache").iterdir())) == 1


def test_a_tool_that_is_not_what_it_says_is_not_used(place, index):
    place.files(requirements_dot_txt="hee-liar==2.0.1\n")
    with pytest.raises(ToolMissing, match=r"hee-liar in the cache says 9\.9\.9, not 2\.0\.1"):
        place.tools().provide("hee-liar")


def test_a_tool_that_no_index_has_leaves_no_half_of_itself_in_the_cache(place, index):
    place.files(requirements_dot_txt="hee-tidy==2.0.9\n")
    with pytest.raises(ToolMissing, match=r"hee-tidy 2\.0\.9, which the repository pins, can't be installed here"):
        place.tools().provide("hee-tidy")
    assert list((place.root / "cache").iterdir()) == []


def test_a_file_in_the_place_of_a_cached_tool_is_an_error_and_stays(place, index):
    place.files(requirements_dot_txt="hee-tidy==2.0.1\n")
    blocker = place.root / "cache" / f"hee-tidy-2.0.1-py{sys.version_info.major}{sys.version_info.minor}"
    blocker.parent.mkdir()
    blocker.write_text("mine")
    with pytest.raises(OSError):
        place.tools().provide("hee-tidy")
    assert [entry.name for entry in blocker.parent.iterdir()] == [blocker.name]


def test_a_cache_that_cannot_be_written_is_an_error_and_not_a_wrong_tool(place, index):
    place.files(requirements_dot_txt="hee-tidy==2.0.1\n")
    (place.root / "blocked").write_text("")
    with pytest.raises(OSError):
        place.tools(cache="blocked/x").provide("hee-tidy")


def test_the_machines_own_tool_is_used_when_it_is_the_pinned_one_or_nothing_is_pinned(place):
    place.program("black", "exit 0")
    assert place.tools().provide("black").source == "of this machine; the repository pins none"
    place.files(requirements_dot_txt="black==1.2.3\n")
    assert str(place.tools().provide("black")) == "black 1.2.3 (pinned by requirements.txt)"


def test_a_tool_that_is_nowhere_is_named(place):
    with pytest.raises(ToolMissing, match="hee-nowhere is not installed and the repository pins no version"):
        place.tools().provide("hee-nowhere")
    place.files(package_dot_json='{"devDependencies": {"prettier": "3.0.0"}}')
    place.monkeypatch.setenv("PATH", str(place.bin))
    with pytest.raises(ToolMissing, match=r"prettier 3\.0\.0|npm is not installed|node is not installed"):
        place.tools().provide("prettier")


def test_a_part_of_a_toolchain_is_never_looked_for_in_an_index(place):
    place.program("npm", "exit 0")
    assert place.tools(log="npm install -g npm@11.21.2\n").provide("npm").version == "1.2.3"


# ------------------------------------------------------------------ what a log names


def test_a_path_of_a_log_is_found_whatever_folder_the_tool_ran_in(place):
    place.files(src__a_dot_py="", src__deep__b_dot_py="", other__b_dot_py="", c_dot_py="")
    (place.tree / "link.py").symlink_to("c.py")
    tools = place.tools()
    for text, path in (
        ("src/a.py", "src/a.py"), ("./src/a.py", "src/a.py"), ("a.py", "src/a.py"), ("/home/runner/work/x/x/src/a.py", "src/a.py"), ("'c.py'", "c.py"),
        ("deep/b.py", "src/deep/b.py"), ("src\\a.py", "src/a.py"), ("b.py", None), ("d.py", None), ("../../etc/passwd", None), ("", None), ("link.py", None), ("/", None),
    ):  # fmt: skip
        assert tools.resolve(text) == path, text


def test_a_log_that_names_everything_is_cut_off(place):
    place.files(a_dot_py="", b_dot_py="", c_dot_txt="")
    tools = place.tools("would reformat a.py\nwould reformat c.txt\nwould reformat b.py\nwould reformat a.py\n")
    assert tools.named(r"^would reformat (?P<path>.+)$", suffixes=(".py",)) == ("a.py", "b.py")
    assert tools.named(r"^would reformat (?P<path>.+)$") == ("a.py", "b.py", "c.txt")


def test_files_are_only_read_and_written_as_regular_files_inside_the_tree(place):
    place.files(a_dot_py="x")
    os.mkfifo(place.tree / "pipe")
    (place.tree / "folder").mkdir()
    tools = place.tools()
    assert confined.read(place.tree, "a.py", limit=0) is None
    assert tools.read("pipe") is None
    for action in (lambda path: tools.write(path, b""), lambda path: tools.make_executable([path])):
        for path in ("pipe", "folder", "missing"):
            with pytest.raises(OSError):
                action(path)
        with pytest.raises(ValueError, match="plain relative path"):
            action("a/../b")
    with pytest.raises(FileExistsError):
        tools.create("a.py", b"")
    reader = os.open(place.tree / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="pipe is not a regular file"):
            tools.write("pipe", b"for whoever listens")
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)


# ------------------------------------------------------------------ tools that fail


@pytest.mark.parametrize(
    ("script", "reason"),
    [("exit 3", "could not process the files (exit status 3)"), ("sleep 30", "did not end in time")],
)
def test_a_formatter_that_fails_is_a_declined_repair(place, script, reason):
    place.files(a_dot_py="x  = 1\n").program("black", script)
    done = BlackFormat().apply(said(), place.tree, place.tools("would reformat a.py\n", timeout=1.0))
    assert isinstance(done, Declined)
    assert reason in done.reason


def test_a_log_that_names_nothing_is_a_declined_repair(place):
    place.program("black", "exit 0")
    done = BlackFormat().apply(said(), place.tree, place.tools("it failed\n"))
    assert done == Declined("the job's log names no tracked file that black would change")


def test_findings_in_files_that_git_does_not_track_are_declined(place):
    done = RuffLint().apply(said(), place.tree, place.tools("build/a.py:1:1: F401 [*] `os` imported but unused\n"))
    assert done == Declined("the job's log names no tracked file that ruff would change")


def test_a_whitespace_log_that_names_clean_or_unknown_files_is_declined(place):
    place.files(a_dot_txt="clean\n")
    log = "- hook id: other\nFixing a.txt\nFixing gone.txt\ni/crlf w/crlf attr/\tgone.txt\nb.txt: CRLF\na.txt:900: trailing whitespace.\na.txt\n"
    assert isinstance(Whitespace().apply(said(), place.tree, place.tools(log)), Declined)


def test_cargo_fmt_needs_a_package_and_a_toolchain(place):
    place.files(tool__Cargo_dot_toml="[package]\n", tool__src__a_dot_rs="", lone_dot_rs="").program("rustfmt", "")
    log = "Diff in /x/tool/src/a.rs:1:\n"
    assert CargoFmt().apply(said(), place.tree, place.tools("Diff in lone.rs:1:\n")) == Declined(
        "the job's log names no file of a package"
    )
    place.monkeypatch.setenv("PATH", str(place.bin))
    with pytest.raises(ToolMissing, match="cargo is not installed"):
        CargoFmt().apply(said(), place.tree, place.tools(log))
    place.monkeypatch.setenv("PATH", f"{place.bin}:/usr/bin:/bin")
    place.program("cargo", "exit 1")
    assert (
        "could not process the package (exit status 1)" in CargoFmt().apply(said(), place.tree, place.tools(log)).reason
    )
    place.program("cargo", "exit 0")
    assert isinstance(CargoFmt().apply(said(), place.tree, place.tools(log)), Change)


@pytest.mark.parametrize(
    ("strategy", "name", "lock"), [(UvLock(), "uv", "uv.lock"), (NpmLock(), "npm", "package-lock.json")]
)
def test_a_lock_file_is_made_by_its_tool_or_left(place, strategy, name, lock):
    assert "git tracks no" in strategy.apply(said(), place.tree, place.tools(network=True)).reason
    confined.create(place.tree, lock, b"{}")
    place.program(name, "exit 2")
    refused = strategy.apply(said(), place.tree, place.tools(network=True)).reason
    assert "could not resolve the dependencies (exit status 2)" in refused
    place.program(name, "exit 0")
    assert isinstance(strategy.apply(said(), place.tree, place.tools(network=True)), Change)


@pytest.mark.parametrize("strategy", [each for each in REGISTRY if "lockfile" in each.rows], ids=lambda each: each.name)
def test_without_a_tracked_lock_file_nothing_is_locked(place, strategy):
    assert strategy.apply(said(), place.tree, place.tools(network=True)).reason.startswith("git tracks no ")
    assert strategy.terms.keeps is Keeps.PINS


def compiled(options="", python=f"{sys.version_info.major}.{sys.version_info.minor}"):
    return f"#\n# This file is autogenerated by pip-compile with Python {python}\n# by the following command:\n#\n#    pip-compile{options}\n#\nsix==1\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (compiled(" --upgrade in.txt"), "was compiled with an option that is not repeated here: --upgrade"),
        (compiled(" --index-url=x in.txt"), "an option that is not repeated here: --index-url=x"),
        (compiled(python="2.7"), "was compiled with Python 2.7, which this is not"),
        (compiled(" requirements.in"), "could not resolve requirements.txt (exit status 5)"),
    ],
)
def test_pip_compile_repeats_only_what_does_not_upgrade(place, text, reason):
    place.files(requirements_dot_txt=text, requirements_dot_in="six\n", dev_dot_txt="pip-tools==1.2.3\n").program(
        "pip-tools", "exit 5"
    )
    confined.create(place.tree, "requirements/dev.txt", b"pip-tools==1.2.3\n")
    assert reason in PipCompile().apply(said(), place.tree, place.tools(network=True)).reason


def test_a_yarn_that_loads_plugins_is_left_to_people(place):
    assert YarnLock().applies(said("yarn.lock does not fit package.json"), place.tree) is None
    place.files(_dot_yarnrc_dot_yml="plugins:\n  - path: x.cjs\n")
    assert (
        YarnLock().applies(said("yarn.lock does not fit package.json"), place.tree)
        == "the repository's Yarn loads plugins"
    )


def test_clippy_needs_a_package_crates_and_a_toolchain(place):
    place.files(tool__Cargo_dot_toml="[package]\n", tool__src__a_dot_rs="", lone_dot_rs="")
    log, alone = " --> tool/src/a.rs:1:1\n", " --> lone.rs:1:1\n"
    assert "names no file of a package" in ClippyFix().apply(said(), place.tree, place.tools(alone)).reason
    place.program("cargo", "exit 1")
    assert "could not fetch the crates" in ClippyFix().apply(said(), place.tree, place.tools(log)).reason
    place.program("cargo", '[ "$1" = fetch ]')
    assert (
        "could not process the package (exit status 1)"
        in ClippyFix().apply(said(), place.tree, place.tools(log)).reason
    )


@pytest.mark.skipif(
    not any(said.startswith("no network where") for said in sandbox.isolation()),
    reason="the network can't be cut off here",
)
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_a_command_that_asks_for_the_network_gets_it_only_where_the_strategy_declares_it(place, declared, asked):
    tool = Tool("readlink", "", ("readlink", "/proc/self/ns/net"), "of this machine")
    seen = place.tools(network=declared).run(tool, network=asked).output.decode().strip()
    assert (seen == str(Path("/proc/self/ns/net").readlink())) is (declared and asked)


def test_pre_commit_runs_only_hooks_that_changed_files(place):
    log = "- hook id: {}\n- exit code: 1\n{}\n"
    place.program("pre-commit", '[ "$1" = run ] || exit 0; echo "$@" >> calls; exit 1')
    nothing = PreCommit().apply(said(), place.tree, place.tools(log.format("mypy", "error")))
    assert nothing == Declined("the job's log names no hook that modified files")
    modified = log.format("black", "- files were modified by this hook")
    assert PreCommit().apply(said(), place.tree, place.tools(modified)) == Change(
        "Keep what 1 pre-commit hook changed", "pre-commit 1.2.3 (of this machine; the repository pins none)"
    )
    assert (place.tree / "calls").read_text() == "run --all-files --color=never black\n"
    place.program("pre-commit", '[ "$1" = run ] || exit 0; exit 3')
    assert "exit status 3" in PreCommit().apply(said(), place.tree, place.tools(modified)).reason
    place.program("pre-commit", "exit 1")
    assert "could not install the hooks" in PreCommit().apply(said(), place.tree, place.tools(modified)).reason


# ------------------------------------------------------------------ which strategy is for what


@pytest.mark.parametrize(
    ("strategy", "title", "gate"),
    [
        (RuffFormat(), "Files are not formatted (ruff format)", "ruff format --check"), (BlackFormat(), "Files are not formatted (black)", "black --check ."),
        (IsortImports(), "Imports are not sorted (isort)", "isort -c ."), (Prettier(), "Files are not formatted (Prettier)", "prettier --check ."),
        (RuffImports(), "Ruff findings", "ruff check"), (RuffLint(), "Ruff findings", "ruff check"),
    ],
)  # fmt: skip
def test_a_tools_strategy_applies_where_it_failed_or_a_gate_calls_it(place, strategy, title, gate):
    assert strategy.applies(said(title), place.tree) is None
    assert strategy.applies(said("Files are not formatted (gofmt)"), place.tree).startswith(
        "no gate of this repository calls"
    )
    place.files(Makefile=f"lint:\n\t{gate}\n")
    assert strategy.applies(said("Files are not formatted"), place.tree) is None


def test_lockfile_strategies_apply_to_their_own_lockfile(place):
    assert UvLock().applies(said("uv.lock is out of date"), place.tree) is None
    assert UvLock().applies(said("The lockfile is out of date"), place.tree) == "the failure is not about uv.lock"
    place.files(uv_dot_lock="")
    assert UvLock().applies(said("The lockfile is out of date"), place.tree) is None
    place.files(poetry_dot_lock="")
    assert UvLock().applies(said("The lockfile is out of date"), place.tree) is not None
    assert NpmLock().applies(said(text="npm error `npm ci` can only install"), place.tree) is None
    assert (
        NpmLock().applies(said(text="pnpm: ERR_PNPM_OUTDATED_LOCKFILE"), place.tree)
        == "the failure is not about package-lock.json"
    )


def test_other_strategies_say_why_they_do_not_apply(place):
    assert CargoFmt().applies(said("Files are not formatted (black)"), place.tree) == "the failure is not rustfmt's"
    assert PreCommit().applies(said(), place.tree) == "the repository has no .pre-commit-config.yaml"
    place.files(_dot_pre_commit="")
    confined.create(place.tree, ".pre-commit-config.yaml", b"repos: []\n")
    assert PreCommit().applies(said(), place.tree) == "no gate of this repository calls `pre-commit`"
    place.files(Makefile="pre-commit run --all-files\n")
    assert PreCommit().applies(said(), place.tree) is None
    assert SpecSkeleton().applies(said("a gap"), place.tree) == "the gap names no clause"
    assert (
        SpecSkeleton().applies(said("a gap", clause="MUST-A-001"), place.tree) == "the repository is no Python project"
    )


# ------------------------------------------------------------------ skeletons


def test_a_gap_names_its_clauses_in_captures_or_else_in_its_evidence():
    assert clauses(said(clause="MUST-LOG-003")) == ("MUST-LOG-003",)
    assert clauses(said(clauses="SEED-001 SEED-002 SEED-001")) == ("SEED-001", "SEED-002")
    assert clauses(said(text="SHOULD-X-001: it should")) == ("SHOULD-X-001",)
    assert clauses(said(text="nothing")) == ()
    assert len(clauses(said(clauses=" ".join(f"SEED-{n:03}" for n in range(50))))) == 20


def test_a_skeleton_stands_with_the_other_tests(place):
    assert skeleton_path(place.tools(), "MUST-LOG-003") == "tests/spec/test_must_log_003.py"
    place.files(test__a_dot_py="")
    assert skeleton_path(place.tools(), "MUST-LOG-003") == "test/spec/test_must_log_003.py"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import pytest\n@pytest.mark.xfail(run=False)\ndef test_a(): ...\n", ""), ("def test_a(): ...\n", "the skeletons can't be collected as pending tests"),
        ("import pytest\n@pytest.mark.xfail(run=False)\ndef test_a(): ...\ndef test_b(): ...\n", "a skeleton passes, which it never should"), ("import nowhere\n", "the skeletons can't be collected as pending tests"),
    ],
)  # fmt: skip
def test_a_skeleton_is_run_to_prove_that_it_is_pending(place, text, fault):
    confined.create(place.tree, "tests/spec/test_must_a_001.py", text.encode())
    place.monkeypatch.setenv("PATH", f"{place.bin}:{Path(sys.executable).parent}:/usr/bin:/bin")
    assert SpecSkeleton().prove(said(clause="MUST-A-001"), place.tree, place.tools()) == fault


@pytest.mark.parametrize(
    ("path", "text", "trace"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\nmarkers = ["spec(*ids): rows"]\n', "@pytest.mark.spec("), ("pyproject.toml", "[tool]\npytest = 3\n", "# spec: "),
        ("pyproject.toml", "broken [", "# spec: "), ("pyproject.toml", '[tool.pytest.ini_options]\nmarkers = ["slow", 3]\n', "# spec: "), ("tox.ini", "[pytest]\nmarkers =\n    spec: rows\n", "@pytest.mark.spec("),
    ],
)  # fmt: skip
def test_the_marker_is_used_where_the_repository_registers_it(place, path, text, trace):
    confined.create(place.tree, path, text.encode())
    SpecSkeleton().apply(said(clause="MUST-A-001"), place.tree, place.tools())
    assert trace in (place.tree / "tests/spec/test_must_a_001.py").read_text()
    assert SpecSkeleton.terms.keeps is Keeps.NOTHING
