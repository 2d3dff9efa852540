"""The repository's own fixers and its moved paths, inside the whole transaction."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace

import pytest
from repair_world import World, diagnose, fingerprint_of, git, make_repository

from hee_monitoring.evidence import Channel, Diagnosis, Evidence
from hee_monitoring.fixes import REGISTRY, ownfixers
from hee_monitoring.fixes.generated_files import GeneratedFiles
from hee_monitoring.fixes.moved_path import MovedPath
from hee_monitoring.fixes.own_fixer import OwnFixer

pytestmark = pytest.mark.spec("SEED-084", "SEED-252")
GATE = "grep -q 'teh' a.txt && { echo 'a.txt: teh'; exit 1; } || true"
SED = "sed -i s/teh/the/ a.txt"
FIX = "from pathlib import Path\np = Path('a.txt')\np.write_text(p.read_text().replace('teh', 'the'))\n"
WORKFLOW = "jobs: {{gate: {{runs-on: x, steps: [{{run: '{}'}}]}}}}\n"


def said(title="", text="", **captures):
    return Diagnosis(
        "HEE-PAT-600", captures.pop("category", "format"), title, "f", 9000, (Evidence(Channel.LOG, text, 1),), captures
    )


def world_of(tmp_path, files, gate=GATE, row="format", executable=()):
    return World(make_repository(tmp_path / "repo", {"a.txt": "teh end\n", **files}, executable=executable), tmp_path / "work", {"gate": gate}, row=row)  # fmt: skip


def repaired(world, strategy, **changes):
    before = fingerprint_of(world.root)
    outcome = world.repair(world.request("gate", **changes))
    assert (outcome.outcome, outcome.strategy) == ("verified", strategy), outcome.reason
    assert fingerprint_of(world.root) == before
    return outcome


TOX = "[tox]\nskipsdist = true\n[testenv:fmt]\nskip_install = true\ncommands = python whitespace.py\n"
NOX = "import nox\n\n\n@nox.session\ndef format(session):\n    session.run('python', 'whitespace.py')\n"
NPM = {
    "package.json": '{"name": "x", "version": "1.0.0", "scripts": {"lint:fix": "npm run again", "again": "node whitespace.js", "format": "prettier --check ."}}\n',
    "package-lock.json": '{"name": "x", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {"": {"name": "x", "version": "1.0.0"}}}\n',
    "whitespace.js": "const fs = require('fs');\nfs.writeFileSync('a.txt', fs.readFileSync('a.txt', 'utf8').replace('teh', 'the'));\n",
    ".gitignore": "node_modules\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "command", "program"),
    [
        ({"Makefile": f"check:\n\ttrue\n\nsetup:\n\t@true # whitespace\nfmt: setup\n\t{SED}\n"}, "make fmt", "make"),
        ({"scripts/format.sh": f"#!/bin/sh\n{SED} # whitespace\n"}, "./scripts/format.sh", "sh"),
        (NPM, "npm run lint:fix", "npm"),
        ({"tox.ini": TOX, "whitespace.py": FIX}, "tox -e fmt", "python3"),
        ({"noxfile.py": NOX, "whitespace.py": FIX}, "nox -s format", "python3"),
    ],
    ids=["make", "script", "npm", "tox", "nox"],
)  # fmt: skip
def test_the_fixer_that_the_repository_declares_comes_first(tmp_path, files, command, program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    gate = GATE.replace("a.txt: teh", "a.txt: whitespace")
    outcome = repaired(world_of(tmp_path, files, gate, executable=("scripts/format.sh",)), "own-fixer")
    assert outcome.summary == f"Keep what `{command}` changed"
    assert outcome.files == ("a.txt",)


def test_the_tools_that_a_fixer_calls_are_those_that_the_repository_pins(tmp_path):
    files = {
        "src/a.py": "x  =  1\n",
        "Makefile": "format:\n\truff --version > ../version\n\truff format src\n",
        "requirements.txt": "ruff==0.6.4\n",
    }
    world = world_of(tmp_path, files, "ruff format --check src 2>&1")
    outcome = repaired(world, "own-fixer")
    assert outcome.files == ("src/a.py",)


def test_a_fixer_that_does_not_repair_leaves_the_turn_to_the_next_strategy(tmp_path):
    files = {
        "src/a.py": "x  =  1\n",
        "README.md": "x\n",
        ".github/workflows/ci.yml": WORKFLOW.format("ruff format --check src"),
    }
    for recipe in (
        "false",
        "true # ruff",
        "echo ruff >> README.md",
        "echo ruff; echo '# noqa' >> src/a.py",
        "echo '# ruff' >> src/a.py; rm README.md",
    ):
        world = world_of(tmp_path / recipe.replace(" ", "").replace("/", "")[:9], files | {"Makefile": f"format:\n\t{recipe}\n"}, "ruff format --check --output-format concise src 2>&1")  # fmt: skip
        assert repaired(world, "ruff-format").files == ("src/a.py",)


def test_tox_and_nox_that_would_install_the_newest_tool_are_left(tmp_path):
    files = {"tox.ini": "[testenv:fmt]\nskip_install = true\ndeps = ruff\ncommands = ruff format .\n"}
    world = world_of(tmp_path, files, "echo 'a.txt: ruff'; exit 1")
    assert (
        "would install whatever ruff is the newest"
        in world.repair(world.request("gate"), strategies=(OwnFixer(),)).reason
    )


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"Makefile": "format:\n\tblack .\nfix lint-fix: dep\n\truff check --fix .\ndep:\n\ttrue\nformat-check:\n\tblack .\nX := fmt\n"}, ["make format", "make fix", "make lint-fix"]),
        ({"Makefile": "format:\n\tblack --check .\nfix:\n\tgit commit -am fix\nfmt: dirty\n\tblack .\ndirty:\n\trm -rf build\n"}, []),
        ({"package.json": '{"scripts": {"format": "prettier --write .", "fix": "eslint --fix ."}}'}, []),
        ({"package.json": '{"scripts": []}', "package-lock.json": "{}"}, []),
        ({"package.json": '{"scripts": {"format": "prettier --write .", "lint": "eslint ."}}', "package-lock.json": "{}"}, ["npm run format"]),
        ({"justfile": "default:\n    just --list\n\nfmt *args:\n    black {{args}} .\n"}, ["just fmt"]),
        ({"tox.ini": "[testenv:format]\ncommands =\n    black .\n[testenv:lint]\ncommands = flake8\n"}, ["tox -e format"]),
        ({"tox.ini": "no section\n"}, []),
        ({"Makefile": "format:\n\tblack .\n", ".github/workflows/a.yml": WORKFLOW.format("make -s format && git diff --exit-code")}, []),
        ({"tox.ini": "[testenv:format]\ncommands = black .\n", ".github/workflows/a.yml": WORKFLOW.format("tox run -e format")}, []),
        ({"scripts/check-format.sh": "black ."}, []),
    ],
)  # fmt: skip
def test_only_what_repairs_and_is_no_gate_is_a_fixer(tmp_path, files, found):
    root = make_repository(tmp_path / "repo", files)
    tools = said("black ruff prettier")  # what installs is left out where the failure names no tool
    assert [str(each) for each in ownfixers.fitting(tools, root)] == found


def test_nothing_is_installed_for_a_fixer_that_the_files_alone_decline(tmp_path, monkeypatch):
    from hee_monitoring import sandbox

    ran = []
    real = sandbox.run
    monkeypatch.setattr(sandbox, "run", lambda argv, **options: (ran.append(argv), real(argv, **options))[1])
    scripts = {"format": "npm run all", "all": "prettier --write ."}
    lock = NPM["package-lock.json"]
    root = make_repository(tmp_path / "repo", {"package.json": json.dumps({"scripts": scripts}), "package-lock.json": lock})  # fmt: skip
    assert ownfixers.fitting(said("Tests fail"), root) == []
    assert ownfixers.fitting(said("Lint fails (eslint)"), root) == []
    assert [str(each) for each in ownfixers.fitting(said("Not formatted (prettier)"), root)] == ["npm run format"]
    world = World(root, tmp_path / "work", {"gate": "echo 'prettier: package.json'; exit 1"})
    reason = world.repair(world.request("gate"), strategies=(OwnFixer(),)).reason
    assert reason == "own-fixer: `npm run format` calls prettier, which the lock file does not have"
    assert ran == []


def test_a_fixer_that_leaves_the_gate_red_is_taken_back_and_the_next_strategy_tries(tmp_path):
    files = {
        "src/a.py": "x  =  1\n",
        "Makefile": "format:\n\techo '# ruff' >> src/a.py\n",
        ".github/workflows/ci.yml": WORKFLOW.format("ruff format --check src"),
    }
    world = world_of(tmp_path, files, "ruff format --check --output-format concise src 2>&1")
    outcome = repaired(world, "ruff-format")
    assert "own-fixer was taken back" in [check.name for check in outcome.post]
    assert git(world.root, "show", f"{outcome.commit}:src/a.py") == "x = 1"
    alone = world.repair(world.request("gate"), strategies=(OwnFixer(),))
    assert (alone.outcome, alone.reason[:17]) == ("rolled_back", "gate is still red")
    twice = world.repair(world.request("gate"), strategies=(OwnFixer(), OwnFixer()))
    assert twice.outcome == "rolled_back"
    assert twice.reason.endswith("after own-fixer; own-fixer makes a change that left the job red before")


def test_a_fixer_fits_only_where_it_calls_the_tool_that_failed(tmp_path):
    root = make_repository(tmp_path / "repo", {"Makefile": "format:\n\tblack .\n"})
    assert ownfixers.fitting(said("Files are not formatted (black)"), root)
    assert not ownfixers.fitting(said("Imports are not sorted (isort)"), root)


# ------------------------------------------------------------------ moved paths


def moved_world(tmp_path, files, moves, gate, row="workflow-config"):
    root = make_repository(tmp_path / "repo", files)
    for old, new in moves:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        git(root, "mv", old, new)
        git(root, "commit", "--quiet", "--message", "move")
    return World(root, tmp_path / "work", {"gate": gate}, row=row)


def followed(world, approved=True, category="workflow-config", **captures):
    request = world.request("gate", approved=approved)

    def explain(job):
        return replace(diagnose(job), captures=captures, category=category)

    return world.repair(
        replace(request, diagnosis=replace(request.diagnosis, captures=captures, category=category)), diagnose=explain
    )


BODY = "".join(f"print({number})\n" for number in range(20))
CALLS = "on: push\njobs:\n  gate:\n    runs-on: ubuntu-latest\n    steps:\n      - run: python scripts/check.py --strict  # scripts/check.py.bak stays\n"


def test_a_path_that_moved_twice_is_named_anew_in_workflows_hooks_and_task_files(tmp_path):
    files = {
        "scripts/check.py": BODY, ".github/workflows/ci.yml": CALLS, "Makefile": "lint:\n\t./scripts/check.py\n", "docs/old.md": "Once `scripts/check.py`.\n",
        ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - {id: c, name: c, language: system, entry: python scripts/check.py}\n",
    }  # fmt: skip
    moves = [("scripts/check.py", "tools/check.py"), ("tools/check.py", "tools/ci/verify.py")]
    gate = f"{sys.executable} $(grep -o 'scripts/check.py --\\|tools/ci/verify.py --' .github/workflows/ci.yml | cut -d' ' -f1) 2>&1"
    world = moved_world(tmp_path, files, moves, gate)
    outcome = followed(world, path="/home/runner/work/repo/repo/scripts/check.py")
    assert (outcome.outcome, outcome.strategy) == ("verified", "moved-path"), outcome.reason
    assert outcome.files == (".github/workflows/ci.yml", ".pre-commit-config.yaml", "Makefile")
    workflow = git(world.root, "show", f"{outcome.commit}:.github/workflows/ci.yml")
    assert "python tools/ci/verify.py --strict  # scripts/check.py.bak stays" in workflow
    assert "\t./tools/ci/verify.py" in git(world.root, "show", f"{outcome.commit}:Makefile")


def test_without_a_persons_approval_no_workflow_is_touched(tmp_path):
    world = moved_world(tmp_path, {"scripts/check.py": BODY, ".github/workflows/ci.yml": CALLS}, [("scripts/check.py", "check.py")], "test -f scripts/check.py || { echo gone; exit 1; }")  # fmt: skip
    outcome = followed(world, approved=False, path="scripts/check.py")
    assert outcome.outcome == "refused"
    assert outcome.reason.startswith("no strategy repairs this kind of failure")


def test_a_folder_that_moved_whole_is_followed_and_one_that_parted_is_not(tmp_path):
    files = {
        "ci/a.sh": BODY,
        "ci/sub/b.sh": BODY + "#\n",
        ".github/workflows/ci.yml": CALLS.replace("python scripts/check.py", "cd ci/sub && ls"),
    }
    world = moved_world(tmp_path, files, [("ci", "build/steps")], "cd $(grep -o 'cd [a-z/]*' .github/workflows/ci.yml | cut -d' ' -f2) || { echo gone; exit 1; }")  # fmt: skip
    outcome = followed(world, path="ci/sub")
    assert outcome.outcome == "verified", outcome.reason
    assert "cd build/steps/sub && ls" in git(world.root, "show", f"{outcome.commit}:.github/workflows/ci.yml")
    parted = moved_world(tmp_path / "parted", files, [], "false")
    git(parted.root, "mv", "ci/a.sh", "a.sh")
    (parted.root / "b").mkdir()
    git(parted.root, "mv", "ci/sub/b.sh", "b/b.sh")
    git(parted.root, "commit", "-qm", "part")
    parted.commit = git(parted.root, "rev-parse", "HEAD")
    assert "history does not say where the missing path went" in followed(parted, path="ci").reason


def test_two_places_that_are_as_good_are_named_and_none_is_taken(tmp_path):
    world = moved_world(tmp_path, {"scripts/check.py": BODY, ".github/workflows/ci.yml": CALLS}, [], "test -f scripts/check.py || { echo gone; exit 1; }")  # fmt: skip
    for place in ("one", "two"):
        (world.root / place).mkdir()
        (world.root / place / "check.py").write_text(BODY)
    git(world.root, "rm", "-q", "scripts/check.py")
    git(world.root, "add", "--all")
    git(world.root, "commit", "-qm", "copies")
    world.commit = git(world.root, "rev-parse", "HEAD")
    outcome = followed(world, path="scripts/check.py")
    assert outcome.outcome == "refused"
    assert "scripts/check.py went to more than one place: one/check.py, two/check.py" in outcome.reason


@pytest.mark.parametrize(
    "path", ["never/there.py", "../scripts/check.py", "scripts/check.py" * 99, "a.txt", "-rf", "$(touch x)"]
)
def test_what_history_does_not_know_is_declined(tmp_path, path):
    world = moved_world(tmp_path, {"a.txt": "x\n", ".github/workflows/ci.yml": CALLS}, [], "echo gone; exit 1")
    assert "history does not say where the missing path went" in followed(world, path=path).reason


def test_a_link_is_followed_from_the_folder_of_its_document(tmp_path):
    page = "See [the guide](guides/start.md#top) and `guides/start.md`.\n"
    files = {"docs/index.md": page, "docs/guides/start.md": BODY}
    gate = "f=$(grep -o 'guides/start.md#\\|setup.md#' docs/index.md | tr -d '#'); test -f docs/$f || { echo gone; exit 1; }"
    world = moved_world(tmp_path, files, [("docs/guides/start.md", "docs/setup.md")], gate, row="docs-link")
    outcome = followed(world, category="docs-link", link="guides/start.md#top")
    assert outcome.outcome == "verified", outcome.reason
    assert git(world.root, "show", f"{outcome.commit}:docs/index.md") == "See [the guide](setup.md#top) and `setup.md`."
    assert "history does not say" in followed(world, category="docs-link", link="other.md").reason


def test_strategies_that_change_protected_files_serve_no_row_that_needs_no_person():
    from hee_governance.matrix import Matrix

    reviewed = [each for each in REGISTRY if each.terms.reviewed]
    assert MovedPath.name in {each.name for each in reviewed}
    for each in reviewed:
        assert {Matrix.load().row(row).action for row in each.rows} <= {"agent-review", "manual-only"}
        assert not any(
            word in glob.casefold() for glob in each.terms.reviewed for word in ("hee", "codeowners", "capsule", "**/*")
        )


# ------------------------------------------------------------------ generated files

MADE = "on: push\njobs:\n  gate:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {}\n      - run: {}\n"


def test_generated_files_are_made_by_the_generator_that_the_gate_names(tmp_path):
    generate = "sh make.sh"
    files = {
        "make.sh": "tr a-z A-Z < source.txt > made.txt\n", "source.txt": "new\n", "made.txt": "OLD\n",
        ".github/workflows/ci.yml": MADE.format(generate, "git diff --exit-code"),
    }  # fmt: skip
    gate = f"{generate}; git diff --exit-code --stat || {{ echo generated files are out of date; exit 1; }}"
    outcome = repaired(world_of(tmp_path, files, gate, row="drift"), "generated-files")
    assert outcome.files == ("made.txt",)


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        ("make docs", "echo fine", "no generators before"), ("git push", "git diff --exit-code", "does more than change files"),
        ("'echo ${{ github.actor }} > a.txt'", "git diff --quiet", "does more than change files"),
        ("|\n          make a\n          git diff --exit-code", "|\n          make b\n          git status --porcelain", "name 2 generators"),
    ],
)  # fmt: skip
def test_a_generator_that_is_not_one_or_does_more_is_left_to_people(tmp_path, one, two, reason):
    root = make_repository(tmp_path / "repo", {".github/workflows/ci.yml": MADE.format(one, two)})
    assert reason in GeneratedFiles().applies(said(), root)


def test_a_generator_that_fails_or_writes_what_nobody_may_is_no_repair(tmp_path):
    for number, script in enumerate(
        ("false", "echo '# noqa' >> a.py", "echo x > new.txt", "echo x >> .github/workflows/ci.yml")
    ):
        files = {
            "a.py": "x = 1\n",
            "make.sh": f"{script}\n",
            ".github/workflows/ci.yml": MADE.format("sh make.sh", "git diff --exit-code"),
        }
        world = world_of(tmp_path / str(number), files, row="drift")
        assert world.repair(world.request("gate", approved=True)).outcome in ("refused", "rolled_back")


def test_hostile_task_files_and_logs_cost_no_time(tmp_path):
    from hee_monitoring.fixes.requirements import demands

    long = "a" + " " * 200_000
    root = make_repository(
        tmp_path / "repo",
        {"Makefile": f"{long}\nfmt:\n\tblack .\n{long}", "justfile": long, "noxfile.py": long, "tox.ini": long},
    )
    assert [str(each) for each in ownfixers.found(root)] == ["make fmt"]
    assert demands("go.mod", b"\n" * 200_000 + b"a" * 200_000) == {}
