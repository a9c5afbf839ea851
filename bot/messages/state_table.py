"""The icon and the words of every state of a move, a job and a hold: one table, whatever message shows them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.model.job import JobState
from core.domain.model.move import Fault, HoldCode, MoveState

AT_WORK = (MoveState.MOVING, MoveState.STARTING, MoveState.VERIFYING)
MOVED = (MoveState.DONE, MoveState.CLEANING)
"""The VM is where it should be; what is left is tidying up."""
PROBLEMS = (MoveState.LOST, MoveState.FAILED, MoveState.UNMIGRATABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateWords:
    """The words of one state of a move; those a message never needs are empty."""

    icon: str
    where: str
    """After "In J1 it …", in the answer to ``where``."""
    card: str = ""
    """On the card of a running job, beside the VM's name."""
    total: str = ""
    """After a number, on the card of a job that is over."""
    page: str = ""
    """After the VM's name, in the title of a page."""
    picture: str = ""
    """Behind the last bar, in the timeline."""


MOVE_STATES: Mapping[MoveState, StateWords] = {
    MoveState.QUEUED: StateWords(icon="⏸", where="waits to move"),
    MoveState.STARTING: StateWords(icon="⏳", where="is about to move", card="starting"),
    MoveState.MOVING: StateWords(icon="🚚", where="is moving"),
    MoveState.VERIFYING: StateWords(icon="🔎", where="is being looked for on both hosts", card="checking where it is"),
    MoveState.CLEANING: StateWords(
        icon="🧹", where="has moved; empty folders are being removed", card="Moved, tidying up"
    ),
    MoveState.DONE: StateWords(icon="✅", where="moved", card="Done"),
    MoveState.FAILED: StateWords(
        icon="❌", where="did not move", card="failed", total="failed", page="failed", picture="failed"
    ),
    MoveState.UNMIGRATABLE: StateWords(
        icon="❌",
        where="could not be moved",
        card="cannot be moved",
        total="cannot be moved",
        page="cannot be moved",
        picture="not moved",
    ),
    MoveState.CANCELLED: StateWords(
        icon="🚫", where="was not moved: cancelled", card="Cancelled", total="cancelled", picture="cancelled"
    ),
    MoveState.LOST: StateWords(
        icon="🆘",
        where="must be looked at by a human",
        card="must be looked at by a human",
        total="to be looked at",
        page="must be looked at now",
        picture="look at it",
    ),
}

JOB_ICONS: Mapping[JobState, str] = {
    JobState.PROPOSED: "🕓",
    JobState.RUNNING: "🚚",
    JobState.FINISHED: "✅",
    JobState.REJECTED: "❌",
    JobState.EXPIRED: "⌛",
    JobState.CANCELLED: "🚫",
}

HOLD_ICONS: Mapping[HoldCode, str] = {
    HoldCode.BACKUP: "💾",
    HoldCode.BACKUP_DUE: "💾",
    HoldCode.STOPPED: "🛑",
    HoldCode.HOST: "🔌",
    HoldCode.FREEZE: "❄️",
    HoldCode.OWNER: "✋",
}
"""Every other hold shows the icon of a move that waits."""

HOLD_WORDS: Mapping[HoldCode, str] = {
    HoldCode.SLOT: "a free slot",
    HoldCode.LINK: "room on a link",
    HoldCode.PARALLEL: "the job's own limit",
    HoldCode.BACKUP: "a backup",
    HoldCode.BUSY: "a busy VM",
    HoldCode.MIGRATING: "a migration of somebody else",
    HoldCode.UNCLEAR: "a VM that hosts do not show clearly",
    HoldCode.LAST: "running VMs, which go first",
    HoldCode.RETRY: "the next attempt",
    HoldCode.START_TIME: "the time to start",
    HoldCode.HOST: "a host that does not answer or take VMs",
    HoldCode.STOPPED: "the end of a stop",
    HoldCode.PAUSED: "the end of a pause",
    HoldCode.FREEZE: "the end of a freeze",
    HoldCode.OWNER: "its owner",
}
"""What a VM waited for; every other hold shows its code."""

FAULT_WORDS: Mapping[Fault, str] = {
    Fault.LIMIT: "a host was full",
    Fault.BACKUP: "a backup ran",
    Fault.PASSING: "passing trouble",
    Fault.VM: "the VM itself",
    Fault.PAIR: "the way between the hosts",
    Fault.HOST: "the destination itself",
    Fault.BOT: "the bot itself",
    Fault.OPERATOR: "something to set right",
    Fault.CANCELLED: "cancelled",
    Fault.NEVER_STARTED: "never started",
    Fault.NO_ROOM: "no room",
    Fault.UNKNOWN: "reason unknown",
}
"""Whose a failure was, behind a name."""
