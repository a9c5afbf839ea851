"""Promises of core.domain.attempt.first_reason, and of how it is said: the first reason beside the last."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.messages.thread_lines import sentence
from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.first_reason import LONGEST, first_reason
from core.domain.attempt.retry import after_failure
from core.domain.model.event_data import Failed, Unmigratable
from core.domain.model.events import event
from core.domain.model.move import Attempt, Fault
from tests.support.builders import NOW, attempt, move

WRAP = "Fehler beim Migrationsvorgang für 'web01' bei Migrationsziel 'HV02'.\n"
BROKEN = WRAP + "Eine vorhandene Verbindung wurde geschlossen (0x80072746)\n"
THERE = WRAP + "Die Datei ist vorhanden. (0x80070050)"
ROOT = "Eine vorhandene Verbindung wurde geschlossen (0x80072746)"


def tried(number: int, words: str, fault: Fault | None = Fault.PASSING, of: int = 1) -> Attempt:
    return replace(attempt(of, fault=fault, host_words=words), number=number)


def test_the_first_reason_is_kept_beside_another_one() -> None:
    """Case 15 of the field: the broken line is the reason; the file it left is what the second try meets."""
    assert first_reason(tried(2, ""), [tried(1, BROKEN)], THERE) == ROOT
    assert first_reason(tried(3, ""), [tried(2, THERE), tried(1, BROKEN)], THERE) == ROOT


@pytest.mark.parametrize(
    "earlier",
    [
        [],
        [tried(1, THERE)],
        [tried(1, "Il file esiste (0x80070050)")],
        [tried(1, BROKEN, fault=Fault.LIMIT)],
        [tried(1, BROKEN, fault=Fault.NEVER_STARTED)],
        [tried(1, "  ")],
        [tried(1, BROKEN, of=2)],
        [tried(3, BROKEN)],
    ],
    ids=["none", "the same", "the same number", "host full", "never started", "no words", "another VM", "later"],
)
def test_there_is_none_where_nothing_else_was_said(earlier: list[Attempt]) -> None:
    """The same reason again, a start that cost nothing, another VM's."""
    assert first_reason(tried(2, ""), earlier, THERE) == ""


def test_a_long_reason_is_clipped() -> None:
    """The whole text is in the history."""
    assert len(first_reason(tried(2, ""), [tried(1, "x" * 500)], THERE)) == LONGEST + 1


@pytest.mark.parametrize("fault", [Fault.OPERATOR, Fault.VM])
def test_people_hear_both(fault: Fault) -> None:
    """The line in the thread and the page say the last reason and the first."""
    said = Diagnosis("leftover", fault, "look", THERE, first=ROOT)
    then = after_failure(move(1), said, now=NOW, tries=2, allowed=3, retry_delay=timedelta(seconds=1))
    assert isinstance(then.data, Failed | Unmigratable)
    assert then.data.first == ROOT
    told = sentence(event(then.data, NOW, move=move(1)), None, move(1))
    assert f"The first try failed otherwise: {ROOT}" in told
    assert told.index("0x80070050") < told.index("0x80072746")
