"""Tokens: what the log knows of them, who approved what they may, and when they have to be replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from github_world import world
from worlds import git

import hee_core
from hee_core.clock import FixedClock
from hee_core.errors import EventError, SourceError
from hee_core.events import Event
from hee_core.keys import EphemeralSigner
from hee_monitoring import tokens
from hee_monitoring.cli.main import run
from hee_monitoring.github import credentials, place

CLASSIC = "ghp_" + "Ca9aRy" * 6


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with world(tmp_path / "r") as made:
        git(made.root, "remote", "add", "origin", f"git@ghe.example.org:{made.server.repository}.git")
        monkeypatch.setenv("GITHUB_API_URL", made.server.url)
        monkeypatch.setenv("GITHUB_TOKEN", CLASSIC)
        yield made


@pytest.mark.spec("SEED-211", "SEED-213", "SEED-214")
def test_a_token_passes_once_a_person_approved_its_permissions(hub, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["-C", str(hub.root), "tokens"]
    assert run([*command, "check", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert [(found["severity"], found["message"]) for found in shown["findings"]] == [
        ("CRITICAL", "its permissions are not approved")
    ]
    assert run([*command, "approve", "GITHUB_TOKEN", "--reason", "mine"]) == 2  # the agent's key is no person's
    assert run([*command, "approve", "OTHER", "--reason", "mine"]) == 2
    assert run([*command, "--json"]) == 0
    out = capsys.readouterr()
    assert CLASSIC not in out.out + out.err
    assert run(command) == 0
    assert "not approved" in capsys.readouterr().out
    assert sum(entry.event.type.startswith("token.") for entry in hub.workspace.log.read()) == 1


@pytest.mark.spec("SEED-219")
def test_a_token_is_registered_only_by_a_role_that_may(hub) -> None:
    config = hub.root / "hee.yaml"
    config.write_text(config.read_text() + "  access: {agent: [fix]}\n")
    git(hub.root, "commit", "--quiet", "--all", "--message", "limit")
    assert run(["-C", str(hub.root), "tokens", "check"]) == 2
    said = [(entry.event.type, entry.event.data.get("capability")) for entry in hub.workspace.log.read()]
    assert said[-1] == ("access.denied", "monitor")
    assert not [type_ for type_, _ in said if type_.startswith("token.")]


@pytest.mark.spec("SEED-212", "SEED-036")
def test_the_gate_knows_age_rotation_and_what_was_approved() -> None:
    person = EphemeralSigner(actor="human:ada")
    clock = FixedClock(step=0)
    log = hee_core.MemoryLog(signer=person, clock=clock)

    def say(type_: str, **data: object) -> None:
        log.append([Event.new(type_, {"name": "GITHUB_TOKEN", **data}, clock=clock)])

    def severities() -> list[str]:
        return [found.severity for found in tokens.check(tokens.known(log.read()).values(), clock.now())]

    say("token.registered", fingerprint="one", kind="classic", scopes=["actions:read", "repo"])
    assert severities() == ["CRITICAL"]
    say("token.approved", fingerprint="another", scopes=["actions:read", "repo"], statement="no")
    assert severities() == ["CRITICAL"]
    say("token.approved", fingerprint="one", scopes=["actions:read", "repo"], statement="yes")
    assert severities() == []
    clock.sleep(75.9 * 86400)
    assert severities() == []
    clock.sleep(0.1 * 86400)
    assert severities() == ["WARNING"]
    clock.sleep(14 * 86400)
    assert severities() == ["CRITICAL"]
    say(
        "token.rotated",
        fingerprint="two",
        replaces="one",
        kind="fine-grained",
        scopes=["actions:read"],
        expires="2026-04-30T00:00:00Z",
    )
    assert severities() == ["UNKNOWN", "CRITICAL", "WARNING"]
    (token,) = tokens.known(log.read()).values()
    assert (token.fingerprint, token.approved, token.age_days(clock.now())) == ("two", None, 0)
    say("token.registered", fingerprint="two", kind="classic", scopes=["admin:org"])
    assert severities() == ["CRITICAL", "WARNING", "CRITICAL"]


def test_a_probe_becomes_one_event_for_each_change() -> None:
    found = {"name": "T", "fingerprint": "a", "kind": "classic", "scopes": ["repo"], "account": "", "expires": ""}
    before = tokens.Token("T", "a", "classic", ("repo",), "", "", "2026-01-01T00:00:00Z")
    assert tokens.event_of(found, {}) == ("token.registered", found)
    assert tokens.event_of(found, {"T": before}) is None
    assert tokens.event_of({**found, "fingerprint": "b"}, {"T": before})[0] == "token.rotated"  # type: ignore[index]
    assert tokens.event_of({**found, "scopes": []}, {"T": before})[0] == "token.registered"  # type: ignore[index]


def test_only_a_person_can_approve_a_token() -> None:
    log = hee_core.MemoryLog(signer=EphemeralSigner())
    with pytest.raises(EventError, match="only a person"):
        log.append([Event.new("token.approved", {"name": "T", "fingerprint": "f", "statement": "me"})])


def test_an_app_signs_a_statement_and_asks_for_a_token_before_the_last_one_ends(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    clock = FixedClock(step=0)
    environment = {
        "HEE_GITHUB_APP_ID": "17",
        "HEE_GITHUB_APP_INSTALLATION": "23",
        "HEE_GITHUB_APP_KEY": str(tmp_path / "key.pem"),
        "GITHUB_TOKEN": CLASSIC,
    }
    app = credentials.find(clock, environment)
    assert app is not None
    assert (app.kind, app.name) == ("app", "HEE_GITHUB_APP_KEY")
    asked: list[tuple[str, str]] = []

    def exchange(path: str, authorization: str) -> dict[str, str]:
        asked.append((path, authorization))
        return {"token": f"ghs_{len(asked)}", "expires_at": "2026-01-24T13:00:00Z"}

    assert [app.authorization(exchange) for _ in range(3)] == ["Bearer ghs_1"] * 3
    clock.sleep(3400)
    assert app.authorization(exchange) == "Bearer ghs_2"
    assert asked[0][0] == "/app/installations/23/access_tokens"
    head, claims, signature = asked[0][1].removeprefix("Bearer ").split(".")
    import base64

    def decoded(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    key.public_key().verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), SHA256())
    told = json.loads(decoded(claims))
    assert (told["iss"], told["exp"] - told["iat"]) == ("17", 600)
    lasting = app.lasting
    clock.sleep(9999)
    with pytest.raises(SourceError, match="no token"):
        app.authorization(lambda *_: {"token": 5})
    assert app.lasting == lasting
    assert "BEGIN" not in repr(app)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"GITHUB_TOKEN": "two words"}, "holds no token"),
        (
            {"HEE_GITHUB_APP_ID": "1", "HEE_GITHUB_APP_KEY": "/nowhere", "HEE_GITHUB_APP_INSTALLATION": "1"},
            "cannot be read",
        ),
        ({"HEE_GITHUB_APP_ID": "1", "HEE_GITHUB_APP_KEY": "/dev/null", "HEE_GITHUB_APP_INSTALLATION": "1"}, "no RSA"),
        ({"HEE_GITHUB_APP_ID": "1", "HEE_GITHUB_APP_KEY": "/dev/null"}, "not the number"),
    ],
)
def test_a_credential_that_cannot_be_one_is_named_without_its_secret(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        credentials.find(FixedClock(), environment)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/o/r.git", "o/r"),
        ("git@github.com:o/r.git", "o/r"),
        ("ssh://git@ssh.github.com:443/o/r", "o/r"),
        ("https://x-access-token:secret@github.com/o/r", "o/r"),
        ("https://github.com.evil.example/o/r", None),
        ("https://gitlab.com/o/r", None),
        ("/srv/git/o/r", None),
        ("", None),
    ],
)
def test_only_githubs_own_remotes_are_taken_for_github(url: str, name: str | None) -> None:
    found = place.of_remote(url)
    assert (found.repository if found else None) == name


def test_the_api_of_a_server_has_to_be_https(hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://ghe.example.org/api/v3")
    with pytest.raises(SourceError, match="not an https address"):
        place.find(hub.workspace.repository)
    monkeypatch.setenv("GITHUB_API_URL", "https://ghe.example.org/api/v3")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    found = place.find(hub.workspace.repository)
    assert found == place.Place("https://ghe.example.org/api/v3", "o/r")


def test_expiries_are_read_in_both_of_githubs_forms() -> None:
    header = "github-authentication-token-expiration"
    assert tokens._expiry({header: "2026-03-01 12:00:00 UTC"}) == "2026-03-01T12:00:00Z"
    assert tokens._expiry({header: "2026-03-01 12:00:00 -0800"}) == "2026-03-01T12:00:00-08:00"
    assert tokens._expiry({header: "soon"}) == tokens._expiry({}) == ""
