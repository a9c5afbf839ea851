"""Promises of core.domain.model.inventory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.hyperv_enums import HostJobState, Operation, ReplicationMode, VmState
from core.domain.model.inventory import HostsByName, same_host
from tests.support.builders import GB, HV01, after, details, host_job, room, snapshot, vm, vm_id


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("HV01", "hv01"),
        ("hv01", "HV01.contoso.com"),
        ("hv01.contoso.com", "HV01.CONTOSO.COM."),
        (" hv01 ", "hv01"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_one_host_has_many_spellings(left: str, right: str) -> None:
    """Weakness 28: hosts are compared by name, in any case, short or full."""
    assert same_host(left, right)
    assert same_host(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("hv01", "hv02"),
        ("hv01.a.com", "hv01.b.com"),
        ("10.0.0.1", "10.0.0.2"),
        ("10", "10.0.0.1"),
        ("hv01", "hv012.contoso.com"),
    ],
)
def test_different_hosts_are_different(left: str, right: str) -> None:
    """Weakness 28: what only looks alike is not the same host."""
    assert not same_host(left, right)
    assert not same_host(right, left)


@given(st.text("aB1.-", max_size=8), st.text("aB1.-", max_size=8))
def test_being_the_same_host_is_mutual(left: str, right: str) -> None:
    """It does not matter which of two names is asked about the other."""
    assert same_host(left, right) == same_host(right, left)
    assert same_host(left, left.upper())


def test_unforeseen_numbers_have_a_name() -> None:
    """Weakness 29: a number that a newer Hyper-V invents is read as unknown, not as an error."""
    assert VmState(4711) is VmState.OTHER
    assert Operation(4711) is Operation.OTHER
    assert HostJobState(4711) is HostJobState.OTHER
    assert ReplicationMode(4711) is ReplicationMode.NONE


def test_microsofts_misspelled_number_is_understood() -> None:
    """Applying a checkpoint is 32769 in WMI and 23769 in the PowerShell module."""
    assert Operation(23769) is Operation(32769) is Operation.APPLYING_CHECKPOINT


def test_the_running_job_of_a_vm_is_the_newest() -> None:
    """Of several jobs of one VM the running one counts, else the one that began last."""
    old, new = (
        host_job(1, HostJobState.EXCEPTION, started_at=after(0)),
        host_job(1, HostJobState.COMPLETED, started_at=after(9)),
    )
    running = host_job(1, started_at=after(-99))
    assert snapshot(HV01, jobs=[new, old, host_job(2)]).job(vm_id(1)) == new
    assert snapshot(HV01, jobs=[old, running, new]).job(vm_id(1)) == running
    assert snapshot(HV01).job(vm_id(1)) is None


def test_a_vm_is_found_by_its_id() -> None:
    """Snapshots and inspections answer by id, and with nothing for a VM they do not have."""
    rooms = room(HV01, details(1), details(2))
    assert rooms.snapshot.vm(vm_id(2)) == vm(2)
    assert rooms.snapshot.vm(vm_id(3)) is None
    assert rooms.of(vm_id(2)) == details(2)
    assert rooms.of(vm_id(3)) is None
    assert rooms.host == HV01


@pytest.mark.parametrize("state", HostJobState)
def test_a_jobs_state_says_whether_it_runs_and_whether_it_succeeded(state: HostJobState) -> None:
    """A state nobody knows is taken for running; warnings with an error code are no success."""
    ended = {"COMPLETED", "COMPLETED_WITH_WARNINGS", "TERMINATED", "KILLED", "EXCEPTION"}
    assert host_job(1, state).is_running == (state.name not in ended)
    assert host_job(1, state).is_success == (state.name in {"COMPLETED", "COMPLETED_WITH_WARNINGS"})
    assert host_job(1, state, error_code=5).is_success == (state.name == "COMPLETED")


def test_memory_of_a_vm_that_is_off_is_what_it_starts_with() -> None:
    """A VM needs the memory it has, or what it starts with when it has none."""
    assert vm(1, memory_assigned_bytes=3 * GB).memory_bytes == 3 * GB
    assert vm(1, state=VmState.OFF, memory_startup_bytes=2 * GB).memory_bytes == 2 * GB


_LABELS = st.sampled_from(
    ["hv01", "HV01", "hv02", "10", "10.0.0.1", "hv01.a.x", "hv01.b.x", "hv02.a.x.", "hv01.", " hv02"]
)


@given(known=st.lists(_LABELS, max_size=6), asked=_LABELS)
def test_hosts_are_found_by_name_as_they_are_compared(known: list[str], asked: str) -> None:
    """Looking a name up finds somebody exactly when comparing with everybody does."""
    hosts = HostsByName()
    for name in known:
        hosts.add(name, name)
    found = hosts.find(asked)
    assert (found is not None) == any(same_host(name, asked) for name in known)
    assert found is None or same_host(found, asked)
