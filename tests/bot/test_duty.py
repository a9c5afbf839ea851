"""How soon another bot takes over: what bounds it are the pauses of both bots and of the server, added up."""

from bot.duty import TRY_EVERY_S
from core.store import dialects

WITHIN_S = 10.0
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
