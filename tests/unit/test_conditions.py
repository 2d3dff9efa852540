"""HGV-CI-014: conditions that cannot be met, filters and hooks that select nothing, and what only looks like that."""

from __future__ import annotations

import pytest

from hee_governance.rules import ALL, check

PATH = ".github/workflows/ci.yml"
HOOKS = ".pre-commit-config.yaml"
DAY = "2026-12-01"


def found(tree: dict[str, bytes], day: str = DAY) -> list[tuple[int, str]]:
    rules = tuple(rule for rule in ALL if rule.id == "HGV-CI-014" and rule.valid_from <= day)[:1]
    return [(finding.line, finding.message) for finding in check(tree, rules=rules, as_of=day).findings]


def workflow(condition: str = "", *, on: str = "push", needs: str = "", step: str = "") -> dict[str, bytes]:
    text = f"on: {on}\njobs:\n  first:\n    runs-on: x\n    steps:\n      - run: make\n"
    text += "  job:\n    runs-on: x\n" + (f"    needs: {needs}\n" if needs else "")
    text += (f"    if: {condition}\n" if condition else "") + "    steps:\n      - id: made\n        run: make\n"
    text += "      - run: make\n" + (f"        if: {step}\n" if step else "")
    return {PATH: text.encode(), "src/a.py": b"", "docs/a.md": b""}


@pytest.mark.parametrize(
    ("condition", "more", "says"),
    [
        ("false", {}, "never runs: its condition is `false`"),
        ("${{ false }}", {}, "never runs: its condition is `false`"),
        ("${{ false && github.actor == 'x' }}", {}, "never runs: its condition is `false`"),
        ("github.event_name == 'pull_reqest'", {"on": "[push, pull_request]"}, "waits for the event 'pull_reqest'"),
        ("${{ github.event_name == 'schedule' && success() }}", {"on": "{push: {}}"}, "waits for the event 'schedule'"),
        ("needs.first.result == 'success'", {}, "asks for job 'first', which is not among the `needs`"),
        ("always() && needs.gone.outputs.x == 'y'", {"needs": "first"}, "asks for job 'gone'"),
        ("${{ github.ref == 'refs/heads/main' }} && success()", {}, "runs always"),
        ('"!${{ cancelled() }}"', {}, "runs always"),
    ],
)
def test_a_condition_that_comes_out_the_same_always_is_told(condition: str, more: dict[str, str], says: str) -> None:
    ((line, message),) = found(workflow(condition, **more))
    assert (line, says in message) == (7, True)


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ("github.event_name == 'push'", {}),
        ("github.event_name == 'schedule' || github.actor == 'x'", {}),
        ("github.event_name != 'schedule'", {}),
        ("github.event_name == 'schedule'", {"on": "[workflow_call]"}),  # the caller's event counts
        ("needs.first.result == 'success'", {"needs": "first"}),
        ("needs.gone.outputs.x == ''", {}),  # what is not there is empty
        ("!(false)", {}),
        ("${{ github.ref == 'a' && success() }}", {}),
        ("github.ref == format('{0}', 'a')", {}),
        ("", {}),
    ],
)
def test_a_condition_that_may_come_out_either_way_is_none_of_them(condition: str, more: dict[str, str]) -> None:
    assert found(workflow(condition, **more)) == []


def test_a_step_asks_for_steps_before_it() -> None:
    assert found(workflow(step="steps.made.outcome == 'failure'")) == []
    ((_, message),) = found(workflow(step="always() && steps.mode.outcome == 'failure'"))
    assert "no step before it has that id" in message


@pytest.mark.parametrize(
    ("globs", "dead"),
    [
        (["src/**"], False),
        (["lib/**", "!src/**"], True),
        (["lib/**", "docs/*.md"], False),
        (["lib/[ab]/**"], False),  # not as ours: passed over
        (["!src/**"], False),
        ([".github/workflows/old.yml"], True),
    ],
)
def test_a_path_filter_selects_a_file_of_the_tree(globs: list[str], dead: bool) -> None:
    on = f"{{push: {{branches: [main], paths: {globs!r}}}}}"
    assert bool(found(workflow(on=on))) is dead


def hooks(*rows: str, repo: str = "local") -> dict[str, bytes]:
    text = f"repos:\n  - repo: {repo}\n    hooks:\n      - id: h\n" + "".join(f"        {row}\n" for row in rows)
    return {HOOKS: text.encode(), "scripts/check.sh": b"", "a.yaml": b""}


@pytest.mark.parametrize(
    ("rows", "repo", "line", "says"),
    [
        ([r"files: '\.(yml|yaml)n'"], "local", 5, "matches none of the 3 files"),
        ([r"files: '\.(yml|yaml)n'", "always_run: false"], "https://example.org/x", 5, "matches none"),
        (["entry: scripts/gone.sh --all"], "local", 5, "runs 'scripts/gone.sh', which does not exist"),
        (["entry: ./scripts/gone.sh"], "local", 5, "does not exist"),
    ],
)
def test_a_hook_that_is_never_selected_or_runs_nothing_is_told(
    rows: list[str], repo: str, line: int, says: str
) -> None:
    ((at, message),) = found(hooks(*rows, repo=repo))
    assert (at, says in message) == (line, True)


@pytest.mark.parametrize(
    "rows",
    [
        [r"files: '\.yaml$'"],
        [r"files: '\.gone$'", "always_run: true"],
        [r"files: '(?<=x)y'"],  # only Python reads it
        ["entry: scripts/check.sh"],
        ["entry: bash -c 'x'"],
        ["entry: $HOME/x"],
        ["entry: ../x/y"],
        ["entry: ''"],
        [],
    ],
)
def test_a_hook_that_may_run_is_none_of_them(rows: list[str]) -> None:
    assert found(hooks(*rows)) == []
    assert found({**hooks(*rows), HOOKS: hooks(*rows, repo="https://example.org/x")[HOOKS]}) == []


def test_hooks_that_cannot_be_read_are_unknown() -> None:
    tree = {HOOKS: b"repos: [\n", "a": b""}
    (finding,) = [finding for finding in check(tree, as_of=DAY).findings if finding.rule == "HGV-CI-014"]
    assert finding.severity == "UNKNOWN"
    assert check(tree, as_of=DAY).verdict == "unknown"
    assert check({HOOKS: b"repos: x\n", "a": b""}, as_of=DAY).verdict == "pass"


def test_it_warns_before_it_is_an_error() -> None:
    def severities(day: str) -> list[str]:
        return [f.severity for f in check(workflow("false"), as_of=day).findings if f.rule == "HGV-CI-014"]

    assert [severities(day) for day in ("2026-11-23", "2026-11-24", "2027-01-01")] == [[], ["WARNING"], ["ERROR"]]
