"""People are told by a real webhook, a real mail server and apprise, over the loopback; no address is written anywhere."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Event, Thread

import jsonschema
import pytest
import worlds
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from hee_core.clock import SystemClock
from hee_core.errors import ConfigError, ToolMissing
from hee_governance.alertsettings import AlertChannel
from hee_governance.config import load
from hee_monitoring import pipeline
from hee_monitoring.alerting import channels, trying
from hee_monitoring.alerting.channels import DeliveryFault, open_channel
from hee_monitoring.alerting.dispatch import deliver, name_of
from hee_monitoring.alerting.message import Message
from hee_monitoring.alerting.standing import Alert
from hee_monitoring.cli.main import run
from hee_monitoring.workspace import Workspace

CANARY = "canary0123456789canary"
JOBS = {"ci.yml#test": "echo 'E       assert 1 == 2'; echo '@all FAILED tests/test_app.py::test_one'; exit 1"}
ALERT = Alert("HEE-ISS-1", "high", "test: a test failed <b>", "a person has to look", "assert 1 == 2")
MESSAGE = Message("ab" * 32, "raised", (ALERT,))


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted; `status` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def watched(root: Path, rows: str) -> Path:
    """A watched repository whose configuration names channels."""
    place = worlds.watched(root, {"a.txt": "a\n"})
    path = place / "hee.yaml"
    path.write_text(path.read_text() + f"  alerts:\n{rows}")
    worlds.git(place, "add", "--all")
    worlds.git(place, "commit", "--quiet", "--message", "channels")
    return place


def test_a_cycle_tells_a_webhook_once_and_records_that_it_did(tmp_path, receiver, monkeypatch, capsys):
    place = watched(
        tmp_path / "app", "    - {name: on-call, type: webhook, url: ON_CALL_URL, secret: ON_CALL_SECRET}\n"
    )
    monkeypatch.setenv("ON_CALL_URL", f"{receiver.url}/{CANARY}")
    monkeypatch.setenv("ON_CALL_SECRET", "a shared secret")
    worlds.run_cycle(place, JOBS)
    worlds.run_cycle(place, JOBS, rerun=True)
    ((path, headers, body),) = receiver.posts
    assert path == f"/{CANARY}"
    mac = hmac.new(b"a shared secret", body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={mac}"
    document = json.loads(body)
    schema = json.loads((Path(worlds.__file__).parents[1] / "hee_monitoring/schemas/alert.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    assert headers["idempotency-key"] == document["message"]
    assert document["stage"] == "raised"
    assert "@" not in document["text"]
    with Workspace.open(place) as workspace:
        events = [entry.event for entry in workspace.log.read() if entry.event.type == "alert.delivered"]
        assert [event.data["alerts"] for event in events] == [document["names"]]
        raw = workspace.repository.text("log", "-p", "hee/log")
    assert CANARY not in raw
    assert "a shared secret" not in raw
    assert run(["-C", str(place), "alerts", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["told"] == {"on-call": "raised"}


def test_what_a_channel_refuses_is_recorded_and_sent_later_under_the_same_name(tmp_path, receiver, monkeypatch):
    place = watched(tmp_path / "app", "    - {name: on-call, type: webhook, url: ON_CALL_URL}\n")
    monkeypatch.setenv("ON_CALL_URL", receiver.url)
    receiver.status = 302  # is not followed
    clock = _Quick()
    with Workspace.open(place, clock=clock) as workspace:
        pipeline.run(worlds.cycle_of(workspace, worlds.ShellSource(place, JOBS)))
    assert [path for path, _, _ in receiver.posts] == ["/", "/"]
    with Workspace.open(place, clock=clock) as workspace:
        (failed,) = [entry.event for entry in workspace.log.read() if entry.event.type == "alert.undelivered"]
        assert failed.data["reason"] == "it answers 302"
        receiver.status = 204
        assert deliver(workspace) == []  # its pause is not over
        assert len(receiver.posts) == 2
        clock.ahead = 40
        assert deliver(workspace) == []
        assert receiver.posts[2][1]["idempotency-key"] == receiver.posts[0][1]["idempotency-key"]
        assert next(iter(workspace.log.state.ledger.alerts.values()))["told"] == {"on-call": "raised"}


class _Quick(SystemClock):
    """A clock that does not wait, and can be set ahead by seconds."""

    ahead = 0

    def now(self) -> str:
        then = datetime.fromisoformat(super().now()) + timedelta(seconds=self.ahead)
        return then.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def sleep(self, _: float) -> None:
        """At once."""


def test_a_channel_without_its_address_here_is_a_note_and_nothing_is_recorded(tmp_path):
    place = watched(tmp_path / "app", "    - {name: on-call, type: webhook, url: ON_CALL_URL}\n")
    result, _ = worlds.run_cycle(place, JOBS)
    assert result.notes == ["channel on-call: ON_CALL_URL is not set here"]
    with Workspace.open(place) as workspace:
        assert not [e for e in workspace.log.read() if e.event.type in ("alert.delivered", "alert.undelivered")]


def test_a_person_acknowledges_and_an_agent_may_not(tmp_path, receiver, monkeypatch, capsys):
    place = watched(tmp_path / "app", "    - {name: on-call, type: chat, url: ON_CALL_URL}\n")
    monkeypatch.setenv("ON_CALL_URL", receiver.url)
    worlds.run_cycle(place, JOBS)
    command = ["-C", str(place), "alerts"]
    assert run([*command, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert run([*command, "acknowledge", row["alert"]]) == 2
    assert "only a person may" in capsys.readouterr().err
    assert run([*command, "acknowledge", "HEE-ISS-nothing"]) == 2
    key = tmp_path / "ada"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    assert run(["-C", str(place), "keys", "add", f"{key}.pub", "--actor", "human:ada", "--reason", "a person"]) == 0
    monkeypatch.setenv("HEE_SIGNING_KEY", str(key))
    monkeypatch.setenv("HEE_ACTOR", "human:ada")
    capsys.readouterr()
    assert run([*command, "acknowledge", row["alert"], "--reason", "on it", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "alert.acknowledged"
    assert run([*command, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["acknowledged"]["by"] == "human:ada"
    assert run(command) == 0
    assert "seen to by human:ada" in capsys.readouterr().out


def test_the_commands_say_what_they_did(tmp_path, receiver, monkeypatch, capsys):
    place = watched(tmp_path / "app", "    - {name: on-call, type: chat, url: ON_CALL_URL}\n")
    command = ["-C", str(place), "alerts"]
    assert run(command) == 0
    assert "nothing stands" in capsys.readouterr().out
    assert run([*command, "test", "nobody"]) == 2
    assert run([*command, "test", "on-call"]) == 2
    assert run([*command, "send"]) == 1
    assert "ON_CALL_URL is not set here" in capsys.readouterr().out
    worlds.run_cycle(place, JOBS)
    monkeypatch.setenv("ON_CALL_URL", receiver.url)
    capsys.readouterr()
    assert run([*command, "test", "on-call"]) == 0
    assert "on-call took the message" in capsys.readouterr().out
    assert run([*command, "send", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["delivered"] == 1
    receiver.status = 500
    assert run([*command, "test", "on-call", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "it answers 500"
    assert "a test: nothing is wrong" in receiver.posts[0][2].decode()


def test_a_chat_gets_text_without_markup(receiver):
    setting = AlertChannel("chat", "chat", "URL", "", "low", "raised")
    open_channel(setting, {"URL": receiver.url}).send(MESSAGE, repository="ada/app", log_id="ab" * 32)
    text = json.loads(receiver.posts[0][2])["text"]
    assert text.startswith("HIGH ada/app: test: a test failed &lt;b&gt;")


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's own import
def test_apprise_delivers_and_its_own_words_are_not_shown(receiver, caplog):
    setting = AlertChannel("chat", "apprise", "URL", "", "low", "raised")
    host = receiver.url.removeprefix("http://")
    channel = open_channel(setting, {"URL": f"json://{host}/{CANARY}"})
    channel.send(MESSAGE, repository="ada/app", log_id="ab" * 32)
    assert "a test failed" in json.loads(receiver.posts[0][2])["title"]
    receiver.status = 500
    with pytest.raises(DeliveryFault, match="apprise could not deliver it"):
        channel.send(MESSAGE, repository="ada/app", log_id="ab" * 32)
    assert CANARY not in caplog.text


def test_without_apprise_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    setting = AlertChannel("chat", "apprise", "URL", "", "low", "raised")
    with pytest.raises(ToolMissing, match="needs apprise") as raised:
        open_channel(setting, {"URL": "json://127.0.0.1"})
    assert raised.value.hint == "pip install 'hee[alerts]'"


class Mailbox(Sink):
    """Keeps what it is sent, but for one receiver whom it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[bytes] = []

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        self.mails.append(envelope.content)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    handler = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    yield handler, f"smtp://127.0.0.1:{port}"
    server.stop()


