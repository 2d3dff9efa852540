"""Every fix strategy with its real tool, inside the whole transaction: red before, green after, nothing else touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from repair_world import CACHE, World, diagnose, fingerprint_of, git, make_repository

from hee_monitoring import sandbox
from hee_monitoring.evidence import Channel, Conclusion, Diagnosis, Evidence
from hee_monitoring.fixes.toolcache import ToolCache

pytestmark = pytest.mark.spec("SEED-084", "SEED-252")
UGLY = "x  =  1\ndef f( a ):\n  '''  Doc.  '''\n  return  a\n"
GATE = "jobs: {{gate: {{runs-on: x, steps: [{{run: '{}'}}]}}}}\n"


def installed(name, version, tmp_path):
    """The command line of a tool in one version, from the cache that the strategies use; skips where it can't be had."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    try:
        tree = tmp_path / f"pin-{name}"
        tree.mkdir()
        (tree / "requirements.txt").write_text(f"{name}=={version}\n")
        (tree / "package.json").write_text(f'{{"devDependencies": {{"{name}": "{version}"}}}}')
        return " ".join(ToolCache(CACHE, home).provide(name, tree).argv)
    except Exception as error:  # noqa: BLE001 - whatever keeps it away
        pytest.skip(f"{name} {version} can't be had here: {error}")


