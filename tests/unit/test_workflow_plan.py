"""Which jobs a push starts, which of them can be run here, and why the others can't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring import screening
from hee_monitoring.workflow import Plan, PlannedJob, local_actions, plan

PATH = ".github/workflows/ci.yml"


def planned(text: str, branch: str = "", **more: str) -> Plan:
    return plan({PATH: text.encode(), **{name: value.encode() for name, value in more.items()}}, branch=branch)


def one(job: str, **more: str) -> PlannedJob:
    """The plan of a single job, of which the lines are given."""
    text = f"on: push\njobs:\n  a:\n    {job.strip().replace(chr(10), chr(10) + '    ')}\n"
    found = planned(text, **more)
    assert not found.problems, found.problems
    return found.jobs[0]


RUN = "steps: [{run: make}]\n"
UBUNTU = "runs-on: ubuntu-latest\n"


def test_a_plain_job_can_be_run() -> None:
    job = one(
        f"name: All tests\n{UBUNTU}timeout-minutes: 7\nsteps: [{{uses: actions/checkout@v4}}, {{name: Build it, run: make}}, {{run: 'a\n\n      b'}}]"
    )
    assert (job.key, job.name, job.job_id, job.runnable, job.reason, job.skipped) == (
        f"{PATH}#a",
        "All tests",
        "a",
        True,
        "",
        False,
    )
    assert (job.workflow, job.workflow_name, job.timeout_minutes, job.needs, job.may_fail) == (PATH, PATH, 7, (), False)
    assert [step.title for step in job.steps] == ["Run actions/checkout@v4", "Build it", "Run a"]
    assert [step.stand_in for step in job.steps] == ["checkout", "", ""]


@pytest.mark.parametrize("minutes", ["0", "1000", "x", "${{ inputs.t }}", "-3"])
def test_a_limit_that_makes_no_sense_is_github_s_own(minutes: str) -> None:
    assert one(f"{UBUNTU}timeout-minutes: {minutes}\n{RUN}").timeout_minutes == 360


@pytest.mark.parametrize(
    "label", ["ubuntu-latest", "ubuntu-22.04", "Ubuntu-24.04", "ubuntu-slim", "[ubuntu-latest]", "'ubuntu-latest'"]
)
def test_a_job_for_ubuntu_can_be_run(label: str) -> None:
    assert one(f"runs-on: {label}\n{RUN}").runnable


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("runs-on: windows-latest\n" + RUN, "it asks for windows-latest, and this machine runs Linux"),
        ("runs-on: macos-14\n" + RUN, "it asks for macos-14, and this machine runs Linux"),
        ("runs-on: ubuntu-24.04-arm\n" + RUN, "it asks for ubuntu-24.04-arm, another processor"),
        ("runs-on: [self-hosted, linux]\n" + RUN, "it asks for the runner self-hosted, which only its owner has"),
        ("runs-on: {group: big, labels: [x]}\n" + RUN, "it asks for a runner of the group big, which only its owner has"),
        ("runs-on: ${{ inputs.os }}\n" + RUN, "its runner is chosen by an expression"),
        ("uses: ./.github/workflows/other.yml\n", "it calls the reusable workflow ./.github/workflows/other.yml"),
        (UBUNTU + "container: node:20\n" + RUN, "it runs in a container (node:20)"),
        (UBUNTU + "container: {image: 'node:20'}\n" + RUN, "it runs in a container (node:20)"),
        (UBUNTU + "services: {db: {image: postgres}}\n" + RUN, "it needs service containers"),
        (UBUNTU + "environment: production\n" + RUN, "it deploys to the environment production"),
        (UBUNTU + "environment: {name: pages}\n" + RUN, "it deploys to the environment pages"),
        (UBUNTU + "strategy: {matrix: '${{ fromJSON(x) }}'}\n" + RUN, "its matrix is computed by an expression"),
        (UBUNTU + "steps: [{uses: a/b@v1}, {run: x}]", "the action a/b@v1 would have to be fetched"),
            (UBUNTU + "steps: [{uses: actions/setup-python@v5}, {uses: a/b/c@v1}]", "the action a/b/c@v1 would have to be fetched"),
        (UBUNTU + "steps: [{uses: 'docker://alpine'}]", "it runs the container alpine"),
        (UBUNTU + "steps: [{uses: ./none}]", "the action ./none is not in the repository"),
        (UBUNTU + "steps: [{uses: ../outside}]", "the action ../outside would have to be fetched"),
        (UBUNTU + "steps: [{run: 'sudo apt-get install x'}]", "'step 1' runs sudo, which is kept from reaching your machine"),
        (UBUNTU + "steps: [{name: Image, run: 'make && A=1 docker build .'}]", "'Image' runs docker, which is kept from reaching your machine"),
        (UBUNTU + "background: true\n" + RUN, "the key 'background' (line 5) is not known here"),
        (UBUNTU + "steps: [{uses: actions/checkout@v4, with: {repository: a/b}}]", "it checks out another repository (a/b)"),
        (UBUNTU + "steps: [{uses: actions/checkout@v4, with: {ref: dev}}]", "it checks out another ref (dev)"),
        (UBUNTU + "steps: [{uses: actions/checkout@v4, with: {submodules: recursive}}]", "it checks out submodules, which would have to be fetched"),
        (UBUNTU + "steps: [{uses: actions/checkout@v4, with: {lfs: true}}]", "it checks out files from Git LFS, which would have to be fetched"),
    ],
)  # fmt: skip
def test_a_job_that_cannot_be_run_here_says_why(job: str, reason: str) -> None:
    found = one(job)
    assert (found.runnable, found.skipped, found.reason) == (False, False, reason)


@pytest.mark.parametrize(
    "script",
    [
        "# sudo is not needed",
        "command -v docker",
        "echo 'no sudo'",
        "pseudo x",
        "make docker",
        "grep -q docker-compose file",
    ],
)
def test_a_script_that_only_names_a_command_is_run(script: str) -> None:
    assert one(f'{UBUNTU}steps: [{{run: "{script}"}}]').runnable


def test_a_checkout_of_the_commit_itself_is_a_plain_checkout() -> None:
    assert one(
        UBUNTU
        + "steps: [{uses: actions/checkout@v4, with: {ref: '${{ github.head_ref || github.sha }}', submodules: false}}]"
    ).runnable


def test_a_job_that_never_runs_is_skipped() -> None:
    for condition in ("false", "${{ false }}"):
        job = one(f"{UBUNTU}if: {condition}\n{RUN}")
        assert (job.skipped, job.runnable, job.reason) == (True, False, "its condition is false")


class TestLocalActions:
    JOB = UBUNTU + "steps: [{uses: ./.github/actions/x}]"
    PLACE = ".github/actions/x/action.yml"

    def test_one_of_scripts_can_be_run(self) -> None:
        assert one(self.JOB, **{self.PLACE: "runs: {using: composite, steps: [{run: a, shell: bash}]}"}).runnable

    def test_one_in_javascript_can_be_run(self) -> None:
        assert one(self.JOB, **{".github/actions/x/action.yaml": "runs: {using: node20, main: a.js}"}).runnable

    @pytest.mark.parametrize(
        ("action", "reason"),
        [
            ("runs: {using: docker}", "the action ./.github/actions/x runs in a container"),
            ("runs: {using: java}", "the action ./.github/actions/x is of an unknown kind (java)"),
            ("name: x", "the action ./.github/actions/x is of an unknown kind (none named)"),
            ("a: [", "the action ./.github/actions/x is not readable (line 1: "),
            ("runs: {using: composite, steps: [{uses: a/b@v1}]}", "the action a/b@v1 would have to be fetched"),
            ("runs: {using: composite, steps: [{name: Up, run: sudo x, shell: bash}]}", "'Up' runs sudo, which is kept from reaching your machine"),
            ("runs: {using: composite, steps: [{uses: ./.github/actions/x}]}", "the action ./.github/actions/x is nested too deeply"),
        ],
    )  # fmt: skip
    def test_one_is_judged_like_the_job_s_own_steps(self, action: str, reason: str) -> None:
        assert one(self.JOB, **{self.PLACE: action}).reason.startswith(reason)

    def test_the_folders_that_are_used_are_found(self) -> None:
        files = {
            PATH: b"on: push\njobs: {a: {runs-on: u, steps: [{uses: ./}, {uses: ./tools/x/}, {uses: ../y}, {uses: a/b@v1}]}}",
            "tools/x/action.yml": b"runs: {using: composite, steps: [{uses: ./deep}]}",
            "broken/action.yml": b"a: [",
            "README.md": b"uses: ./no",
        }
        assert local_actions(files) == {".", "tools/x", "deep"}
        assert screening.action_file(".", {"action.yml": b"x"}) == b"x"


class TestMatrix:
    def test_every_combination_is_a_job_with_github_s_name(self) -> None:
        found = planned(f"on: push\njobs:\n  t:\n    {UBUNTU}    strategy: {{matrix: {{v: [1, 2]}}}}\n    {RUN}")
        assert [(job.key, job.name) for job in found.jobs] == [(f"{PATH}#t (1)", "t (1)"), (f"{PATH}#t (2)", "t (2)")]

    def test_a_name_can_be_made_of_values(self) -> None:
        job = one(
            "name: Test ${{ matrix.v }}\nruns-on: ${{ matrix.os }}\nstrategy: {matrix: {v: ['3.12'], os: [ubuntu-latest]}}\n"
            + RUN
        )
        assert (job.name, job.runnable) == ("Test 3.12", True)

    def test_only_the_platforms_that_are_not_here_are_left_out(self) -> None:
        text = f"on: push\njobs:\n  t:\n    runs-on: ${{{{ matrix.os }}}}\n    strategy: {{matrix: {{os: [ubuntu-latest, windows-latest]}}}}\n    {RUN}"
        assert [(job.name, job.runnable) for job in planned(text).jobs] == [
            ("t (ubuntu-latest)", True),
            ("t (windows-latest)", False),
        ]

    def test_combinations_that_read_the_same_have_keys_of_their_own(self) -> None:
        found = planned(
            f"on: push\njobs:\n  t:\n    {UBUNTU}    strategy: {{matrix: {{include: [{{a: 1}}, {{b: 1}}]}}}}\n    {RUN}"
        )
        assert len({job.key for job in found.jobs}) == 2

    def test_one_combination_may_be_allowed_to_fail(self) -> None:
        text = f"on: push\njobs:\n  t:\n    {UBUNTU}    continue-on-error: ${{{{ matrix.x }}}}\n    strategy: {{matrix: {{x: [true, false]}}}}\n    {RUN}"
        assert [job.may_fail for job in planned(text).jobs] == [True, False]


class TestNeeds:
    def test_every_job_stands_after_those_it_needs(self) -> None:
        text = "on: push\njobs:\n" + "".join(
            f"  {name}: {{runs-on: ubuntu-latest, needs: {needs}, steps: [{{run: x}}]}}\n"
            for name, needs in (("c", "[b, a]"), ("b", "a"), ("a", "[]"))
        )
        found = planned(text)
        assert [job.job_id for job in found.jobs] == ["a", "b", "c"]
        assert found.job(f"{PATH}#c").needs == ("b", "a")  # type: ignore[union-attr]
        assert found.job("none") is None

    def test_the_case_of_an_id_does_not_matter(self) -> None:
        found = planned(
            "on: push\njobs:\n  a: {runs-on: ubuntu-latest, needs: B, steps: [{run: x}]}\n  b: {runs-on: ubuntu-latest, steps: [{run: x}]}\n"
        )
        assert [(job.job_id, job.needs) for job in found.jobs] == [("b", ()), ("a", ("b",))]

    @pytest.mark.parametrize(
        ("job", "reads"),
        [
            ("needs: []\n", False),
            ("env: {A: '${{ needs.b.outputs.x }}'}\n", True),
            ("if: needs.b.result == 'success'\n", True),
            ("name: needs nothing\n", False),
        ],
    )
    def test_a_job_says_whether_it_reads_what_others_said(self, job: str, reads: bool) -> None:
        assert one(UBUNTU + job + RUN).uses_needs is reads


class TestTriggers:
    BODY = "\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n"

    @pytest.mark.parametrize(
        ("on", "branch"),
        [
            ("push", "main"),
            ("[pull_request, push]", ""),
            ("{push: , pull_request: }", "main"),
            ("{push: {branches: [main, 'release/**']}}", "release/a/b"),
            ("{push: {branches: [main]}}", ""),
            ("{push: {branches: [main]}, pull_request: }", "feature"),
            ("{push: {branches: ['v*', '!v1']}}", "v2"),
            ("{push: {branches-ignore: [gh-pages]}}", "main"),
            ("{push: {tags: ['v*'], branches: [main]}}", "main"),
            ("{push: {paths: ['docs/**']}}", "main"),
            ("{push: {branches: ['rele?se', 'ma+in']}}", "maain"),
            ("{push: {branches: ['**/x']}}", "a/b/x"),
            ("{push: {branches: ['**/x']}}", "x"),
            ("{push: {branches: ['[a-m]*']}}", "main"),
        ],
    )
    def test_a_push_starts_it(self, on: str, branch: str) -> None:
        assert planned(f"on: {on}{self.BODY}", branch).jobs[0].runnable

    @pytest.mark.parametrize(
        ("on", "branch", "reason"),
        [
            ("pull_request", "main", "the workflow runs on pull_request, not on push"),
            (
                "{schedule: [{cron: '0 0 * * *'}], workflow_dispatch: }",
                "main",
                "the workflow runs on schedule, workflow_dispatch, not on push",
            ),
            ("{push: {tags: ['v*']}}", "main", "the workflow runs on tags only"),
            ("{push: {branches: [main]}}", "dev", "the workflow runs on the branches main, and this is dev"),
            ("{push: {branches: ['v*', '!v1']}}", "v1", "the workflow runs on the branches v*, !v1, and this is v1"),
            ("{push: {branches: ['a*']}}", "a/b", "the workflow runs on the branches a*, and this is a/b"),
            ("{push: {branches: ['+x[']}}", "dev", "the workflow runs on the branches +x[, and this is dev"),
            ("{push: {branches-ignore: [gh-pages]}}", "gh-pages", "the workflow leaves out the branch gh-pages"),
        ],
    )
    def test_a_push_does_not_start_it(self, on: str, branch: str, reason: str) -> None:
        job = planned(f"on: {on}{self.BODY}", branch).jobs[0]
        assert (job.skipped, job.runnable, job.reason) == (True, False, reason)


_CIRCLE = (
    "on: push\njobs:\n  z: {runs-on: x, needs: a, steps: [{run: x}]}\n"
    "  a: {runs-on: x, needs: b, steps: [{run: x}]}\n  b: {runs-on: x, needs: a, steps: [{run: x}]}\n"
)


class TestInvalidWorkflows:
    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            ("on: push\njobs:\n  a: [\n", 4, "You have an error in your yaml syntax on line 4"),
            ("- x", 1, "Unexpected value; a workflow is a table"),
            ("", 1, "Unexpected value; a workflow is a table"),
            ("jobs: {a: {runs-on: x, steps: [{run: x}]}}", 1, "Required property is missing: on"),
            ("on: push\n", 1, "Required property is missing: jobs"),
            ("on: push\njobs: {}\n", 2, "A mapping of jobs was expected"),
            ("on: push\njobs: [a]\n", 2, "A mapping of jobs was expected"),
            ("on: push\npermisions: {}\njobs: {a: {runs-on: x, steps: [{run: x}]}}", 2, "Unexpected value 'permisions' (did you mean 'permissions'?)"),
            ("on: push\njobs:\n  a: x\n", 3, "job 'a' is a table"),
            ("on: push\njobs:\n  'a b': {runs-on: x, steps: [{run: x}]}\n", 3, "The identifier 'a b' is invalid"),
            ("on: push\njobs:\n  a:\n    steps: [{run: x}]\n", 4, "Required property is missing: runs-on"),
            ("on: push\njobs:\n  a:\n    runs_on: x\n    steps: [{run: x}]\n", 4, "did you mean 'runs-on'?"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n", 4, "Required property is missing: steps"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n    steps: {run: x}\n", 5, "A sequence of steps was expected"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - make\n", 6, "a step is a table"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - name: x\n", 6, "Every step must define one of 'uses' and 'run'"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: x\n        uses: y\n", 6, "Every step must define"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - {id: x, run: x}\n      - {id: X, run: x}\n", 7, "'X' may not be used more than once"),
            ("on: push\njobs:\n  a:\n    runs-on: x\n    needs: b\n    steps: [{run: x}]\n", 5, "Job 'a' depends on unknown job 'b'."),
            (_CIRCLE, 4, "The jobs a, b wait for each other"),
        ],
    )  # fmt: skip
    def test_what_github_refuses_has_a_line_and_no_jobs(self, text: str, line: int, said: str) -> None:
        found = planned(text)
        assert not found.jobs
        assert (found.problems[0].path, found.problems[0].line) == (PATH, line)
        assert said in found.problems[0].message

    def test_one_broken_file_does_not_hide_the_others(self) -> None:
        found = plan(
            {
                PATH: b"a: [",
                ".github/workflows/b.yaml": b"on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}",
            }
        )
        assert [job.key for job in found.jobs] == [".github/workflows/b.yaml#a"]
        assert [problem.path for problem in found.problems] == [PATH]

    def test_other_files_are_no_workflows(self) -> None:
        assert plan(
            {"ci.yml": b"a: [", ".github/workflows/deep/a.yml": b"a: [", ".github/workflows/a.txt": b"a: ["}
        ) == Plan((), ())


class TestSecrets:
    def test_a_step_names_the_secrets_that_it_uses(self) -> None:
        text = (
            "env: {A: '${{ secrets.ONE }}'}\non: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env: {B: \"${{ secrets['TWO'] }}\", C: plain}\n    steps:\n"
            "      - run: echo $B $C\n      - run: echo $A ${{ github.token }}\n      - {run: x, env: {Z: '${{ toJSON(secrets) }}'}}\n      - run: echo AB\n"
        )
        assert [step.secrets for step in planned(text).jobs[0].steps] == [
            ("TWO",),
            ("ONE", "github.token"),
            ("all of them",),
            (),
        ]


@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: f"on: push\njobs:\n  a: {text}".encode()))
def test_any_file_gives_a_plan(data: bytes) -> None:
    found = plan({PATH: data})
    assert all(job.runnable or job.reason for job in found.jobs)
    assert all(problem.line >= 1 and problem.message for problem in found.problems)
    assert not (found.jobs and found.problems)


@pytest.mark.parametrize(
    "steps",
    [
        "{uses: actions/setup-python@v5, with: {python-version: '3.11'}}, {uses: Swatinem/rust-cache@v2}",
        "{run: x}, {uses: a/b@v1}",  # what comes before it may fail, which is a verdict
        "{if: failure(), uses: a/b@v1}, {run: x}",
        "{uses: actions/upload-artifact@v4, with: {path: x}}, {uses: actions/cache/restore@v4}",
    ],
)
def test_a_published_action_does_not_keep_a_job_from_being_judged(steps: str) -> None:
    assert one(UBUNTU + f"steps: [{steps}]").reason == ""
