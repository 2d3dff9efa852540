"""Secrets by their shape; the tokens here are made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hee_core.canonical import is_clean
from hee_monitoring.redact import publishable, redact

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


@pytest.mark.spec("SEED-092")
@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u00ad", "\ufeff", "\u2060", "\ufe0f", "\u034f", "\u3164", "\U000e0041", "\U000e0101", "\x00", "\x1b[31m", "\x9b1m"],
)  # fmt: skip
@pytest.mark.parametrize("token", TOKENS[:12])
def test_a_character_that_is_not_drawn_hides_no_secret(token: str, hidden: str) -> None:
    middle = len(token) // 2
    shown = publishable(f"before {token[:3]}{hidden}{token[3:middle]}{hidden}{token[middle:]} after")
    assert shown == "before [REDACTED] after"


def test_text_without_a_secret_keeps_what_it_is_drawn_with() -> None:
    assert (
        publishable("\u26a0\ufe0f co\u00adoperate, a token of thanks")
        == "\u26a0\ufe0f co\u00adoperate, a token of thanks"
    )


def test_a_cut_leaves_no_part_of_a_secret() -> None:
    for length in range(1, 120):
        text = publishable("x" * length + " " + TOKENS[0] + " and more words after it", limit=100)
        assert "a1B2" not in text
        assert len(text) <= 100


PIECES = st.sampled_from(
    ["password=", "hunter2", " ", TOKENS[0], TOKENS[3], "https://a:", "b@c", "\u200b", "e\u0301", "\n", "--token ", "[RED", "]", "x" * 30]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join), st.integers(12, 120))
def test_what_is_publishable_is_clean_short_enough_and_stays_as_it_is(text: str, limit: int) -> None:
    shown = publishable(text, limit=limit)
    assert len(shown) <= limit
    assert is_clean(shown)
    assert redact(shown) == shown
    assert publishable(shown, limit=limit) == shown
    assert TOKENS[0][:12] not in shown
