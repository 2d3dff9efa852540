"""Real workflows of real repositories, run by act; jobs that behave, jobs that fail, and jobs that try to do harm."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import worlds
from worlds import git

from hee_core.clock import SYSTEM
from hee_core.errors import GitError, SourceError, ToolMissing
from hee_monitoring import sandbox
from hee_monitoring.evidence import Annotation, Conclusion, Job, Run
from hee_monitoring.sources.act import ActSource

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sandbox.find("act") is None, reason="act is not installed")
PATH = ".github/workflows/ci.yml"
CHECKOUT = "      - uses: actions/checkout@v4\n"


def repository(root: Path, files: dict[str, str]) -> Path:
    return worlds.repository(root, files, "Start\n\nwith a body")


def job(name: str, *steps: str, checkout: bool = False, **keys: str) -> str:
    """One job as text; each step is the lines after its dash."""
    more = "".join(f"    {key.replace('_', '-')}: {value}\n" for key, value in keys.items())
    body = "".join("      - " + step.strip().replace("\n", "\n        ") + "\n" for step in steps)
    return f"  {name}:\n    runs-on: ubuntu-latest\n{more}    steps:\n{CHECKOUT if checkout else ''}{body}"


def script(text: str) -> str:
    return "run: |\n" + textwrap.indent(textwrap.dedent(text).strip(), "  ")


def workflow(*jobs: str, head: str = "on: push\n") -> dict[str, str]:
    return {PATH: f"name: CI\n{head}jobs:\n{''.join(jobs)}"}


def source(root: Path, tmp_path: Path, **options: float) -> ActSource:
    return ActSource(root, clock=SYSTEM, work=tmp_path / "work", **options)  # type: ignore[arg-type]


def ran(tmp_path: Path, files: dict[str, str], **options: float) -> dict[str, Job]:
    """Runs everything; the jobs by what follows the workflow's path."""
    root = repository(tmp_path / "repo", files)
    runs = source(root, tmp_path, **options).runs(git(root, "rev-parse", "HEAD"))
    assert not list((tmp_path / "work").glob("*"))
    return {job.key.partition("#")[2]: job for run in runs for job in run.jobs}


def output(job: Job, step: int = -1) -> str:
    """What a step printed."""
    return job.log.decode().split("##[endgroup]\n")[step]


# ---------------------------------------------------------------------- one workflow with all that matters


