"""Promises of core.domain.scheduling.schedule."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.model.hyperv_enums import HostJobState, Operation, VmState
from core.domain.model.inventory import HostJob, HostName, Snapshot
from core.domain.model.move import Fault, Hold, HoldCode, Move, MoveId, MoveState
from core.domain.model.plan import Finding, FindingCode, Options, Severity
from core.domain.scheduling.schedule import (
    FOREIGN_PATIENCE,
    LESSON,
    LOOK_AGAIN,
    Decision,
    End,
    Held,
    Situation,
    Start,
    decide,
    next_times,
)
from core.domain.scheduling.slots import loads, used
from tests.support.builders import (
    GB,
    HV01,
    HV02,
    HV03,
    NOW,
    POLICY,
    after,
    attempt,
    facts,
    job,
    move,
    planned,
    situation,
    snapshot,
    vm,
    vm_id,
)

BUSY = (Operation.IN_SERVICE,)
BACKUP = (Operation.IN_SERVICE, Operation.BACKING_UP)


def kept(decision: Decision) -> Hold:
    assert isinstance(decision, Held), decision
    assert decision.move.hold is not None
    return decision.move.hold


def ended(decision: Decision) -> End:
    assert isinstance(decision, End), decision
    return decision


def started(decisions: Sequence[Decision]) -> list[int]:
    return [decision.move.id for decision in decisions if isinstance(decision, Start)]


def by_move(decisions: Sequence[Decision]) -> dict[int, Decision]:
    return {decision.move.id: decision for decision in decisions}


def see(one: Move, *status: Operation, at: float, policy: object = POLICY, **changes: object) -> Decision:
    """Let one pass look at one move while its VM shows this."""
    shot = snapshot(HV01, vm(one.id, *status), at=after(at))
    return decide(situation([one], shot, snapshot(HV02, at=after(at)), now=after(at), **changes))[0]  # type: ignore[arg-type]


# ---------------------------------------------------------------- slots


def test_starts_as_many_as_both_hosts_allow_in_one_pass() -> None:
    """Weakness 21: all free slots are filled at once, not one start after another."""
    vms = [vm(number) for number in range(1, 6)]
    moves = [move(number) for number in range(1, 6)]
    decisions = decide(situation(moves, snapshot(HV01, *vms, of=facts(live=3, storage=3)), snapshot(HV02, of=facts())))
    assert len(started(decisions)) == 2
    assert [kept(d).text for d in decisions if isinstance(d, Held)] == ["HV02 runs 2 of 2 live migrations"] * 3


def test_two_jobs_share_the_slots_of_a_host() -> None:
    """Weakness 14: what one job took counts for the next one in the same pass."""
    shots = (snapshot(HV01, vm(1), vm(2), of=facts(live=1)), snapshot(HV02), snapshot(HV03))
    decisions = decide(situation([move(1), move(2, HV01, HV03, job_number=2)], *shots))
    assert started(decisions) == [1]
    assert kept(decisions[1]).code is HoldCode.SLOT


def test_a_full_host_says_that_others_filled_it() -> None:
    """Promise 10: a VM that waits for a slot says which host is full, of what, and by whom."""
    busy = [vm(number, Operation.MIGRATING) for number in (8, 9)]
    decisions = decide(situation([move(1)], snapshot(HV01, vm(1), *busy), snapshot(HV02)))
    assert kept(decisions[0]).text == "HV01 runs 2 of 2 live migrations, 2 of them started by others"


def test_a_limit_of_zero_is_said_and_holds_nobody_else_back() -> None:
    """Weakness 5: a host that allows nothing is a named hold, and the other VMs of the job move on."""
    shots = (snapshot(HV01, vm(1), vm(2, state=VmState.OFF)), snapshot(HV02, of=facts(storage=0)), snapshot(HV03))
    decisions = by_move(decide(situation([move(1), move(2, HV01, HV03)], *shots)))
    assert kept(decisions[1]) == Hold(
        HoldCode.HOST, "HV02 allows no storage migrations (limit 0, or switched off)", NOW
    )
    assert isinstance(decisions[2], Start)


def test_migration_switched_off_is_said() -> None:
    """Weakness 5: a host on which live migration is disabled is a named hold."""
    shots = (snapshot(HV01, vm(1), of=facts(is_migration_enabled=False)), snapshot(HV02))
    assert kept(decide(situation([move(1)], *shots))[0]).text == "live migration is switched off on HV01"


def test_a_job_keeps_to_its_own_limit() -> None:
    """``parallel`` counts the job's moves under way too."""
    moves = [move(1, state=MoveState.MOVING), move(2), move(3)]
    shots = (snapshot(HV01, vm(1, Operation.MIGRATING), vm(2), vm(3), of=facts(live=9, storage=9)), snapshot(HV02))
    two = job(1, options=Options(parallel=2))
    decisions = decide(situation(moves, *shots, jobs=[two], reservations=[attempt(1, confirmed_at=NOW)]))
    assert len(started(decisions)) == 1
    assert kept(decisions[1]) == Hold(HoldCode.PARALLEL, "J1 moves at most 2 at a time", NOW)


