"""What is sent to hosts."""

from dataclasses import replace
from uuid import UUID

import pytest

from core.domain.model.host_calls import DiskTarget, MoveOrder
from core.domain.model.inventory import VmId
from core.hyperv import pipelines
from core.hyperv.pipelines import SELECT, Pipeline

WEB = VmId(UUID(int=7))
ORDER = MoveOrder(WEB, "hv02.contoso.com", "D:\\VMs")


def parameters(pipeline: Pipeline) -> list[dict[str, object]]:
    return [dict(stage.parameters) for stage in pipeline.stages]


def test_a_move_names_vm_destination_and_folder() -> None:
    """A plain move goes by id and puts everything below one folder."""
    pipeline = pipelines.move(ORDER)
    assert [stage.cmdlet for stage in pipeline.stages] == ["Get-VM", "Move-VM"]
    assert parameters(pipeline) == [
        {"Id": WEB},
        {"DestinationHost": "hv02.contoso.com", "IncludeStorage": None, "DestinationStoragePath": "D:\\VMs"},
    ]


def test_a_move_with_places_for_disks_uses_the_other_parameter_set() -> None:
    """The parameters of the two forms of Move-VM are never mixed."""
    _, move = parameters(pipelines.move(replace(ORDER, disks=(DiskTarget("D:\\a.vhdx", "E:\\a.vhdx"),))))
    assert move == {
        "DestinationHost": "hv02.contoso.com",
        "VirtualMachinePath": "D:\\VMs",
        "SnapshotFilePath": "D:\\VMs",
        "SmartPagingFilePath": "D:\\VMs",
        "Vhds": [{"SourceFilePath": "D:\\a.vhdx", "DestinationFilePath": "E:\\a.vhdx"}],
    }


def test_a_role_gets_the_places_of_disks_as_texts_it_can_judge() -> None:
    """One call of our function, with lists of texts instead of tables."""
    disks = (DiskTarget("D:\\a.vhdx", "E:\\a.vhdx"), DiskTarget("D:\\b.vhdx", "F:\\b.vhdx"))
    pipeline = pipelines.move_with_disks(replace(ORDER, disks=disks))
    assert [stage.cmdlet for stage in pipeline.stages] == ["Move-VMWithDisks"]
    assert parameters(pipeline) == [
        {
            "VMId": WEB,
            "DestinationHost": "hv02.contoso.com",
            "Path": "D:\\VMs",
            "SourceFilePath": ["D:\\a.vhdx", "D:\\b.vhdx"],
            "DestinationFilePath": ["E:\\a.vhdx", "F:\\b.vhdx"],
        }
    ]


@pytest.mark.parametrize(
    "pipeline",
    [
        pipelines.HOST,
        pipelines.VMS,
        pipelines.JOBS,
        pipelines.COUNTERS,
        pipelines.VOLUMES,
        pipelines.MEMORY,
        pipelines.SWITCHES,
        pipelines.SECURITY,
        pipelines.PASSED_DEVICES,
        pipelines.GPU_PARTITIONS,
        pipelines.FIBRE_CHANNEL,
        pipelines.PROCESSORS,
        pipelines.DRIVE_IMAGES,
        pipelines.COM_PORTS,
        pipelines.NETWORKS,
        pipelines.ADDRESSES,
        pipelines.disks(),
        pipelines.adapters(WEB),
        pipelines.dvd_drives(),
        pipelines.checkpoints(),
        pipelines.checkpoint_disks(WEB),
        pipelines.checkpoint_files(),
        pipelines.system_files(),
        pipelines.disk_files(["D:\\a.vhdx"]),
        pipelines.folder("D:\\VMs"),
        pipelines.commands(["Get-VM"]),
        pipelines.peer("hv02"),
    ],
    ids=lambda pipeline: pipeline.title,
)
def test_reads_always_select(pipeline: Pipeline) -> None:
    """No read sends whole objects: a bare VM is slow to read and bulky to send. The cmdlet goes by its full name."""
    assert pipeline.stages[-1].cmdlet == SELECT
    assert SELECT not in pipeline.title


def test_a_path_is_literal() -> None:
    """A folder's name is never a pattern: our own function gives it to .NET, which knows none."""
    assert pipelines.folder("D:\\a[1]").stages[0].cmdlet == "Get-FolderItem"
    assert parameters(pipelines.folder("D:\\a[1]"))[0] == {"Path": "D:\\a[1]"}
