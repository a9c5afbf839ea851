"""Calls Move-VM on the source, unless the order is withdrawn first, and stays with the command until it returns."""

import asyncio
import logging

from core.domain.model.host_calls import HostWord, MoveOrder, MoveReport
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
        self._refusal: StoreError | None = None

    async def give(self, order: MoveOrder) -> tuple[MoveReport | None, HostError | None]:
        """Return what the command reported. No report: the connection was lost, the move may go on.

        Raises:
            AttemptClosed: the attempt is not ours any more; nothing was sent.
            OrderWithdrawn: people withdrew it, or it could not be written down that it goes out; nothing was sent.

        """
        context = self._context
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
            context.note_order(context.now())
            return None, None
        finally:
            call.cancel()

    async def _release(self) -> bool:
        """Let the order go out, if this attempt is still open, ours and wanted: written down before it is sent."""
        context, now = self._context, self._context.now()
        try:
            context.attempt = await context.store.order_attempt(
                context.attempt, at=now, frozen_until=context.policy.frozen_until(now)
            )
        except StoreError as error:
            self._refusal = error
            return False
        context.note_order(now)
        return True

    def _progress(self, percent: int) -> None:
        # A command that tells percents before the hosts show or count its move proves nothing about their slots.
        self._snapshot_cache.progress(self._context.move.vm_id, percent)

    def _is_shown(self) -> bool:
        """Whether a host has shown the migration since the attempt began."""
        move = self._context.move
        for host in (move.source, move.destination):
            snapshot = self._snapshot_cache.snapshots.get(host)
            if snapshot is None or snapshot.asked_at < self._context.attempt.started_at:
                continue
            vm, job = snapshot.own_vm(move.vm_id), snapshot.job(move.vm_id)
            if (vm is not None and vm.is_migrating) or (job is not None and job.is_running):
                return True
        return False