def test_the_limit_of_the_settings_holds_where_the_job_has_none() -> None:
    """``max_parallel`` of the settings is the limit of every job that does not say its own."""
    shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02))
    one_at_a_time = replace(POLICY, max_parallel=1)
    assert len(started(decide(situation([move(1), move(2)], *shots, policy=one_at_a_time)))) == 1


# ---------------------------------------------------------------- order


def test_running_vms_go_before_those_that_are_off() -> None:
    """Of one job, a VM that is off leaves the slot to a running one on the same host, however large it is."""
    shots = (snapshot(HV01, vm(1, state=VmState.OFF), vm(2), of=facts(live=1)), snapshot(HV02))
    decisions = by_move(decide(situation([move(1, size_bytes=900 * GB), move(2)], *shots)))
    assert isinstance(decisions[2], Start)
    assert kept(decisions[1]).code is HoldCode.SLOT


def test_an_off_vm_leaves_the_free_slot_to_a_running_one_that_waits() -> None:
    """A VM that is off says that running VMs go first, while one waits on a host of its own."""
    shots = (
        snapshot(HV01, vm(1), vm(2, state=VmState.OFF)),
        snapshot(HV02, vm(9, Operation.MIGRATING), of=facts(live=1)),
        snapshot(HV03),
    )
    decisions = by_move(decide(situation([move(1), move(2, HV01, HV03)], *shots)))
    assert kept(decisions[1]).code is HoldCode.SLOT
    assert kept(decisions[2]).code is HoldCode.LAST


def test_an_off_vm_does_not_wait_for_a_vm_in_backup() -> None:
    """Weakness 19: one VM in backup holds back nobody, neither running nor off."""
    shots = (snapshot(HV01, vm(1, *BACKUP), vm(2, state=VmState.OFF), vm(3)), snapshot(HV02))
    decisions = decide(situation([move(1), move(2), move(3)], *shots))
    assert sorted(started(decisions)) == [2, 3]


def test_the_older_job_goes_first() -> None:
    """A job approved earlier gets the slot; J9 is older than J10 when both were approved at once."""
    shots = (snapshot(HV01, vm(1), vm(2), of=facts(live=1)), snapshot(HV02))
    twins = [job(10, decided_at=NOW), job(9, decided_at=NOW)]
    decisions = decide(situation([move(1, job_number=10), move(2, job_number=9)], *shots, jobs=twins))
    assert started(decisions) == [2]


def test_a_newer_job_fills_slots_the_older_one_cannot_use() -> None:
    """Promise 9: a job that waits for a full host delays no job on other hosts."""
    shots = (snapshot(HV01, vm(1, *BACKUP), vm(2)), snapshot(HV02))
    decisions = decide(situation([move(1), move(2, job_number=2)], *shots))
    assert started(decisions) == [2]


