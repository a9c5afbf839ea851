"""Orders the moves of one decision around the backups that are expected of their VMs, see ``around_backups``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, Move, MoveId
from core.domain.scheduling.around_backups import Advice, After, Before, advise, is_urgent, seconds_left
from core.domain.scheduling.decisions import Decision, Held, Start, at_rest, hold
from core.domain.scheduling.order import Places, remaining_work
from core.domain.scheduling.situation import Situation
from core.domain.scheduling.slots import SlotUsage

_SOON = timedelta(seconds=1)


class BackupOrder:
    """The order of one decision around backups. Nothing of it costs anything where none is expected."""

    def __init__(self, situation: Situation, usage: Mapping[HostName, Sequence[SlotUsage]]) -> None:
        self._at = situation
        self._usage = usage
        self._before: dict[MoveId, Before] = {}
        self.held: list[Decision] = []
        """The moves that wait for their backup."""

    def holds_back(self, move: Move) -> bool:
        """Whether this move, which could start, waits for its backup. Then why is said in ``held``."""
        match _advice(move, self._at):
            case After(text=text, is_far=False):
                waiting = replace(at_rest(move), is_around_backup=True)
                self.held.append(hold(waiting, HoldCode.BACKUP_DUE, text, self._at.wall))
                return True
            case _:
                return False

    def places(self, moves: Sequence[Move]) -> Places:
        """Return which of the moves that may start go first, and which last."""
        work: Mapping[HostName, float] | None = None
        first, last = dict[MoveId, float](), set[MoveId]()
        for move in moves:
            match _advice(move, self._at):
                case After():
                    last.add(move.id)
                case Before(start_by=start_by) as before:
                    outlook = self._at.backups[move.id]
                    work = work or remaining_work(self._at.moves, self._usage)
                    if is_urgent(before, self._at.wall, outlook.likely_s, seconds_left(move, outlook, work)):
                        first[move.id] = start_by.timestamp()
                        self._before[move.id] = before
        return Places(first, last)

    def told(self, decision: Decision) -> Decision:
        """Return a decision that says, if it is a start before a backup, that it is."""
        before = self._before.get(decision.move.id) if isinstance(decision, Start) else None
        if before is None or not isinstance(decision, Start):
            return decision
        move = replace(decision.move, is_around_backup=True)
        return replace(decision, move=move, reason=f"{decision.reason}; it goes before {before.name}")


def due_at(held: Held, situation: Situation) -> datetime | None:
    """Return when a backup that a move waits for should have begun: then it is decided anew."""
    advice = _advice(held.known, situation)
    return advice.until + _SOON if isinstance(advice, After) else None


def _advice(move: Move, situation: Situation) -> Advice | None:
    outlook = situation.backups.get(move.id)
    if outlook is None:
        return None
    return advise(outlook, situation.wall, situation.jobs[move.job_id].plan.options, situation.calendar)
