"""Phase 1 of a decision, filter: may this move start at all, whatever slots are free? If not, why it waits or ends."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.model.allowed_paths import allowed_paths, targets_of, why_not
from core.domain.model.inventory import HostName
from core.domain.model.job import Job, JobId
from core.domain.model.move import Fault, HoldCode, Move, MoveState
from core.domain.model.ownership import hold_text
from core.domain.model.units import span
from core.domain.scheduling.decisions import Decision, End, at_rest, hold
from core.domain.scheduling.fail_fast import FailedJobs
from core.domain.scheduling.host_faces import HostFace, why_silent
from core.domain.scheduling.missing_vm import Arrived, Elsewhere, Undecided, Vanished, absence
from core.domain.scheduling.readiness import Never, Ready, Wait, readiness
from core.domain.scheduling.situation import Situation, wait_timeout
from core.domain.scheduling.start_permission import stopped

LONGEST_RETRY = timedelta(minutes=20)
"""No delay before another attempt is longer: a moment farther away was named by a clock that was put back since."""

_ARRIVED = {MoveState.CLEANING, MoveState.DONE}


class StartFilter:
    """The filter of one decision: it looks at one move at a time, and none of its verdicts changes another."""

    def __init__(self, situation: Situation, failed: FailedJobs, faces: Mapping[HostName, HostFace]) -> None:
        self._at = situation
        self._failed = failed
        self._faces = faces
        self.moving_vms = {attempt.vm_id.int for attempt in situation.reservations if attempt.ended_at is None}
        """The VMs with an open attempt, by the number of their id."""
        self._broken_pairs = _broken_pairs(situation)
        self._broken_hosts = _broken_hosts(situation)

    def jobs_without_orders(self) -> set[JobId]:
        """Return the jobs of which a move may start, as far as people and other moves of the job are concerned."""
        ended = {job_id for job_id, *_ in (*self._broken_pairs, *self._broken_hosts)}
        return {
            job.id
            for job in self._at.jobs.values()
            if job.id not in ended and not self._failed.has(job.id) and self._why_stopped(job) is None
        }

    def check(self, move: Move) -> Decision | Ready:
        """Return that a move is ready to start, or what becomes of it instead."""
        job, wall = self._at.jobs[move.job_id], self._at.wall
        ordered = self._by_order(move, job)
        if ordered is not None:
            return ordered
        silence = self._silence(move.source) or self._silence(move.destination)
        if silence:
            return hold(move, HoldCode.HOST, silence, wall)
        verdict = self._by_vm(move)
        if not isinstance(verdict, Ready):
            return verdict
        barred = self._faces[move.source].bar or self._faces[move.destination].bar or self._forbidden(move)
        if barred:
            return hold(at_rest(move), HoldCode.HOST, barred, wall)
        if move.not_before is not None and timedelta(0) < move.not_before - self._at.now <= LONGEST_RETRY:
            return hold(at_rest(move), HoldCode.RETRY, _why_again(move), wall)
        return verdict

    # ------------------------------------------------------------------ orders and hosts

    def _by_order(self, move: Move, job: Job) -> Decision | None:
        """Do what people ordered, or what follows from another VM's failure, before any host is looked at."""
        if move.cancel_by:
            return End(move=move, state=MoveState.CANCELLED, text="cancelled before it started")
        too_late = self._failed.end(move)
        if too_late is not None:
            return too_late
        broken = self._broken_pairs.get((move.job_id, move.source, move.destination))
        if broken is not None:
            text = f"not tried: between {move.source} and {move.destination} {broken} failed"
            hint = "Put that right between the two hosts, then retry."
            return End(move=move, state=MoveState.UNMIGRATABLE, text=text, hint=hint, follows=True)
        broken = self._broken_hosts.get((move.job_id, move.destination))
        if broken is not None:
            text = f"not tried: {move.destination} refused {broken} for a reason of its own"
            hint = f"Put that right on {move.destination}, then retry."
            return End(move=move, state=MoveState.UNMIGRATABLE, text=text, hint=hint, follows=True)
        if move.owner_hold is not None:
            return hold(at_rest(move), HoldCode.OWNER, hold_text(move.owner_hold), self._at.wall)
        # The clock of a busy VM does not run while starts are stopped, paused or frozen.
        stop = self._why_stopped(job)
        return None if stop is None else hold(at_rest(move), *stop, self._at.wall)

    def _why_stopped(self, job: Job) -> tuple[HoldCode, str] | None:
        """Say which order of people keeps the whole job from starting anything now."""
        at = self._at
        return stopped(job, stopped_by=at.stopped_by, frozen_until=at.frozen_until, now=at.wall)

    def _silence(self, host: HostName) -> str:
        face = self._faces.get(host)
        return why_silent(host, self._at) if face is None else face.silence

    def _forbidden(self, move: Move) -> str:
        """Say which folder it may not go to: the settings may have changed since it was approved."""
        rules = self._at.policy.folders.get(move.destination)
        if rules is None:
            return ""
        allowed = allowed_paths(rules.listed, rules.own, self._at.snapshots.get(move.destination))
        reasons = (why_not(move.destination, folder, allowed) for folder in targets_of(move.path, move.disks))
        return next((f"{what} {hint}" for what, hint in reasons if what), "")

    # ------------------------------------------------------------------ the VM

    def _by_vm(self, move: Move) -> Decision | Ready:
        vm = self._faces[move.source].vm(move.vm_id)
        there = self._faces[move.destination].vm(move.vm_id)
        if vm is None:
            unknown = self._at.snapshots[move.source].why_unknown(move.vm_id)
            return hold(move, HoldCode.HOST, unknown, self._at.now) if unknown else self._gone(move)
        if there is not None and not there.is_replica and not vm.is_migrating and not there.is_migrating:
            return self._twice(move)
        match readiness(vm):
            case Never(text, hint):
                return End(move=move, state=MoveState.UNMIGRATABLE, text=text, hint=hint)
            case Wait(code, text):
                return self._wait(move, code, text)
            case Ready() as ready:
                if self._is_moving(move):
                    return hold(move, HoldCode.MIGRATING, "is being moved by another job", self._at.wall)
                return ready

    def _is_moving(self, move: Move) -> bool:
        """Whether an attempt of its VM is open."""
        return move.vm_id.int in self.moving_vms

    def _gone(self, move: Move) -> Decision:
        """Judge a VM that its source no longer shows: it may be where it should be without our doing."""
        others = [other for other in self._at.moves if other.vm_id == move.vm_id and other.id != move.id]
        now = self._at.now
        if self._is_moving(move) or any(other.state.holds_slots for other in others):
            return hold(move, HoldCode.MIGRATING, "is being moved by another job", self._at.wall)
        since = min(now, move.busy_since) if move.busy_code is HoldCode.UNCLEAR and move.busy_since else now
        is_last_look = now - since >= self._at.policy.snapshot_max_age
        match absence(move, self._at.snapshots, self._at.trouble, since=since, is_last_look=is_last_look):
            case Arrived(by):
                theirs = f"{by or 'somebody else'} moved it; its folders on {move.source} are left alone"
                jobs = [other.job_id for other in others if other.state in _ARRIVED and _is_same_way(other, move)]
                return End(move=move, state=MoveState.DONE, text=f"{jobs[-1]} moved it" if jobs else theirs)
            case Elsewhere(host):
                hint = f"If it is still to go to {move.destination}, ask for that anew, from {host}."
                return End(move=move, state=MoveState.UNMIGRATABLE, text=f"somebody else moved it to {host}", hint=hint)
            case Vanished(silent):
                unasked = f"; {', '.join(silent)} cannot be asked" if silent else ""
                text = f"is no longer on {move.source}, and no other host shows it{unasked}"
                hint = "Somebody removed it, or moved it to a host I do not know."
                return End(move=move, state=MoveState.UNMIGRATABLE, text=text, hint=hint)
            case Undecided():
                clocked = replace(move, busy_since=since, busy_code=HoldCode.UNCLEAR)
                text = f"is no longer on {move.source}; the bot looks where it is"
                return hold(clocked, HoldCode.UNCLEAR, text, self._at.wall, since=self._on_the_wall(since))

    def _twice(self, move: Move) -> Decision:
        """Judge a VM that both hosts show at rest: they were asked at different moments, it may just have gone over.

        It is proven when the source was asked last, or when both were asked since it was first seen so.
        """
        source, destination = self._at.snapshots[move.source], self._at.snapshots[move.destination]
        since = move.busy_since if move.busy_code is HoldCode.UNCLEAR else None
        again = since is not None and min(source.asked_at, destination.asked_at) >= since
        if again or source.asked_at >= destination.taken_at:
            text = f"is on {move.source} and on {move.destination} at once"
            return End(
                move=move, state=MoveState.LOST, text=text, hint="Look at both copies before anybody starts either."
            )
        return self._wait(move, HoldCode.UNCLEAR, "is shown by both hosts; the bot looks again")

    def _wait(self, move: Move, code: HoldCode, text: str) -> Decision:
        """Wait with one clock per backup (or other business); the clock starts anew when the business changes."""
        now = self._at.now
        since = self._busy_since(move, code)
        clocked = replace(move, busy_since=since, busy_code=code)
        longest = wait_timeout(move, code, since, self._at)
        if now - since >= longest:
            told = f"{text}, for {span(now - since)} now"
            return End(
                move=clocked,
                state=MoveState.UNMIGRATABLE,
                text=told,
                hint="Look at the VM on its host, then ask again.",
            )
        until = "" if code in {HoldCode.MIGRATING, HoldCode.UNCLEAR} else f"; waits up to {span(longest)}"
        return hold(clocked, code, f"{text}{until}", self._at.wall, since=self._on_the_wall(since))

    def _busy_since(self, move: Move, code: HoldCode) -> datetime:
        """Return since when the VM has been busy like this.

        While a host was silent the clock stood still: one backup before and one after are not one long one.
        """
        now = self._at.now
        if move.busy_code is not code or not move.busy_since or move.busy_since > now:
            return now
        unseen = self._at.wall - move.hold.since if move.hold and move.hold.code is HoldCode.HOST else timedelta(0)
        return min(now, move.busy_since + max(timedelta(0), unseen))

    def _on_the_wall(self, since: datetime) -> datetime:
        return self._at.wall - (self._at.now - since)


def _broken_pairs(situation: Situation) -> dict[tuple[JobId, HostName, HostName], str]:
    """Name, for each pair of hosts of a job that cannot work together, the VM that found out."""
    moves = {move.id: move for move in situation.moves} if situation.faults else {}
    return {
        (moves[a.move_id].job_id, a.source, a.destination): moves[a.move_id].vm_name
        for a in situation.faults
        if a.fault is Fault.PAIR and a.move_id in moves
    }


def _broken_hosts(situation: Situation) -> dict[tuple[JobId, HostName], str]:
    """Name, for each destination of a job that takes nobody as it is, the VM that found out."""
    moves = {move.id: move for move in situation.moves} if situation.faults else {}
    return {
        (moves[a.move_id].job_id, a.destination): moves[a.move_id].vm_name
        for a in situation.faults
        if a.fault is Fault.HOST and a.move_id in moves
    }


def _is_same_way(one: Move, other: Move) -> bool:
    return (one.source, one.destination) == (other.source, other.destination)


def _why_again(move: Move) -> str:
    if move.attempts:
        return f"attempt {move.attempts} failed; the next comes soon"
    words = move.hint or move.error or "the last try did not start"
    return f"{words.splitlines()[0].rstrip('.')}; tries again soon"
