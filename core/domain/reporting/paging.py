"""Decides which pages and questions still wait for a human, from a job's history alone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.domain.model.events import Event, EventKind, Tone
from core.domain.model.move import MoveId

END_OF_ATTEMPT = frozenset(
    {EventKind.MOVED, EventKind.DONE, EventKind.RETRYING, EventKind.FAILED, EventKind.UNMIGRATABLE}
    | {EventKind.CANCELLED, EventKind.LOST}
)
"""After these nothing stands still any more."""


def quote(event: Event) -> dict[str, Any]:
    """Write an event into the data of a later one that is about it, so that its message can be said anew."""
    return {"id": event.id, "kind": event.kind.value, "at": event.at.isoformat(), "data": dict(event.data)}


def quoted(event: Event) -> Event | None:
    """Read the event that an acknowledgement or an answer is about; None when it says nothing of one."""
    about = event.data.get("about")
    if not isinstance(about, Mapping):
        return None
    try:
        kind, at = EventKind(str(about["kind"])), datetime.fromisoformat(str(about["at"]))
        return Event(kind, at, event.job_id, event.move_id, data=dict(about["data"]), id=int(about["id"]))
    except (KeyError, ValueError, TypeError):
        return None


def open_questions(history: Sequence[Event]) -> tuple[Event, ...]:
    """Find the moves that stand still and whose question nobody answered; of each move the newest."""
    asked: dict[MoveId | None, Event] = {}
    for event in history:
        if event.kind is EventKind.STUCK:
            asked[event.move_id] = event
        elif event.kind is EventKind.ANSWERED or event.kind in END_OF_ATTEMPT:
            asked.pop(event.move_id, None)
    return tuple(asked.values())


def last_answer(history: Sequence[Event], move_id: MoveId) -> Event | None:
    """Find the newest answer about a move."""
    answers = [event for event in history if event.kind is EventKind.ANSWERED and event.move_id == move_id]
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
    reminded = set(page.data.get("pages") or ()) if page.kind is EventKind.ESCALATED else set()
    taken = [one for one in open_pages(history) if one.id == page_id or one.id in reminded]
    left = {one.id for one in open_pages(history)} - {one.id for one in taken}
    for reminder in history:
        if reminder.kind is not EventKind.ESCALATED or acknowledgement(history, reminder.id) is not None:
            continue
        if reminder.id == page_id or not left & set(reminder.data.get("pages") or ()):
            taken.append(reminder)
    return tuple(taken)


def overdue(history: Sequence[Event], now: datetime, patience: timedelta) -> tuple[Event, ...]:
    """Find the pages that waited too long and that nobody was reminded of."""
    return tuple(page for page in _unreminded(history) if now - page.at >= patience)


def next_reminder(history: Sequence[Event], patience: timedelta) -> datetime | None:
    """Say when the next page will have waited too long."""
    return min((page.at + patience for page in _unreminded(history)), default=None)


def _unreminded(history: Sequence[Event]) -> list[Event]:
    reminded = {one for event in history if event.kind is EventKind.ESCALATED for one in event.data.get("pages") or ()}
    return [page for page in open_pages(history) if page.id not in reminded]
