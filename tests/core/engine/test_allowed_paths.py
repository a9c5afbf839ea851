"""Nothing typed reaches a host before it was judged, and nothing goes where the settings do not allow."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import HoldCode, MoveState
from core.domain.model.plan import FindingCode, Options, Request
from core.errors import RequestError
from lab.hyperv.world.fleet import GB, Disk, Fleet, Volume
from tests.support.engine_harness import Stage, host, hosts, numbered, play, vm

EVIL = "\\\\evil.example.com\\share\\x"
PATHS = [EVIL, "\\\\?\\D:\\VMs", "D:\\VMs\\..\\..\\Windows", "D:/VMs/../../x", "D:\\VMs\\x:stream", "D:\\VMs\\NUL"]
DRIVES = (Volume(root="D:\\"), Volume(root="E:\\"))
PATHS += ["\\\\localhost\\c$\\Windows", "C:\\Windows\\System32", "D:\\$(calc)", "D:\\VMs;calc", "D:\\", "E:\\VMs"]


class Spy:
    """A gateway that writes down everything it is asked."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not callable(method):
            return method

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.asked.append(f"{name} {args} {kwargs}")
            return method(*args, **kwargs)

        return noted


def request(path: str, *, to: str = "HV02", **options: Any) -> Request:
    return Request(
        vms=("web01",),
        sources=("HV01",),
        destinations=tuple(to.split(",")),
        requester="U_MALLORY",
        channel="C1",
        path=path,
        options=Options(**options),
        text="text",
    )


