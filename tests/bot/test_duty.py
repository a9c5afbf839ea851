"""How soon another bot takes over: what bounds it are the pauses of both bots and of the server, added up."""

import asyncio

import pytest

from bot.duty import CLOSES_WITHIN_S, TRY_EVERY_S, Phase, leave
from bot.handlers.background import ANSWERS_WITHIN_S
from core.store import dialects

WITHIN_S = 10.0
HANDS_OVER_WITHIN_S = 2.0
TO_OPEN_S = 2.0
"""For logging on and reading what is open; it took less than a second with two bots at work on two cores."""


def test_a_silent_leader_is_replaced_within_ten_seconds() -> None:
    """Promise 15: the server ends a session that keeps silent, and the other bot tries again soon after."""
    assert dialects.SILENCE_S + TRY_EVERY_S + TO_OPEN_S < WITHIN_S
    assert {dialects._WRITING_SESSION[f"idle_{what}session_timeout"] for what in ("", "in_transaction_")} == {
        1000 * dialects.SILENCE_S
    }


def test_a_leader_that_lives_is_not_taken_for_silent() -> None:
    """Between two proofs of life there is time for several more."""
    assert 3 * dialects.PROOF_EVERY_S < dialects.SILENCE_S


def test_a_dead_line_is_given_up_before_the_other_one_leads() -> None:
    """Whoever gets no answer gives up while the server still waits for it."""
    assert dialects.PROOF_WITHIN_S < dialects.SILENCE_S


def test_a_leader_that_is_asked_to_stop_keeps_nobody_waiting_for_two_seconds() -> None:
    """All that waits before the database is free, and until the other bot tries again; the rest is the machine's."""
    assert CLOSES_WITHIN_S + ANSWERS_WITHIN_S + TRY_EVERY_S < HANDS_OVER_WITHIN_S


async def test_a_door_that_does_not_close_keeps_the_database_from_nobody() -> None:
    """A step that hangs goes on beside the next ones; one that breaks keeps none from being taken, and is raised."""
    freed, taken = asyncio.Event(), []

    async def closes() -> None:
        await freed.wait()
        taken.append("door")

    async def breaks() -> None:
        raise OSError("no such door")

    async def frees() -> None:
        taken.append("database")
        freed.set()

    with pytest.raises(OSError, match="no such door"):
        await leave(Phase(0.0, (closes, breaks)), Phase(None, (frees,)))
    assert taken == ["database", "door"]
