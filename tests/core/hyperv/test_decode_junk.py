"""Whatever a host answers is read or refused; nothing is guessed."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import MalformedReply
from core.hyperv import decode, decode_details, pipelines, vm_files
from tests.support.ps_examples import vm_properties
from tests.support.ps_objects import junk, selected

NAMES = sorted(
    {
        *pipelines.VM_PROPERTIES,
        *pipelines.HOST_PROPERTIES,
        *pipelines.JOB_PROPERTIES,
        *pipelines.COUNTER_PROPERTIES,
        *pipelines.DISK_PROPERTIES,
        *("Capacity", "FreeSpace", "DriveType", "FreePhysicalMemory", "FileSize", "InstanceID", "TpmEnabled"),
        *("SwitchName", "Removed", "Reason", "ReturnValue", "FullName"),
    }
)


JUNK = junk(NAMES)


@given(st.lists(JUNK, max_size=3))
@settings(max_examples=50)
def test_junk_is_read_or_refused(values: list[Any]) -> None:
    """Any object whatever becomes our type or MalformedReply, never another error."""
    readers = (
        lambda: [decode.read_vm("HV01", value) for value in values],
        lambda: decode.read_facts("HV01", values[:1], values[1:2]),
        lambda: decode.read_jobs("HV01", values),
        lambda: decode.read_volumes("HV01", values),
        lambda: decode.read_free_memory("HV01", values),
        lambda: decode.read_names("HV01", "Get-FolderItem", values),
        lambda: decode.read_switches("HV01", values),
        lambda: vm_files.read_links("HV01", values),
        lambda: decode_details.read_disks("HV01", values),
        lambda: decode_details.read_adapters("HV01", values),
        lambda: decode_details.read_dvd_drives("HV01", values),
        lambda: decode_details.read_vtpms("HV01", values),
        lambda: decode_details.read_checkpoints("HV01", values),
        lambda: decode.read_cancel("HV01", values),
        lambda: decode.read_receipt("HV01", "D:\\a\\b", values),
        lambda: [decode.read_word(value) for value in values],
    )
    for read in readers:
        try:
            read()
        except MalformedReply as error:
            assert "HV01" in error.message  # noqa: PT017


@given(st.data())
@settings(max_examples=100)
def test_one_odd_property_is_read_or_refused(data: st.DataObject) -> None:
    """A VM that is fine but for one property is read, or refused by that property's name."""
    name = data.draw(st.sampled_from(pipelines.VM_PROPERTIES))
    value = data.draw(JUNK)
    try:
        vm = decode.read_vm("HV01", selected(**vm_properties(**{name: value})))
    except MalformedReply as error:
        assert name in error.message  # noqa: PT017
    else:
        assert vm.name
