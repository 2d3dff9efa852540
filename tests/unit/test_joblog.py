"""Logs as they really arrive: encodings, prefixes, echoes; lines keep their numbers."""

from __future__ import annotations

import gzip

import pytest

from hee_monitoring.joblog import Mark, read


def lines(data: bytes, size: int = 1 << 20) -> list[str]:
    return b"".join(segment.text for segment in read(data).segments(size)).decode("utf-8", "replace").split("\n")


def test_a_timestamp_and_colours_are_stripped() -> None:
    assert lines(b"2026-01-24T12:00:00.1234567Z \x1b[36;1mhello\x1b[0m\n") == ["hello", ""]


@pytest.mark.parametrize(
    "line",
    [
        b"[2026-01-24T12:00:00.123Z] text",
        b"2026-01-24T12:00:00.123456Z 00O text",
        b"[task 2026-01-24T12:00:00.123Z] 12:00:00     INFO - text",
        b"[task 2026-01-24T12:00:00.123Z] text",
        b"[taskcluster:error] text",
        b"#12 3.456 text",
        b"\xef\xbb\xbf2026-01-24T12:00:00.1234567Z text",
        b"web_1  | text",
        b"\x1b[8mha:////4AAAA==\x1b[0mtext",
    ],
)
def test_what_a_runner_writes_before_a_line_is_stripped(line: bytes) -> None:
    assert lines(line + b"\nnext [INFO] x\n")[0].strip() == "text"


def test_a_line_ends_at_lf_crlf_or_cr() -> None:
    assert lines(b"a\r\nb\rc\nd") == ["a", "b", "c", "d"]


def test_utf_16_is_read_with_and_without_a_mark() -> None:
    text = "eins\nzwei äöü\n" * 20
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert lines(text.encode(encoding))[1] == "zwei äöü"
        assert len(lines(text.encode(encoding), size=8)) == 41


def test_bytes_that_are_no_utf_8_do_not_stop_the_reading() -> None:
    assert lines(b"caf\xe9 \xff\xfe\nok\n")[1] == "ok"


def test_binary_is_told_from_text() -> None:
    assert read(gzip.compress(b"x" * 1000)).binary
    assert read(bytes(range(256)) * 40).binary
    assert list(read(b"PK\x03\x04" + b"x" * 100).segments()) == []
    assert not read("naïve text ✓\n".encode()).binary


def test_emptiness_is_known() -> None:
    assert read(b"").empty
    assert read(b"\r\n \n").empty
    assert read(b" " * 100_000).empty
    assert not read(b"\n\nx").empty


def test_the_script_of_a_step_is_blanked_and_its_lines_counted() -> None:
    log = b"one\n##[group]Run echo ERROR: boom\n\x1b[36;1mecho ERROR: boom\x1b[0m\nshell: bash\n##[endgroup]\nafter\n"
    segment = next(read(log).segments())
    assert segment.text.split(b"\n") == [b"one", b"", b"", b"", b"", b"after", b""]
    assert [(mark.line, mark.step) for mark in segment.marks] == [(2, "echo ERROR: boom")]


def test_an_echo_that_is_cut_by_a_segment_stays_blank() -> None:
    log = b"##[group]Run a\n" + b"ERROR: no\n" * 50 + b"##[endgroup]\nreal\n"
    assert [line for line in lines(log, size=64) if line] == ["real"]


def test_an_echo_that_never_ends_stops_at_the_next_group() -> None:
    assert "real" in lines(b"##[group]Run a\nscript\n##[group]Other\nreal\n")


def test_commands_warnings_and_debug_lines_are_blanked() -> None:
    log = b"[command]/usr/bin/git x\n##[debug]ERROR\n##[warning]ERROR\n+ echo ERROR\n$ ERROR\nkept\n"
    assert lines(log) == ["", "", "", "", "", "kept", ""]


def test_lines_marked_as_errors_are_known_and_lose_the_mark() -> None:
    segment = next(
        read(b"a\n##[error]Process completed with exit code 1.\n::error file=a.py,line=3::boom\n").segments()
    )
    assert segment.errors == (2, 3)
    assert segment.text.split(b"\n")[1:3] == [b"Process completed with exit code 1.", b"boom"]


def test_gh_prefixes_name_job_and_step() -> None:
    stamp = b"2026-01-24T12:00:00.1234567Z "
    log = b"lint\tcheckout\t" + stamp + b"a\nlint\truff\t" + stamp + b"b\ntest\tpytest\t" + stamp + b"c\n"
    segment = next(read(log).segments())
    assert segment.text == b"a\nb\nc\n"
    names = [(mark.line, mark.job, mark.step) for mark in segment.marks]
    assert names == [(1, "lint", "checkout"), (2, "lint", "ruff"), (3, "test", "pytest")]


def test_an_echo_in_a_gh_log_belongs_to_its_job() -> None:
    head = b"lint\tx\t2026-01-24T12:00:00.1234567Z "
    segment = next(read(head + b"##[group]Run a\n" + head + b"a\n" + head + b"##[endgroup]\n").segments())
    assert {mark.job for mark in segment.marks} == {"lint"}


def test_act_prefixes_name_job_and_step() -> None:
    log = "[ci.yml/lint] 🚀  Start image=x\n[ci.yml/lint] ⭐ Run Main ruff\n[ci.yml/lint]   | a.py:1:1: F401\n".encode()
    log += "[ci.yml/lint]   ❌  Failure - Main ruff [1s]\n".encode()
    segment = next(read(log).segments())
    assert segment.text.decode().split("\n")[2:4] == ["a.py:1:1: F401", "❌  Failure - Main ruff [1s]"]
    assert ("ci.yml/lint", "ruff") in {(mark.job, mark.step) for mark in segment.marks}


def test_azure_sections_are_steps() -> None:
    segment = next(read(b"##[section]Starting: Build\nx\n##[section]Starting: Test\n").segments())
    assert [(mark.line, mark.step) for mark in segment.marks] == [(1, "Build"), (3, "Test")]


def test_the_commands_of_travis_are_steps() -> None:
    data = b"travis_time:start:1\n$ make deps\nx\ntravis_time:end:1\ntravis_time:start:2\n$ make test\n"
    (segment,) = read(data).segments()
    assert segment.marks == (Mark(1, "", "make deps"), Mark(5, "", "make test"))


def test_a_line_longer_than_a_segment_is_cut_and_still_counted_once() -> None:
    log = b"x" * 10_000 + b"\nsecond\n"
    segments = list(read(log).segments(1000))
    assert max(len(segment.text) for segment in segments) <= 2001
    assert segments[-1].first_line + segments[-1].text.count(b"\n") == 3


def test_echoes_that_never_end_cost_linear_time() -> None:
    segment = next(read(b"##[group]Run x\n" * 30_000).segments())
    assert len(segment.marks) == 30_000
    assert not segment.text.strip()
