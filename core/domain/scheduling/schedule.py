"""Decides what to start now and why everything else waits, in three phases over all open moves: filter, order, fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, Move, MoveId, MoveState
from core.domain.scheduling.backup_order import BackupOrder, due_at
from core.domain.scheduling.decisions import Decision, End, Held
from core.domain.scheduling.dropout import out_of_room
from core.domain.scheduling.fail_fast import FailedJobs
from core.domain.scheduling.filter import StartFilter
from core.domain.scheduling.fit import SlotFit
from core.domain.scheduling.host_faces import HostFace, HostFaces
from core.domain.scheduling.next_in_line import NextInLine, next_in_line
from core.domain.scheduling.order import in_order, remaining_work, sort_key
from core.domain.scheduling.readiness import Ready
from core.domain.scheduling.situation import LESSON, Situation, lessons, wait_timeout
from core.domain.scheduling.slots import SlotUsage, loads

LOOK_AGAIN = timedelta(seconds=5)
"""How soon to decide again about a VM of which it is not clear where it is: hosts that show the same are no news."""
SEEK_AGAIN = timedelta(minutes=1)
"""How soon another place is looked for again for what waits for a host that dropped out."""


_FOR_A_SLOT = {HoldCode.SLOT, HoldCode.LINK, HoldCode.PARALLEL, HoldCode.LAST}


def decide(situation: Situation) -> list[Decision]:
    """Decide for every queued move: starts first come from the oldest job, others fill gaps."""
    return Scheduler().decide(situation)


@dataclass(slots=True)
class _Known:
    """A move that may start: that holds while it is the same move and both of its hosts show the same."""

    move: Move
    source: HostFace
    destination: HostFace
    ready: Ready
    held: Held | None = None
    """What was decided of it last, if it had to wait."""


class Scheduler:
    """A scheduler that decides again and again, and looks closely only at what changed since the last time.

    What it decides is what ``decide`` does; the memory saves time and nothing else.
    """

    def __init__(self) -> None:
        self._faces = HostFaces()
        self._known: dict[MoveId, _Known] = {}
        self._last: tuple[Situation, SlotFit, Mapping[HostName, tuple[SlotUsage, ...]]] | None = None

    def decide(self, situation: Situation) -> list[Decision]:
        """Decide for every queued move."""
        queued: list[Move] = []
        others: list[Move] = []
        for move in situation.moves:
            (queued if move.state is MoveState.QUEUED else others).append(move)
        failed = FailedJobs(situation, others)
        ready, decisions = self._filter(queued, situation, failed)
        for decision in decisions:
            if isinstance(decision, End):
                failed.note(decision)
        usage = {host: loads(snapshot) for host, snapshot in situation.snapshots.items()}
        fit = SlotFit(situation, failed, usage, others)
        order = BackupOrder(situation, usage)
        starts, wait = _start(ready, fit, situation, usage, order)
        decisions += order.held
        decisions += starts
        for known in wait:
            decision = fit.place(known.move, known.ready, known.held)
            known.held = decision if isinstance(decision, Held) else None
            decisions.append(decision)
        self._last = situation, fit, usage
        return decisions

    def next_in_line(self) -> NextInLine:
        """Return which of the moves that wait now start when one that is under way ends."""
        if self._last is None:
            return NextInLine()
        situation, fit, usage = self._last
        links = situation.policy.links
        waiting = (
            (known.move, known.ready)
            for known in self._known.values()
            if known.held is not None and known.held.hold.code in _FOR_A_SLOT
        )
        place_of = sort_key(situation.jobs.values(), remaining_work(situation.moves, usage, links), fit.on_trial, links)
        return next_in_line(waiting, fit.full_places(), fit.under_way(), place_of, fit.places_of)

    def _filter(
        self, queued: Sequence[Move], situation: Situation, failed: FailedJobs
    ) -> tuple[list[_Known], list[Decision]]:
        """Filter queued moves into those that may start and what was decided of the others."""
        faces = self._faces.look(situation)
        start_filter = StartFilter(situation, failed, faces)
        free_jobs, moving_vms = start_filter.jobs_without_orders(), start_filter.moving_vms
        ready, decided, before = list[_Known](), list[Decision](), self._known
        self._known = {}
        for move in queued:
            known = before.get(move.id)
            if (
                known is None
                or known.move is not move
                or known.source is not faces.get(move.source)
                or known.destination is not faces.get(move.destination)
                or move.job_id not in free_jobs
                or move.vm_id.int in moving_vms
            ):
                verdict = start_filter.check(move)
                if not isinstance(verdict, Ready):
                    decided.append(verdict)
                    continue
                known = _Known(move, faces[move.source], faces[move.destination], verdict)
            self._known[move.id] = known
            ready.append(known)
        return ready, decided


def _start(
    ready: Sequence[_Known],
    fit: SlotFit,
    situation: Situation,
    usage: Mapping[HostName, Sequence[SlotUsage]],
    order: BackupOrder,
) -> tuple[list[Decision], list[_Known]]:
    """Place what there is room for, in order. Returns that, and what waits: why is said when all is given away."""
    wait, candidates = list[_Known](), dict[MoveId, _Known]()
    for known in ready:
        if order.holds_back(known.move):
            known.held = None
        elif fit.has_room(known.move):
            candidates[known.move.id] = known
        else:
            fit.note_waiting(known.move, known.ready)
            wait.append(known)
    placed: list[Decision] = []
    pairs = [(known.move, known.ready) for known in candidates.values()]
    links, places = situation.policy.links, order.places()
    jobs = situation.jobs.values()
    for move, verdict in in_order(pairs, jobs, situation.moves, usage, fit.on_trial, links=links, places=places):
        if fit.has_room(move):
            candidates[move.id].held = None
            placed.append(order.told(fit.place(move, verdict)))
        else:
            fit.note_waiting(move, verdict)
            wait.append(candidates[move.id])
    return placed, wait


def next_change(decisions: Sequence[Decision], situation: Situation) -> timedelta | None:
    """Return in how long time alone will change a decision: a start time comes, a delay ends, a timeout is over."""
    named, measured = next_times(decisions, situation)
    left = [*(at - situation.wall for at in named), *(at - situation.now for at in measured)]
    return min(left, default=None)


def next_times(decisions: Sequence[Decision], situation: Situation) -> tuple[list[datetime], list[datetime]]:
    """Return the next times on the wall, and the steady ones."""
    named: list[datetime] = [situation.frozen_until] if situation.frozen_until else []
    named += [attempt.ended_at + LESSON for attempt in lessons(situation) if attempt.ended_at]
    named += [attempt.ended_at + LESSON for attempt in out_of_room(situation).values() if attempt.ended_at]
    times: list[datetime] = []
    for decision in decisions:
        if not isinstance(decision, Held):
            continue
        move, options = decision.known, situation.jobs[decision.known.job_id].plan.options
        match decision.hold.code:
            case HoldCode.RETRY if move.not_before is not None:
                times.append(move.not_before)
            case HoldCode.START_TIME if options.start_at is not None:
                named.append(options.start_at)
            case (HoldCode.BACKUP | HoldCode.BUSY) as code if move.busy_since is not None:
                times.append(move.busy_since + wait_timeout(move, code, move.busy_since, situation))
            case HoldCode.HOST if (patience := situation.policy.replan_after) is not None:
                due = decision.hold.since + patience
                named.append(due if due > situation.wall else situation.wall + SEEK_AGAIN)
            case HoldCode.BACKUP_DUE if (begins := due_at(decision, situation)) is not None:
                named.append(begins)
            case HoldCode.LINK:
                links = situation.policy.links.of(move.source, move.destination)
                named += [at for link in links if (at := link.next_change(situation.wall)) is not None]
            case HoldCode.UNCLEAR:
                times.append(situation.now + LOOK_AGAIN)
    return named, times
