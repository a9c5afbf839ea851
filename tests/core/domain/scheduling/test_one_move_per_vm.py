"""One VM, one move: what is open, moved by others, gone, or there twice is not started."""

from dataclasses import replace

from core.domain.model.hyperv_enums import HostJobState, Operation, ReplicationMode, VmState
from core.domain.model.inventory import HostJob
from core.domain.model.move import Hold, HoldCode, MoveId, MoveState
from core.domain.scheduling.schedule import LOOK_AGAIN, decide, next_change
from tests.support.builders import (
    HV01,
    HV02,
    HV03,
    NOW,
    POLICY,
    after,
    attempt,
    move,
    situation,
    snapshot,
    vm,
    vm_id,
)
from tests.support.decisions import by_move, ended, kept, see, started

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
    carl = HostJob(vm_id=vm_id(1), state=HostJobState.COMPLETED, percent=100, owner="CONTOSO\\carl")
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
    assert next_change([waits], situation([waits.move], snapshot(HV01), *early)) == LOOK_AGAIN
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


def test_a_replica_is_no_sign_of_life() -> None:
    """A VM that was removed while its replica lies on another host is gone: nobody "moved it" to its replica."""
    replica = vm(1, state=VmState.OFF, replication_mode=ReplicationMode.REPLICA)
    for shots in (
        (snapshot(HV01), snapshot(HV02), snapshot(HV03, replica)),
        (snapshot(HV01), snapshot(HV02, replica), snapshot(HV03)),
    ):
        (decision,) = decide(situation([move(1)], *shots))
        assert (ended(decision).state, "is no longer on HV01" in ended(decision).text) == (
            MoveState.UNMIGRATABLE,
            True,
        )


def test_a_replica_on_the_destination_is_no_second_copy() -> None:
    """Nobody is paged about it: the last look before the start says that the id is taken there."""
    replica = vm(1, state=VmState.OFF, replication_mode=ReplicationMode.REPLICA)
    decisions = decide(situation([move(1)], snapshot(HV01, vm(1)), snapshot(HV02, replica), snapshot(HV03)))
    assert started(decisions) == [1]
