"""Where a repository pins a tool, and in which order the places count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.fixes import gatecommand
from hee_monitoring.fixes.toolversion import Pin, exact, in_log, pinned

PRE_COMMIT = "repos:\n- repo: https://github.com/{}\n  rev: {}\n  hooks: [{{id: x}}]\n"
WORKFLOW = "jobs:\n  lint:\n    steps:\n    - {}\n"


def tree(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return root


@pytest.mark.parametrize(
    ("tool", "path", "text", "version"),
    [
        ("ruff", ".pre-commit-config.yaml", PRE_COMMIT.format("astral-sh/ruff-pre-commit", "v0.6.4"), "0.6.4"),
        ("black", ".pre-commit-config.yaml", PRE_COMMIT.format("psf/black-pre-commit-mirror", "23.12.1"), "23.12.1"),
        ("black", ".pre-commit-config.yaml", PRE_COMMIT.format("psf/black.git", "22.3.0"), "22.3.0"),
        ("isort", ".pre-commit-config.yaml", PRE_COMMIT.format("PyCQA/isort", "5.12.0"), "5.12.0"),
        ("prettier", ".pre-commit-config.yaml", PRE_COMMIT.format("pre-commit/mirrors-prettier", "v3.1.0"), "3.1.0"),
        ("black", ".pre-commit-config.yaml", "repos:\n- repo: local\n  hooks: [{id: b, additional_dependencies: ['black==24.1.0']}]\n", "24.1.0"),
        ("prettier", ".pre-commit-config.yaml", "repos:\n- repo: x/y\n  hooks: [{id: b, additional_dependencies: ['prettier@3.5.1']}]\n", "3.5.1"),
        ("ruff", "uv.lock", '[[package]]\nname = "ruff"\nversion = "0.5.0"\n', "0.5.0"),
        ("black", "poetry.lock", '[[package]]\nname = "black"\nversion = "24.3.0"\n', "24.3.0"),
        ("pre-commit", "pylock.toml", '[[packages]]\nname = "pre_commit"\nversion = "4.0.1"\n', "4.0.1"),
        ("isort", "Pipfile.lock", '{"develop": {"isort": {"version": "==5.10.1"}}}', "5.10.1"),
        ("prettier", "package-lock.json", '{"packages": {"node_modules/prettier": {"version": "3.5.1"}}}', "3.5.1"),
        ("prettier", "yarn.lock", 'prettier@^3.0.0:\n  version "3.5.2"\n', "3.5.2"),
        ("prettier", "yarn.lock", '"prettier@npm:^3.0.0":\n  version: 3.5.2\n', "3.5.2"),
        ("prettier", "pnpm-lock.yaml", "packages:\n  prettier@3.4.0:\n    resolution: {}\n", "3.4.0"),
        ("ruff", "requirements.txt", "flask\nruff == 0.4.1 ; python_version > '3'\n", "0.4.1"),
        ("ruff", "requirements/dev.txt", "ruff==0.4.2 \\\n    --hash=sha256:00\n", "0.4.2"),
        ("ruff", "dev-requirements.txt", "ruff==0.4.3  # pinned\n", "0.4.3"),
        ("black", "constraints.txt", "black[jupyter]==24.1.1\n", "24.1.1"),
        ("ruff", "pyproject.toml", '[dependency-groups]\ndev = ["ruff==0.3.0"]\n', "0.3.0"),
        ("ruff", "pyproject.toml", '[tool.poetry.group.dev.dependencies]\nruff = "0.3.1"\n', "0.3.1"),
        ("ruff", "pyproject.toml", '[tool.poetry.dependencies]\nruff = {version = "==0.3.2", extras = []}\n', "0.3.2"),
        ("black", "pyproject.toml", '[tool.black]\nrequired-version = "24.2.0"\n', "24.2.0"),
        ("ruff", "ruff.toml", 'required-version = "==0.2.0"\n', "0.2.0"),
        ("black", "tox.ini", "[testenv:lint]\ndeps = black==22.1.0\n", "22.1.0"),
        ("prettier", "package.json", '{"devDependencies": {"prettier": "3.0.0"}}', "3.0.0"),
        ("ruff", ".github/workflows/ci.yml", WORKFLOW.format("run: pip install ruff==0.1.5"), "0.1.5"),
        ("ruff", ".github/workflows/ci.yml", WORKFLOW.format("run: uvx ruff@0.1.6 check"), "0.1.6"),
        ("black", ".github/workflows/ci.yml", WORKFLOW.format("uses: psf/black@24.4.0"), "24.4.0"),
        ("ruff", ".github/workflows/ci.yml", WORKFLOW.format("{uses: astral-sh/ruff-action@v3, with: {version: 0.8.1}}"), "0.8.1"),
        ("isort", ".github/workflows/ci.yaml", WORKFLOW.format("{uses: isort/isort-action@v1, with: {isort-version: '5.12.0'}}"), "5.12.0"),
    ],
)  # fmt: skip
def test_every_place_that_pins_a_tool_is_read(tmp_path, tool, path, text, version):
    assert pinned(tool, tree(tmp_path, {path: text})) == Pin(version, path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "ruff>=0.4\nruff~=0.4.1\nruff==0.4.*\nruff-lsp==0.0.1\nxruff==1.0.0\n"),
        ("pyproject.toml", '[tool.poetry.dependencies]\nruff = "^0.3.1"\n[project]\ndependencies = ["ruff<1", 3]\n'),
        ("pyproject.toml", "[tool]\nruff = 3\n"), ("pyproject.toml", "not toml ["), ("uv.lock", "package = 3\n"), ("package-lock.json", "[1]"), ("package-lock.json", "{"),
        ("package.json", '{"devDependencies": {"ruff": "^1.0.0"}}'), ("package.json", '{"devDependencies": []}'), ("Pipfile.lock", '{"develop": []}'),
        (".pre-commit-config.yaml", PRE_COMMIT.format("astral-sh/ruff-pre-commit", "main")), (".pre-commit-config.yaml", "repos: {a: 1}"),
        (".pre-commit-config.yaml", "repos: [1, {hooks: [2]}, {repo: [x]}]"), (".pre-commit-config.yaml", "a: b: c"), (".pre-commit-config.yaml", "- 1"),
        (".github/workflows/ci.yml", WORKFLOW.format("uses: astral-sh/ruff-action@v3")), (".github/workflows/ci.yml", "jobs: [1]"),
        (".github/workflows/ci.yml", "jobs: {a: {steps: [1, {run: 2}]}, b: 3, c: {steps: 4}}"), (".github/workflows/ci.yml", "%"), (".github/workflows/ci.txt", "ruff==1.0.0"),
    ],
)  # fmt: skip
def test_a_range_a_neighbor_and_a_broken_file_are_no_pin(tmp_path, path, text):
    assert pinned("ruff", tree(tmp_path, {path: text})) is None


@pytest.mark.spec("SEED-084")
def test_the_places_count_in_the_order_in_which_gates_obey_them(tmp_path):
    files = {
        ".pre-commit-config.yaml": PRE_COMMIT.format("astral-sh/ruff-pre-commit", "v0.0.1"),
        "uv.lock": '[[package]]\nname = "ruff"\nversion = "0.0.2"\n',
        "requirements.txt": "ruff==0.0.3\n",
        ".github/workflows/ci.yml": WORKFLOW.format("run: pip install ruff==0.0.4"),
    }
    tree(tmp_path, files)
    found = []
    for path in files:
        found.append(pinned("ruff", tmp_path, "ruff 0.0.5"))
        (tmp_path / path).unlink()
    found.append(pinned("ruff", tmp_path, "ruff 0.0.5"))
    assert [pin.version for pin in found] == ["0.0.1", "0.0.2", "0.0.3", "0.0.4", "0.0.5"]
    assert found[-1].source == "the job's log"
    assert pinned("ruff", tmp_path) is None


def test_a_link_out_of_the_tree_pins_nothing(tmp_path):
    (tmp_path / "outside.txt").write_text("ruff==0.4.1\n")
    workflows = tmp_path / "w"
    tree(workflows, {"ci.yml": WORKFLOW.format("run: pip install ruff==0.1.5")})
    root = tmp_path / "tree"
    (root / ".github").mkdir(parents=True)
    (root / "requirements.txt").symlink_to(tmp_path / "outside.txt")
    (root / ".github" / "workflows").symlink_to(workflows)
    assert pinned("ruff", root) is None


@pytest.mark.parametrize(
    "line",
    [
        "Successfully installed click-8.1.7 ruff-0.6.4", " + ruff==0.6.4", "Downloading https://x/ruff/0.6.4/linux", "ruff 0.6.4", "ruff, v0.6.4 (compiled)", "ruff@0.6.4",
        "Collecting ruff==0.6.4", "Downloading ruff-0.6.4-py3-none-manylinux_2_17_x86_64.whl", "Ruff 0.6.4",
    ],
)  # fmt: skip
def test_versions_in_a_log_are_read_as_installers_and_tools_print_them(line):
    assert in_log("ruff", f"ruff 0.1.0\n{line}\nbye\n") == "0.6.4"


@pytest.mark.parametrize("line", ["xruff 0.6.4", "ruff", "ruff 4", "ruff-lsp 0.6.4", "ruff==", "my-ruff==0.6.4"])
def test_other_numbers_in_a_log_are_no_version(line):
    assert in_log("ruff", line) is None


@given(st.text(max_size=40))
def test_whatever_is_taken_for_a_version_can_stand_on_a_command_line(text):
    for version in (exact(text), exact(f"=={text}"), in_log("ruff", f"ruff=={text}")):
        assert version is None or (version[0].isdigit() and set(version) <= set("0123456789.abcdehloprstv-"))


def test_only_text_is_a_version():
    assert exact(1.5) is None
    assert exact(" v1.2.3 ") == "1.2.3"
    assert exact("1.2.3rc1") == "1.2.3rc1"
    assert exact("1.0 --index-url=x") is None


# ------------------------------------------------------------------ how gates call a tool


def test_the_options_of_a_gate_are_shared_and_nothing_else_of_it(tmp_path):
    tree(
        tmp_path,
        {
            ".github/workflows/ci.yml": WORKFLOW.format(
                'run: "ruff format --check --line-length 60 --config=x.toml --preview --evil src && rm -rf /"'
            )
        },
    )
    known = {"--line-length": True, "--config": True, "--preview": False}
    assert gatecommand.options(tmp_path, ("ruff", "format"), known) == [
        "--line-length=60",
        "--config=x.toml",
        "--preview",
    ]
    assert gatecommand.options(tmp_path, ("ruff", "check"), known) == []
    assert gatecommand.mentions(tmp_path, "ruff", "format")
    assert not gatecommand.mentions(tmp_path, "black")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("black -l 60 .\n", ["-l60"]), ("black -l '60; rm' .\n", []), ("black --config ../x .\n", []), ("black -l\n", []), ("black 'unclosed\nblack -l 70 x\n", ["-l70"]),
        ("black \\\n  -l 80 .\n", ["-l80"]), ("my-black -l 60\n", []), ("black -l $N .\n", []), ("black --check . # black -l 5\n", []), ("black .\n", []),
        ("black --config -evil .\n", []),
    ],
)  # fmt: skip
def test_only_plain_values_of_known_options_are_taken(tmp_path, text, found):
    tree(tmp_path, {"Makefile": text})
    assert gatecommand.options(tmp_path, ("black",), {"-l": True, "--config": True}) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"scripts": {"lint": "prettier --check --tab-width 4 ."}}', ["--tab-width=4"]),
        ("{", []),
        ('{"scripts": [1]}', []),
        ("[]", []),
    ],
)
def test_the_scripts_of_a_package_are_gates(tmp_path, text, found):
    tree(tmp_path, {"package.json": text})
    assert gatecommand.options(tmp_path, ("prettier",), {"--tab-width": True}) == found


def test_entries_of_another_kind_are_passed_over(tmp_path):
    hooks = "repos:\n- repo: local\n  hooks: [{id: y, additional_dependencies: [3, flake8, 'ruff==0.6.4']}]\n"
    tree(tmp_path, {".pre-commit-config.yaml": hooks})
    assert pinned("ruff", tmp_path) == Pin("0.6.4", ".pre-commit-config.yaml")
    tree(
        tmp_path,
        {"Pipfile.lock": '{"develop": {"flask": {"version": "==1.0.0"}, "isort": 3, "black": {"version": "==1.0.0"}}}'},
    )
    assert pinned("isort", tmp_path) is None
    assert pinned("black", tmp_path) == Pin("1.0.0", "Pipfile.lock")
