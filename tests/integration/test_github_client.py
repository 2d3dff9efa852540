"""The client against a server that wishes it ill: redirects, pages, sizes and permissions, over loopback."""

from __future__ import annotations

from pathlib import Path

import pytest
from github_world import RUFF, Answer, GitHubWorld, red, served, world

from hee_core.errors import SourceError, Unreachable
from hee_monitoring.github import client as clients
from hee_monitoring.github.simulator import SimulatedJob


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (302, {"location": "/again"}, "from one address to the next"),
        (302, {"location": "ftp://example.org/x"}, "not safe"),
        (302, {"location": "http://[bad"}, "cannot be found"),
        (302, {}, "from one address to the next"),
        (500, {}, "answers 500"),
    ],
)
def test_an_answer_that_leads_nowhere_is_an_error(status: int, headers: dict[str, str], words: str) -> None:
    with served(lambda *_: (status, headers, b"{}", "")) as client, pytest.raises(Unreachable, match=words):
        client.get("/x")


@pytest.mark.spec("SEED-213")
@pytest.mark.parametrize(
    "page", ["https://evil.example/x", "https://[::1", "https://api.github.com@evil.example/", "x" * 70_000]
)
def test_a_next_page_at_another_host_is_not_asked_for(page: str) -> None:
    seen: list[str] = []

    def answer(_: str, target: str, headers: dict[str, str], __: bytes) -> Answer:
        seen.append(headers["host"])
        return 200, {"link": f'<{page}>; rel="next"'}, b'{"jobs": [1]}', ""

    with served(answer) as client, pytest.raises(Unreachable, match="another host"):
        list(client.pages("/x", "jobs"))
    assert len(set(seen)) == 1


@pytest.mark.spec("SEED-213")
def test_where_another_host_leads_back_to_the_token_is_not_sent() -> None:
    seen: list[tuple[str, bool]] = []
    api: list[str] = []

    def elsewhere(_: str, target: str, headers: dict[str, str], __: bytes) -> Answer:
        seen.append((target, "authorization" in headers))
        return 302, {"location": f"{api[0]}/chosen"}, b"", ""

    with served(elsewhere) as other:

        def answer(_: str, target: str, headers: dict[str, str], __: bytes) -> Answer:
            seen.append((target, "authorization" in headers))
            return (302, {"location": f"{other.place.api}/x"}, b"", "") if target == "/log" else (200, {}, b"{}", "")

        with served(answer) as client:
            api.append(client.place.api)
            assert client.log("/log").status == 200
    assert seen == [("/log", True), ("/x", False), ("/chosen", False)]


def test_a_listing_without_its_list_is_no_empty_one() -> None:
    with (
        served(lambda *_: (200, {}, b'{"message": "hello"}', "")) as client,
        pytest.raises(Unreachable, match="no list"),
    ):
        list(client.pages("/x", "jobs"))


def test_large_answers_are_cut_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LARGEST_JSON", 1000)
    monkeypatch.setattr(clients, "HEAD", 1000)
    monkeypatch.setattr(clients, "TAIL", 500)
    body = b"".join(b"%06d\n" % number for number in range(100_000))
    with served(lambda *_: (200, {}, body, "")) as client:
        with pytest.raises(Unreachable, match="more than"):
            client.get("/x")
        log = client.log("/x")
    assert (log.body[:7], log.body[-7:]) == (b"000000\n", b"099999\n")
    assert f"[hee: {log.lost} bytes left out]".encode() in log.body
    assert len(log.body) < 1600


@pytest.fixture
def hub(tmp_path: Path):
    with world(tmp_path / "r") as made:
        made.calm()
        yield made


def evidence(hub: GitHubWorld) -> str:
    return " ".join(item["text"] for d in hub.events("ci.failure_detected") for item in d["evidence"])


@pytest.mark.parametrize(
    ("path", "kind", "times", "words"),
    [
        ("/annotations", "403", 1, "unformatted"),
        ("/annotations", "500", 4, "unformatted"),
        ("/logs", "403", 1, "may not be read with this token"),
        ("/logs", "500", 4, "could not be read"),
    ],
)
def test_evidence_that_may_not_or_cannot_be_read_is_said(
    hub: GitHubWorld, path: str, kind: str, times: int, words: str
) -> None:
    hub.server.run("failure", [red()])
    hub.server.fail(kind, path, times)
    hub.poll(fix=False)
    assert words in evidence(hub)


@pytest.mark.parametrize(("kind", "times"), [("403", 1), ("410", 1), ("500", 4)])
def test_without_an_archive_each_log_is_asked_for(hub: GitHubWorld, kind: str, times: int) -> None:
    hub.server.run("failure", [red(f"j{number}") for number in range(6)])
    hub.server.fail(kind, "/attempts/1/logs", times)
    hub.poll(fix=False)
    assert "unformatted" in evidence(hub)
    assert sum("/actions/jobs/" in each for each in hub.asked()) == 6


def test_an_archive_with_hostile_names_and_clashes_gives_away_nothing(hub: GitHubWorld) -> None:
    jobs = [red("../../etc/passwd"), *(red(name) for name in ("a b", "ab", "c", "d", "e"))]
    hub.server.run("failure", jobs)
    hub.poll(fix=False)
    assert "unformatted" in evidence(hub)
    assert sum("/actions/jobs/" in each for each in hub.asked()) == 2  # the two whose names are the same in an archive


def test_a_job_that_runs_again_says_so(hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.server.run("failure", [SimulatedJob("format", "failure", 404)])
    real = hub.server._about

    def again(run, job, attempt, *, logs):
        if not logs:
            job.conclusion = None
        return real(run, job, attempt, logs=logs)

    monkeypatch.setattr(hub.server, "_about", again)
    hub.poll(fix=False)
    assert "it runs again" in evidence(hub)


def test_a_job_that_cannot_be_read_is_unknown(hub: GitHubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.server.run("failure", [red(), SimulatedJob("", "failure"), SimulatedJob("slow", None)])
    result = hub.poll(fix=False)
    assert sorted(result.unknown.values()) == ["GitHub's answer cannot be read: name is missing", "it has not ended"]


def test_asking_for_a_run_again_that_github_refuses_goes_to_a_person(hub: GitHubWorld) -> None:
    from github_world import NETWORK

    hub.server.run("failure", [red(log=NETWORK)])
    hub.server.fail("404", "/rerun-failed-jobs")
    hub.poll()
    assert [refused["reason"] for refused in hub.events("fix.refused")] == [
        "the failed jobs could not be run again: GitHub answers 404"
    ]
    hub.server.run("failure", [red("other", NETWORK.replace(b"deb", b"oth"))])
    hub.server.fail("503", "/rerun-failed-jobs")
    hub.poll()
    assert "answers 503" in hub.events("fix.refused")[-1]["reason"]


def test_a_run_that_cannot_be_read_by_its_number_is_said(hub: GitHubWorld) -> None:
    run = hub.server.run("failure", [red(log=RUFF)], commit="no commit")
    with pytest.raises(SourceError, match="cannot be read"):
        hub.poll(run_id=run.run_id)
