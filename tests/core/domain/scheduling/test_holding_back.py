"""What holds moves back: a stop, a cancel, a pause, a freeze, failures, silent hosts."""

from dataclasses import replace

from core.domain.model.move import Fault, Hold, HoldCode, MoveState
from core.domain.model.plan import Finding, FindingCode, Options, Severity
from core.domain.scheduling.decisions import Start
from core.domain.scheduling.schedule import decide, next_change
from core.domain.scheduling.situation import LESSON
from tests.support.builders import (
    HV01,
    HV02,
    HV03,
    NOW,
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
from tests.support.decisions import by_move, ended, kept, started

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
    blocker = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SWITCH, text="no switch", vm_id=vm_id(1))
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
    assert next_change(decisions, at) == after(600) - NOW


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
    assert next_change(decide(at), at) == LESSON
    assert started(decide(replace(at, now=NOW + LESSON))) == [1]


def test_nobody_starts_to_a_host_that_ran_out_of_room_before_another_place_was_looked_for() -> None:
    """What waits for it in the same job waits a moment, so that it is told once; others start, it is not for long."""
    tried = attempt(1, ended_at=NOW, fault=Fault.NO_ROOM)
    moves = [move(1, not_before=after(600)), move(2), move(3, HV01, HV03), move(4, job_number=2)]
    shots = (snapshot(HV01, *map(vm, range(1, 5)), of=facts(live=4, storage=4)), snapshot(HV02), snapshot(HV03))
    at = replace(situation(moves, *shots), faults=[tried])
    decisions = decide(at)
    assert kept(by_move(decisions)[2]).text == "HV02 ran out of room; another destination is being looked for"
    assert started(decisions) == [3, 4]
    assert next_change(decisions, at) == LESSON
    assert started(decide(replace(at, now=NOW + LESSON))) == [2, 3, 4]
    # Placed anew: nothing is looked for any more.
    elsewhere = [replace(moves[0], destination=HV03), *moves[1:]]
    assert started(decide(replace(at, moves=elsewhere))) == [2, 3, 4]


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
