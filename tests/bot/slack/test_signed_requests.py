"""Whose a request is, told from its headers and bytes alone."""

from datetime import UTC, datetime

import pytest

from bot.slack.signed_requests import HEARD, OTHER_SECRET, UNSIGNED, judge
from lab.slack.transport.http_mode import signature

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = str(int(NOW.timestamp()))
BODY = b"payload=%7B%7D"


def headers(at: str = AT, signed_with: str = "right") -> dict[str, str]:
    return {"x-slack-request-timestamp": at, "X-Slack-Signature": signature(signed_with, at, BODY)}


def test_slacks_own_are_heard() -> None:
    """Well signed and of this minute."""
    assert judge(headers(), BODY, "right", NOW) == HEARD


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "١٢"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": AT},
        {"X-Slack-Request-Timestamp": AT, "X-Slack-Signature": "v0=é"},
    ],
)
def test_what_is_not_signed_is_known_without_its_body(odd: dict[str, str]) -> None:
    """Missing, empty or impossible headers."""
    assert judge(odd, b"\xff\xfe", "right", NOW) == UNSIGNED


def test_a_wrong_secret_is_told_from_a_wrong_clock() -> None:
    """A wrong signature is the secret, whatever the time; a right one at another time is the clock."""
    assert judge(headers(signed_with="other"), BODY, "right", NOW) == OTHER_SECRET
    for minutes, words in ((-7, "7 min ahead of Slack"), (7, "7 min behind Slack")):
        at = str(int(NOW.timestamp()) + minutes * 60)
        verdict = judge(headers(at), BODY, "right", NOW)
        assert not verdict.is_heard
        assert words in verdict.why
        assert judge(headers(at, "other"), BODY, "right", NOW) == OTHER_SECRET
