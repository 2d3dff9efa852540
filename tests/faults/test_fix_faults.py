"""A repair that is hit at any step leaves the repository as it was and no room behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repair_world import World, commit_tree, diagnose, fingerprint_of, make_repository

from hee_core.errors import ToolMissing
from hee_core.git import Repository
from hee_monitoring.fixes import Change, Terms, discard_leftovers
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.room import room

pytestmark = pytest.mark.spec("SEED-091", "SEED-092", "SEED-100", "SEED-232")
STEPS = (
    "cloning", "reproducing", "repairing", "checking the diff", "proving", "running the fixer again", "running the other jobs", "committing",
)  # fmt: skip
SECRET = "ghp_" + "a1B2" * 9


class Boom(Exception):
    """What nobody expects."""


class Tidy:
    """Removes the double blank; can be told to fail at its nth use."""

    name, rows, network = "tidy", ("format",), False
    terms = Terms(paths=("**",), keeps=Keeps.CODE)

    def __init__(self, fail_at=0, error=None):
        self.used, self.fail_at, self.error = 0, fail_at, error or Boom(f"no\x1b[31m luck {SECRET}\nat all")

    def applies(self, diagnosis, tree):
        return None

    def apply(self, diagnosis, tree, tools):
        self.used += 1
        tools.write("a.py", tools.read("a.py").replace(b"  ", b" "))
        if self.used == self.fail_at:
            raise self.error
        return Change("Tidy", "tidy 1")


class FailingJudge:
    """Runs the jobs, and fails at the nth run."""

    def __init__(self, judge, at):
        self.judge, self.at, self.count = judge, at, 0

    def run_job(self, tree, key):
        self.count += 1
        if self.count == self.at:
            (Path(tree) / "half").write_text("done")
            raise Boom(f"the runner died with {SECRET}")
        return self.judge.run_job(tree, key)


@pytest.fixture
def world(tmp_path):
    root = make_repository(tmp_path / "repo", {"a.py": "x =  1\n", "b.txt": "b\n"})
    (root / "unsaved").write_text("mine")
    jobs = {"lint": "! grep -n '  ' a.py", "other": "test -f b.txt"}
    return World(root, tmp_path / "work", jobs, options={"strategies": (Tidy(),)})


@pytest.fixture
def unchanged(world):
    """Checks afterwards that the repository is byte for byte as it was and that no room is left."""
    request = world.request("lint")
    before = fingerprint_of(world.root)
    yield request
    assert fingerprint_of(world.root) == before
    assert not world.work.exists() or list(world.work.iterdir()) == []


def test_without_a_fault_the_same_repair_is_verified(world, unchanged):
    assert world.repair(unchanged).outcome == "verified"
    assert tuple(world.said) == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_an_exception_at_any_step_rolls_back(world, unchanged, step):
    def fail(name):
        if name == step:
            raise Boom(f"password={SECRET}")

    outcome = world.repair(unchanged, progress=fail)
    assert outcome.outcome == "rolled_back"
    assert outcome.reason.startswith("Boom: ")
    assert SECRET not in outcome.reason
    assert (outcome.commit, outcome.tree, outcome.files) == ("", "", ())


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_judge_that_dies_rolls_back(world, unchanged, at):
    outcome = world.repair(unchanged, judge=FailingJudge(world.judge, at))
    assert outcome.outcome == "rolled_back"
    assert SECRET not in outcome.reason


@pytest.mark.parametrize("at", [1, 2])
def test_a_strategy_that_dies_rolls_back_and_its_words_are_redacted_and_clean(world, unchanged, at):
    outcome = world.repair(unchanged, strategies=(Tidy(fail_at=at),))
    assert outcome.outcome == "rolled_back"
    assert SECRET not in outcome.reason
    assert "\n" not in outcome.reason
    assert "\x1b" not in outcome.reason


@pytest.mark.parametrize(("at", "outcome"), [(1, "refused"), (2, "rolled_back")])
def test_a_missing_tool_is_a_refusal_before_the_change_and_a_rollback_after_it(world, unchanged, at, outcome):
    result = world.repair(unchanged, strategies=(Tidy(at, ToolMissing("tidy is not installed", hint="install it")),))
    assert (result.outcome, result.reason) == (outcome, "tidy is not installed")


@pytest.mark.parametrize("kind", ["raises", "names nothing", "names a blob", "diagnosis"])
def test_a_commit_or_a_diagnosis_that_fails_rolls_back(world, unchanged, kind):
    def commit(repository, tree, parent, message):
        if kind == "raises":
            raise Boom("the key is locked")
        return "0" * 40 if kind == "names nothing" else repository.text("rev-parse", f"{tree}:a.py")

    def explain(job):
        if kind == "diagnosis":
            raise Boom("no pattern database")
        return diagnose(job)

    outcome = world.repair(unchanged, commit_tree=commit if kind != "diagnosis" else commit_tree, diagnose=explain)
    assert outcome.outcome == "rolled_back"


def test_a_repository_that_vanishes_while_it_is_repaired_is_no_crash(world, tmp_path):
    request = world.request("lint")

    def steal(name):
        if name == "committing":
            shutil.move(world.root, tmp_path / "stolen")

    outcome = world.repair(request, progress=steal)
    assert outcome.outcome == "rolled_back"
    assert list(world.work.iterdir()) == []


def test_a_commit_that_is_not_there_rolls_back(world, unchanged):
    from dataclasses import replace

    assert world.repair(replace(unchanged, commit="1" * 40)).outcome == "rolled_back"


def test_a_place_where_nothing_can_be_written_rolls_back(world, tmp_path):
    request = world.request("lint")
    (tmp_path / "file").write_text("")
    outcome = world.repair(request, work=tmp_path / "file" / "work")
    assert outcome.outcome == "rolled_back"
    assert outcome.reason.startswith(("NotADirectoryError", "FileExistsError"))


def test_a_persons_interrupt_comes_through_and_leaves_nothing(world, unchanged):
    def interrupt(name):
        if name == "proving":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.repair(unchanged, progress=interrupt)


def test_what_a_job_makes_unwritable_is_removed_all_the_same(world, unchanged):
    world.judge.jobs["lint"] = (
        "mkdir -p deep/er; touch deep/er/x; ln -s /etc deep/etc; chmod -R a-w deep; ! grep -n '  ' a.py"
    )
    assert world.repair(unchanged).outcome == "verified"
    assert Path("/etc/passwd").exists()


# ------------------------------------------------------------------ the end of the process itself

CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from repair_world import World
from test_fix_faults import Tidy
world = World(Path(sys.argv[3]), Path(sys.argv[4]), {"lint": "! grep -n '  ' a.py", "other": "test -f b.txt"})
request = world.request("lint")
def stop(name):
    if name == sys.argv[5]:
        print("now", flush=True)
        time.sleep(60)
print(world.repair(request, strategies=(Tidy(),), progress=stop))
"""


