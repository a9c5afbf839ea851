"""Calls Move-VM on the source and stays with the command until it returns or the connection is lost."""

import asyncio
import logging

from core.domain.model.host_calls import HostWord, MoveOrder, MoveReport
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

    async def give(self, order: MoveOrder) -> tuple[MoveReport | None, HostError | None]:
        """Return what the command reported. No report: the connection was lost, the move may go on."""
        context = self._context
        context.note_order()
        call = asyncio.create_task(context.services.gateway.move(context.move.source, order, self._progress))
        try:
            call.add_done_callback(lambda _: self._changed.set())
            with self._snapshot_cache.watch(self._changed):
                await wait_for(self._changed, context.policy.poll_s)
                while not call.done():
                    if self._is_shown():
                        await self._monitor.look_after()
                    await wait_for(self._changed, context.policy.poll_s)
            return call.result(), None
        except (HostUnreachable, LoginRejected, EndpointRefused) as error:
            return MoveReport((HostWord(error.message),)), error
        except HostError as error:
            log.warning("lost sight of %s: %s", context.move.vm_name, error.message)
            return None, None
        finally:
            call.cancel()

    def _progress(self, percent: int) -> None:
        if not self._is_progressing:
            self._is_progressing = True
            self._changed.set()
        self._snapshot_cache.progress(self._context.move.vm_id, percent)

    def _is_shown(self) -> bool:
        """Whether the command or a host has shown the migration since the order."""
        if self._is_progressing:
            return True
        move = self._context.move
        for host in (move.source, move.destination):
            snapshot = self._snapshot_cache.snapshots.get(host)
            if snapshot is None or snapshot.asked_at < self._context.began:
                continue
            vm, job = snapshot.vm(move.vm_id), snapshot.job(move.vm_id)
            if (vm is not None and vm.is_migrating) or (job is not None and job.is_running):
                return True
        return False