EVERYTHING = workflow(
    job("lint", "name: Show\n" + script("""
        echo "::error file=a.py,line=3,col=2::bad thing"
        echo "::warning::odd"
        pwd; echo "$GITHUB_WORKSPACE $HOME $RUNNER_TEMP"
        cat nowhere
        """), "run: echo never", "if: always()\nrun: echo always", checkout=True),
    job("after", "run: echo never", needs="lint"),
    job("make", "id: s\nrun: |\n  echo x=hello >> $GITHUB_OUTPUT\n  printf 'y<<E\\na\\nb ${{ '{{' }} c\\nE\\n' >> $GITHUB_OUTPUT",
        outputs="{a: '${{ steps.s.outputs.x }}', b: '${{ steps.s.outputs.y }}'}"),
    job("use", "env: {B: '${{ needs.make.outputs.b }}'}\nrun: echo got ${{ needs.make.outputs.a }} \"$B\" ${{ needs.make.result }}", needs="make"),
    job("fanin", "run: echo '${{ join(needs.*.result) }}'; exit 1", needs="[lint, make]", **{"if": "always()"}),
    job("rescue", "run: echo rescued", needs="lint", **{"if": "failure()"}),
    job("forgiven", "continue-on-error: true\nrun: exit 3", "run: echo on"),
    job("allowed", "run: exit 9", continue_on_error="true"),
    job("afterallowed", "run: echo ${{ needs.allowed.result }}", needs="allowed"),
    job("never", "run: echo x", **{"if": "github.ref == 'refs/heads/other'"}),
    job("shells", "run: false | true", "shell: bash\nrun: true | true; set -o | grep pipefail", "shell: python\nrun: |\n  import sys\n  print(sys.argv[0][-3:])",
        "shell: perl {0}\nrun: print 'perl'", "run: tty || cat"),
    job("facts", script("""
        git rev-parse HEAD; git branch --show-current; git status --porcelain; git diff-index --quiet HEAD && echo clean
        git remote; git diff --quiet && ls -A; stat -c '%a %F' run.sh link; git log -1 --format=%B
        """), "env: {M: '${{ github.event.head_commit.message }}'}\n" + script("""
        echo "$M|${{ github.ref }}|${{ github.sha }}|${{ github.repository }}|${{ github.event_name }}|${{ github.event.repository.default_branch }}"
        """), "id: env\nrun: echo A=1 >> $GITHUB_ENV; echo /opt/x >> $GITHUB_PATH", "run: echo $A ${PATH%%:*} ${{ vars.X }}${{ secrets.Y }}", checkout=True),
    job("bare", "run: ls -A | wc -l"),
    job("sub", "uses: actions/checkout@v4\nwith: {path: deep/er}", "run: test -f deep/er/run.sh", "working-directory: deep\nrun: ls"),
    job("folder", "run: pwd", checkout=True, defaults="{run: {working-directory: .github}}"),
    job("local", "uses: ./.github/actions/hello\nwith: {who: Ada}", checkout=True),
    job("localred", "uses: ./.github/actions/bad", checkout=True),
    job("windows", "run: dir").replace("ubuntu-latest", "windows-latest"),
    job("afterwindows", "run: x", needs="windows"),
    job("matrix", "run: test ${{ matrix.v }} != 2", strategy="{matrix: {v: [1, 2], os: [ubuntu-22.04]}}"),
    job("masked", "run: echo '::add-mask::hunter2'; echo hunter2", "run: echo hunter2"),
    job("missing", "run: no-such-program --version"),
    job("pwsh", "shell: pwsh\nrun: Write-Output x"),
    head="on: [push, pull_request]\n",
) | {
    "run.sh": "#!/bin/sh\necho run\n",
    ".gitignore": "*.log\n",
    "kept.log": "tracked although ignored\n",
    ".github/actions/hello/action.yml": (
        "inputs: {who: {default: x}}\nruns:\n  using: composite\n  steps:\n    - run: echo Hello ${{ inputs.who }}\n      shell: bash\n"
    ),
    ".github/actions/bad/action.yml": "runs:\n  using: composite\n  steps:\n    - run: echo inside; exit 5\n      shell: bash\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, dict[str, Job]]:
    place = tmp_path_factory.mktemp("act")
    root = repository(place / "demo", EVERYTHING)
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("run.sh")
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--message", "More\n\nwith a body")
    git(root, "remote", "add", "origin", "https://example.com/ada/harbor.git")
    (root / "uncommitted").touch()
    before = _state(root)
    said: list[str] = []
    (run,) = ActSource(root, clock=SYSTEM, work=place / "work", progress=said.append).runs(
        git(root, "rev-parse", "HEAD")
    )
    assert _state(root) == before
    assert list((place / "work").iterdir()) == []
    assert any(line.startswith("running lint (") for line in said)
    return root, run, {job.key.partition("#")[2]: job for job in run.jobs}


def _state(root: Path) -> list[tuple[str, int, int]]:
    files = sorted(path for path in root.rglob("*"))
    return [(str(path), path.lstat().st_mtime_ns, path.lstat().st_mode) for path in files]


Everything = tuple[Path, Run, dict[str, Job]]


def test_a_run_is_described_as_a_whole(everything: Everything) -> None:
    root, run, jobs = everything
    assert (run.source, run.conclusion, run.workflow, run.branch, run.event) == (
        "act",
        Conclusion.FAILURE,
        PATH,
        "main",
        "push",
    )
    assert run.commit == git(root, "rev-parse", "HEAD")
    assert run.completed_at
    assert [job.key for job in run.jobs][:2] == [f"{PATH}#lint", f"{PATH}#make"]
    assert len(jobs) == len(run.jobs)


def test_a_failing_job_is_red_with_its_own_log(everything: Everything) -> None:
    job = everything[2]["lint"]
    assert (job.conclusion, job.reason) == (Conclusion.FAILURE, "")
    assert [step.conclusion for step in job.steps] == [
        Conclusion.SUCCESS,
        Conclusion.FAILURE,
        Conclusion.SKIPPED,
        Conclusion.SUCCESS,
    ]
    assert [step.name for step in job.steps] == ["Run actions/checkout@v4", "Show", "Run echo never", "Run echo always"]
    place = "/home/runner/work/harbor/harbor"
    assert output(job, 2).startswith(
        f"##[error]bad thing\n##[warning]odd\n{place}\n{place} /home/runner /home/runner/work/_temp\ncat: nowhere: No such file or directory\n"
        "##[error]Process completed with exit code 1.\n##[group]Run echo always\n"
    )
    assert job.annotations == (
        Annotation("bad thing", "failure", "a.py", 3), Annotation("odd", "warning"), Annotation("Process completed with exit code 1."),
    )  # fmt: skip
    assert job.started_at <= job.completed_at


@pytest.mark.parametrize(
    ("name", "conclusion", "reason"),
    [
        ("after", Conclusion.SKIPPED, "it needs lint, which failed"),
        ("make", Conclusion.SUCCESS, ""),
        ("use", Conclusion.SUCCESS, ""),
        ("fanin", Conclusion.FAILURE, ""),
        ("rescue", Conclusion.SUCCESS, ""),
        ("forgiven", Conclusion.SUCCESS, ""),
        ("allowed", Conclusion.FAILURE, ""),
        ("afterallowed", Conclusion.SUCCESS, ""),
        ("never", Conclusion.SKIPPED, "its condition was not met"),
        ("shells", Conclusion.SUCCESS, ""),
        ("facts", Conclusion.SUCCESS, ""),
        ("bare", Conclusion.SUCCESS, ""),
        ("sub", Conclusion.SUCCESS, ""),
        ("folder", Conclusion.SUCCESS, ""),
        ("local", Conclusion.SUCCESS, ""),
        ("localred", Conclusion.FAILURE, ""),
        ("windows", Conclusion.UNKNOWN, "it was not run here: it asks for windows-latest, and this machine runs Linux"),
        ("afterwindows", Conclusion.UNKNOWN, "it needs windows, of which the outcome is unknown"),
        ("matrix (1, ubuntu-22.04)", Conclusion.SUCCESS, ""),
        ("matrix (2, ubuntu-22.04)", Conclusion.FAILURE, ""),
        ("masked", Conclusion.SUCCESS, ""),
        ("missing", Conclusion.FAILURE, ""),
    ],
)
def test_every_job_ends_as_on_github(everything: Everything, name: str, conclusion: Conclusion, reason: str) -> None:
    job = everything[2][name]
    assert (job.conclusion, job.reason) == (conclusion, reason), job.log.decode()


def test_outputs_and_results_reach_the_jobs_that_need_them(everything: Everything) -> None:
    jobs = everything[2]
    assert output(jobs["use"]) == "got hello a\nb ${{ c success\n".replace("${{", "{{")
    assert sorted(output(jobs["fanin"]).partition("\n")[0].split(",")) == ["failure", "success"]
    assert output(jobs["afterallowed"]) == "success\n"


def test_scripts_run_in_the_shells_that_github_uses(everything: Everything) -> None:
    text = everything[2]["shells"].log.decode()
    assert "pipefail       \ton" in text
    assert ".py\n" in text
    assert "##[endgroup]\nperl\n" in text
    assert text.endswith("not a tty\n")


def test_the_tree_of_a_job_is_the_commit_and_nothing_else(everything: Everything) -> None:
    root, _, jobs = everything
    commit = git(root, "rev-parse", "HEAD")
    first, second = (output(jobs["facts"], number).split("##[group]")[0] for number in (2, 3))
    assert (
        first
        == f"{commit}\nmain\nclean\n.git\n.github\n.gitignore\nkept.log\nlink\nrun.sh\n755 regular file\n777 symbolic link\nMore\n\nwith a body\n\n"
    )
    assert second == f"More\n\nwith a body|refs/heads/main|{commit}|ada/harbor|push|main\n"
    assert output(jobs["facts"]) == "1 /opt/x\n"
    assert output(jobs["bare"]) == "0\n"
    assert output(jobs["sub"]) == "er\n"


def test_local_actions_show_what_they_print(everything: Everything) -> None:
    jobs = everything[2]
    assert "Hello Ada" in output(jobs["local"])
    assert "inside" in output(jobs["localred"])
    assert "##[error]Process completed with exit code 5." in output(jobs["localred"])


NESTED = {
    ".github/actions/outer/action.yml": (
        "runs:\n  using: composite\n  steps:\n    - run: echo outside; echo $PATH; echo step=$HEE_STEP\n      shell: sh\n"
        "    - uses: ./.github/actions/inner\n"
    ),
    ".github/actions/inner/action.yml": (
        "runs:\n  using: composite\n  steps:\n    - run: echo '::error file=a.py,line=2::inmost'; echo last; exit 6\n      shell: bash\n"
    ),
    ".github/actions/script/action.yml": "runs: {using: node20, main: main.js}\n",
    ".github/actions/script/main.js": "console.log('from node'); process.exitCode = 3;\n",
}


def test_the_last_words_of_a_failing_action_are_never_lost(tmp_path: Path) -> None:
    forgiven = "uses: ./.github/actions/outer\ncontinue-on-error: true"
    often = 40 if os.environ.get("HEE_SOAK") else 12
    jobs = [job("nested", *[forgiven] * often, checkout=True)]
    if sandbox.find("node") is not None:
        jobs.append(
            job("script", *["uses: ./.github/actions/script\ncontinue-on-error: true"] * (often // 2), checkout=True)
        )
    root = repository(tmp_path / "repo", workflow(*jobs) | NESTED)
    (run,) = source(root, tmp_path).runs(git(root, "rev-parse", "HEAD"))
    nested, *script = run.jobs
    for found, words, times in (
        (nested, b"\n##[error]inmost\nlast\n", often),
        *((found, b"\nfrom node\n", often // 2) for found in script),
    ):
        assert found.conclusion is Conclusion.SUCCESS, found.reason
        assert found.log.count(words) == times, found.log.decode()
    assert nested.log.count(b"outside\n") == often
    assert b"step=\n" in nested.log
    assert b"/logs/" not in nested.log


def test_masks_hold_over_the_whole_job(everything: Everything) -> None:
    assert b"hunter2" not in everything[2]["masked"].log


@pytest.mark.skipif(sandbox.find("pwsh") is not None, reason="PowerShell is installed")
def test_what_act_cannot_start_is_unknown(everything: Everything) -> None:
    job = everything[2]["pwsh"]
    assert (job.conclusion, job.reason) == (
        Conclusion.UNKNOWN,
        "act could not run 'Run Write-Output x': Cannot find: pwsh in PATH",
    )


def test_logs_name_no_directory_of_this_machine(everything: Everything) -> None:
    root, run, _ = everything
    for job in run.jobs:
        assert str(root.parent).encode() not in job.log, job.key
        assert str(root.parent) not in job.reason


# ---------------------------------------------------------------------- a fix's judge


class TestJudge:
    def tree(self, root: Path, tmp_path: Path) -> Path:
        subprocess.run(
            ["git", "clone", "--quiet", "--no-local", str(root), str(tmp_path / "tree")],
            check=True,
            capture_output=True,
        )
        return tmp_path / "tree"

    def test_a_job_is_judged_on_the_tree_as_it_is(self, tmp_path: Path) -> None:
        root = repository(
            tmp_path / "repo", workflow(job("test", "run: grep -q fixed value", checkout=True)) | {"value": "broken\n"}
        )
        tree, judge = self.tree(root, tmp_path), source(root, tmp_path)
        assert judge.run_job(str(tree), f"{PATH}#test").conclusion is Conclusion.FAILURE
        (tree / "value").write_text("fixed\n")
        before = _state(tree)
        assert judge.run_job(str(tree), f"{PATH}#test").conclusion is Conclusion.SUCCESS
        assert _state(tree) == before
        assert not list((tmp_path / "work").iterdir())

    def test_a_change_of_the_workflow_itself_counts(self, tmp_path: Path) -> None:
        root = repository(tmp_path / "repo", workflow(job("test", "run: exit 1")))
        tree = self.tree(root, tmp_path)
        (tree / PATH).write_text((root / PATH).read_text().replace("exit 1", "exit 0"))
        assert source(root, tmp_path).run_job(str(tree), f"{PATH}#test").conclusion is Conclusion.SUCCESS

    def test_jobs_that_it_needs_run_only_if_it_reads_them(self, tmp_path: Path) -> None:
        count = tmp_path / "count"
        count.touch()
        jobs = (
            job(
                "first",
                f"id: s\nrun: echo x >> {count}; echo v=7 >> $GITHUB_OUTPUT",
                outputs="{v: '${{ steps.s.outputs.v }}'}",
            ),
            job("plain", "run: echo plain", needs="first"),
            job("reader", "run: test '${{ needs.first.outputs.v }}' = 7", needs="first"),
            job(
                "last",
                "run: test '${{ needs.reader.result }}' = success",
                needs="[reader, plain]",
                **{"if": "always()"},
            ),
        )
        root = repository(tmp_path / "repo", workflow(*jobs))
        tree, judge = self.tree(root, tmp_path), source(root, tmp_path)
        assert judge.run_job(str(tree), f"{PATH}#plain").conclusion is Conclusion.SUCCESS
        assert count.read_text() == ""
        assert judge.run_job(str(tree), f"{PATH}#reader").conclusion is Conclusion.SUCCESS
        assert count.read_text() == "x\n"
        assert judge.run_job(str(tree), f"{PATH}#last").conclusion is Conclusion.SUCCESS

    def test_what_cannot_be_judged_says_why(self, tmp_path: Path) -> None:
        root = repository(
            tmp_path / "repo", workflow(job("test", "run: x")) | {".github/workflows/bad.yml": "on: push\njobs: [\n"}
        )
        tree, judge = self.tree(root, tmp_path), source(root, tmp_path)
        gone = judge.run_job(str(tree), f"{PATH}#gone")
        assert (gone.conclusion, gone.reason) == (Conclusion.UNKNOWN, f"this tree has no job {PATH}#gone")
        bad = judge.run_job(str(tree), ".github/workflows/bad.yml#x")
        assert bad.conclusion is Conclusion.STARTUP_FAILURE
        assert (bad.annotations[0].path, bad.annotations[0].line) == (".github/workflows/bad.yml", 3)
        with pytest.raises(GitError):
            judge.run_job(str(tmp_path), f"{PATH}#test")

    def test_a_linked_worktree_is_not_judged(self, tmp_path: Path) -> None:
        root = repository(
            tmp_path / "repo", workflow(job("test", "run: git update-ref refs/heads/evil HEAD", checkout=True))
        )
        git(root, "worktree", "add", "--quiet", str(tmp_path / "linked"))
        judged = source(root, tmp_path).run_job(str(tmp_path / "linked"), f"{PATH}#test")
        assert judged.conclusion is Conclusion.UNKNOWN
        assert "linked worktree" in judged.reason
        assert "evil" not in git(root, "branch")

    def test_a_link_in_the_tree_is_not_followed_out_of_it(self, tmp_path: Path) -> None:
        root = repository(tmp_path / "repo", workflow(job("test", "run: x")))
        tree = self.tree(root, tmp_path)
        (tree / ".github/workflows/out.yml").symlink_to(root / PATH)
        assert (
            source(root, tmp_path).run_job(str(tree), ".github/workflows/out.yml#test").reason
            == "this tree has no job .github/workflows/out.yml#test"
        )


# ---------------------------------------------------------------------- repositories in every state


def test_a_commit_is_judged_and_not_what_lies_around_it(tmp_path: Path) -> None:
    root = repository(
        tmp_path / "repo", workflow(job("test", "run: test ! -e new && git branch --show-current", checkout=True))
    )
    first = git(root, "rev-parse", "HEAD")
    (root / "new").touch()
    git(root, "add", "new")
    git(root, "commit", "--quiet", "--message", "second")
    (root / PATH).write_text("broken: [")
    git(root, "checkout", "--quiet", "--detach")
    (run,) = source(root, tmp_path).runs(first)
    assert (run.jobs[0].conclusion, run.branch) == (Conclusion.SUCCESS, "")
    assert output(run.jobs[0]) == ""


def test_a_bare_and_a_shallow_clone_can_be_watched(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", workflow(job("test", "run: git status --porcelain", checkout=True)))
    commit = git(root, "rev-parse", "HEAD")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "second")
    second = git(root, "rev-parse", "HEAD")
    git(tmp_path, "clone", "--quiet", "--bare", str(root), str(tmp_path / "bare.git"))
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", str(tmp_path / "shallow"))
    for place, of in ((tmp_path / "bare.git", commit), (tmp_path / "shallow", second)):
        (run,) = source(place, tmp_path).runs(of)
        assert run.conclusion is Conclusion.SUCCESS, run.jobs


def test_an_invalid_workflow_cannot_start_and_the_others_run(tmp_path: Path) -> None:
    files = workflow(job("test", "run: echo fine")) | {
        ".github/workflows/bad.yml": "on: push\njobs:\n  a:\n    runs_on: x\n"
    }
    root = repository(tmp_path / "repo", files)
    good, bad = source(root, tmp_path).runs(git(root, "rev-parse", "HEAD"))
    assert (good.conclusion, good.workflow) == (Conclusion.SUCCESS, PATH)
    assert (bad.conclusion, bad.jobs, bad.workflow) == (Conclusion.STARTUP_FAILURE, (), ".github/workflows/bad.yml")
    assert (bad.annotations[0].path, bad.annotations[0].line) == (".github/workflows/bad.yml", 4)


def test_no_workflow_is_no_run(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", {"README": "x"})
    assert source(root, tmp_path).runs(git(root, "rev-parse", "HEAD")) == ()


def test_what_another_event_starts_is_skipped_and_nothing_is_copied(tmp_path: Path) -> None:
    root = repository(
        tmp_path / "repo", workflow(job("test", "run: x"), head="on: {schedule: [{cron: '0 0 * * *'}]}\n")
    )
    (run,) = source(root, tmp_path).runs(git(root, "rev-parse", "HEAD"))
    assert (run.conclusion, run.jobs[0].reason) == (Conclusion.SKIPPED, "the workflow runs on schedule, not on push")
    assert not (tmp_path / "work").exists()


def test_without_act_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "repo", workflow(job("test", "run: x")))
    commit = git(root, "rev-parse", "HEAD")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(
        subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    )
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(sys, "executable", str(tools / "python"))
    with pytest.raises(ToolMissing, match="act is not installed"):
        source(root, tmp_path).runs(commit)
    assert not list((tmp_path / "work").iterdir())


def test_no_room_for_a_copy_is_said(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", workflow(job("test", "run: x")))
    (tmp_path / "work").write_text("a file")
    with pytest.raises(SourceError, match="no room for a copy"):
        source(root, tmp_path).runs(git(root, "rev-parse", "HEAD"))


def test_what_a_killed_process_left_is_swept_away_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    root = repository(tmp_path / "repo", workflow(job("test", "run: echo x")))
    left, half, used, odd = (tmp_path / "work" / f"act-{name}" for name in ("left", "half", "used", "odd"))
    for place in (left / "deep", half / "deep", used, odd / ".lock"):
        place.mkdir(parents=True)
    (left / ".lock").touch()
    with (used / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        source(root, tmp_path).runs(git(root, "rev-parse", "HEAD"))
    assert sorted((tmp_path / "work").iterdir()) == [odd, used]


# ---------------------------------------------------------------------- jobs that mean harm


def test_a_job_s_own_time_limit_is_a_verdict_and_the_local_one_is_not(tmp_path: Path) -> None:
    slow = job("slow", f"run: echo begun; sleep {_mark(31500)}")
    found = ran(tmp_path, workflow(slow), timeout=2)["slow"]
    assert (found.conclusion, found.reason) == (
        Conclusion.UNKNOWN,
        "it did not end within 2 s, the limit for a local run",
    )
    assert output(found) == "begun\n"
    assert not _alive(_mark(31500))


@pytest.mark.spec("SEED-218")
def test_secrets_of_the_machine_are_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = tmp_path / "user"
    (user / ".ssh").mkdir(parents=True)
    (user / ".ssh/id").write_text("hunter2")
    (user / ".aws").mkdir()
    (user / ".aws/credentials").write_text("hunter2")
    (user / "hee/keys").mkdir(parents=True)
    (user / "hee/keys/agent").write_text("hunter2")
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("HEE_HOME", str(user / "hee"))
    for name in ("GITHUB_TOKEN", "HEE_SIGNING_KEY", "NPM_TOKEN", "ACTIONS_RUNTIME_TOKEN"):
        monkeypatch.setenv(name, "hunter2")
    files = workflow(
        job(
            "steal",
            f"run: env; set; cat /proc/*/environ; grep -r hunter2 {user} || true; echo '${{{{ toJSON(secrets) }}}}'",
            checkout=True,
        )
    )
    files |= {
        ".env": "GITHUB_TOKEN=hunter2\n",
        ".secrets": "X=hunter2\n",
        ".vars": "Y=hunter2\n",
        ".input": "Z=hunter2\n",
        ".actrc": "--secret Z=hunter2\n",
    }
    found = ran(tmp_path, files)["steal"]
    if sandbox._walls() is not None:
        assert b"hunter2" not in found.log.replace(b"grep -r hunter2", b"")
    else:
        assert b"TOKEN=hunter2" not in found.log


def test_a_job_that_destroys_all_it_can_harms_nothing(tmp_path: Path) -> None:
    if sandbox._walls() is None:
        pytest.skip("without namespaces a job can write wherever its user can")
    victim = tmp_path / "repo"
    evil = script(f"""
        rm -rf "$GITHUB_WORKSPACE"/* "$GITHUB_WORKSPACE"/.git ~/.cache "$RUNNER_TEMP" || true
        rm -rf {victim}/* {victim}/.git || true
        echo bad > {victim}/bad || true
        for d in {tmp_path / "work"}/*/tree; do rm -rf "$d"/*; done || true
        git -C {victim} update-ref refs/heads/evil HEAD || true
        (setsid sleep {_mark(31501)} &) ; setsid sleep {_mark(31502)} &
        echo done
        """)
    jobs = workflow(
        job("evil", evil, checkout=True),
        job("next", "run: ls run.sh && git status --porcelain", checkout=True, needs="evil"),
    )
    found = ran(tmp_path, jobs | {"run.sh": "x"})
    assert found["evil"].conclusion is not Conclusion.SUCCESS or "done" in output(found["evil"])
    assert git(victim, "status", "--porcelain") == ""
    assert git(victim, "branch") == "* main"
    assert found["next"].conclusion in (Conclusion.SUCCESS, Conclusion.UNKNOWN, Conclusion.SKIPPED)
    assert not _alive(_mark(31501))
    assert not _alive(_mark(31502))


def test_a_job_cannot_spoil_the_next_one(tmp_path: Path) -> None:
    jobs = workflow(
        job(
            "first",
            "run: git commit --quiet --allow-empty -m x --author 'a <a@b>' || git update-ref refs/heads/x HEAD; rm run.sh; touch ~/left",
            checkout=True,
        ),
        job("second", "run: test -f run.sh; test ! -e ~/left; git branch", checkout=True, needs="first"),
    )
    found = ran(tmp_path, jobs | {"run.sh": "x"})
    assert found["second"].conclusion is Conclusion.SUCCESS, found["second"].log.decode()
    assert output(found["second"]) == "* main\n"


def test_a_flood_of_output_is_cut_and_the_verdict_stands(tmp_path: Path) -> None:
    found = ran(
        tmp_path, workflow(job("loud", "run: yes 0123456789 | head -c 200000000; printf '\\377\\000\\033[1m'; exit 6"))
    )["loud"]
    assert found.conclusion is Conclusion.FAILURE
    assert len(found.log) < 34_000_000
    assert b" bytes left out]\n" in found.log
    assert found.log.endswith(b"\xff\x00\x1b[1m\n##[error]Process completed with exit code 6.\n")


def test_a_job_cannot_make_us_read_what_it_may_not(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    evil = script(f"""
        cd ~/../logs
        for name in 0.log 0.log.exit 0.log.older 0.log.last 1.log outputs.json; do rm -f $name; ln -s {tmp_path}/secret $name; done
        mkfifo 2.log
        cd ..; mv logs other; ln -s {tmp_path} logs
        echo done
        """)
    found = ran(
        tmp_path,
        workflow(job("evil", evil, "run: echo two", "run: echo three"), job("next", "run: echo x", needs="evil")),
    )
    assert b"hunter2" not in found["evil"].log.replace(str(tmp_path).encode(), b"")
    assert found["evil"].completed_at


def test_a_job_that_kills_all_it_can_is_unknown(tmp_path: Path) -> None:
    if sandbox._walls() is None:
        pytest.skip("without namespaces it would kill these tests")
    found = ran(tmp_path, workflow(job("killer", "run: kill -9 -1; sleep 5")))["killer"]
    assert (found.conclusion, found.reason) == (Conclusion.UNKNOWN, "act ended without saying how the job ended")


def test_a_job_that_removes_its_home_ends_as_it_ended(tmp_path: Path) -> None:
    found = ran(tmp_path, workflow(job("remover", "run: rm -rf ~ || true; exit 3")))["remover"]
    assert found.conclusion in (Conclusion.FAILURE, Conclusion.UNKNOWN)


def test_writing_outside_is_no_failure_of_the_commit(tmp_path: Path) -> None:
    if sandbox._walls() is None:
        pytest.skip("without namespaces a job can write wherever its user can")
    found = ran(tmp_path, workflow(job("out", "run: echo x > /usr/written-by-a-job")))["out"]
    if os.geteuid() == 0:
        assert found.conclusion in (Conclusion.UNKNOWN, Conclusion.SUCCESS)
    assert not Path("/usr/written-by-a-job").exists()


SCRIPT = """
    import sys
    from pathlib import Path
    from hee_core.clock import SYSTEM
    from hee_monitoring.sources.act import ActSource
    try:
        ActSource(Path(sys.argv[1]), clock=SYSTEM, work=Path(sys.argv[2])).runs(sys.argv[3])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


FULL = """
    import sys
    from pathlib import Path
    from hee_core.clock import SYSTEM
    from hee_core.errors import HeeError
    from hee_monitoring.sources.act import ActSource
    work = Path(sys.argv[2])
    try:
        runs = ActSource(Path(sys.argv[1]), clock=SYSTEM, work=work).runs(sys.argv[3])
        print(*(job.conclusion for run in runs for job in run.jobs), list(work.glob("*")))
    except HeeError as error:
        print(type(error).__name__, error, list(work.glob("*")))
"""


@pytest.mark.parametrize("size", ["40k", "300k", "900k", "1500k"])
def test_a_full_disk_is_said_and_never_red(tmp_path: Path, size: str) -> None:
    if sandbox._walls() is None:
        pytest.skip("a small disk needs namespaces")
    root = repository(
        tmp_path / "repo",
        workflow(job("test", "run: cat large > copy; cat large > copy2", checkout=True)) | {"large": "x" * 300_000},
    )
    (tmp_path / "work").mkdir()
    (tmp_path / "script.py").write_text(textwrap.dedent(FULL))
    inner = f"mount -t tmpfs -o size={size} tmpfs {tmp_path}/work && exec {sys.executable} {tmp_path}/script.py {root} {tmp_path}/work {git(root, 'rev-parse', 'HEAD')}"
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", inner],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.endswith(" []\n")
    assert "failure" not in done.stdout.replace("failed", ""), done.stdout
    assert done.stdout.startswith(("GitError", "SourceError", "unknown", "success"))


def test_ctrl_c_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    one, two = _mark(31503), _mark(31504)
    root = repository(tmp_path / "repo", workflow(job("a", f"run: sleep {one}"), job("b", f"run: setsid sleep {two}")))
    argv = [
        sys.executable,
        "-c",
        textwrap.dedent(SCRIPT),
        str(root),
        str(tmp_path / "work"),
        git(root, "rev-parse", "HEAD"),
    ]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    deadline = time.monotonic() + 30
    while not (_alive(one) and _alive(two)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    with process.stdout as said:
        assert said.read() == "interrupted\n"
    process.wait(10)
    assert not _alive(one)
    assert not _alive(two)
    assert list((tmp_path / "work").iterdir()) == []


def _mark(number: int) -> str:
    """Seconds to sleep by which a process of this test run is told from those of another one on the same machine."""
    return f"{number}.{os.getpid()}"


def _alive(mark: str) -> bool:
    """Whether a process with this word on its command line lives, now and a moment later."""
    for _ in range(3):
        found = False
        for entry in Path("/proc").iterdir():
            try:
                found |= entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
        if not found:
            return False
        time.sleep(0.1)
    return True
