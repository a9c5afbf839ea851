"""Whether a message is shown as a table now: when the settings say so, and Slack has not refused one for a while."""

import logging
from datetime import datetime, timedelta

from core.ports import Clock

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(days=1)
"""How long a refusal is remembered; Slack may learn what it refuses today."""

TOO_LONG = "msg_blocks_too_long"


class TableForm:
    """The memory of one process: whether Slack takes tables."""

    def __init__(self, clock: Clock, *, is_on: bool) -> None:
        self._clock = clock
        self._is_on = is_on
        self._refused_at: datetime | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether to try one."""
        if self._refused_at is not None and self._clock.steady_now() - self._refused_at >= AGAIN_AFTER:
            self._refused_at = None
        return self._is_on and self._refused_at is None

    def refused(self, why: str) -> None:
        """Remember that Slack refused a table; not that one of them was too long."""
        if why == TOO_LONG:
            return
        self._refused_at = self._clock.steady_now()
        log.warning("Slack refuses tables (%s): lists are shown as lines, for a day", why)