# ---------------------------------------------------------------- one VM, one move


def test_a_vm_with_an_open_attempt_is_not_started_again() -> None:
    """Promise 2: while an attempt of a VM is open, no other move of it starts, whatever the snapshots show."""
    shots = (snapshot(HV01, vm(1)), snapshot(HV02), snapshot(HV03))
    decision = decide(situation([move(1, HV01, HV03)], *shots, reservations=[attempt(1)]))[0]
    assert kept(decision) == Hold(HoldCode.MIGRATING, "is being moved by another job", NOW)


def test_two_jobs_that_want_one_vm_start_it_once() -> None:
    """Promise 2: two moves of one VM in one pass give one start."""
    shots = (snapshot(HV01, vm(1)), snapshot(HV02), snapshot(HV03))
    twin = replace(move(1, HV01, HV03, job_number=2), id=move(2).id)
    decisions = decide(situation([move(1), twin], *shots))
    assert started(decisions) == [1]
    assert kept(decisions[1]).code is HoldCode.MIGRATING


def test_a_vm_that_migrates_already_waits() -> None:
    """Promise 2: a VM that somebody else moves is not started."""
    assert kept(see(move(1), Operation.IN_SERVICE, Operation.MIGRATING, at=0)).code is HoldCode.MIGRATING


def test_a_vm_that_somebody_else_moved_where_it_should_be_is_done() -> None:
    """Nothing is left to do, and nobody needs to be woken; who moved it is said if the source remembers."""
    carl = HostJob(vm_id(1), HostJobState.COMPLETED, 100, owner="CONTOSO\\carl")
    for jobs, who in (((), "somebody else"), ((carl,), "CONTOSO\\carl")):
        source = replace(snapshot(HV01), jobs=jobs)
        end = ended(decide(situation([move(1)], source, snapshot(HV02, vm(1))))[0])
        assert (end.state, end.text) == (MoveState.DONE, f"{who} moved it; its folders on HV01 are left alone")


def test_a_vm_that_another_job_moved_is_done_by_that_job() -> None:
    """It is waited for until the other job's attempt is over, and then that job is named."""
    other = replace(move(1, job_number=2), id=MoveId(9), state=MoveState.MOVING)
    hosts = (snapshot(HV01), snapshot(HV02, vm(1)))
    running = situation([move(1), other], *hosts, reservations=[replace(attempt(1), move_id=MoveId(9))])
    assert kept(by_move(decide(running))[1]).text == "is being moved by another job"
    read_between = replace(running, reservations=())
    assert kept(by_move(decide(read_between))[1]).text == "is being moved by another job"
    over = replace(running, moves=[move(1), replace(other, state=MoveState.CLEANING)], reservations=())
    end = ended(by_move(decide(over))[1])
    assert (end.state, end.text) == (MoveState.DONE, "J2 moved it")


def test_a_vm_that_is_still_on_its_way_is_waited_for() -> None:
    """The source has let go of it, the destination has not finished: it is not done yet."""
    arriving = vm(1, Operation.IN_SERVICE, Operation.MIGRATING)
    assert kept(decide(situation([move(1)], snapshot(HV01), snapshot(HV02, arriving)))[0]).code is HoldCode.UNCLEAR


def test_a_vm_that_went_elsewhere_ends_with_the_place_it_is_at() -> None:
    """Weakness 7: a VM that somebody moved between two looks is an answer, not a crash."""
    end = ended(decide(situation([move(1)], snapshot(HV01), snapshot(HV02), snapshot(HV03, vm(1))))[0])
    assert (end.state, end.text) == (MoveState.UNMIGRATABLE, "somebody else moved it to HV03")


def test_a_vm_that_is_nowhere_ends() -> None:
    """Promise 12: a VM that was removed is an answer."""
    decision = decide(situation([move(1)], snapshot(HV01), snapshot(HV02)))[0]
    assert ended(decision).text == "is no longer on HV01, and no other host shows it"


