"""`hee governance set` over real files, and the configuration's hash in the log of a real cycle."""

from __future__ import annotations

import hashlib
import json

from worlds import git, repository, run_cycle, watched

from hee_governance.config import dump_default, load
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace


def test_a_setting_is_changed_in_place_and_nothing_is_written_when_it_is_not_valid(tmp_path, capsys):
    root = repository(tmp_path / "r", {"hee.yaml": dump_default().decode()})
    target = root / "hee.yaml"
    target.chmod(0o640)
    assert run(["-C", str(root), "governance", "set", "fix.max_severity", "high", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": "hee.yaml", "key": "fix.max_severity", "changed": True}
    before = target.read_bytes()
    assert (load(before).max_severity, target.stat().st_mode & 0o777) == ("high", 0o640)
    assert b"# Limits of automatic repairs" in before
    assert run(["-C", str(root), "governance", "set", "fix.max_severity", "high"]) == 0
    assert "already" in capsys.readouterr().out
    assert run(["-C", str(root), "governance", "set", "fix.max_severity", "huge"]) == 2
    assert "/hee_monitoring/fix/max_severity" in capsys.readouterr().err
    assert (target.read_bytes(), sorted(each.name for each in root.iterdir())) == (before, [".git", "hee.yaml"])


def test_only_a_regular_file_of_a_worktree_is_changed(tmp_path, capsys):
    root = repository(tmp_path / "r", {"other.yaml": dump_default().decode()})
    arguments = ["-C", str(root), "governance", "set", "fix.max_severity", "high"]
    assert run(arguments) == 2
    assert "hee init" in capsys.readouterr().err
    (root / "hee.yaml").symlink_to("other.yaml")
    assert run(arguments) == 2
    assert "symbolic link" in capsys.readouterr().err
    git(tmp_path, "clone", "--quiet", "--bare", str(root), str(tmp_path / "bare"))
    assert run(["-C", str(tmp_path / "bare"), *arguments[2:]]) == 2
    assert "bare repository" in capsys.readouterr().err


def test_a_cycle_records_the_hash_of_the_configuration_that_it_loaded(tmp_path):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})

    def loaded() -> list[tuple[str, str]]:
        run_cycle(root, {"ci.yml#a": "echo fine"}, fix=False)
        with Workspace.open(root) as workspace:
            events = [entry.event for entry in workspace.log.read() if entry.event.type == "config.loaded"]
        return [(event.data["path"], event.data["digest"]) for event in events]

    def digest() -> tuple[str, str]:
        return "hee.yaml", hashlib.sha256((root / "hee.yaml").read_bytes()).hexdigest()

    first = digest()
    assert loaded() == [first]
    assert loaded() == [first]  # nothing new, nothing recorded
    assert run(["-C", str(root), "governance", "set", "fix.max_severity", "low"]) == 0
    assert loaded() == [first]  # what is not committed is not in force
    git(root, "commit", "--quiet", "--all", "--message", "limit")
    assert loaded() == [first, digest()]
