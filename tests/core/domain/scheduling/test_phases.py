"""Promises of the three phases of a decision, each asked alone: core.domain.scheduling.filter, order and fit."""

from dataclasses import replace

import pytest

from core.domain.model.allowed_paths import FolderRules
from core.domain.model.host_calls import DiskTarget
from core.domain.model.hyperv_enums import Operation, VmState
from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, Move
from core.domain.scheduling.decisions import Held, Start
from core.domain.scheduling.fail_fast import FailedJobs
from core.domain.scheduling.filter import StartFilter
from core.domain.scheduling.fit import SlotFit
from core.domain.scheduling.host_faces import HostFaces
from core.domain.scheduling.order import in_order
from core.domain.scheduling.readiness import Ready
from core.domain.scheduling.situation import Situation
from core.domain.scheduling.slots import loads
from tests.support.builders import GB, HV01, HV02, HV03, POLICY, attempt, facts, job, move, situation, snapshot, vm

READY, READY_LAST = Ready(is_last=False), Ready(is_last=True)


def fit_of(at: Situation) -> SlotFit:
    return SlotFit(at, FailedJobs(at, at.moves), {host: loads(one) for host, one in at.snapshots.items()}, at.moves)


def filter_of(at: Situation) -> StartFilter:
    return StartFilter(at, FailedJobs(at, at.moves), HostFaces().look(at))


def test_the_filter_passes_a_healthy_vm_although_no_slot_is_free() -> None:
    """Whether a slot is free is no question of the filter: a full host holds nothing back there."""
    full = facts(live=1, live_active=1)
    at = situation([move(1)], snapshot(HV01, vm(1), of=full), snapshot(HV02, of=full))
    assert filter_of(at).check(at.moves[0]) == READY


def test_the_filter_holds_a_vm_in_backup_and_says_so() -> None:
    """A VM in backup does not get past the filter, and the reason names it."""
    backup = vm(1, Operation.IN_SERVICE, Operation.BACKING_UP)
    at = situation([move(1)], snapshot(HV01, backup), snapshot(HV02))
    verdict = filter_of(at).check(at.moves[0])
    assert isinstance(verdict, Held)
    assert verdict.hold.code is HoldCode.BACKUP


@pytest.mark.parametrize(
    ("rules", "is_held"),
    [
        (FolderRules(("D:\\VMs",), ""), False),
        (FolderRules(None, "D:\\VMs"), False),
        (FolderRules(("E:\\VMs",), "D:\\VMs"), True),
        (FolderRules((), ""), True),
        (FolderRules(None, "E:\\VMs"), False),
    ],
)
def test_the_filter_holds_what_may_not_go_there_any_more(rules: FolderRules, *, is_held: bool) -> None:
    """Folders listed win; without a list it is the host's own of the settings, and the host's defaults."""
    policy, there = replace(POLICY, folders={HV02: rules}), replace(facts(), default_vm_path="D:\\VMs")
    at = situation([move(1)], snapshot(HV01, vm(1)), snapshot(HV02, of=there), policy=policy)
    verdict = filter_of(at).check(at.moves[0])
    assert isinstance(verdict, Held) is is_held
    if isinstance(verdict, Held):
        assert verdict.hold.code is HoldCode.HOST
        assert "is not a folder that VMs may go to on HV02" in verdict.hold.text


def test_a_disk_that_may_not_go_there_any_more_holds_its_vm() -> None:
    """A disk that keeps its drive is judged like the VM's own folder."""
    astray = replace(move(1), disks=(DiskTarget("D:\\a.vhdx", "E:\\Other\\a.vhdx"),))
    policy = replace(POLICY, folders={HV02: FolderRules(("D:\\VMs",), "")})
    at = situation([astray], snapshot(HV01, vm(1)), snapshot(HV02), policy=policy)
    verdict = filter_of(at).check(astray)
    assert isinstance(verdict, Held)
    assert verdict.hold.text.startswith("E:\\Other is not a folder")


def test_a_verdict_of_the_filter_does_not_depend_on_those_before() -> None:
    """Asked about moves in any order, the filter gives each the same verdict."""
    off = vm(2, state=VmState.OFF)
    at = situation([move(1), move(2), move(3)], snapshot(HV01, vm(1), off), snapshot(HV02))
    forwards, backwards = filter_of(at), filter_of(at)
    one_way = {one.id: forwards.check(one) for one in at.moves}
    assert {one.id: backwards.check(one) for one in reversed(at.moves)} == one_way


def test_the_older_job_goes_first_then_running_vms_then_the_heavier_hosts() -> None:
    """Age of the job beats everything, running beats off, and the more loaded hosts beat the others."""
    light, heavy = move(1, size_bytes=GB), move(2, HV01, HV03, size_bytes=9 * GB)
    off, younger = move(3, size_bytes=99 * GB), move(4, job_number=2, size_bytes=99 * GB)
    pairs = [(younger, READY), (off, READY_LAST), (light, READY), (heavy, READY)]
    usage = {host: loads(snapshot(host)) for host in (HV01, HV02, HV03)}
    ordered = in_order(pairs, [job(2), job(1)], [light, heavy], usage)
    assert [one.id for one, _ in ordered] == [heavy.id, light.id, off.id, younger.id]


def test_a_slot_given_away_is_missing_for_the_next_in_line() -> None:
    """With one slot the first asked starts, and the second waits for a slot."""
    one_slot = facts(live=1)
    at = situation([move(1), move(2)], snapshot(HV01, vm(1), vm(2), of=one_slot), snapshot(HV02))
    fit = fit_of(at)
    first, second = (fit.place(one, READY) for one in at.moves)
    assert isinstance(first, Start)
    assert isinstance(second, Held)
    assert second.hold.code is HoldCode.SLOT


def test_a_vm_that_is_off_waits_while_a_running_one_waits_for_the_same_host() -> None:
    """What is off does not take the slot that a running VM of its job waits for."""

    def held(one: Move, ready: Ready) -> HoldCode:
        decision = fit.place(one, ready)
        assert isinstance(decision, Held)
        return decision.hold.code

    at = situation(
        [move(2, HV01, HV03), move(3, HV01, HV02)],
        snapshot(HV01, vm(2), vm(3)),
        snapshot(HV02),
        snapshot(HostName("HV03"), of=facts(live=1)),
        reservations=[attempt(1, HV02, HV03)],
    )
    fit = fit_of(at)
    assert held(at.moves[0], READY) is HoldCode.SLOT
    assert held(at.moves[1], READY_LAST) is HoldCode.LAST