def test_nothing_is_concluded_from_looks_before_the_vm_left() -> None:
    """Promise 4: each host is asked after the source was seen without the VM, or waited for no longer than its due."""
    early = [snapshot(HV02, at=after(-9)), snapshot(HV03, vm(1), at=after(-9))]
    waits = decide(situation([move(1)], snapshot(HV01), *early))[0]
    assert kept(waits).code is HoldCode.UNCLEAR
    assert next_times([waits], situation([waits.move], snapshot(HV01), *early)) == [NOW + LOOK_AGAIN]
    late = snapshot(HV02, vm(1), at=after(5))
    arrived = situation([waits.move], snapshot(HV01, at=after(5)), late, early[1], now=after(5))
    assert ended(decide(arrived)[0]).state is MoveState.DONE
    long = POLICY.snapshot_max_age.total_seconds()
    fresh = [snapshot(HV01, at=after(long)), snapshot(HV02, at=after(long)), early[1]]
    given_up = ended(decide(situation([waits.move], *fresh, now=after(long)))[0])
    assert given_up.text == "is no longer on HV01, and no other host shows it; HV03 cannot be asked"


def test_a_vm_on_both_hosts_is_lost() -> None:
    """Weakness 4: the same VM at rest on both hosts ends as lost: a human must look."""
    decision = decide(situation([move(1)], snapshot(HV01, vm(1)), snapshot(HV02, vm(1))))[0]
    assert ended(decision).state is MoveState.LOST
    assert ended(decision).text == "is on HV01 and on HV02 at once"


def test_snapshots_of_different_moments_do_not_prove_two_copies() -> None:
    """Promise 4: a VM that went over between the looks at the two hosts is looked at again before it is called lost."""
    source, destination = snapshot(HV01, vm(1), at=after(-5)), snapshot(HV02, vm(1))
    decision = decide(situation([move(1)], source, destination))[0]
    assert kept(decision).text == "is shown by both hosts; the bot looks again"
    later = decide(situation([decision.move], snapshot(HV01, at=after(5)), destination, now=after(5)))[0]
    assert ended(later).state is MoveState.DONE


def test_two_copies_are_found_whichever_host_is_looked_at_last() -> None:
    """Weakness 4: looks that always come in the same order still find the two copies, at the second look."""
    source, destination = snapshot(HV01, vm(1), at=after(-5)), snapshot(HV02, vm(1))
    one = decide(situation([move(1)], source, destination))[0].move
    source, destination = snapshot(HV01, vm(1), at=after(5)), snapshot(HV02, vm(1), at=after(10))
    assert ended(decide(situation([one], source, destination, now=after(10)))[0]).state is MoveState.LOST


# ---------------------------------------------------------------- clocks


def test_a_backup_is_waited_for_and_then_given_up() -> None:
    """A VM in backup is waited for as long as the settings say, then declared unmigratable."""
    one = see(move(1), *BACKUP, at=0).move
    assert kept(see(one, *BACKUP, at=3599)).text == "is being backed up; waits up to 1 h"
    end = ended(see(one, *BACKUP, at=3600))
    assert (end.state, end.text) == (MoveState.UNMIGRATABLE, "is being backed up, for 1 h now")


def test_two_short_backups_are_not_one_long_one() -> None:
    """Weakness 16: each backup has its own clock; a look in between stops it."""
    one = see(move(1), *BACKUP, at=0).move
    one = see(one, Operation.OK, at=600, stopped_by="U_BOB").move
    assert kept(see(one, *BACKUP, at=3700)).since == after(3700)


def test_silence_between_two_backups_does_not_make_them_one() -> None:
    """Weakness 16: while a host is silent the clock of a backup stands still; a stuck one still ends."""
    one = see(move(1), *BACKUP, at=0).move
    one = see(one, *BACKUP, at=600).move
    one = see(one, *BACKUP, at=610, trouble={HV01: "HV01 does not answer"}).move
    one = see(one, *BACKUP, at=9000, trouble={HV01: "HV01 does not answer"}).move
    again = see(one, *BACKUP, at=9010)
    assert kept(again).since == after(9010 - 610)
    assert ended(see(again.move, *BACKUP, at=9010 + 3000)).state is MoveState.UNMIGRATABLE


