"""Measures what it is worth to know when backups come, on fleets that are backed up every night."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from benchmarks.bound import Alone, alone
from benchmarks.fleets import PLAIN, Case, Shape, Speed, case
from benchmarks.makespan import side_by_side
from benchmarks.nightly import LOOK, ZONE, Nightly, nights
from benchmarks.report import Section, Size, Table, mean, percentile
from benchmarks.situations import POLICY, attempt_of, host_that_takes, queued_move, running_job
from core.domain.backups.rhythm import Expected
from core.domain.backups.runs import BackupRun
from core.domain.model.hyperv_enums import Operation, VmState
from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.job import Job
from core.domain.model.move import HoldCode, Move, MoveId, MoveState
from core.domain.planning.forecast import CAREFUL
from core.domain.planning.speeds import OVERHEAD_S, Speeds
from core.domain.scheduling.around_backups import BackupOutlook
from core.domain.scheduling.decisions import Held, Start
from core.domain.scheduling.schedule import Scheduler, next_change
from core.domain.scheduling.situation import Situation
from lab.hyperv.world.fleet import MB

MIDNIGHT = datetime(2026, 1, 5, tzinfo=ZONE)
IN_BACKUP = (Operation.IN_SERVICE, Operation.BACKING_UP)
IDLE_S = 2.0
SPEED, ASSUMED = 250 * MB, 110 * MB
WEIGHT = 0.3
"""How much the newest move says about the speed of its hosts, as in ``core/store/throughput.py``."""
VMS = 40
KNOWN = "known"
SHAPES = PLAIN


@dataclass
class Evening:
    """One job on one evening: what moves, what is backed up, and a clock that jumps to the next change."""

    case: Case
    seconds_of: dict[MoveId, float]
    moves: dict[MoveId, Move]
    job: Job
    backups: dict[VmId, Nightly]
    begins: datetime
    is_known: bool
    """Whether the decisions know when backups come."""
    met: int = 0
    """Backups that found their VM on its way, and so failed."""
    given_up: int = 0
    learned: dict[tuple[HostName, HostName], float] = field(default_factory=dict)
    """Bytes per second of each pair of hosts, as moves showed it."""
    waited: dict[HoldCode, float] = field(default_factory=lambda: dict.fromkeys(HoldCode, 0.0))
    _ends: dict[MoveId, datetime] = field(default_factory=dict)
    _failed: set[VmId] = field(default_factory=set)

    def play(self) -> float:
        """Play it to its end. Returns the seconds until the last move was over."""
        expected = {
            move.vm_id: self.backups[move.vm_id].expected(move.source, self.begins) for move in self.moves.values()
        }
        scheduler, now, last = Scheduler(), self.begins, self.begins
        changes = sorted(
            at for one in self.backups.values() for at in (one.tonight.begins + LOOK, one.tonight.ends + LOOK)
        )
        while any(not move.state.is_end for move in self.moves.values()):
            self._note_backups(now)
            situation = self._situation(now, expected)
            decisions = scheduler.decide(situation)
            for decision in decisions:
                if isinstance(decision, Start):
                    self._ends[decision.move.id] = now + timedelta(seconds=self.seconds_of[decision.move.id] + IDLE_S)
                    self.moves[decision.move.id] = replace(decision.move, state=MoveState.MOVING)
                elif isinstance(decision, Held):
                    self.moves[decision.move.id] = decision.move
                else:
                    self.given_up += 1
                    self.moves[decision.move.id] = replace(decision.move, state=decision.state)
            soonest = [at for at in changes if at > now][:1] + list(self._ends.values())
            if (change := next_change(decisions, situation)) is not None:
                soonest.append(now + max(change, timedelta(seconds=1)))
            later = min(soonest)
            for move in self.moves.values():
                if move.state is MoveState.QUEUED and move.hold is not None:
                    self.waited[move.hold.code] += (later - now).total_seconds()
            now = later
            for move_id in [move_id for move_id, at in self._ends.items() if at <= now]:
                self._note_backups(now)
                self._end(move_id)
                last = max(last, now)
        return (last - self.begins).total_seconds()

    def _end(self, move_id: MoveId) -> None:
        move, took = self.moves[move_id], self.seconds_of[move_id]
        pair = (move.source, move.destination)
        speed = move.size_bytes / max(1.0, took - OVERHEAD_S)
        known = self.learned.get(pair)
        self.learned[pair] = speed if known is None else known + WEIGHT * (speed - known)
        del self._ends[move_id]
        self.moves[move_id] = replace(move, state=MoveState.DONE)

    def _note_backups(self, now: datetime) -> None:
        """Note the backups whose turn came while their VM moved."""
        for move_id, ends in self._ends.items():
            move = self.moves[move_id]
            began = ends - timedelta(seconds=self.seconds_of[move_id] + IDLE_S)
            due = self.backups[move.vm_id].tonight.begins
            if began <= due <= min(now, ends) and move.vm_id not in self._failed:
                self._failed.add(move.vm_id)
                self.met += 1

    def _runs(self, vm_id: VmId, now: datetime) -> bool:
        """Whether a look shows the VM in backup."""
        one = self.backups[vm_id].tonight
        return vm_id not in self._failed and one.begins + LOOK <= now < one.ends + LOOK

    def _newest(self, move: Move, now: datetime) -> BackupRun | None:
        one = self.backups[move.vm_id].tonight
        if move.vm_id in self._failed or now < one.begins + LOOK:
            return None
        is_over = now >= one.ends + LOOK
        return BackupRun(
            vm_id=move.vm_id,
            host=move.source,
            started_at=one.begins + LOOK,
            ended_at=one.ends + LOOK if is_over else None,
        )

    def _situation(self, now: datetime, expected: dict[VmId, tuple[Expected, ...]]) -> Situation:
        speeds = Speeds(self.learned, ASSUMED)
        outlooks: dict[MoveId, BackupOutlook] = {}
        for move in self.moves.values() if self.is_known else ():
            if move.state is MoveState.QUEUED:
                likely_s = OVERHEAD_S + move.size_bytes / speeds.nearest(move.source, move.destination)
                outlooks[move.id] = BackupOutlook(
                    expected=expected[move.vm_id],
                    likely_s=likely_s,
                    latest_s=CAREFUL * likely_s,
                    newest=self._newest(move, now),
                )
        return Situation(
            now=now,
            jobs={self.job.id: self.job},
            moves=list(self.moves.values()),
            snapshots=self._snapshots(now),
            reservations=[attempt_of(self.moves[move_id], now) for move_id in self._ends],
            policy=POLICY,
            backups=outlooks,
        )

    def _snapshots(self, now: datetime) -> dict[HostName, Snapshot]:
        return {
            host: Snapshot(
                host=host,
                asked_at=now,
                taken_at=now,
                facts=host_that_takes(slots),
                vms=tuple(
                    Vm(
                        id=move.vm_id,
                        name=move.vm_name,
                        state=VmState.RUNNING,
                        status=IN_BACKUP if self._runs(move.vm_id, now) else (Operation.OK,),
                    )
                    for move in self.moves.values()
                    if not move.state.is_end and move.source == host
                ),
            )
            for host, slots in self.case.slots().items()
        }


@dataclass(frozen=True, slots=True)
class Result:
    """How one evening went."""

    makespan_s: float
    met: int
    given_up: int
    waited_s: float
    """Seconds that moves waited for a backup, that ran or was expected."""


def evening(one: Case, moves: list[Alone], jitter_min: float, *, is_known: bool, knows_speeds: bool) -> Result:
    """Play one case on one evening."""
    rng = random.Random(f"{one.shape} {one.seed} {jitter_min}")  # noqa: S311 (seeded, to be repeated)
    begins = MIDNIGHT + timedelta(hours=rng.uniform(18.0, 23.0))
    job = running_job(one.moves, begins)
    queued = {MoveId(n): queued_move(job.id, mine.move, number=n) for n, mine in enumerate(moves, 1)}
    backups = nights([(m.move.vm_id, m.move.source) for m in moves], MIDNIGHT, jitter_min, rng)
    pairs = sorted({(m.move.source, m.move.destination) for m in moves}) if knows_speeds else ()
    played = Evening(
        one,
        {MoveId(number): mine.seconds for number, mine in enumerate(moves, 1)},
        queued,
        job,
        backups,
        begins,
        is_known,
        learned={pair: SPEED * rng.uniform(0.85, 1.15) for pair in pairs},
    )
    makespan_s = played.play()
    waited = played.waited[HoldCode.BACKUP] + played.waited[HoldCode.BACKUP_DUE]
    return Result(makespan_s, played.met, played.given_up, waited)


def measured(shape: Shape, seed: int, vms: int, jitter_min: float, speeds: str) -> tuple[Result, Result]:
    """Play one fleet without and with knowing when backups come."""
    one = case(shape, Speed.STREAM, seed, vms)
    moves = alone(one)
    return (
        evening(one, moves, jitter_min, is_known=False, knows_speeds=speeds == KNOWN),
        evening(one, moves, jitter_min, is_known=True, knows_speeds=speeds == KNOWN),
    )


def run(size: Size) -> Section:
    """Measure fleets of every shape, with backups that are more or less on time, and with speeds known or not."""
    seeds, vms = (3, 12) if size.is_quick else (200, VMS)
    wanted: list[tuple[str, Shape, float, str]] = [(str(shape), shape, 10.0, KNOWN) for shape in SHAPES]
    wanted += [(f"{Shape.EVACUATION}, ± {jitter:.0f} min", Shape.EVACUATION, jitter, KNOWN) for jitter in (0.0, 25.0)]
    wanted += [(f"{Shape.EVACUATION}, speeds not known", Shape.EVACUATION, 10.0, "")]
    rows, all_pairs = [], []
    for what, shape, jitter_min, speeds in wanted:
        asked = [(shape, seed, vms, jitter_min, speeds) for seed in range(seeds)]
        pairs = side_by_side(measured, asked, size)
        all_pairs += pairs
        rows.append(_row(what, vms, pairs))
    rows.append(_row("all of these", vms, all_pairs))
    head = (
        *("fleets", "seeds", "backups that failed, because their VM moved: without", "with", "fewer"),
        *("minutes waited for backups per VM: without", "with"),
        *("makespan over without: mean", "p95", "worst", "given up"),
    )
    return Section("backups", "Knowing when backups come", _text(vms), (Table(head, tuple(rows)),))


def _row(what: str, vms: int, pairs: list[tuple[Result, Result]]) -> tuple[str, ...]:
    without, known = [a for a, _ in pairs], [b for _, b in pairs]
    ratios = [b.makespan_s / a.makespan_s for a, b in pairs]
    met = sum(a.met for a in without), sum(b.met for b in known)
    fewer = f"{100 * (1 - met[1] / met[0]):.0f} %" if met[0] else "none to avoid"
    total = vms * len(pairs)
    return (
        what,
        f"{len(pairs)}",
        f"{met[0]} of {total}",
        f"{met[1]}",
        fewer,
        f"{sum(a.waited_s for a in without) / 60 / total:.1f}",
        f"{sum(b.waited_s for b in known) / 60 / total:.1f}",
        f"{mean(ratios):.4f}",
        f"{percentile(ratios, 0.95):.4f}",
        f"{max(ratios):.4f}",
        f"{sum(a.given_up for a in without)} : {sum(b.given_up for b in known)}",
    )


def _text(vms: int) -> str:
    return (
        f"{vms} VMs of 12 to 200 GB, one job that begins between 18:00 and 23:00, each move at 250 MB/s. Of the hosts' "
        "speed the bot knows what earlier moves showed, 15 % more or less (where it is not known: 110 MB/s until a "
        "move shows it); the plan's sizes are wrong by up to 30 % either way. A backup product comes to every VM once "
        "a night, to each at its time between 20:00 and 02:00, 10 minutes earlier or later where nothing else is said, "
        "for 10 to 50 minutes; the bot has seen 14 nights. A VM in backup waits; a VM that moves when its turn comes "
        "is not backed up that night. The engine's decisions alone, driven event by event as above. *Without* and "
        "*with*: whether the decisions know when backups come. *Given up*: moves that ended because a backup took too "
        "long. Aim: 90 % fewer, makespan 1.02 of without."
    )