def node_certificates(monkeypatch):
    if Path("/etc/ssl/certs/ca-certificates.crt").exists():
        known = os.environ.get("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
        monkeypatch.setenv("NODE_EXTRA_CA_CERTS", known)


def world_of(tmp_path, files, jobs, row, **keywords):
    return World(make_repository(tmp_path / "repo", files, **keywords), tmp_path / "work", jobs, row=row)


def proved(world, job, strategy, **changes):
    before = fingerprint_of(world.root)
    outcome = world.repair(world.request(job, **changes))
    assert (outcome.outcome, outcome.strategy) == ("verified", strategy), outcome.reason
    assert fingerprint_of(world.root) == before
    return outcome


def told(world, title):
    """Repairs a gate whose failure the pattern database knows under this title."""

    def explain(job):
        return replace(diagnose(job), title=title)

    request = world.request("gate")
    return world.repair(replace(request, diagnosis=replace(request.diagnosis, title=title)), diagnose=explain)


def at(world, outcome, path):
    return git(world.root, "show", f"{outcome.commit}:{path}")


# ------------------------------------------------------------------ Python


@pytest.mark.parametrize("style", ["full", "concise", "github"])
def test_ruff_format_repairs_whatever_way_the_gate_prints(tmp_path, style):
    command = f"ruff format --check --line-length 60 --output-format {style} src 2>&1"
    files = {"src/a.py": UGLY + "y = f(aaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbb, cccccccccccc)\n", "other.py": UGLY,
             ".github/workflows/ci.yml": GATE.format(command)}  # fmt: skip
    if style == "github":
        files["src/a.py"] = files["src/a.py"].replace("'''  Doc.  '''", "pass")
    world = world_of(tmp_path, files, {"gate": command}, "format")
    request = world.request("gate")
    outcome = world.repair(request)
    assert outcome.outcome == "verified", outcome.reason
    assert outcome.files == ("src/a.py",)
    assert "    aaaaaaaaaaaaaaaaaaaaaaaaaaa,\n" in at(world, outcome, "src/a.py")


def test_ruff_format_understands_the_words_of_older_versions_and_uses_the_pinned_one(tmp_path):
    old = installed("ruff", "0.6.4", tmp_path)
    files = {"src/a.py": UGLY, "requirements-dev.txt": "ruff==0.6.4\n", "Makefile": "lint:\n\truff format --check .\n"}
    world = world_of(tmp_path, files, {"gate": f"cd src && {old} format --check ."}, "format")
    outcome = proved(world, "gate", "ruff-format")
    assert outcome.tool == "ruff 0.6.4 (pinned by requirements-dev.txt)"


def test_ruff_sorts_imports_and_nothing_else(tmp_path):
    command = "ruff check --select I --output-format concise ."
    files = {"pkg/a.py": "import sys\nimport os\n\nprint(sys, os)\n", ".github/workflows/ci.yml": GATE.format(command)}
    outcome = proved(world_of(tmp_path, files, {"gate": command}, "lint-safe"), "gate", "ruff-imports")
    assert outcome.summary == "Fix 1 file with ruff (I001)"


@pytest.mark.parametrize("style", ["full", "concise", "github"])
def test_ruff_applies_safe_fixes_of_mechanical_rules(tmp_path, style):
    command = f"ruff check --select F401,UP,W --target-version py311 --output-format {style} ."
    source = "import os\nimport sys\nfrom typing import List\n\n\ndef f(x: List[int]) -> str:  \n    return str(sys.argv) + str(x)\n"
    files = {"a.py": source, ".github/workflows/ci.yml": GATE.format(command)}
    world = world_of(tmp_path, files, {"gate": command}, "lint-safe")
    outcome = proved(world, "gate", "ruff-lint")
    assert (
        at(world, outcome, "a.py") == "import sys\n\n\ndef f(x: list[int]) -> str:\n    return str(sys.argv) + str(x)"
    )


def test_ruff_leaves_unsafe_fixes_and_other_rules_to_people(tmp_path):
    command = "ruff check --select F --output-format concise ."
    files = {"a.py": "import os\n\n\ndef f():\n    unused = 1\n", ".github/workflows/ci.yml": GATE.format(command)}
    world = world_of(tmp_path, files, {"gate": command}, "lint-safe")
    outcome = world.repair(world.request("gate"))
    assert outcome.outcome == "rolled_back"
    assert outcome.reason.startswith("gate is still red")
    git(world.root, "rm", "-q", "a.py")
    (world.root / "b.py").write_text("print(undefined)\n")
    git(world.root, "add", "--all")
    git(world.root, "commit", "-qm", "undefined name")
    world.commit = git(world.root, "rev-parse", "HEAD")
    outcome = world.repair(world.request("gate"))
    assert outcome.outcome == "refused"
    assert "ruff-lint: none of the findings is of a rule with a mechanical fix" in outcome.reason


def test_black_formats_with_the_version_of_the_pre_commit_configuration(tmp_path):
    black = installed("black", "23.12.1", tmp_path)
    files = {
        "src/a.py": UGLY, "click.py": "raise SystemExit('the repository shadows a module of the tool')\n",
        ".pre-commit-config.yaml": "repos:\n- repo: https://github.com/psf/black-pre-commit-mirror\n  rev: 23.12.1\n  hooks: [{id: black}]\n",
        ".github/workflows/ci.yml": GATE.format("black --check -l 60 src"),
    }  # fmt: skip
    world = world_of(tmp_path, files, {"gate": f"{black} --check -l 60 src"}, "format")
    outcome = proved(world, "gate", "black")
    assert outcome.tool == "black 23.12.1 (pinned by .pre-commit-config.yaml)"
    assert outcome.files == ("src/a.py",)


def test_isort_sorts_with_the_gates_profile(tmp_path):
    isort = installed("isort", "5.12.0", tmp_path)
    files = {
        "src/a.py": "import sys\nimport os\nfrom b import (d, c)\n\nprint(os, sys, c, d)\n", "requirements.txt": "isort==5.12.0  # pinned\n",
        ".github/workflows/ci.yml": GATE.format("isort --check-only --profile black ."),
    }  # fmt: skip
    world = world_of(tmp_path, files, {"gate": f"{isort} --check-only --profile black src"}, "import-order")
    assert proved(world, "gate", "isort").tool == "isort 5.12.0 (pinned by requirements.txt)"


def test_a_pinned_version_that_cannot_be_had_is_refused_and_never_replaced_by_another(tmp_path):
    command = "ruff format --check --output-format concise ."
    files = {"a.py": UGLY, "requirements.txt": "ruff==0.0.0.1\n", ".github/workflows/ci.yml": GATE.format(command)}
    world = world_of(tmp_path, files, {"gate": command}, "format")
    outcome = world.repair(world.request("gate"), cache=tmp_path / "cache")
    assert outcome.outcome == "refused"
    assert outcome.reason == "ruff 0.0.0.1, which the repository pins, can't be installed here"
    assert list((tmp_path / "cache").iterdir()) == []


def test_pre_commit_hooks_of_the_repository_are_its_own_fixer(tmp_path):
    pre_commit = installed("pre-commit", "4.7.0", tmp_path)
    hook = "import sys\nfor name in sys.argv[1:]:\n    text = open(name).read()\n    open(name, 'w').write(text.replace('teh', 'the'))\n"
    files = {
        "docs/a.txt": "teh end\n", "hooks/fix.py": hook, "requirements.txt": "pre-commit==4.7.0\n",
        ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks:\n  - {id: the, name: the, language: system, files: txt$, entry: python3 hooks/fix.py}\n",
        ".github/workflows/ci.yml": GATE.format("pre-commit run --all-files"),
    }  # fmt: skip
    world = world_of(tmp_path, files, {"gate": f"HOME={tmp_path} {pre_commit} run --all-files --color=never"}, "format")
    outcome = world.repair(world.request("gate"))
    assert (outcome.outcome, outcome.strategy) == ("verified", "pre-commit"), outcome.reason
    assert outcome.summary == "Keep what 1 pre-commit hook changed"
    assert at(world, outcome, "docs/a.txt") == "the end"


# ------------------------------------------------------------------ other languages


@pytest.mark.skipif(shutil.which("cargo") is None, reason="Rust is not installed")
def test_cargo_fmt_formats_the_package_that_the_log_names(tmp_path):
    manifest = '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n'
    files = {"tool/Cargo.toml": manifest, "tool/src/main.rs": 'fn main(){println!("x")}\n', "README.md": "x\n"}
    world = world_of(tmp_path, files, {"gate": "cd tool && cargo fmt --all --check"}, "format")
    outcome = told(world, "Files are not formatted (rustfmt)")
    assert (outcome.outcome, outcome.strategy) == ("verified", "cargo-fmt"), outcome.reason
    assert outcome.files == ("tool/src/main.rs",)


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed")
def test_prettier_formats_with_the_pinned_version(tmp_path, monkeypatch):
    node_certificates(monkeypatch)
    prettier = installed("prettier", "3.5.1", tmp_path)
    files = {"src/a.ts": "const x = {a:1}\n", "data.json": '{"a":1}\n', "package.json": '{ "devDependencies": { "prettier": "3.5.1" } }\n',
             ".prettierrc": "semi: false\n", ".github/workflows/ci.yml": GATE.format("npx prettier --check .")}  # fmt: skip
    world = world_of(tmp_path, files, {"gate": f"{prettier} --check src data.json"}, "format")
    outcome = proved(world, "gate", "prettier")
    assert outcome.tool == "prettier 3.5.1 (pinned by package.json)"
    assert at(world, outcome, "src/a.ts") == "const x = { a: 1 }"


# ------------------------------------------------------------------ lockfiles

PROJECT = '[project]\nname = "demo"\nversion = "{}"\nrequires-python = ">=3.11"\ndependencies = []\n'
LOCK = 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n[[package]]\nname = "demo"\nversion = "0.1.0"\nsource = { virtual = "." }\n'


@pytest.mark.skipif(sandbox.find("uv") is None, reason="uv is not installed")
def test_uv_brings_its_lockfile_in_step_with_the_manifest(tmp_path):
    files = {"pyproject.toml": PROJECT.format("0.2.0"), "uv.lock": LOCK}
    world = world_of(
        tmp_path,
        files,
        {"gate": "uv lock --locked --offline 2>&1 | grep -v interpreter; test ${PIPESTATUS[0]} = 0"},
        "lockfile",
    )
    outcome = told(world, "uv.lock is not in step")
    assert (outcome.outcome, outcome.strategy) == ("verified", "uv-lock"), outcome.reason
    assert outcome.files == ("uv.lock",)
    assert 'version = "0.2.0"' in at(world, outcome, "uv.lock")


@pytest.mark.skipif(sandbox.find("npm") is None, reason="Node.js is not installed")
def test_npm_brings_its_lockfile_in_step_with_the_manifest_without_running_scripts(tmp_path):
    lock = '{\n  "name": "x",\n  "version": "1.0.0",\n  "lockfileVersion": 3,\n  "requires": true,\n  "packages": {"": {"name": "x", "version": "1.0.0"}}\n}\n'
    mark = tmp_path / "ran"
    manifest = f'{{"name": "x", "version": "1.0.0", "dependencies": {{"dep": "file:./dep"}}, "scripts": {{"preinstall": "touch {mark}", "prepare": "touch {mark}"}}}}\n'
    files = {
        "web/package.json": manifest,
        "web/package-lock.json": lock,
        "web/dep/package.json": '{"name": "dep", "version": "1.0.0"}\n',
    }
    world = world_of(
        tmp_path, files, {"gate": "cd web && npm ci --dry-run --ignore-scripts --loglevel=error 2>&1"}, "lockfile"
    )
    outcome = told(world, "package-lock.json is not in step with package.json (npm)")
    assert (outcome.outcome, outcome.strategy) == ("verified", "npm-lock"), outcome.reason
    assert outcome.files == ("web/package-lock.json",)
    assert not mark.exists()


# ------------------------------------------------------------------ white space and modes


def test_a_script_that_could_not_be_started_becomes_executable_and_nothing_else(tmp_path):
    files = {"scripts/run.sh": "#!/bin/sh\necho fine\n", "scripts/lib.sh": "#!/bin/sh\n", "scripts/data": "x\n"}
    world = world_of(tmp_path, files, {"gate": "cd scripts && ./run.sh 2>&1"}, "exec-bit")
    outcome = proved(world, "gate", "executable-bit")
    assert outcome.files == ("scripts/run.sh",)
    assert (outcome.insertions, outcome.deletions) == (0, 0)
    assert git(world.root, "ls-tree", outcome.commit, "scripts/run.sh").startswith("100755 ")
    assert "old mode 100644\nnew mode 100755\n" in outcome.diff


def test_a_file_that_is_no_script_does_not_become_executable(tmp_path):
    world = world_of(tmp_path, {"scripts/data": "x\n"}, {"gate": "./scripts/data 2>&1"}, "exec-bit")
    outcome = world.repair(world.request("gate"))
    assert (outcome.outcome, outcome.reason) == (
        "refused", "executable-bit: the job's log names no tracked script that lacks the executable bit",
    )  # fmt: skip


EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
DIFF_CHECK = f"git diff --check {EMPTY} HEAD"


def test_the_hooks_called_without_their_framework_are_known_from_the_gate(tmp_path):
    gate = "trailing-whitespace-fixer a.txt; end-of-file-fixer a.txt"
    files = {"a.txt": "x \ny\n\n\n", ".github/workflows/ci.yml": GATE.format(gate)}
    script = "test \"$(cat a.txt; echo .)\" = $'x\\ny\\n.' || { echo 'Fixing a.txt'; exit 1; }"
    world = world_of(tmp_path, files, {"gate": script}, "whitespace")
    outcome = proved(world, "gate", "whitespace")
    assert git(world.root, "cat-file", "-s", f"{outcome.commit}:a.txt") == "4"


def test_git_s_own_whitespace_check_is_satisfied_line_by_line(tmp_path):
    files = {"docs/a.md": "one  \ntwo\nthree\t\n\n\n", "b.txt": "dos\r\nline  \r\n", "c.txt": b"clean\n"}
    world = world_of(tmp_path, files, {"gate": DIFF_CHECK}, "whitespace")
    outcome = proved(world, "gate", "whitespace")
    assert outcome.files == ("b.txt", "docs/a.md")
    assert git(world.root, "cat-file", "blob", f"{outcome.commit}:docs/a.md") == "one\ntwo\nthree"
    assert git(world.root, "cat-file", "blob", f"{outcome.commit}:b.txt") == "dos\nline"


def test_only_the_lines_that_the_gate_names_lose_their_blanks(tmp_path):
    files = {"a.md": "hard  \nbreak  \n", "vendor/x.md": "left  \n"}
    world = world_of(tmp_path, files, {"gate": "! grep -n 'hard  *$' a.md /dev/null"}, "whitespace")
    outcome = proved(world, "gate", "whitespace")
    assert outcome.diff.count("\n-") == 2  # the header and one line
    assert git(world.root, "cat-file", "-p", f"{outcome.commit}:a.md") == "hard\nbreak"
    assert "break  " in git(world.root, "show", f"{outcome.commit}:a.md", "--").replace("break", "break  ")


@pytest.mark.parametrize(
    ("name", "content", "script", "result"),
    [
        ("a.txt", "no end", "test -z \"$(tail -c1 a.txt)\" || { echo 'a.txt:1: no newline at end of file'; exit 1; }", b"no end\n"),
        ("a.txt", "x\r\ny\r\n", "! git ls-files --eol | grep crlf", b"x\ny\n"),
        ("a.txt", "x \ny \n", "! grep -lE ' $' *.txt", b"x\ny\n"),
        ("a.txt", "x \ny\n", "grep -q ' $' a.txt || exit 0; printf -- '- hook id: trailing-whitespace\\n\\nFixing a.txt\\n'; exit 1", b"x\ny\n"),
        ("a.txt", "x\n\n \n", "test \"$(wc -l <a.txt)\" = 1 || { printf -- '- hook id: end-of-file-fixer\\n\\nFixing a.txt\\n'; exit 1; }", b"x\n"),
        ("a.txt", "x\r\n", "! grep -q $'\\r' a.txt || { printf -- '- hook id: mixed-line-ending\\n\\nFixing a.txt\\n'; exit 1; }", b"x\n"),
    ],
)  # fmt: skip
def test_each_way_of_naming_white_space_is_understood(tmp_path, name, content, script, result):
    world = world_of(tmp_path, {name: content.encode(), "other.txt": "fine\n"}, {"gate": script}, "whitespace")
    outcome = proved(world, "gate", "whitespace")
    from hee_core.git import Repository

    assert Repository.discover(world.root).run("cat-file", "blob", f"{outcome.commit}:{name}") == result


@pytest.mark.parametrize(
    ("path", "content"),
    [("tests/fixtures/x.txt", "x  \n"), ("a.patch", "x  \n"), ("__snapshots__/a.snap", "x  \n"), ("a.bin", b"\0x  \n")],
)
def test_blanks_that_are_data_stay(tmp_path, path, content):
    world = world_of(tmp_path, {path: content}, {"gate": f"! grep -naE ' +$' {path} /dev/null"}, "whitespace")
    outcome = world.repair(world.request("gate"))
    assert outcome.outcome == "refused"
    assert outcome.reason == "whitespace: the job's log names no line of a tracked text file that this can repair"


# ------------------------------------------------------------------ specification skeletons

GAP = Diagnosis(
    "HEE-PAT-003", "spec", "Spec Coverage Gap", "f00d", 10000,
    (Evidence(Channel.FILE, "MUST-LOG-003 has no test", 4, "docs/spec.md"),), {"clause": "MUST-LOG-003"},
)  # fmt: skip
SUITE = f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest -q -p no:cacheprovider --strict-markers -W error tests"


def gap_world(tmp_path, **more):
    files = {
        "docs/spec.md": "# Spec\n\nMUST-LOG-003: it logs.\n",
        "tests/test_a.py": "def test_a():\n    assert 1 + 1 == 2\n",
        "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n',
    } | more
    return world_of(tmp_path, files, {"tests": SUITE}, "spec")


@pytest.mark.spec("SEED-071", "SEED-287")
@pytest.mark.parametrize("registered", [True, False])
def test_a_spec_gap_gets_a_pending_skeleton_that_counts_as_no_coverage(tmp_path, registered):
    more = {"pytest.ini": "[pytest]\nmarkers =\n  spec(*ids): rows\n"} if registered else {}
    world = gap_world(tmp_path, **more)
    before = fingerprint_of(world.root)
    asked = []

    def gaps(repository, commit):
        asked.append(repository.text("show", f"{commit}:tests/spec/test_must_log_003.py"))
        return ("f00d",)

    outcome = world.repair(world.request("", diagnosis=GAP, known_green=("tests",)), gaps=gaps)
    assert (outcome.outcome, outcome.strategy) == ("applied", "spec-skeleton"), outcome.reason
    assert outcome.files == ("tests/spec/test_must_log_003.py",)
    assert [check.name for check in outcome.post] == [
        "diff policy", "counts as no coverage", "second run of spec-skeleton", "tests (was green)",
    ]  # fmt: skip
    text = at(world, outcome, outcome.files[0])
    assert ('@pytest.mark.spec("MUST-LOG-003")' if registered else "# spec: MUST-LOG-003") in text
    assert "xfail(run=False, strict=True" in text
    assert asked == [text]
    assert fingerprint_of(world.root) == before
    assert "counts as no coverage" in git(world.root, "log", "-1", "--format=%B", outcome.commit)


def test_a_skeleton_that_closes_its_gap_is_rolled_back(tmp_path):
    world = gap_world(tmp_path)
    outcome = world.repair(world.request("", diagnosis=GAP, known_green=()), gaps=lambda *_: ())
    assert (outcome.outcome, outcome.reason) == ("rolled_back", "the change counts as coverage, which it never should")


def test_a_skeleton_that_breaks_the_suite_is_rolled_back(tmp_path):
    world = gap_world(
        tmp_path,
        **{
            "tests/test_count.py": "import pathlib\n\n\ndef test_c():\n    assert len(list(pathlib.Path('tests').rglob('test_*.py'))) == 2\n"
        },
    )
    outcome = world.repair(world.request("", diagnosis=GAP, known_green=("tests",)))
    assert outcome.outcome == "rolled_back"
    assert outcome.reason.startswith("the repair turned tests red")


def test_a_clause_that_has_a_skeleton_gets_no_second_one(tmp_path):
    world = gap_world(tmp_path, **{"tests/spec/test_must_log_003.py": "import pytest\n"})
    outcome = world.repair(world.request("", diagnosis=GAP))
    assert (outcome.outcome, outcome.reason) == (
        "refused", "spec-skeleton: a test file for each of the clauses is there already",
    )  # fmt: skip


def test_a_gap_in_a_repository_without_python_is_refused(tmp_path):
    world = world_of(tmp_path, {"docs/spec.md": "MUST-LOG-003\n"}, {}, "spec")
    assert world.repair(world.request("", diagnosis=GAP)).outcome == "refused"
    assert world.repair(world.request("", diagnosis=replace(GAP, captures={}, evidence=()))).outcome == "refused"


def test_a_job_is_never_repaired_by_a_strategy_that_no_job_proves(tmp_path):
    world = gap_world(tmp_path)
    world.judge.jobs["tests"] = "false"
    failed = diagnose(world.judge.run_job(str(world.root), "tests"))
    assert failed.category == "format"
    assert Conclusion.FAILURE is world.judge.run_job(str(world.root), "tests").conclusion
    outcome = world.repair(world.request("tests", diagnosis=replace(GAP, fingerprint=failed.fingerprint)))
    assert (outcome.outcome, outcome.post) == ("refused", ())


# ------------------------------------------------------------------ Go, documents, ESLint


@pytest.mark.skipif(shutil.which("gofmt") is None or shutil.which("go") is None, reason="Go is not installed")
def test_gofmt_formats_what_the_gate_lists(tmp_path):
    files = {"a.go": "package a\nfunc  F( ) int {\nreturn 1\n}\n", "b.go": "package a\n",
             ".github/workflows/ci.yml": GATE.format("test -z $(gofmt -l .)")}  # fmt: skip
    gate = 'bad=$(gofmt -l .); test -z "$bad" || { echo \'gofmt needs running on the following files:\'; echo "$bad"; exit 1; }'
    world = world_of(tmp_path, files, {"gate": gate}, "format")
    outcome = proved(world, "gate", "gofmt")
    assert at(world, outcome, "a.go") == "package a\n\nfunc F() int {\n\treturn 1\n}"


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed")
def test_markdownlint_repairs_layout_and_no_word(tmp_path, monkeypatch):
    node_certificates(monkeypatch)
    linter = installed("markdownlint-cli2", "0.20.0", tmp_path)
    files = {"docs/a.md": "# Title\ntext\n\n\n* one\n+ two\n", "docs/b.md": "# Fine\n", ".markdownlint.json": "{}\n",
             ".github/workflows/ci.yml": GATE.format("npx --yes markdownlint-cli2@0.20.0 docs/*.md")}  # fmt: skip
    world = world_of(tmp_path, files, {"gate": f"{linter} 'docs/*.md' 2>&1"}, "lint-safe")
    outcome = proved(world, "gate", "markdownlint")
    assert at(world, outcome, "docs/a.md") == "# Title\n\ntext\n\n* one\n* two"


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed")
def test_eslint_applies_its_own_fixes_with_what_the_lockfile_pins(tmp_path, monkeypatch):
    node_certificates(monkeypatch)
    make = tmp_path / "make"
    make.mkdir()
    (make / "package.json").write_text(
        '{"name": "demo", "version": "1.0.0", "devDependencies": {"eslint": "9.17.0"}}\n'
    )
    subprocess.run(["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=make, check=True, capture_output=True)  # fmt: skip
    files = {
        "package.json": (make / "package.json").read_text(), "package-lock.json": (make / "package-lock.json").read_text(),
        "eslint.config.mjs": 'export default [{rules: {"prefer-const": "error", "no-var": "error"}}];\n',
        "src/a.js": "let x = 1;\nexport default x;\n", ".gitignore": "node_modules\n",
        ".github/workflows/ci.yml": GATE.format("npx eslint ."),
    }  # fmt: skip
    gate = "npm ci --ignore-scripts --no-audit --no-fund --silent; npx eslint ."
    world = world_of(tmp_path, files, {"gate": gate}, "lint-safe")
    outcome = proved(world, "gate", "eslint")
    assert outcome.tool == "eslint 9.17.0 (pinned by package-lock.json)"
    assert at(world, outcome, "src/a.js") == "const x = 1;\nexport default x;"
