"""What stands in for published actions: which versions are taken for another, and what is never taken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hee_monitoring.sources import published


@pytest.mark.parametrize(
    ("version", "wanted", "yes"),
    [
        ("3.11.7", "3.11", True), ("3.11.7", "3", True), ("3.11.7", "3.x", True), ("3.11.7", "3.11.x", True), ("3.11.7", "3.11.7", True),
        ("3.11.7", "3.1", False), ("3.11.7", "3.11.4", False), ("3.11.7", "3.12", False), ("3.11.7", "pypy3.9", False),
        ("3.11.7", ">=3.9", True), ("3.11.7", ">=3.9 <3.11", False), ("3.11.7", ">= 3.9, < 3.12", True), ("3.11.7", "==3.11", True),
        ("20.20.2", "v20", True), ("20.20.2", "18 || 20", True), ("20.20.2", "^20.1", True), ("20.20.2", "^18", False),
        ("20.20.2", "~20.20", True), ("0.5.3", "^0.4", False), ("0.4.3", "^0.4.1", True), ("20.20.2", "~20.19", False), ("20.20.2", ">20", False), ("20.20.2", "<=20", True),
        ("20.20.2", "<=20.20.2", True), ("20.20.2", ">20.20.1", True), ("20.20.2", "<=20.19", False), ("20.20.2", "<20", False),
        ("20.20.2", "x", True), ("20.20.2", "lts/*", False), ("20.20.2", "", False), ("20.20.2", ">=18 or so", False),
    ],
)  # fmt: skip
def test_a_version_satisfies_what_the_range_says(version: str, wanted: str, yes: bool) -> None:
    assert published.satisfies(version, wanted) is yes


class Step:
    """Runs a stand-in in this process, with programs of the test's own on the PATH."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.place, self.monkeypatch, self.capsys = place, monkeypatch, capsys
        (place / "bin").mkdir()
        monkeypatch.setenv("PATH", f"{place / 'bin'}:/usr/bin:/bin")
        monkeypatch.setenv("HOME", str(place))
        monkeypatch.chdir(place)
        for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH"):
            monkeypatch.setenv(name, str(place / name))

    def program(self, name: str, says: str) -> None:
        file = self.place / "bin" / name
        file.write_text(f"#!/bin/sh\necho '{says}'\n")
        file.chmod(0o755)

    def __call__(self, uses: str, verb: str, **inputs: str) -> tuple[int, str]:
        with self.monkeypatch.context() as patch:
            for name, value in inputs.items():
                patch.setenv(f"HEE_INPUT_{name.upper()}", value)
            patch.setattr(sys, "argv", ["published.py", uses, verb, str(self.place / "artifacts")])
            return published.main(), self.capsys.readouterr().out

    def said(self, name: str) -> str:
        return (self.place / name).read_text() if (self.place / name).exists() else ""


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Step:
    return Step(tmp_path, monkeypatch, capsys)


def test_tools_of_this_machine_are_taken_if_their_version_fits(step: Step) -> None:
    step.program("node", "v20.20.2")
    step.program("go", "go version go1.22.3 linux/amd64")
    step.program("javac", "javac 17.0.15")
    step.program("java", 'openjdk version "17.0.15" 2025-04-15')
    step.program("uv", "uv 0.9.1")
    step.program("rustc", "rustc 1.95.0 (abc 2026-04-14)")
    step.program("cargo", "cargo 1.95.0")
    step.program("cargo-fmt", "rustfmt 1.9.0")
    assert step("actions/setup-node@v4", "node", node_version="20.x")[0] == 0
    assert step("actions/setup-node@v4", "node", node_version="lts/*")[0] == 0
    assert step("actions/setup-node@v4", "node")[0] == 0
    assert step("actions/setup-node@v4", "node", node_version="22") == (
        78,
        "[hee: not here: Node 22; here is 20.20.2]\n",
    )
    assert "node-version=v20.20.2" in step.said("GITHUB_OUTPUT")
    assert step("actions/setup-go@v5", "go", go_version="stable")[0] == 0
    assert step("actions/setup-go@v5", "go", go_version="1.21")[0] == 78
    (step.place / "go.mod").write_text("module x\n\ngo 1.21\n")
    assert step("actions/setup-go@v5", "go", go_version_file="go.mod")[0] == 0
    assert step("actions/setup-java@v4", "java", java_version="17", distribution="temurin")[0] == 0
    assert f"JAVA_HOME={step.place}" in step.said("GITHUB_ENV")
    assert step("astral-sh/setup-uv@v6", "uv", python_version="3.12")[0] == 0
    assert "UV_PYTHON=3.12" in step.said("GITHUB_ENV")
    assert step("astral-sh/setup-uv@v6", "uv", version="0.8.0")[0] == 78
    assert step("dtolnay/rust-toolchain@stable", "rust", components="rustfmt")[0] == 0
    assert step("dtolnay/rust-toolchain@1.95", "rust")[0] == 0
    assert step("dtolnay/rust-toolchain@stable", "rust", components="rustfmt, clippy") == (
        78,
        "[hee: not here: the Rust component clippy]\n",
    )
    assert step("dtolnay/rust-toolchain@nightly", "rust")[0] == 78
    assert step("dtolnay/rust-toolchain@stable", "rust", targets="wasm32-unknown-unknown")[0] == 78