def test_unexplained_business_has_its_own_shorter_patience() -> None:
    """Weakness 17: a VM whose host does not say what it is busy with is not waited for like a backup."""
    one = see(move(1), *BUSY, at=0).move
    assert kept(see(one, *BUSY, at=1799)).code is HoldCode.BUSY
    assert ended(see(one, *BUSY, at=1800)).text == "is busy, its host does not say with what, for 30 min now"


def test_a_state_nobody_foresaw_ends_too() -> None:
    """Weakness 3: an unknown status is a named hold with an end, never an endless loop."""
    one = see(move(1), Operation.OTHER, at=0).move
    assert kept(see(one, Operation.OTHER, at=60)).text == "is not healthy (other); waits up to 30 min"
    assert ended(see(one, Operation.OTHER, at=1800)).state is MoveState.UNMIGRATABLE


def test_a_migration_of_others_that_never_ends_is_given_up() -> None:
    """Weakness 4: a VM that hangs in somebody else's migration is waited for long, but not for ever."""
    stuck = (Operation.IN_SERVICE, Operation.MIGRATING)
    one = see(move(1), *stuck, at=0).move
    assert kept(see(one, *stuck, at=8 * 3600)).since == NOW
    assert ended(see(one, *stuck, at=FOREIGN_PATIENCE.total_seconds())).state is MoveState.UNMIGRATABLE


def test_the_clock_survives_a_restart() -> None:
    """Weakness 22: the clock of a backup is in the move, so a new process goes on with it."""
    stored = see(move(1), *BACKUP, at=0).move
    assert stored.busy_since == NOW
    assert kept(see(replace(stored), *BACKUP, at=60)).since == NOW


def test_no_patience_runs_out_before_the_start_time() -> None:
    """A backup that runs before the job's start time uses up nothing of the wait."""
    tonight = job(1, options=Options(start_at=after(7200)))
    one = see(move(1), *BACKUP, at=0, jobs=[tonight]).move
    early = see(one, *BACKUP, at=7100, jobs=[tonight])
    assert kept(early).code is HoldCode.START_TIME
    assert kept(see(early.move, *BACKUP, at=7200, jobs=[tonight])).since == after(7200)


def test_a_job_may_say_how_long_it_waits_for_backups() -> None:
    """``backup-wait`` of the request wins over the settings, 0 included."""
    hasty = job(1, options=Options(backup_wait_s=0))
    assert ended(see(move(1), *BACKUP, at=0, jobs=[hasty])).state is MoveState.UNMIGRATABLE


def test_a_hold_says_since_when() -> None:
    """Promise 10: a hold that stays keeps its beginning; another hold has its own."""
    one = see(move(1, not_before=after(50)), Operation.OK, at=0).move
    still = kept(see(one, Operation.OK, at=20))
    assert (still.code, still.since) == (HoldCode.RETRY, NOW)
    assert kept(see(one, *BACKUP, at=20)).since == after(20)


def test_time_alone_wakes_the_loop() -> None:
    """Weakness 18: the loop is told when the next patience, delay or start time is over, so it need not spin."""
    tonight = job(2, options=Options(start_at=after(500)))
    moves = [move(1), move(2, not_before=after(30), attempts=1), move(3, job_number=2), move(4)]
    shots = (snapshot(HV01, vm(1, *BACKUP), vm(2), vm(3), vm(4, *BUSY)), snapshot(HV02))
    at = situation(moves, *shots, jobs=[job(1), tonight])
    times = next_times(decide(at), at)
    assert sorted(times) == [after(30), after(500), after(1800), after(3600)]


# ---------------------------------------------------------------- stopping


