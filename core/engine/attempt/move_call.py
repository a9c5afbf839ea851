"""Gives the order to move a VM and stays with the command until it returns, or the line to it is lost."""

import asyncio
import logging

from core.domain.model.host_calls import HostWord, MoveOrder, MoveReport
from core.engine.attempt.context import AttemptContext
from core.engine.attempt.monitor import MoveMonitor
from core.errors import EndpointRefused, HostError, HostUnreachable, LoginRejected

log = logging.getLogger(__name__)


class MoveCall:
    """One order, given once."""

    def __init__(self, course: AttemptContext, watch: MoveMonitor) -> None:
        self._course = course
        self._watch = watch
        self._board = course.hands.board
        self._is_progressing = False
        self._news: asyncio.Event | None = None

    async def give(self, order: MoveOrder) -> tuple[MoveReport | None, HostError | None]:
        """Return what the command reported. No report: the connection was lost, the move may go on."""
        course = self._course
        course.note_order(course.now())
        call = asyncio.create_task(course.hands.gateway.move(course.move.source, order, self._progress))
        try:
            with self._board.watch() as news:
                self._news = news
                while not await _done(call, news, course.rules.poll_s):
                    if self._is_shown():
                        await self._watch.look_after()
            return call.result(), None
        except (HostUnreachable, LoginRejected, EndpointRefused) as error:
            return MoveReport((HostWord(error.message),)), error
        except HostError as error:
            log.warning("lost sight of %s: %s", course.move.vm_name, error.message)
            return None, None
        finally:
            call.cancel()

    def _progress(self, percent: int) -> None:
        if not self._is_progressing:
            self._is_progressing = True
            if self._news is not None:
                self._news.set()
        self._board.progress(self._course.move.vm_id, percent)

    def _is_shown(self) -> bool:
        """Whether the command or a host has shown the migration since the order."""
        if self._is_progressing:
            return True
        move = self._course.move
        for host in (move.source, move.destination):
            snapshot = self._board.snapshots.get(host)
            if snapshot is None or snapshot.asked_at < self._course.attempt.started_at:
                continue
            vm, job = snapshot.vm(move.vm_id), snapshot.job(move.vm_id)
            if (vm is not None and vm.is_migrating) or (job is not None and job.is_running):
                return True
        return False


async def _done(call: asyncio.Task[MoveReport], news: asyncio.Event, poll_s: float) -> bool:
    """Wait for the command's end, for news, or for a while. Returns whether the command has ended."""
    waker = asyncio.create_task(news.wait())
    try:
        await asyncio.wait({call, waker}, timeout=poll_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waker.cancel()
    news.clear()
    return call.done()
