"""Drives the engine's own decisions over many fleets, event by event: what matters is only who starts when."""

import heapq
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from benchmarks.bound import Alone
from benchmarks.fleets import Case
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostFacts, HostName, Snapshot, Vm
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Attempt, Move, MoveId, MoveState
from core.domain.model.plan import Plan
from core.domain.scheduling.decisions import Start
from core.domain.scheduling.schedule import decide
from core.domain.scheduling.situation import Policy, Situation
from lab.hyperv.world.enums import VMState

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
POLICY = Policy(
    backup_threshold=timedelta(hours=1),
    busy_timeout=timedelta(minutes=30),
    max_parallel=0,
    fail_fast=False,
    snapshot_max_age=timedelta(minutes=2),
)


@dataclass
class Yard:
    """Hosts, queued and running moves, and a clock that jumps to the next end."""

    case: Case
    durations: dict[MoveId, float]
    job: Job
    moves: dict[MoveId, Move]
    idle_s: float
    """How long after an end its slot is used again."""
    policy: Policy = POLICY

    def run(self) -> float:
        """Return the second in which the last move ends."""
        ends: list[tuple[float, MoveId]] = []
        attempts: dict[MoveId, Attempt] = {}
        clock = last_s = 0.0
        while True:
            for start in self._starts(clock, attempts):
                move = start.move
                attempts[move.id] = Attempt(
                    id=0,
                    move_id=move.id,
                    vm_id=move.vm_id,
                    source=move.source,
                    destination=move.destination,
                    number=1,
                    started_at=NOW,
                )
                self.moves[move.id] = replace(move, state=MoveState.MOVING)
                last_s = max(last_s, clock + self.durations[move.id])
                heapq.heappush(ends, (clock + self.durations[move.id] + self.idle_s, move.id))
            if not ends:
                break
            clock = ends[0][0]
            while ends and ends[0][0] <= clock:
                _, ended = heapq.heappop(ends)
                del attempts[ended]
                self.moves[ended] = replace(self.moves[ended], state=MoveState.DONE)
        if any(not move.state.is_end for move in self.moves.values()):
            raise AssertionError("a move was never started")
        return last_s

    def _starts(self, clock: float, attempts: dict[MoveId, Attempt]) -> list[Start]:
        now = NOW + timedelta(seconds=clock)
        situation = Situation(
            now=now,
            jobs={self.job.id: self.job},
            moves=list(self.moves.values()),
            snapshots=self._snapshots(now),
            reservations=list(attempts.values()),
            policy=self.policy,
        )
        return [decision for decision in decide(situation) if isinstance(decision, Start)]

    def _snapshots(self, now: datetime) -> dict[HostName, Snapshot]:
        states = {vm.id: VmState.RUNNING if vm.state is VMState.Running else VmState.OFF for vm in self.case.fleet.vms}
        return {
            host: Snapshot(
                host=host,
                asked_at=now,
                taken_at=now,
                facts=HostFacts(live_limit=slots, storage_limit=slots, is_migration_enabled=True),
                vms=tuple(
                    Vm(id=move.vm_id, name=move.vm_name, state=states[move.vm_id])
                    for move in self.moves.values()
                    if not move.state.is_end and move.source == host
                ),
            )
            for host, slots in self.case.slots().items()
        }


def makespan_s(case: Case, moves: list[Alone], *, idle_s: float = 0.0) -> float:
    """Carry out a case whose moves take as long as they do alone; the decisions know the plan's sizes only."""
    job = Job(
        id=JobId("J1"),
        plan=Plan(case.moves),
        requester="U",
        channel="C",
        text="",
        created_at=NOW,
        expires_at=NOW,
        state=JobState.RUNNING,
        decided_at=NOW,
    )
    queued = {
        MoveId(number): Move(
            id=MoveId(number),
            job_id=job.id,
            vm_id=one.move.vm_id,
            vm_name=one.move.vm_name,
            source=one.move.source,
            destination=one.move.destination,
            path=one.move.path,
            size_bytes=one.move.size_bytes,
            is_live=one.move.is_live,
        )
        for number, one in enumerate(moves, 1)
    }
    durations = {MoveId(number): one.seconds for number, one in enumerate(moves, 1)}
    return Yard(case, durations, job, queued, idle_s, replace(POLICY, links=case.links)).run()
