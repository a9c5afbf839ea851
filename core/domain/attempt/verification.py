"""Decides where a VM is after an attempt, from what both hosts show. What the move command returned is a hint only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.model.host_calls import HostWord, MoveReport
from core.domain.model.inventory import HostJob, HostName, Snapshot, Vm, VmId
from core.domain.model.move import Attempt
from core.errors import Standing

CLOCK_SKEW = timedelta(minutes=2)
"""How far a host's clock may be off when its job object is matched with our attempt."""


class AttemptResult(StrEnum):
    """The possible results of an attempt."""

    RUNNING = "running"
    MOVED = "moved"
    NOT_MOVED = "not_moved"
    NEVER_STARTED = "never_started"
    BOTH = "both"
    NEITHER = "neither"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of an attempt and why. ``words``: the host's errors when it did not move; ``vm``: where it is."""

    outcome: AttemptResult
    reason: str
    words: tuple[HostWord, ...] = ()
    vm: Vm | None = None
    percent: int | None = None


def judge(
    attempt: Attempt,
    source: Snapshot | None,
    destination: Snapshot | None,
    *,
    report: MoveReport | None,
    now: datetime,
    confirm_start: timedelta,
    ordered_at: datetime | None = None,
    standing: Callable[[HostName], Standing] = lambda _: Standing.SILENT,
) -> Verification:
    """Decide from what both hosts show.

    A snapshot is None while its host cannot be looked at; ``standing`` says why. ``report`` is None when the command
    did not return to us: the bot was restarted, or the connection was lost. ``ordered_at`` is the latest moment at
    which the order may have been given: later than the reservation when the last look took its time, and the moment of
    adoption after a restart.
    """
    running = _running_job(attempt.vm_id, source, destination)
    if running is not None:
        return Verification(
            outcome=AttemptResult.RUNNING, reason="the host's migration job is running", percent=running.percent
        )
    here = source.own_vm(attempt.vm_id) if source else None
    there = destination.own_vm(attempt.vm_id) if destination else None
    if (here and here.is_migrating) or (there and there.is_migrating):
        return Verification(outcome=AttemptResult.RUNNING, reason="a host shows the VM as migrating")
    if source is None or destination is None:
        silent = attempt.source if source is None else attempt.destination
        return Verification(outcome=AttemptResult.UNKNOWN, reason=f"{silent} {standing(silent)}")
    for snapshot, shown in ((source, here), (destination, there)):
        unknown = "" if shown else snapshot.why_unknown(attempt.vm_id)
        if unknown:
            return Verification(outcome=AttemptResult.UNKNOWN, reason=unknown.rstrip("."))
    if here and there:
        return Verification(
            outcome=AttemptResult.BOTH, reason=f"{attempt.source} and {attempt.destination} both have the VM"
        )
    if there:
        return Verification(outcome=AttemptResult.MOVED, reason=f"the VM is on {attempt.destination} only", vm=there)
    if here is None:
        return Verification(
            outcome=AttemptResult.NEITHER, reason=f"neither {attempt.source} nor {attempt.destination} has the VM"
        )
    young = now - (ordered_at or attempt.started_at) < confirm_start
    return _stayed(attempt, here, source, report, is_young=young)


def _stayed(attempt: Attempt, vm: Vm, source: Snapshot, report: MoveReport | None, *, is_young: bool) -> Verification:
    """Judge a VM that is on its source and that nothing moves."""
    if report is not None and report.errors:
        return Verification(outcome=AttemptResult.NOT_MOVED, reason="the move failed", words=report.errors, vm=vm)
    # A command that has just returned, or was just sent, may not show yet; waiting costs little, a second start a VM.
    # A job that ended does not change that: it may be the one of the attempt before.
    if is_young:
        return Verification(outcome=AttemptResult.UNKNOWN, reason="the move may not be visible yet", vm=vm)
    failed = _failed_jobs(attempt, source.jobs)
    if failed:
        last = failed[-1]
        words = (HostWord(last.error_text),) if last.error_text else ()
        return Verification(
            outcome=AttemptResult.NOT_MOVED, reason="the host's migration job ended without success", words=words, vm=vm
        )
    if report is not None:
        return Verification(
            outcome=AttemptResult.NOT_MOVED,
            reason="the command reported success, but the VM is still on its source",
            vm=vm,
        )
    if attempt.confirmed_at is not None:
        return Verification(
            outcome=AttemptResult.NOT_MOVED,
            reason="the move ended while nobody watched; the VM is still on its source",
            vm=vm,
        )
    return Verification(outcome=AttemptResult.NEVER_STARTED, reason="the host never showed this move", vm=vm)


def _running_job(vm_id: VmId, *snapshots: Snapshot | None) -> HostJob | None:
    jobs = (job for snapshot in snapshots if snapshot for job in snapshot.jobs)
    return next((job for job in jobs if job.vm_id == vm_id and job.is_running), None)


def _failed_jobs(attempt: Attempt, jobs: Sequence[HostJob]) -> list[HostJob]:
    since = attempt.started_at - CLOCK_SKEW
    mine = [
        job
        for job in jobs
        if job.vm_id == attempt.vm_id
        and not (job.is_running or job.is_success)
        and (job.started_at is None or job.started_at >= since)
    ]
    return sorted(mine, key=lambda job: job.started_at or since)
