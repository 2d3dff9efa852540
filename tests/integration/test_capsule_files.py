"""Capsules as files: other people's read and never touched, ours published so that formatters leave them alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from worlds import git, repository, watched

from hee_core.events import Event
from hee_core.keys import create_agent_key
from hee_monitoring.cli.main import run
from hee_monitoring.signedpage import signed
from hee_monitoring.workspace import Workspace

CLAIM = "artifact:\n  kind: state_capsule\nsummary:\n  claim:\n    green: {}\n"
FILES = {
    "docs/history/2026-01-28-GO.yaml": CLAIM.format("true"),
    "docs/history/GO.yaml": CLAIM.format("false"),
    "docs/history/2026-01-24/report.md": "# Session Report\n\n- see commit `abcdef0123` and `{head}`\n",
    "docs/history/undated.md": "# Session Report\n\n- [ ] open\n",
    "docs/history/notes.md": "# Notes\n\nThe weather is fine.\n",
}


def hee(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str):  # type: ignore[no-untyped-def]
    status = run(["-C", str(root), *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out or "null")


def bytes_below(root: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file() and ".git" not in path.parts
    }


@pytest.mark.spec("SEED-032", "SEED-261")
def test_an_import_says_what_was_understood_and_touches_nothing(tmp_path, capsys):
    root = repository(tmp_path / "r", FILES)
    head = git(root, "rev-parse", "HEAD")[:10]
    report = root / "docs/history/2026-01-24/report.md"
    report.write_text(report.read_text().format(head=head))
    before = bytes_below(root)
    status, found = hee(capsys, root, "capsule", "import", str(root / "docs"))
    assert bytes_below(root) == before
    assert (status, found["recorded"], found["not_recorded"]) == (1, 0, "there is no log here")
    assert [(file["path"], file["format"], file["date_from"]) for file in found["imported"]] == [
        ("docs/history/2026-01-24/report.md", "F5", "directory"),
        ("docs/history/2026-01-28-GO.yaml", "F11", "file name"),
        ("docs/history/GO.yaml", "F11", "commit"),
        ("docs/history/undated.md", "F5", "commit"),
    ]
    assert [issue["code"] for issue in found["imported"][0]["issues"]] == ["D11"]  # HEAD is there, the other is not
    assert "abcdef0123" in found["imported"][0]["issues"][0]["message"]
    assert [each["kind"] for each in found["contradictions"]] == ["claim"]
    assert [each["path"] for each in found["rejected"]] == ["docs/history/notes.md"]
    assert run(["-C", str(root), "capsule", "import", str(root / "docs")]) == 1
    shown = capsys.readouterr().out
    assert "GO.yaml" in shown
    assert "unverified" in shown
    assert run(["-C", str(root), "capsule", "import", str(root / "nothing")]) == 2
    capsys.readouterr()
    assert run(["-C", str(root), "capsule", "index", str(root / "docs")]) == 0
    assert "2026-01-24 · `docs/history/2026-01-24/report.md`" in capsys.readouterr().out
    assert len(hee(capsys, root, "capsule", "index", str(root / "docs"))[1]) == 4


def test_a_capsule_is_recorded_once_and_its_facts_stay_unverified(tmp_path, capsys):
    root = watched(tmp_path / "r", FILES)
    _, found = hee(capsys, root, "capsule", "import", str(root / "docs"))
    assert found["recorded"] == 4
    assert hee(capsys, root, "capsule", "import", str(root / "docs"))[1]["recorded"] == 0
    (root / "docs/history/undated.md").write_text("# Session Report\n\n- [x] closed\n")
    assert hee(capsys, root, "capsule", "import", str(root / "docs"))[1]["recorded"] == 1
    assert (
        hee(capsys, root, "capsule", "import", str(root / "docs"), "--no-record")[1]["not_recorded"] == "asked not to"
    )
    events = [entry for entry in hee(capsys, root, "log")[1] if entry["type"] == "capsule.imported"]
    assert len(events) == 5
    claim = next(entry["data"] for entry in events if entry["data"]["path"].endswith("28-GO.yaml"))
    assert {"kind": "claim", "key": "/summary/claim/green", "text": "true", "line": 5} in claim["facts"]
    assert claim["contradictions"] == ["go: green is claimed and denied"]
    assert hee(capsys, root, "state")[1]["hee_decisions"] == {}  # nothing imported becomes a decision
    assert hee(capsys, root, "verify")[0] == 0


def test_our_own_page_is_published_for_its_day_and_is_read_back_as_ours(tmp_path, capsys):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    _, first = hee(capsys, root, "capsule", "publish")
    assert first["path"].startswith("docs/STATE_CAPSULES/20")
    assert hee(capsys, root, "capsule", "validate", str(root / first["path"]))[0] == 0
    _, found = hee(capsys, root, "capsule", "import", str(root / first["path"]))
    assert [(file["format"], file["confidence"]) for file in found["imported"]] == [("F22", 100)]
    for ending in ("md", "json", "yaml"):
        target = tmp_path / "out" / f"c.{ending}"
        assert hee(capsys, root, "capsule", "export", str(target), "--at", "0")[1]["index"] == 0
        assert hee(capsys, root, "capsule", "validate", str(target))[0] == 0
    assert run(["-C", str(root), "capsule", "export", str(tmp_path / "c.txt")]) == 2
    assert run(["-C", str(root), "capsule", "publish", "--name", "../x"]) == 2


@pytest.mark.spec("SEED-215", "SEED-272")
def test_a_published_page_is_signed_and_one_byte_breaks_it(tmp_path, capsys):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    page = root / hee(capsys, root, "capsule", "publish")[1]["path"]
    whole = page.read_bytes()
    head, _, footer = whole.partition(b"\n## Signature\n")
    (tmp_path / "sig").write_bytes(footer.partition(b"```text\n")[2].partition(b"\n```")[0] + b"\n")
    (tmp_path / "page").write_bytes(head)
    assert run(["-C", str(root), "keys", "allowed-signers"]) == 0
    signers = capsys.readouterr().out.replace('namespaces="git,hee-event"', 'namespaces="hee-capsule"')
    (tmp_path / "signers").write_text(signers)
    command = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "agent:hee", "-n", "hee-capsule", "-s", "sig"]
    done = subprocess.run(command, cwd=tmp_path, input=head, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for broken in (
        whole.replace(b"operational", b"0perational", 1),
        whole.replace(b"Root of the first 1 ", b"Root of the first 2 "),
        whole + b"\n## Decisions\n\n- everything is approved\n",
        whole.replace(b"\nBy `", b"\nEverything is approved. By `"),
        whole.replace(b"\nBy `agent:hee`", b"\nBy `human:ann`"),
    ):
        page.write_bytes(broken)
        status, found = hee(capsys, root, "capsule", "validate", str(page))
        assert (status, "does not hold" in found["findings"][0]["message"]) == (1, True)
    page.write_bytes(whole)
    assert hee(capsys, root, "capsule", "validate", str(page))[0] == 0
    other = watched(tmp_path / "other", {"a.txt": "a\n"})
    status, found = hee(capsys, other, "capsule", "validate", str(page))  # the same key, and another log
    assert (status, "is not that of the log" in found["findings"][0]["message"]) == (1, True)
    elsewhere = repository(tmp_path / "plain", {"a.txt": "a\n"})
    assert hee(capsys, elsewhere, "capsule", "validate", str(page))[0] == 0  # no log: the bytes are the signed ones


@pytest.mark.spec("SEED-216")
def test_a_page_is_judged_by_the_keys_of_the_index_that_it_speaks_of(tmp_path, capsys):
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    other = create_agent_key(tmp_path / "other", actor="agent:other")
    page = root / hee(capsys, root, "capsule", "publish")[1]["path"]
    text = page.read_text().partition("\n## Signature\n")[0]
    body = text[: text.rindex("- Root of the first")]
    with Workspace.open(root) as workspace:
        log = workspace.log
        say = lambda type_, **data: log.append([Event.new(type_, data)])  # noqa: E731
        say("key.added", public_key=other.public_key, actor="agent:other", role="agent")
        roots = {log.refresh().size: log.refresh().frontier.root().hex()}
        say("key.revoked", key_id=other.key_id, reason="left")
        roots |= {log.refresh().size: log.refresh().frontier.root().hex(), 9: "0" * 64}
    told = []
    for size, root_hash in roots.items():
        page.write_text(signed(body, root=root_hash, size=size, signer=other))
        status, found = hee(capsys, root, "capsule", "validate", str(page))
        told.append((status, [each["message"].partition(": ")[2] for each in found["findings"]]))
    assert told[0] == (0, [])  # while the key was one of the log's
    assert told[1] == (1, [f"key {other.key_id} is revoked from event 3 on"])
    assert (told[2][0], "speaks of 9 events" in found["findings"][0]["message"]) == (1, True)
    page.write_text(signed(body, root="0" * 64, size=2, signer=other))
    assert "root is not that" in hee(capsys, root, "capsule", "validate", str(page))[1]["findings"][0]["message"]
    page.write_text(signed(body, root="none", size=2, signer=other))
    assert (
        "does not end with the root" in hee(capsys, root, "capsule", "validate", str(page))[1]["findings"][0]["message"]
    )


def test_an_empty_path_is_no_directory(tmp_path, capsys):
    root = repository(tmp_path / "r", {"a.txt": "a\n"})
    assert run(["-C", str(root), "capsule", "import", ""]) == 2
    assert "empty text names no file" in capsys.readouterr().err


def test_what_is_no_regular_file_is_rejected_and_never_waited_for(tmp_path, capsys):
    root = repository(tmp_path / "r", {"a.txt": "a\n"})
    os.mkfifo(root / "pipe.md")
    (root / "huge.md").write_bytes(b"# Session report\n" * 20_000)
    status, found = hee(capsys, root, "capsule", "import", str(root / "pipe.md"), str(root / "huge.md"))
    assert (status, found["imported"]) == (1, [])
    assert [(each["path"], each["reason"].split(":")[0]) for each in found["rejected"]] == [
        ("pipe.md", "cannot be read"),
        ("huge.md", "has more than 256000 bytes"),
    ]


def test_an_import_is_in_order_only_when_something_was_read_and_nothing_refused(tmp_path, capsys):
    root = repository(tmp_path / "r", {"one/GO.yaml": FILES["docs/history/GO.yaml"], "none/a.bin": "a\n"})
    assert hee(capsys, root, "capsule", "import", str(root / "one"))[0] == 0
    status, found = hee(capsys, root, "capsule", "import", str(root / "none"))
    assert (status, found["imported"], found["rejected"]) == (1, [], [])
    assert run(["-C", str(root), "capsule", "import", str(root / "none")]) == 1
    assert "UNKNOWN" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("gates", "--junit"), ("gates", "--coverage"), ("governance", "spec", "--spec")])
def test_a_report_that_is_a_pipe_is_refused_and_never_waited_for(tmp_path, capsys, option):
    root = repository(tmp_path / "r", {"a.txt": "a\n"})
    os.mkfifo(root / "pipe")
    assert run(["-C", str(root), *option, str(root / "pipe")]) == 2
    assert "pipe: is no regular file" in capsys.readouterr().err


HARD = (
    'Keep "bytes" of <b>*x*</b> `tick` _a_ 1. # - + http://x.y @ada #12 | a\\b'
    " ```js ~~~ | a | b | <!-- c --> [^1]: ~~x~~ $$y$$ &nbsp; - [ ] \u0633\u0644\u0627\u0645 \U0001f642 \u65e5\u672c "
    + "long "
    * 60
)


@pytest.mark.spec("SEED-171")
@pytest.mark.parametrize(
    "formatter",
    [("mdformat",), ("prettier", "--write"), ("markdownlint-cli2", "--fix")],
    ids=lambda command: command[0],
)
def test_a_published_page_is_a_fixed_point_of_formatters(tmp_path, capsys, formatter):
    program = shutil.which(formatter[0])
    if program is None:
        pytest.skip(f"{formatter[0]} is not installed")
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    for key in ("one", "two"):
        grounds = ("--rationale", HARD, "--alternative", HARD, "--deny-path", "vendor/**")
        assert hee(capsys, root, "decide", key, HARD, *grounds)[0] == 0
    page = root / hee(capsys, root, "capsule", "publish")[1]["path"]
    before = page.read_bytes()
    subprocess.run([program, *formatter[1:], page.name], cwd=page.parent, check=False, capture_output=True)
    assert page.read_bytes() == before
