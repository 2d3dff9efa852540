"""Two verifiers, ours and one in another language written from the page alone, agree on every published vector."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hee_core
from hee_core import gitobjects, machine, projection
from hee_core.log import Log
from hee_core.memory import MemoryStore

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).parent / "vectors.json"
DOCUMENT = json.loads(FILE.read_text(encoding="utf-8"))
TEXTS = DOCUMENT["texts"]
VECTORS = {vector["name"]: vector for vector in DOCUMENT["vectors"]}
PROJECTED = {"capsule", "trailer"}  # what a vector of kind `projection` is called by a checker that folds events


@pytest.fixture(scope="module")
def theirs() -> dict:
    """What the verifier in JavaScript says of every vector, by name."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    command = ["node", ROOT / "docs" / "verify-log.mjs", "--vectors", FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr
    return {report["name"]: report for report in map(json.loads, done.stdout.splitlines())}


def ours(vector: dict, texts: list[str] = TEXTS) -> hee_core.Report:
    store = MemoryStore()
    store.object_format = vector["object_format"]
    for number, files in vector["commits"]:
        raw = texts[number].encode()
        blobs = [
            (mode, name, gitobjects.make("blob", texts[text].encode(), store.object_format))
            for mode, name, text in files
        ]
        rows = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(blob.id) for mode, name, blob in blobs)
        made = [gitobjects.make(kind, data, store.object_format) for kind, data in (("tree", rows), ("commit", raw))]
        store.publish([*made, *(blob for _, _, blob in blobs)], made[1].id, store.ref)
    return hee_core.verify(Log(store))


def test_the_vectors_are_what_their_generator_writes():
    command = [sys.executable, str(ROOT / "scripts" / "build_vectors.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run scripts/build_vectors.py"


@pytest.mark.spec("SEED-215", "SEED-309")
@pytest.mark.parametrize("name", VECTORS)
def test_our_verifier_reaches_the_verdict(name):
    report, verdict = ours(VECTORS[name]), VECTORS[name]["verdict"]
    if verdict is None:
        assert report.ok, report.findings
        return
    found = [(one.index, one.kind) for one in (*report.findings, *report.unknown)]
    assert not report.ok
    assert min(found)[0] == verdict["index"], found
    kinds = {kind for index, kind in found if index == verdict["index"]}
    assert kinds & (PROJECTED if verdict["kind"] == "projection" else {verdict["kind"]}), found


@pytest.mark.spec("SEED-309")
@pytest.mark.parametrize("name", VECTORS)
def test_the_verifier_in_another_language_reaches_the_same_verdict(name, theirs):
    report, verdict = theirs[name], VECTORS[name]["verdict"]
    assert report["not_judged"] == ["capsule", "state"]
    if verdict is None or verdict["kind"] == "projection":  # it folds nothing, and says so
        assert (report["ok"], report["findings"], report["unknown"]) == (True, [], [])
        return
    found = [(one["index"], one["kind"]) for one in (*report["findings"], *report["unknown"])]
    assert not report["ok"]
    assert min(found)[0] == verdict["index"], found
    assert (verdict["index"], verdict["kind"]) in found


def test_there_are_good_and_bad_ones_of_every_kind():
    kinds = {vector["verdict"]["kind"] for vector in VECTORS.values() if vector["verdict"]}
    assert kinds == {
        "cause", "chain", "checkpoint", "commit-signature", "duplicate", "event", "foreign-event", "key", "projection",
        "refused", "signature", "trailer", "transition", "tree", "unknown",
    }  # fmt: skip
    assert sum(vector["verdict"] is None for vector in VECTORS.values()) >= 4


def test_the_page_and_the_other_verifier_list_the_same_edges_and_what_a_freeze_lets_through():
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    script = (ROOT / "docs" / "verify-log.mjs").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ((?:`[a-z-]+`(?:, )?)+) \|$", page, re.MULTILINE)
    edges = {(from_, to) for from_, others in rows for to in re.findall(r"`([a-z-]+)`", others)}
    assert edges == {(step.from_, step.to) for step in machine.TRANSITIONS}
    assert all(f'"{step.from_} {step.to}"' in script for step in machine.TRANSITIONS)
    listed = page.partition("only these may be written:")[2].partition(". All of these")[0]
    assert set(re.findall(r"`([a-z_.]+)`", listed)) == projection.THAWED
    thawed = re.search(r"THAWED = new Set\(\[(.*?)\]", script, re.DOTALL)[1]
    assert set(re.findall(r'"([a-z_.]+)"', thawed)) == projection.THAWED


def forged(choose: random.Random, append) -> None:
    """One change by somebody who holds the writer's key: sound objects, signed commits, and events signed now and then."""
    name = choose.choice(["events.jsonl", "events.jsonl", "signatures", "checkpoint"])
    data = bytearray(append.files[name])
    at, other = choose.randrange(len(data)), choose.randrange(len(data))
    inserted = choose.choice([b"\xe2\x80\xae", b'"', b"{", b" ", b"0", b"\n", b"\\u00e9"])
    version = choose.choice([b"2", b"1.0", b"true", b'"1"', b"0", b"-1"])
    way = choose.choice(["flip", "cut", "insert", "swap", "version"])
    if way == "flip":
        data[at] ^= 1 << choose.randrange(5)
    elif way == "cut":
        del data[at:]
    elif way == "insert":
        data[at:at] = inserted
    elif way == "swap":
        data[at], data[other] = data[other], data[at]
    else:
        data = data.replace(b'"dataversion":1', b'"dataversion":' + version, 1)
    append.files[name] = bytes(data)
    if name == "events.jsonl" and append.signer and choose.random() < 0.5:
        append.sign_events(append.signer)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.spec("SEED-215", "SEED-309")
def test_both_verifiers_place_any_forgery_at_the_same_event(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import build_vectors

    choose = random.Random(20)
    stories = [build_vectors.plain(), build_vectors.keys(), build_vectors.frozen(), build_vectors.reanchored()]
    texts: dict[str, int] = {}
    vectors = []
    while len(vectors) < (1000 if os.environ.get("HEE_SOAK") else 50):
        appends = choose.choice(stories).appends()
        forged(choose, choose.choice(appends))
        try:
            made = build_vectors.commits(appends, "sha1")
        except UnicodeDecodeError:
            continue  # a vector is text
        number = lambda text: texts.setdefault(text, len(texts))  # noqa: E731
        rows = [[number(raw), [[mode, name, number(text)] for mode, name, text in files]] for raw, files in made]
        vectors.append({"name": len(vectors), "object_format": "sha1", "commits": rows})
    path = tmp_path / "forged.json"
    path.write_text(json.dumps({"vectors": vectors, "texts": list(texts)}))
    command = ["node", ROOT / "docs" / "verify-log.mjs", "--vectors", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for vector, line in zip(vectors, done.stdout.splitlines(), strict=True):
        mine, other = ours(vector, list(texts)), json.loads(line)
        places = [min((one.index for one in (*mine.findings, *mine.unknown)), default=None)]
        places.append(min((one["index"] for one in (*other["findings"], *other["unknown"])), default=None))
        assert places[0] == places[1], (vector["name"], mine.findings[:3], other["findings"][:3])
        assert mine.ok == other["ok"]
