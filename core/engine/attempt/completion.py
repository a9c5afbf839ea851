"""Records how an attempt ended and does what follows: clean-up, the next attempt, or a call for a human."""

import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.attempt.alike import widen
from core.domain.attempt.cleanup import folders_made, leaves_own_folder
from core.domain.attempt.diagnosis import Diagnosis, Seen, diagnose
from core.domain.attempt.first_reason import first_reason
from core.domain.attempt.retry import RetryDecision, after_failure
from core.domain.attempt.subject import Names
from core.domain.attempt.verification import AttemptResult, Verification
from core.domain.attempt.vm_diff import differences
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.host_calls import HostWord
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Fault, HoldCode, Move, MoveState, transit
from core.domain.planning.speeds import met_at_hosts, shared_by
from core.domain.scheduling.readiness import Wait, readiness
from core.domain.scheduling.slots import loads, used
from core.engine.attempt.cleanup import FIRST_DELAY
from core.engine.attempt.context import AttemptContext
from core.engine.attempt.leftover_look import look_at_leftovers
from core.engine.attempt.pair_look import look_at_pair
from core.engine.moments import on_the_wall
from core.errors import HostError, HostUnreachable, LoginRejected, StoreError

log = logging.getLogger(__name__)


class AttemptCompletion:
    """The end of one attempt: a method for each way in which it may end."""

    def __init__(self, context: AttemptContext, attempts_allowed: int) -> None:
        self._context = context
        self._allowed = attempts_allowed
        self._way_out: Move | None = None
        """The move as its next try goes around what an earlier one left; None: as before."""

    # ------------------------------------------------------------------ it moved

    async def moved(self) -> None:
        """End well, for the VM is on its destination and nowhere else: free the slots, clean up, say so."""
        await self._verified()
        context, now, seconds = self._context, self._context.now(), self._context.seconds()
        await context.record(
            lambda m: context.store.end_attempt(
                context.attempt,
                m,
                transit(m, MoveState.CLEANING, attempts=m.attempts + 1, hold=None, error="", hint=""),
                event(event_data.Moved(seconds=seconds, bytes=m.size_bytes), now, move=m),
                at=now,
            )
        )
        context.attempt = replace(context.attempt, ended_at=now)
        await self._learn_speed(seconds)
        await self.finish(seconds)

    async def finish(self, seconds: float | None = None) -> None:
        """Compare the VM with what it was, remove the empty folders it left on its source, and say so.

        ``seconds``: how long the attempt took; None: it ended in an earlier process, and only the wall can tell.
        """
        context = self._context
        changes = await self._differences()
        cleaned = await context.services.cleanup.after_success(context.move)
        detour = await context.services.cleanup.after_detour(context.move)
        now = context.now()
        attempt = context.attempt
        on_the_wall = max(timedelta(0), (attempt.ended_at or now) - attempt.started_at)
        took_s = on_the_wall.total_seconds() if seconds is None else seconds
        tidy_at = context.steady_now() + FIRST_DELAY if cleaned.waiting else None
        aside = event_data.Tidied(host=context.move.destination, removed=detour.removed, kept=detour.kept)
        told = [event(aside, now, move=context.move)] if detour.receipts else []
        await context.record(
            lambda m: context.store.change_move(
                m,
                transit(m, MoveState.DONE, ended_at=now, leftovers=cleaned.waiting, tidy_at=tidy_at),
                event(
                    event_data.Done(
                        seconds=took_s,
                        bytes=m.size_bytes,
                        attempts=m.attempts,
                        removed=cleaned.removed,
                        kept=cleaned.kept_and_waiting(f"{cleaned.why}; later"),
                        differences=changes,
                    ),
                    now,
                    move=m,
                ),
                *told,
            )
        )

    async def _learn_speed(self, seconds: float) -> None:
        move = self._context.move
        if self._context.attempt.confirmed_at is None or not move.size_bytes or seconds <= 1:
            return
        if move.before is None or move.before.unknown_sizes:
            return  # how much it was is not known
        try:
            attempt, now = self._context.attempt, self._context.now()
            others = await self._context.store.attempts_between(attempt.started_at, now)
            await self._context.store.learn_speed(
                move.source,
                move.destination,
                move.size_bytes / seconds,
                shared_by(attempt, others, self._context.policy.links, now),
                at_host=met_at_hosts(attempt, others, now),
            )
        except StoreError as error:
            log.info("a speed was not learned: %s", error)

    async def _differences(self) -> tuple[str, ...]:
        move = self._context.move
        if move.before is None:
            return ()
        try:
            inspection = await self._context.services.gateway.inspect(move.destination, [move.vm_id])
            await self._context.services.machines.check(inspection.snapshot)
        except HostError as error:
            return (f"it could not be compared with what it was: {error.message}",)
        after = inspection.of(move.vm_id)
        if after is None:
            why = inspection.why_unknown(move.vm_id)
            return (f"it could not be compared with what it was: {why}",) if why else ()
        return differences(move.before, after)

    # ------------------------------------------------------------------ it did not

    async def not_started(self, diagnosis: Diagnosis, retry_delay: timedelta) -> None:
        """No order was given: withdraw the attempt."""
        await self._badly(diagnosis, retry_delay, has_started=False)

    async def not_moved(self, verdict: Verification, error: HostError | None) -> None:
        """End badly, for the VM is on its source: try again, or not."""
        context = self._context
        percent = context.services.snapshot_cache.percents.get(context.move.vm_id, 0)
        await self._verified()
        diagnosis = await look_at_pair(context, self._diagnose(verdict, error), percent)
        diagnosis = await self._in_the_light_of_others(diagnosis)
        diagnosis, self._way_out = await look_at_leftovers(context, diagnosis)
        log.info("%s did not move: %s, %s (%s)", context.move.vm_name, diagnosis.code, diagnosis.fault, diagnosis.why)
        await self._badly(diagnosis, self._context.policy.retry_delay, has_started=True)

    async def lost(self, reason: str) -> None:
        """Where the VM is cannot be established: call a human, and touch nothing."""
        await self._verified()
        context, now = self._context, self._context.now()
        hint = "Look at both hosts before anybody starts this VM; the bot touches nothing more."
        await context.record(
            lambda m: context.store.end_attempt(
                context.attempt,
                m,
                transit(m, MoveState.LOST, attempts=m.attempts + 1, error=reason, hint=hint, ended_at=now, hold=None),
                event(event_data.Lost(text=reason, hint=hint), now, move=m),
                at=now,
                fault=Fault.UNKNOWN,
                host_words=reason,
            )
        )

    async def _verified(self) -> None:
        """Note that both hosts were asked where the VM is."""
        context, now = self._context, self._context.now()
        context.services.snapshot_cache.forget(context.move.vm_id)
        await context.record(
            lambda m: context.change(m, transit(m, MoveState.VERIFYING), event(event_data.Verifying(), now, move=m))
        )

    async def _badly(self, diagnosis: Diagnosis, retry_delay: timedelta, *, has_started: bool) -> None:
        context = self._context

        def end(move: Move) -> Awaitable[Move]:
            then = after_failure(
                move,
                diagnosis,
                now=context.steady_now(),
                tries=context.attempt.number,
                allowed=self._allowed,
                retry_delay=retry_delay,
                has_started=has_started,
            )
            return self._end(move, then, diagnosis)

        await context.record(end)
        context.attempt = replace(context.attempt, ended_at=context.now())
        if context.move.tidy_at is not None:
            context.services.tidy_soon()

    def _end(self, move: Move, then: RetryDecision, diagnosis: Diagnosis) -> Awaitable[Move]:
        now, data = self._context.now(), then.data
        if isinstance(data, event_data.Retrying) and data.again_at is not None:
            data = replace(data, again_at=on_the_wall(self._context.services.clock, data.again_at))
        after = transit(
            move,
            then.state,
            attempts=then.attempts,
            not_before=then.not_before,
            error=diagnosis.words,
            hint=_with_first(diagnosis),
            hold=None,
            ended_at=now if then.state.is_end else None,
        )
        if leaves_own_folder(after, then.state):
            # Noted with the end: whoever goes on after a death in between finds it.
            after = replace(after, tidy_at=self._context.steady_now())
        if self._way_out is not None and then.state is MoveState.QUEUED:
            other = self._way_out
            after = replace(
                after,
                path=other.path,
                disks=other.disks,
                is_own_folder=other.is_own_folder,
                tried_folders=(*move.tried_folders, *folders_made(move)),
            )
        return self._context.store.end_attempt(
            self._context.attempt,
            move,
            after,
            event(data, now, move=move),
            at=now,
            fault=diagnosis.fault,
            host_words=diagnosis.words,
        )

    def _diagnose(self, verdict: Verification, error: HostError | None) -> Diagnosis:
        if verdict.outcome is AttemptResult.NEVER_STARTED or isinstance(error, HostUnreachable | LoginRejected):
            said = error.message if error else verdict.reason
            return Diagnosis("never-started", Fault.NEVER_STARTED, said, said)
        if error is not None:
            fault = Fault.PASSING if error.retry else Fault.OPERATOR
            return Diagnosis(type(error).__name__, fault, error.hint, error.message)
        words = verdict.words or (HostWord(verdict.reason),)
        move, policy = self._context.move, self._context.policy
        state = readiness(verdict.vm) if verdict.vm else None
        seen = Seen(
            is_backing_up=isinstance(state, Wait) and state.code is HoldCode.BACKUP,
            is_host_full=self._is_a_host_full(),
            is_on_source=verdict.vm is not None,
            is_clustered=verdict.vm is not None and verdict.vm.is_clustered,
            off=tuple(host for host, snapshot in self._shown() if not snapshot.facts.is_migration_enabled),
        )
        return diagnose(words, Names.of(move, policy.address(move.destination)), seen, policy.own_errors)

    async def _in_the_light_of_others(self, diagnosis: Diagnosis) -> Diagnosis:
        """Ask what the first try met, and other VMs of the job: the same refusal twice is not the VM's."""
        context = self._context
        since = context.move.queued_at or context.attempt.started_at
        try:
            faults = await context.store.faults_since(since)
            first = first_reason(context.attempt, faults, diagnosis.words)
            moved_at = await self._last_success() if diagnosis.is_shared else None
            return widen(replace(diagnosis, first=first), context.attempt, faults, moved_at)
        except StoreError as error:
            log.info("nobody could say whether a second VM fared alike: %s", error)
            return diagnosis

    async def _last_success(self) -> datetime | None:
        """Return when a VM of the job last moved between the same hosts."""
        move = self._context.move
        return max(
            (
                other.ended_at
                for other in await self._context.store.moves(move.job_id)
                if other.state is MoveState.DONE
                and other.ended_at is not None
                and (other.source, other.destination) == (move.source, move.destination)
            ),
            default=None,
        )

    def _shown(self) -> list[tuple[HostName, Snapshot]]:
        move, known = self._context.move, self._context.services.snapshot_cache.snapshots
        return [(host, known[host]) for host in (move.source, move.destination) if host in known]

    def _is_a_host_full(self) -> bool:
        return any(used(load, ()) >= load.limit for _, snapshot in self._shown() for load in loads(snapshot))


def _with_first(diagnosis: Diagnosis) -> str:
    """Return the hint for the card, which has no line of its own for the first reason."""
    return f"The first try failed otherwise: {diagnosis.first} {diagnosis.hint}" if diagnosis.first else diagnosis.hint
