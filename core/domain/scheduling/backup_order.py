"""Orders the moves of one decision around the backups that are expected of their VMs, see ``around_backups``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, Move, MoveId
from core.domain.scheduling.around_backups import Advice, After, Before, Now, advise, goes_first, seconds_left
from core.domain.scheduling.decisions import Decision, Held, Start, at_rest, hold
from core.domain.scheduling.order import Places, remaining_work
from core.domain.scheduling.situation import Situation
from core.domain.scheduling.slots import SlotUsage

if TYPE_CHECKING:
    from core.domain.scheduling.links import Place

_SOON = timedelta(seconds=1)


class BackupOrder:
    """The order of one decision around backups. Nothing of it costs anything where none is expected."""

    def __init__(self, situation: Situation, usage: Mapping[HostName, Sequence[SlotUsage]]) -> None:
        self._at = situation
        self._usage = usage
        self._first: dict[MoveId, float] = {}
        self._last: set[MoveId] = set()
        self._work: Mapping[Place, float] | None = None
        self.held: list[Decision] = []
        """The moves that wait for their backup."""

    def holds_back(self, move: Move) -> bool:
        """Whether this move, which could start, waits for its backup. Then why is said in ``held``."""
        advice = _advice(move, self._at)
        if advice is None or isinstance(advice, Now):
            return False
        start_by = self._goes_first(move, advice)
        if start_by is not None:
            self._first[move.id] = start_by.timestamp()
        elif isinstance(advice, After) and advice.is_far:
            self._last.add(move.id)
        elif isinstance(advice, After):
            waiting = replace(at_rest(move), is_around_backup=True)
            self.held.append(hold(waiting, HoldCode.BACKUP_DUE, advice.text, self._at.wall))
            return True
        return False

    def places(self) -> Places:
        """Return which of the moves that may start go first, and which last."""
        return Places(self._first, self._last)

    def told(self, decision: Decision) -> Decision:
        """Return a decision that says, if it is a start before a backup, that it is."""
        if not isinstance(decision, Start) or decision.move.id not in self._first:
            return decision
        advice = _advice(decision.move, self._at)
        if not isinstance(advice, Before | After):
            return decision
        move = replace(decision.move, is_around_backup=True)
        return replace(decision, move=move, order=f"before {advice.name}")

    def _goes_first(self, move: Move, advice: Before | After) -> datetime | None:
        outlook = self._at.backups[move.id]
        if self._work is None:
            self._work = remaining_work(self._at.moves, self._usage, self._at.policy.links)
        left_s = seconds_left(move, outlook, self._work)
        return goes_first(advice, self._at.wall, outlook.likely_s, left_s)


def due_at(held: Held, situation: Situation) -> datetime | None:
    """Return when a backup that a move waits for should have begun: then it is decided anew."""
    advice = _advice(held.known, situation)
    return advice.until + _SOON if isinstance(advice, After) else None


def _advice(move: Move, situation: Situation) -> Advice | None:
    outlook = situation.backups.get(move.id)
    if outlook is None:
        return None
    return advise(outlook, situation.wall, situation.jobs[move.job_id].plan.options, situation.calendar)
