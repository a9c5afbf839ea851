"""Promises of core.domain.model.windows_paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model import windows_paths

ROOTS = ("C:\\", "D:\\", "D:\\Mounts\\Vol1\\")


@pytest.mark.parametrize(
    ("path", "depth"),
    [
        ("D:\\", 0),
        ("D:\\VMs", 1),
        ("D:\\VMs\\web01", 2),
        ("D:/VMs/web01/", 2),
        ("D:\\VMs\\..", 0),
        ("\\\\nas\\vms", 0),
        ("\\\\nas\\vms\\", 0),
        ("\\\\nas\\vms\\web01", 1),
        ("\\\\nas\\vms\\web01\\disks", 2),
    ],
)
def test_depth_counts_folders_below_the_volume(path: str, depth: int) -> None:
    """Weakness 24: local and UNC paths count alike; a share is a volume."""
    assert windows_paths.depth(path) == depth


@pytest.mark.parametrize("path", ["D:\\VMs", "D:/VMs", "\\\\nas\\vms\\web01"])
def test_absolute_paths(path: str) -> None:
    """Weakness 24: a drive with a root, or a share, names a place by itself."""
    assert windows_paths.is_absolute(path)


@pytest.mark.parametrize("path", ["", "VMs", "D:VMs", "\\VMs", "D:", "..\\VMs"])
def test_relative_paths(path: str) -> None:
    """What depends on a current folder or drive names no place."""
    assert not windows_paths.is_absolute(path)


def test_the_same_place_has_many_spellings() -> None:
    """Case, slashes and trailing backslashes do not matter; apostrophes are letters like others."""
    assert windows_paths.same("D:\\VMs\\O'Brien", "d:/vms/o'brien/")
    assert windows_paths.same("D:\\VMs\\.\\web", "D:\\VMs\\web")
    assert not windows_paths.same("D:\\VMs", "D:\\VMs2")


def test_below_is_by_folders_not_by_letters() -> None:
    """``D:\\VMs2`` is not in ``D:\\VMs``."""
    assert windows_paths.is_below("D:\\VMs\\web", "d:\\vms\\")
    assert windows_paths.is_below("D:\\VMs", "D:\\")
    assert windows_paths.is_below("D:\\VMs", "D:\\VMs")
    assert not windows_paths.is_below("D:\\VMs2\\web", "D:\\VMs")
    assert not windows_paths.is_below("E:\\VMs", "D:\\")


def test_a_path_is_on_the_deepest_volume_that_holds_it() -> None:
    """A volume may be mounted in a folder of another one."""
    assert windows_paths.volume_of("D:\\Mounts\\Vol1\\web", ROOTS) == "D:\\Mounts\\Vol1\\"
    assert windows_paths.volume_of("D:\\Mounts\\Vol10\\web", ROOTS) == "D:\\"
    assert windows_paths.volume_of("E:\\web", ROOTS) is None
    assert windows_paths.volume_of("\\\\nas\\vms\\web", ROOTS) is None


def test_ancestors_end_at_the_volume() -> None:
    """The folders above a path, nearest first."""
    assert windows_paths.ancestors("D:\\a\\b\\c") == ("D:\\a\\b", "D:\\a", "D:\\")
    assert windows_paths.ancestors("\\\\nas\\vms\\web") == ("\\\\nas\\vms\\",)
    assert windows_paths.ancestors("") == ()


def test_parts_of_a_path() -> None:
    """Joining, naming and going up work on UNC paths too."""
    assert windows_paths.join("D:\\VMs", "web", "disk.vhdx") == "D:\\VMs\\web\\disk.vhdx"
    assert windows_paths.join("\\\\nas\\vms", "web") == "\\\\nas\\vms\\web"
    assert windows_paths.name("D:\\VMs\\disk.vhdx") == "disk.vhdx"
    assert windows_paths.parent("D:\\VMs\\web") == "D:\\VMs"
    assert windows_paths.clean("D:/VMs\\") == "D:\\VMs"


NAMES = st.text("aB'[] .1", min_size=1, max_size=6).filter(lambda name: name.strip(" ."))


@given(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from(["D:\\", "\\\\nas\\vms\\"]))
def test_going_down_and_up_again(names: list[str], root: str) -> None:
    """Whatever folders are called, a path is below each of its ancestors and as deep as it has names."""
    path = windows_paths.join(root, *names)
    assert windows_paths.depth(path) == len(names)
    assert all(windows_paths.is_below(path, above) for above in windows_paths.ancestors(path))
    assert windows_paths.key(path) == windows_paths.key(path.upper())


def test_a_share_is_not_the_hosts_own() -> None:
    """Server and share, and paths of devices, are on no drive letter of the host."""
    assert all(map(windows_paths.is_on_share, ("\\\\nas\\vms\\web01", "//nas/vms/web01", "\\\\?\\Volume{1}\\VMs")))
    assert not any(map(windows_paths.is_on_share, ("D:\\VMs", "D:", "VMs\\web01", "\\VMs\\web01", "")))
