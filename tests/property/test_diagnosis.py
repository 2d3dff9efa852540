"""Promises of the diagnosis that hold for any input."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hee_core.canonical import is_clean
from hee_monitoring.classify import explain_log
from hee_monitoring.database import PatternDB
from hee_monitoring.fingerprint import fingerprint, normalize
from hee_monitoring.joblog import read
from hee_monitoring.redact import redact

DB = PatternDB.load()
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = st.sampled_from(
    [
        b"##[group]Run x\n", b"##[endgroup]\n", b"##[error]", b"\r", b"\r\n", b"\n", b"\x1b[31m", b"E   assert 1 == 2\n",
        b"2026-01-24T12:00:00.1234567Z ", b"a\tb\t", b"[ci.yml/x]   | ", b"\xff", b"\x00", b"plain ", b"[command]", b"#1 2.3 ",
        "äöü✓".encode(), b"password=x ", b"Finished: SUCCESS\n", b"Finished: FAILURE\n",
    ]
)  # fmt: skip
LOGS = st.lists(st.one_of(PIECES, st.binary(max_size=12)), max_size=60).map(b"".join)


def universal_lines(data: bytes) -> int:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n")


@QUICK
@given(LOGS, st.integers(8, 200))
def test_cleaning_keeps_every_line_whatever_the_size_of_a_segment(data: bytes, size: int) -> None:
    log = read(data)
    if log.encoding != "utf-8":
        return
    total, line = 0, 1
    for segment in log.segments(size):
        assert segment.first_line == line
        line += segment.text.count(b"\n")
        total += segment.text.count(b"\n")
        assert all(segment.first_line <= mark.line <= line for mark in segment.marks)
    assert total == universal_lines(data)


@QUICK
@given(LOGS)
def test_any_log_is_explained_the_same_way_twice_with_clean_evidence(data: bytes) -> None:
    found = explain_log(data, DB)
    assert found == explain_log(data, DB)
    assert found.category in {pattern.category for pattern in DB} | {"unknown", "none"}
    assert 0 <= found.confidence <= 10_000
    for evidence in found.evidence:
        assert is_clean(evidence.text)
        assert 0 <= evidence.line <= universal_lines(data) + 1


@QUICK
@given(st.text(max_size=200))
def test_redaction_and_normalization_are_idempotent(text: str) -> None:
    assert redact(redact(text)) == redact(text)
    assert normalize(normalize(text)) == normalize(text)


SECRETISH = st.lists(
    st.sampled_from(
        [
            "password",
            "=",
            ":",
            " ",
            "token",
            "https://u:p@h",
            "[REDACTED]",
            "Bearer ",
            "x" * 20,
            '"',
            "ghp_" + "a" * 36,
            "@",
            "/",
        ]
    ),
    max_size=12,
).map("".join)


@QUICK
@given(SECRETISH)
def test_redaction_is_idempotent_on_what_looks_like_secrets(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
    assert "ghp_" + "a" * 36 not in once


@QUICK
@given(
    st.integers(0, 10**9),
    st.integers(1, 10**6),
    st.sampled_from(["repo", "other"]),
    st.sampled_from(["a1b2c3d", "0f9e8d7c6b5a"]),
)
def test_a_fingerprint_does_not_depend_on_run_machine_or_time(number: int, line: int, repo: str, commit: str) -> None:
    text = (
        f"/home/runner/work/{repo}/{repo}/src/a.py:{line}: error at 2026-01-24T12:00:{number % 60:02}Z in /tmp/x{number}/y on "
        f"fv-az{number} commit {commit} after {number}ms port 10.0.0.{number % 255}:{number % 9999}"
    )
    fixed = (
        "/home/runner/work/repo/repo/src/a.py:7: error at 2026-01-24T12:00:01Z in /tmp/x1/y on fv-az1 commit a1b2c3d after 5ms "
        "port 10.0.0.1:80"
    )
    assert fingerprint("HEE-PAT-190", {}, text) == fingerprint("HEE-PAT-190", {}, fixed)


@QUICK
@given(
    st.sampled_from(["E501", "test_a2", "F401", "KeyError"]), st.sampled_from(["E502", "test_a3", "W605", "TypeError"])
)
def test_a_fingerprint_tells_names_apart(one: str, two: str) -> None:
    assert fingerprint("HEE-PAT-190", {"rule": one}) != fingerprint("HEE-PAT-190", {"rule": two})
    assert fingerprint("HEE-PAT-190", {"rule": one}) != fingerprint("HEE-PAT-191", {"rule": one})
