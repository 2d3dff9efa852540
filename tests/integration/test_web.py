"""The pages over loopback: what they show, who is let in, and that nothing but a person's signature approves."""

from __future__ import annotations

import base64
import json
import re
import signal
import socket
import subprocess
import sys
from html import unescape
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web_world import EVIL, FIX, ISSUE, SECRET, STRANGER, World, a_world, an_agent, force, say, serving  # noqa: F401
from worlds import git

from hee_core import sshsig
from hee_core.errors import EventError, SourceError
from hee_core.events import Event
from hee_core.form_table import FORMS
from hee_core.proof import check
from hee_monitoring import signedrequest
from hee_monitoring.cli.main import run
from hee_monitoring.web import drawing, pages
from hee_monitoring.web.guard import HEADERS, name_of
from hee_monitoring.web.guesses import BURST, EVERY_S, PEERS, Guesses
from hee_monitoring.web.live import Streams

HTTP = httpx2.Client(trust_env=False, timeout=20)
ALL = (
    "/",
    "/timeline",
    "/decisions",
    f"/issue/{ISSUE}",
    pages.path("fix", FIX),
    "/event/9",
    "/?at=4",
    "/alerts",
    f"/approve/{ISSUE}",
    f"/acknowledge/{ISSUE}",
)


@pytest.fixture(scope="module")
def site(world: World):
    with serving(world) as server:
        yield server.url.rstrip("/")


def text(site: str, path: str, status: int = 200) -> str:
    answer = HTTP.get(site + path)
    assert answer.status_code == status, answer.text[-600:]
    return answer.text


def test_every_page_shows_hostile_text_as_text_and_says_so_to_the_browser(site: str) -> None:
    for path in ALL:
        answer = HTTP.get(site + path)
        assert answer.status_code == 200
        assert "<script>window" not in answer.text
        assert "<img src=x" not in answer.text
        assert "\u202e" not in answer.text
        assert "\x1b" not in answer.text
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert EVIL in unescape(text(site, f"/issue/{ISSUE}"))
    shown = text(site, pages.path("fix", FIX))
    assert "admin⟨U+202E⟩␛[31m" in shown
    assert "the very diff that was recorded" in shown


