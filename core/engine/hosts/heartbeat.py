"""Writes a heartbeat, so that downtime of the bot does not count as a VM's backup."""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.domain.model.move import Move
from core.domain.model.units import span
from core.errors import StoreError
from core.ports import Clock, Store

if TYPE_CHECKING:
    from core.domain.model.job import JobId

log = logging.getLogger(__name__)

WATCHED = "watched_at"
"""The switch that holds when the bot last watched while the clock of a busy VM ran."""

BEAT_S = 30.0


class Heartbeat:
    """The time at which the bot last watched.

    ``timeout``: after how long a downtime what a VM is busy with is taken for something new. ``is_needed`` says whether
    the clock of a busy VM runs.
    """

    def __init__(self, store: Store, clock: Clock, timeout: timedelta, is_needed: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._timeout = timeout
        self._is_needed = is_needed

    async def look_back(self) -> None:
        """Let the clocks of busy VMs begin anew if nobody has watched for too long: another backup may run now."""
        try:
            clocked = [move for move in await self._store.moves(open_only=True) if move.busy_since]
            unwatched = await self._unwatched(clocked)
            if unwatched > self._timeout:
                log.info("nobody watched for %s: the clocks of %d busy VMs begin anew", span(unwatched), len(clocked))
                await self._begin_anew(clocked)
        except StoreError as error:
            log.warning("the clocks of busy VMs could not be looked at: %s", error)

    async def turn(self) -> float:
        """Note that somebody watches, while a clock runs."""
        if self._is_needed():
            try:
                await self._store.set_switch(WATCHED, self._clock.steady_now().isoformat())
            except StoreError as error:
                log.warning("the database did not take that somebody watches: %s", error)
        return BEAT_S

    async def _unwatched(self, clocked: list[Move]) -> timedelta:
        """Return for how long nobody watched, counted from the last note or the newest clock.

        Both are steady times of an earlier process. Where they lie far in the future its clock was not what ours is.
        """
        noted = await self._store.switch(WATCHED)
        known = [move.busy_since for move in clocked if move.busy_since]
        known += [datetime.fromisoformat(noted)] if noted else []
        return abs(self._clock.steady_now() - max(known)) if known else timedelta(0)

    async def _begin_anew(self, clocked: list[Move]) -> None:
        jobs: defaultdict[JobId, list[Move]] = defaultdict(list)
        for move in clocked:
            jobs[move.job_id].append(move)
        for moves in jobs.values():
            await self._store.change_moves([(move, replace(move, busy_since=None, busy_code=None)) for move in moves])
