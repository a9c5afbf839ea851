"""Clean-ups that come late, or twice: they look again whether their reason still holds, and their receipt is whole."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.host_calls import FolderReceipt
from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.errors import ContactLost, HostUnreachable
from lab.gateway import LabGateway
from lab.hyperv.world.faults import MoveFault
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm, vm_id
from tests.support.event_facts import facts


class Died(BaseException):
    """The process is gone."""


class Hosts(LabGateway):
    """Hosts that can be away, and whose answers to removals can be lost."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.away: set[str] = set()
        self.removed: list[tuple[str, str, str]] = []
        self.dies_after: int | None = None
        self.loses_answers = False

    async def _call(self, method: str, host: HostName) -> None:
        if host in self.away:
            await asyncio.sleep(1)
            raise HostUnreachable(host, f"{host} is away.")
        await super()._call(method, host)

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        if self.dies_after is not None and len(self.removed) >= self.dies_after:
            await asyncio.sleep(10**6)  # the bot is killed while the host works on the next one
        receipt = await super().remove_empty_folder(host, path)
        self.removed.append((host, path, receipt.fate.value))
        if self.loses_answers and receipt.fate.value == "removed":
            raise ContactLost(host, "The answer was lost.")
        return receipt


async def moved(stage: Stage, job: Any) -> None:
    """Wait until a job's VM has arrived; its clean-up is about to begin."""
    while not any(one.kind is EventKind.MOVED for one in await stage.engine_events(job.id)):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("is_there", [True, False])
def test_the_home_of_a_vm_that_came_back_is_left_alone(tmp_path: Path, is_there: bool) -> None:
    """A clean-up waited for its silent host; by then the VM is back there, or on its way: nothing is left over."""

    async def script(stage: Stage) -> None:
        gateway = Hosts(stage.world, stage.clock.now)
        stage.gateway = gateway
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await moved(stage, job)
            gateway.away.add("HV01")
            moves = await stage.finished(job.id)
            assert moves["web01"].leftovers
            gateway.away.clear()
            await asyncio.sleep(90)
            if not is_there:
                stage.world.change_host("HV02", {"bandwidth_bytes_per_s": 2_000_000})
            back = await engine.requests.back(job.id, "U_ALICE")
            await engine.controls.approve(back.id, back.plan.hash, "U_BOB")
            await (stage.finished(back.id) if is_there else asyncio.sleep(60))
            before = len(gateway.removed)
            await asyncio.sleep(1500)
            assert [one for one in gateway.removed[before:] if one[0] == "HV01"] == []
            move = next(move for move in await stage.store.moves(job.id))
            assert (move.leftovers, move.tidy_at) == ((), None)
            (tidied,) = stage.listener.of(EventKind.TIDIED)
            assert "HV01 again" in facts(tidied).kept[0][1]

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_the_folders_that_vms_are_sent_to_stay(tmp_path: Path) -> None:
    """The destination of the settings, and that of a job that waits, are not taken away by who leaves them last."""

    async def script(stage: Stage) -> None:
        gateway = Hosts(stage.world, stage.clock.now)
        stage.gateway = gateway
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            coming = await stage.ask_and_approve("web03", source="HV03", to="HV01", start_at=None)
            await engine.controls.pause(coming.id, "U_BOB")
            await engine.controls.resume_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            await stage.finished(job.id)
            assert stage.world.entry("HV01", "D:\\Hyper-V\\Incoming") is not None
            (done,) = stage.listener.of(EventKind.DONE)
            assert "where the settings send VMs" in dict(facts(done).kept)["D:\\Hyper-V\\Incoming"]

    home = "D:\\Hyper-V\\Incoming"
    fleet = Fleet(hosts=hosts(3), vms=(vm(1, "web01", path=home), vm(3, "web03", "HV03")))
    paths = {f"HV{n:02d}": {"address": f"hv{n:02d}.contoso.com", "path": home} for n in (1, 2, 3)}
    play(tmp_path, fleet, script, hosts=paths)


def left_at_the_destination(stage: Stage) -> None:
    """What a move into a folder of its own leaves there when it fails."""
    for name in ("", "\\Virtual Hard Disks", "\\Planned Virtual Machines"):
        path = f"D:\\VMs\\web01{name}"
        if stage.world.entry("HV02", path) is None:
            stage.world.add_file("HV02", path, is_folder=True)


