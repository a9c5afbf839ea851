"""Decides what becomes of a notice that people were not told: when it is tried again, or why it is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import backoff
from core.domain.model.events import Notice, Tone
from core.errors import NotifierBusy, NotifierDown, NotifierRefused, NotifierUnauthorized

BACKOFF = backoff.doubling(1.0, 60.0)
"""How long people are not told anything after Slack did not answer."""
SLOW_BACKOFF = backoff.doubling(5.0, 600.0)
"""The same for what Slack refused and is tried all the same."""
PATIENCE_TRIES = 20
PATIENCE = timedelta(hours=6)
"""A message that Slack answers with a failure of its own so often, for so long, is the cause of it."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It is tried again after a while."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is never said; the history has it."""

    reason: str


def after_failure(notice: Notice, error: Exception, now: datetime) -> TryAgain | GiveUp:
    """Decide. ``notice.tries`` counts the tries before this one.

    - Not me now (token, workspace), not now (busy, away): as long as it takes.
    - Not this message: given up, so that what follows is said; a page never is, it is tried more and more seldom.
    - Unclear (a failure of Slack's own for this message, an accident of ours): patience for hours, then as above.
    """
    tries = notice.tries + 1
    is_page = notice.event.tone is Tone.PAGE
    match error:
        case NotifierBusy(retry_after_s=delay_s):
            return TryAgain(delay_s)
        case NotifierUnauthorized() | NotifierDown(about_message=False):
            return TryAgain(backoff.delay_s(BACKOFF, tries))
        case NotifierRefused():
            return TryAgain(backoff.delay_s(SLOW_BACKOFF, tries)) if is_page else GiveUp(error.message)
        case _:
            is_hopeless = tries >= PATIENCE_TRIES and now - notice.event.at >= PATIENCE
            if is_hopeless and not is_page:
                return GiveUp(str(error) or type(error).__name__)
            return TryAgain(backoff.delay_s(SLOW_BACKOFF if is_hopeless else BACKOFF, tries))
