from __future__ import annotations

import pytest

from lab.hyperv.world import errors
from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.errors import BadChange, FolderError, UnknownHost, UnknownVM
from lab.hyperv.world.fleet import GB, File, Volume
from tests.support.lab_worlds import BOT, Lab, host, lab, vm, vm_id


@pytest.fixture
def it() -> Lab:
    files = (
        File(path="D:\\Data\\full\\.hidden", is_hidden=True, size_bytes=5),
        File(path="D:\\Data\\empty", is_folder=True),
        File(path="D:\\Data\\it's [odd]", is_folder=True),
    )
    return lab(hosts=(host("HV01", files=files), host("HV02")))


def test_a_list_shows_hidden_items_when_asked(it: Lab) -> None:
    """Without -Force a hidden file is invisible, and the folder only looks empty."""
    assert [entry.path for entry in it.world.list_folder("HV01", "d:/data/FULL/")] == ["D:\\Data\\full\\.hidden"]
    assert it.world.list_folder("HV01", "D:\\Data\\full", include_hidden=False) == ()
    assert it.world.list_folder("HV01", "D:\\Data\\it's [odd]") == ()


@pytest.mark.parametrize(
    ("path", "hresult"),
    [
        ("D:\\Data\\full", errors.DIRECTORY_NOT_EMPTY),
        ("D:\\Data", errors.DIRECTORY_NOT_EMPTY),
        ("D:\\", errors.ACCESS_DENIED),
        ("D:", errors.ACCESS_DENIED),
        ("D:\\Nowhere", errors.PATH_NOT_FOUND),
        ("Q:\\", errors.PATH_NOT_FOUND),
        ("D:\\Data\\full\\.hidden", errors.NOT_A_DIRECTORY),
    ],
)
def test_only_an_empty_folder_can_be_removed(it: Lab, path: str, hresult: int) -> None:
    """Everything else fails with Windows' own code and changes nothing."""
    before = it.world.all_entries("HV01")
    with pytest.raises(FolderError) as caught:
        it.world.delete_folder("HV01", path, BOT)
    assert caught.value.hresult == hresult
    assert f"0x{hresult:08X}" in str(caught.value)
    assert it.world.all_entries("HV01") == before
    assert it.world.ledger.removals == []


def test_an_empty_folder_is_removed_and_remembered(it: Lab) -> None:
    """The ledger knows who removed what, and it is no violation."""
    it.world.delete_folder("HV01", "D:\\DATA\\Empty", BOT)
    assert it.world.entry("HV01", "D:\\Data\\empty") is None
    assert [(r.owner, r.host) for r in it.world.ledger.removals] == [(BOT, "HV01")]
    assert it.world.ledger.violations == []


def test_a_recursive_removal_that_loses_files_is_a_violation(it: Lab) -> None:
    """It is possible, as on a real host, and it is never forgotten."""
    it.world.delete_tree("HV01", "D:\\Data\\empty", BOT)
    assert it.world.ledger.violations == []
    it.world.delete_tree("HV01", "D:\\Data", BOT)
    assert [v.kind for v in it.world.ledger.violations_of(BOT)] == [ViolationKind.FILES_REMOVED]
    assert it.world.entry("HV01", "D:\\Data") is None


def test_files_take_space_and_a_full_volume_takes_none() -> None:
    """Free space is what is left; filling a volume leaves exactly so much."""
    it = lab(vm(1), hosts=(host("HV01", volumes=(Volume(root="D:", size_bytes=100 * GB, free_bytes=50 * GB),)),))
    it.world.add_file("HV01", "D:\\big", size_bytes=20 * GB)
    assert it.world.volumes("HV01")[0].free_bytes == 30 * GB
    it.world.fill_volume("HV01", "D:\\", GB)
    with pytest.raises(FolderError, match="0x80070070"):
        it.world.add_file("HV01", "D:\\more", size_bytes=2 * GB)
    it.world.remove_file("HV01", "D:\\big")
    assert it.world.volumes("HV01")[0].free_bytes == 21 * GB


