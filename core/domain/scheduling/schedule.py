"""What to start now and why everything else waits: one pass over all open moves, as data in and decisions out."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName, Snapshot, Vm, VmId
from core.domain.model.job import Job, JobId
from core.domain.model.move import Attempt, Fault, Hold, HoldCode, Move, MoveState
from core.domain.model.plan import Options
from core.domain.model.units import span
from core.domain.scheduling.missing_vm import Arrived, Elsewhere, Undecided, Vanished, absence
from core.domain.scheduling.readiness import Never, Ready, Wait, readiness
from core.domain.scheduling.slots import SlotUsage, bar, loads, refusal

FOREIGN_PATIENCE = timedelta(days=1)
"""How long a VM may be seen migrating without us before the bot gives it up: long, but not for ever."""

LOOK_AGAIN = timedelta(seconds=5)
"""How soon to decide again about a VM of which it is not clear where it is: hosts that show the same are no news."""

LESSON = timedelta(seconds=30)
"""How long a refusal because of a limit is believed although the host shows room (a limit we cannot read may hold)."""

_ARRIVED = {MoveState.CLEANING, MoveState.DONE}
_FAILURES = {MoveState.FAILED, MoveState.UNMIGRATABLE, MoveState.LOST}


@dataclass(frozen=True, slots=True)
class Policy:
    """Patience and limits, from the settings."""

    backup_threshold: timedelta
    busy_patience: timedelta
    max_parallel: int
    fail_fast: bool
    snapshot_max_age: timedelta


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a pass looks at. ``trouble`` says of a host why it is silent."""

    now: datetime
    jobs: Mapping[JobId, Job]
    moves: Sequence[Move]
    """Every move of the running jobs, ended ones too (fail-fast looks at them), in each plan's order."""
    snapshots: Mapping[HostName, Snapshot]
    reservations: Sequence[Attempt]
    policy: Policy
    trouble: Mapping[HostName, str] = field(default_factory=dict)
    stopped_by: str = ""
    faults: Sequence[Attempt] = ()
    """Attempts that failed since the oldest of these jobs began."""
    frozen_until: datetime | None = None
    """End of the freeze window that holds now, in the calendar's own time zone."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start this move; the claims are what the store checks again when it reserves."""

    move: Move
    claims: tuple[SlotUsage, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """Let this move wait. ``known`` carries the clock of what the VM is busy with, ``hold`` is why it waits.

    Thousands wait at every decision and few have anything new to say: the move to be written down is made when asked.
    """

    known: Move
    hold: Hold

    @property
    def move(self) -> Move:
        """Return the move with its hold."""
        return self.known if self.known.hold == self.hold else replace(self.known, hold=self.hold)


@dataclass(frozen=True, slots=True)
class End:
    """End this move without an attempt."""

    move: Move
    state: MoveState
    text: str
    hint: str = ""
    follows: bool = False
    """Whether it only follows from another VM's failure, which was told already."""


Decision = Start | Held | End


def decide(situation: Situation) -> list[Decision]:
    """Decide for every queued move, in starting order: starts first come from the oldest job, others fill gaps."""
    return _Pass(situation).run()


def next_times(decisions: Sequence[Decision], situation: Situation) -> list[datetime]:
    """Return when time alone will change a decision: a start time comes, a delay ends, a patience runs out."""
    times: list[datetime] = [situation.frozen_until] if situation.frozen_until else []
    times += [attempt.ended_at + LESSON for attempt in _lessons(situation) if attempt.ended_at]
    for decision in decisions:
        if not isinstance(decision, Held):
            continue
        move, options = decision.known, situation.jobs[decision.known.job_id].plan.options
        match decision.hold.code:
            case HoldCode.RETRY if move.not_before is not None:
                times.append(move.not_before)
            case HoldCode.START_TIME if options.start_at is not None:
                times.append(options.start_at)
            case (HoldCode.BACKUP | HoldCode.BUSY) as code if move.busy_since is not None:
                times.append(move.busy_since + _patience(code, options, situation.policy))
            case HoldCode.UNCLEAR:
                times.append(situation.now + LOOK_AGAIN)
    return times


def _lessons(situation: Situation) -> list[Attempt]:
    """Return the refusals because of a limit that are still believed."""
    refused = (attempt for attempt in situation.faults if attempt.fault is Fault.LIMIT)
    return [attempt for attempt in refused if attempt.ended_at and situation.now - attempt.ended_at < LESSON]


def _patience(code: HoldCode, options: Options, policy: Policy) -> timedelta:
    """Return how long a VM may stay busy like this."""
    if code is HoldCode.BACKUP:
        wanted = options.backup_wait_s
        return policy.backup_threshold if wanted is None else timedelta(seconds=wanted)
    return policy.busy_patience if code is HoldCode.BUSY else FOREIGN_PATIENCE


def _is_same_way(one: Move, other: Move) -> bool:
    return (one.source, one.destination) == (other.source, other.destination)


def _at_rest(move: Move) -> Move:
    """Return the move of a VM that is busy with nothing: no clock runs."""
    return (
        move if move.busy_since is None and move.busy_code is None else replace(move, busy_since=None, busy_code=None)
    )


def _why_again(move: Move) -> str:
    if move.attempts:
        return f"attempt {move.attempts} failed; the next comes soon"
    words = move.hint or move.error or "the last try did not start"
    return f"{words.splitlines()[0].rstrip('.')}; tries again soon"


class _Pass:
    """One pass: what was decided before counts for what is decided next."""

    def __init__(self, situation: Situation) -> None:
        self.at = situation
        self.reserved: defaultdict[HostName, list[Attempt]] = defaultdict(list)
        # What is known of a host does not change within the pass, except that its slots fill up.
        self.silence: dict[HostName, str] = {}
        self.bars: dict[HostName, str] = {}
        self.full: dict[HostName, str] = {}
        for attempt in situation.reservations:
            self._reserve(attempt)
        self.loads = {host: loads(snapshot) for host, snapshot in situation.snapshots.items()}
        self.in_flight = Counter(move.job_id for move in situation.moves if move.state.holds_slots)
        self.busy_vms = {attempt.vm_id.int for attempt in situation.reservations if attempt.ended_at is None}
        # By the number of the id: an id itself takes long to look up, and each of thousands of VMs is, several times.
        self.vms: dict[HostName, dict[int, Vm]] = {
            host: {vm.id.int: vm for vm in snapshot.vms} for host, snapshot in situation.snapshots.items()
        }
        jobs = sorted(situation.jobs.values(), key=lambda job: (job.decided_at or job.created_at, len(job.id), job.id))
        self.ranks = {job.id: rank for rank, job in enumerate(jobs)}
        self.failed = self._failures()
        self.work = self._remaining_work()
        self.waiting_live: defaultdict[JobId, set[HostName]] = defaultdict(set)
        self.broken_pairs = self._broken_pairs()
        self.lessons = {
            host: attempt for attempt in _lessons(situation) for host in (attempt.source, attempt.destination)
        }

    def run(self) -> list[Decision]:
        verdicts: list[tuple[Move, Decision | Ready]] = [
            (move, self._before_slots(move)) for move in self.at.moves if move.state is MoveState.QUEUED
        ]
        decisions: list[Decision] = [verdict for _, verdict in verdicts if not isinstance(verdict, Ready)]
        for decision in decisions:
            if isinstance(decision, End) and decision.state in _FAILURES and self._fails_fast(decision.move):
                self.failed.setdefault(decision.move.job_id, decision.move.vm_name)
        ready = [(move, verdict) for move, verdict in verdicts if isinstance(verdict, Ready)]
        for move, verdict in sorted(ready, key=lambda pair: self._order(*pair)):
            decisions.append(self._slots(_at_rest(move), verdict))
        return decisions

    def _order(self, move: Move, verdict: Ready) -> tuple[object, ...]:
        # What two loaded hosts have to do with each other cannot wait for the end; see benchmarks/results.md.
        weight = self.work[move.source] + self.work[move.destination] + move.size_bytes
        return self.ranks[move.job_id], verdict.is_last, -weight, move.id

    def _before_slots(self, move: Move) -> Decision | Ready:
        job, now = self.at.jobs[move.job_id], self.at.now
        ordered = self._by_order(move, job)
        if ordered is not None:
            return ordered
        silence = self._silence(move.source) or self._silence(move.destination)
        if silence:
            return self._keep(move, HoldCode.HOST, silence)
        verdict = self._vm(move, job)
        if not isinstance(verdict, Ready):
            return verdict
        barred = self._bar(move.source) or self._bar(move.destination)
        if barred:
            return self._keep(_at_rest(move), HoldCode.HOST, barred)
        if move.not_before is not None and now < move.not_before:
            return self._keep(_at_rest(move), HoldCode.RETRY, _why_again(move))
        return verdict

    def _by_order(self, move: Move, job: Job) -> Decision | None:
        """Do what people ordered, or what follows from another VM's failure, before any host is looked at."""
        if move.cancel_by:
            return End(move, MoveState.CANCELLED, "cancelled before it started")
        if move.job_id in self.failed:
            return self._too_late(move)
        broken = self.broken_pairs.get((move.job_id, move.source, move.destination))
        if broken is not None:
            text = f"not tried: between {move.source} and {move.destination} {broken} failed"
            hint = "Put that right between the two hosts, then retry."
            return End(move, MoveState.UNMIGRATABLE, text, hint, follows=True)
        # Nobody's patience runs out over a time in which the bot would not have started anything.
        if self.at.stopped_by:
            return self._keep(_at_rest(move), HoldCode.STOPPED, "all starts are stopped")
        if job.paused_by:
            return self._keep(_at_rest(move), HoldCode.PAUSED, f"{job.id} is paused")
        if self.at.frozen_until is not None and not job.plan.options.override:
            return self._keep(
                _at_rest(move), HoldCode.FREEZE, f"moves are frozen until {self.at.frozen_until:%a %H:%M}"
            )
        start_at = job.plan.options.start_at
        if start_at is not None and self.at.now < start_at:
            return self._keep(_at_rest(move), HoldCode.START_TIME, "waits for its start time")
        return None

    def _silence(self, host: HostName) -> str:
        if host not in self.silence:
            self.silence[host] = self._why_silent(host)
        return self.silence[host]

    def _why_silent(self, host: HostName) -> str:
        if host in self.at.trouble:
            return self.at.trouble[host]
        snapshot = self.at.snapshots.get(host)
        if snapshot is None:
            return f"{host} has not been looked at yet"
        age = self.at.now - snapshot.taken_at
        return f"{host} was last seen {span(age)} ago" if age > self.at.policy.snapshot_max_age else ""

    def _bar(self, host: HostName) -> str:
        if host not in self.bars:
            self.bars[host] = bar(self.at.snapshots[host])
        return self.bars[host]

    def _is_busy(self, move: Move) -> bool:
        """Whether an attempt of its VM is open, or was decided on in this pass."""
        return move.vm_id.int in self.busy_vms

    def _vm(self, move: Move, job: Job) -> Decision | Ready:
        vm = self.vms[move.source].get(move.vm_id.int)
        there = self.vms[move.destination].get(move.vm_id.int)
        if vm is None:
            return self._gone(move)
        if there is not None and not vm.is_migrating and not there.is_migrating:
            return self._twice(move, job)
        match readiness(vm):
            case Never(text, hint):
                return End(move, MoveState.UNMIGRATABLE, text, hint)
            case Wait(code, text):
                return self._wait(move, job, code, text)
            case Ready() as ready:
                if self._is_busy(move):
                    return self._keep(move, HoldCode.MIGRATING, "is being moved by another job")
                return ready

    def _gone(self, move: Move) -> Decision:
        """Judge a VM that its source no longer shows: it may be where it should be without our doing."""
        others = [other for other in self.at.moves if other.vm_id == move.vm_id and other.id != move.id]
        if self._is_busy(move) or any(other.state.holds_slots for other in others):
            return self._keep(move, HoldCode.MIGRATING, "is being moved by another job")
        now = self.at.now
        since = move.busy_since if move.busy_code is HoldCode.UNCLEAR and move.busy_since else now
        is_last_look = now - since >= self.at.policy.snapshot_max_age
        match absence(move, self.at.snapshots, self.at.trouble, since=since, is_last_look=is_last_look):
            case Arrived(by):
                theirs = f"{by or 'somebody else'} moved it; its folders on {move.source} are left alone"
                jobs = [other.job_id for other in others if other.state in _ARRIVED and _is_same_way(other, move)]
                return End(move, MoveState.DONE, f"{jobs[-1]} moved it" if jobs else theirs)
            case Elsewhere(host):
                hint = f"If it is still to go to {move.destination}, ask for that anew, from {host}."
                return End(move, MoveState.UNMIGRATABLE, f"somebody else moved it to {host}", hint)
            case Vanished(silent):
                unasked = f"; {', '.join(silent)} cannot be asked" if silent else ""
                text = f"is no longer on {move.source}, and no other host shows it{unasked}"
                hint = "Somebody removed it, or moved it to a host I do not know."
                return End(move, MoveState.UNMIGRATABLE, text, hint)
            case Undecided():
                clocked = replace(move, busy_since=since, busy_code=HoldCode.UNCLEAR)
                text = f"is no longer on {move.source}; the bot looks where it is"
                return self._keep(clocked, HoldCode.UNCLEAR, text, since=since)

    def _twice(self, move: Move, job: Job) -> Decision:
        """Judge a VM that both hosts show at rest: they were asked at different moments, it may just have gone over.

        It is proven when the source was asked last, or when both were asked since it was first seen so.
        """
        source, destination = self.at.snapshots[move.source], self.at.snapshots[move.destination]
        since = move.busy_since if move.busy_code is HoldCode.UNCLEAR else None
        again = since is not None and min(source.asked_at, destination.asked_at) >= since
        if again or source.asked_at >= destination.taken_at:
            text = f"is on {move.source} and on {move.destination} at once"
            return End(move, MoveState.LOST, text, "Look at both copies before anybody starts either.")
        return self._wait(move, job, HoldCode.UNCLEAR, "is shown by both hosts; the bot looks again")

    def _wait(self, move: Move, job: Job, code: HoldCode, text: str) -> Decision:
        """Wait with one clock per backup (or other business); the clock starts anew when the business changes.

        While a host was silent the clock stood still: one backup before and one after are not one long one.
        """
        since = self.at.now
        if move.busy_code is code and move.busy_since:
            unseen = self.at.now - move.hold.since if move.hold and move.hold.code is HoldCode.HOST else timedelta(0)
            since = move.busy_since + unseen
        clocked = replace(move, busy_since=since, busy_code=code)
        patience = _patience(code, job.plan.options, self.at.policy)
        if self.at.now - since >= patience:
            told = f"{text}, for {span(self.at.now - since)} now"
            return End(clocked, MoveState.UNMIGRATABLE, told, "Look at the VM on its host, then ask again.")
        until = "" if code in {HoldCode.MIGRATING, HoldCode.UNCLEAR} else f"; waits up to {span(patience)}"
        return self._keep(clocked, code, f"{text}{until}", since=since)

    def _slots(self, move: Move, ready: Ready) -> Decision:
        job = self.at.jobs[move.job_id]
        parallel = job.plan.options.parallel or self.at.policy.max_parallel
        if move.job_id in self.failed:
            return self._too_late(move)
        if self._is_busy(move):
            return self._keep(move, HoldCode.MIGRATING, "is being moved by another job")
        if parallel and self.in_flight[job.id] >= parallel:
            self._note_waiting(move, ready)
            return self._keep(move, HoldCode.PARALLEL, f"{job.id} moves at most {parallel} at a time")
        if ready.is_last and self.waiting_live[job.id] & {move.source, move.destination}:
            return self._keep(move, HoldCode.LAST, "is not running; running VMs go first")
        for host in (move.source, move.destination):
            if host in self.lessons:
                self._note_waiting(move, ready)
                return self._keep(move, HoldCode.SLOT, f"{host} was full a moment ago, though it did not show it")
        full = self._full(move.source) or self._full(move.destination)
        if full:
            self._note_waiting(move, ready)
            return self._keep(move, HoldCode.SLOT, full)
        self._reserve(Attempt(0, move.id, move.vm_id, move.source, move.destination, 0, self.at.now))
        self.in_flight[job.id] += 1
        self.busy_vms.add(move.vm_id.int)
        claims = self.loads[move.source] + self.loads[move.destination]
        return Start(move, claims, f"{move.source} and {move.destination} have free slots")

    def _full(self, host: HostName) -> str:
        """Say that a host has no free slot; asked for every move in line, so counted once per start."""
        if host not in self.full:
            self.full[host] = refusal(self.loads[host], self.reserved[host]) or ""
        return self.full[host]

    def _broken_pairs(self) -> dict[tuple[JobId, HostName, HostName], str]:
        """Name, for each pair of hosts of a job that cannot work together, the VM that found out."""
        moves = {move.id: move for move in self.at.moves} if self.at.faults else {}
        return {
            (moves[a.move_id].job_id, a.source, a.destination): moves[a.move_id].vm_name
            for a in self.at.faults
            if a.fault is Fault.PAIR and a.move_id in moves
        }

    def _fails_fast(self, move: Move) -> bool:
        wanted = self.at.jobs[move.job_id].plan.options.fail_fast
        return self.at.policy.fail_fast if wanted is None else wanted

    def _failures(self) -> dict[JobId, str]:
        """Name a VM that failed of each job that stops at the first; what preflight ruled out was approved as such."""
        failed: dict[JobId, str] = {}
        blocked: dict[JobId, frozenset[VmId]] = {}
        for move in self.at.moves:
            if move.state in _FAILURES and move.job_id not in failed and self._fails_fast(move):
                if move.job_id not in blocked:
                    blocked[move.job_id] = self.at.jobs[move.job_id].plan.blocked_ids
                if move.vm_id not in blocked[move.job_id]:
                    failed[move.job_id] = move.vm_name
        return failed

    def _too_late(self, move: Move) -> End:
        return End(move, MoveState.CANCELLED, f"not started: {self.failed[move.job_id]} failed (fail-fast)")

    def _note_waiting(self, move: Move, ready: Ready) -> None:
        if not ready.is_last:
            self.waiting_live[move.job_id].update((move.source, move.destination))

    def _reserve(self, attempt: Attempt) -> None:
        for host in {attempt.source, attempt.destination}:
            self.reserved[host].append(attempt)
            self.full.pop(host, None)

    def _keep(self, move: Move, code: HoldCode, text: str, *, since: datetime | None = None) -> Held:
        """Hold a move; the hold's own clock goes on while its code stays."""
        known = move.hold if move.hold and move.hold.code is code else None
        if since is None:
            since = known.since if known else self.at.now
        if known and known.text == text and known.since == since:
            return Held(move, known)
        return Held(move, Hold(code, text, since))

    def _remaining_work(self) -> defaultdict[HostName, float]:
        """Bytes still to move per slot of each host: the most loaded hosts decide when all is over."""
        work: defaultdict[HostName, float] = defaultdict(float)
        for move in self.at.moves:
            if not move.state.is_end:
                work[move.source] += move.size_bytes
                work[move.destination] += move.size_bytes
        for host in work:
            limit = min((load.limit for load in self.loads.get(host, ())), default=1)
            work[host] /= max(1, limit)
        return work