def test_stop_prevents_every_start() -> None:
    """Promise 11: while starts are stopped nothing starts, and every VM says why."""
    shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02))
    decisions = decide(situation([move(1), move(2, job_number=2)], *shots, stopped_by="U_BOB"))
    assert [kept(decision).code for decision in decisions] == [HoldCode.STOPPED] * 2


def test_a_cancelled_move_ends_before_it_starts() -> None:
    """Whoever cancels a waiting move sees it end at once, on a silent host too."""
    decision = decide(situation([move(1, cancel_by="U_BOB")]))[0]
    assert ended(decision).state is MoveState.CANCELLED


def test_fail_fast_starts_nothing_more() -> None:
    """``fail-fast``: after the first failure the rest of the job is cancelled, other jobs go on."""
    hasty = job(1, options=Options(fail_fast=True))
    moves = [move(1, state=MoveState.FAILED, attempts=3), move(2), move(3, job_number=2)]
    shots = (snapshot(HV01, vm(1), vm(2), vm(3)), snapshot(HV02))
    decisions = by_move(decide(situation(moves, *shots, jobs=[hasty, job(2)])))
    assert ended(decisions[2]).text == "not started: vm01 failed (fail-fast)"
    assert isinstance(decisions[3], Start)


def test_fail_fast_counts_what_failed_without_an_attempt() -> None:
    """``fail-fast``: a VM given up in backup, or lost at its first attempt, stops the job like any failure."""
    hasty = job(1, options=Options(fail_fast=True))
    for state in (MoveState.UNMIGRATABLE, MoveState.LOST):
        moves = [move(1, state=state, attempts=0), move(2)]
        shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02))
        assert ended(decide(situation(moves, *shots, jobs=[hasty]))[0]).state is MoveState.CANCELLED


def test_fail_fast_holds_within_the_pass_that_finds_the_failure() -> None:
    """``fail-fast``: no VM starts in the same pass in which another is found to be unmigratable."""
    hasty = job(1, options=Options(fail_fast=True))
    shots = (snapshot(HV01, vm(2)), snapshot(HV02))
    decisions = by_move(decide(situation([move(1), move(2)], *shots, jobs=[hasty])))
    assert ended(decisions[1]).state is MoveState.UNMIGRATABLE
    assert ended(decisions[2]).state is MoveState.CANCELLED


def test_fail_fast_does_not_count_what_preflight_had_ruled_out() -> None:
    """``fail-fast``: VMs that were approved as unmigratable do not stop the others."""
    blocker = Finding(Severity.BLOCKER, FindingCode.NO_SWITCH, "no switch", vm_id=vm_id(1))
    hasty = job(1, planned(1), planned(2), options=Options(fail_fast=True))
    hasty = replace(hasty, plan=replace(hasty.plan, findings=(blocker,)))
    moves = [move(1, state=MoveState.UNMIGRATABLE), move(2)]
    shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02))
    assert started(decide(situation(moves, *shots, jobs=[hasty]))) == [2]


def test_a_paused_job_waits_and_others_go_on() -> None:
    """A pause concerns its own job."""
    shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02))
    jobs = [job(1, paused_by="U_BOB"), job(2)]
    decisions = by_move(decide(situation([move(1), move(2, job_number=2)], *shots, jobs=jobs)))
    assert kept(decisions[1]).code is HoldCode.PAUSED
    assert isinstance(decisions[2], Start)


def test_a_freeze_holds_all_but_who_overrides_it() -> None:
    """In a freeze window nothing starts, except a job that was approved to."""
    shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02))
    jobs = [job(1), job(2, options=Options(override="urgent"))]
    at = replace(situation([move(1), move(2, job_number=2)], *shots, jobs=jobs), frozen_until=after(600))
    decisions = decide(at)
    assert kept(by_move(decisions)[1]).code is HoldCode.FREEZE
    assert started(decisions) == [2]
    assert next_times(decisions, at) == [after(600)]


