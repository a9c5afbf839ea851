"""Calls Move-VM on the source and stays with the command until it returns, or both hosts show that it need not."""

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
from core.errors import EndpointRefused, HostError, HostUnreachable, LoginRejected
from core.tasks import wait_for

log = logging.getLogger(__name__)


class MoveCall:
    """One call of Move-VM, made once."""

    def __init__(self, context: AttemptContext, monitor: MoveMonitor) -> None:
        self._context = context
        self._monitor = monitor
        self._snapshot_cache = context.services.snapshot_cache
        self._is_progressing = False
        self._changed = asyncio.Event()
        self._looked_at: tuple[Snapshot | None, ...] = ()
        self._percent = -1
        self._has_progressed = False

    async def give(self, order: MoveOrder) -> tuple[MoveReport | None, HostError | None]:
        """Return what the command reported. No report: the connection was lost, or the command does not return.

        Then the move may go on, or be over: where the VM is, is to be asked on both hosts.
        """
        context = self._context
        context.note_order(context.now())
        since = context.steady_now()
        seen = Unreturned(rest_since=since, silent_since=since)
        call = asyncio.create_task(context.services.gateway.move(context.move.source, order, self._progress))
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
                        context.note_order(context.now())  # it may have begun until now
                        return None, None
                    await wait_for(self._changed, context.policy.poll_s)
            return call.result(), None
        except (HostUnreachable, LoginRejected, EndpointRefused) as error:
            return MoveReport((HostWord(error.message),)), error
        except HostError as error:
            log.warning("lost sight of %s: %s", context.move.vm_name, error.message)
            return None, None
        finally:
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

    def _progress(self, percent: int) -> None:
        if not self._is_progressing:
            self._is_progressing = True
            self._changed.set()
        self._has_progressed |= percent != self._percent
        self._percent = percent
        self._snapshot_cache.progress(self._context.move.vm_id, percent)

    def _is_shown(self) -> bool:
        """Whether the command or a host has shown the migration since the order."""
        if self._is_progressing:
            return True
        move = self._context.move
        for host in (move.source, move.destination):
            snapshot = self._snapshot_cache.snapshots.get(host)
            if snapshot is None or snapshot.asked_at < self._context.attempt.started_at:
                continue
            vm, job = snapshot.vm(move.vm_id), snapshot.job(move.vm_id)
            if (vm is not None and vm.is_migrating) or (job is not None and job.is_running):
                return True
        return False
