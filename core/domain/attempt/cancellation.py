"""Why a wish to cancel is not met, when to ask the host again, and whether people know already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.domain.model.events import Event, EventKind
from core.domain.model.host_calls import CancelReply
from core.domain.model.move import Move
from core.errors import HostError

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)


class Unmet(StrEnum):
    """What became of a request to cancel, other than that the host accepted it."""

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
    """Why a request to cancel had no effect, in the host's words."""

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
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries - 1, 10))


def is_told(history: Sequence[Event], move: Move, code: Unmet) -> bool:
    """Whether people heard already that the newest wish to cancel this move was not met, for this reason."""
    for event in reversed(history):
        if event.kind is EventKind.CANCEL_UNMET and event.move_id == move.id and event.data.get("code") == code:
            return True
        if event.kind is EventKind.CANCEL_ASKED and move.vm_name in event.data.get("vms", ()):
            return False
        if event.kind is EventKind.ANSWERED and event.move_id == move.id and event.data.get("answer") == "cancel":
            return False
    return False