def test_a_mail_server_takes_one_conversation_about_one_alert(mailbox):
    handler, url = mailbox
    setting = AlertChannel("mail", "email", "URL", "", "low", "raised")
    channel = open_channel(setting, {"URL": f"{url}/?from=hee@example.org&to=ada@example.org,bo@example.org"})
    for stage in ("raised", "closed"):
        channel.send(Message(stage[0] * 64, stage, (ALERT,)), repository="ada/app", log_id="ab" * 32)
    first, second = (message_from_bytes(each, policy=policy.default) for each in handler.mails)
    assert first["Subject"] == "HIGH ada/app: test: a test failed <b>"
    assert second["Subject"].startswith("OK ada/app: over:")
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert "proof: assert 1 == 2" in first.get_content()
    lost = open_channel(setting, {"URL": f"{url}/?from=hee@example.org&to=nobody@example.org"})
    with pytest.raises(DeliveryFault, match="did not take it"):
        lost.send(MESSAGE, repository="ada/app", log_id="ab" * 32)
    half = open_channel(setting, {"URL": f"{url}/?from=hee@example.org&to=nobody@example.org&to=ada@example.org"})
    with pytest.raises(DeliveryFault, match="refused 1 of 2 receivers"):
        half.send(MESSAGE, repository="ada/app", log_id="ab" * 32)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("type_", "url"),
    [
        ("webhook", f"http://example.org/{CANARY}"),
        ("webhook", f"file:///{CANARY}"),
        ("webhook", f"https:///{CANARY}"),
        ("chat", f"ftp://{CANARY}"),
        ("email", f"https://{CANARY}"),
        ("email", f"smtp://:{CANARY}@/?from=a@b.c"),
        ("email", f"smtp://x:{CANARY}@h/?from=a&to=b"),
        ("email", f"smtp://x:{CANARY}@[h/?from=a&to=b"),
        ("email", f"smtp://x:{CANARY}@h/?from=a@b%0ABcc:x@y&to=c@d"),
        ("email", f"smtp://x:{CANARY}@h/?from=a@b&to=c@d%0D%0ABcc:x@y"),
        ("email", f"smtp://x:{CANARY}@{'h' * 64}/?from=a@b&to=c@d"),
        ("webhook", f"https://{'h' * 64}.example/{CANARY}"),
        ("webhook", f"https://a..b/{CANARY}"),
        ("apprise", f"nothing://{CANARY}"),
        ("pigeon", f"coop://{CANARY}"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(type_, url):
    setting = AlertChannel("on-call", type_, "ON_CALL_URL", "", "low", "raised")
    with pytest.raises(ConfigError) as raised:
        open_channel(setting, {"ON_CALL_URL": url})
    assert CANARY not in f"{raised.value} {raised.value.hint}"
    assert "ON_CALL_URL" in str(raised.value) or "pigeon" in str(raised.value)


def test_nobody_at_the_other_end_is_a_fault_without_an_address():
    setting = AlertChannel("on-call", "webhook", "URL", "", "low", "raised")
    channel = open_channel(setting, {"URL": f"http://127.0.0.1:1/{CANARY}"})
    with pytest.raises(DeliveryFault, match="cannot be reached") as raised:
        channel.send(MESSAGE, repository="ada/app", log_id="ab" * 32)
    assert CANARY not in str(raised.value)


def test_an_answer_without_an_end_is_not_read():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nx")
            connection.recv(65536)  # until the other side has gone
            connection.close()

        Thread(target=answer, daemon=True).start()
        setting = AlertChannel("on-call", "webhook", "URL", "", "low", "raised")
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        open_channel(setting, {"URL": address}).send(MESSAGE, repository="ada/app", log_id="ab" * 32)


class _Foreign:
    """A channel of somebody else."""

    def __init__(self, url: str, _: str) -> None:
        self.url = url

    def send(self, message: Message, *, repository: str, log_id: str) -> None:
        del message, repository, log_id
        if "hang" in self.url:
            Event().wait()
        if "words" in self.url:
            path = self.url.partition(".org")[2]
            raise DeliveryFault(
                f"cannot POST\n{path} to {self.url} with {CANARY[::-1]}, see http://help.example/{CANARY}"
            )
        raise RuntimeError(self.url)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("hang", "it did not answer within 0 seconds"),
        ("words", "cannot POST /words/URL to URL with SECRET, see an address"),
        ("raise", "it broke: RuntimeError"),
    ],
)
def test_a_foreign_channel_neither_stops_us_nor_names_its_address(monkeypatch, way, said):
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda **_: [EntryPoint("x", f"{__name__}:_Foreign", channels.GROUP)]
    )
    monkeypatch.setattr(trying, "DEADLINE_S", 0.2)
    setting = AlertChannel("on-call", "pigeon", "URL", "SECRET", "low", "raised")
    environment = {"URL": f"https://example.org/{way}/{CANARY}", "SECRET": CANARY[::-1]}
    assert trying.tried(setting, environment, MESSAGE, repository="ada/app", log_id="ab" * 32) == said


