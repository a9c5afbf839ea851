"""Decides what becomes of a notice that people were not told: when it is tried again, or why it is given up."""

from dataclasses import dataclass
from datetime import timedelta

from core import backoff
from core.domain.model.events import Notice, Tone
from core.errors import NotifierBusy, NotifierRefused

BACKOFF = backoff.doubling(1.0, 60.0)
"""How long people are not told anything after Slack did not answer."""
SLOW_BACKOFF = backoff.doubling(5.0, 600.0)
"""The same for what Slack refused and is tried all the same."""


LONGEST_PAUSE = timedelta(minutes=15)
"""No pause is longer: one that seems to be was noted by a clock that was put back since."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It is tried again after a while."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is never said; the history has it."""


def after_failure(notice: Notice, error: Exception, *, is_hopeless: bool = False) -> TryAgain | GiveUp:
    """Decide. ``notice.tries`` counts the tries before this one; ``is_hopeless``: it failed alone, often, for hours.

    - Not me now (token, workspace), not now (busy, away): as long as it takes.
    - Not this message: given up, so that what follows is said; a page never is, it is tried more and more seldom.
    - Unclear (a failure of Slack's own, an accident of ours): patience for hours, then as above.
    """
    tries = notice.tries + 1
    is_refused = is_hopeless or isinstance(error, NotifierRefused)
    match error:
        case NotifierBusy(retry_after_s=delay_s):
            return TryAgain(delay_s)
        case _ if not is_refused:
            return TryAgain(backoff.delay_s(BACKOFF, tries))
        case _ if notice.event.tone is Tone.PAGE:
            return TryAgain(backoff.delay_s(SLOW_BACKOFF, tries))
        case _:
            return GiveUp()
