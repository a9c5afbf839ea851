"""Puts the weekly digest on its way to the channel, and notes in the same transaction until when it tells."""

import logging
from datetime import datetime, timedelta

from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.reporting.insights import insights
from core.domain.reporting.weekly import Weekly, due
from core.engine.recorder import TransitionRecorder
from core.errors import StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

EVERY_S = 60.0
TOLD = "digest"
"""The switch that keeps until when the last digest told."""


class WeeklyDigest:
    """The loop that looks whether a digest is due. ``weekly`` None: nobody wants any."""

    def __init__(self, recorder: TransitionRecorder, clock: Clock, weekly: Weekly | None) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._clock = clock
        self._weekly = weekly

    async def turn(self) -> float:
        """Look once."""
        if self._weekly is not None:
            try:
                await self._look(self._weekly, self._clock.now())
            except StoreError as error:
                log.warning("the digest waits for the database: %s", error)
        return EVERY_S

    async def _look(self, weekly: Weekly, now: datetime) -> None:
        told = _moment(await self._store.switch(TOLD))
        if told is None:
            # From now on: what was before, nobody has asked for.
            await self._store.set_switch(TOLD, weekly.last(now).isoformat())
            return
        digest = due(weekly, now, told)
        if digest is None:
            return
        past = await self._store.past(digest.since, digest.until)
        jobs = await self._store.jobs(limit=1)
        if insights(past).is_empty or not jobs:
            await self._store.set_switch(TOLD, digest.until.isoformat())  # nothing happened: nothing is said
            return
        # What is told belongs to a job: to the newest one, whose history so says when the digest was posted.
        data = event_data.Digest(since=digest.since, until=digest.until)
        await self._store.set_switch(TOLD, digest.until.isoformat(), event(data, now, job=jobs[0]))
        self._recorder.changed(jobs[0].id)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and found.utcoffset() == timedelta(0) else None
