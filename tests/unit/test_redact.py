"""Secrets by their shape; the tokens here are made up."""

from __future__ import annotations

import pytest

from hee_monitoring.redact import redact

TOKENS = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 5,
    "glpat-" + "x" * 20,
    "AKIA" + "ABCDEFGH12345678",
    "xoxb-" + "123456789012-abcdef",
    "npm_" + "a" * 36,
    "pypi-" + "A" * 60,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def",
    "AIza" + "B" * 35,
    "sk_live_" + "a" * 24,
    "sk-" + "a" * 40,
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\ncut off here",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_replaced_whole(token: str) -> None:
    assert redact(f"before {token} after") in {"before [REDACTED] after", "before [REDACTED]"}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://user:hunter2@example.com/x", "https://user:[REDACTED]@example.com/x"),
        ("password=hunter2 next", "password=[REDACTED] next"),
        ('"api_key": "abc123"', '"api_key": "[REDACTED]"'),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: [REDACTED]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [REDACTED]"),
        ("mysql --password hunter2 -u x", "mysql --password [REDACTED] -u x"),
    ],
)
def test_a_value_is_replaced_and_its_name_stays(text: str, clean: str) -> None:
    assert redact(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "E   assert 1 == 2",
        "tests/test_auth.py::test_token PASSED",
        "https://example.com/a:b",
        "3 passed in 0.1s",
        "key error",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str) -> None:
    assert redact(text) == text
