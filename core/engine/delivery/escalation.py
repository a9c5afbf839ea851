"""Records people's answers to questions and pages, each once, and reminds on-call, once, of pages that nobody took."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.backoff import fixed, retry
from core.domain.model import event_data
from core.domain.model.events import Event, Tone, event
from core.domain.model.job import JobId, JobState
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.reporting.paging import (
    acknowledgement,
    last_answer,
    next_reminder,
    open_questions,
    overdue,
    quote,
    taken_with,
)
from core.engine.moments import SteadyMoments
from core.engine.recorder import TransitionRecorder
from core.errors import NotAllowed, Outdated, StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

TICK_S = 60.0
LONG_S = 3600.0
LOOK_BACK = timedelta(days=1)
"""Pages of jobs that ended longer ago are not brought up again by a restart."""
_TRIES = 5
_ANSWERS = {"wait": "it goes on", "cancel": "the move is cancelled", "page": "on-call is paged"}


class Escalation:
    """The pages and questions that wait for people. ``timeout`` zero: nobody is reminded."""

    def __init__(self, recorder: TransitionRecorder, clock: Clock, timeout: timedelta) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._clock = clock
        self._timeout = timeout
        self._changed: set[JobId] = set()
        self._due: dict[JobId, datetime] = {}
        self._moments = SteadyMoments(clock)
        self._has_looked_back = False

    def note_change(self, job_id: JobId) -> None:
        """Note that something happened in a job."""
        self._changed.add(job_id)

    # ------------------------------------------------------------------ answers

    async def answer(self, move_id: MoveId, answer: str, by: str) -> Move:
        """Record the answer to the question about a move; the first one counts. Raises NotAllowed."""

        async def step(move: Move) -> Move:
            if move.state.is_end:
                raise NotAllowed(f"{move.vm_name} is over already: it is {move.state}.")
            history = await self._store.events(move.job_id)
            question = next((one for one in open_questions(history) if one.move_id == move.id), None)
            if question is None:
                before = last_answer(history, move.id)
                if before is None:
                    raise NotAllowed(f"There is no open question about {move.vm_name}.")
                raise NotAllowed(f"{move.vm_name} was answered for already: {_ANSWERS[before.answer]}.")
            told = event(
                event_data.Answered(answer=answer, about=quote(question)), self._clock.now(), move=move, actor=by
            )
            # One transaction: an answer without its wish would be a promise that nobody keeps. Storing the move makes
            # this a compare-and-set: of two clicks at once the second finds the answer.
            is_wish = answer == "cancel" and move.state is not MoveState.CLEANING
            return await self._store.change_move(move, replace(move, cancel_by=by) if is_wish else move, told)

        return await self._recorder.record_wish(move_id, step)

    async def acknowledge(self, job_id: JobId, page_id: int, by: str) -> Sequence[Event]:
        """Note who takes care of a page. Returns what was taken with it. Raises NotAllowed, UnknownJob."""

        async def once() -> Sequence[Event]:
            job = await self._store.job(job_id)
            history = await self._store.events(job.id)
            taken = taken_with(history, page_id)
            if not taken:
                before = acknowledgement(history, page_id)
                whose = "You have" if before and before.actor == by else "Somebody has"
                raise NotAllowed(
                    f"{whose} taken this already." if before else "There is nothing to take here any more."
                )
            now = self._clock.now()
            told = [
                Event(
                    data=event_data.Acknowledged(about=quote(page)),
                    at=now,
                    job_id=job.id,
                    move_id=page.move_id,
                    actor=by,
                    tone=Tone.LINE,
                )
                for page in taken
            ]
            await self._store.change_job(job, job, *told)
            self._recorder.changed(job.id)
            return taken

        try:
            return await retry(once, Outdated, wait=fixed(), tries=_TRIES)
        except Outdated:
            raise NotAllowed(f"{job_id} changes too fast just now; click again.") from None

    # ------------------------------------------------------------------ reminders

    async def turn(self) -> float:
        """Remind of the pages that nobody took."""
        if not self._timeout:
            return LONG_S
        try:
            if not self._has_looked_back:
                await self._look_back()
                self._has_looked_back = True
            await self._remind()
        except Outdated:
            return 0.0
        except StoreError as error:
            log.warning("reminders wait for the database: %s", error)
        return min(TICK_S, self._timeout.total_seconds() / 4)

    async def _look_back(self) -> None:
        since = self._clock.now() - LOOK_BACK
        states = (JobState.RUNNING, JobState.FINISHED)
        self._changed |= {job.id for job in await self._store.jobs(*states, limit=10_000, ended_since=since)}

    async def _remind(self) -> None:
        now = self._clock.steady_now()
        ready = {job_id for job_id, due in self._due.items() if due <= now}
        for job_id in sorted(ready | self._changed):
            self._changed.discard(job_id)  # before the look: what happens during it is looked at again
            try:
                await self._look_at(job_id, now)
            except (StoreError, asyncio.CancelledError):
                self._changed.add(job_id)  # it is off the list only when it is done
                raise
            except Exception:
                self._changed.add(job_id)  # the others are reminded of all the same
                log.exception("nobody can be reminded of the pages of %s", job_id)

    async def _look_at(self, job_id: JobId, now: datetime) -> None:
        history = self._measured(await self._store.events(job_id))
        late = overdue(history, now, self._timeout)
        if late:
            await self._escalate(job_id, late, now)
            self._changed.add(job_id)
            return
        due = next_reminder(history, self._timeout)
        if due is None:
            self._due.pop(job_id, None)
        else:
            self._due[job_id] = due

    def _measured(self, history: Sequence[Event]) -> Sequence[Event]:
        """Return a job's history with the steady moments of its pages: they have waited for as long as has passed."""
        return [replace(one, at=self._moments.of(one.id, one.at)) if one.tone is Tone.PAGE else one for one in history]

    async def _escalate(self, job_id: JobId, late: Sequence[Event], now: datetime) -> None:
        job = await self._store.job(job_id)
        names = {move.id: move.vm_name for move in await self._store.moves(job_id)}
        vms = tuple(dict.fromkeys(names[page.move_id] for page in late if page.move_id in names))
        told = event(
            event_data.Escalated(
                pages=tuple(page.id for page in late), vms=vms, seconds=(now - late[0].at).total_seconds()
            ),
            self._clock.now(),
            job=job,
        )
        await self._store.change_job(job, job, told)
        self._recorder.changed(job_id)
