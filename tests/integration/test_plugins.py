"""Strategies, rules, sources and channels of an installed package: used where the configuration names them, and only there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import worlds

from hee_core.errors import ConfigError
from hee_monitoring import plugins
from hee_monitoring.cli.main import run
from hee_monitoring.fixes import REGISTRY
from hee_monitoring.workspace import Workspace

CODE = """
from pathlib import Path
from hee_governance.rules import Rule
from hee_monitoring.evidence import Conclusion, Job, Run
from hee_monitoring.fixes import Change, Terms
from hee_monitoring.fixes.meaning import Keeps


class Tidy:
    name = "acme-tidy"
    rows = ("whitespace",)
    network = False
    terms = Terms(paths=("fixtures/**",), keeps=Keeps.LINES)

    def applies(self, diagnosis, tree):
        return None

    def apply(self, diagnosis, tree, tools):
        tools.write("fixtures/x.txt", tools.read("fixtures/x.txt").replace(b" \\n", b"\\n"))
        return Change("Tidy the fixtures", "acme 1.0")


def rules():
    def check(rule, context, path):
        if b"TODO" in context.tree[path]:
            yield rule.finding(path, 1, "is not done")
    return [Rule("ACME-001", "Nothing is left to do.", "acme", "ERROR", "text files", "Do it.",
                 lambda context: [path for path in context.paths if path.endswith(".txt")], check)]


class Jenkins:
    name = "acme-jenkins"

    def __init__(self, root: Path):
        self.root = root

    def runs(self, commit):
        log = b"FAILED tests/test_a.py::test_b - assert 1 == 2\\n==== 1 failed in 0.1s ====\\n"
        return (Run(self.name, Conclusion.FAILURE, (Job("build#1", "build", Conclusion.FAILURE, log),), commit=commit),)


class Pager:
    sent = []

    def __init__(self, url, secret):
        self.url = url

    def send(self, message, *, repository, log_id):
        self.sent.append(message.title(repository))
"""
POINTS = """[hee.strategies]
acme-tidy = acme_hee:Tidy
[hee.rules]
acme-rules = acme_hee:rules
acme-again = acme_hee:rules
acme-broken = acme_hee:nothing
[hee.sources]
acme-jenkins = acme_hee:Jenkins
[hee.alert_channels]
acme-pager = acme_hee:Pager
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as pip leaves it: a module, and metadata with entry points."""
    site = tmp_path / "site"
    info = site / "acme_hee-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_hee.py").write_text(CODE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hee\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(site))
    yield site
    sys.modules.pop("acme_hee", None)


def watched(root: Path, rows: str, **files: str) -> Path:
    place = worlds.watched(root, {"a.txt": "TODO\n", **files})
    path = place / "hee.yaml"
    path.write_text(path.read_text() + rows)
    worlds.git(place, "commit", "--quiet", "--all", "--allow-empty", "--message", "plugins")
    return place


def check(place: Path, capsys) -> dict:
    run(["-C", str(place), "governance", "check", "--json"])
    return json.loads(capsys.readouterr().out)


def test_an_installed_package_changes_nothing_until_it_is_named(tmp_path, installed, capsys):
    place = watched(tmp_path / "app", "")
    assert "ACME-001" not in {finding["rule"] for finding in check(place, capsys)["findings"]}
    path = place / "hee.yaml"
    path.write_text(path.read_text() + "  plugins: [acme-rules, acme-tidy, acme-jenkins]\n")
    worlds.git(place, "commit", "--quiet", "--all", "--message", "named")
    (finding,) = [each for each in check(place, capsys)["findings"] if each["rule"] == "ACME-001"]
    assert (finding["path"], finding["line"], finding["remedy"]) == ("a.txt", 1, "Do it.")


def test_strategies_of_a_plugin_come_after_the_built_in_ones(installed):
    found = plugins.strategies(["acme-tidy"], REGISTRY)
    assert found[:-1] == REGISTRY
    assert found[-1].name == "acme-tidy"
    assert plugins.strategies([], REGISTRY) == REGISTRY
    with pytest.raises(ConfigError, match="a second strategy acme-tidy"):
        plugins.strategies(["acme-tidy"], found)


def test_what_built_in_strategies_decline_one_of_a_plugin_repairs_and_the_gate_proves(tmp_path, installed):
    gate = 'git diff --check "$(git hash-object -t tree /dev/null)" HEAD'
    files = {"fixtures/x.txt": "one \n"}
    for name, rows, outcome in (("without", "", "refused"), ("with", "  plugins: [acme-tidy]\n", "verified")):
        place = watched(tmp_path / name, rows, **files)
        worlds.run_cycle(place, {"ci.yml#whitespace": gate})
        with Workspace.open(place) as workspace:
            (issue,) = workspace.log.state.issues.values()
            assert issue["fix"]["outcome"] == outcome, issue["fix"]
    assert issue["fix"]["strategy"] == "acme-tidy"
    assert worlds.git(place, "show", f"{issue['fix']['branch']}:fixtures/x.txt") == "one"


def test_a_source_of_a_plugin_is_watched_by_its_name(tmp_path, installed, capsys):
    place = watched(tmp_path / "app", "  plugins: [acme-jenkins]\n")
    assert run(["-C", str(place), "monitor", "--once", "--no-fix", "--source", "acme-jenkins", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [failure["category"] for failure in found["failures"] if failure["evidence"][0]["channel"] == "log"] == [
        "test"
    ]
    assert run(["-C", str(place), "monitor", "--once", "--source", "acme-other"]) == 2
    assert "there is no source 'acme-other'" in capsys.readouterr().err


def test_a_channel_of_a_plugin_is_named_by_its_type(tmp_path, installed, monkeypatch, capsys):
    monkeypatch.setenv("PAGER_URL", "anything")
    place = watched(tmp_path / "app", "  alerts: [{name: pager, type: acme-pager, url: PAGER_URL}]\n")
    assert run(["-C", str(place), "alerts", "test", "pager"]) == 0
    import acme_hee

    assert acme_hee.Pager.sent[-1].endswith("a test: nothing is wrong")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("acme-nothing", "no installed package brings the plugin 'acme-nothing'"),
        ("acme-broken", "cannot be loaded: AttributeError"),
        ("acme-rules, acme-again", "a second rule ACME-001"),
    ],
)
def test_what_cannot_be_loaded_whole_is_an_error_with_its_name(tmp_path, installed, capsys, named, said):
    place = watched(tmp_path / "app", f"  plugins: [{named}]\n")
    assert run(["-C", str(place), "governance", "check"]) == 2
    assert said in capsys.readouterr().err
    with pytest.raises(ConfigError, match=said), Workspace.open(place):
        pass
