"""CIM classes of a host: exact names, exact types, and WQL as far as it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pypsrp.serializer import TaggedValue

from lab.hyperv.world.fleet import GB, Volume
from tests.lab.hyperv.conftest import WEB01, begin, fleet, host, select

if TYPE_CHECKING:
    from tests.lab.hyperv.conftest import Client

VIRTUALIZATION = "root/virtualization/v2"


def of(class_name: str, namespace: str = VIRTUALIZATION, **more: Any) -> tuple[str, dict[str, Any]]:
    return "Get-CimInstance", {"Namespace": namespace, "ClassName": class_name, **more}


async def test_jobs_have_their_documented_types(client: Client, lab: Any, connect: Any) -> None:
    """UInt16 states and percents, an elapsed time, a null error; visible for five minutes after the end."""
    await begin(client, lab)
    other = await connect(lab)
    (job,) = (await other.run(of("Msvm_MigrationJob"))).output
    properties = job.adapted_properties
    assert job.types[0] == "Microsoft.Management.Infrastructure.CimInstance#root/virtualization/v2/Msvm_MigrationJob"
    assert (properties["JobState"], properties["ErrorCode"], properties["ErrorDescription"]) == (4, 0, None)
    assert properties["JobStatus"] == "Job is running"
    assert properties["Owner"] == "CONTOSO\\svc-migrate"
    assert properties["ElapsedTime"].startswith("PT")
    assert properties["StartTime"].endswith("Z")
    assert properties["PSComputerName"] == "HV01"
    lab.jump(240)
    done = (await other.run(of("Msvm_MigrationJob"), select("JobState", "PercentComplete"))).only
    assert done == {"JobState": 7, "PercentComplete": 100}
    lab.jump(301)
    assert (await other.run(of("Msvm_MigrationJob"))).output == []


async def test_concrete_jobs_never_show_a_migration(client: Client, lab: Any, connect: Any) -> None:
    """Msvm_MigrationJob is no subclass of Msvm_ConcreteJob."""
    await begin(client, lab)
    assert (await (await connect(lab)).run(of("Msvm_ConcreteJob"))).output == []


async def test_the_service_counts_and_the_settings_limit(client: Client) -> None:
    """Counters, listener addresses, limits and the two switches of the performance option."""
    service = (
        await client.run(
            of("Msvm_VirtualSystemMigrationService"),
            select(
                "ActiveVirtualSystemMigrationCount",
                "ActiveStorageMigrationCount",
                "MigrationServiceListenerIPAddressList",
            ),
        )
    ).only
    assert list(service.values())[:2] == [0, 0]
    assert service["MigrationServiceListenerIPAddressList"]
    settings = (
        await client.run(
            of("Msvm_VirtualSystemMigrationServiceSettingData"),
            select("MaximumActiveVirtualSystemMigration", "EnableCompression", "EnableSmbTransport"),
        )
    ).only
    assert list(settings.values()) == [2, True, False]


async def test_a_host_without_a_listener_has_no_addresses(open_lab: Any, connect: Any) -> None:
    """The list is empty, not null."""
    lab = await open_lab(fleet(first=host("HV01", listener_on=False)), has_tls=False)
    client = await connect(lab)
    names = select("MigrationServiceListenerIPAddressList")
    found = await client.run(of("Msvm_VirtualSystemMigrationService"), names)
    assert found.only == {"MigrationServiceListenerIPAddressList": []}


async def test_memory_is_in_kilobytes_and_disk_in_bytes(open_lab: Any, connect: Any) -> None:
    """Win32_OperatingSystem, Win32_Volume and Win32_LogicalDisk with the units of Microsoft's documentation."""
    volumes = (Volume(root="C:", size_bytes=100 * GB), Volume(root="D:", size_bytes=500 * GB, free_bytes=50 * GB))
    lab = await open_lab(fleet(first=host("HV01", volumes=volumes)), has_tls=False)
    client = await connect(lab)
    system = (await client.run(of("Win32_OperatingSystem", "root/cimv2"), select("TotalVisibleMemorySize"))).only
    assert system == {"TotalVisibleMemorySize": 256 * 1024 * 1024}
    names = select("Name", "DriveLetter", "Capacity", "FreeSpace", "DriveType")
    volume = (await client.run(of("Win32_Volume", "root\\cimv2", Filter="DriveLetter='D:'"), names)).only
    assert (volume["Name"], volume["DriveLetter"], volume["Capacity"]) == ("D:\\", "D:", 500 * GB)
    assert (volume["FreeSpace"], volume["DriveType"]) == (lab.world.volumes("HV01")[1].free_bytes, 3)
    disk = (
        await client.run(("Get-CimInstance", {"ClassName": "Win32_LogicalDisk"}), select("DeviceID", "Size"))
    ).output
    assert [item.extended_properties["DeviceID"] for item in disk] == ["C:", "D:"]