def test_every_link_of_every_page_leads_somewhere(site: str) -> None:
    seen, todo = set(), ["/"]
    while todo:
        path = todo.pop()
        seen.add(path)
        answer = HTTP.get(site + path)
        assert answer.status_code == 200, path
        if "text/html" in answer.headers["content-type"] and len(seen) < 150:
            links = {unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', answer.text)}
            todo += [link for link in links - seen if link not in todo and "at=" not in link]
    assert {path.split("?", 1)[0].split("/")[1] for path in seen} >= {
        "issue",
        "fix",
        "event",
        "decision",
        "timeline",
        "static",
    }


def test_every_page_can_be_seen_at_an_earlier_point(site: str, world: World) -> None:
    first = text(site, "/?at=1")
    assert "operational" in first
    assert "As of event 1" in first
    assert "Broken" not in first
    with world.open() as workspace:
        entry = workspace.log.entry(4)
    for name in (entry.event.id, entry.event.id[:9], "4"):
        assert "As of event 4" in text(site, f"/timeline?at={name}")
    assert "no event 900" in text(site, "/?at=900", 404)
    assert "no point of the log" in text(site, "/?at=tomorrow", 404)
    assert "is no issue" in text(site, f"/issue/{ISSUE}?at=1", 404)
    assert "is no repair" in text(site, pages.path("fix", FIX, at=3), 404)
    assert json.loads(text(site, "/health.json?at=1"))["events"] == 2
    assert HTTP.get(site + "/health.json?at=x").status_code == 404
    assert HTTP.get(site + "/event/2?at=1").status_code == 404


def test_the_timeline_is_paged_and_filtered(agent: World) -> None:
    with agent.open() as workspace:
        workspace.log.append([Event.new("note.recorded", {"text": f"note {n}"}, subject="note") for n in range(120)])
    with serving(agent) as server:
        site, seen, path = server.url.rstrip("/"), [], "/timeline?type=note."
        while path:
            page = text(site, path)
            seen += re.findall(r"</strong> (note \d+)", page)
            found = re.search(r'rel="next" href="([^"]+)"', page)
            path = unescape(found[1]) if found else ""
        assert seen == [f"note {n}" for n in reversed(range(120))]
        whole, path = [], "/timeline"
        while path:
            page = text(site, path)
            whole += map(int, re.findall(r'<th scope="row"><a href="/event/(\d+)"', page))
            found = re.search(r'rel="next" href="([^"]+)"', page)
            path = unescape(found[1]) if found else ""
        assert whole == list(range(whole[0], -1, -1))
        assert "note 7<" not in text(site, f"/timeline?about={ISSUE}")
        assert "No event is like that" in text(site, "/timeline?type=note.&about=x")
        assert 'rel="prev"' in text(site, "/timeline?before=60")
        assert 'rel="prev"' in text(site, "/timeline?type=note.&before=60")


def test_a_proof_that_was_taken_away_holds_without_the_repository(site: str, world: World) -> None:
    made = HTTP.get(site + "/event/3/proof").content
    with world.open() as workspace:
        ring = workspace.log.refresh().keyring
    assert check(made, log_id=world.log_id, keys=ring.public_keys(3)).index == 3
    assert HTTP.get(site + "/event/x/proof").status_code == 404


def test_a_page_follows_the_log_and_an_unreadable_log_is_no_green(agent: World) -> None:
    with serving(agent) as server:
        site = server.url.rstrip("/")
        before = json.loads(text(site, "/health.json"))
        assert text(site, "/") == text(site, "/")
        agent.append("one more")
        after = json.loads(text(site, "/health.json"))
        assert after["events"] == before["events"] + 1
        assert f"after event {after['events'] - 1}" in text(site, "/")
        tip = git(agent.root, "rev-parse", "hee/log")
        git(agent.root, "update-ref", "refs/heads/hee/log", f"{tip}~3")
        assert HTTP.get(site + "/").status_code == 503
        sick = HTTP.get(site + "/health.json")
        assert (sick.status_code, sick.json()["word"]) == (503, "UNKNOWN")
        git(agent.root, "update-ref", "refs/heads/hee/log", tip)
        assert HTTP.get(site + "/").status_code == 200


def test_strangers_names_sizes_and_methods_are_turned_away(site: str) -> None:
    def status(path: str = "/", method: str = "GET", **more: object) -> int:
        return HTTP.request(method, site + path, **more).status_code

    assert [status(headers={"host": name}) for name in ("evil.example", "", "evil.example:8023", "127.0.0.1.evil")] == [
        421
    ] * 4
    assert [status(headers={"host": name}) for name in ("LOCALHOST", "[::1]:9", "127.0.0.1")] == [200] * 3
    assert status("/approve", "POST", content=b"x" * 300_000) == 413
    assert status("/approve", "POST", content=iter([b"x" * 200_000] * 3)) == 413
    assert status("/?at=" + "9" * 5000) == 414
    assert (status("/", "POST"), status("/approve"), status("/webhook", "POST")) == (405, 405, 404)
    assert [status(f"/static/{name}") for name in ("../app.py", "..%2fapp.py", "hee.py", "hee.css")] == [
        404,
        404,
        404,
        200,
    ]
    assert [name_of(host) for host in ("a:1", "[::1]:1", "::1", "A")] == ["a", "::1", "::1", "a"]


def test_beyond_loopback_nothing_is_served_without_the_secret(world: World) -> None:
    for options, said in (
        ({"host": "0.0.0.0"}, "no secret"),
        ({"secret": "short"}, "shorter"),
        ({"host": "192.0.2.1", "secret": SECRET}, "cannot listen"),
    ):
        with pytest.raises(SourceError, match=said), serving(world, **options):
            pass
    with serving(world, host="0.0.0.0", secret=SECRET, allowed=("hee.example.org",)) as server:
        site = f"http://127.0.0.1:{server.port}"

        def status(given: str, **more: str) -> int:
            return HTTP.get(f"{site}/", headers={**({"authorization": given} if given else {}), **more}).status_code

        def basic(text: str) -> str:
            return "Basic " + base64.b64encode(text.encode()).decode()

        wrong = ("", "Bearer", f"Bearer {SECRET}x", f"Digest {SECRET}", basic("a:b"), "Basic %%%", basic(SECRET))
        assert [status(each) for each in wrong] == [401] * len(wrong)
        assert [status(f"Bearer {SECRET}"), status(basic(f"ada:{SECRET}"))] == [200, 200]
        assert status(f"Bearer {SECRET}", host="hee.example.org") == 200
        assert status(f"Bearer {SECRET}", host="other.example.org") == 421
        assert HTTP.get(f"{site}/live").status_code == 401


def test_whoever_guesses_wrong_waits_and_others_do_not(world: World) -> None:
    with serving(world, host="0.0.0.0", secret=SECRET) as server:
        site = f"http://127.0.0.1:{server.port}"

        def asked(given: str = "") -> httpx2.Response:
            return HTTP.get(f"{site}/health.json", headers={"authorization": given} if given else {})

        assert {asked().status_code for _ in range(3)} == {401}
        said = [asked(f"Bearer wrong {n}").status_code for n in range(BURST + 3)]
        assert said[:BURST] == [401] * BURST
        late = asked(f"Bearer {SECRET}")
        assert (said[-1], late.status_code, 1 <= int(late.headers["retry-after"]) <= EVERY_S) == (429, 429, True)
        assert asked().status_code == 401


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(["10.0.0.1", "2001:db8::1", "2001:db8::2", "x"]), st.floats(0, 5))))
def test_a_peer_guesses_no_more_often_than_promised_and_never_waits_long(tried: list[tuple[str, float]]) -> None:
    time, let = [0.0], dict[str, list[float]]()
    guesses = Guesses(lambda: time[0])
    for peer, after in tried:
        time[0] += after
        if not guesses.wait(peer):
            guesses.wrong(peer)
            let.setdefault("2001:db8::" if ":" in peer else peer, []).append(time[0])
        assert guesses.wait(peer) <= EVERY_S
    for times in let.values():
        for first in range(len(times)):
            assert all(n <= BURST + (times[first + n - 1] - times[first]) / EVERY_S + 1e-6
                       for n in range(1, len(times) - first + 1))  # fmt: skip


