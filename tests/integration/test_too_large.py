"""An object that would take all memory is damage that is named, never read; no honest writer makes one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from forge import Forge
from logs import make_log, open_at

import hee_core
from hee_core import chain, gitobjects
from hee_core.errors import EventError, HeeError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner

OWNER = EphemeralSigner()
SCRIPT = Path(__file__).parents[2] / "docs" / "verify-log.mjs"


@pytest.mark.parametrize("name", ["events.jsonl", "capsule.json", "README.md", "signatures"])
def test_a_file_that_is_too_large_is_found_and_not_read(tmp_path, monkeypatch, name):
    place = tmp_path / "repository"
    with make_log(place, signer=OWNER) as log:
        for text in ("one", "two", "three"):
            log.append([Event.new("note.recorded", {"text": text})])
    forge = Forge(place, OWNER)
    forge.appends[2].files[name] += b" " * 100_000
    forge.rewrite()
    monkeypatch.setattr("hee_core.gitread.LARGEST", 100_000)
    monkeypatch.setattr(gitobjects, "LARGEST", 100_000)
    with open_at(place, signer=OWNER) as log:
        report = hee_core.verify(log)
        found = [(one.index, one.kind) for one in report.findings]
        assert found[0] == (2, "object"), found
        assert "it was not read" in report.findings[0].detail
        assert report.events >= 3, "what comes after it is read"
        if name in ("events.jsonl", "signatures"):
            log.keep_snapshots = False
            with pytest.raises(HeeError, match="it was not read"):
                _ = log.state


def test_a_file_of_the_real_limit_ends_in_memory_for_neither_verifier(tmp_path):
    place = tmp_path / "repository"
    make_log(place, signer=OWNER).close()
    forge = Forge(place, OWNER)
    forge.appends[0].files["README.md"] = bytes(gitobjects.LARGEST + 1)
    forge.rewrite()
    with open_at(place, signer=OWNER) as log:
        assert next((one.index, one.kind) for one in hee_core.verify(log).findings) == (0, "object")
    if shutil.which("node"):
        done = subprocess.run(["node", SCRIPT, place], capture_output=True, check=False)
        assert (done.returncode, json.loads(done.stdout)["findings"][0]["kind"]) == (1, "object")


def test_an_append_that_nobody_could_read_is_not_made(tmp_path, monkeypatch):
    with make_log(tmp_path / "repository", signer=OWNER) as log:
        before = log.head
        monkeypatch.setattr(chain.gitobjects, "LARGEST", 50_000)
        with pytest.raises(EventError, match=r"events\.jsonl would have \d+ bytes"):
            log.append([Event.new("note.recorded", {"text": "x" * 1900}) for _ in range(30)])
        assert log.head == before
