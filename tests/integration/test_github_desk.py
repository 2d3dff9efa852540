"""What HEE can write on GitHub and ask of it beside runs: pull requests, comments, checks, artifacts, history; over loopback."""

from __future__ import annotations

import io
import ipaddress
import socket
import zipfile
from collections.abc import Iterator

import httpx2
import pytest
from github_world import SECRET, client_of, green, red, served

from hee_core import FixedClock
from hee_core.errors import Declined, NotFound, SourceError, Unauthorized, Unreachable
from hee_monitoring.github import addresses, markdown
from hee_monitoring.github.artifacts import Artifacts
from hee_monitoring.github.checks import Checks, Note
from hee_monitoring.github.client import Client
from hee_monitoring.github.comments import Comments, mark
from hee_monitoring.github.history import History
from hee_monitoring.github.pulls import Pulls
from hee_monitoring.github.simulator import Simulator

CLOCK = FixedClock(step=0.001)


@pytest.fixture
def hub() -> Iterator[tuple[Simulator, Client]]:
    with Simulator(clock=CLOCK) as server, client_of(server, CLOCK) as client:
        yield server, client


Hub = tuple[Simulator, Client]


def test_a_branch_has_one_pull_request_however_often_it_is_offered(hub: Hub) -> None:
    server, client = hub
    pulls = Pulls(client)
    assert pulls.of_head("hee/fix/a b") is None
    first = pulls.offer("hee/fix/a b", base="main", title="t", body="b")
    assert (first.state, first.head, first.base, first.draft) == ("open", "hee/fix/a b", "main", False)
    assert pulls.offer("hee/fix/a b", base="main", title="t", body="b") == first
    assert pulls.offer("hee/fix/a b", base="main", title="t", body="more").body == "more"
    assert [method for method, _ in server.desk.written] == ["POST", "PATCH"]
    with pytest.raises(Declined, match="Validation Failed") as caught:
        pulls.open("hee/fix/a b", base="main", title="t", body="b")
    assert caught.value.status == 422
    assert pulls.update(first.number, state="closed").state == "closed"
    assert pulls.of_head("hee/fix/a b") is None
    assert (pulls.get(first.number) or first).state == "closed"
    assert pulls.get(99) is None


def test_of_two_that_offer_the_same_branch_the_second_finds_the_first_ones(hub: Hub) -> None:
    server, client = hub
    pulls = Pulls(client)
    real, asked = pulls.of_head, []

    def somebody_is_first(branch: str) -> object:
        found = real(branch)
        if not asked:
            server.desk.put_pull(branch)
        asked.append(branch)
        return found

    pulls.of_head = somebody_is_first  # type: ignore[method-assign, assignment]
    assert pulls.offer("x", base="main", title="t", body="b").title == "t"
    assert len(server.desk.pulls) == 1
    with pytest.raises(Declined):
        pulls.update(999, title="t")


def test_a_forks_branch_of_the_same_name_is_another_one(hub: Hub) -> None:
    server, client = hub
    theirs = server.desk.put_pull("fix", source="somebody/harbor")
    assert Pulls(client).of_head("fix") is None
    found = Pulls(client).of_head("somebody:fix")
    assert found is not None
    assert (found.number, found.head) == (theirs, "somebody:fix")


def test_a_comment_is_made_once_and_changed_in_place_and_nobody_elses_is_touched(hub: Hub) -> None:
    server, client = hub
    number = server.desk.put_pull("x")
    copied = server.desk.put_comment(number, f"{mark('failure')}\nmine", author="mallory")
    server.desk.login = "github-actions[bot]"
    comments = Comments(client)
    made = [comments.keep(number, purpose="failure", text=text) for text in ("red", "red", "green")]
    assert [each.changed for each in made] == [True, False, True]
    assert len({each.comment_id for each in made}) == 1
    assert made[-1].body.endswith("\ngreen")
    assert server.desk.comments_made[copied]["body"].endswith("mine")
    with pytest.raises(Declined) as caught:
        comments.keep(77, purpose="failure", text="x")
    assert caught.value.status == 404


@pytest.mark.parametrize("secret", ["ghp_" + "a" * 36, SECRET])
def test_a_token_of_a_person_asks_whose_it_is(hub: Hub, secret: str) -> None:
    server, _ = hub
    number = server.desk.put_pull("x")
    with client_of(server, CLOCK, secret=secret) as client:
        personal = client.credential.kind == "classic"
        server.desk.login = "ada" if personal else "github-actions[bot]"
        for text in ("a", "b"):
            Comments(client).keep(number, purpose="failure", text=text)
    assert len(server.desk.comments_made) == 1
    assert any(request == "GET /user" for request in server.requests) is personal


