"""Get-VM and its neighbours, as a client sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from lab.hyperv.world.enums import ReplicationMode, SnapshotType, VMState
from lab.hyperv.world.fleet import Adapter, Checkpoint
from tests.lab.hyperv.conftest import WEB01, fleet, host, select, vm

if TYPE_CHECKING:
    from tests.lab.hyperv.conftest import Client


async def test_vms_come_sorted_by_name_without_case(open_lab: Any, connect: Any) -> None:
    """Get-VM lists all VMs, and case does not order them."""
    lab = await open_lab(fleet(vm(2, "Zeta"), vm(3, "alpha"), vm(4, "Beta")), has_tls=False)
    result = await (await connect(lab)).run("Get-VM", select("Name"))
    assert [item.extended_properties["Name"] for item in result.output] == ["alpha", "Beta", "web01", "Zeta"]


async def test_a_name_may_match_several_vms(open_lab: Any, connect: Any) -> None:
    """Names repeat; all VMs of the name come."""
    lab = await open_lab(fleet(vm(2, "twin"), vm(3, "twin")), has_tls=False)
    result = await (await connect(lab)).run(("Get-VM", {"Name": "TWIN"}), select("Id"))
    assert len({item.extended_properties["Id"] for item in result.output}) == 2


async def test_a_missing_name_is_a_non_terminating_error(client: Client) -> None:
    """One wrong name does not hide the right one; the pipeline ends Completed."""
    result = await client.run(("Get-VM", {"Name": ["nobody", "web01"]}), select("Name"))
    assert result.state == 4
    assert result.only == {"Name": "web01"}
    assert result.texts == ['Hyper-V was unable to find a virtual machine with name "nobody".']
    assert result.ids == ["InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM"]
    assert result.errors[0].category == 5
    assert result.errors[0].target_name == "nobody"


async def test_a_wildcard_without_a_match_is_no_error(client: Client) -> None:
    """`SRV*` finds nothing and says nothing."""
    result = await client.run(("Get-VM", {"Name": "SRV*"}))
    assert (result.output, result.errors, result.state) == ([], [], 4)


async def test_a_missing_id_is_a_non_terminating_error(client: Client) -> None:
    """The text names the id, the id of the error says ObjectNotFound."""
    wanted = UUID(int=99, version=4)
    result = await client.run(("Get-VM", {"Id": wanted}))
    assert result.texts == [f'Hyper-V was unable to find a virtual machine with id "{wanted}".']
    assert result.ids == ["ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM"]
    assert (result.errors[0].category, result.state) == (13, 4)


async def test_an_idle_running_vm_looks_as_documented(client: Client) -> None:
    """Ok alone in the status, null where a second status would be, exact numbers."""
    names = ("State", "OperationalStatus", "SecondaryOperationalStatus", "Status", "Version", "VMId", "IsClustered")
    found = (await client.run(("Get-VM", {"Id": WEB01}), select(*names))).only
    assert (found["State"].to_string, found["State"].property_sets) == ("Running", [2])
    assert [status.property_sets for status in found["OperationalStatus"]] == [[2]]
    assert found["SecondaryOperationalStatus"] is None
    assert (found["Status"], found["Version"], found["VMId"]) == ("Operating normally", "9.0", WEB01)
    assert found["IsClustered"] is False


async def test_a_vm_that_is_off_has_no_memory_uptime_or_heartbeat(open_lab: Any, connect: Any) -> None:
    """Off is 3; what only a running VM has is zero or null."""
    lab = await open_lab(fleet(vm(2, "off", state=VMState.Off)), has_tls=False)
    names = ("State", "MemoryAssigned", "Uptime", "Heartbeat")
    found = (await (await connect(lab)).run(("Get-VM", {"Name": "off"}), select(*names))).only
    assert found["State"].property_sets == [3]
    assert (found["MemoryAssigned"], found["Uptime"], found["Heartbeat"]) == (0, "PT0S", None)


async def test_none_is_spelled_as_dotnet_spells_it(client: Client) -> None:
    """The replication mode of a VM without replication is `None`."""
    found = (await client.run(("Get-VM", {"Id": WEB01}), select("ReplicationMode"))).only
    assert (found["ReplicationMode"].to_string, found["ReplicationMode"].property_sets) == ("None", [0])


async def test_disks_name_their_place(client: Client) -> None:
    """Get-VMHardDiskDrive takes VMs from the pipeline and gives path and controller."""
    names = ("Path", "ControllerType", "ControllerNumber", "ControllerLocation", "DiskNumber", "VMId")
    found = (await client.run(("Get-VM", {"Id": WEB01}), "Get-VMHardDiskDrive", select(*names))).only
    assert found["Path"] == "D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx"
    assert found["ControllerType"].to_string == "SCSI"
    assert (found["ControllerNumber"], found["ControllerLocation"], found["DiskNumber"]) == (0, 0, None)
    assert found["VMId"] == WEB01


async def test_disks_of_all_vms_come_in_one_pipeline(open_lab: Any, connect: Any) -> None:
    """`Get-VM | Get-VMHardDiskDrive` answers for every VM."""
    lab = await open_lab(fleet(*(vm(n, f"vm{n}") for n in range(2, 6))), has_tls=False)
    result = await (await connect(lab)).run("Get-VM", "Get-VMHardDiskDrive", select("VMName"))
    assert [item.extended_properties["VMName"] for item in result.output] == ["vm2", "vm3", "vm4", "vm5", "web01"]


async def test_checkpoints_can_be_filtered_by_type(open_lab: Any, connect: Any) -> None:
    """Get-VMSnapshot -SnapshotType Recovery shows what a backup left behind."""
    left = (
        Checkpoint(id=UUID(int=1), name="before update"),
        Checkpoint(id=UUID(int=2), name="backup", type=SnapshotType.Recovery),
    )
    client = await connect(await open_lab(fleet(vm(2, "db01", checkpoints=left)), has_tls=False))
    asked = ("Get-VM", {"Name": "db01"}), "Get-VMSnapshot"
    assert len((await client.run(*asked)).output) == 2
    found = await client.run(asked[0], ("Get-VMSnapshot", {"SnapshotType": "Recovery"}), select("Id", "SnapshotType"))
    assert found.only["Id"] == UUID(int=2)
    assert found.only["SnapshotType"].property_sets == [1]


async def test_adapters_drives_and_security_are_told(open_lab: Any, connect: Any) -> None:
    """Switch name, mounted ISO and virtual TPM, each null or false when there is none."""
    known = vm(2, "iso", iso_path="D:\\ISO\\setup.iso", has_vtpm=True, adapters=(Adapter(switch=None),))
    client = await connect(await open_lab(fleet(known), has_tls=False))
    vms = ("Get-VM", {"Name": ["iso", "web01"]})
    adapters = await client.run(vms, "Get-VMNetworkAdapter", select("SwitchName", "Connected"))
    assert [dict(a.extended_properties) for a in adapters.output] == [
        {"SwitchName": None, "Connected": False},
        {"SwitchName": "Production", "Connected": True},
    ]
    drives = await client.run(vms, "Get-VMDvdDrive", select("Path"))
    assert [d.extended_properties["Path"] for d in drives.output] == ["D:\\ISO\\setup.iso", None]
    security = await client.run(vms, "Get-VMSecurity", select("TpmEnabled"))
    assert [s.extended_properties["TpmEnabled"] for s in security.output] == [True, False]


async def test_host_facts_have_their_exact_types(client: Client) -> None:
    """Limits, the two enums as objects, and a FullyQualifiedDomainName that is only the domain."""
    names = (
        "Name",
        "FullyQualifiedDomainName",
        "MaximumVirtualMachineMigrations",
        "VirtualMachineMigrationEnabled",
        "VirtualMachineMigrationAuthenticationType",
        "VirtualMachineMigrationPerformanceOption",
        "SupportedVmVersions",
        "MemoryCapacity",
    )
    found = (await client.run("Get-VMHost", select(*names))).only
    assert (found["Name"], found["FullyQualifiedDomainName"]) == ("HV01", "contoso.com")
    assert (found["MaximumVirtualMachineMigrations"], found["VirtualMachineMigrationEnabled"]) == (2, True)
    assert found["VirtualMachineMigrationAuthenticationType"].to_string == "CredSSP"
    assert found["VirtualMachineMigrationPerformanceOption"].to_string == "Compression"
    assert found["SupportedVmVersions"] == ["8.0", "9.0", "10.0"]
    assert found["MemoryCapacity"] == 256 << 30


async def test_a_fresh_host_has_migration_switched_off(open_lab: Any, connect: Any) -> None:
    """Out of the box: off, limits 2 and 2."""
    lab = await open_lab(fleet(first=host("HV01", migration_enabled=False)), has_tls=False)
    names = ("VirtualMachineMigrationEnabled", "MaximumVirtualMachineMigrations", "MaximumStorageMigrations")
    assert list((await (await connect(lab)).run("Get-VMHost", select(*names))).only.values()) == [False, 2, 2]


async def test_another_host_is_reached_with_delegated_credentials(client: Client) -> None:
    """Basic holds a password, so Get-VMHost -ComputerName reaches the second host."""
    result = await client.run(("Get-VMHost", {"ComputerName": "hv02.contoso.com"}), select("Name"))
    assert result.only == {"Name": "HV02"}


async def test_another_host_is_refused_without_delegated_credentials(lab: Any, connect: Any) -> None:
    """An NTLM logon cannot go on to a second host; the cmdlet says access denied."""
    client = await connect(lab, auth="ntlm", encryption="auto")
    result = await client.run(("Get-VMHost", {"ComputerName": "HV02"}))
    assert (result.output, result.state) == ([], 4)
    assert result.ids == ["AccessDenied,Microsoft.HyperV.PowerShell.Commands.GetVMHost"]
    assert "0x80070005" in result.texts[0]


async def test_an_unknown_host_cannot_be_reached(client: Client) -> None:
    """The text is the one of WinRM."""
    result = await client.run(("Get-VMHost", {"ComputerName": "HV99"}))
    assert "The client cannot connect to the destination specified in the request" in result.texts[0]


async def test_switches_are_listed_and_a_missing_one_is_an_error(client: Client) -> None:
    """Get-VMSwitch by name."""
    assert (await client.run("Get-VMSwitch", select("Name"))).only == {"Name": "Production"}
    missing = await client.run(("Get-VMSwitch", {"Name": "DMZ"}))
    assert missing.ids == ["InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVMSwitch"]


async def test_virtual_disks_by_path_and_by_vm(client: Client) -> None:
    """Get-VHD takes several paths; a missing one is an error of its own."""
    path = "D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx"
    result = await client.run(("Get-VHD", {"Path": [path, "D:\\none.vhdx"]}), select("Path", "FileSize", "VhdFormat"))
    assert (result.only["Path"], result.only["FileSize"]) == (path, 10 << 30)
    assert result.only["VhdFormat"].to_string == "VHDX"
    assert len(result.errors) == 1
    assert (await client.run(("Get-VHD", {"VMId": WEB01}), select("Path"))).only == {"Path": path}


async def test_a_missing_property_is_null_and_objects_pass_whole(client: Client) -> None:
    """Select-Object gives null for what is not there, and -First cuts."""
    found = await client.run("Get-VM", ("Select-Object", {"Property": ["Name", "Nothing"], "First": 1}))
    assert found.only == {"Name": "web01", "Nothing": None}


async def test_a_property_can_be_expanded(client: Client) -> None:
    """-ExpandProperty gives the values themselves; an enum keeps its object form."""
    ids = await client.run("Get-VM", ("Select-Object", {"ExpandProperty": "Id"}))
    assert ids.output == [WEB01]
    states = await client.run("Get-VM", ("Select-Object", {"ExpandProperty": "State"}))
    assert (states.output[0].to_string, states.output[0].property_sets) == ("Running", [2])


async def test_where_object_compares_a_property(open_lab: Any, connect: Any) -> None:
    """The simple form: an enum equals its name or number."""
    lab = await open_lab(fleet(vm(2, "off", state=VMState.Off)), has_tls=False)
    client = await connect(lab)
    for value in ("Off", 3):
        where = ("Where-Object", {"Property": "State", "EQ": None, "Value": value})
        assert (await client.run("Get-VM", where, select("Name"))).only == {"Name": "off"}


async def test_only_replicated_vms_have_replication(open_lab: Any, connect: Any) -> None:
    """Get-VMReplication is silent about the others."""
    lab = await open_lab(fleet(vm(2, "rep", replication_mode=ReplicationMode.Primary)), has_tls=False)
    result = await (await connect(lab)).run("Get-VM", "Get-VMReplication", select("VMName"))
    assert result.only == {"VMName": "rep"}


@pytest.mark.parametrize("name", ["Get-VM", "get-vm", "Hyper-V\\Get-VM"])
async def test_commands_are_found_in_any_case_and_with_their_module(client: Client, name: str) -> None:
    """Command names have no case; a module may stand before them."""
    assert len((await client.run(name)).output) == 1
