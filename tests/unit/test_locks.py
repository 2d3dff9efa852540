"""Lock files are compared by what they pin: every format, what may move, and what shows that something did."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_monitoring.fixes import FileChange, Policy, check, locks, requirements
from hee_monitoring.fixes.meaning import Keeps

pytestmark = pytest.mark.spec("SEED-252")

NAMES = ("left", "right", "up", "down")
VERSIONS = ("1.0.0", "1.2.0", "2.0.0")


def toml(pins, source='source = { registry = "https://pypi.example/simple" }'):
    return "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\nfiles = [{{file = "x", hash = "sha256:{content}"}}]\n\n'
        for name, version, content in pins
    )


def cargo(pins):
    return "version = 4\n\n" + "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "registry+https://crates.example/index"\nchecksum = "{content}"\n\n'
        for name, version, content in pins
    )


def npm(pins):
    packages = {"": {"name": "x"}} | {
        f"node_modules/{name}": {"version": version, "resolved": f"https://npm.example/{name}.tgz", "integrity": f"sha512-{content}"}
        for name, version, content in pins
    }  # fmt: skip
    return json.dumps({"lockfileVersion": 3, "packages": packages})


def npm_1(pins):
    return json.dumps({"lockfileVersion": 1, "dependencies": {
        name: {"version": version, "resolved": f"https://npm.example/{name}.tgz", "integrity": f"sha512-{content}"} for name, version, content in pins
    }})  # fmt: skip


def pnpm(pins):
    return "lockfileVersion: '9.0'\n\npackages:\n\n" + "".join(
        f"  {name}@{version}:\n    resolution: {{integrity: sha512-{content}}}\n\n" for name, version, content in pins
    )


def yarn(pins):
    return "# yarn lockfile v1\n\n\n" + "\n".join(
        f'{name}@^1, "{name}@>=1":\n  version "{version}"\n  resolved "https://npm.example/{name}.tgz#0a"\n  integrity sha512-{content}\n'
        for name, version, content in pins
    )


def berry(pins):
    return "__metadata:\n  version: 8\n\n" + "\n".join(
        f'"{name}@npm:^1":\n  version: {version}\n  resolution: "{name}@npm:{version}"\n  checksum: 10c0/{content}\n'
        for name, version, content in pins
    )


def pip(pins):
    return "--index-url https://pypi.example/simple\n" + "".join(
        f"{name}=={version} \\\n    --hash=sha256:{content}\n    # via -r in\n" for name, version, content in pins
    )


FORMATS = {
    "uv.lock": toml, "poetry.lock": toml, "web/package-lock.json": npm, "npm-shrinkwrap.json": npm_1, "pnpm-lock.yaml": pnpm, "a/yarn.lock": yarn,
    "yarn.lock": berry, "Cargo.lock": cargo, "requirements.txt": pip,
}  # fmt: skip


def moved(path, old, new, may_move=()):
    make = FORMATS[path]
    return list(locks.moved(path, make(old).encode(), make(new).encode(), may_move))


@pytest.mark.parametrize("path", FORMATS)
def test_each_format_shows_what_moved_and_lets_the_rest_pass(path):
    old = [("left", "1.0.0", "aa"), ("right", "1.0.0", "bb")]
    assert moved(path, old, old) == []
    assert moved(path, old, [*old, ("up", "2.0.0", "cc")]) == []
    assert moved(path, old, old[:1]) == []
    newer = [("left", "2.0.0", "dd"), old[1]]
    assert moved(path, old, newer) == ["left would move from 1.0.0 to 2.0.0"]
    assert moved(path, old, newer, {"left"}) == []
    assert moved(path, old, newer, {"right"}) == ["left would move from 1.0.0 to 2.0.0"]
    assert moved(path, old, [("left", "1.0.0", "ee"), old[1]]) == ["left 1.0.0 would have other contents than before"]


@pytest.mark.parametrize("path", sorted(FORMATS.keys() - {"pnpm-lock.yaml", "yarn.lock"}))
def test_packages_never_come_from_a_place_that_the_lock_file_did_not_name(path):
    old = FORMATS[path]([("left", "1.0.0", "aa")])
    new = old.replace(".example", ".elsewhere")
    assert [
        words.endswith("which the lock file did not name before")
        for words in locks.moved(path, old.encode(), new.encode())
    ] == [True]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from(sorted(FORMATS)),
)
def test_a_package_is_named_exactly_when_both_texts_pin_it_otherwise_and_it_may_not_move(old, new, free, path):
    found = moved(path, [(n, v, "aa") for n, v in old.items()], [(n, v, "aa") for n, v in new.items()], free)
    wanted = {name for name in old.keys() & new.keys() if old[name] != new[name]} - free
    assert {words.partition(" ")[0] for words in found} == wanted


@given(st.sampled_from([*sorted(FORMATS), "go.mod", "go.sum", "x.bin"]), st.binary(max_size=80), st.binary(max_size=80))
def test_no_text_raises(path, old, new):
    assert all(isinstance(words, str) for words in locks.moved(path, old, new))


@pytest.mark.parametrize("path", sorted(FORMATS.keys() - {"requirements.txt"}))
def test_garbage_is_no_lock_file(path):
    assert list(locks.moved(path, b"\xff{[", b"\xff{[")) == ["the lock file can't be read, so nothing shows what moved"]
    assert list(locks.moved("a.bin", b"", b"")) == ["the file is no lock file that can be compared"]


def test_modules_of_go_keep_their_versions_and_sums():
    old = b"module x\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/b v1.1.0 // indirect\n)\nrequire example.org/c v0.1.0\n"
    assert list(locks.moved("go.mod", old, old.replace(b"\texample.org/b v1.1.0 // indirect\n", b""))) == []
    assert list(locks.moved("go.mod", old, old.replace(b"c v0.1.0", b"c v0.2.0"))) == [
        "example.org/c would move from v0.1.0 to v0.2.0"
    ]
    sums = b"example.org/a v1.0.0 h1:aa=\nexample.org/a v1.0.0/go.mod h1:bb=\n"
    assert list(locks.moved("go.sum", sums, sums + b"example.org/a v1.1.0 h1:cc=\n")) == []
    assert list(locks.moved("go.sum", sums, sums.replace(b"bb", b"zz"))) == [
        "example.org/a v1.0.0/go.mod v1.0.0/go.mod would have other contents than before"
    ]


def test_the_repository_s_own_packages_are_not_pinned():
    own = '[[package]]\nname = "me"\nversion = "{}"\nsource = {{ editable = "." }}\n'
    assert list(locks.moved("uv.lock", own.format("1").encode(), own.format("2").encode())) == []
    own = '__metadata:\n  version: 8\n\n"me@workspace:.":\n  version: {}\n  resolution: "me@workspace:."\n'
    assert list(locks.moved("yarn.lock", own.format("1").encode(), own.format("2").encode())) == []
    own = '{{"packages": {{"": {{}}, "lib": {{"version": "{0}"}}, "node_modules/lib": {{"link": true, "version": "{0}"}}}}}}'
    assert list(locks.moved("package-lock.json", own.format("1").encode(), own.format("2").encode())) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "names"),
    [
        ("package.json", '{"dependencies": {"a": "1", "b": "1"}}', '{"dependencies": {"a": "2", "b": "1"}, "devDependencies": {"c": "1"}}', {"a", "c"}),
        ("pyproject.toml", '[project]\ndependencies = ["A_b>=1", "c"]\n', '[project]\ndependencies = ["a-b >= 2", "c"]\n', {"a-b"}),
        ("pyproject.toml", '[tool.poetry.dependencies]\na = "^1"\n', '[tool.poetry.dependencies]\na = "^2"\n[tool.poetry.group.dev.dependencies]\nb = "1"\n', {"a", "b"}),
        ("pyproject.toml", "[dependency-groups]\nd = []\n", '[dependency-groups]\nd = ["x[y]==1", {include-group = "z"}]\n', {"x"}),
        ("Cargo.toml", '[dependencies]\na = "1"\n', '[dependencies]\na = "1"\n[target."cfg(unix)".dependencies]\nq = {package = "Real_Name", version = "1"}\n', {"real-name"}),
        ("go.mod", "module x\nrequire example.org/a v1.0.0\n", "module x\nrequire (\n\texample.org/a v1.1.0\n)\n", {"example.org/a"}),
        ("requirements.in", "a>=1 # why\n-r other.in\n", "a>=2\n", {"a"}),
        ("package.json", "[", '{"dependencies": {"a": "1"}}', {"a"}),
        ("package.json", '{"dependencies": []}', "{}", set()),
    ],
)  # fmt: skip
def test_the_demands_that_changed_are_read_from_the_manifest(path, old, new, names):
    assert requirements.changed(path, old.encode(), new.encode()) == names
    assert requirements.changed(path, None, new.encode()) == frozenset()
    assert requirements.changed(path, new.encode(), new.encode()) == frozenset()


def test_a_lock_file_of_any_length_may_change_and_none_may_upgrade():
    many = [(f"package-{number}", "1.0.0", "aa") for number in range(4000)]
    policy = Policy(allowed=(("**",),), keeps=Keeps.PINS)

    def judged(new, policy=policy):
        change = FileChange("package-lock.json", npm_1(many).encode(), new.encode())
        return [(each.rule, each.detail) for each in check([change], policy)]

    assert judged(npm(many).replace(",", ",\n")) == []
    upgraded = [("package-7", "1.0.1", "bb") if pin[0] == "package-7" else pin for pin in many]
    assert judged(npm(upgraded)) == [("meaning", "package-7 would move from 1.0.0 to 1.0.1")]
    assert judged(npm(upgraded), Policy(allowed=(("**",),), keeps=Keeps.PINS, may_move=frozenset({"package-7"}))) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-aa"}}}', '{"packages": {"node_modules/a": {"version": "1.0.0"}}}'),
        ("package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "x"}}}',
         '{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "x"}, "node_modules/b/node_modules/a": {"version": "1.0.0", "integrity": "y"}}}'),
        ("package-lock.json", '{"packages": {"node_modules/a": {"version": "1.0.0", "resolved": "git+ssh://git@git.example/a.git#aa"}}}',
         '{"packages": {"node_modules/a": {"version": "1.0.0", "resolved": "git+ssh://git@git.example/a.git#bb"}}}'),
        ("Cargo.lock", '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "git+https://git.example/a#aa"\n', '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "git+https://git.example/a#bb"\n'),
        ("uv.lock", '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = { git = "https://git.example/a#aa" }\n', '[[package]]\nname = "a"\nversion = "1.0.0"\nsource = { git = "https://git.example/a#bb" }\n'),
        ("yarn.lock", '# yarn lockfile v1\n\na@git+https://git.example/a:\n  version "1.0.0"\n  resolved "git+https://git.example/a#aa"\n',
         '# yarn lockfile v1\n\na@git+https://git.example/a:\n  version "1.0.0"\n  resolved "git+https://git.example/a#bb"\n'),
    ],
)  # fmt: skip
def test_contents_that_vanish_double_or_move_under_one_version_are_seen(path, old, new):
    assert list(locks.moved(path, old.encode(), new.encode())) == ["a 1.0.0 would have other contents than before"]
    assert list(locks.moved(path, old.encode(), old.encode())) == []


def test_files_that_an_index_adds_to_a_version_are_no_change():
    old = toml([("left", "1.0.0", "aa")])
    new = old.replace("files = [", 'files = [{file = "y", hash = "sha256:bb"}, ')
    assert list(locks.moved("poetry.lock", old.encode(), new.encode())) == []
    assert list(locks.moved("poetry.lock", new.encode(), old.encode())) == [
        "left 1.0.0 would have other contents than before"
    ]
