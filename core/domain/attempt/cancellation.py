"""Decides what follows when a host does not cancel a move: when to ask it again, and whether people know already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.backoff import delay_s, doubling
from core.domain.model.event_data import Answered, CancelAsked, CancelUnmet
from core.domain.model.events import Event
from core.domain.model.host_calls import CancelReply
from core.domain.model.move import Move
from core.errors import HostError

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
_BACKOFF = doubling(FIRST_PAUSE.total_seconds(), LONGEST_PAUSE.total_seconds())


class Unmet(StrEnum):
    """The reasons why a request to cancel had no effect."""

    REFUSED = "refused"
    UNHEARD = "unheard"
    DENIED = "denied"
    NO_JOB = "no_job"


_HINTS = {
    Unmet.REFUSED: "A host refuses this while a VM changes over; it then arrives in a moment. If it stands still, look "
    "at it on both hosts: to end it by force is for a human to decide. I ask again now and then.",
    Unmet.UNHEARD: "The move goes on meanwhile. I keep asking as long as it runs.",
    Unmet.DENIED: "The move goes on. As long as this is so I cannot end it; on its host somebody can cancel it.",
    Unmet.NO_JOB: "The move goes on meanwhile. I keep asking as long as it runs; on its host somebody can cancel it.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A host's answer to a cancel that had no effect: the reason, in the host's words."""

    code: Unmet
    text: str

    @property
    def hint(self) -> str:
        """What that means, and what a human may do."""
        return _HINTS[self.code]


def unmet(reply: CancelReply | HostError) -> Answer | None:
    """Return why a request to cancel had no effect; None when the host accepted it."""
    match reply:
        case HostError():
            # Only a host that may answer another time has not heard it.
            return Answer(Unmet.UNHEARD if reply.retry else Unmet.DENIED, reply.message)
        case CancelReply(accepted=True):
            return None
        case CancelReply(found=False):
            return Answer(
                Unmet.NO_JOB, reply.text or "the host shows the migration, but no job that could be cancelled"
            )
        case _:
            return Answer(Unmet.REFUSED, reply.text or "the host gave no reason")


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many requests without effect."""
    return timedelta(seconds=delay_s(_BACKOFF, tries))


def is_told(history: Sequence[Event], move: Move, code: Unmet) -> bool:
    """Whether people heard already that the newest wish to cancel this move was not met, for this reason."""
    for event in reversed(history):
        if isinstance(event.data, CancelUnmet) and event.move_id == move.id and event.data.code == code:
            return True
        if isinstance(event.data, CancelAsked) and move.vm_name in event.data.vms:
            return False
        if isinstance(event.data, Answered) and event.move_id == move.id and event.data.answer == "cancel":
            return False
    return False