def test_hosts_that_cannot_work_together_are_not_tried_again_and_again() -> None:
    """A failure between two hosts ends the job's other moves of that pair, and only those."""
    broken = attempt(1, ended_at=NOW, fault=Fault.PAIR)
    moves = [move(1, state=MoveState.UNMIGRATABLE), move(2), move(3, HV01, HV03)]
    shots = (snapshot(HV01, vm(2), vm(3)), snapshot(HV02), snapshot(HV03))
    decisions = by_move(decide(replace(situation(moves, *shots), faults=[broken])))
    assert ended(decisions[2]).text == "not tried: between HV01 and HV02 vm01 failed"
    assert ended(decisions[2]).follows
    assert isinstance(decisions[3], Start)


def test_a_host_that_just_refused_is_believed_for_a_while() -> None:
    """Weakness 15: after a refusal for its limit a host that shows room is left alone, but not for long."""
    refused = attempt(9, ended_at=NOW, fault=Fault.LIMIT)
    at = replace(situation([move(1)], snapshot(HV01, vm(1)), snapshot(HV02)), faults=[refused])
    assert kept(decide(at)[0]).text == "HV01 was full a moment ago, though it did not show it"
    assert next_times(decide(at), at) == [NOW + LESSON]
    assert started(decide(replace(at, now=NOW + LESSON))) == [1]


# ---------------------------------------------------------------- silence


def test_a_silent_host_holds_its_own_vms_only() -> None:
    """Promise 9: moves of a host that does not answer wait and say so; the others start."""
    shots = (snapshot(HV01, vm(1), vm(2)), snapshot(HV02), snapshot(HV03))
    moves = [move(1), move(2, HV01, HV03)]
    decisions = by_move(decide(situation(moves, *shots, trouble={HV02: "HV02 does not answer: timeout"})))
    assert kept(decisions[1]) == Hold(HoldCode.HOST, "HV02 does not answer: timeout", NOW)
    assert isinstance(decisions[2], Start)


def test_nothing_starts_on_an_old_snapshot() -> None:
    """Promise 2: a start is decided on what the hosts showed lately, or not at all."""
    shots = (snapshot(HV01, vm(1), at=after(-300)), snapshot(HV02))
    assert kept(decide(situation([move(1)], *shots))[0]).text == "HV01 was last seen 5 min ago"
    assert kept(decide(situation([move(1)], snapshot(HV01, vm(1))))[0]).text == "HV02 has not been looked at yet"


# ---------------------------------------------------------------- properties

