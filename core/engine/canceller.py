"""Passes a person's wish to cancel a move on to its source host, until the host accepts it or the move is over."""

import logging
from datetime import datetime

from core.domain.cancelling import Answer, Unmet, pause, unmet
from core.domain.job import Move
from core.errors import HostError
from core.ports import HostGateway

log = logging.getLogger(__name__)

MISSES = 3
"""A job may show late: only so many times without one are worth a word."""


class Canceller:
    """Remembers of one move whether its cancel is wanted, and when to ask the host again."""

    def __init__(self, gateway: HostGateway, *, is_wanted: bool) -> None:
        self._gateway = gateway
        self._is_open = is_wanted
        self._tries = 0
        self._again_at: datetime | None = None

    def want(self) -> None:
        """Take a wish, perhaps a renewed one: it is passed on at once."""
        self._is_open, self._tries, self._again_at = True, 0, None

    async def pass_on(self, move: Move, now: datetime) -> Answer | None:
        """Ask the host if that is wanted and due. Returns what people may have to hear; a wish is met in silence."""
        if not self._is_open or (self._again_at is not None and now < self._again_at):
            return None
        try:
            answer = unmet(await self._gateway.cancel(move.source, move.vm_id))
        except HostError as error:
            answer = unmet(error)
        log.info("asked %s to cancel %s: %s", move.source, move.vm_name, answer.text if answer else "accepted")
        self._tries += 1
        self._is_open, self._again_at = answer is not None, now + pause(self._tries)
        if answer is not None and answer.code is Unmet.NO_JOB and self._tries < MISSES:
            return None
        return answer
