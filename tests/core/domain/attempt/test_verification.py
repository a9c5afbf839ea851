"""Promises of core.domain.attempt.verification."""

from datetime import timedelta
from itertools import product

import pytest

from core.domain.attempt.verification import AttemptResult, Verification, judge
from core.domain.model.host_calls import HostWord, MoveReport
from core.domain.model.hyperv_enums import HostJobState, Operation, ReplicationMode, VmState
from core.domain.model.inventory import HostJob, Snapshot, Vm
from tests.support.builders import HV01, HV02, after, attempt, host_job, snapshot, vm

CONFIRM = timedelta(seconds=45)
FINE, FAILED = MoveReport(), MoveReport((HostWord("it failed"),))
REPORTS = {"none": None, "fine": FINE, "failed": FAILED}
SHOWS = ["silent", "absent", "idle", "migrating"]


def shot(host: str, shows: str, jobs: tuple[HostJob, ...] = ()) -> Snapshot | None:
    vms: dict[str, list[Vm]] = {"absent": [], "idle": [vm(1)], "migrating": [vm(1, Operation.MIGRATING)]}
    name = HV01 if host == "source" else HV02
    return None if shows == "silent" else snapshot(name, *vms[shows], jobs=jobs)


def ask(
    source: str,
    destination: str,
    report: MoveReport | None = None,
    *,
    at: float = 60,
    jobs: tuple[HostJob, ...] = (),
    confirmed: bool = False,
) -> Verification:
    ours = attempt(1, confirmed_at=after(10) if confirmed else None)
    return judge(
        ours,
        shot("source", source, jobs),
        shot("destination", destination),
        report=report,
        now=after(at),
        confirm_start=CONFIRM,
    )


def expected(source: str, destination: str, report: str, *, young: bool) -> AttemptResult:
    """Say the rule in its plainest form: what the two hosts show decides, the report only over a VM that stayed."""
    if "migrating" in {source, destination}:
        return AttemptResult.RUNNING
    if "silent" in {source, destination}:
        return AttemptResult.UNKNOWN
    if (source, destination) != ("idle", "absent"):
        return {
            ("idle", "idle"): AttemptResult.BOTH,
            ("absent", "idle"): AttemptResult.MOVED,
            ("absent", "absent"): AttemptResult.NEITHER,
        }[source, destination]
    if report == "failed":
        return AttemptResult.NOT_MOVED
    if young:
        return AttemptResult.UNKNOWN
    return AttemptResult.NOT_MOVED if report == "fine" else AttemptResult.NEVER_STARTED


@pytest.mark.parametrize(
    ("source", "destination", "report", "young"), list(product(SHOWS, SHOWS, REPORTS, [True, False]))
)
def test_what_both_hosts_show_decides(source: str, destination: str, report: str, young: bool) -> None:
    """Promise 4: every combination of what the hosts show, what the command said and how long ago has its outcome."""
    verdict = ask(source, destination, REPORTS[report], at=44 if young else 45)
    assert verdict.outcome is expected(source, destination, report, young=young)
    assert verdict.reason


@pytest.mark.parametrize("jobs", [(), (host_job(1, HostJobState.COMPLETED),), (host_job(1, HostJobState.EXCEPTION),)])
def test_it_never_says_moved_while_the_source_has_the_vm(jobs: tuple[HostJob, ...]) -> None:
    """Promise 4: success is the VM on the destination only, whatever jobs and commands report."""
    for source, destination, report, at in product(SHOWS, SHOWS, REPORTS.values(), [1, 100, 9999]):
        outcome = ask(source, destination, report, at=at, jobs=jobs).outcome
        assert outcome is not AttemptResult.MOVED or (source, destination) == ("absent", "idle")
        assert outcome is not AttemptResult.NEVER_STARTED or at > CONFIRM.total_seconds()
        assert outcome is not AttemptResult.NEVER_STARTED or report is None