def test_a_token_that_may_not_ask_who_it_is_is_the_bot_of_workflows(hub: Hub) -> None:
    server, _ = hub
    number = server.desk.put_pull("x")
    server.desk.put_comment(number, f"{mark('failure')}\nx", author="github-actions[bot]")
    with client_of(server, CLOCK, secret="other" * 8) as client:
        for kind in ("403", "401", "404"):
            server.fail(kind, "/user")
        assert Comments(client).find(number, "failure") is not None
        with pytest.raises(Unauthorized):
            Comments(client).find(number, "failure")
        with pytest.raises(Unreachable, match="whose token"):
            Comments(client).find(number, "failure")


def test_an_app_knows_its_comments_by_its_number(hub: Hub) -> None:
    server, client = hub
    number = server.desk.put_pull("x")
    server.desk.app = 17

    class Installed:
        kind, account, name = "app", "17", "HEE_GITHUB_APP_KEY"

        def authorization(self, _: object) -> str:
            return "Bearer x"

    client.credential = Installed()  # type: ignore[assignment]
    assert [Comments(client).keep(number, purpose="f", text=text).changed for text in ("a", "a", "b")] == [
        True,
        False,
        True,
    ]
    assert len(server.desk.comments_made) == 1


def test_a_check_says_one_thing_once(hub: Hub) -> None:
    server, client = hub
    checks, commit = Checks(client), "c" * 40
    notes = [Note("a.py", line, "long line", title="lint") for line in range(1, 70)]

    def keep(summary: str, count: int = 60) -> bool:
        return checks.keep(
            "HEE", commit, conclusion="failure", title="red", summary=summary, annotations=notes[:count]
        ).changed

    assert [keep("a"), keep("a"), keep("b"), keep("b", 3), keep("b", 3)] == [True, False, True, True, False]
    assert [method for method, _ in server.desk.written] == ["POST", "PATCH", "POST"]
    assert len(next(iter(server.desk.checks_made.values()))["output"]["annotations"]) == 50
    with pytest.raises(Declined):
        checks.update(999, {"status": "completed"})


def test_artifacts_are_listed_and_fetched_within_a_limit(hub: Hub) -> None:
    server, client = hub
    run = server.run("failure", [red()])
    server.desk.put_artifact(run.run_id, "report", b"hello")
    server.desk.put_artifact(run.run_id, "old", b"hello", expired=True)
    artifacts = Artifacts(client)
    report, old = artifacts.of_run(run.run_id)
    assert zipfile.ZipFile(io.BytesIO(artifacts.download(report))).read("report.txt") == b"hello"
    asked = len(server.requests)
    with pytest.raises(NotFound, match="old is not there"):
        artifacts.download(old)
    with pytest.raises(SourceError, match="the limit is 10"):
        artifacts.download(report, limit=10)
    assert len(server.requests) == asked
    lying = type(report)(report.artifact_id, "report", 1, expired=False)
    with pytest.raises(Unreachable, match="more than 10 bytes"):
        artifacts.download(lying, limit=10)
    with pytest.raises(NotFound):
        artifacts.download(type(report)(12345, "gone", 1, expired=False))
    logs = artifacts.logs(run.run_id, 1)
    assert logs is not None
    assert b"reformatted" in zipfile.ZipFile(io.BytesIO(logs)).read("0_format.txt")
    assert artifacts.logs(999, 1) is None
    assert server.leaked == []


def test_where_a_branch_left_and_whether_that_was_red_already(hub: Hub) -> None:
    server, client = hub
    base, head = "b" * 40, "d" * 40
    server.desk.merge_bases[("main", "ada:fix/1")] = base
    first = server.run("failure", [red()], commit=base)
    second = server.run("success", [green()], commit=base)
    server.run("failure", [red()], commit=head)
    server.raw = [None]
    history = History(client)
    assert history.merge_base("main", "ada:fix/1") == base
    assert history.merge_base("main", "else") is None
    assert [run.run_id for run in history.runs(base)] == [second.run_id, first.run_id]
    assert [job.conclusion.value for job in history.detail(history.runs(base)[1]).jobs] == ["failure"]
    client.place = type(client.place)(server.url, "harbor-works/else")
    with pytest.raises(SourceError, match="knows no runs"):
        history.runs(base)


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: Pulls(client).get(1),
        lambda client: Pulls(client).of_head("x"),
        lambda client: Comments(client).update(1, "x"),
        lambda client: Checks(client).update(1, {}),
        lambda client: History(client).compare("a", "b"),
    ],
)
def test_an_answer_of_another_form_is_an_error(ask: object) -> None:
    for body in (b'{"id": 1}', b'[{"number": 1}]'):
        with served(lambda *_, body=body: (200, {}, body, "")) as client, pytest.raises(Unreachable):  # type: ignore[misc]
            ask(client)  # type: ignore[operator]


