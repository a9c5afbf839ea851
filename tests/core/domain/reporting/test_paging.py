"""Which pages and questions wait for a human follows from the history alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.model.event_data import EventKind
from core.domain.model.event_json import DATA_OF, from_json
from core.domain.model.events import Event, Tone
from core.domain.model.job import JobId
from core.domain.model.move import MoveId
from core.domain.reporting.paging import (
    acknowledgement,
    last_answer,
    next_reminder,
    open_pages,
    open_questions,
    overdue,
    quote,
    quoted,
    taken_with,
)

NOW = datetime(2026, 11, 23, 22, 14, tzinfo=UTC)
PATIENCE = timedelta(minutes=15)


def said(
    number: int, kind: EventKind, minute: int = 0, *, move: int = 1, tone: Tone | None = None, **data: Any
) -> Event:
    at = NOW + timedelta(minutes=minute)
    return Event(
        data=DATA_OF[kind](**data), at=at, job_id=JobId("J1"), move_id=MoveId(move), actor="UEVE", tone=tone, id=number
    )


def page(number: int, minute: int = 0, *, move: int = 1) -> Event:
    return said(number, EventKind.FAILED, minute, move=move, tone=Tone.PAGE, words="No room.")


def taken(number: int, what: Event) -> Event:
    return said(number, EventKind.ACKNOWLEDGED, 5, tone=Tone.LINE, about=quote(what))


def reminder(number: int, *pages: Event) -> Event:
    return said(number, EventKind.ESCALATED, 15, tone=Tone.PAGE, pages=tuple(one.id for one in pages))


def test_a_page_waits_until_somebody_takes_it() -> None:
    """Taken pages and quiet events do not wait; a reminder is no page of its own."""
    first, second = page(1), page(2, move=2)
    quiet = said(3, EventKind.UNMIGRATABLE, tone=Tone.LINE)
    history = [first, second, quiet, taken(4, first), reminder(5, second)]
    assert open_pages(history) == (second,)
    taken_event = acknowledgement(history, 1)
    assert taken_event is not None
    assert taken_event.id == 4


def test_a_page_is_reminded_of_once() -> None:
    """After its time a page is overdue, and never again once a reminder named it."""
    first, second = page(1), page(2, 10)
    assert next_reminder([first, second], PATIENCE) == NOW + PATIENCE
    assert overdue([first, second], NOW + timedelta(minutes=14), PATIENCE) == ()
    assert overdue([first, second], NOW + timedelta(minutes=15), PATIENCE) == (first,)
    history = [first, second, reminder(3, first)]
    assert overdue(history, NOW + timedelta(hours=9), PATIENCE) == (second,)
    assert next_reminder([*history, taken(4, second)], PATIENCE) is None


def test_taking_a_reminder_takes_all_its_pages() -> None:
    """One click is enough for five failures; taking the last page by itself settles the reminder too."""
    pages = [page(number, move=number) for number in (1, 2, 3)]
    history = [*pages, reminder(4, *pages[:2])]
    assert [one.id for one in taken_with(history, 4)] == [1, 2, 4]
    assert [one.id for one in taken_with(history, 1)] == [1]
    assert [one.id for one in taken_with([*history, taken(5, pages[0])], 2)] == [2, 4]
    assert taken_with([*history, taken(5, pages[0])], 1) == ()
    assert taken_with(history, 99) == ()


def test_a_question_is_open_until_it_is_answered_or_moot() -> None:
    """The newest question of a move counts; the end of the move, or of its attempt, closes it."""
    asked = said(1, EventKind.STUCK, text="it stands")
    again = said(3, EventKind.STUCK, 30, text="it still stands")
    other = said(2, EventKind.STUCK, move=2)
    answer = said(4, EventKind.ANSWERED, answer="wait")
    assert open_questions([asked, other, again]) == (again, other)
    assert open_questions([asked, other, again, answer]) == (other,)
    assert open_questions([asked, said(5, EventKind.DONE)]) == ()
    assert open_questions([asked, said(5, EventKind.RETRYING)]) == ()
    assert last_answer([asked, answer], MoveId(1)) == answer.data
    assert last_answer([asked, answer], MoveId(2)) is None


def test_what_an_event_is_about_can_be_said_anew() -> None:
    """An acknowledgement carries its page whole; one that carries nothing readable is about nothing."""
    first = page(1)
    about = quoted(taken(2, first))
    assert about == replace(first, actor="bot", tone=None)
    for broken in (None, {}, {"id": "x"}, {"id": 1, "kind": "nonsense", "at": "never", "data": {}}, 7):
        old = replace(taken(3, first), data=from_json(EventKind.ACKNOWLEDGED, {"about": broken}))
        assert quoted(old) is None