def test_created_and_removed_vms() -> None:
    """A new VM brings files; a removed one leaves its disks, as Remove-VM does."""
    it = lab()
    view = it.world.create_vm(vm(9))
    assert view.name == "vm9"
    with pytest.raises(BadChange, match="exists already"):
        it.world.create_vm(vm(9, "HV02"))
    it.world.remove_vm("HV01", vm_id(9))
    assert it.world.vm("HV01", vm_id(9)) is None
    assert it.world.entry("HV01", "D:\\VMs\\vm9-9\\Virtual Hard Disks\\vm9-9.vhdx") is not None
    assert it.world.entry("HV01", f"D:\\VMs\\vm9-9\\Virtual Machines\\{str(vm_id(9)).upper()}.vmcx") is None


def test_a_stopped_vm_gives_its_memory_back() -> None:
    """Memory assigned, heartbeat and free memory follow the state."""
    it = lab(vm(1))
    free = it.world.free_memory_bytes("HV01")
    it.world.set_state("HV01", vm_id(1), VMState.Off)
    assert it.world.free_memory_bytes("HV01") == free + GB
    view = it.world.vm("HV01", vm_id(1))
    assert view is not None
    assert (view.memory_assigned_bytes, view.uptime_s, view.heartbeat) == (0, 0, None)


def test_lists_are_sorted_by_name_without_case() -> None:
    """Names may repeat; two VMs of one name are two VMs."""
    it = lab(vm(1, name="Beta"), vm(2, name="Alpha"), vm(3, name="alpha"))
    assert [view.name.lower() for view in it.world.vms("HV01")] == ["alpha", "alpha", "beta"]


def test_hosts_are_known_by_short_and_full_name() -> None:
    """Case does not matter; a name nobody has is an error that says so."""
    it = lab()
    assert it.world.canonical_host("hv01.CONTOSO.com") == "HV01"
    with pytest.raises(UnknownHost, match="'HV77'"):
        it.world.host("HV77")
    with pytest.raises(UnknownVM):
        it.world.set_state("HV02", vm_id(1), VMState.Off)


def test_a_login_needs_the_right_password() -> None:
    """User names have no case, passwords do."""
    it = lab()
    assert it.world.is_login("HV01", "contoso\\SVC-migrate", "lab-password")
    assert not it.world.is_login("HV01", "contoso\\svc-migrate", "Lab-Password")
    assert it.world.password_of("HV01", "nobody") is None


def test_parts_of_a_host_are_fixed() -> None:
    """Names and volumes cannot change while the lab runs; everything else can, quirks one by one."""
    it = lab()
    with pytest.raises(BadChange, match="name"):
        it.world.change_host("HV01", {"name": "HV09"})
    it.world.change_host("HV01", {"quirks": {"staleness_s": 5}, "switches": ["X"]})
    assert it.world.host("HV01").switches == ("X",)


def test_a_faster_network_helps_what_is_under_way() -> None:
    """A change of bandwidth deals the shares anew."""
    it, other = lab(), lab()
    slow, fast = it.move(1), other.move(1)
    it.wait(10)
    other.wait(10)
    for name in ("HV01", "HV02"):
        other.world.change_host(name, {"bandwidth_bytes_per_s": 10**9})
    it.run()
    other.run()
    assert slow.ended_s is not None
    assert fast.ended_s is not None
    assert fast.ended_s < slow.ended_s / 2


def test_a_short_name_leads_to_the_file_where_the_volume_makes_them() -> None:
    """In the order of the alphabet, without blanks and dots; a name that is short itself has no other."""
    volumes = (Volume(root="C:"), Volume(root="D:", has_short_names=True))
    files = tuple(
        File(path=f"{drive}:\\{name}\\a.vhdx") for drive in "CD" for name in ("Long Name 1", "Long Name 2", "VMs")
    )
    it = lab(hosts=(host("HV01", volumes=volumes, files=files, default_vm_path="D:\\VMs"), host("HV02")))
    found = it.world.entry("HV01", "D:\\longna~2\\A~1.VHD")
    assert found is not None
    assert found.path == "D:\\Long Name 2\\a.vhdx"
    assert [entry.path for entry in it.world.list_folder("HV01", "D:\\LONGNA~1")] == ["D:\\Long Name 1\\a.vhdx"]
    assert it.world.entry("HV01", "C:\\LONGNA~1") is None
    assert it.world.entry("HV01", "D:\\VMS~1") is None
