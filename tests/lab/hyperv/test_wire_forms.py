"""The XML on the wire: what Windows PowerShell 5.1 writes, value by value, read back as any client reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.serializer import Serializer

from lab.hyperv.remoting.clixml import format_timespan, serialize
from lab.hyperv.remoting.dotnet_values import Array, ErrorDetail, Int64, NoteObject, UInt16, UInt32, UInt64
from lab.hyperv.remoting.records import Progress, write_error, write_progress
from tests.lab.hyperv.conftest import WEB01, fleet, select, vm

if TYPE_CHECKING:
    from tests.lab.hyperv.conftest import Client

VALUES: list[tuple[Any, str]] = [
    (None, "<Nil />"),
    (True, "<B>true</B>"),
    (7, "<I32>7</I32>"),
    (Int64(1 << 40), "<I64>1099511627776</I64>"),
    (UInt16(4), "<U16>4</U16>"),
    (UInt32(2), "<U32>2</U32>"),
    (UInt64(9), "<U64>9</U64>"),
    (UUID(int=1), "<G>00000000-0000-0000-0000-000000000001</G>"),
    (timedelta(seconds=10), "<TS>PT10S</TS>"),
    (datetime(2026, 1, 5, 8, 0, 0, 500000, tzinfo=UTC), "<DT>2026-01-05T08:00:00.5000000Z</DT>"),
    ("a<b & c", "<S>a&lt;b &amp; c</S>"),
    ("two\r\nlines", "<S>two_x000D__x000A_lines</S>"),
    ("_x0041_", "<S>_x005F_x0041_</S>"),
]


@pytest.mark.parametrize(("value", "xml"), VALUES, ids=[xml for _, xml in VALUES])
def test_each_type_has_its_element(value: Any, xml: str) -> None:
    """Integer widths, Guid, TimeSpan, null: the tags of MS-PSRP."""
    assert serialize(value) == xml


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(seconds=100), "PT1M40S"),
        (timedelta(hours=1, minutes=2, seconds=3), "PT1H2M3S"),
        (timedelta(days=1), "P1D"),
        (timedelta(days=2, seconds=4, microseconds=500000), "P2DT4.5S"),
        (timedelta(seconds=-90), "-PT1M30S"),
    ],
)
def test_durations_are_written_as_dotnet_does(value: timedelta, text: str) -> None:
    """Ten seconds are ten, not one."""
    assert format_timespan(value) == text


@given(st.text())
def test_any_text_survives_the_wire(text: str) -> None:
    """Names may hold control characters and emoji; the client reads back what the host has."""
    xml = ET.tostring(ET.fromstring(serialize(NoteObject({"Name": text}))), encoding="unicode")  # noqa: S314
    assert Serializer().deserialize(xml).extended_properties["Name"] == text


async def test_a_selected_enum_is_an_object(client: Client) -> None:
    """After Select-Object an enum is name and number, not a string."""
    state = (await client.run("Get-VM", select("State"))).only["State"]
    assert state.types == ["Microsoft.HyperV.PowerShell.VMState", "System.Enum", "System.ValueType", "System.Object"]
    assert (state.to_string, state.property_sets) == ("Running", [2])


async def test_a_bare_enum_is_a_string(client: Client) -> None:
    """Without Select-Object properties drop to depth 0: enums and disks are only their names."""
    (vm_object,) = (await client.run(("Get-VM", {"Id": WEB01}))).output
    found = vm_object.adapted_properties
    assert vm_object.types[0] == "Microsoft.HyperV.PowerShell.VirtualMachine"
    assert vm_object.types[-1] == "System.Object"
    assert found["State"] == "Running"
    assert found["OperationalStatus"] == ["Ok"]
    assert found["HardDrives"] == ["Hard Drive on SCSI controller number 0 at location 0"]
    assert vm_object.extended_properties["VMId"] == WEB01
    assert "VMId" not in found


async def test_a_selected_object_is_a_custom_object(client: Client) -> None:
    """`Selected.` before the type, and the properties as members."""
    (item,) = (await client.run("Get-VM", select("Name"))).output
    assert item.types == [
        "Selected.Microsoft.HyperV.PowerShell.VirtualMachine",
        "System.Management.Automation.PSCustomObject",
        "System.Object",
    ]
    assert item.adapted_properties == {}


async def test_selected_disks_are_objects_one_level_deep(client: Client) -> None:
    """HardDrives after Select-Object: each with its Path, and below that strings."""
    (drive,) = (await client.run("Get-VM", select("HardDrives"))).only["HardDrives"]
    assert drive.adapted_properties["Path"] == "D:\\VMs\\web01\\Virtual Hard Disks\\web01.vhdx"
    assert drive.adapted_properties["ControllerType"] == "SCSI"


async def test_a_status_without_a_name_is_its_number(open_lab: Any, connect: Any) -> None:
    """Microsoft's enum lacks 32769; the number is then its own name."""
    lab = await open_lab(fleet(vm(2, "snap")), has_tls=False)
    lab.world.force_status("HV01", vm(2, "snap").id, (11, 32769))
    found = (await (await connect(lab)).run(("Get-VM", {"Name": "snap"}), select("SecondaryOperationalStatus"))).only
    assert found["SecondaryOperationalStatus"].to_string == "32769"
    assert found["SecondaryOperationalStatus"].property_sets == [32769]


def test_type_names_are_written_once_in_a_message() -> None:
    """The second object of a type refers to the first one's names."""
    xml = serialize(Array("System.Object[]", [NoteObject({"a": 1}), NoteObject({"a": 2})]))
    root = ET.fromstring(xml)  # noqa: S314
    assert len(root.findall(".//LST/Obj/TN")) == 1
    assert len(root.findall(".//LST/Obj/TNRef")) == 1
    ids = [element.get("RefId") for element in root.iter("Obj")]
    assert len(set(ids)) == len(ids)


def test_progress_has_all_eight_fields() -> None:
    """Clients insist on each of them; a missing operation is null."""
    root = ET.fromstring(write_progress(Progress("Moving", "10% complete", 10)))  # noqa: S314
    names = [child.get("N") for child in root.find("MS") or []]
    assert names == [
        "Activity",
        "ActivityId",
        "StatusDescription",
        "CurrentOperation",
        "ParentActivityId",
        "PercentComplete",
        "Type",
        "SecondsRemaining",
    ]


def test_an_error_record_has_what_clients_insist_on() -> None:
    """Id, category as Int32, SerializeExtendedInfo, and an exception with its Message."""
    detail = ErrorDetail(
        "line one\n\nline two",
        "OperationFailed,X",
        7,
        exception_type="Some.VirtualizationException",
        target="web01",
        activity="Move-VM",
    )
    root = ET.fromstring(write_error(detail))  # noqa: S314
    assert root.findtext("MS/S[@N='FullyQualifiedErrorId']") == "OperationFailed,X"
    assert root.findtext("MS/I32[@N='ErrorCategory_Category']") == "7"
    assert root.findtext("MS/B[@N='SerializeExtendedInfo']") == "true"
    assert root.findtext("MS/Obj[@N='InvocationInfo']/Props/S[@N='MyCommand']") == "Move-VM"
    assert root.findtext("MS/S[@N='ErrorCategory_Reason']") == "VirtualizationException"
    assert root.findtext("MS/Obj[@N='Exception']/Props/S[@N='Message']") == "line one_x000A__x000A_line two"
