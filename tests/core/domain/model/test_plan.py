"""Promises of core.domain.model.plan: the fingerprint, and who is blocked."""

from dataclasses import fields, replace
from typing import Any

import pytest

from core.domain.model.host_calls import DiskTarget
from core.domain.model.plan import Finding, FindingCode, Options, Plan, PlannedMove, Severity
from tests.support.builders import HV01, HV02, HV03, NOW, planned, vm_id

PLAN = Plan((planned(1), planned(2, HV01, HV03)), options=Options())

OTHER_MOVE: dict[str, Any] = {
    "vm_id": vm_id(9),
    "vm_name": "other",
    "source": HV03,
    "destination": HV03,
    "path": "E:\\VMs",
    "disks": (DiskTarget("D:\\a.vhdx", "E:\\a.vhdx"),),
    "disk_bytes": 1,
    "memory_bytes": 1,
    "is_live": False,
    "is_own_folder": True,
}
OTHER_OPTIONS: dict[str, Any] = {
    "parallel": 1,
    "attempts": 1,
    "backup_wait_s": 1.0,
    "subfolder": True,
    "keep_drives": True,
    "fail_fast": True,
    "ignore_backups": False,
    "start_at": NOW,
    "reason": "because",
    "until": NOW,
    "override": "urgent",
    "apart": ("dc*",),
}


def blocker(**about: Any) -> Finding:
    return Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SPACE, text="blocked", **about)


def test_the_fingerprint_of_a_plan_stays_what_it_was() -> None:
    """A card posted by an earlier version can still be approved."""
    moves = (planned(1), replace(planned(2), disks=(DiskTarget("D:\\a.vhdx", "E:\\a.vhdx"),)))
    plan = Plan(
        moves,
        (Finding(severity=Severity.BLOCKER, code=FindingCode.BUSY, text="", vm_id=vm_id(1)),),
        Options(parallel=2, start_at=NOW),
    )
    assert plan.hash == "dbe3d2e1c58626ad"


@pytest.mark.parametrize("name", [one.name for one in fields(PlannedMove) if one.name != "why"])
def test_every_field_of_a_move_is_in_the_hash(name: str) -> None:
    """Promise 6: a plan that would do anything else has another hash."""
    changed = replace(PLAN, moves=(replace(PLAN.moves[0], **{name: OTHER_MOVE[name]}), *PLAN.moves[1:]))
    assert changed.hash != PLAN.hash


@pytest.mark.parametrize("name", [one.name for one in fields(Options)])
def test_every_option_is_in_the_hash(name: str) -> None:
    """Promise 6: an option that differs makes it another plan."""
    assert replace(PLAN, options=replace(PLAN.options, **{name: OTHER_OPTIONS[name]})).hash != PLAN.hash


def test_a_reason_worded_anew_is_no_other_plan() -> None:
    """What the plan says of its choice is not what people approve: the choice is."""
    said = replace(PLAN, moves=tuple(replace(move, why="HV02 has room.") for move in PLAN.moves))
    assert said.hash == PLAN.hash


def test_which_vms_move_and_in_which_order_is_in_the_hash() -> None:
    """Promise 6: a VM more, fewer, or in another place makes it another plan."""
    others = [PLAN.moves[:1], PLAN.moves[::-1], (*PLAN.moves, planned(3))]
    assert len({PLAN.hash, *(replace(PLAN, moves=moves).hash for moves in others)}) == 4


def test_a_blocked_vm_is_in_the_hash_but_other_words_are_not() -> None:
    """Promise 6: who is left out is agreed to; warnings, words and estimates may be told better."""
    note = Finding(severity=Severity.WARNING, code=FindingCode.VTPM, text="a warning", vm_id=vm_id(1))
    assert replace(PLAN, findings=(blocker(vm_id=vm_id(1)),)).hash != PLAN.hash
    assert replace(PLAN, findings=(note,), expected_s=(1.0, 2.0)).hash == PLAN.hash
    assert Plan(PLAN.moves, options=Options()).hash == PLAN.hash


def test_a_blocker_of_a_host_blocks_the_moves_from_and_to_it() -> None:
    """Promise 9: a host's blocker concerns that host's moves and no others."""
    plan = replace(PLAN, findings=(blocker(host=HV02),))
    assert plan.blocked_ids == {vm_id(1)}
    assert plan.why_blocked(vm_id(1)) == "blocked"
    assert plan.why_blocked(vm_id(2)) == ""
    assert replace(PLAN, findings=(blocker(host=HV01),)).blocked_ids == {vm_id(1), vm_id(2)}


def test_a_blocker_of_one_vm_on_a_host_blocks_that_vm_only() -> None:
    """A finding about a VM does not spread to its host."""
    plan = replace(PLAN, findings=(blocker(vm_id=vm_id(2), host=HV01),))
    assert plan.blocked_ids == {vm_id(2)}


def test_a_blocker_of_nothing_in_particular_blocks_all() -> None:
    """Promise 6: anything unclear is not started."""
    plan = replace(PLAN, findings=(blocker(),))
    assert plan.blocked_ids == {vm_id(1), vm_id(2)}
    assert plan.why_blocked(vm_id(2)) == "blocked"


def test_warnings_block_nobody() -> None:
    """Only blockers block."""
    plan = replace(PLAN, findings=(replace(blocker(vm_id=vm_id(1)), severity=Severity.WARNING),))
    assert plan.blocked_ids == frozenset()
    assert plan.why_blocked(vm_id(1)) == ""


def test_memory_moves_only_with_a_running_vm() -> None:
    """What a move copies: disks, and memory when the VM runs."""
    assert planned(1, disk_bytes=10, memory_bytes=5).size_bytes == 15
    assert planned(1, disk_bytes=10, memory_bytes=5, is_live=False).size_bytes == 10
