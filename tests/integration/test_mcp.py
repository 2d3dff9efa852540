"""An agent over the real protocol: the official client starts `hee mcp` and talks to it over pipes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import worlds
from mcp import Client, StdioServerParameters, stdio_client

from hee_core.errors import ToolMissing
from hee_monitoring.cli.main import run
from hee_monitoring.cli.mcp import server
from hee_monitoring.workspace import Workspace

JOBS = {"ci.yml#test": "echo 'E       assert 1 == 2'; echo 'FAILED tests/test_app.py::test_one'; exit 1"}


def talk(place: Path, *calls: tuple[str, dict[str, Any]]) -> tuple[list[str], list[tuple[bool, Any]]]:
    """The names of the tools, and for each call whether it failed and what it said."""

    async def conversation() -> tuple[list[str], list[tuple[bool, Any]]]:
        parameters = StdioServerParameters(
            command=sys.executable, args=["-c", _START, str(place)], env=dict(os.environ)
        )
        async with Client(stdio_client(parameters)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            said = []
            for name, arguments in calls:
                result = await client.call_tool(name, arguments)
                text = "".join(getattr(part, "text", "") for part in result.content)
                said.append((bool(result.is_error), text if result.is_error else json.loads(text)))
            return names, said

    return asyncio.run(conversation())


_START = "import sys; from hee_monitoring.cli.main import run; sys.exit(run(['-C', sys.argv[1], 'mcp']))"


def test_an_agent_reads_what_stands_decides_and_asks_and_cannot_approve(tmp_path):
    place = worlds.watched(tmp_path / "app", {"a.txt": "a\n"})
    worlds.run_cycle(place, JOBS)
    with Workspace.open(place) as workspace:
        (issue,) = workspace.log.state.issues
    decision = {
        "key": "format.vendor",
        "statement": "--rationale=x",
        "rationale": "checksums",
        "deny_paths": ["vendor/**"],
        "value": "kept",
    }
    names, said = talk(
        place,
        ("state", {}),
        ("state", {"at": "0"}),
        ("issues", {}),
        ("allowed", {}),
        ("record_decision", decision),
        ("record_decision", {**decision, "deny_paths": [], "value": "formatted"}),
        ("decisions", {}),
        ("request_review", {"issue": issue, "question": "is the test right?"}),
        ("request_review", {"issue": "HEE-ISS-none", "question": "?"}),
        (
            "explain",
            {"log": "E       assert 1 == 2\nFAILED tests/test_a.py::test_b - assert 1 == 2\n1 failed in 0.1s\n"},
        ),
        ("state", {"at": "9999"}),
    )
    assert names == ["state", "issues", "decisions", "allowed", "explain", "record_decision", "request_review"]
    now, before, issues, allowed, recorded, again, decisions, asked, nothing, why, never = said
    assert now[1]["hee_monitoring_state"]["current_status"] == "degraded"
    assert before[1]["hee_monitoring_state"]["current_status"] == "operational"
    assert [each["issue_id"] for each in issues[1]["failures"]] == [issue]
    assert allowed[1]["actor"] == "agent:hee"
    assert allowed[1]["capabilities"]["approve"] == {
        "allowed": False, "reason": "the role agent may not approve: only a person may",
    }  # fmt: skip
    assert recorded[1]["recorded"]
    assert again == (False, {"recorded": False, "conflicts": again[1]["conflicts"]})
    assert [row["key"] for row in decisions[1]["items"] if row["key"] == "format.vendor"]
    assert asked[1]["data"]["title"] == "agent:hee asks: is the test right?"
    assert nothing[0]
    assert "is not an open issue" in nothing[1]
    assert why[1]["category"] == "test"
    assert never[0]
    with Workspace.open(place) as workspace:
        (record,) = [each for each in workspace.log.state.decisions.values() if each["key"] == "format.vendor"]
        assert (record["statement"], record["decided_by"]) == ("--rationale=x", "agent:hee")


def test_a_question_needs_words_and_without_the_package_one_sentence_names_the_extra(tmp_path, monkeypatch, capsys):
    place = worlds.watched(tmp_path / "app", {"a.txt": "a\n"})
    worlds.run_cycle(place, JOBS)
    with Workspace.open(place) as workspace:
        (issue,) = workspace.log.state.issues
    assert run(["-C", str(place), "mcp", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["tools"]][-1] == "request_review"
    assert run(["-C", str(place), "alerts", "ask", issue, "--question", " "]) == 2
    assert run(["-C", str(place), "alerts", "ask", issue, "--question", "look?"]) == 0
    assert "asked with event" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    with pytest.raises(ToolMissing, match="needs the package mcp"):
        server(str(place))
