"""One person cannot keep everybody's bot busy."""

from datetime import timedelta

import pytest

from bot.handlers.personal_limit import PersonalLimit
from core.errors import NotAllowed
from tests.support.view_builders import JumpClock


def test_so_many_in_any_minute() -> None:
    """The next one is refused until the first is a minute old; others are not concerned."""
    clock = JumpClock()
    limit = PersonalLimit(3, clock)
    for _ in range(3):
        limit.note("U1")
        clock.at += timedelta(seconds=10)
    with pytest.raises(NotAllowed, match="more than 3"):
        limit.note("U1")
    limit.note("U2")
    clock.at += timedelta(seconds=30)
    limit.note("U1")
    with pytest.raises(NotAllowed):
        limit.note("U1")


def test_no_limit() -> None:
    """Zero is any number."""
    limit = PersonalLimit(0, JumpClock())
    for _ in range(1000):
        limit.note("U1")
