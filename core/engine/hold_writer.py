"""Writes down why moves wait: only what is new about it, and the many of a long queue together."""

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta

from core.domain.model import event_data
from core.domain.model.events import Event, event
from core.domain.model.job import JobId
from core.domain.model.move import HoldCode, Move, MoveId
from core.domain.scheduling.decisions import Decision, Held
from core.domain.scheduling.situation import Situation
from core.engine.recorder import TransitionRecorder
from core.errors import Outdated
from core.ports import Clock

log = logging.getLogger(__name__)

MANY = 20
"""From so many on, the reasons of a job's moves to wait are written down together: all of them, or none."""

BATCH = 200
"""So many reasons to wait are written down in one transaction, and others get a turn."""

LONGEST = timedelta(seconds=0.5)
"""For so long they are written down, once there is news to decide about: a long queue must not hold up a free slot."""

OF_LATE = timedelta(hours=1)
"""For so long it is no news that a host fell silent again, or that a VM waits for the same when it is back."""

REMEMBERED = 50_000
_NUMBER = re.compile(r"\d+")
"""Since when a host is silent differs at every turn."""

Originals = Mapping[MoveId, Move]
"""The moves as the decision found them stored."""


class HoldWriter:
    """The writer of the dispatcher's reasons to wait. ``news`` is set when there is something to decide again."""

    def __init__(self, recorder: TransitionRecorder, snapshot_max_age: timedelta, news: asyncio.Event) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._snapshot_max_age = snapshot_max_age
        self._news = news
        self._since = recorder.clock.steady_now()
        self._told = ToldHolds(recorder.clock)

    def news(self, decisions: Sequence[Decision], originals: Originals, situation: Situation) -> list[Held]:
        """Return what is new about why moves wait, the most pressing first."""
        holds = [one for one in decisions if isinstance(one, Held) and self._is_new(one, originals, situation)]
        return sorted(holds, key=lambda held: _is_reworded(held, originals))

    async def write(self, holds: Sequence[Held], originals: Originals, situation: Situation) -> None:
        """Write down why moves wait."""
        # The troubles of hosts that a job was told of already, for another VM.
        told = {
            (move.job_id, move.hold.text)
            for move in originals.values()
            if not move.state.is_end and move.hold and move.hold.code is HoldCode.HOST
        }
        ends = self._recorder.clock.steady_now() + LONGEST
        for start in range(0, len(holds), BATCH):
            if self._news.is_set() and self._recorder.clock.steady_now() > ends:
                return
            batch = holds[start : start + BATCH]
            for held in await self._write_together(batch, originals, situation.wall, told):
                await self._write_one(held, originals[held.known.id], situation.wall, told)
        if holds:
            self._news.set()  # what moves wait for says which hosts to look at often, and whose clock runs

    async def _write_one(self, held: Held, before: Move, now: datetime, told: set[tuple[JobId, str]]) -> None:
        move = held.move
        try:
            await self._store.change_move(before, move, *self._told.events(before, move, now, told))
        except Outdated as error:
            log.info("%s changed meanwhile, deciding again: %s", before.vm_name, error)
            self._news.set()
        else:
            self._written(move.job_id)

    def _written(self, job_id: JobId) -> None:
        """Tell who shows a job that its reasons changed: a decision anew can wait until all are written down."""
        had_news = self._news.is_set()
        self._recorder.changed(job_id)
        if not had_news:
            self._news.clear()

    async def _write_together(
        self, holds: Sequence[Held], originals: Originals, now: datetime, told: set[tuple[JobId, str]]
    ) -> list[Held]:
        """Write down why the many of a long queue wait, each job's in one transaction. Returns those left to write."""
        by_job: defaultdict[JobId, list[Held]] = defaultdict(list)
        for held in holds:
            by_job[held.known.job_id].append(held)
        left: list[Held] = []
        for job_id, its_holds in by_job.items():
            if len(its_holds) < MANY:
                left += its_holds
                continue
            changes = [(originals[held.known.id], held.move) for held in its_holds]
            events = [one for before, after in changes for one in self._told.events(before, after, now, told)]
            try:
                await self._store.change_moves(changes, *events)
            except Outdated as error:
                log.info("a move of %s changed meanwhile, deciding again: %s", job_id, error)
                self._news.set()
            self._written(job_id)
        return left

    def _is_new(self, held: Held, originals: Originals, situation: Situation) -> bool:
        """Whether a move that waits has something new to say about why."""
        move, before = held.known, originals[held.known.id]
        if (before.hold, before.busy_since, before.busy_code) == (held.hold, move.busy_since, move.busy_code):
            return False
        return held.hold.code is not HoldCode.HOST or not self._is_too_soon(move, situation)

    def _is_too_soon(self, move: Move, situation: Situation) -> bool:
        """Whether a host of this move has had no time to answer since the start: its reason of before still stands."""
        if situation.now - self._since >= self._snapshot_max_age:
            return False
        known = (situation.snapshots, situation.trouble)
        return not all(any(host in told for told in known) for host in (move.source, move.destination))


class ToldHolds:
    """What jobs heard of late: that a host fell silent, and that a VM waits for the same as before it did, is no news.

    A host that comes and goes every few minutes would otherwise be told of at each turn, with every VM in backup.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[Hashable, datetime] = {}

    def events(self, before: Move, move: Move, now: datetime, told: set[tuple[JobId, str]]) -> tuple[Event, ...]:
        """Note why a move waits, if it is for another reason; a job hears of a silent host once, not once per VM."""
        was, is_now = before.hold, move.hold
        if is_now is None or (was is not None and was.code is is_now.code):
            return ()
        about = (move.job_id, is_now.text)
        if is_now.code is HoldCode.HOST:
            is_late = self._is_known(about, (move.job_id, move.source, move.destination, _NUMBER.sub("", is_now.text)))
            is_told = about in told or is_late
            told.add(about)
        else:
            is_told = self._is_known((move.id, is_now.code)) and was is not None and was.code is HoldCode.HOST
        data = event_data.Held(code=is_now.code, text=is_now.text, follows=is_told)
        return (event(data, now, move=move),)

    def _is_known(self, *keys: Hashable) -> bool:
        """Whether one of these was told of late; from now on all of them were."""
        now = self._clock.steady_now()
        if len(self._at) > REMEMBERED:
            self._at = {key: at for key, at in self._at.items() if now - at < OF_LATE}
        is_known = any(now - self._at[key] < OF_LATE for key in keys if key in self._at)
        for key in keys:
            if not is_known or key not in self._at:
                self._at[key] = now
        return is_known


def _is_reworded(held: Held, originals: Originals) -> bool:
    """Whether a move waits for the same as before, only said otherwise: that can wait longest itself."""
    before = originals[held.known.id].hold
    return before is not None and before.code is held.hold.code
