"""The transaction of a repair, with real git and real processes."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest
from repair_world import World, commit_tree, diagnose, fingerprint_of, git, make_repository

from hee_core.clock import SYSTEM
from hee_core.git import Repository
from hee_monitoring.evidence import Conclusion, Job
from hee_monitoring.fixes import REGISTRY, Change, Declined, Terms, repair, select
from hee_monitoring.fixes.meaning import Keeps
from hee_monitoring.fixes.toolcache import tool_cache

UGLY = "x  =  1\n\n\n\ndef f( a ):\n  return  a\n"
FORMAT = "ruff format --check --output-format concise . 2>&1"
BLANKS = "! git grep -nIE '[[:blank:]]+$' -- '*.txt' '*.md'"


@pytest.fixture
def world(tmp_path):
    root = make_repository(
        tmp_path / "repo",
        {
            "src/a.py": UGLY,
            "src/b.py": "y = 2\n",
            "README.md": "hello\n",
            ".github/workflows/ci.yml": "jobs: {lint: {runs-on: x, steps: [{run: ruff format --check .}]}}\n",
        },
    )
    return World(
        root,
        tmp_path / "work",
        {"lint": FORMAT, "build": "test -f src/b.py", "docs": "grep -q hello README.md"},
    )


@pytest.mark.spec("SEED-081", "SEED-085", "SEED-256")
def test_a_formatting_failure_is_repaired_proved_and_committed_as_one_commit(world):
    before = fingerprint_of(world.root)
    outcome = world.repair(world.request("lint", trailers={"HEE-Issue": "HEE-ISS-1"}))
    assert (outcome.outcome, outcome.strategy) == ("verified", "ruff-format"), outcome.reason
    assert outcome.reason == "lint is green on the fix; 2 other jobs still green"
    assert outcome.tool.startswith("ruff ")
    assert "of this machine; the repository pins none" in outcome.tool
    assert outcome.files == ("src/a.py",)
    assert [(c.name, c.ok) for c in outcome.pre] == [("reproduce lint", True)]
    assert [(c.name, c.ok) for c in outcome.post] == [
        ("diff policy", True), ("lint (the failed job)", True), ("second run of ruff-format", True),
        ("build (was green)", True), ("docs (was green)", True),
    ]  # fmt: skip
    assert fingerprint_of(world.root) == before
    assert list(world.work.iterdir()) == []
    assert git(world.root, "rev-parse", f"{outcome.commit}^") == world.commit
    assert git(world.root, "rev-parse", f"{outcome.commit}^{{tree}}") == outcome.tree
    assert git(world.root, "diff", "--name-only", world.commit, outcome.commit) == "src/a.py"
    assert git(world.root, "show", f"{outcome.commit}:src/a.py") == "x = 1\n\n\ndef f(a):\n    return a"
    stat = git(world.root, "diff", "--numstat", world.commit, outcome.commit).split()
    assert [str(outcome.insertions), str(outcome.deletions)] == stat[:2]
    assert outcome.diff_sha256 == hashlib.sha256(outcome.diff.encode()).hexdigest()
    assert outcome.diff.startswith("diff --git a/src/a.py b/src/a.py\n")
    message = git(world.root, "log", "-1", "--format=%B", outcome.commit)
    assert message.splitlines()[0] == "Format 1 file with ruff"
    assert git(world.root, "log", "-1", "--format=%(trailers)", outcome.commit) == "HEE-Issue: HEE-ISS-1"
    assert git(world.root, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_every_job_runs_in_a_fresh_checkout_of_the_commit_that_it_judges(world):
    world.judge.jobs = {
        "lint": f"test ! -e trace; touch trace src/c.py; git config core.hooksPath /nowhere; {FORMAT}",
        "other": "test ! -e trace && test ! -e src/c.py && ! git config core.hooksPath && git diff --quiet HEAD && git log --format=%P | head -1",
    }
    outcome = world.repair(world.request("lint", known_green=("other",)))
    assert outcome.outcome == "verified", outcome.reason
    (first, at), (second, fixed), (third, also) = world.judge.runs
    assert (first, second, third) == ("lint", "lint", "other")
    assert at == world.commit
    assert fixed == also != at
    assert git(world.root, "diff", "--name-only", world.commit, outcome.commit) == "src/a.py"


@pytest.mark.spec("SEED-100", "SEED-233", "SEED-041")
def test_a_repair_that_turns_another_job_red_is_rolled_back_and_leaves_nothing(tmp_path):
    notice = b"Third party notices  \nKeep as they are.\n"
    sums = f"{hashlib.sha256(notice).hexdigest()}  vendor/NOTICE.txt\n"
    root = make_repository(
        tmp_path / "repo", {"vendor/NOTICE.txt": notice, "vendor/SHA256SUMS": sums, "README.md": "x\n"}
    )
    world = World(
        root, tmp_path / "work", {"whitespace": BLANKS, "vendor": "sha256sum -c vendor/SHA256SUMS"}, row="whitespace"
    )
    before = fingerprint_of(root)
    objects = sorted(p.name for p in (root / ".git" / "objects").rglob("*"))
    outcome = world.repair(world.request("whitespace"))
    assert outcome.outcome == "rolled_back"
    assert outcome.reason.startswith("the repair turned vendor red: ")
    assert outcome.strategy == "whitespace"
    assert outcome.post[-1].name == "vendor (was green)"
    assert not outcome.post[-1].ok
    assert (outcome.commit, outcome.tree, outcome.files, outcome.diff) == ("", "", (), "")
    assert fingerprint_of(root) == before
    assert sorted(p.name for p in (root / ".git" / "objects").rglob("*")) == objects
    assert list(world.work.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("true", "not reproducible here: the job is green here"),
        (
            "echo something else; exit 1",
            "not reproducible here: the job fails differently here: the job says something else",
        ),
    ],
)
def test_a_failure_that_does_not_show_again_is_refused(world, script, reason):
    request = world.request("lint")
    world.judge.jobs["lint"] = script
    outcome = world.repair(request)
    assert (outcome.outcome, outcome.reason) == ("refused", reason)
    assert not outcome.pre[0].ok
    assert outcome.post == ()


class Unjudgeable:
    """A source that can't run some jobs at all."""

    def __init__(self, judge, key, after):
        self.judge, self.key, self.after = judge, key, after

    def run_job(self, tree, key):
        if key == self.key and len(self.judge.runs) >= self.after:
            return Job(key, key, Conclusion.UNKNOWN, reason="it needs a container")
        return self.judge.run_job(tree, key)


