"""Promises of watching backups: only begins and ends are news, and what nobody saw is not known."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.domain.backups.runs import BackupRun, HostWatch, changes
from core.domain.model.hyperv_enums import Operation, ReplicationMode
from core.domain.model.inventory import UnreadableVm, VmId
from tests.support.builders import HV01, NOW, after, snapshot, vm, vm_id
from tests.support.decisions import BACKUP, BUSY


def run(number: int = 1, began: float = -600, **more: object) -> BackupRun:
    made = BackupRun(vm_id=vm_id(number), host=HV01, started_at=after(began), started_after=after(began - 30))
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_backup_begins_between_two_looks() -> None:
    """It is new, and began after the last look that did not show it."""
    (found,) = changes({}, snapshot(HV01, vm(1, *BACKUP), vm(2)), NOW, after(-30))
    assert (found.vm_id, found.started_after, found.started_at, found.ended_at) == (vm_id(1), after(-30), NOW, None)
    assert found.is_start_known


def test_a_backup_that_goes_on_is_no_news() -> None:
    """Nothing is written while nothing changes."""
    known = run()
    assert changes({known.vm_id: known}, snapshot(HV01, vm(1, *BACKUP)), NOW, after(-30)) == ()


def test_a_backup_ends_between_two_looks() -> None:
    """It ended between the last look that showed it and the first that did not."""
    known = run()
    (found,) = changes({known.vm_id: known}, snapshot(HV01, vm(1)), NOW, after(-30))
    assert (found.started_at, found.ended_after, found.ended_at) == (known.started_at, after(-30), NOW)
    assert found.minutes == 10


def test_the_end_of_a_backup_that_nobody_watched_is_a_span() -> None:
    """A backup that was over after a restart ended between the last look before it and the first after it."""
    known = run(began=-7200)
    (found,) = changes({known.vm_id: known}, snapshot(HV01, vm(1)), NOW, after(-7000))
    assert (found.ended_after, found.ended_at, found.minutes) == (after(-7000), NOW, None)


def test_a_backup_seen_again_after_hours_is_another_one() -> None:
    """Nobody looked for hours: the one of before has ended at some time, another one has begun."""
    known = run(began=-86_400)
    ended, begun = changes({known.vm_id: known}, snapshot(HV01, vm(1, *BACKUP)), NOW, after(-80_000))
    assert (ended.started_at, ended.minutes) == (known.started_at, None)
    assert (begun.started_at, begun.is_start_known) == (NOW, False)


def test_a_backup_that_ran_at_the_first_look_has_no_known_start() -> None:
    """Nobody looked before."""
    (found,) = changes({}, snapshot(HV01, vm(1, *BACKUP)), NOW, None)
    assert not found.is_start_known


def test_a_vm_that_cannot_be_read_is_not_out_of_backup() -> None:
    """What a host does not tell is not known; a VM that it does not have is not backed up there."""
    known = run()
    silent = replace(snapshot(HV01), unreadable=(UnreadableVm("vm01: no state", vm_id(1)),))
    assert changes({known.vm_id: known}, silent, NOW, after(-30)) == ()
    (gone,) = changes({known.vm_id: known}, snapshot(HV01), NOW, after(-30))
    assert gone.ended_at == NOW


def test_what_is_no_backup_is_none() -> None:
    """Another short business, and the replica of a VM, are not taken for one."""
    replica = vm(2, *BACKUP, replication_mode=ReplicationMode.REPLICA)
    assert changes({}, snapshot(HV01, vm(1, *BUSY), replica), NOW, after(-30)) == ()


def test_spans_of_looking_go_on_or_begin_anew() -> None:
    """A gap ends a span; a clock that is put back a little does not."""
    span = HostWatch(HV01, after(-3600), NOW)
    assert span.extended(after(30)) == HostWatch(HV01, after(-3600), after(30))
    assert span.extended(after(-20)) == span
    assert span.extended(after(3600)) == HostWatch(HV01, after(3600), after(3600))


@given(st.lists(st.tuples(st.booleans(), st.integers(5, 7200)), min_size=1, max_size=30))
def test_runs_never_overlap_and_end_after_they_begin(looks: list[tuple[bool, int]]) -> None:
    """Whatever was seen at whatever looks: at most one backup runs, and each span lies in order."""
    running, ended = dict[VmId, BackupRun](), list[BackupRun]()
    now, looked_at = NOW, None
    for is_busy, pause_s in looks:
        status = BACKUP if is_busy else (Operation.OK,)
        for one in changes(running, snapshot(HV01, vm(1, *status)), now, looked_at):
            running.pop(one.vm_id, None)
            if one.ended_at is None:
                running[one.vm_id] = one
            else:
                ended.append(one)
        assert bool(running) is is_busy
        looked_at, now = now, now + timedelta(seconds=pause_s)
    for one in ended:
        assert one.ended_after is not None
        assert one.ended_at is not None
        assert one.started_at <= one.ended_after <= one.ended_at
    for earlier, later in pairwise(ended):
        assert earlier.ended_at is not None
        assert earlier.ended_at <= later.started_at