def test_a_foreign_channel_that_cannot_be_opened_keeps_no_cycle_from_going_on(tmp_path, receiver, monkeypatch):
    rows = "    - {name: bad, type: pigeon, url: BAD_URL}\n    - {name: on-call, type: webhook, url: ON_CALL_URL}\n"
    place = watched(tmp_path / "app", rows)
    monkeypatch.setenv("BAD_URL", f"coop://{CANARY}")
    monkeypatch.setenv("ON_CALL_URL", receiver.url)
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda **_: [EntryPoint("x", "json:nothing", channels.GROUP)]
    )
    worlds.run_cycle(place, JOBS)
    assert len(receiver.posts) == 1
    with Workspace.open(place) as workspace:
        (failed,) = [entry.event for entry in workspace.log.read() if entry.event.type == "alert.undelivered"]
    assert failed.data["reason"] == "channel bad: pigeon cannot be opened: AttributeError"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://user:secret@github.com/ada/app.git", "ada/app"),
        ("git@github.com:ada/app.git", "ada/app"),
        ("ssh://git@host/app", "app"),
        ("", "repo"),
    ],
)
def test_a_repository_is_called_by_the_end_of_its_address(tmp_path, address, name):
    place = worlds.watched(tmp_path / "repo", {"a.txt": "a\n"})
    if address:
        worlds.git(place, "remote", "add", "origin", address)
    with Workspace.open(place) as workspace:
        assert name_of(workspace) == name


