"""Drives the engine's own decisions over many fleets, event by event: what matters is only who starts when."""

import heapq
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from benchmarks.bound import Alone
from benchmarks.fleets import Case
from benchmarks.situations import NOW, POLICY, attempt_of, host_that_takes, queued_move, running_job
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostName, Snapshot, Vm
from core.domain.model.job import Job
from core.domain.model.move import Attempt, Move, MoveId, MoveState
from core.domain.scheduling.decisions import Start
from core.domain.scheduling.schedule import decide
from core.domain.scheduling.situation import Policy, Situation
from lab.hyperv.world.enums import VMState


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
                attempts[move.id] = attempt_of(move)
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
                facts=host_that_takes(slots),
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
    job = running_job(case.moves)
    queued = {MoveId(n): queued_move(job.id, one.move, number=n) for n, one in enumerate(moves, 1)}
    durations = {MoveId(number): one.seconds for number, one in enumerate(moves, 1)}
    return Yard(case, durations, job, queued, idle_s, replace(POLICY, links=case.links)).run()
