"""Workflows as most repositories have them: set-up actions, caches, artifacts, and actions that cannot be had here."""

from __future__ import annotations

import sys

import pytest
from worlds import git, repository

from hee_core.clock import SYSTEM
from hee_monitoring import sandbox
from hee_monitoring.evidence import Conclusion, Job
from hee_monitoring.sources.act import ActSource

pytestmark = pytest.mark.skipif(sandbox.find("act") is None, reason="act is not installed")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {python: ['@HERE@', '3.99']}}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        id: python
        with:
          python-version: ${{ matrix.python }}
          cache: pip
      - run: python -c "import sys; assert sys.prefix != sys.base_prefix; print('prefix', sys.prefix)"; pip --version
      - run: echo "version ${{ steps.python.outputs.python-version }}"
  package:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/cache@v4
        id: cache
        with: {path: x, key: k}
      - run: test -z "${{ steps.cache.outputs.cache-hit }}"; mkdir -p dist/deep; echo 1 > dist/a.whl; echo 2 > dist/deep/b.txt; echo 3 > dist/.hidden
      - uses: actions/upload-artifact@v4
        with:
          name: dist
          path: |
            dist/**
            !dist/**/*.txt
  use:
    runs-on: ubuntu-latest
    needs: package
    steps:
      - uses: actions/download-artifact@v4
        with: {name: dist, path: got}
      - run: find got -type f | sort; test "$(cat got/a.whl)" = 1
  red:
    runs-on: ubuntu-latest
    steps:
      - run: echo reason; exit 3
      - if: always()
        uses: codecov/codecov-action@v4
  green:
    runs-on: ubuntu-latest
    steps: [{run: echo fine}, {uses: codecov/codecov-action@v4, with: {token: x}}]
  lost:
    runs-on: ubuntu-latest
    steps: [{uses: actions/download-artifact@v4, with: {name: nothing}}, {run: echo never}]
  empty:
    runs-on: ubuntu-latest
    steps: [{uses: actions/upload-artifact@v4, with: {path: none, if-no-files-found: error}}]
""".replace("@HERE@", HERE)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    place = tmp_path_factory.mktemp("published")
    root = repository(place / "repo", {".github/workflows/ci.yml": WORKFLOW})
    (run,) = ActSource(root, clock=SYSTEM, work=place / "work").runs(git(root, "rev-parse", "HEAD"))
    assert list((place / "work").iterdir()) == []
    return {job.name: job for job in run.jobs}


def test_a_python_that_is_here_is_set_up_in_an_environment_of_its_own(jobs: dict[str, Job]) -> None:
    job = jobs[f"test ({HERE})"]
    assert (job.conclusion, job.reason) == (Conclusion.SUCCESS, ""), job.log.decode()
    assert b"prefix /home/runner/.hee-python/" in job.log
    assert f"version {HERE}.".encode() in job.log


def test_a_python_that_is_not_here_is_unknown(jobs: dict[str, Job]) -> None:
    job = jobs["test (3.99)"]
    assert job.conclusion is Conclusion.UNKNOWN
    assert job.reason.startswith(f"'Run actions/setup-python@v5' needs Python 3.99; here is {HERE}.")


def test_artifacts_go_from_job_to_job(jobs: dict[str, Job]) -> None:
    assert jobs["package"].conclusion is Conclusion.SUCCESS, jobs["package"].log.decode()
    assert jobs["use"].conclusion is Conclusion.SUCCESS, jobs["use"].log.decode()
    assert jobs["use"].log.count(b"\ngot/") == 1


def test_an_artifact_that_nobody_uploaded_is_unknown_and_files_that_must_be_there_are_red(jobs: dict[str, Job]) -> None:
    assert jobs["lost"].conclusion is Conclusion.UNKNOWN
    assert "the artifact nothing, which no job of this local run uploaded" in jobs["lost"].reason
    assert jobs["empty"].conclusion is Conclusion.FAILURE
    assert b"##[error]No files were found with the provided path: none." in jobs["empty"].log


def test_what_fails_before_an_action_that_cannot_be_had_is_red_and_what_passes_is_unknown(jobs: dict[str, Job]) -> None:
    assert jobs["red"].conclusion is Conclusion.FAILURE
    assert jobs["green"].conclusion is Conclusion.UNKNOWN
    assert jobs["green"].reason == (
        "'Run codecov/codecov-action@v4' needs the action codecov/codecov-action@v4, which would have to be fetched"
    )