def test_what_is_written_is_sent_once_and_a_fault_is_not_repeated(hub: Hub) -> None:
    server, client = hub
    number = server.desk.put_pull("x")
    server.fail("502", f"issues/{number}", times=1)
    with pytest.raises(Unreachable):
        Comments(client).create(number, "x")
    assert server.desk.comments_made == {}
    server.fail("403", "pulls")
    with pytest.raises(Unauthorized):
        Pulls(client).open("y", base="main", title="t", body="b")


# ------------------------------------------------------------------ text that nobody here wrote


@pytest.mark.parametrize(
    "text", ["@octocat", "``` out\n@all", "`` ` ``", "<img src=x>", "x\n\n# h", "![a](b)", "fixes #12", "`", ""]
)
def test_foreign_text_stays_within_its_code(text: str) -> None:
    inline, block = markdown.code(text), markdown.block(text)
    ticks = len(inline) - len(inline.lstrip("`"))
    assert "`" * ticks not in inline[ticks:-ticks]
    assert "\n" not in inline
    fence = block.partition("text\n")[0]
    assert fence not in block[len(fence) : -len(fence)]
    assert block.endswith(f"\n{fence}")


def test_a_title_pings_nobody_and_gives_no_secret_away() -> None:
    title = markdown.plain(f"red @octocat\n#12 mail a@b.c {SECRET}")
    assert "@octocat" not in title
    assert "#12" not in title
    assert SECRET not in title + markdown.code(SECRET) + markdown.block(SECRET)
    assert "\n" not in title


# ------------------------------------------------------------------ where a redirect may lead


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("127.0.0.1", "loopback"), ("0.0.0.0", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"),
        ("10.1.2.3", "private"), ("172.16.0.1", "private"), ("192.168.1.1", "private"), ("100.64.0.1", "private"),
        ("fc00::1", "private"), ("64:ff9b::a00:1", "private"), ("2002:a00:1::", "private"), ("224.0.0.1", "private"),
        ("169.254.169.254", "link-local"), ("fe80::1", "link-local"), ("140.82.112.3", "public"), ("2606:4700::1", "public"),
    ],
)  # fmt: skip
def test_addresses_are_told_apart(written: str, kind: str) -> None:
    assert addresses.kind(ipaddress.ip_address(written)) == kind


def request(url: str) -> httpx2.Request:
    return httpx2.Request("GET", url)


@pytest.mark.spec("SEED-213")
@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("http://127.0.0.1/x", "140.82.112.3"), ("http://[::1]/x", "140.82.112.3"), ("http://0x7f.1/x", "140.82.112.3"),
        ("https://10.0.0.1/x", "140.82.112.3"), ("https://10.0.0.1/x", "127.0.0.1"), ("http://127.0.0.1/x", "10.0.0.2"),
        ("http://169.254.169.254/latest/meta-data", "169.254.0.1"), ("http://localhost:8080/x", "140.82.112.3"),
        ("http://169.254.169.254/x", "127.0.0.1"),
    ],
)  # fmt: skip
def test_a_redirect_into_this_network_is_not_followed(url: str, home: str) -> None:
    with pytest.raises(Unreachable, match="inside of this network"):
        addresses.pin(request(url), home=home)


def test_a_server_of_ones_own_may_lead_into_its_own_network_and_names_are_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url, home in (
        ("https://10.0.0.1/x", "10.0.0.2"),
        ("http://127.0.0.1/x", "localhost"),
        ("https://140.82.112.3/", "x"),
    ):
        asked = request(url)
        addresses.pin(asked, home=home)
        assert str(asked.url) == url
    asked = request("http://localhost:81/x?sig=1")
    addresses.pin(asked, home="127.0.0.1")
    assert (asked.url.host, asked.url.port, asked.headers["host"]) in (
        ("127.0.0.1", 81, "localhost:81"),
        ("::1", 81, "localhost:81"),
    )
    assert asked.extensions["sni_hostname"] == "localhost"
    monkeypatch.setenv("http_proxy", "http://proxy.example:1")
    asked = request("http://localhost:81/x")
    addresses.pin(asked, home="140.82.112.3")  # the proxy looks the name up
    assert asked.url.host == "localhost"
    monkeypatch.delenv("http_proxy")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror()))
    with pytest.raises(Unreachable, match="cannot be found"):
        addresses.pin(request("http://nowhere.example/x"), home="127.0.0.1")
