"""Promises of core.domain.planning.drift."""

from dataclasses import replace

import pytest

from core.domain.model.hyperv_enums import VmState
from core.domain.model.plan import Finding, FindingCode, Plan, Severity
from core.domain.planning.drift import drift
from tests.support.builders import HV01, HV02, planned, snapshot, vm, vm_id

PLAN = Plan((planned(1), planned(2, is_live=False)))


def see(*vms: object, there: tuple[object, ...] = ()) -> tuple[str, ...]:
    return drift(PLAN, {HV01: snapshot(HV01, *vms), HV02: snapshot(HV02, *there)})  # type: ignore[arg-type]


def test_nothing_changed() -> None:
    """Promise 6: hosts as the plan says raise no question."""
    assert see(vm(1), vm(2, state=VmState.OFF)) == ()


def test_a_vm_that_left() -> None:
    """Promise 6: a VM that is gone since the plan was made is asked about, with the place it is at."""
    assert see(vm(2, state=VmState.OFF), there=(vm(1),)) == ("vm01 is no longer on HV01; it is on HV02 now.",)
    assert see(vm(1)) == ("vm02 is no longer on HV01.",)


@pytest.mark.parametrize(
    ("state", "word"), [(VmState.OFF, "off"), (VmState.SAVED, "saved"), (VmState.FAST_SAVED, "fast saved")]
)
def test_a_vm_that_ran_and_does_not_now(state: VmState, word: str) -> None:
    """Promise 6: the approver agreed to move a running VM."""
    assert see(vm(1, state=state), vm(2, state=VmState.OFF)) == (f"vm01 was running and is {word} now.",)


def test_a_vm_that_was_off_and_runs_now() -> None:
    """Promise 6: the approver agreed to move a VM that nobody uses."""
    assert see(vm(1), vm(2)) == ("vm02 was not running and is running now.",)


def test_a_state_in_between_is_not_judged() -> None:
    """A VM that is just stopping is judged when it has stopped."""
    assert see(vm(1, state=VmState.STOPPING), vm(2, state=VmState.STARTING)) == ()


def test_a_new_vm_on_the_source_is_no_drift() -> None:
    """Weakness 27: a VM created after the plan was made is not part of it."""
    assert see(vm(1), vm(2, state=VmState.OFF), vm(3)) == ()


def test_silent_hosts_and_blocked_vms_are_not_judged() -> None:
    """Hosts that were not seen say nothing; a blocked VM will not move anyway."""
    assert drift(PLAN, {HV02: snapshot(HV02)}) == ()
    blocker = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SPACE, text="no", vm_id=vm_id(1))
    plan = replace(PLAN, findings=(blocker,))
    assert drift(plan, {HV01: snapshot(HV01)}) == ("vm02 is no longer on HV01.",)
