"""Which machine a host is: renamed, re-spelled or removed in the settings, or answering as another machine."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.events import Tone
from core.domain.model.host_calls import FolderReceipt, MoveReport
from core.domain.model.inventory import HostName, Inspection, Snapshot
from core.domain.model.job import JobState
from core.domain.model.move import HoldCode, MoveState
from core.errors import NotAllowed, WrongMachine
from lab.gateway import LabGateway
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm


class AnySpelling(LabGateway):
    """The hosts under whatever name: short or full, in any case."""

    async def observe(self, host: HostName) -> Snapshot:
        return replace(await super().observe(_plain(host)), host=host)

    async def inspect(self, host: HostName, vm_ids: Any = None, **how: Any) -> Inspection:
        found = await super().inspect(_plain(host), vm_ids, **how)
        return replace(found, snapshot=replace(found.snapshot, host=host))

    async def move(self, host: HostName, *more: Any) -> MoveReport:
        return await super().move(_plain(host), *more)

    async def list_folder(self, host: HostName, path: str) -> tuple[str, ...] | None:
        return await super().list_folder(_plain(host), path)

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        return await super().remove_empty_folder(_plain(host), path)


def _plain(host: str) -> HostName:
    return HostName(host.split(".", maxsplit=1)[0].upper())


def respelled(stage: Stage, **names: str) -> None:
    """Call hosts otherwise in the settings; without a new name they are taken out."""
    known = stage.settings.hosts
    named = {names.get(old, old): value for old, value in known.items() if names.get(old, old)}
    stage.settings = stage.settings.model_copy(update={"hosts": named})


def test_a_host_spelled_anew_is_the_same_host(tmp_path: Path) -> None:
    """A running move and a waiting one go on under the new spelling; nothing is lost, nobody is paged."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
        respelled(stage, HV01="hv01", HV02="hv02.contoso.com")
        stage.gateway = AnySpelling(stage.world, stage.clock.now)
        async with stage.running():
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert {(move.source, move.destination) for move in moves.values()} == {("hv01", "hv02.contoso.com")}
        assert [one.kind for one in stage.listener.events if one.tone is Tone.PAGE] == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4))), script)


def test_a_host_that_left_the_settings_is_said_at_once(tmp_path: Path) -> None:
    """What waited for it ends with the reason, what ran there pages at once, and the job comes to its end."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
        respelled(stage, HV02="")
        async with stage.running():
            moves = await stage.finished(job.id, within_s=600)
        assert [moves[f"web{n:02d}"].state for n in (1, 2, 3)] == [
            MoveState.LOST,
            MoveState.LOST,
            MoveState.UNMIGRATABLE,
        ]
        assert all("HV02 is no longer in the settings" in move.error for move in moves.values())
        assert {one.tone for one in stage.listener.of(EventKind.LOST)} == {Tone.PAGE}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)


def test_a_clean_up_comes_to_its_end_without_its_host(tmp_path: Path) -> None:
    """The destination left the settings while the VM's folders were cleaned up: the job ends all the same."""

    async def script(stage: Stage) -> None:
        class Slow(LabGateway):
            async def inspect(self, host: HostName, vm_ids: Any = None, **how: Any) -> Inspection:
                if host == "HV02" and vm_ids:
                    await asyncio.sleep(30)
                return await super().inspect(host, vm_ids, **how)

        stage.gateway = Slow(stage.world, stage.clock.now)
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.CLEANING)
        respelled(stage, HV02="")
        async with stage.running():
            moves = await stage.finished(job.id, within_s=3600)
        assert moves["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_plan_for_a_host_that_is_gone_cannot_be_approved(tmp_path: Path) -> None:
    """It would wait for ever for a host that nobody asks: the approver is told."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01")
        respelled(stage, HV02="")
        async with stage.running() as engine:
            with pytest.raises(NotAllowed, match="no host called HV02"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_another_machine_behind_an_address_is_not_believed(tmp_path: Path) -> None:
    """Waiting VMs are held with the reason instead of ending as removed; with the address put right all goes on."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await asyncio.sleep(10)
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            stage.gateway.stand_ins["HV01"] = "HV03"
            await asyncio.sleep(120)
            await engine.controls.resume_starts("U_BOB")
            await asyncio.sleep(600)
            (move,) = await stage.store.moves(job.id)
            assert (move.state, move.hold.code if move.hold else None) == (MoveState.QUEUED, HoldCode.HOST)
            assert move.hold is not None
            assert "HV01 answers as another machine: hv03" in move.hold.text
            stage.gateway.stand_ins.clear()
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE

    three = {f"HV{n:02d}": {"address": f"hv{n:02d}.contoso.com", "path": "D:\\VMs"} for n in (1, 2)}
    play(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(1))), script, hosts=three)


def test_a_replaced_machine_is_taken_once_nothing_waits_for_it(tmp_path: Path) -> None:
    """No open move concerns it: the new machine is the host from now on, also for the next process."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            await asyncio.sleep(10)
        stage.gateway.stand_ins["HV01"] = "HV03"
        async with stage.running() as engine:
            await asyncio.sleep(120)
            assert [one.name for one in engine.queries.inventory(HostName("HV01"))] == ["web03"]

    two = {f"HV{n:02d}": {"address": f"hv{n:02d}.contoso.com", "path": "D:\\VMs"} for n in (1, 2)}
    play(tmp_path, Fleet(hosts=hosts(3), vms=(vm(1, "web01"), vm(3, "web03", "HV03"))), script, hosts=two)


def test_one_machine_under_two_names_is_one_host(tmp_path: Path) -> None:
    """A name and an address of one machine: its second name is held, so that its slots are not counted twice."""

    async def script(stage: Stage) -> None:
        stage.gateway.stand_ins["HV03"] = "HV02"
        async with stage.running() as engine:
            await asyncio.sleep(60)
            troubles = engine._snapshot_cache.troubles
            assert [host for host in ("HV02", "HV03") if host in troubles] == ["HV03"]
            assert "HV03 and HV02 are one machine" in troubles[HostName("HV03")].text
            job = await stage.ask_and_approve("web01")
            assert (await stage.finished(job.id))["web01"].state is MoveState.DONE
            assert (await stage.store.job(job.id)).state is JobState.FINISHED

    play(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(1))), script)


def test_a_plan_is_not_made_of_what_another_machine_shows(tmp_path: Path) -> None:
    """An address was given away while a move waits: a request is refused, and the host's own snapshot stays."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await asyncio.sleep(10)
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            stage.gateway.stand_ins["HV01"] = "HV03"
            with pytest.raises(WrongMachine, match="HV01 answers as another machine"):
                await stage.ask("web03")
            shown = engine._snapshot_cache.snapshots[HostName("HV01")]
            assert [one.name for one in shown.vms] == ["web01", "web02"]
            stage.gateway.stand_ins.clear()
            stage.gateway.stand_ins["HV02"] = "HV03"
            with pytest.raises(WrongMachine, match="HV02 answers as another machine"):
                await stage.ask("web02")
            stage.gateway.stand_ins.clear()
            await engine.controls.resume_starts("U_BOB")
            assert (await stage.finished(job.id))["web01"].state is MoveState.DONE

    two = {f"HV{n:02d}": {"address": f"hv{n:02d}.contoso.com", "path": "D:\\VMs"} for n in (1, 2)}
    play(tmp_path, Fleet(hosts=hosts(3), vms=(*numbered(2), vm(3, "web03", "HV03"))), script, hosts=two)