async def test_security_settings_name_their_vm(client: Client) -> None:
    """InstanceID carries the VM's id."""
    found = (await client.run(of("Msvm_SecuritySettingData"), select("InstanceID", "TpmEnabled"))).only
    assert str(WEB01).upper() in found["InstanceID"]
    assert found["TpmEnabled"] is False


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("DriveType=3", 2),
        ("DriveType = 3 AND Name='D:\\\\'", 1),
        ('DriveLetter="c:"', 1),
        ("DriveLetter<>'C:'", 1),
        ("DriveLetter='X:'", 0),
    ],
)
async def test_filters_compare_without_case(client: Client, text: str, count: int) -> None:
    """Equalities, inequalities, AND, both quotes, escaped backslashes."""
    result = await client.run(of("Win32_Volume", "root/cimv2", Filter=text))
    assert (len(result.output), result.errors) == (count, [])


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (of("Msvm_Nothing"), "0x80041010"),
        (of("Win32_Volume", "root/nothing"), "0x8004100e"),
        (of("Win32_Volume", "root/cimv2", Filter="Name LIKE 'D%'"), "0x80041017"),
        (("Get-CimInstance", {"Query": "DELETE FROM Win32_Volume"}), "0x80041010"),
    ],
)
async def test_wrong_questions_have_wmis_codes(client: Client, stage: Any, code: str) -> None:
    """Invalid class, namespace and query."""
    result = await client.run(stage)
    assert result.state == 4
    assert result.ids == [f"HRESULT {code},Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand"]


async def test_a_query_is_another_way_to_ask(client: Client) -> None:
    """SELECT * FROM … WHERE …"""
    query = {"Query": "SELECT * FROM Win32_Volume WHERE DriveLetter='C:'"}
    assert (await client.run(("Get-CimInstance", query), select("Name"))).only == {"Name": "C:\\"}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"MethodName": "KillJob"}, "0x8004102e"),
        ({"MethodName": "RequestStateChange", "Arguments": {"RequestedState": "now"}}, "0x80041005"),
    ],
)
async def test_wrong_method_calls_are_errors(
    client: Client, lab: Any, connect: Any, parameters: dict[str, Any], code: str
) -> None:
    """An unknown method, an argument of a wrong type; nothing is cancelled."""
    await begin(client, lab)
    other = await connect(lab)
    result = await other.run(of("Msvm_MigrationJob"), ("Invoke-CimMethod", parameters))
    assert result.ids == [f"HRESULT {code},Microsoft.Management.Infrastructure.CimCmdlets.InvokeCimMethodCommand"]
    lab.jump(240)
    assert lab.world.where_is(WEB01) == "HV02"


async def test_a_plain_integer_is_taken_as_a_state(client: Client, lab: Any, connect: Any) -> None:
    """Whether real hosts take Int32 for a uint16 is not known; the lab takes both, and 5 kills."""
    await begin(client, lab)
    other = await connect(lab)
    for value in (5, TaggedValue("U16", 5)):
        cancel = {"MethodName": "RequestStateChange", "Arguments": {"RequestedState": value}}
        result = await other.run(of("Msvm_MigrationJob"), ("Invoke-CimMethod", cancel), select("ReturnValue"))
        assert result.errors == []
    lab.jump(60)
    assert lab.world.where_is(WEB01) == "HV01"
