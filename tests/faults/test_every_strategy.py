"""Whatever fails, at whatever step of whatever strategy: the repository is as it was, and the next start says what it discarded."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from dataclasses import replace

import pytest
from repair_world import World, fingerprint_of, git, make_repository

from hee_core.errors import GitError, ToolMissing
from hee_core.git import Repository
from hee_monitoring.fixes import REGISTRY, Change, Declined, Terms, discard_leftovers
from hee_monitoring.fixes.meaning import Keeps

pytestmark = pytest.mark.spec("SEED-091", "SEED-092", "SEED-100")
JOBS = {"lint": "! grep -n '  ' a.py", "other": "test -f b.txt"}
FILES = {
    "a.py": "x =  1\n", "b.txt": "b\n", "pyproject.toml": "[project]\nname = 'x'\nversion = '1'\n", "package.json": "{}\n", "run.sh": "#!/bin/sh\n",
    "Cargo.toml": "[package]\nname = 'x'\n", "go.mod": "module x\n", "uv.lock": "version = 1\n", "package-lock.json": "{}\n",
}  # fmt: skip
FAULTS = {
    "no space": OSError(errno.ENOSPC, "No space left on device"),
    "timeout": subprocess.TimeoutExpired("tool", 1),
    "no tool": ToolMissing("the tool is gone", hint="install it"),
    "declined": None,
}


class Hurt:
    """A registered strategy under its own terms: it starts its work, leaves half of it behind, and is hit."""

    def __init__(self, strategy, fault):
        self.fault, self.name, self.rows, self.network = fault, strategy.name, strategy.rows, strategy.network
        self.strategy, self.terms = (
            strategy,
            Terms(**{**{n: getattr(strategy.terms, n) for n in strategy.terms.__dataclass_fields__}, "gate": True}),
        )

    def applies(self, diagnosis, tree):
        return None

    def apply(self, diagnosis, tree, tools):
        half = [path for path in ("a.py", "pyproject.toml", "package-lock.json") if tools.is_file(path)]
        for path in half:
            tools.write(path, b"half of a rep")
        (tree / "left-behind").write_text("x")
        (tree / ".git" / "config").write_text("[core]\n\thooksPath = /tmp\n")
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if FAULTS[self.fault] is None:
            return Declined("the tool ended with exit status 1")
        raise FAULTS[self.fault]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository of somebody who was interrupted: staged, changed, stashed, hooked and configured."""
    root = make_repository(tmp_path_factory.mktemp("faults") / "repo", FILES)
    (root / "b.txt").write_text("stashed\n")
    git(root, "stash", "--quiet")
    (root / "b.txt").write_text("staged\n")
    git(root, "add", "b.txt")
    (root / "b.txt").write_text("changed\n")
    (root / "unsaved").write_text("mine")
    (root / ".git/hooks/pre-commit").write_text("#!/bin/sh\nexit 1\n")
    git(root, "config", "alias.x", "status")
    return root


@pytest.fixture(scope="module")
def seen(root):
    """The failure as a monitor saw it, and the repository's hash then."""
    return World(root, root.parent / "seen" / "work", dict(JOBS)).request("lint"), fingerprint_of(root)


@pytest.fixture
def world(root, seen, tmp_path):
    world = World(root, tmp_path / "work", dict(JOBS))
    yield world, seen[0]
    assert fingerprint_of(root) == seen[1]
    assert not world.work.exists() or list(world.work.iterdir()) == []


@pytest.mark.parametrize("strategy", REGISTRY, ids=lambda strategy: strategy.name)
def test_a_strategy_that_is_hit_leaves_nothing(world, strategy, soak):
    here, request = world
    kinds = list(FAULTS) if soak else [list(FAULTS)[REGISTRY.index(strategy) % len(FAULTS)]]
    for fault in kinds:
        asked = replace(request, matrix_row=strategy.rows[0], approved=bool(strategy.terms.reviewed))
        outcome = here.repair(asked, strategies=(Hurt(strategy, fault),))
        assert outcome.outcome == ("refused" if fault in ("declined", "no tool") else "rolled_back")
        assert str(FAULTS[fault] or "exit status 1") in outcome.reason
        assert (outcome.commit, outcome.tree, outcome.files) == ("", "", ())


