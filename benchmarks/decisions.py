"""Measures how long one decision takes: over how many queued moves, on how many hosts."""

import random
import statistics
import time
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from benchmarks.report import Section, Size, Table
from benchmarks.situations import NOW, POLICY, attempt_of, host_that_takes, running_job
from core.domain.backups.rhythm import Expected
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.planning.forecast import CAREFUL
from core.domain.planning.speeds import OVERHEAD_S
from core.domain.scheduling.around_backups import BackupOutlook
from core.domain.scheduling.decisions import Decision, Held, Start
from core.domain.scheduling.schedule import Scheduler, decide
from core.domain.scheduling.situation import Situation

_SIZES = ((100, 4), (1_000, 40), (5_000, 200), (10_000, 400))
_AIM_S = 0.050


def crowd(moves: int, hosts: int, seed: int = 1) -> Situation:
    """Make a situation in which nothing was decided yet: so many queued moves between so many idle hosts."""
    rng = random.Random(seed)  # noqa: S311 (seeded, to be repeated)
    names = [HostName(f"HV{number:03}") for number in range(1, hosts + 1)]
    job = running_job()
    queued = []
    homes: defaultdict[HostName, list[Vm]] = defaultdict(list)
    for number in range(1, moves + 1):
        source, destination = rng.sample(names, 2)
        vm = Vm(id=VmId(UUID(int=number)), name=f"vm{number:05}", state=VmState.RUNNING)
        homes[source].append(vm)
        size_bytes = rng.randrange(10**9, 10**11)
        queued.append(
            Move(
                id=MoveId(number),
                job_id=job.id,
                vm_id=vm.id,
                vm_name=vm.name,
                source=source,
                destination=destination,
                path="D:\\VMs",
                size_bytes=size_bytes,
            )
        )
    facts = host_that_takes(2)
    snapshots = {
        name: Snapshot(host=name, asked_at=NOW, taken_at=NOW, facts=facts, vms=tuple(homes[name])) for name in names
    }
    return Situation(now=NOW, jobs={job.id: job}, moves=queued, snapshots=snapshots, reservations=[], policy=POLICY)


def under_way(situation: Situation) -> Situation:
    """Carry a decision out, let one of the moves end, and return what the next decision is about."""
    moves = {move.id: move for move in situation.moves}
    attempts = list(situation.reservations)
    for decision in decide(situation):
        move = moves[decision.move.id] = decision.move
        if isinstance(decision, Start):
            moves[move.id] = replace(move, state=MoveState.MOVING, hold=None)
            attempts.append(attempt_of(move))
    ended = attempts.pop(0)
    moves[ended.move_id] = replace(moves[ended.move_id], state=MoveState.DONE)
    return looked_at_again(replace(situation, moves=list(moves.values()), reservations=attempts))


def looked_at_again(situation: Situation) -> Situation:
    """Let every host be asked anew: it shows the same VMs, some seconds older."""
    snapshots = {
        host: replace(one, vms=tuple(replace(vm, uptime_s=vm.uptime_s + 5) for vm in one.vms))
        for host, one in situation.snapshots.items()
    }
    return replace(situation, snapshots=snapshots)


def with_backups(situation: Situation, seed: int = 1) -> Situation:
    """Let a backup be expected of every VM each night, within the next ten hours first."""
    rng = random.Random(seed)  # noqa: S311 (seeded, to be repeated)
    outlooks = {}
    for move in situation.moves:
        first = NOW + timedelta(minutes=rng.uniform(-30, 600))
        likely_s = OVERHEAD_S + move.size_bytes / 110e6
        nights = tuple(_backup(first + timedelta(days=day)) for day in range(-1, 3))
        outlooks[move.id] = BackupOutlook(expected=nights, likely_s=likely_s, latest_s=CAREFUL * likely_s)
    return replace(situation, backups=outlooks)


def _backup(opens: datetime) -> Expected:
    vary, takes = timedelta(minutes=10), timedelta(minutes=40)
    return Expected(
        earliest=opens - vary,
        opens=opens,
        latest=opens + vary,
        closes=opens + takes,
        closes_latest=opens + vary + takes,
        name="its nightly backup at about 22:00",
        after="about 22:45",
    )


def decide_s(situation: Situation, times: int) -> float:
    """Return the median processor time of a decision by a scheduler that remembers nothing, in seconds."""
    return statistics.median(_timed(Scheduler(), situation)[0] for _ in range(times))


def decide_again_s(situation: Situation, times: int) -> float:
    """Return the median processor time of later decisions: before each a move ended, and all hosts were asked anew."""
    scheduler, spent = Scheduler(), []
    _timed(scheduler, situation)
    for _ in range(times):
        situation = under_way(situation)
        spent.append(_timed(scheduler, situation)[0])
    return statistics.median(spent)


def _timed(scheduler: Scheduler, situation: Situation) -> tuple[float, list[Decision]]:
    began = time.process_time()
    decisions = scheduler.decide(situation)
    spent_s = time.process_time() - began
    assert all(isinstance(decision, Start | Held) for decision in decisions)
    return spent_s, decisions


def run(size: Size) -> Section:
    """Measure the first decision over a full queue, and those that follow when one move ends."""
    times = 3 if size.is_quick else 15
    rows = []
    for moves, hosts in _SIZES[: 2 if size.is_quick else 4]:
        first = crowd(moves, hosts)
        # Twice: the second decision still rewrites many reasons (whichever host was full first is named).
        steady = under_way(under_way(first))
        first_s, steady_s = decide_s(first, times), decide_again_s(steady, times)
        backups_s = decide_again_s(under_way(under_way(with_backups(first))), times)
        shown = (f"{spent_s * 1000:.1f} ms" for spent_s in (first_s, steady_s, backups_s))
        rows.append((f"{moves:,}", f"{hosts}", *shown, _each(steady_s, moves)))
    return Section(
        "decisions",
        "One decision over everything queued",
        f"Processor time of one call of `decide`, median of {times}. *First* finds nothing decided and says of every "
        "move why it waits; *next* is every later one: a move ended, and all hosts were asked anew. Aim: below "
        f"{_AIM_S * 1000:.0f} ms at 10,000 moves, and no worse than n log n. *With backups*: one is expected of every "
        "VM each night, and each move is ordered around it; there is no aim for that.",
        (Table(("queued moves", "hosts", "first", "next", "next, with backups", "next, per move"), tuple(rows)),),
    )


def _each(seconds: float, moves: int) -> str:
    return f"{seconds / moves * 1e6:.1f} µs"
