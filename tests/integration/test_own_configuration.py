"""What a repository brings along in its own configuration decides neither what is trusted here nor what runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from forge import REF, Forge
from logs import make_log
from worlds import git, watched

import hee_core
from hee_core import Event, open_log
from hee_core.keys import EphemeralSigner
from hee_monitoring.cli.main import run

pytestmark = pytest.mark.spec("SEED-215")

HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit"),
    *(
        "post-index-change",
        "post-merge",
        "post-receive",
        "post-rewrite",
        "post-update",
        "pre-applypatch",
        "pre-auto-gc",
    ),
    *("pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive"),
    *("push-to-checkout", "reference-transaction", "sendemail-validate", "update"),
)
PROGRAMS = (
    *("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.pager", "core.editor", "core.askPass"),
    *("core.alternateRefsCommand", "sequence.editor", "gpg.program", "gpg.ssh.program", "gpg.x509.program"),
    *("gpg.ssh.defaultKeyCommand", "diff.external", "diff.trap.textconv", "diff.trap.command", "merge.trap.driver"),
    *("filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "credential.helper", "pager.log", "pager.show"),
    *("remote.origin.uploadpack", "remote.origin.receivepack", "interactive.diffFilter", "uploadpack.packObjectsHook"),
    *(
        "trailer.hee.command",
        "trailer.hee.cmd",
        "browser.trap.cmd",
        "man.trap.cmd",
        "guitool.trap.cmd",
        "alias.rev-list",
    ),
    *("alias.cat-file", "alias.update-ref", "alias.fetch"),
)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a mark wherever it is called from."""
    path = tmp_path / "trap"
    path.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/sprung\nexit 1\n')
    path.chmod(0o755)
    return path


def booby_trapped(root: Path, trap: Path) -> None:
    for name in HOOKS:
        shutil.copy(trap, root / ".git/hooks" / name)
    for key in PROGRAMS:
        git(root, "config", key, f"!{trap}" if key.startswith(("alias.", "credential.")) else str(trap))
    git(root, "config", "core.hooksPath", str(root / ".git/hooks"))
    git(root, "config", "commit.gpgSign", "true")
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "log.showSignature", "true")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/attributes").write_text("* filter=trap diff=trap merge=trap\n")
    (root / ".git/inner").write_text(f'[core]\n\tfsmonitor = {trap}\n[gpg "ssh"]\n\tprogram = {trap}\n')
    git(root, "config", "include.path", "inner")


def test_no_hook_and_no_program_that_a_repository_names_ever_runs(tmp_path: Path, trap: Path) -> None:
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    subprocess.run(["git", "clone", "--quiet", "--bare", str(root), str(tmp_path / "there")], check=True)
    git(root, "remote", "add", "origin", str(tmp_path / "there"))
    (root / ".git/hooks").mkdir(exist_ok=True)
    booby_trapped(root, trap)
    note = tmp_path / "n"
    for words in (
        ["init"], ["decide", "k", "s", "--rationale", "r"], ["keys", "rotate"], ["log"], ["show", "0"], ["state"], ["verify"],
        ["checkpoint", "--output", str(note)], ["verify", "--from", str(note)], ["prove", "1"], ["witness", "cosign"],
        ["rollback", "--to", "0", "--reason", "r"], ["capsule", "render"], ["governance", "check"], ["doctor"], ["sync"],
        ["keys", "list"], ["log", "--type", "key."], ["verify"],
    ):  # fmt: skip
        status = run(["-C", str(root), *words])
        assert status in ((0, 1) if words[0] in ("governance", "doctor") else (0,)), words
        sprung = tmp_path / "sprung"
        assert not sprung.exists(), (words, sprung.read_text())
    assert git(tmp_path / "there", "rev-parse", "hee/log")
    subprocess.run(["git", "status"], cwd=root, check=False, capture_output=True)
    assert (tmp_path / "sprung").exists()  # the trap does work: stock git falls into it


