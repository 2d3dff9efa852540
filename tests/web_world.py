"""A repository with a log that means harm: every text in it that a page shows tries to become a script."""

from __future__ import annotations

import hashlib
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import git, watched

from hee_core import chain
from hee_core.events import Event
from hee_core.keys import EphemeralSigner, create_agent_key
from hee_core.sshsig import EVENT_NAMESPACE
from hee_monitoring.web.book import Book
from hee_monitoring.web.server import Server
from hee_monitoring.workspace import Workspace

EVIL = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">\'"&{{7*7}}'
TURNED = "admin\u202e\x1b[31m"
ISSUE, FIX = "HEE-ISS-0000000001", "HEE-FIX-<b>1"
SECRET = "a secret of the pages, long enough"


class World:
    """The repository, the keys of its agent and of Ada, who is a person."""

    def __init__(self, root: Path) -> None:
        self.root = watched(root / "repository", {"a.py": "x = 1\n"})
        self.agent = root / "agent"
        self.key = root / "ada"
        self.ada = create_agent_key(self.key, actor="human:ada")
        with self.open() as workspace:
            self.log_id = workspace.log.id
            say(workspace, "key.added", "key", public_key=self.ada.public_key, actor="human:ada", role="human")
            self._fail(workspace)
            self._repair(workspace)

    def open(self) -> Workspace:
        return Workspace.open(self.root)

    def append(self, text: str = "a note") -> None:
        with self.open() as workspace:
            say(workspace, "note.recorded", "note", text=text)

    def _fail(self, workspace: Workspace) -> None:
        commit = git(self.root, "rev-parse", "HEAD")
        lines = [
            {"channel": "log", "line": 7 + n, "text": f"{EVIL} {n}", "where": f"src/{EVIL[:60]}.py"} for n in range(4)
        ]
        say(
            workspace, "ci.failure_detected", f"issue/{ISSUE}", issue_id=ISSUE, fingerprint="f", source="act", job=f"ci.yml#{EVIL}",
            step=EVIL, branch=f"b/{EVIL}", commit=commit, workflow=EVIL, evidence=lines,
        )  # fmt: skip
        say(
            workspace, "ci.failure_classified", f"issue/{ISSUE}", issue_id=ISSUE, pattern_id="HEE-PAT-612", category="format",
            title=f"Broken {EVIL}", confidence=9500, database="1", secondary=[EVIL],
        )  # fmt: skip
        say(
            workspace,
            "ci.impact_assessed",
            f"issue/{ISSUE}",
            issue_id=ISSUE,
            impact="high",
            severity="high",
            reasons=[EVIL],
        )
        say(
            workspace, "ci.failure_triaged", f"issue/{ISSUE}", issue_id=ISSUE, verdict="known", probability=8510, flaky=40, infrastructure=50,
            broken_base=1400, change=8510, model=EVIL, evidence=[EVIL], missing=[EVIL], red_on=[{"branch": f"red/{EVIL}", "commit": commit}],
        )  # fmt: skip
        say(
            workspace,
            "state.changed",
            "state",
            **{"from": "operational", "to": "degraded", "trigger": "t", "reason": EVIL},
        )
        old = say(workspace, "decision.recorded", "decision", key=f"k{EVIL}", statement=f"first {EVIL}", rationale=EVIL)
        say(
            workspace, "decision.recorded", "decision", key=f"k{EVIL}", statement=f"second {EVIL}", scope=[EVIL],
            supersedes=f"HEE-DEC-{old.event.id[:8]}",
        )  # fmt: skip
        say(
            workspace, "decision.recorded", f"issue/{ISSUE}", kind="issue", key=f"issue/{ISSUE}", statement=EVIL,
            action="agent-review", issue_id=ISSUE, rationale=EVIL, rule="r",
        )  # fmt: skip
        say(workspace, "alert.raised", f"issue/{ISSUE}", issue_id=ISSUE, severity="high", title=EVIL, next_step=EVIL)
        told = {"channel": f"c{EVIL}", "alerts": [ISSUE], "message": "a" * 64}
        say(workspace, "alert.delivered", "channel/c", **told, stage="raised")
        say(
            workspace,
            "alert.undelivered",
            "channel/d",
            **told | {"channel": f"d{EVIL}"},
            stage="raised",
            attempt=1,
            reason=EVIL,
        )
        say(workspace, "gate.evaluated", "gate", gate=EVIL, target=9000, value=8500, met=False)
        say(workspace, "coverage.measured", "coverage", metric="line", value=None)

    def _repair(self, workspace: Workspace) -> None:
        git(self.root, "switch", "--quiet", "-c", "hee/fix/one")
        (self.root / "<img src=x onerror=pwned=1>.py").write_text(f"{EVIL}\n{TURNED}\n", encoding="utf-8")
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "-m", f"Repair {TURNED} {EVIL}\n\nHEE-Issue: {ISSUE}\n")
        commit = git(self.root, "rev-parse", "HEAD")
        git(self.root, "switch", "--quiet", "main")
        diff = subprocess.run(
            ["git", "diff-tree", "-p", "--binary", "--full-index", f"{commit}^", commit],
            cwd=self.root, capture_output=True, check=True,
        ).stdout  # fmt: skip
        about = {"fix_id": FIX, "issue_id": ISSUE}
        check = {"name": EVIL, "ok": True, "detail": EVIL}
        say(
            workspace,
            "fix.started",
            f"issue/{ISSUE}",
            **about,
            pattern_id="HEE-PAT-612",
            strategy=EVIL,
            tool=f"ruff {EVIL}",
        )
        for phase in ("pre", "post"):
            say(workspace, "fix.validated", f"issue/{ISSUE}", fix_id=FIX, phase=phase, ok=True, checks=[check])
        say(
            workspace, "fix.applied", f"issue/{ISSUE}", **about, files=[EVIL], insertions=2, deletions=0, commit=commit,
            diff=hashlib.sha256(diff).hexdigest(), summary=EVIL, outcome="verified", branch="hee/fix/one",
        )  # fmt: skip
        say(workspace, "fix.verified", f"issue/{ISSUE}", **about, commit=commit, branch="hee/fix/one", checks=[check])


