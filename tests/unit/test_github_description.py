"""The simulator's answers hold against GitHub's published description, where that is installed (`make node-tools`)."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from github_world import PATH, client_of, red
from jsonschema import Draft4Validator

from hee_core import FixedClock
from hee_core.errors import Declined, SourceError, Unauthorized
from hee_monitoring.github.artifacts import Artifacts
from hee_monitoring.github.checks import Checks, Note
from hee_monitoring.github.client import Client
from hee_monitoring.github.comments import Comments
from hee_monitoring.github.history import History
from hee_monitoring.github.pulls import Pulls
from hee_monitoring.github.simulator import SimulatedJob, Simulator

PLACES = (os.environ.get("HEE_GITHUB_DESCRIPTION", ""), str(Path(__file__).parents[2] / "build/node/node_modules"))
FOLDER = next((Path(place) / "@octokit" for place in PLACES if place and (Path(place) / "@octokit").is_dir()), None)
described = pytest.mark.skipif(FOLDER is None, reason="GitHub's description is not installed: make node-tools")
REPOSITORY = "/repos/{owner}/{repo}"


@cache
def description() -> dict[str, Any]:
    assert FOLDER is not None
    return json.loads((FOLDER / "openapi/generated/api.github.com.json").read_text(encoding="utf-8"))


def as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema says a type more."""
    if isinstance(value, list):
        return [as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: as_json_schema(item) for key, item in value.items() if key not in ("nullable", "example", "examples")}
    return {"anyOf": [made, {"type": "null"}]} if value.get("nullable") is True else made


@cache
def schemas() -> dict[str, Any]:
    return {name: as_json_schema(schema) for name, schema in description()["components"]["schemas"].items()}


def operation(method: str, path: str) -> str:
    """The described path that a real one is an example of."""
    for known in description()["paths"]:
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", known), path) and method.lower() in description()["paths"][known]:
            return known
    raise AssertionError(f"{method} {path} is not described")


def holds(method: str, path: str, status: int, body: bytes) -> None:
    responses = description()["paths"][operation(method, path)][method.lower()]["responses"]
    if status in (304, 404, 410) and str(status) not in responses:
        return  # GitHub answers these where its description is silent
    assert str(status) in responses, (method, path, status)
    answer = responses[str(status)]
    content = answer.get("content", {}).get("application/json")
    if content is None:
        assert body in (b"", b"{}") or "$ref" in answer
        return
    schema = {**as_json_schema(content["schema"]), "components": {"schemas": schemas()}}
    faults = list(Draft4Validator(schema).iter_errors(json.loads(body)))
    assert not faults, (path, [(list(fault.absolute_path), fault.message[:200]) for fault in faults[:5]])


def desk_asked(server: Simulator, client: Client, run_id: int) -> None:
    """Everything of pull requests, comments, checks, artifacts and history, and what is refused of it."""
    pulls, number = Pulls(client), server.desk.put_pull("else", source="somebody/harbor")
    pulls.offer("x", base="main", title="t", body="b")
    pulls.offer("x", base="main", title="t", body="more")
    pulls.get(number)
    pulls.get(999)
    with pytest.raises(Declined):
        pulls.open("x", base="main", title="t", body="b")
    for text in ("red", "green"):
        Comments(client).keep(number, purpose="failure", text=text)
    with client_of(server, client.clock, secret="ghp_" + "a" * 36) as personal:  # type: ignore[arg-type]
        Comments(personal).find(number, "failure")
    for summary in ("red", "green"):
        Checks(client).keep(
            "HEE", "c" * 40, conclusion="failure", title="t", summary=summary, annotations=[Note("a", 1, "m")]
        )
    artifact = server.desk.put_artifact(run_id, "report", b"x")
    server.desk.merge_bases["main", "x"] = "b" * 40
    assert [each.artifact_id for each in Artifacts(client).of_run(run_id)] == [artifact]
    Artifacts(client).download(Artifacts(client).of_run(run_id)[0])
    History(client).merge_base("main", "x")
    History(client).merge_base("main", "nowhere")
    History(client).runs("c" * 40)


@described
@pytest.mark.spec("SEED-255")
def test_every_answer_of_the_simulator_is_one_that_githubs_description_allows() -> None:
    clock = FixedClock(step=0.001)
    with Simulator(clock=clock) as server, client_of(server, clock) as client:
        done = server.run("failure", [red(annotations=["a note"]), SimulatedJob("build", "cancelled", 404)])
        server.run(None, [SimulatedJob("build", None)], head="somebody/harbor", event="pull_request")
        at = client.place.path(f"actions/runs/{done.run_id}")
        jobs = client.place.path(f"actions/jobs/{done.jobs[0].job_id}")
        etag = client.get(client.place.path("actions/runs?per_page=1")).etag
        client.get(client.place.path("actions/runs?per_page=1"), etag=etag)
        notes = client.place.path(f"check-runs/{done.jobs[0].job_id}/annotations")
        for path in (at, f"{at}/attempts/1/jobs", f"{at}/jobs", jobs, notes, client.place.path("actions/runs/5")):
            client.get(path)
        client.log(f"{jobs}/logs")
        client.log(f"{at}/attempts/1/logs")
        client.post(f"{at}/rerun-failed-jobs")
        desk_asked(server, client, done.run_id)
        server.fail("503", times=4)
        with pytest.raises(SourceError):
            client.get(at)
        server.fail("401")
        with pytest.raises(Unauthorized):
            client.get(at)
        checked = 0
        for method, path, status, body in server.answers:
            if method:
                holds(method, path, status, body)
                checked += 1
            else:
                assert set(json.loads(body)) <= set(schemas()["basic-error"]["properties"])
    assert checked == 34
    assert PATH in json.dumps([json.loads(body) for *_, body in server.answers if body.startswith(b"{")])


@described
def test_refs_of_branches_hold_against_the_description() -> None:
    clock = FixedClock("2026-01-24T12:00:00.000000Z", step=0)
    with Simulator(clock=clock) as server, client_of(server, clock) as client:
        server.run("success", branch="topic/a")
        found = client.get(client.place.path("git/matching-refs/heads/top"))
        assert [ref["ref"] for ref in json.loads(found.body)] == ["refs/heads/topic/a"]
        holds("GET", "/repos/o/r/git/matching-refs/heads%2Ftop", 200, found.body)  # described as one part of the path
