"""Webhooks over loopback: only signed ones count, each once, and each wakes the monitor."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import struct
import threading
import time
from pathlib import Path

import httpx2
import pytest
from github_world import SECRET, green, red, world
from worlds import git

from hee_core.errors import SourceError
from hee_monitoring.github import receiver
from hee_monitoring.github.deliveries import REMEMBERED, Deliveries
from hee_monitoring.github.receiver import Receiver

KEY = "a webhook's secret, long enough"
PLACES = (os.environ.get("HEE_GITHUB_DESCRIPTION", ""), str(Path(__file__).parents[2] / "build/node/node_modules"))
HTTP = httpx2.Client(trust_env=False)
EXAMPLES = next((Path(p) / "@octokit/webhooks-examples" for p in PLACES if p and (Path(p) / "@octokit").is_dir()), None)


@pytest.fixture
def door():
    with Receiver(KEY) as receiver:
        yield receiver


def signed(body: bytes, key: str = KEY) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def send(door: Receiver, body: bytes, *, name: str = "1", event: str = "workflow_run", **headers: str) -> int:
    given = {"x-github-delivery": name, "x-github-event": event, "x-hub-signature-256": signed(body), **headers}
    return HTTP.post(door.url, content=body, headers=given).status_code


BODY = json.dumps({"action": "completed", "workflow_run": {"id": 7}}).encode()


@pytest.mark.spec("SEED-255")
def test_only_what_is_signed_counts_and_only_once(door: Receiver) -> None:
    forged = (
        {"x-hub-signature-256": signed(BODY, "another secret, as long")},
        {"x-hub-signature-256": signed(BODY).upper()},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": signed(BODY)[:-1]},
    )
    assert [send(door, BODY, **headers) for headers in forged] == [401] * 4
    assert not door.wait(0)
    assert (send(door, BODY), send(door, BODY), send(door, BODY, name="2")) == (202, 200, 202)
    assert door.wait(0)
    assert (door.told(), door.told()) == (frozenset({7}), frozenset())


def test_what_is_no_delivery_is_turned_away(door: Receiver) -> None:
    assert send(door, b"{") == 400
    assert send(door, b"[" * 100_000) == 400
    assert send(door, BODY, name="") == 400
    assert send(door, b"{}", event="ping") == 200
    odd = [
        {"workflow_run": {"id": True}},
        {"workflow_run": []},
        [],
        {"workflow_job": {"run_id": -1}},
        {"workflow_run": {"id": 2**60}},
    ]
    assert [send(door, json.dumps(each).encode(), name=f"odd {n}") for n, each in enumerate(odd)] == [202] * 5
    assert door.told() == frozenset()
    assert HTTP.get(door.url).status_code == 404
    assert HTTP.post(door.url + "/else", content=BODY).status_code == 404


def raw(door: Receiver, head: bytes) -> bytes:
    host, port = door.url.removeprefix("http://").partition("/")[0].split(":")
    with socket.create_connection((host, int(port)), 5) as line:
        line.sendall(b"POST /webhook HTTP/1.1\r\nhost: x\r\n" + head)
        line.shutdown(socket.SHUT_WR)
        return line.recv(100)


def test_a_sender_that_hangs_up_is_no_line_of_ours(door: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    host, port = door.url.removeprefix("http://").partition("/")[0].split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port)), 5) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset when it closes
            one.sendall(b"POST /webhook HTTP/1.1\r\ncontent-length: 100\r\n\r\nabc")
    while set(threading.enumerate()) - before:  # until each was dealt with
        time.sleep(0.01)
    assert send(door, BODY) == 202
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"content-length: 26214401\r\n\r\n", b"413"),
        (b"content-length: 99999999999999\r\n\r\n", b"413"),
        (b"content-length: -5\r\n\r\n", b"411"),
        (b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"content-length: 50\r\n\r\ntoo short", b"400"),
    ],
)
def test_sizes_are_judged_before_anything_is_read(door: Receiver, head: bytes, status: bytes) -> None:
    assert raw(door, head).split()[1] == status


def test_a_delivery_that_was_here_before_a_restart_does_nothing_after_it(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "deliveries"
    with Receiver(KEY, known=place) as door:
        assert [send(door, BODY, name=name) for name in ("a", "b" * 500, "a")] == [202, 202, 200]
    with Receiver(KEY, known=place) as door:
        assert [send(door, BODY, name=name) for name in ("a", "b" * 500, "c")] == [200, 200, 202]
    place.write_bytes(b"\xff" * 100)
    with Receiver(KEY, known=place) as door:
        assert [send(door, BODY, name=name) for name in ("a", "a")] == [202, 200]


def test_the_memory_of_deliveries_is_bounded(tmp_path: Path) -> None:
    place = tmp_path / "deliveries"
    seen = Deliveries(place)
    assert all(seen.new(f"{number} " + "x" * 500) for number in range(2 * REMEMBERED + 5))
    assert len(place.read_text().splitlines()) <= REMEMBERED + 5
    again = Deliveries(place)
    assert not again.new(f"{2 * REMEMBERED + 4} " + "x" * 500)
    assert again.new("0 " + "x" * 500)
    taken = Deliveries(place / "below a file")
    assert (taken.new("a"), taken.new("a")) == (True, False)


def test_slow_and_many_senders_take_nobodys_place(door: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = door.url.removeprefix("http://").partition("/")[0].split(":")
    monkeypatch.setattr(receiver, "MOST", 3)
    slow = [socket.create_connection((host, int(port)), 20) for _ in range(3)]
    for line in slow:
        line.sendall(b"POST /webhook HTTP/1.1\r\ncontent-length: 9\r\n")  # its head never ends
    while len(door._server._open) < 3:
        time.sleep(0.01)
    with socket.create_connection((host, int(port)), 20) as fourth:
        assert fourth.recv(100) == b""  # turned away at once
    monkeypatch.setattr(receiver, "LONGEST", 0.0)
    assert [line.recv(100) for line in slow] == [b""] * 3  # ended by the server
    for line in slow:
        line.close()
    monkeypatch.setattr(receiver, "LONGEST", 30.0)
    while door._server._open:
        time.sleep(0.01)
    assert send(door, BODY) == 202


def test_bodies_share_a_room(door: Receiver) -> None:
    door._room = 100
    with socket.create_connection(door._server.server_address, 20) as one:
        one.sendall(b"POST /webhook HTTP/1.1\r\ncontent-length: 80\r\n\r\nhalf")
        while door._room == 100:
            time.sleep(0.01)
        assert raw(door, b"content-length: 50\r\n\r\n").split()[1] == b"503"
    while door._room != 100:
        time.sleep(0.01)
    assert send(door, BODY) == 202


def test_it_needs_a_secret_and_a_free_place(door: Receiver) -> None:
    with pytest.raises(SourceError, match="shorter than 16"):
        Receiver("short")
    port = int(door.url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(SourceError, match="cannot listen"):
        Receiver(KEY, port=port)


@pytest.mark.skipif(EXAMPLES is None, reason="GitHub's examples are not installed: make node-tools")
def test_githubs_own_examples_are_taken(door: Receiver) -> None:
    assert EXAMPLES is not None
    runs, statuses = [], set()
    for group in json.loads((EXAMPLES / "api.github.com/index.json").read_text(encoding="utf-8")):
        for number, example in enumerate(group["examples"]):
            body = json.dumps(example).encode()
            statuses.add(send(door, body, name=f"{group['name']} {number}", event=group["name"]))
            runs.append(example.get("workflow_run", {}).get("id", 0) if group["name"] == "workflow_run" else 0)
    assert set(runs) != {0}
    assert statuses == {200, 202}
    assert set(runs) - {0} <= door.told()


@pytest.mark.spec("SEED-193")
def test_a_delivery_is_answered_by_a_look_without_waiting_for_the_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hee_monitoring.cli.main import run

    with world(tmp_path / "r") as hub:
        hub.server.run("success", [green()])
        git(hub.root, "remote", "add", "origin", f"https://ghe.example.org/{hub.server.repository}")
        for name, value in (
            ("GITHUB_API_URL", hub.server.url),
            ("GITHUB_TOKEN", SECRET),
            ("HEE_WEBHOOK_SECRET", KEY),
        ):
            monkeypatch.setenv(name, value)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ended: list[int] = []
        command = [
            "-C",
            str(hub.root),
            "serve",
            "--webhook",
            "--port",
            str(port),
            "--no-fix",
            "--cycles",
            "2",
            "--json",
        ]
        thread = threading.Thread(target=lambda: ended.append(run(command)), daemon=True)
        thread.start()
        while not hub.server.requests:
            pass
        made = hub.server.run("failure", [red()])
        body = json.dumps({"action": "completed", "workflow_run": {"id": made.run_id}}).encode()
        headers = {"x-github-delivery": "1", "x-github-event": "workflow_run", "x-hub-signature-256": signed(body)}
        answer = HTTP.post(f"http://127.0.0.1:{port}/webhook", content=body, headers=headers)
        thread.join(30)
        assert (answer.status_code, ended) == (202, [1])
        assert "format" in capsys.readouterr().out