def say(workspace: Workspace, type_: str, subject: str, **data: object):
    return workspace.log.append([Event.new(type_, data, subject=subject)])


def force(workspace: Workspace, payloads: list[tuple[str, str, object]]) -> None:
    """Appends whatever somebody with a key could write without this program, in one append: type, subject, payload."""
    log = workspace.log
    with log.store.exclusive():
        head, kind = log.refresh(), Event.new("note.recorded", {"text": "x"})
        events = []
        for number, (type_, subject, data) in enumerate(payloads):
            draft = replace(kind, type=type_, subject=subject, data=data, nonce=f"{number:032x}")
            events.append(chain.bind(head, draft, log.signer))
        after = chain.grow(head, tuple(events), log)
        signatures = [log.signer.sign(event.to_bytes(), EVENT_NAMESPACE) for event in events]
        made = chain.seal(head, after, events, signatures, log.signer, object_format=log.store.object_format)
        log.store.publish(made.objects, made.head.commit, head.commit)
        log.take(made.head)


@pytest.fixture(name="world", scope="module")
def a_world(tmp_path_factory: pytest.TempPathFactory):
    """One for all who only read."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("web")
        patch.setenv("HEE_HOME", str(root / "home"))
        yield World(root)


@pytest.fixture(name="agent")
def an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A world of one's own to write in, with the server's key as an environment has it."""
    monkeypatch.setenv("HEE_HOME", str(tmp_path / "home"))
    return World(tmp_path)


@contextmanager
def serving(world: World, **options: object):
    with Book(str(world.root)) as book, Server(book, **options) as server:
        yield server


STRANGER = EphemeralSigner(actor="human:eve")
