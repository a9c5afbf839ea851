"""Changing a plan before its approval: once, exactly, and only while it waits."""

import asyncio
from pathlib import Path

import pytest

from core.domain.model.event_data import Edited, EventKind
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.domain.model.plan import FindingCode
from core.errors import NotAllowed
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id

HV02, HV03 = HostName("HV02"), HostName("HV03")


def one(number: int) -> VmId:
    return VmId(vm_id(number))


def test_a_changed_plan_is_another_and_needs_approval_anew(tmp_path: Path) -> None:
    """Promise 6: the fingerprint changes, what had been approved no longer counts, the new plan moves as it says."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01", "web02")
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            changed = await engine.requests.edit(job.id, job.plan.hash, {one(1): HV03}, "U_CAROL")
            assert changed.plan.hash != job.plan.hash
            assert changed.approvals == ()
            assert changed.expires_at > job.expires_at
            with pytest.raises(NotAllowed, match="does not show the plan"):
                await engine.controls.approve(job.id, job.plan.hash, "U_DAVE")
            for who in ("U_BOB", "U_DAVE"):
                await engine.controls.approve(job.id, changed.plan.hash, who)
            moves = await stage.finished(job.id)
        assert {name: (move.destination, move.state) for name, move in moves.items()} == {
            "web01": (HV03, MoveState.DONE),
            "web02": (HV02, MoveState.DONE),
        }
        (told,) = stage.listener.of(EventKind.EDITED)
        assert (told.actor, told.data) == ("U_CAROL", Edited(moved=(("web01", "HV03"),), approvals=1))

    fleet = Fleet(hosts=hosts(3), vms=tuple(numbered(2)))
    play(tmp_path, fleet, script, access={"approvers": ["U_BOB", "U_DAVE"], "approvals_required": 2})


def test_of_two_changes_at_once_one_is_done(tmp_path: Path) -> None:
    """Two people who saw the same plan: one change is stored, the other person is told, and their change is not."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01", "web02")
            wishes = ({one(1): HV03}, {one(2): HV03}, {one(2): None})
            results = await asyncio.gather(
                *(engine.requests.edit(job.id, job.plan.hash, wish, "U_BOB") for wish in wishes), return_exceptions=True
            )
            assert len([r for r in results if isinstance(r, NotAllowed)]) == 2
            assert len((await stage.store.job(job.id)).plan.edits) == 1
        assert len(stage.listener.of(EventKind.EDITED)) == 1

    play(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(2))), script)


def test_a_decided_plan_is_not_changed(tmp_path: Path) -> None:
    """An approval between the look and the change: what is approved is what was shown."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            results = await asyncio.gather(
                engine.requests.edit(job.id, job.plan.hash, {one(1): HV03}, "U_BOB"),
                engine.controls.approve(job.id, job.plan.hash, "U_BOB"),
                return_exceptions=True,
            )
            assert isinstance(results[0], NotAllowed)
            now = await stage.store.job(job.id)
            assert (now.state, now.plan.hash) == (JobState.RUNNING, job.plan.hash)
            await stage.finished(job.id)
            with pytest.raises(NotAllowed, match="is finished"):
                await engine.requests.edit(job.id, job.plan.hash, {one(1): HV03}, "U_BOB")

    play(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(1))), script)


def test_the_changed_plan_is_checked_like_any_other(tmp_path: Path) -> None:
    """A VM put on a host that has no room for it is a blocker of the new plan, and its VM will not move."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01", "web02")
            changed = await engine.requests.edit(job.id, job.plan.hash, {one(1): HV03}, "U_BOB")
            assert changed.plan.blocked_ids == {one(1)}
            assert FindingCode.MIGRATION_OFF in {finding.code for finding in changed.plan.findings}

    one_off = (*hosts(2), *hosts(3, migration_enabled=False)[2:])
    play(tmp_path, Fleet(hosts=one_off, vms=tuple(numbered(2))), script)