def test_the_page_shows_a_configuration_that_loads_and_the_doctor_looks_at_its_channels(tmp_path, monkeypatch, capsys):
    page = (Path(worlds.__file__).parents[1] / "docs" / "alerts.md").read_text(encoding="utf-8")
    config = load(page.partition("```yaml\n")[2].partition("```")[0].encode())
    assert [channel.name for channel in config.alerts] == ["team-chat", "on-call", "archive"]
    place = watched(tmp_path / "app", "    - {name: chat, type: chat, url: CHAT_URL}\n")
    for url, word in ((None, "WARNING"), ("ftp://example.org", "CRITICAL"), ("https://example.org", "OK")):
        if url:
            monkeypatch.setenv("CHAT_URL", url)
        run(["-C", str(place), "doctor", "--json"])
        rows = {row["name"]: row["status"] for row in json.loads(capsys.readouterr().out)["checks"]}
        assert rows["channel chat"] == word


def test_a_monitor_that_a_freeze_stops_tells_people_of_it_first(tmp_path, receiver, monkeypatch, capsys):
    place = watched(tmp_path / "app", "    - {name: on-call, type: chat, url: ON_CALL_URL}\n")
    monkeypatch.setenv("ON_CALL_URL", receiver.url)
    key = tmp_path / "ada"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    assert run(["-C", str(place), "keys", "add", f"{key}.pub", "--actor", "human:ada"]) == 0
    assert run(["-C", str(place), "freeze", "--reason", "the rollback failed"]) == 0
    assert run(["-C", str(place), "monitor", "--once", "--source", "act"]) == 2
    assert run(["-C", str(place), "monitor", "--once", "--source", "act"]) == 2
    ((_, _, body),) = receiver.posts
    assert "CRITICAL app: HEE is frozen" in json.loads(body)["text"]
