"""Promises of core.domain.scheduling.schedule."""

from dataclasses import replace

from core.domain.model.hyperv_enums import Operation, VmState
from core.domain.model.move import Hold, HoldCode, MoveState
from core.domain.model.plan import Options
from core.domain.scheduling.decisions import Held, Start
from core.domain.scheduling.schedule import decide
from tests.support.builders import (
    GB,
    HV01,
    HV02,
    HV03,
    NOW,
    POLICY,
    attempt,
    facts,
    job,
    move,
    situation,
    snapshot,
    vm,
)
from tests.support.decisions import BACKUP, by_move, kept, started

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
