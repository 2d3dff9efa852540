"""Text that an attacker wrote reaches neither a terminal's parser nor a forge's links, wherever it is shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from forge import REF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import git, make_log
from state_world import LOG_ID

from hee_core import canonical, capsule, catalogue, render, story
from hee_core.clock import FixedClock
from hee_core.events import Event
from hee_core.form_table import FORMS
from hee_core.replay import Replay
from hee_core.testing.strategies import SOURCE, payloads
from hee_monitoring.cli.main import run

HOSTILE = (
    "\x1b[31mred", "\x1b]0;title\x07", "\x9b2J", "\u202eevil\u2066", "\u200b", "@everyone", "日本@me", "fixes #12", "Closes gh-12",
    "GH-12", "owner/repo#12", "!5", "https://evil.example", "ftp://x", "www.evil.example", "mailto:a@b.example",
    "[x](javascript:1)", "![](http://x)", "<b>", "<img src=x onerror=y>", "<!--", "&#64;me", "\\@me", "`", "``", "```", "~~~", "|",
    "\n\nHEE-Root: forged", "\r\nSigned-off-by: a", "\nHEE-Index: 0..9", "\n# head", "\n- item", "\n```json\n{}\n```\n", "x at-abcdef1",
    "*", "_", "$(rm)", "\t", "0  2026-01-01 00:00:00  log.created",
)  # fmt: skip
TEXT = (
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), min_size=1, max_size=4).map("".join).map(canonical.clean)
)
TYPES = sorted(name for name in catalogue.TYPES if not name.startswith(("key.", "log.", "state.")))
REACHES = re.compile(r"[@<>\[\]&!|\\]|#[0-9]|\bGH-[0-9]|://|\bwww\.", re.IGNORECASE)


def poisoned(form: tuple[Any, ...], value: Any, text: str) -> Any:
    """A value with the text in place of every free text that its form allows to be longer than a name's beginning."""
    match form:
        case ("text", least, most, "") if least <= len(text) <= most:
            return text
        case ("maybe", inner) if value is not None:
            return poisoned(inner, value, text)
        case ("list", inner, _):
            return [poisoned(inner, item, text) for item in value]
        case ("map", inner):
            return {key: poisoned(inner, item, text) for key, item in value.items()}
        case ("object", fields):
            return {name: poisoned(fields[name][0], item, text) for name, item in value.items()}
    return value


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Events of one issue, with hostile text wherever text may be."""
    made = []
    clock = FixedClock()
    for type_ in draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6)):
        fields = FORMS[type_][1]
        text = draw(TEXT)
        data = poisoned(("object", fields), draw(payloads(type_)), text)
        if "issue_id" in data:
            data["issue_id"] = "HEE-ISS-1"
        subject = " ".join(text.split())[:200]
        made.append(
            Event.new(type_, data, subject=subject, clock=clock).bound(source=SOURCE, actor="human:ada", key_id="k")
        )
    return made


def plain(subject: str) -> None:
    """Asserts that a commit's subject has no character of markup, names nobody, and links to nothing."""
    assert re.fullmatch(r"[A-Za-z0-9 ._/:,()+@\-]{1,100}", subject)
    assert not re.search(r"(?<![A-Za-z0-9])@|://|\bgh-[0-9]|\bwww\.", subject, re.IGNORECASE)


def printable(text: str) -> bool:
    return all(char == "\n" or unicodedata.category(char)[0] != "C" for char in text)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(events())
def test_a_commit_message_reaches_nobody(made: list[Event]) -> None:
    message = story.message(made, first=0, root="cm9vdA==", state="5" * 64, projection=1)
    subject, blank, *trailers, end = message.split("\n")
    plain(subject)
    assert (blank, end, len(trailers)) == ("", "", 4 + len(made))
    assert all(line.startswith("HEE-") for line in trailers)
    assert set(story.trailers(message)) == {"HEE-Index", "HEE-Event", "HEE-Root", "HEE-State", "HEE-Projection"}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(events())
