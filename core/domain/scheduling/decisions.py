"""What can be decided of a queued move: start it, let it wait for a reason, or end it without an attempt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.domain.model.move import Hold, HoldCode, Move, MoveState
from core.domain.scheduling.links import LinkUsage
from core.domain.scheduling.slots import SlotUsage

SAME = timedelta(seconds=5)
"""A hold's time on the wall is worked out anew each time, and a clock that is slowly put right is no news."""


@dataclass(frozen=True, slots=True)
class Start:
    """The decision to start a move; the claims, and the links it is on, are checked again where it is reserved.

    ``order``: why it goes before others, if it does.
    """

    move: Move
    claims: tuple[SlotUsage, ...]
    reason: str
    on_links: tuple[LinkUsage, ...] = ()
    order: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The decision to let a move wait. ``known`` carries the clock of what the VM is busy with, ``hold`` is why.

    Thousands wait at every decision and few have anything new to say: the move to be written down is made when asked.
    """

    known: Move
    hold: Hold

    @property
    def move(self) -> Move:
        """Return the move with its hold."""
        return self.known if self.known.hold == self.hold else replace(self.known, hold=self.hold)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The decision to end a move without an attempt."""

    move: Move
    state: MoveState
    text: str
    hint: str = ""
    follows: bool = False
    """Whether it only follows from another VM's failure, which was told already."""


Decision = Start | Held | End


def hold(move: Move, code: HoldCode, text: str, now: datetime, *, since: datetime | None = None) -> Held:
    """Let a move wait; the hold's own clock goes on while its code stays."""
    known = move.hold if move.hold and move.hold.code is code else None
    if known is not None and (since is None or abs(known.since - since) < SAME):
        since = known.since
    elif since is None:
        since = now
    if known and known.text == text and known.since == since:
        return Held(move, known)
    return Held(move, Hold(code, text, since))


def at_rest(move: Move) -> Move:
    """Return the move of a VM that is busy with nothing: no clock runs."""
    return (
        move if move.busy_since is None and move.busy_code is None else replace(move, busy_since=None, busy_code=None)
    )