def test_what_is_not_installed_is_not_here(step: Step) -> None:
    step.monkeypatch.setenv("PATH", str(step.place / "bin"))
    for verb in ("node", "go", "java", "uv", "rust"):
        code, said = step("a/b@v1", verb)
        assert (code, said[:16]) == (78, "[hee: not here: "), said
    assert step("actions/setup-python@v5", "python", python_version="3.11") == (
        78,
        "[hee: not here: Python 3.11; here is none]\n",
    )
    assert step("actions/setup-python@v5", "python", python_version="3.11", architecture="arm64")[0] == 78
    assert step("a/b@v1", "unavailable") == (78, "[hee: not here: the action a/b@v1, which would have to be fetched]\n")
    step.program("python3", "CPython 3.11.7 /nowhere/python3")
    assert step("actions/setup-python@v5", "python")[0] == 78
    step.program("false", "")
    (step.place / "bin" / "false").write_text("#!/bin/sh\nexit 1\n")
    step.program("python3", f"CPython 3.11.7 {step.place / 'bin' / 'false'}")
    assert step("actions/setup-python@v5", "python")[0] == 78


def test_versions_come_from_the_files_that_name_them(step: Step) -> None:
    for name, text, wanted in (
        (".python-version", "3.11\n", "3.11"), (".tool-versions", "nodejs 20.1.0\npython 3.12.1\n", "20.1.0"),
        ("package.json", '{"engines": {"node": ">=18"}}', ">=18"), ("pyproject.toml", '[project]\nrequires-python = ">=3.9,<4"\n', ">=3.9 <4"),
        ("empty", "", ""), ("long", "x" * 90, ""),
    ):  # fmt: skip
        (step.place / name).write_text(text)
        assert published.from_file(name) == wanted
    assert published.from_file("none") == ""


def test_a_cache_is_empty_unless_the_step_cannot_bear_it(step: Step) -> None:
    assert step("actions/cache@v4", "cache", key="k") == (0, "Cache not found for input keys: k\n")
    assert step.said("GITHUB_OUTPUT") == "cache-hit=\n"
    assert step("actions/cache@v4", "cache", key="k", fail_on_cache_miss="true")[0] == 78


def test_artifacts_keep_their_shape(step: Step) -> None:
    for path in ("out/a/1.txt", "out/b/2.txt", "out/b/.secret", "log.txt"):
        (step.place / path).parent.mkdir(parents=True, exist_ok=True)
        (step.place / path).write_text(path)
    upload, download = ("actions/upload-artifact@v4", "upload"), ("actions/download-artifact@v4", "download")
    assert step(*upload, path="out") == (0, "Artifact artifact has been successfully uploaded: 2 file(s)\n")
    assert "already exists" in step(*upload, path="out")[1]
    assert step(*upload, path="out/b/*\nlog.txt\n!**/2.txt\n\n", overwrite="true", include_hidden_files="true")[0] == 0
    assert step(*upload, name="../x", path="log.txt")[0] == 0
    assert step(*download, name="artifact", path="one")[0] == 0
    assert sorted(
        str(file.relative_to(step.place / "one")) for file in (step.place / "one").rglob("*") if file.is_file()
    ) == ["log.txt"]
    assert step(*download, path="all")[0] == 0
    assert sorted(each.name for each in (step.place / "all").iterdir()) == ["_x", "artifact"]
    assert step(*download, path="flat", merge_multiple="true", pattern="_*")[0] == 0
    assert [each.name for each in (step.place / "flat").iterdir()] == ["log.txt"]
    assert step(*download, name="none")[0] == 78
    assert step(*upload, name="n", path="nothing")[1].startswith("::warning::No files were found")
    assert step(*upload, name="n", path="nothing", if_no_files_found="ignore")[1].startswith("No files")
    assert step(*upload, name="n", path="nothing", if_no_files_found="error")[0] == 1


@pytest.mark.parametrize("pattern", ["cov-**", "/abs*", "../*", "{a,b}-*"])
def test_a_pattern_that_only_githubs_action_understands_is_not_here(step: Step, pattern: str) -> None:
    (step.place / "artifacts" / "cov-a").mkdir(parents=True)
    code, said = step("actions/download-artifact@v4", "download", path="out", pattern=pattern)
    assert (code, said.splitlines()[-1][:15]) == (78, "[hee: not here:")
    assert not (step.place / "out").exists()


def test_a_fault_of_the_stand_in_is_no_failure_of_the_step(step: Step) -> None:
    assert step("actions/setup-node@v4", "node", node_version="9" * 5000)[0] == 78
    (step.place / "artifacts").mkdir()
    code, said = step("actions/download-artifact@v4", "download", path="~nobody-of-this-name/x")
    assert (code, len(said.splitlines())) == (78, 1)