def test_a_job_that_cannot_be_judged_is_never_taken_for_red_or_green(world):
    request = world.request("lint")
    refused = world.repair(request, judge=Unjudgeable(world.judge, "lint", 0))
    assert (refused.outcome, refused.reason) == (
        "refused", "not reproducible here: the job can't be judged here: it needs a container",
    )  # fmt: skip
    for key, after in (("lint", 1), ("build", 0)):
        world.judge.runs.clear()
        outcome = world.repair(request, judge=Unjudgeable(world.judge, key, after))
        assert outcome.outcome == "rolled_back"
        assert outcome.reason == f"{key} can't be judged after the repair: can't be judged: it needs a container"


def test_a_job_that_stays_red_for_another_reason_is_no_proof(world):
    world.judge.jobs["lint"] = f"{FORMAT} --quiet || exit 1; echo 'the second gate'; exit 1"
    outcome = world.repair(world.request("lint"))
    assert outcome.outcome == "rolled_back"
    assert outcome.reason == "lint is still red: the job says the second gate"


def test_without_a_strategy_nothing_is_tried(world):
    request = world.request("lint")
    world.row = "compile"
    outcome = world.repair(world.request("lint"))
    assert outcome.outcome == "refused"
    assert outcome.reason == "no strategy repairs this kind of failure (compile) in this repository"
    assert world.judge.runs == []
    assert world.repair(request, strategies=()).outcome == "refused"


class Writer:
    """A strategy that does what it is told; its own terms."""

    name = "writer"
    rows = ("format",)
    network = False

    def __init__(self, do, terms=None):
        self.do = do
        self.terms = terms or Terms(paths=("**",), keeps=Keeps.SYNTAX)

    def applies(self, diagnosis, tree):
        return None

    def apply(self, diagnosis, tree, tools):
        said = self.do(tree, tools)
        return said if isinstance(said, Declined) else Change("Write", "writer 1")


def good(tree, tools):
    tools.write("src/a.py", b"x = 1\n\n\ndef f(a):\n    return a\n")


def test_a_strategy_that_changes_nothing_is_rolled_back(world):
    outcome = world.repair(world.request("lint"), strategies=(Writer(lambda *_: None),))
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "writer changed nothing")


def test_a_strategy_that_only_touches_what_git_ignores_changed_nothing(world):
    (world.root / ".gitignore").write_text("*.log\n")
    git(world.root, "add", ".gitignore")
    git(world.root, "commit", "-qm", "ignore")
    world.commit = git(world.root, "rev-parse", "HEAD")
    outcome = world.repair(
        world.request("lint"), strategies=(Writer(lambda tree, _: (tree / "x.log").write_text("x")),)
    )
    assert outcome.reason == "writer changed nothing"