def with_spy(script: Callable[[Stage, Spy], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
    async def told(stage: Stage) -> None:
        spy = Spy(stage.gateway)
        stage.gateway = spy  # type: ignore[assignment]
        async with stage.running():
            await script(stage, spy)

    return told


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_judged_before_a_host_hears_of_it(tmp_path: Path, path: str) -> None:
    """Promise 16: a refused path makes no plan, and no call to any host carries it or anything of it."""

    async def script(stage: Stage, spy: Spy) -> None:
        with pytest.raises(RequestError) as refused:
            await stage.engine.requests.propose(request(path))
        with pytest.raises(RequestError):
            await stage.engine.requests.preview(request(path, subfolder=True))
        assert refused.value.hint
        assert await stage.store.jobs() == ()
        assert not [asked for asked in spy.asked if asked.startswith("list_folder")]
        assert not [asked for asked in spy.asked if repr(path)[1:-1] in asked]

    play(tmp_path, Fleet(hosts=hosts(2), vms=(vm(1, "web01"),)), with_spy(script))


def test_the_refusal_says_what_is_allowed_and_what_to_do(tmp_path: Path) -> None:
    """The host, the folders it has, and the key of the settings; one host of several that refuses is named."""

    async def script(stage: Stage, _: Spy) -> None:
        with pytest.raises(RequestError) as refused:
            await stage.engine.requests.propose(request("E:\\In\\web", to="HV02,HV03"))
        assert "E:\\In\\web is not a folder that VMs may go to on HV03." in refused.value.message
        assert refused.value.hint == "Allowed there: D:\\VMs. Others go into hosts.HV03.allowed_paths."

    settings = {
        name: {"address": f"{name.lower()}.contoso.com", "path": "D:\\VMs"} for name in ("HV01", "HV02", "HV03")
    }
    settings["HV02"]["allowed_paths"] = ("D:\\VMs", "E:\\In")  # type: ignore[assignment]
    play(tmp_path, Fleet(hosts=hosts(3), vms=(vm(1, "web01"),)), with_spy(script), hosts=settings)


@pytest.mark.parametrize("path", ["D:\\VMs", "d:/vms/web/", "D:\\Default\\x", "E:\\In", "\\\\files\\vms\\hv02"])
def test_what_is_allowed_makes_a_plan(tmp_path: Path, path: str) -> None:
    """The folder of the settings, the host's own default without a list, and what is listed, shares too."""
    listed = ("D:\\VMs", "E:\\In", "\\\\files\\vms")

    async def script(stage: Stage, _: Spy) -> None:
        job = await stage.engine.requests.propose(request(path))
        assert job.plan.moves[0].path.startswith(("D:\\", "d:\\", "E:\\", "\\\\files"))

    there = replace(host("HV02", volumes=DRIVES), default_vm_path="D:\\Default")
    keys: dict[str, Any] = {"HV01": {"address": "hv01"}, "HV02": {"address": "hv02", "path": "D:\\VMs"}}
    if "Default" not in path:
        keys["HV02"]["allowed_paths"] = listed
    play(tmp_path, Fleet(hosts=(host("HV01"), there), vms=(vm(1, "web01"),)), with_spy(script), hosts=keys)


def test_a_disk_that_keeps_its_drive_stays_in_allowed_folders(tmp_path: Path) -> None:
    """What the plan itself would put elsewhere blocks that VM, with the sentence what to do; listed, it goes."""

    async def script(stage: Stage, _: Spy) -> None:
        with pytest.raises(RequestError, match="Nothing of this can move") as refused:
            await stage.engine.requests.propose(request("D:\\VMs", keep_drives=True))
        assert "web01: E:\\VMs\\Virtual Hard Disks is not a folder that VMs may go to on HV02." in refused.value.hint

    async def listed(stage: Stage, _: Spy) -> None:
        job = await stage.engine.requests.propose(request("D:\\VMs", keep_drives=True))
        assert FindingCode.FORBIDDEN_PATH not in {finding.code for finding in job.plan.findings}

    there = host("HV02", volumes=DRIVES)
    disk = Disk(path="E:\\VMs\\web01\\web01.vhdx", size_bytes=GB)
    fleet = Fleet(hosts=(host("HV01", volumes=DRIVES), there), vms=(vm(1, "web01", disks=(disk,)),))
    keys: dict[str, Any] = {"HV01": {"address": "hv01"}, "HV02": {"address": "hv02", "path": "D:\\VMs"}}
    for name in "ab":
        (tmp_path / name).mkdir()
    play(tmp_path / "a", fleet, with_spy(script), hosts=keys)
    keys["HV02"]["allowed_paths"] = ("D:\\VMs", "E:\\VMs")
    play(tmp_path / "b", fleet, with_spy(listed), hosts=keys)


def test_what_the_settings_no_longer_allow_does_not_start(tmp_path: Path) -> None:
    """Promise 16: approved, then the settings change over a restart: what waits is held with the reason, and said once.

    What runs already is followed to its end, and once the folder is allowed again the rest goes.
    """

    def allow(stage: Stage, *folders: str) -> None:
        there = stage.settings.hosts["HV02"].model_copy(update={"path": "", "allowed_paths": folders})
        stage.settings = stage.settings.model_copy(update={"hosts": stage.settings.hosts | {"HV02": there}})

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web02", MoveState.MOVING)
        allow(stage, "E:\\In")
        async with stage.running():
            await stage.state_is(job.id, "web02", MoveState.DONE)
            await asyncio.sleep(1800)
            waiting = next(move for move in await stage.store.moves(job.id) if move.vm_name == "web03")
            assert waiting.state is MoveState.QUEUED
            assert waiting.hold is not None
            assert waiting.hold.code is HoldCode.HOST
            assert waiting.hold.text == (
                "D:\\VMs is not a folder that VMs may go to on HV02. "
                "Allowed there: E:\\In. Others go into hosts.HV02.allowed_paths."
            )
            assert len(stage.world.ledger.starts) == 2
        allow(stage, "D:\\VMs")
        async with stage.running():
            assert {move.state for move in (await stage.finished(job.id)).values()} == {MoveState.DONE}
        assert len(stage.listener.of(EventKind.HELD)) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)
