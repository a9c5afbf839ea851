"""Phase 3 of a decision, fit: is there a slot for this move now? What was given away counts for the next in line."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from core.domain.model.inventory import HostName
from core.domain.model.job import JobId
from core.domain.model.move import Attempt, HoldCode, Move
from core.domain.scheduling.decisions import Decision, Start, at_rest, hold
from core.domain.scheduling.fail_fast import FailedJobs
from core.domain.scheduling.readiness import Ready
from core.domain.scheduling.situation import Situation, lessons
from core.domain.scheduling.slots import SlotUsage, refusal


class SlotFit:
    """The slots of one decision: asked for one move after the other, in starting order."""

    def __init__(
        self, situation: Situation, failed: FailedJobs, loads: Mapping[HostName, tuple[SlotUsage, ...]]
    ) -> None:
        self._at = situation
        self._failed = failed
        self._loads = loads
        self._reserved: defaultdict[HostName, list[Attempt]] = defaultdict(list)
        self._full: dict[HostName, str] = {}
        for attempt in situation.reservations:
            self._reserve(attempt)
        self._in_flight = Counter(move.job_id for move in situation.moves if move.state.holds_slots)
        self._moving_vms = {attempt.vm_id.int for attempt in situation.reservations if attempt.ended_at is None}
        self._waiting_live = defaultdict[JobId, set[HostName]](set)
        self._refused_lately = {
            host for attempt in lessons(situation) for host in (attempt.source, attempt.destination)
        }

    def place(self, move: Move, ready: Ready) -> Decision:
        """Give a move its slots, or say why it waits for them."""
        move = at_rest(move)
        too_late = self._failed.end(move)
        if too_late is not None:
            return too_late
        wait = self._why_not(move, ready)
        if wait is not None:
            code, text = wait
            if not ready.is_last and code is not HoldCode.MIGRATING:
                self._waiting_live[move.job_id].update((move.source, move.destination))
            return hold(move, code, text, self._at.wall)
        self._reserve(
            Attempt(
                id=0,
                move_id=move.id,
                vm_id=move.vm_id,
                source=move.source,
                destination=move.destination,
                number=0,
                started_at=self._at.wall,
            )
        )
        self._in_flight[move.job_id] += 1
        self._moving_vms.add(move.vm_id.int)
        claims = self._loads[move.source] + self._loads[move.destination]
        return Start(move, claims, f"{move.source} and {move.destination} have free slots")

    def _why_not(self, move: Move, ready: Ready) -> tuple[HoldCode, str] | None:
        """Say why a move cannot start now; None when it can."""
        job = self._at.jobs[move.job_id]
        parallel = job.plan.options.parallel or self._at.policy.max_parallel
        if move.vm_id.int in self._moving_vms:
            return HoldCode.MIGRATING, "is being moved by another job"
        if parallel and self._in_flight[job.id] >= parallel:
            return HoldCode.PARALLEL, f"{job.id} moves at most {parallel} at a time"
        if ready.is_last and self._waiting_live[job.id] & {move.source, move.destination}:
            return HoldCode.LAST, "is not running; running VMs go first"
        for host in (move.source, move.destination):
            if host in self._refused_lately:
                return HoldCode.SLOT, f"{host} was full a moment ago, though it did not show it"
        full = self._why_full(move.source) or self._why_full(move.destination)
        return (HoldCode.SLOT, full) if full else None

    def _why_full(self, host: HostName) -> str:
        """Say that a host has no free slot; asked for every move in line, so counted once per start."""
        if host not in self._full:
            self._full[host] = refusal(self._loads[host], self._reserved[host]) or ""
        return self._full[host]

    def _reserve(self, attempt: Attempt) -> None:
        for host in {attempt.source, attempt.destination}:
            self._reserved[host].append(attempt)
            self._full.pop(host, None)
