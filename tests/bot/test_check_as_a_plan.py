"""``migrate-bot check --vm --to`` says of a pair what a plan of it says, finding by finding."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bot.check_pair import check_pair
from core.domain.model.inventory import HostName
from core.domain.model.plan import FindingCode, Request, Severity
from core.errors import EndpointRefused
from lab.hyperv.world.enums import MigrationAuthentication, ReplicationMode, SnapshotType, VMState
from lab.hyperv.world.fleet import GB, VM, Checkpoint, Disk, DiskFile, File, Fleet, Host, Volume
from tests.support.engine_harness import Stage, host, play, vm


@dataclass(frozen=True)
class Pair:
    """What is peculiar about a pair: of its VM, its source, its destination, other VMs."""

    vm: dict[str, Any] = field(default_factory=dict)
    here: dict[str, Any] = field(default_factory=dict)
    there: dict[str, Any] = field(default_factory=dict)
    others: tuple[VM, ...] = ()
    path: str = "D:\\VMs"
    shows_folders: bool = True


def disk(path: str = "D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx", **changes: Any) -> Disk:
    return Disk(path=path, **({"size_bytes": 6 * GB} | changes))


CHECKPOINT = Checkpoint(id=UUID(int=7), name="before", disks=(disk("D:\\VMs\\web01\\Virtual Hard Disks\\b.vhdx"),))
SHORT_NAMES = {
    "volumes": (Volume(root="C:"), Volume(root="D:", has_short_names=True)),
    "files": (
        File(path="D:\\VMs\\Customer Web", is_folder=True),
        File(path="D:\\VMs\\Customer Web\\Virtual Hard Disks\\other.vhdx"),
    ),
}
PARENT = (DiskFile(path="D:\\Gold\\gold.vhdx"),)
CODE = FindingCode

PAIRS: dict[FindingCode, Pair] = {
    CODE.MIGRATION_OFF: Pair(there={"migration_enabled": False}),
    CODE.LIMIT_ZERO: Pair(there={"live_limit": 0}),
    CODE.NO_LISTENER: Pair(there={"listener_on": False}),
    CODE.NO_COMMON_NETWORK: Pair(
        there={"addresses": ("10.0.0.2/16", "10.9.0.2/24"), "migration_networks": ("10.9.0.0/24",)}
    ),
    CODE.AUTH_DIFFERS: Pair(there={"authentication": MigrationAuthentication.Kerberos}),
    CODE.SPACE_UNKNOWN: Pair(path="\\\\fs01\\vms\\new"),
    CODE.CLUSTERED: Pair(vm={"is_clustered": True}),
    CODE.REPLICA: Pair(vm={"replication_mode": ReplicationMode.Replica}),
    CODE.REPLICATED: Pair(vm={"replication_mode": ReplicationMode.Primary}),
    CODE.SAVED_STATE: Pair(vm={"state": VMState.Saved}),
    CODE.NO_SPACE: Pair(there={"volumes": (Volume(root="C:"), Volume(root="D:", free_bytes=GB))}),
    CODE.SIZE_UNKNOWN: Pair(vm={"disks": (disk(is_unreadable=True),)}),
    CODE.NO_MEMORY: Pair(there={"memory_bytes": GB}),
    CODE.NO_SWITCH: Pair(there={"switches": ("Other",)}),
    CODE.OTHER_NETWORK: Pair(there={"internal_switches": ("Production",)}),
    CODE.OLD_DESTINATION: Pair(there={"supported_versions": ("8.0",)}),
    CODE.NO_ATTACHMENT: Pair(vm={"iso_path": "D:\\ISO\\x.iso"}),
    CODE.ISO_MOUNTED: Pair(vm={"iso_path": "\\\\fs01\\iso\\x.iso"}),
    CODE.HOST_DVD: Pair(vm={"captured_dvd_drive": "E:"}),
    CODE.LOCAL_PIPE: Pair(vm={"com_pipe": "\\\\.\\pipe\\debug", "generation": 1}),
    CODE.TIED_TO_HOST: Pair(vm={"has_passed_device": True}),
    CODE.NESTED: Pair(vm={"exposes_virtualization": True}),
    CODE.VTPM: Pair(vm={"has_vtpm": True}),
    CODE.CHECKPOINTS: Pair(vm={"checkpoints": (CHECKPOINT,)}),
    CODE.BACKUP_CHECKPOINT: Pair(
        vm={"checkpoints": (Checkpoint(id=UUID(int=8), name="backup", type=SnapshotType.Recovery),)}
    ),
    CODE.PASS_THROUGH_DISK: Pair(vm={"disks": (disk(), Disk(path="", disk_number=3))}),
    CODE.SHARED_DISK: Pair(vm={"disks": (disk(is_shared=True),)}),
    CODE.LINKED_CLONE: Pair(
        vm={"disks": (disk(parents=PARENT),)},
        others=(vm(2, "web02", disks=(disk("D:\\VMs\\web02\\web02.vhdx", parents=PARENT),)),),
    ),
    CODE.SHORT_NAME: Pair(there=SHORT_NAMES, path="D:\\VMs\\CUSTOM~1"),
    CODE.PATH_TOO_LONG: Pair(vm={"disks": (disk("D:\\" + "a" * 244 + ".vhdx"),)}),
    CODE.DISK_NAMES_COLLIDE: Pair(vm={"disks": (disk(), disk("C:\\Data\\web01.vhdx", controller_location=1))}),
    CODE.FILE_EXISTS: Pair(there={"files": (File(path="D:\\VMs\\Virtual Hard Disks\\web01.vhdx"),)}),
    CODE.FOLDERS_UNSEEN: Pair(shows_folders=False),
    CODE.NO_DRIVE: Pair(path="E:\\VMs"),
    CODE.ADDRESS: Pair(there={"address": "10.0.0.2"}),
}
ELSEWHERE = {
    CODE.TWICE: "of several sources",
    CODE.UNREADABLE: "of a host whose VMs cannot be read",
    CODE.HOST_SILENT: "the check says it as an error of the host",
    CODE.MEET: "of several VMs",
    CODE.INCOMPATIBLE: "the hosts' own answer: a line of its own",
    CODE.HOST_WARNS: "the hosts' own answer: a line of its own",
    CODE.NOT_CHECKED: "the hosts' own answer: a line of its own",
    CODE.PLACED_AGAIN: "of several destinations",
    CODE.IN_JOB: "of the bot's jobs, and the check says that it does not look at these",
    CODE.TOO_LATE: "of an order with a time",
    CODE.FROZEN: "of an order with a time",
    CODE.READ_AS: "of patterns",
    CODE.OTHER: "of another version",
    CODE.FORBIDDEN_PATH: "refused as a request: see below",
    **dict.fromkeys(
        (CODE.CRITICAL, CODE.BUSY, CODE.ON_DESTINATION),
        "not played",
    ),
    **dict.fromkeys((CODE.NETWORKS_UNREAD, CODE.TIES_UNREAD), "of an endpoint with an older role: on the wire"),
}


def test_every_code_is_played_or_said_why_not() -> None:
    """A new finding wants a pair here."""
    assert {*PAIRS, *ELSEWHERE} == {*CODE}
    assert PAIRS.keys().isdisjoint(ELSEWHERE)


@pytest.mark.parametrize("code", [None, *PAIRS], ids=str)
def test_check_says_what_a_plan_says(tmp_path: Path, code: FindingCode | None) -> None:
    """Each finding, in its words and its order; a blocker is not in order."""
    pair = PAIRS[code] if code else Pair()
    ends: list[Host] = [host("HV01", **pair.here), host("HV02", **pair.there)]
    known = {one.name: {"address": one.address or one.name, "path": pair.path} for one in ends}

    async def script(stage: Stage) -> None:
        if not pair.shows_folders:
            stage.gateway.list_folder = _refuse  # type: ignore[method-assign]
        async with stage.running() as engine:
            request = Request(
                vms=("web01",), sources=("HV01",), destinations=("HV02",), requester="U_ALICE", channel="C1"
            )
            plan = await engine.requests.look(request)
            found = check_pair(stage.settings, stage.gateway, engine.requests.look, "web01", "HV02", source="HV01")
            lines = [line async for line in found if line.subject == "web01 on HV02"]
        told = [(one.severity is not Severity.BLOCKER, one.text) for one in plan.findings]
        if code:
            assert code in {one.code for one in plan.findings}
        assert [(line.ok, line.text) for line in lines][: len(told)] == told
        assert len(lines) == len(told) + all(ok for ok, _ in told)

    fleet = Fleet(hosts=tuple(ends), vms=(vm(1, "web01", **pair.vm), *pair.others))
    play(tmp_path, fleet, script, hosts=known)


async def _refuse(host: HostName, path: str) -> tuple[str, ...] | None:
    raise EndpointRefused(host, f"The endpoint of {host} does not let me list {path}.")
