"""Decides which pages and questions still wait for a human, from a job's history alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.domain.model.event_data import Acknowledged, Answered, Escalated, EventKind, Quote
from core.domain.model.event_json import from_json, to_json
from core.domain.model.events import Event, Tone
from core.domain.model.move import MoveId

END_OF_ATTEMPT = frozenset(
    {EventKind.MOVED, EventKind.DONE, EventKind.RETRYING, EventKind.FAILED, EventKind.UNMIGRATABLE}
    | {EventKind.CANCELLED, EventKind.LOST}
)
"""After these nothing stands still any more."""


def quote(event: Event) -> Quote:
    """Write an event into the data of a later one that is about it, so that its message can be said anew."""
    return Quote(id=event.id, kind=event.kind, at=event.at, data=to_json(event.data))


def quoted(event: Event) -> Event | None:
    """Read the event that an acknowledgement or an answer is about; None when it says nothing of one."""
    about = event.data.about if isinstance(event.data, Acknowledged | Answered) else None
    if about is None:
        return None
    return Event(
        data=from_json(about.kind, about.data), at=about.at, job_id=event.job_id, move_id=event.move_id, id=about.id
    )


def open_questions(history: Sequence[Event]) -> tuple[Event, ...]:
    """Find the moves that stand still and whose question nobody answered; of each move the newest."""
    asked: dict[MoveId | None, Event] = {}
    for event in history:
        if event.kind is EventKind.STUCK:
            asked[event.move_id] = event
        elif event.kind is EventKind.ANSWERED or event.kind in END_OF_ATTEMPT:
            asked.pop(event.move_id, None)
    return tuple(asked.values())


def last_answer(history: Sequence[Event], move_id: MoveId) -> Answered | None:
    """Find the newest answer about a move."""
    answers = [event.data for event in history if isinstance(event.data, Answered) and event.move_id == move_id]
    return answers[-1] if answers else None


def acknowledgement(history: Sequence[Event], page_id: int) -> Event | None:
    """Find who took a page."""
    for event in history:
        if event.kind is EventKind.ACKNOWLEDGED and (about := quoted(event)) is not None and about.id == page_id:
            return event
    return None


def open_pages(history: Sequence[Event]) -> tuple[Event, ...]:
    """Find the pages that nobody has taken yet, reminders left out, oldest first."""
    pages = [event for event in history if event.tone is Tone.PAGE and event.kind is not EventKind.ESCALATED]
    return tuple(page for page in pages if acknowledgement(history, page.id) is None)


def taken_with(history: Sequence[Event], page_id: int) -> tuple[Event, ...]:
    """Find what somebody takes who takes this page: the page, or a reminder with every page it reminds of."""
    page = next((event for event in history if event.id == page_id and event.tone is Tone.PAGE), None)
    if page is None or acknowledgement(history, page_id) is not None:
        return ()
    reminded = set(page.data.pages) if isinstance(page.data, Escalated) else set()
    taken = [one for one in open_pages(history) if one.id == page_id or one.id in reminded]
    left = {one.id for one in open_pages(history)} - {one.id for one in taken}
    for reminder in history:
        if not isinstance(reminder.data, Escalated) or acknowledgement(history, reminder.id) is not None:
            continue
        if reminder.id == page_id or not left & set(reminder.data.pages):
            taken.append(reminder)
    return tuple(taken)


def overdue(history: Sequence[Event], now: datetime, timeout: timedelta) -> tuple[Event, ...]:
    """Find the pages that waited too long and that nobody was reminded of."""
    return tuple(page for page in _unreminded(history) if now - page.at >= timeout)


def next_reminder(history: Sequence[Event], timeout: timedelta) -> datetime | None:
    """Say when the next page will have waited too long."""
    return min((page.at + timeout for page in _unreminded(history)), default=None)


def _unreminded(history: Sequence[Event]) -> list[Event]:
    reminded = {one for event in history if isinstance(event.data, Escalated) for one in event.data.pages}
    return [page for page in open_pages(history) if page.id not in reminded]