HOSTS = (HV01, HV02, HV03)
PAIRS = [(a, b) for a in HOSTS for b in HOSTS if a != b]
STATUSES = st.sampled_from(
    [(Operation.OK,)] * 6 + [BUSY, BACKUP, (Operation.IN_SERVICE, Operation.MIGRATING), (Operation.OTHER,)]
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Up to twelve moves of three jobs between three hosts, in any state, with foreign moves and old looks."""
    moves: list[Move] = []
    vms: dict[HostName, list[object]] = {host: [] for host in HOSTS}
    reservations = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        source, destination = draw(st.sampled_from(PAIRS))
        state = draw(st.sampled_from([MoveState.QUEUED] * 4 + [MoveState.MOVING, MoveState.DONE, MoveState.FAILED]))
        one = move(
            number,
            source,
            destination,
            job_number=draw(st.integers(1, 3)),
            state=state,
            size_bytes=draw(st.integers(0, 99)) * GB,
            not_before=draw(st.sampled_from([None, None, None, after(60)])),
            cancel_by=draw(st.sampled_from(["", "", "", "U_BOB"])),
        )
        moves.append(one)
        if state.holds_slots:
            confirmed = draw(st.sampled_from([None, after(-10), after(10)]))
            reservations.append(attempt(number, source, destination, confirmed_at=confirmed))
        power = draw(st.sampled_from([VmState.RUNNING, VmState.RUNNING, VmState.OFF]))
        for host in draw(st.sampled_from([[source]] * 8 + [[destination], [source, destination], []])):
            vms[host].append(vm(number, *draw(STATUSES), state=power))
    shots = [
        Snapshot(
            host,
            after(-draw(st.sampled_from([0, 5, 500]))),
            NOW,
            facts(
                live=draw(st.integers(0, 3)),
                storage=draw(st.integers(1, 3)),
                live_active=draw(st.integers(0, 2)),
                is_migration_enabled=draw(st.sampled_from([True, True, True, False])),
            ),
            tuple(vms[host]),  # type: ignore[arg-type]
        )
        for host in draw(st.sampled_from([HOSTS, HOSTS, HOSTS[:2]]))
    ]
    jobs = [
        job(number, options=Options(parallel=draw(st.sampled_from([0, 0, 1, 2])), fail_fast=draw(st.booleans())))
        for number in (1, 2, 3)
    ]
    stopped = draw(st.sampled_from(["", "", "", "", "U_BOB"]))
    return situation(moves, *shots, jobs=jobs, reservations=reservations, stopped_by=stopped)


@settings(max_examples=70, deadline=None)
@given(at=situations())
def test_every_queued_move_gets_one_decision_with_a_reason(at: Situation) -> None:
    """Promise 10: whatever the hosts show, every waiting move is started, ended or held, once, and says why."""
    decisions = decide(at)
    queued = [one.id for one in at.moves if one.state is MoveState.QUEUED]
    assert Counter(decision.move.id for decision in decisions) == Counter(queued)
    for decision in decisions:
        said = decision.reason if isinstance(decision, Start) else None
        said = said or (decision.text if isinstance(decision, End) else kept(decision).text)
        assert said.strip()


@settings(max_examples=70, deadline=None)
@given(at=situations())
def test_no_pass_starts_more_than_any_host_allows(at: Situation) -> None:
    """Promise 1: with all starts of a pass reserved, no host of a started move is above either of its limits."""
    starts = [decision.move for decision in decide(at) if isinstance(decision, Start)]
    ours = [*at.reservations, *(attempt(one.id, one.source, one.destination) for one in starts)]
    assert len({attempt.vm_id for attempt in ours}) == len(ours)
    for host in {host for one in starts for host in (one.source, one.destination)}:
        for claim in loads(at.snapshots[host]):
            assert used(claim, ours) <= claim.limit
    if at.stopped_by:
        assert not starts


@settings(max_examples=70, deadline=None)
@given(at=situations())
def test_nobody_overtakes_on_the_same_hosts(at: Situation) -> None:
    """A slot goes to the oldest job that can use it, and within a job to running VMs first, on one pair of hosts."""
    decisions = decide(at)
    starts = [decision.move for decision in decisions if isinstance(decision, Start)]
    waiting = [d.move for d in decisions if isinstance(d, Held) and kept(d).code is HoldCode.SLOT]
    running = {one.id for shot in at.snapshots.values() for one in shot.vms if one.state is VmState.RUNNING}
    for start in starts:
        for other in waiting:
            if {start.source, start.destination} != {other.source, other.destination}:
                continue
            assert start.job_id <= other.job_id
            if start.job_id == other.job_id:
                assert start.vm_id in running or other.vm_id not in running


def test_a_pass_over_a_large_fleet_is_quick() -> None:
    """Weakness 20: ten thousand moves between four hundred hosts are decided in a moment, on one look at each."""
    hosts = [HostName(f"H{number:03}") for number in range(400)]
    moves = [move(n, hosts[n % 200], hosts[200 + (n * 7) % 200]) for n in range(10_000)]
    shots = [snapshot(host, *(vm(n) for n in range(i, 10_000, 200)) if i < 200 else ()) for i, host in enumerate(hosts)]
    before = time.process_time()
    decisions = decide(situation(moves, *shots))
    assert time.process_time() - before < timedelta(seconds=5).total_seconds()
    assert len(decisions) == 10_000
    assert len(started(decisions)) > 200
