"""Calls Move-VM on the source, unless the order is withdrawn first, and stays with the command until it returns.

Or until both hosts show that there is nothing to wait for.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from core.domain.attempt.unreturned import CommandPatience, Unreturned, look, why_leave
from core.domain.attempt.verification import Verification, judge
from core.domain.model.host_calls import HostWord, MoveOrder, MoveReport
from core.domain.model.inventory import HostName, Snapshot
from core.engine.attempt.context import AttemptContext
from core.engine.attempt.monitor import MoveMonitor
from core.errors import (
    AttemptClosed,
    EndpointRefused,
    HostError,
    HostUnreachable,
    LoginRejected,
    NotInSettings,
    OrderWithdrawn,
    StoreError,
)
from core.tasks import wait_for

log = logging.getLogger(__name__)


class MoveCall:
    """One call of Move-VM, made once."""

    def __init__(self, context: AttemptContext, monitor: MoveMonitor) -> None:
        self._context = context
        self._monitor = monitor
        self._snapshot_cache = context.services.snapshot_cache
        self._changed = asyncio.Event()
        self._looked_at: tuple[Snapshot | None, ...] = ()
        self._percent = -1
        self._has_progressed = False
        self._is_left = False
        self._refusal: StoreError | None = None

    async def give(self, order: MoveOrder) -> tuple[MoveReport | None, HostError | None]:
        """Return what the command reported. No report: the connection was lost, or the command does not return.

        Then the move may go on, or be over: where the VM is, is to be asked on both hosts.

        Raises:
            AttemptClosed: the attempt is not ours any more; nothing was sent.
            OrderWithdrawn: people withdrew it, or it could not be written down that it goes out; nothing was sent.

        """
        context = self._context
        since = context.steady_now()
        seen = Unreturned(rest_since=since, silent_since=since)
        call = asyncio.create_task(
            context.services.gateway.move(context.move.source, order, self._progress, self._release)
        )
        try:
            call.add_done_callback(lambda _: self._changed.set())
            with self._snapshot_cache.watch(self._changed):
                await wait_for(self._changed, context.policy.poll_s)
                while not call.done():
                    if self._is_shown():
                        await self._monitor.look_after()
                    seen, why = self._look_beside(seen)
                    if why:
                        log.warning("Move-VM of %s does not return; going on without it: %s", context.move.vm_name, why)
                        context.note_order()  # it may have begun until now
                        return None, None
                    await wait_for(self._changed, context.policy.poll_s)
            return call.result(), None
        except OrderWithdrawn as error:
            if isinstance(self._refusal, AttemptClosed):
                raise self._refusal from error
            raise OrderWithdrawn(error.host, self._refusal.message if self._refusal else error.message) from error
        except (HostUnreachable, LoginRejected, EndpointRefused, NotInSettings) as error:
            return MoveReport((HostWord(error.message),)), error
        except HostError as error:
            log.warning("lost sight of %s: %s", context.move.vm_name, error.message)
            # What was on its way when the line broke may still arrive: the patience with it begins now.
            context.note_order()
            return None, None
        finally:
            self._is_left = True
            call.cancel()

    def _look_beside(self, seen: Unreturned) -> tuple[Unreturned, str]:
        """Look at what both hosts showed since the last time. Returns why to go on without the command, if so."""
        context, move = self._context, self._context.move
        snapshots = self._newest(move.source), self._newest(move.destination)
        are_new = all(new is None or new is not old for new, old in zip(snapshots, self._looked_at, strict=False))
        if not are_new:
            return seen, ""
        self._looked_at = snapshots
        verdict, now = self._verdict(*snapshots), context.steady_now()
        seen = look(seen, verdict, now)
        if self._has_progressed:
            # A hint that it lives: no host needs to show a migration for the command to be worth waiting for.
            self._has_progressed = False
            seen = replace(seen, rest_since=now, silent_since=now, looks_at_rest=0)
        policy = context.policy
        patience = CommandPatience(at_rest=policy.confirm_start, silence=policy.silence_timeout)
        return seen, why_leave(seen, verdict, now, patience)

    def _newest(self, host: HostName) -> Snapshot | None:
        """Return what a host shows; None while it is silent."""
        return None if host in self._snapshot_cache.troubles else self._snapshot_cache.snapshots.get(host)

    def _verdict(self, source: Snapshot | None, destination: Snapshot | None) -> Verification:
        # No patience of the verdict's own: how long nothing was to be seen is counted here.
        now = self._context.steady_now()
        return judge(
            self._context.attempt, source, destination, report=None, now=now, confirm_start=timedelta(0), ordered_at=now
        )

    async def _release(self) -> bool:
        """Let the order go out, if this attempt is still open, ours and wanted: written down before it is sent."""
        if self._is_left:
            return False
        context, now = self._context, self._context.now()
        try:
            context.attempt = await context.store.order_attempt(
                context.attempt, at=now, frozen_until=context.policy.frozen_until(now)
            )
        except StoreError as error:
            self._refusal = error
            return False
        context.note_order()
        self._has_progressed = True  # from here on a command that shows nothing is waited for
        return not self._is_left

    def _progress(self, percent: int) -> None:
        # A command that tells percents before the hosts show or count its move proves nothing about their slots: the
        # first one is a reason to ask them now.
        if self._percent < 0:
            for host in (self._context.move.source, self._context.move.destination):
                self._context.services.look_soon(host)
        self._has_progressed |= percent != self._percent
        self._percent = percent
        self._snapshot_cache.progress(self._context.move.vm_id, percent)

    def _is_shown(self) -> bool:
        """Whether a host has shown the migration since the attempt began."""
        move = self._context.move
        for host in (move.source, move.destination):
            snapshot = self._snapshot_cache.snapshots.get(host)
            if snapshot is None or snapshot.asked_at < self._context.began:
                continue
            vm, job = snapshot.own_vm(move.vm_id), snapshot.job(move.vm_id)
            if (vm is not None and vm.is_migrating) or (job is not None and job.is_running):
                return True
        return False