def test_whom_a_repository_calls_a_signer_counts_for_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its allowed-signers file, revocation file and trust levels are not asked: the log's own keys alone count."""
    root = watched(tmp_path / "r", {"a.txt": "a\n"})
    eve = EphemeralSigner(actor="agent:eve")
    git(root, "config", "gpg.format", "ssh")
    (root / ".git/signers").write_text(f'* namespaces="git,hee-event" {eve.public_key}\n')
    git(root, "config", "gpg.ssh.allowedSignersFile", str(root / ".git/signers"))
    git(root, "config", "gpg.ssh.revocationFile", os.devnull)
    git(root, "config", "gpg.minTrustLevel", "undefined")
    assert run(["-C", str(root), "decide", "k", "s", "--rationale", "r"]) == 0
    forge = Forge(root, eve)
    forge.appends[0].signer = None
    forge.rewrite()
    stock = subprocess.run(["git", "verify-commit", REF], cwd=root, capture_output=True, check=False)
    assert stock.returncode == 0, stock.stderr  # whoever asks the repository is told that all is well
    capsys.readouterr()
    assert run(["-C", str(root), "verify", "--json"]) == 1
    kinds = {(found["index"], found["kind"]) for found in json.loads(capsys.readouterr().out)["findings"]}
    assert {(0, "commit-signature"), (1, "commit-signature")} <= kinds


@pytest.mark.parametrize("how", ["alternates", "alternates of alternates", "environment"])
def test_objects_from_elsewhere_are_held_to_their_names(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alternate may give any bytes for an id; what does not hash to it is found, and the environment's is not asked."""
    import zlib

    place, store = tmp_path / "r", tmp_path / "elsewhere"
    owner = EphemeralSigner()
    with make_log(place, signer=owner) as log:
        log.append([Event.new("note.recorded", {"text": "one"})])
    for pack in (place / ".git/objects/pack").glob("pack-*.pack"):  # loose, so that one of them can go
        data = pack.read_bytes()
        for suffix in (".pack", ".idx", ".keep"):
            pack.with_suffix(suffix).unlink(missing_ok=True)
        subprocess.run(["git", "unpack-objects", "-q"], cwd=place, input=data, check=True)
    blob = git(place, "rev-parse", f"{REF}:events.jsonl")
    path = place / ".git/objects" / blob[:2] / blob[2:]
    forged = zlib.compress(zlib.decompress(path.read_bytes()).replace(b'"one"', b'"1ne"'))
    (store / blob[:2]).mkdir(parents=True)
    (store / blob[:2] / blob[2:]).write_bytes(forged)
    path.unlink()
    if how == "environment":
        monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(store))
    else:
        middle = tmp_path / "middle/info"
        middle.mkdir(parents=True)
        (middle / "alternates").write_text(f"{store}\n")
        named = store if how == "alternates" else middle.parent
        (place / ".git/objects/info/alternates").write_text(f"{named}\n")
    with open_log(place, signer=owner) as log:
        log.keep_snapshots = False
        found = {(finding.index, finding.kind) for finding in hee_core.verify(log).findings}
    assert min(found) == (1, "object")


def test_a_worktree_or_a_file_that_the_configuration_names_is_not_read(tmp_path: Path) -> None:
    root, other = watched(tmp_path / "r", {"a.txt": "a\n"}), watched(tmp_path / "other", {"b.txt": "b\n"})
    with open_log(root) as log:
        head = log.head
    git(root, "config", "core.worktree", str(other))
    git(root, "config", "core.attributesFile", str(other / "b.txt"))
    git(root, "config", "core.excludesFile", str(other / "b.txt"))
    git(root, "config", "core.commitGraph", "true")
    git(root, "config", "core.useReplaceRefs", "true")
    git(root, "config", "core.grafts", "true")
    with open_log(root) as log:
        assert log.head == head
        assert hee_core.verify(log).ok