def test_a_million_peers_take_no_more_room_than_a_thousand() -> None:
    guesses = Guesses()
    for number in range(PEERS * 3):
        guesses.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(guesses) == PEERS


def test_whoever_is_slow_to_ask_is_let_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hee_monitoring.web.patience.HEAD_S", 0.3)
    monkeypatch.setattr("hee_monitoring.web.guard.BODY_S", 0.3)
    with serving(world) as server:
        for sent, answer in (
            (b"", b""),
            (b"GET / HTTP/1.1\r\nhost: localhost\r\n", b""),
            (b"POST /approve HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nx", b"408"),
        ):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:
                slow.sendall(sent)
                got = b""
                while more := slow.recv(4096):
                    got += more
            assert got.split(b" ")[1:2] == ([answer] if answer else [])
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as again:
            again.sendall(b"GET /health.json HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"200 OK" in again.recv(4096)
            again.sendall(b"GET /health")  # a second head that never ends
            while again.recv(4096):
                pass


# ------------------------------------------------------------------ what people sign


def form_of(page: str) -> tuple[str, str]:
    """What there is to sign, and the command that signs it."""
    line = unescape(re.search(r'name="event" value="([^"]*)"', page)[1])
    return line, unescape(re.search(r"<code>(printf .*?)</code>", page, re.DOTALL)[1])


def prepare(site: str, world: World, reason: str = "looked at it", page: str = "approve") -> str:
    answer = HTTP.get(f"{site}/{page}/{ISSUE}", params={"reason": reason, "key": world.ada.key_id, "scope": "src/**"})
    return answer.text


def armored(signer: object, line: str) -> str:
    return sshsig.armor(signer.sign(line.encode(), sshsig.EVENT_NAMESPACE))


def hand_in(site: str, line: str, signature: str) -> httpx2.Response:
    return HTTP.post(f"{site}/approve", data={"event": line, "signature": signature}, follow_redirects=False)


def test_stock_ssh_keygen_signs_an_approval_that_counts_once(agent: World, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(agent) as server:
        site = server.url.rstrip("/")
        line, command = form_of(prepare(site, agent, 'it\'s $(touch /tmp/x) `id` "quoted"'))
        signed = subprocess.run(
            ["bash", "-c", command.replace("~/.ssh/id_ed25519", str(agent.key))],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        done = hand_in(site, line, signed)
        assert done.status_code == 303
        assert "signed by human:ada" in text(site, done.headers["location"])
        again = hand_in(site, line, signed)
        assert (again.status_code, "said before" in again.text) == (409, True)
        assert "approved" in text(site, f"/issue/{ISSUE}")
    assert run(["-C", str(agent.root), "verify"]) == 0
    with agent.open() as workspace:
        approval = list(workspace.log.state.ledger.approvals.values())[-1]
    assert (approval["actor"], approval["scope"], approval["subject"]) == ("human:ada", ["src/**"], ISSUE)
    capsys.readouterr()


def test_a_request_that_the_command_signed_is_taken_and_what_came_since_makes_it_void(
    agent: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("HEE_SIGNING_KEY", str(agent.key))
        patch.setenv("HEE_ACTOR", "human:ada")
        assert run(["-C", str(agent.root), "approve", ISSUE, "--reason", "seen", "--sign-request"]) == 0
    request = capsys.readouterr().out
    with serving(agent) as server:
        site = server.url.rstrip("/")
        line, _ = form_of(prepare(site, agent))
        assert HTTP.post(f"{site}/approve", data={"signature": request}, follow_redirects=False).status_code == 303
        late = hand_in(site, line, armored(agent.ada, line))
        assert (late.status_code, "came after what was signed for" in late.text) == (409, True)


def test_nothing_but_a_fresh_signature_of_a_person_approves(agent: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(agent) as server, agent.open() as workspace:
        site = server.url.rstrip("/")
        line, _ = form_of(prepare(site, agent))
        event = json.loads(line)
        size = len(workspace.log)

        def refused(said: str, signer: object = agent.ada, **changes: object) -> None:
            changed = json.dumps({**event, **changes}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            answer = hand_in(site, changed, armored(signer, changed))
            assert (answer.status_code, said in unescape(answer.text)) == (403, True), answer.text[-700:]

        signer = workspace.log.signer
        data = event["data"]
        refused("another key than", STRANGER)
        refused("is not in the key ring", STRANGER, keyid=STRANGER.key_id, actor="human:eve")
        refused("belongs to human:ada", actor="human:bob")
        refused("minutes old", time="2020-01-01T00:00:00.000000Z")
        refused("from the future", time="2999-01-01T00:00:00.000000Z")
        refused("is no time", time="2999-02-30T00:00:00.000000Z")
        refused("cannot be handed in", type="state.unfrozen", data={"reason": "r"})
        refused("not an open issue", data={**data, "subject": "HEE-ISS-other"}, subject="issue/HEE-ISS-other")
        refused("not an open issue", subject="issue/else")
        refused("says why", data={**data, "statement": " "})
        refused("is no RFC 3339", data={**data, "expires": "soon"})
        refused("does not fit", data={**data, "more": 1})
        refused("no event", causes="0" * 64)
        refused("bound to another log", source=f"urn:hee:{'0' * 64}")
        for bad in (
            {"event": line, "signature": "x"},
            {"event": "{", "signature": "x"},
            {"signature": "{}"},
            {"signature": "[" * 9000},
            {"event": line, "signature": "x" * 70_000},
            {},
        ):
            assert HTTP.post(f"{site}/approve", data=bad).status_code == 403
        assert hand_in(site, line, sshsig.armor(agent.ada.sign(line.encode(), "git"))).status_code == 403
        assert len(workspace.log) == size
        refused("only a person may", signer, keyid=signer.key_id, actor=signer.actor)
        assert workspace.log.entry(len(workspace.log) - 1).event.type == "access.denied"
        monkeypatch.setenv("HEE_SIGNING_KEY", str(agent.key))
        monkeypatch.setenv("HEE_ACTOR", "human:ada")
        refused("has a person's key")
        assert not any(entry.event.type == "approval.granted" for entry in workspace.log.read(size))


def test_a_person_sees_to_an_alert_by_a_signature_and_nobody_else_does(
    agent: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(agent) as server, agent.open() as workspace:
        site = server.url.rstrip("/")
        line, _ = form_of(prepare(site, agent, "on it", "acknowledge"))
        event, size, signer = json.loads(line), len(workspace.log), workspace.log.signer

        def handed(by: object, **changes: object) -> tuple[int, str]:
            changed = json.dumps({**event, **changes}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            form = {"event": changed, "signature": armored(by, changed)}
            answer = HTTP.post(f"{site}/acknowledge", data=form, follow_redirects=False)
            return answer.status_code, unescape(answer.text)

        for name, subject in (("state", "alert/state"), (ISSUE, "alert/else"), (ISSUE, f"issue/{ISSUE}")):
            status, said = handed(agent.ada, data={"alert": name, "statement": "on it"}, subject=subject)
            assert (status, "is no alert that stands" in said) == (403, True), said
        assert handed(STRANGER)[0] == 403
        assert len(workspace.log) == size
        status, said = handed(signer, keyid=signer.key_id, actor=signer.actor)
        assert (status, "only a person may" in said) == (403, True)
        assert workspace.log.entry(size).event.data["capability"] == "acknowledge"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HEE_SIGNING_KEY", str(agent.key))
            patch.setenv("HEE_ACTOR", "human:ada")
            command = ["-C", str(agent.root), "alerts", "acknowledge", ISSUE, "--reason", EVIL, "--sign-request"]
            assert run(command) == 0
        done = HTTP.post(f"{site}/acknowledge", data={"signature": capsys.readouterr().out}, follow_redirects=False)
        assert done.status_code == 303
        assert "signed by human:ada" in text(site, done.headers["location"])
        for path in ("/alerts", f"/issue/{ISSUE}"):
            assert f"by human:ada, {workspace.clock.now()[:10]}" in text(site, path)
            assert EVIL in unescape(text(site, path))
        status, said = handed(agent.ada)
        assert (status, "came after what was signed for" in said) == (409, True)
        issue = workspace.log.state.issues[ISSUE]
    assert run(["-C", str(agent.root), "verify"]) == 0
    capsys.readouterr()
    assert run(["-C", str(agent.root), "report", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (alert,) = report["alerts"]
    assert (alert["alert"], alert["stands"], alert["failed"], alert["acknowledged"]["by"]) == (
        ISSUE,
        True,
        1,
        "human:ada",
    )
    ((channel, stage, late),) = [(each["channel"], each["stage"], each["latency_ms"]) for each in alert["delivered"]]
    assert (channel, stage, late >= 0) == (f"c{EVIL}", "raised", True)
    assert {alert["acknowledged"]["event"], *alert["events"]} <= {row["event"] for row in report["referenced"]}
    assert report["issues"][0]["triage"]["verdict"] == issue["triage"]["verdict"]
    for form in ("md", "html"):
        assert run(["-C", str(agent.root), "report", "--format", form]) == 0
        said = capsys.readouterr().out
        assert "human:ada, " in said
        assert "85 %" in said
        assert form == "md" or "<script>window" not in said


def test_an_issue_says_how_sure_the_verdict_is_where_it_is_red_and_who_was_told(site: str) -> None:
    page = unescape(text(site, f"/issue/{ISSUE}"))
    for said in (
        "known",
        "85 % probable",
        "14 %",
        "What was missing",
        f"red/{EVIL}",
        f"c{EVIL}: raised",
        f"d{EVIL}: {EVIL}, try 1",
    ):
        assert said in page
    assert "name the key" in text(site, f"/acknowledge/{ISSUE}?reason=x")
    assert "no alert that stands" in text(site, "/acknowledge/state", 404)
    assert "nothing stands that people must be told" in text(site, "/alerts?at=1")


def test_the_page_of_an_approval_explains_what_is_missing(agent: World, site: str) -> None:
    assert "name the key" in text(site, f"/approve/{ISSUE}?reason=x")
    assert "is no RFC 3339" in unescape(
        text(site, f"/approve/{ISSUE}?reason=x&expires=soon&key={agent.ada.key_id.replace('+', '%2B')}")
    )
    assert "is not an open issue" in text(site, "/approve/HEE-ISS-none", 404)
    with pytest.raises(EventError, match="too long"):
        signedrequest.take(None, b"x" * 70_000, "")


# ------------------------------------------------------------------ live, webhook, command


def test_a_new_head_is_told_to_whoever_listens(agent: World) -> None:
    with serving(agent) as server:
        head = json.loads(text(server.url.rstrip("/"), "/health.json"))["head"]
        with HTTP.stream("GET", f"{server.url}live?head={head}") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 3000"
            agent.append()
            told = next(line for line in lines if line.startswith("data:"))
            assert json.loads(told[5:])["head"] == git(agent.root, "rev-parse", "hee/log")
            assert server.site.streams.open == 1
            server.site.streams.open = 32
            assert HTTP.get(f"{server.url}live").status_code == 503


def test_a_stream_beats_while_nothing_happens_and_survives_a_log_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import asyncio

    def tip() -> str:
        raise OSError

    monkeypatch.setattr("hee_monitoring.web.live.BEAT_S", 0)
    monkeypatch.setattr("hee_monitoring.web.live.EVERY_S", 0)
    said: list[str] = []
    streams = Streams(tip, lambda: len(said) > 2)

    async def listen() -> None:
        async for each in streams.events("x"):
            said.append(each)

    asyncio.run(listen())
    assert said[1:] == [": still here\n\n"] * (len(said) - 1)
    assert streams.open == 0


def test_a_webhook_stands_beside_the_pages_with_its_own_signature(world: World) -> None:
    import hashlib
    import hmac

    from hee_monitoring.github.receiver import Knocks

    knocks = Knocks(SECRET)
    with serving(world, knocks=knocks, secret=SECRET) as server:
        body = json.dumps({"workflow_run": {"id": 7}}).encode()
        signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-github-delivery": "1", "x-github-event": "workflow_run", "x-hub-signature-256": signed}
        assert HTTP.post(f"{server.url}webhook", content=body, headers=headers).status_code == 202
        assert HTTP.post(f"{server.url}webhook", content=body + b" ", headers=headers).status_code == 401
        assert (knocks.wait(1), knocks.told()) == (True, frozenset({7}))


def test_the_command_serves_until_it_is_interrupted(agent: World) -> None:
    command = [sys.executable, "-m", "hee_monitoring.cli.main", "-C", str(agent.root), "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = json.loads("".join(server.stdout.readline() for _ in range(3)))["url"]
            with HTTP.stream("GET", f"{url}live") as stream:
                next(stream.iter_lines())
                server.send_signal(signal.SIGINT)
                assert "Traceback" not in server.communicate(timeout=20)[1]
        finally:
            server.kill()
        assert server.returncode == 130


def test_the_command_says_in_one_sentence_what_is_missing(agent: World, tmp_path: Path) -> None:
    place = ["-C", str(agent.root), "serve"]
    assert run([*place, "--secret-file", str(tmp_path / "none")]) == 2
    (tmp_path / "secret").write_text("short\n")
    assert run([*place, "--secret-file", str(tmp_path / "secret"), "--port", "0"]) == 2
    assert run([*place, "--host", "0.0.0.0", "--port", "0"]) == 2
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run([*place, "--port", str(taken.getsockname()[1])]) == 2
    assert run([*place, "--web", "--webhook", "--port", "0"]) == 2
    code = "import sys; sys.modules['uvicorn'] = None; from hee_monitoring.cli.main import run; sys.exit(run(sys.argv[1:]))"
    without = subprocess.run([sys.executable, "-c", code, *place], capture_output=True, text=True, check=False)
    assert without.returncode == 2
    said = without.stderr
    assert "the pages need the extra `web`" in said
    assert "hee[web]" in said


def test_an_issue_that_comes_back_says_what_ended_it_last_time(agent: World) -> None:
    about = {"issue_id": ISSUE}
    with agent.open() as workspace, serving(agent) as server:
        site = server.url.rstrip("/")
        assert "What ended it last time" not in text(site, f"/issue/{ISSUE}")
        say(workspace, "ci.issue_resolved", f"issue/{ISSUE}", **about, by="seen green on main")
        assert "What ended it last time" not in text(site, f"/issue/{ISSUE}")
        say(
            workspace,
            "ci.failure_detected",
            f"issue/{ISSUE}",
            **about,
            fingerprint="f",
            source="act",
            job="ci.yml#test",
            evidence=[],
        )
        say(workspace, "alert.raised", f"issue/{ISSUE}", **about, severity="high", title="again", next_step="look")
        page = unescape(text(site, f"/issue/{ISSUE}"))
        last = page[page.index("What ended it last time") :][:400]
        assert "seen green on main" in last
        assert pages.path("fix", FIX) in last


# ------------------------------------------------------------------ events that break their form


def test_events_that_break_their_form_break_no_page(agent: World) -> None:
    wrong: tuple[object, ...] = (None, -7, [None], {"a": [1]}, EVIL)
    forms = {type_: form for type_, (_, form) in FORMS.items() if not type_.startswith("key.")}
    payloads: list[tuple[str, str, object]] = []
    for type_, form in forms.items():
        for value in wrong:
            data = dict.fromkeys(form, value)
            about = {
                name: known for name, known in (("issue_id", ISSUE), ("fix_id", FIX), ("alert", ISSUE)) if name in form
            }
            payloads.append((type_, f"issue/{ISSUE}", data | about))
    with agent.open() as workspace:
        first = len(workspace.log)
        force(workspace, payloads)
        assert sum(not entry.event.fits for entry in workspace.log.read(first)) > len(payloads) * 0.9
        last = len(workspace.log) - 1
    with serving(agent) as server:
        site = server.url.rstrip("/")
        for path in (
            *ALL,
            *(f"/timeline?before={n}" for n in range(first, last + 50, 50)),
            *(f"/event/{n}" for n in range(first, last + 1, 23)),
        ):
            page = text(site, path)
            assert "<script>window" not in page
        assert f"after event {last}" in text(site, "/")
    assert run(["-C", str(agent.root), "report"]) == 0
    assert run(["-C", str(agent.root), "alerts"]) == 0


# ------------------------------------------------------------------ pictures


def test_the_drawing_has_the_edges_of_the_machine_and_no_other() -> None:
    from hee_core import machine

    assert set(drawing.EDGES) == {(step.from_, step.to) for step in machine.TRANSITIONS}
    assert set(drawing.CENTERS) == set(machine.STATES)
    for status in machine.STATES:
        drawn = drawing.state_machine(status)
        assert [node["status"] for node in drawn["nodes"] if node["now"]] == [status]
        assert sum(edge["next"] for edge in drawn["edges"]) == sum(step.from_ == status for step in machine.TRANSITIONS)


def test_what_is_not_drawn_is_named() -> None:
    assert pages.shown("a\x1b[0m\u202e\u200b\ud800b\n\t") == "a␛[0m⟨U+202E⟩⟨U+200B⟩⟨U+D800⟩b\n\t"
    assert pages.shown("naïve ✔") == "naïve ✔"
    assert pages.path("issue", "../a b?&", at="", q="1&2") == "/issue/..%2Fa%20b%3F%26?q=1%262"