@pytest.mark.parametrize("removed_before", [0, 1, 2])
def test_a_death_after_the_failure_leaves_no_folder_behind(tmp_path: Path, removed_before: int) -> None:
    """The failure is written down, then the bot dies: the next one removes what is left, once, and tells all of it."""

    async def script(stage: Stage) -> None:
        gateway = Hosts(stage.world, stage.clock.now)
        stage.gateway = gateway
        stage.world.order(MoveFault(vm=vm_id(1), cause="shared-disk", times=None))
        async with stage.running():
            gateway.dies_after = removed_before
            job = await stage.ask_and_approve("web01", subfolder=True)
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            left_at_the_destination(stage)
            await stage.state_is(job.id, "web01", MoveState.UNMIGRATABLE)
            await asyncio.sleep(30)
            assert len(gateway.removed) == removed_before
        gateway.dies_after = None
        async with stage.running():
            await asyncio.sleep(60)
        assert stage.world.entry("HV02", "D:\\VMs\\web01") is None
        (tidied,) = stage.listener.of(EventKind.TIDIED)
        assert (facts(tidied).host, len(facts(tidied).removed)) == ("HV02", 3)
        assert len(gateway.removed) == 3

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_silent_destination_is_cleaned_after_a_failure_when_it_answers(tmp_path: Path) -> None:
    """The destination is away when its folders could go: they go later, as those of a source do."""

    async def script(stage: Stage) -> None:
        gateway = Hosts(stage.world, stage.clock.now)
        stage.gateway = gateway
        stage.world.order(MoveFault(vm=vm_id(1), cause="shared-disk", times=None))
        async with stage.running():
            gateway.dies_after = 0
            job = await stage.ask_and_approve("web01", subfolder=True)
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            left_at_the_destination(stage)
            await stage.state_is(job.id, "web01", MoveState.UNMIGRATABLE)
        gateway.dies_after = None
        gateway.away.add("HV02")
        async with stage.running():
            await asyncio.sleep(120)
            gateway.away.clear()
            await asyncio.sleep(1500)
        assert stage.world.entry("HV02", "D:\\VMs\\web01") is None
        assert len(stage.listener.of(EventKind.TIDIED)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_move_cancelled_between_two_attempts_leaves_no_folder(tmp_path: Path) -> None:
    """Its first attempt left a folder, and there is no second: what was made for it goes."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="network"))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01", subfolder=True)
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            left_at_the_destination(stage)
            while not stage.listener.of(EventKind.RETRYING):  # noqa: ASYNC110 (virtual time)
                await asyncio.sleep(0.5)
            await engine.controls.cancel(job.id, "U_BOB", "web01")
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.CANCELLED
        assert stage.world.entry("HV02", "D:\\VMs\\web01") is None
        assert len(stage.listener.of(EventKind.TIDIED)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("tried", [("web01",), ("web01", "web01-2")], ids=["one try", "two tries"])
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_try_beside_others_takes_their_folders_away(tmp_path: Path, is_empty: bool, tried: tuple[str, ...]) -> None:
    """The host cleared its half of a disk late: the folders made for earlier tries go; one with files is named."""
    folders = [f"D:\\VMs\\{name}" for name in tried]

    async def script(stage: Stage) -> None:
        async with stage.running():
            times = 2 * len(tried) - 1  # each try beside another follows one that met the other's files
            stage.world.order(MoveFault(vm=vm_id(1), cause="network", at_percent=70, times=times))
            job = await stage.ask_and_approve("web01", subfolder=True, attempts=3)

            async def goes_beside() -> bool:
                (move,) = await stage.store.moves(job.id)
                return move.path not in folders and move.state is MoveState.MOVING

            await stage.until(goes_beside)
            entries = [one.path for one in stage.world.all_entries("HV02") if not one.is_folder]
            for file in [path for path in entries if any(path.startswith(f"{folder}\\") for folder in folders)]:
                if is_empty:
                    stage.world.remove_file("HV02", file)
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE
        (tidied,) = stage.listener.of(EventKind.TIDIED)
        assert facts(tidied).host == "HV02"
        for folder in folders:
            assert (stage.world.entry("HV02", folder) is None) is is_empty
            assert (folder in facts(tidied).removed) is is_empty
            assert (folder in dict(facts(tidied).kept)) is not is_empty

    keeping = [replace(one, quirks=replace(one.quirks, partial_files_remain=True)) for one in hosts(2)]
    play(tmp_path, Fleet(hosts=tuple(keeping), vms=tuple(numbered(1))), script)


def test_a_try_beside_others_goes_to_a_folder_that_nobody_has(tmp_path: Path) -> None:
    """Another VM lives in web01-2 of the destination: the second try goes to web01-3 and touches nothing of it."""
    lives_there = vm(2, "other", "HV02", path="D:\\VMs\\web01-2", gb=1)

    async def script(stage: Stage) -> None:
        async with stage.running():
            stage.world.order(MoveFault(vm=vm_id(1), cause="network", at_percent=70))
            job = await stage.ask_and_approve("web01", subfolder=True, attempts=3)
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE
            assert moves["web01"].path == "D:\\VMs\\web01-3"
        assert stage.world.where_is(lives_there.id) == "HV02"

    keeping = [replace(one, quirks=replace(one.quirks, partial_files_remain=True)) for one in hosts(2)]
    play(tmp_path, Fleet(hosts=tuple(keeping), vms=(*numbered(1), lives_there)), script)


def test_a_death_while_cleaning_leaves_the_receipt_whole(tmp_path: Path) -> None:
    """Promise 5: what an earlier process removed is in the receipt of the one that finishes."""

    async def script(stage: Stage) -> None:
        gateway = Hosts(stage.world, stage.clock.now)
        stage.gateway = gateway
        async with stage.running():
            gateway.dies_after = 3
            job = await stage.ask_and_approve("web01")
            while len(gateway.removed) < 3:  # noqa: ASYNC110 (virtual time)
                await asyncio.sleep(0.05)
        before = {path for _, path, fate in gateway.removed if fate == "removed"}
        assert before
        gateway.dies_after = None
        async with stage.running():
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE
            (done,) = stage.listener.of(EventKind.DONE)
            after = {path for _, path, fate in gateway.removed if fate == "removed"}
            assert set(facts(done).removed) == after

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_removal_whose_answer_was_lost_is_in_the_receipt(tmp_path: Path) -> None:
    """Asked again, the host says that the folder is gone: it was there, so it is our doing."""

    async def script(stage: Stage) -> None:
        gateway = Hosts(stage.world, stage.clock.now)
        stage.gateway = gateway
        async with stage.running():
            gateway.loses_answers = True
            job = await stage.ask_and_approve("web01")
            await stage.finished(job.id)
            (done,) = stage.listener.of(EventKind.DONE)
            assert set(facts(done).removed) == {path for _, path, fate in gateway.removed if fate == "removed"}
            assert facts(done).removed

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