def test_a_change_that_git_does_not_record_changed_nothing(world):
    (world.root / ".gitattributes").write_text("*.md text eol=lf\n")
    git(world.root, "add", "--all")
    git(world.root, "commit", "-qm", "line ends")
    world.commit = git(world.root, "rev-parse", "HEAD")
    outcome = world.repair(
        world.request("lint"), strategies=(Writer(lambda _, tools: tools.write("README.md", b"hello\r\n")),)
    )
    assert outcome.reason == "writer changed nothing that git records"


def test_a_fixer_that_changes_its_own_result_again_is_rolled_back(world):
    def grow(tree, tools):
        tools.write(
            "src/a.py", (tools.read("src/a.py") if b"x = 1" in tools.read("src/a.py") else b"x = 1\n") + b"# more\n"
        )

    outcome = world.repair(world.request("lint"), strategies=(Writer(grow),))
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "a second run of writer changes the files again")


def test_a_fixer_that_writes_the_same_bytes_again_changed_nothing(world):
    assert world.repair(world.request("lint"), strategies=(Writer(good),)).outcome == "verified"


@pytest.mark.parametrize(
    ("do", "rule"),
    [
        (lambda tree, tools: (tree / "src/a.py").unlink(), "deleted"),
        (lambda tree, tools: (tree / "new.py").write_text("x = 1\n"), "created"),
        (lambda tree, tools: (tree / ".github/workflows/ci.yml").write_text("jobs: {}\n"), "protected"),
        (lambda tree, tools: (tree / "src/a.py").chmod(0o755), "mode"),
        (lambda tree, tools: (tree / "src/a.py").write_text("x = 1  # noqa\n"), "suppression"),
        (
            lambda tree, tools: ((tree / "src/a.py").unlink(), (tree / "src/a.py").symlink_to("b.py")),
            "symlink",
        ),
        (lambda tree, tools: ((tree / "src/a.py").unlink(), os.mkfifo(tree / "src/a.py")), "deleted"),
        (lambda tree, tools: (tree / "src/a.py").rename(tree / "src/z.py"), "deleted"),
        (lambda tree, tools: ((tree / "src/a.py").unlink(), (tree / "src/a.py").mkdir()), "deleted"),
    ],
)
def test_a_change_that_the_diff_policy_forbids_is_rolled_back_before_any_job_runs(world, do, rule):
    request = world.request("lint")
    outcome = world.repair(request, strategies=(Writer(do),))
    assert outcome.outcome == "rolled_back"
    assert outcome.reason.startswith("the diff policy forbids the change: ")
    assert f"({rule})" in outcome.reason
    assert [key for key, _ in world.judge.runs] == ["lint"]


def test_the_request_bounds_paths_files_and_lines(world):
    for bounds, words in (
        ({"allowed_paths": ("docs/**",)}, "allowed are only docs/**"),
        ({"denied_paths": ("src/**",)}, "src/** is denied to every repair"),
        ({"max_files": 0}, "1 files change, 0 are allowed"),
        ({"max_lines": 2}, "lines change, 2 are allowed"),
    ):
        outcome = world.repair(world.request("lint", **bounds))
        assert outcome.outcome == "rolled_back"
        assert words in outcome.reason


