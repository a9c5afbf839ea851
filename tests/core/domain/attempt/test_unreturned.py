"""Promises of core.domain.attempt.unreturned: a command is stayed with while anything speaks for it, and no longer."""

from datetime import timedelta

import pytest

from core.domain.attempt.unreturned import LOOKS, UNSEEN, CommandPatience, Unreturned, look, why_leave
from core.domain.attempt.verification import AttemptResult, Verification
from tests.support.builders import NOW

PATIENCE = CommandPatience(at_rest=timedelta(seconds=45), silence=timedelta(hours=1))
EVERY = timedelta(seconds=5)


def left_after(*outcomes: tuple[AttemptResult, int]) -> float | None:
    """Look every five seconds; return after how many seconds the command is left, None when it is stayed with."""
    seen, now = Unreturned(rest_since=NOW, silent_since=NOW), NOW
    for outcome, looks in outcomes:
        for _ in range(looks):
            now += EVERY
            verdict = Verification(outcome=outcome, reason="so it is")
            seen = look(seen, verdict, now)
            if why_leave(seen, verdict, now, PATIENCE):
                return (now - NOW).total_seconds()
    return None


R = AttemptResult


@pytest.mark.parametrize("outcome", [R.MOVED, R.NOT_MOVED, R.BOTH, R.NEITHER])
def test_a_command_is_left_a_while_after_the_migration_ended(outcome: AttemptResult) -> None:
    """Shown as running, then at rest: left when nothing has moved for the patience."""
    assert left_after((R.RUNNING, 100), (outcome, 1000)) == 500 + 45


def test_a_command_that_shows_nothing_is_given_several_patiences() -> None:
    """Never shown: it may still begin, so it is waited for longer."""
    assert left_after((R.NEVER_STARTED, 1000)) == 45 * UNSEEN


def test_a_running_migration_is_never_left() -> None:
    """However long it takes, and whatever a single look shows in between."""
    assert left_after(*[(R.RUNNING, 50), (R.NEITHER, 2)] * 100) is None


def test_silence_proves_nothing_and_has_a_patience_of_its_own() -> None:
    """A host that cannot be asked: what was counted at rest counts no more; its patience is its own."""
    assert left_after((R.RUNNING, 1), (R.MOVED, 8), (R.UNKNOWN, 100), (R.MOVED, 8)) is None
    assert left_after((R.RUNNING, 1), (R.UNKNOWN, 5000)) == 5 + 3600


def test_few_looks_are_not_enough() -> None:
    """With looks that come seldom, so many of them are needed as well."""
    seen = Unreturned(rest_since=NOW, silent_since=NOW, was_seen=True)
    now, moved = NOW + timedelta(hours=1), Verification(outcome=R.MOVED, reason="there")
    for _ in range(LOOKS - 1):
        seen = look(seen, moved, now)
        assert not why_leave(seen, moved, now, PATIENCE)
    assert why_leave(look(seen, moved, now), moved, now, PATIENCE)
