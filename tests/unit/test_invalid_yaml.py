"""Broken YAML gets the one repair that can be meant, or stays as it is with the reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hee_monitoring.evidence import Channel, Diagnosis, Evidence
from hee_monitoring.fixes.invalid_yaml import InvalidYaml
from hee_monitoring.fixes.strategy import Change
from hee_monitoring.fixes.tools import Tools
from hee_monitoring.yamltree import emit, parse

pytestmark = pytest.mark.spec("SEED-219")
PATH = ".github/workflows/ci.yml"
BROKEN = Diagnosis("HEE-PAT-403", "workflow-config", "The workflow file is not valid", "f", 9000, (Evidence(Channel.LOG, "yaml", 1),))  # fmt: skip


def repaired(tree, text, path=PATH, log=None):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_bytes(text.encode())
    said = log or f'found it\n  in "{path}", line 5, column 1\n'
    tools = Tools(tree, {path: "100644"}, said.encode(), home=tree, cache=None, network=False, history=None)
    assert InvalidYaml().applies(BROKEN, tree) is None
    done = InvalidYaml().apply(BROKEN, tree, tools)
    now = (tree / path).read_bytes().decode()
    if isinstance(done, Change):
        return now
    assert now == text
    return done


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("on: push\njobs:\n\tlint:\n\t\truns-on: x\n", "on: push\njobs:\n  lint:\n    runs-on: x\n"),
        ("on:\n    push:\njobs:\n\tlint:\n\t\truns-on: x\n", "on:\n    push:\njobs:\n    lint:\n        runs-on: x\n"),
        ("jobs:\n  a:\n  \truns-on: x\n", "jobs:\n  a:\n    runs-on: x\n"),
        ("a:\r\n\tb: 1\r\n", "a:\r\n  b: 1\r\n"),
        ("a:\n  r: |\n    x\n    \ty\n\t\nb:\n\t# c\n\tc: 1\n", "a:\n  r: |\n    x\n    \ty\n\nb:\n  # c\n  c: 1\n"),
        ("a:\n\tr: |\n\t\tx\n", "a:\n  r: |\n    x\n"),
        ("a:\n\tb: 1\n\tb: 1\n", "a:\n  b: 1\n"),
        ("a: 1\nb:\n- x\n- y\n\n# of c\nb:\n- x\n- y\nc: 2\n", "a: 1\nb:\n- x\n- y\n\n# of c\nc: 2\n"),
        ("s:\n  - name: x\n    run: a\n    name: x\n", "s:\n  - name: x\n    run: a\n"),
        ("e:\n  A: '1'\n  B: 2\n  A: '1'", "e:\n  A: '1'\n  B: 2"),
        ("e:\r\n  A: 1\r\n  A: 1\r\n", "e:\r\n  A: 1\r\n"),
    ],
)
def test_what_can_be_meant_in_one_way_only_is_repaired(tmp_path, broken, whole):
    now = repaired(tmp_path, broken)
    assert now == whole
    parse(now.encode())


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("jobs:\n  a:\n\truns-on: x\n", "more than one depth"),
        ("a:\n\tr: |\n\t\tx\n\t\t\ty\n", "more than one depth"),
        ("a:\n  - run: |\n      x\n      \ty\n\tb: 1\n", "more than one depth"),
        ("a: 1\na: 2\n", "with another value"),
        ("a:\n  b: 1\n  c: 2\na:\n  b: 1\n", "with another value"),
        ("a:\n  x: 1\nb:\n  y: 1\n  y: 2\n", "with another value"),
        ('a: 2\nq: "\na: 1\n"\na: 1\n', "with another value"),
        ("a:\n\tb: 1\n\tb: 2\n", "with another value"),
        ("a: |\n  x\n  # y\na: |\n  x\n  # z\n", "with another value"),
        ("a: |+\n  x\n\na: |+\n  x\n", "more than its lines"),
        ("a: {b: 1, b: 1}\n", "lines of its own"),
        ("a: &x 1\na: &x 1\n", "more than its lines"),
        ("s: &x 1\na: *x\na: *x\n", "more than its lines"),
        ("a: [1\nb: 2\n", "line"),
        ("a: b: c\n", "mapping values"),
        ("a:\n\tb: [\n", "line"),
        ("a: 1\rb:\n\tc: 1\n", "line ends"),
        ("".join(f"k{n}: 1\nk{n}: 1\n" for n in range(20)), "stand twice"),
        ("a:\n" + "\tb: 1\n" * 9000, "too large"),
        ("a: 1\n---\nb: 1\n", "document"),
    ],
)
def test_what_can_be_meant_in_two_ways_is_left_with_the_reason(tmp_path, broken, why):
    assert why in repaired(tmp_path, broken).reason


def test_only_the_places_of_workflows_actions_and_hooks_are_repaired_and_only_if_broken_and_named(tmp_path):
    broken = "a:\n\tb: 1\n"
    for path in (".pre-commit-config.yaml", "action.yml", ".github/actions/x/action.yaml"):
        assert repaired(tmp_path / path.replace("/", "-"), broken, path) == "a:\n  b: 1\n"
    assert "names is broken" in repaired(tmp_path, broken, "data/x.yaml").reason
    assert "names is broken" in repaired(tmp_path, broken, log="it is broken\n").reason
    assert "names is broken" in repaired(tmp_path, "a:\n  b: 1\n").reason
    other = Diagnosis("HEE-PAT-600", "format", "layout", "f", 9000, (Evidence(Channel.LOG, "a.py", 1),))
    assert InvalidYaml().applies(other, tmp_path) == "the failure is not about YAML"


words = st.text("ab1 :#'-", min_size=1, max_size=6)
trees = st.recursive(words, lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(words, inner, min_size=1, max_size=3), max_leaves=8)  # fmt: skip


def written(value, indent):
    """The value in block style, one entry a line."""
    if isinstance(value, dict):
        return "".join(f"{indent}{emit(key)}:{below(inner, indent)}" for key, inner in value.items())
    return "".join(f"{indent}-{below(inner, indent)}" for inner in value)


def below(value, indent):
    return f" {emit(value)}\n" if isinstance(value, str) else f"\n{written(value, indent + '  ')}"


@given(tree=st.dictionaries(words, trees, min_size=1, max_size=3))
def test_a_document_that_lost_its_blanks_to_tabs_gets_them_back(tmp_path_factory, tree):
    whole = written(tree, "")
    indents = {len(line) - len(line.lstrip(" ")) for line in whole.splitlines()}
    tabbed = "\n".join("\t" * ((len(line) - len(line.lstrip(" "))) // 2) + line.lstrip(" ") for line in whole.split("\n"))  # fmt: skip
    if indents == {0}:
        return
    assert repaired(tmp_path_factory.mktemp("t"), tabbed) == whole


@given(tree=st.dictionaries(words, trees, min_size=1, max_size=4), data=st.data())
def test_an_equal_second_entry_goes_and_nothing_else_changes(tmp_path_factory, tree, data):
    key = data.draw(st.sampled_from(sorted(tree)))
    whole, second = written(tree, ""), written({key: tree[key]}, "")
    assert repaired(tmp_path_factory.mktemp("k"), whole + second) == whole
    assert YAML(typ="safe", pure=True).load(whole) == tree
    other = written({key: "another value"}, "")
    assert "with another value" in repaired(tmp_path_factory.mktemp("o"), whole + other).reason