def test_what_a_tool_does_to_the_scenes_git_folder_reaches_nobody(world, tmp_path):
    mark = tmp_path / "owned"

    def attack(tree, tools):
        hooks = tree / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction"):
            (hooks / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
            (hooks / name).chmod(0o755)
        with (tree / ".git" / "config").open("a") as config:
            config.write(
                f'[core]\n\tfsmonitor = touch {mark}\n\thooksPath = {hooks}\n[filter "x"]\n\tclean = touch {mark}; cat\n'
            )
        (tree / ".git" / "info").mkdir(exist_ok=True)
        (tree / ".git" / "info" / "attributes").write_text("* filter=x\n")
        (tree / ".git" / "refs" / "heads" / "evil").write_text(world.commit + "\n")
        good(tree, tools)

    outcome = world.repair(world.request("lint"), strategies=(Writer(attack),))
    assert outcome.outcome == "verified", outcome.reason
    assert not mark.exists()
    assert git(world.root, "diff", "--name-only", world.commit, outcome.commit) == "src/a.py"


def test_a_link_out_of_the_tree_is_never_written_through(tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text(UGLY)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "c.py").write_text(UGLY)
    root = make_repository(tmp_path / "repo", {"src/a.py": UGLY, ".github/workflows/ci.yml": "run: ruff format\n"})
    (root / "link.py").symlink_to(outside)
    (root / "dir").symlink_to(folder)
    git(root, "add", "--all")
    git(root, "commit", "-qm", "links")
    world = World(
        root, tmp_path / "work", {"lint": "ruff format --check --output-format concise src link.py dir/c.py 2>&1"}
    )
    outcome = world.repair(world.request("lint"))
    assert outcome.outcome == "rolled_back"
    assert outside.read_text() == UGLY
    assert (folder / "c.py").read_text() == UGLY
    whole = Writer(good, Terms(paths=("**",), keeps=Keeps.SYNTAX, whole_tree=True))
    outcome = world.repair(world.request("lint"), strategies=(whole,))
    assert (outcome.outcome, outcome.reason) == ("refused", "writer: the symbolic link dir leads out of the tree")


def test_a_strategy_cannot_be_led_through_a_link_by_its_own_tools(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("keep")
    root = make_repository(tmp_path / "repo", {"src/a.py": UGLY, "real/x": "1\n"})
    (root / "dir").symlink_to(tmp_path)
    (root / "file").symlink_to(secret)
    git(root, "add", "--all")
    git(root, "commit", "-qm", "links")
    world = World(root, tmp_path / "work", {"lint": FORMAT})
    for path in ("file", "dir/secret", "../secret", "real/../../secret", ""):

        def attack(_, tools, path=path):
            assert tools.read(path) is None
            tools.write(path, b"gone")

        outcome = world.repair(world.request("lint"), strategies=(Writer(attack),))
        assert outcome.outcome == "rolled_back"
        assert secret.read_text() == "keep"


def test_the_first_strategy_that_does_not_decline_repairs(world):
    no = Writer(lambda *_: Declined("not today"))
    outcome = world.repair(world.request("lint"), strategies=(no, Writer(good)))
    assert outcome.outcome == "verified"
    outcome = world.repair(world.request("lint"), strategies=(no,))
    assert (outcome.outcome, outcome.reason) == ("refused", "writer: not today")


def test_a_commit_that_is_not_the_judged_tree_is_not_published(world):
    def forged(repository, tree, parent, message):
        return commit_tree(repository, repository.text("rev-parse", f"{parent}^{{tree}}"), parent, message)

    outcome = world.repair(world.request("lint"), commit_tree=forged)
    assert (outcome.outcome, outcome.reason) == (
        "rolled_back",
        "the commit that was made is not the tree that was judged",
    )

    def orphan(repository, tree, parent, message):
        return (
            repository.run(
                "hash-object",
                "-t",
                "commit",
                "-w",
                "--stdin",
                stdin=f"tree {tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx".encode(),
            )
            .decode()
            .strip()
        )

    assert world.repair(world.request("lint"), commit_tree=orphan).outcome == "rolled_back"


def test_a_repair_keeps_to_its_budget(world):
    outcome = world.repair(world.request("lint", budget_s=0.0))
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "the repair took longer than its budget of 0 seconds")


@pytest.mark.parametrize("state", ["dirty", "detached", "bare", "linked", "index", "sha256"])
def test_the_users_repository_may_be_in_any_state_and_stays_in_it(world, tmp_path, state):
    request = world.request("lint")
    root = world.root
    if state == "dirty":
        (root / "src" / "a.py").write_text("unsaved = 1\n")
        (root / "untracked").write_text("mine")
    elif state == "index":
        (root / "src" / "b.py").write_text("staged = 1\n")
        git(root, "add", "src/b.py")
        git(root, "stash", "--quiet")
        (root / "src" / "b.py").write_text("staged = 2\n")
        git(root, "add", "src/b.py")
        (root / ".git" / "hooks").mkdir(exist_ok=True)
        (root / ".git" / "hooks" / "post-checkout").write_text("#!/bin/sh\ntouch hooked\n")
        (root / ".git" / "hooks" / "post-checkout").chmod(0o755)
    elif state == "detached":
        git(root, "checkout", "--quiet", "--detach")
        request = world.request("lint", branch="")
    elif state == "bare":
        git(tmp_path, "clone", "--quiet", "--bare", str(root), "bare.git")
        world.root = root = tmp_path / "bare.git"
    elif state == "sha256":
        git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", "long")
        world.root = root = tmp_path / "long"
        (root / "a.py").write_text(UGLY)
        (root / "Makefile").write_text("ruff format --check\n")
        git(root, "add", "--all")
        git(root, "commit", "-qm", "start")
        world.commit = git(root, "rev-parse", "HEAD")
        world.judge.jobs = {"lint": FORMAT}
        request = world.request("lint")
    else:
        git(root, "worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "side")
        world.root = tmp_path / "linked"
    before = fingerprint_of(root)
    outcome = world.repair(request)
    assert outcome.outcome == "verified", outcome.reason
    assert fingerprint_of(root) == before
    assert git(root, "cat-file", "-t", outcome.commit) == "commit"


def test_a_shallow_clone_is_repaired_too(world, tmp_path):
    git(world.root, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{world.root}", "shallow")
    world.root = tmp_path / "shallow"
    world.commit = git(world.root, "rev-parse", "HEAD")
    before = fingerprint_of(world.root)
    outcome = world.repair(world.request("lint"))
    assert outcome.outcome == "verified", outcome.reason
    assert fingerprint_of(world.root) == before


def test_names_that_are_no_plain_text_survive(tmp_path):
    name = "src/caf\u00e9 \u2603 -x.py"
    root = make_repository(tmp_path / "repo", {name: UGLY, "-rf.py": UGLY, "src/ok.py": "y = 1\n"})
    (root / os.fsdecode(b"bytes\xff.txt")).write_text("kept\n")
    git(root, "add", "--all")
    git(root, "commit", "-qm", "names")
    (root / "Makefile").write_text("lint:\n\truff format --check\n")
    git(root, "add", "--all")
    git(root, "commit", "-qm", "gate")
    world = World(root, tmp_path / "work", {"lint": FORMAT})
    outcome = world.repair(world.request("lint"))
    assert outcome.outcome == "verified", outcome.reason
    assert outcome.files == ("-rf.py", name)


def test_the_same_repair_is_the_same_tree_and_diff_every_time(world):
    request = world.request("lint")
    first, second = world.repair(request), world.repair(request)
    assert (first.tree, first.diff_sha256, first.commit) == (second.tree, second.diff_sha256, second.commit)


def test_progress_names_each_step_in_its_order(world):
    world.repair(world.request("lint"))
    assert world.said == [
        "cloning", "reproducing", "repairing", "checking the diff", "proving", "running the fixer again",
        "running the other jobs", "committing",
    ]  # fmt: skip


def test_nothing_that_runs_shares_a_file_with_the_users_object_store(world):
    git(world.root, "gc", "--quiet")
    request = world.request("lint")
    world.judge.jobs["lint"] = (
        f"chmod -R u+w .git/objects; find .git/objects -type f -exec sh -c 'echo x >> \"$1\"' _ {{}} \\; ; {FORMAT}"
    )
    world.repair(request)
    assert subprocess.run(["git", "fsck", "--full"], cwd=world.root, capture_output=True, check=False).returncode == 0


def test_the_failed_job_among_the_green_ones_is_not_run_twice(world):
    outcome = world.repair(world.request("lint", known_green=("lint", "docs")))
    assert outcome.reason == "lint is green on the fix; 1 other job still green"
    assert [key for key, _ in world.judge.runs] == ["lint", "lint", "docs"]


def test_tools_are_kept_for_all_repositories_of_a_user(world, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert tool_cache() == tmp_path / "xdg" / "hee" / "tools"
    assert world.repair(world.request("lint"), cache=None).outcome == "verified"
    monkeypatch.setenv("XDG_CACHE_HOME", "not absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tool_cache() == tmp_path / ".cache" / "hee" / "tools"


class Deaf(Repository):
    """A repository that nothing arrives in."""

    def fetch_commit(self, source, commit):
        pass


def test_a_commit_that_does_not_arrive_is_a_rollback(world):
    request = world.request("lint")
    found = Repository.discover(world.root)
    deaf = Deaf(found.git_dir, found.common_dir, found.root, found.object_format)
    outcome = repair(
        deaf, request, judge=world.judge, diagnose=diagnose, commit_tree=commit_tree, work=world.work, clock=SYSTEM,
        progress=world.said.append, cache=tmp(world),
    )  # fmt: skip
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "the commit did not arrive whole in the repository")


def tmp(world):
    return world.work.parent / "cache"


@pytest.mark.spec("SEED-084")
def test_the_strategy_that_is_tried_first_can_be_asked_for(world):
    diagnosis = diagnose(world.judge.run_job(str(world.root), "lint"))
    assert select(diagnosis, "format", world.root).name == "ruff-format"
    assert select(diagnosis, "deploy", world.root) is None
    assert len({strategy.name for strategy in REGISTRY}) == len(REGISTRY)
