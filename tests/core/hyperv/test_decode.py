"""Replies of hosts become our types, whatever form they come in."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.model.host_calls import FolderFate, HostWord
from core.domain.model.hyperv_enums import HostJobState, MigrationAuth, Operation, ReplicationMode, VmState
from core.domain.model.inventory import Tie
from core.errors import MalformedReply
from core.hyperv import decode, decode_details, vm_files
from tests.support.ps_examples import WEB, vm_properties
from tests.support.ps_objects import bare, enum, selected


def host_properties(**changes: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "MaximumVirtualMachineMigrations": 2,
        "MaximumStorageMigrations": 4,
        "VirtualMachineMigrationEnabled": True,
        "VirtualMachineMigrationAuthenticationType": enum(1, "Kerberos"),
        "VirtualMachinePath": "D:\\VMs",
        "VirtualHardDiskPath": "D:\\Disks",
        "MemoryCapacity": 256 << 30,
        "SupportedVmVersions": ["9.0", "10.0"],
    }
    return properties | changes


COUNTERS = bare(ActiveVirtualSystemMigrationCount=1, ActiveStorageMigrationCount=2)


def test_reads_a_selected_vm() -> None:
    """Enums that came as objects are read by their number."""
    vm = decode.read_vm("HV01", selected(**vm_properties()))
    assert (vm.id, vm.name, vm.state) == (WEB, "web01", VmState.RUNNING)
    assert vm.status == (Operation.OK, Operation.MERGING_DISKS)
    assert vm.status_text == "Merging disks"
    assert vm.uptime_s == 93784.5
    assert vm.heartbeat == 6
    assert vm.memory_bytes == 4 << 30
    assert not vm.is_planned


def test_reads_a_bare_vm() -> None:
    """Enums that came as names are read by their name, in any case."""
    vm = decode.read_vm(
        "HV01",
        bare(
            **vm_properties(
                State="OffCritical",
                OperationalStatus=["inservice", "MigratingPlannedVm"],
                VirtualMachineType="PlannedVirtualMachine",
                Heartbeat=None,
                ReplicationMode="Replica",
                ReplicationState="Replicating",
            )
        ),
    )
    assert vm.state is VmState.OFF_CRITICAL
    assert vm.status == (Operation.IN_SERVICE, Operation.MIGRATING_PLANNED)
    assert vm.is_migrating
    assert vm.is_planned
    assert vm.heartbeat is None
    assert (vm.replication_mode, vm.replication_state) == (ReplicationMode.REPLICA, 4)


@pytest.mark.parametrize(
    ("value", "operation"),
    [
        (enum(32769, "32769"), Operation.APPLYING_CHECKPOINT),
        ("32769", Operation.APPLYING_CHECKPOINT),
        (enum(23769, "ApplyingSnapshot"), Operation.APPLYING_CHECKPOINT),
        ("ApplyingSnapshot", Operation.APPLYING_CHECKPOINT),
        ("BackingUpVirtualMachine", Operation.BACKING_UP),
        (32774, Operation.MIGRATING),
        (enum(32796, "32796"), Operation.OTHER),
        ("SomethingOf2031", Operation.OTHER),
    ],
)
def test_reads_every_form_of_an_operation(value: object, operation: Operation) -> None:
    """A number without a name, a name, a misspelt one and an unforeseen one all have their meaning."""
    vm = decode.read_vm("HV01", selected(**vm_properties(OperationalStatus=[enum(11, "InService"), value])))
    assert vm.status == (Operation.IN_SERVICE, operation)


def test_a_vm_without_a_status_is_not_idle() -> None:
    """A VM that does not say how it is must not look ready to move."""
    vm = decode.read_vm("HV01", selected(**vm_properties(OperationalStatus=None)))
    assert vm.status == (Operation.OTHER,)


def test_reads_an_enum_of_unknown_type() -> None:
    """An enum that pypsrp left as XML is read all the same."""
    xml = '<Obj RefId="3"><TN RefId="1"><T>X.Odd</T></TN><ToString>Saved</ToString><I32>6</I32></Obj>'
    words = "<LST><S>InService</S><S>BackingUpVirtualMachine</S></LST>"
    statuses = f'<Obj RefId="1"><TN RefId="0"><T>X[]</T></TN>{words}</Obj>'
    vm = decode.read_vm("HV01", selected(**vm_properties(State=xml, OperationalStatus=statuses)))
    assert vm.state is VmState.SAVED
    assert vm.status == (Operation.IN_SERVICE, Operation.BACKING_UP)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Id", None),
        ("Id", "web01"),
        ("Name", ""),
        ("State", None),
        ("State", ["Off"]),
        ("Generation", "two"),
        ("Uptime", "long"),
    ],
)
def test_names_what_cannot_be_read(name: str, value: object) -> None:
    """A malformed reply says which property of which host."""
    with pytest.raises(MalformedReply, match=f"HV01 answered Get-VM without .* in {name}") as caught:
        decode.read_vm("HV01", selected(**vm_properties(**{name: value})))
    assert caught.value.host == "HV01"


def test_one_vm_without_a_readable_id_is_an_answer() -> None:
    """The only VM of a host: the host has answered. Of several without one readable id nothing is believed."""
    nameless, sick = selected(**vm_properties(Id=None)), selected(**vm_properties(State=None))
    assert [[one.id for one in found] for found in decode.read_vms("HV01", [nameless])] == [[], [None]]
    assert [[one.id for one in found] for found in decode.read_vms("HV01", [nameless, sick])] == [[], [None, WEB]]
    with pytest.raises(MalformedReply, match="Id"):
        decode.read_vms("HV01", [nameless, nameless])


@pytest.mark.parametrize("said", ["yesterday", "0001-01-01T00:00:00+23:00"])
def test_a_job_nobody_can_read_may_be_running_and_spoils_no_other(said: str) -> None:
    """A start that is no time, or one that no clock has shown: of that VM nothing is concluded, the others are read."""
    jobs = [bare(VirtualSystemName=str(WEB), JobState=7, StartTime=said), bare(VirtualSystemName=str(WEB), JobState=7)]
    sick, well = decode.read_jobs("HV01", jobs)
    assert (sick.vm_id, sick.state, sick.is_running) == (WEB, HostJobState.OTHER, True)
    assert (well.state, well.is_running) == (HostJobState.COMPLETED, False)


def test_a_name_that_looks_like_xml_stays_a_name() -> None:
    """Somebody may call a VM anything."""
    name = '<Obj RefId="0" />'
    assert decode.read_vm("HV01", selected(**vm_properties(Name=name))).name == name


def test_reads_facts() -> None:
    """Limits, migration settings and counters of a host are read together."""
    facts = decode.read_facts("HV01", [selected(**host_properties())], [COUNTERS])
    assert (facts.live_limit, facts.storage_limit, facts.live_active, facts.storage_active) == (2, 4, 1, 2)
    assert facts.is_migration_enabled
    assert facts.migration_auth is MigrationAuth.KERBEROS
    assert facts.supported_versions == ("9.0", "10.0")


@pytest.mark.parametrize(
    ("hosts", "counters"),
    [
        ([], [COUNTERS]),
        ([selected(**host_properties())], []),
        ([selected(**host_properties(MaximumStorageMigrations=None))], [COUNTERS]),
        ([selected(**host_properties(VirtualMachineMigrationAuthenticationType=enum(7, "7")))], [COUNTERS]),
    ],
)
def test_never_guesses_limits(hosts: list[Any], counters: list[Any]) -> None:
    """A host whose limits or counters cannot be read gets no moves on a guess."""
    with pytest.raises(MalformedReply):
        decode.read_facts("HV01", hosts, counters)


def test_reads_a_job() -> None:
    """A job names its VM in upper case and tells summary and causes once each."""
    (job,) = decode.read_jobs(
        "HV01",
        [
            bare(
                VirtualSystemName=str(WEB).upper(),
                JobState=10,
                PercentComplete=100,
                Cancellable=False,
                ErrorCode=32768,
                ErrorSummaryDescription="Failed.",
                ErrorDescription="Failed.",
                StartTime="2026-11-23T06:06:34.1234567+01:00",
                DestinationHost="hv02.contoso.com",
                Owner=None,
            )
        ],
    )
    assert job.vm_id == WEB
    assert job.state is HostJobState.EXCEPTION
    assert (job.percent, job.error_code, job.error_text) == (100, 32768, "Failed.")
    assert job.started_at == datetime(2026, 11, 23, 5, 6, 34, 123456, tzinfo=UTC)
    assert not job.is_cancellable


@pytest.mark.parametrize(("said", "percent"), [(None, 0), (250, 100), (-1, 0), (42, 42)])
def test_a_percent_is_a_percent(said: int | None, percent: int) -> None:
    """Progress is between 0 and 100 whatever the host says."""
    (job,) = decode.read_jobs("HV01", [bare(VirtualSystemName=str(WEB), JobState=4, PercentComplete=said)])
    assert job.percent == percent


def test_a_job_of_no_vm_is_left_out() -> None:
    """A job that names no VM cannot be taken for one of ours."""
    assert decode.read_jobs("HV01", [bare(VirtualSystemName=None, JobState=4)]) == ()


def test_reads_volumes() -> None:
    """Drives and mount points have room for VMs; nameless and removable volumes have not."""
    volumes = decode.read_volumes(
        "HV01",
        [
            selected(Name="D:\\", DriveType=3, Capacity=100, FreeSpace=40),
            selected(Name="C:\\Mount", DriveType=3, Capacity=50, FreeSpace=0),
            selected(Name="\\\\?\\Volume{1}\\", DriveType=3, Capacity=1, FreeSpace=1),
            selected(Name="E:\\", DriveType=5, Capacity=1, FreeSpace=0),
            selected(Name="F:\\", DriveType=3, Capacity=None, FreeSpace=None),
        ],
    )
    assert [(v.root, v.size_bytes, v.free_bytes) for v in volumes] == [("D:\\", 100, 40), ("C:\\Mount\\", 50, 0)]


def test_puts_details_together() -> None:
    """Each VM gets its own disks with their sizes, adapters, images, checkpoints and vTPM."""
    vm = decode.read_vm("HV01", selected(**vm_properties()))
    disks = decode_details.read_disks(
        "HV01",
        [
            selected(VMId=WEB, Path="D:\\A.vhdx", ControllerType=enum(1, "SCSI"), ControllerLocation=1),
            selected(VMId=WEB, Path="Disk 3", DiskNumber=3, ControllerType="IDE", SupportPersistentReservations=True),
        ],
    )
    ((details,), unreadable) = decode_details.assemble(
        [vm],
        disks=disks,
        files=vm_files.read(
            "HV01",
            None,
            disks.of,
            lambda asked: ([selected(Path="d:\\a.VHDX", FileSize=7)] if asked.title == "Get-VHD" else [], True),
        ),
        adapters=decode_details.read_adapters("HV01", [selected(VMId=WEB, Name="LAN", SwitchName=None)]),
        dvd_drives=decode_details.read_dvd_drives(
            "HV01",
            [
                selected(VMId=WEB, Path="", DvdMediaType=enum(0, "None")),
                selected(VMId=WEB, Path="C:\\x.iso", DvdMediaType=enum(1, "ISO")),
                selected(VMId=WEB, Path="E:", DvdMediaType=enum(2, "PassThrough")),
            ],
        ),
        checkpoints=decode_details.read_checkpoints("HV01", [selected(VMId=WEB), selected(VMId=WEB)]),
        vtpms=decode_details.read_vtpms("HV01", [selected(InstanceID=f"Microsoft:{WEB}\\7", TpmEnabled=True)]),
    )
    assert [(d.path, d.file_bytes) for d in details.disks] == [("D:\\A.vhdx", 7), ("", None)]
    assert [d.controller for d in details.disks] == ["SCSI 0:1", "IDE 0:0"]
    assert details.disks[1].is_pass_through
    assert details.disks[1].is_shared
    assert details.adapters[0].switch == ""
    assert details.iso_paths == ("C:\\x.iso",)
    assert details.ties == {Tie.HOST_DVD}
    assert (details.checkpoints, unreadable) == (2, ())
    assert details.has_vtpm


@pytest.mark.parametrize(
    ("removed", "reason", "fate"),
    [
        (True, "", FolderFate.REMOVED),
        (False, "NotFound: there is no such folder.", FolderFate.GONE),
        (False, "NotEmpty: Das Verzeichnis ist nicht leer.", FolderFate.KEPT),
        (False, None, FolderFate.KEPT),
    ],
)
def test_reads_a_receipt(removed: bool, reason: str | None, fate: FolderFate) -> None:
    """A folder was removed, was gone, or was kept for a reason."""
    receipt = decode.read_receipt("HV01", "D:\\VMs\\web01", [selected(Path="x", Removed=removed, Reason=reason)])
    assert receipt.fate is fate
    assert bool(receipt.reason) is (fate is FolderFate.KEPT)


@pytest.mark.parametrize(("code", "accepted"), [(0, True), (4096, True), (32775, False)])
def test_reads_a_cancel(code: int, accepted: bool) -> None:
    """Done and begun are yes, every other code is no."""
    reply = decode.read_cancel("HV01", [selected(VMId=WEB, ReturnValue=code, JobState=4)])
    assert (reply.found, reply.accepted) == (True, accepted)
    assert ("code 32775: not in its present state" in reply.text) is not accepted


class Record:
    """An error record without a printable text."""

    exception = None
    fq_error = None
    category = None

    def __str__(self) -> str:
        raise TypeError


def test_an_error_without_anything_is_still_a_word() -> None:
    """An error record may lack all that it usually has."""
    assert decode.read_word(Record()) == HostWord("")
