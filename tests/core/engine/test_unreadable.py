"""A VM or a row of the database that cannot be read stops at most its own job. On virtual time."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName
from core.domain.model.job import JobState
from core.domain.model.move import HoldCode, MoveState
from lab.hyperv.world.faults import ValueFault, ValueFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.databases import change, database_url, read
from tests.support.engine_harness import Stage, hosts, numbered, play, vm, vm_id

HOUR = 3600.0


@pytest.mark.parametrize("hides", ["Name", "Id"])
def test_a_vm_that_cannot_be_read_costs_only_itself(tmp_path: Path, hides: str) -> None:
    """A sick VM in no job: what moves comes to its end, what waits starts, and the trouble stays."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            stage.world.order(ValueFault(host="HV01", property=hides, kind=ValueFaultKind.NULL, vm=vm_id(9)))
            moves = await stage.finished(job.id, within_s=600)
            assert HostName("HV01") not in engine._snapshot_cache.troubles
            assert moves["web01"].state is MoveState.DONE
            later = await stage.ask_and_approve("web02")
            assert (await stage.finished(later.id))["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=(*numbered(2), vm(9, "sick"))), script)


def test_a_vm_that_is_gone_is_found_gone_beside_one_that_cannot_be_read(tmp_path: Path) -> None:
    """A waiting VM is removed by somebody while another row of its host has no id: its job comes to an end."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            stage.world.order(ValueFault(host="HV01", property="Id", kind=ValueFaultKind.NULL, vm=vm_id(9)))
            stage.world.remove_vm("HV01", vm_id(1))
            await asyncio.sleep(60)
            await engine.controls.resume_starts("U_BOB")
            moves = await stage.finished(job.id, within_s=HOUR)
            assert moves["web01"].state is MoveState.UNMIGRATABLE

    play(tmp_path, Fleet(hosts=hosts(2), vms=(*numbered(1), vm(9, "sick"))), script)


def test_a_vm_whose_own_row_has_no_id_is_not_called_gone(tmp_path: Path) -> None:
    """Asked for by its id, the host does not say that it has none: nothing is concluded until it can be read."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            stage.world.order(ValueFault(host="HV01", property="Id", kind=ValueFaultKind.NULL, vm=vm_id(1)))
            await asyncio.sleep(60)
            await engine.controls.resume_starts("U_BOB")
            await asyncio.sleep(2 * HOUR)
            (move,) = await stage.store.moves(job.id)
            assert (move.state, move.hold and move.hold.code) == (MoveState.QUEUED, HoldCode.HOST)
            stage.world.trouble.clear()
            assert (await stage.finished(job.id))["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_sick_vm_in_a_job_waits_and_says_why(tmp_path: Path) -> None:
    """Its own move is held with the host's trouble, is not called gone, and goes on when it can be read."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01", "web02")
            stage.world.order(ValueFault(host="HV01", property="State", kind=ValueFaultKind.NULL, vm=vm_id(2)))
            await asyncio.sleep(60)
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await stage.state_is(job.id, "web01", MoveState.DONE)
            sick = next(move for move in await stage.store.moves(job.id) if move.vm_name == "web02")
            assert sick.state is MoveState.QUEUED
            assert sick.hold is not None
            assert (sick.hold.code, "State" in sick.hold.text) == (HoldCode.HOST, True)
            stage.world.trouble.clear()
            moves = await stage.finished(job.id)
            assert moves["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def spoil(stage: Stage, statement: str, **values: Any) -> None:
    assert change(database_url(stage.db), statement, **values)


def test_a_plan_nobody_can_read_stops_only_its_own_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A job rejected long ago that a newer version wrote: the bot starts, and follows what runs."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            old = await stage.ask("web02")
            await engine.controls.reject(old.id, old.plan.hash, "U_BOB", "no")
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        spoil(stage, "update plans set body = '{}' where id = 1")
        async with stage.running() as engine:
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE
            assert [view.job.id for view in await engine.queries.jobs()] == [job.id]

    with caplog.at_level(logging.ERROR):
        play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)
    assert "The plan of J1 cannot be read" in caplog.text


def test_a_finding_of_a_newer_version_is_read_as_other(tmp_path: Path) -> None:
    """The code of a finding that this version does not know makes no plan unreadable."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01")
        finding = {"severity": "note", "code": "brand_new", "text": "x", "vm_id": None, "host": None}
        ((body,),) = read(database_url(stage.db), "SELECT body FROM plans WHERE id = 1")
        newer = json.dumps(json.loads(body) | {"findings": [finding]})
        spoil(stage, "update plans set body = :body where id = 1", body=newer)
        async with stage.running():
            (found,) = (await stage.store.job(job.id)).plan.findings
            assert found.code.value == "other"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_running_job_nobody_can_read_keeps_its_move_followed(tmp_path: Path) -> None:
    """The plan of a running job is lost: what moves is followed to its end, and other jobs run."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", "web03")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        spoil(stage, "update plans set body = '{}' where id = 1")
        async with stage.running():
            await stage.state_is(job.id, "web01", MoveState.DONE)
            other = await stage.ask_and_approve("web04")
            assert (await stage.finished(other.id))["web04"].state is MoveState.DONE
            waiting = next(move for move in await stage.store.moves(job.id) if move.vm_name == "web03")
            assert waiting.state is MoveState.QUEUED

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4))), script)


@pytest.mark.parametrize(
    ("column", "value"), [("state", "teleported"), ("disks", "[{}]"), ("hold", '{"code": "new"}'), ("before", "{}")]
)
def test_a_move_nobody_can_read_stops_at_most_its_own_job(tmp_path: Path, column: str, value: str) -> None:
    """State and disks are needed, so that job is left as it is; what a move can do without is left out."""
    is_needed = column in {"state", "disks"}

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            sick = await stage.ask_and_approve("web01")
            well = await stage.ask_and_approve("web02")
            await asyncio.sleep(10)
        spoil(stage, f"update moves set {column} = :value where vm_name = 'web01'", value=value)  # noqa: S608
        async with stage.running() as engine:
            await engine.controls.resume_starts("U_BOB")
            moves = await stage.finished(well.id)
            assert moves["web02"].state is MoveState.DONE
            await asyncio.sleep(600)
            job = await stage.store.job(sick.id)
            assert job.state is (JobState.RUNNING if is_needed else JobState.FINISHED)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_an_event_of_a_newer_version_is_told_as_it_can_be(tmp_path: Path) -> None:
    """A kind nobody knows is other, its tone a line, its data empty; the history is read, and the outbox goes on."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            stage.listener.down = True
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(5)
        spoil(stage, "update events set kind = 'brand_new', data = '[1]', tone = 'shout' where kind = 'approved'")
        stage.listener.down = False
        async with stage.running() as engine:
            await stage.finished(job.id)
            assert EventKind.OTHER in [event.kind for event in await engine.queries.history(job.id)]
        assert EventKind.OTHER in [event.kind for event in stage.listener.events]

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