def killed(world, request, strategy, progress=lambda _: None):
    """Repairs in a process of its own, which somebody kills, and gives its number."""
    child = os.fork()
    if child == 0:
        world.repair(request, strategies=(strategy,), progress=progress)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return child


def kind(strategy):
    """All of a strategy that the transaction around it looks at, but for the globs."""
    terms = strategy.terms
    return terms.keeps, terms.executable, terms.pending_tests, terms.whole_tree, strategy.network, bool(terms.reviewed)


@pytest.mark.parametrize("strategy", REGISTRY, ids=lambda strategy: strategy.name)
def test_a_process_that_is_killed_within_a_strategy_is_discarded_at_the_next_start(world, strategy, soak):
    if not soak and next(each for each in REGISTRY if kind(each) == kind(strategy)) is not strategy:
        pytest.skip("one of its kind is killed; HEE_SOAK=1 kills every one")
    here, request = world
    asked = replace(request, matrix_row=strategy.rows[0], approved=bool(strategy.terms.reviewed))
    child = killed(here, asked, Hurt(strategy, "kill"))
    assert discard_leftovers(here.work) == (
        f"discarded the unfinished repair fix-1 of process {child}; nothing of it was published",
    )


class Tidy:
    """Removes the double blank."""

    name, rows, network = "tidy", ("format",), False
    terms = Terms(paths=("**",), keeps=Keeps.CODE)

    def applies(self, diagnosis, tree):
        return None

    def apply(self, diagnosis, tree, tools):
        tools.write("a.py", tools.read("a.py").replace(b"  ", b" "))
        return Change("Tidy", "tidy 1")


def test_git_may_fail_at_any_of_its_calls(world, monkeypatch, soak):
    here, request = world
    real, calls, fail_at = Repository.attempt, 0, 0

    def attempt(self, *arguments, **options):
        nonlocal calls
        calls += 1
        if calls == fail_at:
            raise (GitError("git was killed") if fail_at % 2 else OSError(errno.ENOSPC, "No space left on device"))
        return real(self, *arguments, **options)

    monkeypatch.setattr(Repository, "attempt", attempt)
    before = fingerprint_of(here.root)
    assert here.repair(request, strategies=(Tidy(),)).outcome == "verified"
    total, step = calls, 1 if soak else 7  # odd, so that both errors come in turn
    assert total > 20
    for fail_at in range(1, total + 1, step):
        calls = 0
        outcome = here.repair(request, strategies=(Tidy(),))
        assert outcome.outcome in ("rolled_back", "refused", "verified"), fail_at
        assert outcome.kept == bool(outcome.commit)
        assert fingerprint_of(here.root) == before, fail_at
        assert list(here.work.iterdir()) == [], fail_at


STEPS = (
    "cloning",
    "reproducing",
    "repairing",
    "checking the diff",
    "proving",
    "running the fixer again",
    "running the other jobs",
    "committing",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_is_killed_at_any_step_is_discarded_at_the_next_start(world, step):
    here, request = world
    killed(here, request, Tidy(), lambda name: name == step and os.kill(os.getpid(), signal.SIGKILL))
    assert len(discard_leftovers(here.work)) == 1


@pytest.mark.parametrize("size", [60, 150])
def test_a_disk_that_is_really_full_rolls_back(root, seen, tmp_path, size):
    place = tmp_path / "full"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "full", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        world = World(root, place / "work", dict(JOBS))
        assert world.repair(seen[0], strategies=(Tidy(),)).outcome == "rolled_back"
        assert fingerprint_of(root) == seen[1]
        assert list(world.work.iterdir()) == []
    finally:
        subprocess.run(["umount", place], check=True)
