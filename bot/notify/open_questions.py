"""Keeps the questions about moves that still have their buttons, and says which a later event makes moot."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from core.domain.model.event_data import EventKind
from core.domain.model.events import Event, Notice
from core.domain.model.job import JobId
from core.domain.reporting.paging import END_OF_ATTEMPT, open_questions
from core.errors import MigrateBotError

if TYPE_CHECKING:
    from core.domain.model.move import MoveId

log = logging.getLogger(__name__)

History = Callable[[JobId], Awaitable[Sequence[Event]]]

_SETTLING = frozenset({EventKind.STUCK, EventKind.ANSWERED, *END_OF_ATTEMPT})


class OpenQuestions:
    """The open question of each move; what an earlier process asked is read once from its job's history."""

    def __init__(self, history: History | None = None) -> None:
        self._history = history
        self._asked: dict[MoveId, Event] = {}
        self._read: set[JobId] = set()

    async def made_moot_by(self, notice: Notice) -> Event | None:
        """Return the question that this event of its move makes moot; an answer does that by itself, so never then."""
        event, move_id = notice.event, notice.event.move_id
        if event.kind is EventKind.FINISHED:
            self._read.discard(notice.job.id)
        if move_id is None or event.kind not in _SETTLING:
            return None
        await self._recall(notice)
        asked = self._asked.pop(move_id, None)
        if event.kind is EventKind.STUCK:
            self._asked[move_id] = event
        is_moot = asked is not None and event.kind is not EventKind.ANSWERED and asked.id != event.id
        return asked if is_moot else None

    async def _recall(self, notice: Notice) -> None:
        """Read which questions of the job were open before this event: an earlier process may have asked them."""
        job_id = notice.job.id
        if self._history is None or job_id in self._read:
            return
        try:
            history = await self._history(job_id)
        except MigrateBotError as error:
            log.warning("questions of %s that were asked earlier keep their buttons for now: %s", job_id, error.message)
            return
        self._read.add(job_id)
        earlier = open_questions([event for event in history if event.id < notice.id])
        self._asked |= {event.move_id: event for event in earlier if event.move_id is not None}