@pytest.mark.parametrize("step", ["reproducing", "proving", "committing"])
def test_a_repair_that_was_killed_is_discarded_at_the_next_start(world, step):
    before = fingerprint_of(world.root)
    here = Path(__file__).resolve().parent
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(here), str(here.parent), str(world.root), str(world.work), step],
        stdout=subprocess.PIPE, cwd=here.parents[1], env=os.environ | {"PYTHONPATH": str(here.parents[1])},
    )  # fmt: skip
    try:
        assert child.stdout.readline() == b"now\n"
        assert discard_leftovers(world.work) == ()  # it lives
        assert len(list(world.work.iterdir())) == 1
        child.send_signal(signal.SIGKILL)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert fingerprint_of(world.root) == before
    said = discard_leftovers(world.work)
    assert said == (f"discarded the unfinished repair fix-1 of process {child.pid}; nothing of it was published",)
    assert list(world.work.iterdir()) == []
    assert discard_leftovers(world.work) == ()
    assert world.repair(world.request("lint")).outcome == "verified"


def test_leftovers_of_a_reused_process_number_are_found_by_the_lock_and_not_by_the_number(tmp_path):
    mine = tmp_path / f"fix-{os.getpid()}-old"
    mine.mkdir()
    (mine / "x").write_text("x")
    with room(tmp_path, "new/../fix") as place:
        assert place.parent == tmp_path
        assert "/" not in place.name
        assert len(discard_leftovers(tmp_path)) == 1
        assert place.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_cleaner_never_takes_the_room_of_a_living_repair(tmp_path):
    from threading import Event, Thread

    done, said = Event(), []

    def clean():
        while not done.is_set():
            said.extend(discard_leftovers(tmp_path))

    cleaner = Thread(target=clean)
    cleaner.start()
    try:
        for number in range(150):
            try:
                with room(tmp_path, f"fix-{number}") as place:
                    (place / "x").write_text("x")
                    assert (place / "x").read_text() == "x"
            except FileExistsError:  # made again while the cleaner still removed it: refused, never shared
                continue
    finally:
        done.set()
        cleaner.join()
    discard_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_rooms_are_discarded(tmp_path):
    (tmp_path / "fix-1-file").write_text("a file")
    (tmp_path / "other").mkdir()
    target = tmp_path / "other" / "kept"
    target.write_text("kept")
    (tmp_path / "fix-1-link").symlink_to(tmp_path / "other")
    assert discard_leftovers(tmp_path) == ()
    assert target.exists()
    assert discard_leftovers(tmp_path / "missing") == ()


def test_a_leftover_that_cannot_be_removed_is_named(tmp_path):
    if shutil.which("chattr") is None:
        pytest.skip("chattr is not installed")
    place = tmp_path / "fix-1-stuck"
    place.mkdir()
    (place / "x").write_text("x")
    if subprocess.run(["chattr", "+i", str(place / "x")], capture_output=True, check=False).returncode:
        pytest.skip("files can't be made immutable here")
    try:
        (said,) = discard_leftovers(tmp_path)
    finally:
        subprocess.run(["chattr", "-i", str(place / "x")], check=True)
    assert said == f"the unfinished repair stuck of process 1 left {place}, which can't be removed"


def test_two_repairs_at_once_do_not_disturb_each_other(world, unchanged):
    from concurrent.futures import ThreadPoolExecutor
    from dataclasses import replace

    def one(number):
        return world.repair(replace(unchanged, fix_id=f"fix-{number}"), strategies=(Tidy(),))

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(one, range(2)))
    assert [outcome.outcome for outcome in outcomes] == ["verified", "verified"]
    assert outcomes[0].commit == outcomes[1].commit


def test_the_same_fix_is_not_repaired_twice_at_once(world, unchanged):
    second = []

    def again(name):
        if name == "repairing" and not second:
            second.append(world.repair(unchanged, strategies=(Tidy(),), progress=lambda _: None))

    assert world.repair(unchanged, progress=again).outcome == "verified"
    assert second[0].outcome == "rolled_back"


def test_after_a_repair_the_object_store_is_whole_and_head_is_where_it_was(world, unchanged):
    assert world.repair(unchanged).outcome == "verified"
    assert subprocess.run(["git", "fsck", "--strict"], cwd=world.root, capture_output=True, check=False).returncode == 0
    assert Repository.discover(world.root).commit("HEAD") == world.commit
    assert Repository.discover(world.root).left_aside() == ("?? unsaved",)
