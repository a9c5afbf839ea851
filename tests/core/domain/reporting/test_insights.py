"""What is said of the past: rankings only of what is enough, and each failure at whose it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.model.inventory import HostName
from core.domain.model.move import Fault, HoldCode, MoveState
from core.domain.reporting.insights import Why, insights
from core.domain.reporting.past import FaultTally, PairTally, Past, VmFaultTally, WaitTally

A, B, C = HostName("HV01"), HostName("HV02"), HostName("HV03")
UNTIL = datetime(2026, 1, 31, tzinfo=UTC)


def pair(source: HostName, destination: HostName, mb_s: float, moves: int = 10) -> PairTally:
    return PairTally(source=source, destination=destination, moves=moves, size_bytes=10**9, seconds=1000 / mb_s)


def fault(source: HostName, destination: HostName, what: Fault, code: str, attempts: int) -> FaultTally:
    return FaultTally(source=source, destination=destination, fault=what, code=code, attempts=attempts)


PAST = Past(
    since=UNTIL - timedelta(days=30),
    until=UNTIL,
    jobs=4,
    ends={MoveState.DONE: 30, MoveState.FAILED: 2, MoveState.CANCELLED: 5},
    first_try=24,
    pairs=(pair(A, B, 100), pair(B, C, 40), pair(A, C, 5, moves=2)),
    faults=(fault(A, B, Fault.PASSING, "network", 3), fault(A, C, Fault.HOST, "logon-right", 4)),
    vm_faults=(VmFaultTally(vm_name="web01", fault=Fault.PASSING, code="network", attempts=3),),
    waits=(
        WaitTally(code=HoldCode.SLOT, moves=9, seconds=60),
        WaitTally(code=HoldCode.BACKUP, moves=1, seconds=3600),
        WaitTally(code=HoldCode.RETRY, moves=1, seconds=0.2),
    ),
    pages=3,
    taken_s=(60.0, 600.0),
)


def test_it_sums_up() -> None:
    """What was cancelled was not tried; the longest wait comes first; half of the pages were taken within a median."""
    found = insights(PAST)
    assert (found.done, found.not_done, found.jobs, found.size_bytes) == (30, 7, 4, 3 * 10**9)
    assert found.first_try == pytest.approx(24 / 32)
    assert [wait.code for wait in found.waits] == [HoldCode.BACKUP, HoldCode.SLOT]
    assert (found.pages, found.pages_taken, found.taken_s) == (3, 2, 330.0)


def test_a_pair_needs_moves_to_be_called_slow() -> None:
    """The slowest comes first; one that moved two VMs is not named, and of a single pair nobody can say it."""
    assert [(one.source, one.destination) for one in insights(PAST).slowest] == [(B, C), (A, B)]
    assert insights(replace(PAST, pairs=PAST.pairs[:1])).slowest == ()


def test_few_moves_are_not_ranked() -> None:
    """It says so, and says what it can say all the same."""
    found = insights(replace(PAST, ends={MoveState.DONE: 3, MoveState.CANCELLED: 50}, first_try=3))
    assert found.too_few == "3 moves: too few to rank"
    assert (found.first_try, found.slowest, found.hosts, found.vms) == (None, (), (), ())
    assert found.waits
    assert found.pages == 3
    assert insights(replace(PAST, ends={MoveState.DONE: 1})).too_few == "1 move: too few to rank"


def test_a_failure_is_counted_at_whose_it_was() -> None:
    """The destination's own at the destination, the VM's at no host, any other at both."""
    faults = (*PAST.faults, fault(A, B, Fault.VM, "no-such-disk", 50))
    hosts = {one.name: (one.attempts, one.why) for one in insights(replace(PAST, faults=faults)).hosts}
    assert hosts == {
        C: (4, (Why(Fault.HOST, "logon-right", 4),)),
        A: (3, (Why(Fault.PASSING, "network", 3),)),
        B: (3, (Why(Fault.PASSING, "network", 3),)),
    }


@pytest.mark.parametrize("what", [Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED, Fault.CANCELLED, Fault.NO_ROOM])
def test_what_cost_nothing_is_no_failure(what: Fault) -> None:
    """A full host, a backup or a person's cancel says nothing against anybody."""
    found = insights(replace(PAST, faults=(fault(A, B, what, "x", 9),), vm_faults=()))
    assert (found.hosts, found.vms) == ((), ())


def test_who_failed_once_is_not_ranked() -> None:
    """That happens to everybody."""
    once = VmFaultTally(vm_name="web02", fault=Fault.PASSING, code="network", attempts=1)
    assert [one.name for one in insights(replace(PAST, vm_faults=(*PAST.vm_faults, once))).vms] == ["web01"]


def test_nothing_is_nothing() -> None:
    """An empty time is called so."""
    empty = insights(Past(since=PAST.since, until=UNTIL))
    assert empty.is_empty
    assert not insights(PAST).is_empty