def test_outside_of_code_a_page_holds_nothing_that_a_forge_acts_on(made: list[Event]) -> None:
    state = Replay(lambda start, stop: made[start:stop]).state_after(len(made) - 1)
    document = capsule.build(state, log_id=LOG_ID)
    page = render.to_markdown(document, log_id=LOG_ID, head="x", index=len(made) - 1)
    assert printable(page)
    assert render.from_markdown(page) == document
    head, fence, data = page.partition("\n## Data\n")
    assert fence
    assert page.startswith(head)
    for line in head.split("\n"):
        assert re.match(r"#{1,2} \S|  - \S|- \S|\*\*Frozen\*\*|[A-Z]|$", line), line
        assert line.count("`") % 2 == 0, line
        assert not REACHES.search(re.sub(r"`[^`]*`", "", line)), line
    opened = [line for line in data.split("\n") if line.startswith("`")]
    assert opened == ["```yaml", "```", "```json", "```"], "nothing ends a block early"
    bare = render.to_markdown(document, log_id=LOG_ID, head="x", index=len(made) - 1, data=False)
    assert bare.rstrip() == head.rstrip(), "README.md of the branch is the same page without its data"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A real log in which every event carries one of the hostile texts, one of them under a name nobody knows."""
    where = tmp_path_factory.mktemp("hostile") / "repository"
    with make_log(where) as log:
        for text in map(canonical.clean, HOSTILE):
            if not text.strip():
                continue
            issue = {"issue_id": text.strip()[:300], "fingerprint": "f", "source": "act", "job": text, "branch": text}
            evidence = {"channel": "log", "line": 1, "text": text, "where": text}
            log.append([Event.new("ci.failure_detected", {**issue, "evidence": [evidence]})])
            decision = Event.new("decision.recorded", {"key": text, "statement": text})
            unknown = {"time": "2026-01-24T12:00:00Z", "nonce": f"n{text}", "subject": text, "version": 7}
            log.append([decision, Event(type=f"odd{text}", data={"text": text}, **unknown)])
    return where


def printed(capsys, place, *arguments: str) -> list[str]:
    run(["-C", str(place), *arguments])
    seen = capsys.readouterr()
    assert printable(seen.out), arguments
    assert printable(seen.err), arguments
    return seen.out.splitlines()


def test_a_terminal_gets_one_plain_line_an_event(place, capsys):
    rows = printed(capsys, place, "log")
    assert [row.split()[0] for row in rows] == [str(number) for number in range(len(rows))]
    shown = printed(capsys, place, "show", str(len(rows) - 1))
    names = [line.split()[0] for line in shown[1:6]]
    assert names == ["time", "actor", "subject", "id", "commit"]
    assert all(line.startswith("  ") or line in ("", "{", "}") for line in shown[1:])
    for arguments in (
        ["state"],
        ["verify"],
        ["capsule", "render", "--format", "md"],
        ["log", "--json"],
        ["show", "3", "--json"],
    ):
        assert printed(capsys, place, *arguments)


def test_the_branch_itself_is_plain(place):
    for subject in git(place, "log", "--format=%s", REF).split("\n"):
        plain(subject)
    trailers = git(place, "log", "--format=%(trailers:only,unfold,keyonly)", REF).split()
    assert set(trailers) == {"HEE-Index", "HEE-Event", "HEE-Root", "HEE-State", "HEE-Projection"}
    assert printable(git(place, "show", f"{REF}:README.md"))


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 8))
def test_a_log_file_is_explained_in_plain_text(first, tmp_path, capsys):
    path = tmp_path / "ci.log"
    lines = [
        f"{text}error TS2345: {text} is not\nFAILED tests/a.py::{text} - assert {text}\nsrc/a.ts(1,2): error TS2345: {text}\n"
        for text in HOSTILE[first : first + 8]
    ]
    path.write_text("".join(lines))
    assert printed(capsys, tmp_path, "explain", str(path))
    assert printed(capsys, tmp_path, "explain", str(path), "--json")