def test_a_running_job_of_the_host_is_a_running_move() -> None:
    """Weakness 6: a move is seen by the host's own job, even when no VM shows it; its percent comes along."""
    verdict = ask("idle", "absent", FINE, jobs=(host_job(1, percent=63),))
    assert (verdict.outcome, verdict.percent) == (AttemptResult.RUNNING, 63)
    assert ask("idle", "absent", jobs=(host_job(2),)).outcome is AttemptResult.NEVER_STARTED


def test_a_fast_move_is_simply_there() -> None:
    """Weakness 6: a VM that moved before anybody saw it moving has moved."""
    verdict = ask("absent", "idle", None, at=3)
    assert verdict.outcome is AttemptResult.MOVED
    assert verdict.vm == vm(1)


def test_the_words_of_the_failed_command_are_kept() -> None:
    """Weakness 11: why a move failed is said in the host's words."""
    assert ask("idle", "absent", FAILED).words == FAILED.errors


def test_without_a_report_the_hosts_job_says_why() -> None:
    """Weakness 11: after a restart the reason comes from the migration job the host remembers."""
    job = host_job(1, HostJobState.EXCEPTION, error_text="(0x80070005)", started_at=after(5))
    verdict = ask("idle", "absent", jobs=(job,))
    assert (verdict.outcome, verdict.words) == (AttemptResult.NOT_MOVED, (HostWord("(0x80070005)"),))


def test_the_newest_of_our_own_jobs_says_why() -> None:
    """Jobs of other VMs, and those from before the attempt, are not ours; of ours the last one counts."""
    jobs = tuple(
        host_job(number, HostJobState.EXCEPTION, error_text=text, started_at=after(begun))
        for number, text, begun in [(1, "second", 20), (1, "first", 5), (2, "other VM", 30), (1, "long ago", -300)]
    )
    assert ask("idle", "absent", jobs=jobs).words == (HostWord("second"),)
    assert ask("idle", "absent", jobs=jobs[2:]).outcome is AttemptResult.NEVER_STARTED


def test_the_failed_job_of_the_attempt_before_does_not_end_this_one() -> None:
    """Promise 2: right after a start, an ended job of the VM proves nothing: it may be the earlier attempt's."""
    earlier = host_job(1, HostJobState.EXCEPTION, started_at=after(-60))
    assert ask("idle", "absent", jobs=(earlier,), at=5).outcome is AttemptResult.UNKNOWN


def test_a_job_that_succeeded_is_no_failure() -> None:
    """The job by which the VM once came to this host does not make a failure of a move that left it there."""
    done = host_job(1, HostJobState.COMPLETED, started_at=after(-60))
    assert ask("idle", "absent", jobs=(done,)).outcome is AttemptResult.NEVER_STARTED


def test_a_move_that_was_seen_and_is_over_did_not_never_start() -> None:
    """Weakness 10: a confirmed attempt that left the VM where it was counts as one that really ran."""
    assert ask("idle", "absent", confirmed=True).outcome is AttemptResult.NOT_MOVED


def test_a_silent_host_is_named() -> None:
    """Promise 10: what is not known is said with the host that does not answer."""
    assert ask("idle", "silent").reason == "HV02 does not answer"
    assert ask("silent", "idle").reason == "HV01 does not answer"


def test_a_replica_is_not_the_vm() -> None:
    """Hyper-V's replica on the destination has the VM's id: it is no arrival, and no second copy either."""
    replica = vm(1, state=VmState.OFF, replication_mode=ReplicationMode.REPLICA)
    there = snapshot(HV02, replica)
    for source, outcome in ((snapshot(HV01), AttemptResult.NEITHER), (snapshot(HV01, vm(1)), AttemptResult.NOT_MOVED)):
        verdict = judge(attempt(1), source, there, report=FAILED, now=after(60), confirm_start=CONFIRM)
        assert verdict.outcome is outcome
