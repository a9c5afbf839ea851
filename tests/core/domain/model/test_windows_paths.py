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


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("D:\\VMs\\ÄRGER.vhdx", "d:\\vms\\ärger.VHDX"),
        ("D:\\VMs\\ΣΊΣΥΦΟΣ.vhdx", "D:\\VMs\\σίσυφοσ.vhdx"),
        ("D:\\VMs\\web01. ", "D:\\VMs\\web01"),
        ("D:\\VMs.\\web01", "D:\\VMs\\web01"),
        ("\\\\?\\D:\\VMs\\web01", "D:\\VMs\\web01"),
        ("\\\\?\\UNC\\nas\\vms\\web01", "\\\\nas\\vms\\web01"),
        ("\\\\.\\d:\\VMs", "D:\\VMs"),
    ],
)
def test_one_file_to_ntfs(left: str, right: str) -> None:
    """Case by the volume's own table, dots and spaces at the end of a name, and prefixes of the API do not matter."""
    assert windows_paths.same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("straße.vhdx", "strasse.vhdx"),
        ("ﬁle.vhdx", "file.vhdx"),
        ("caf\u00e9.vhdx", "cafe\u0301.vhdx"),
        ("\u0131.vhdx", "i.vhdx"),
        ("\u017f.vhdx", "s.vhdx"),
        ("\u212a.vhdx", "k.vhdx"),
        ("µ.vhdx", "μ.vhdx"),
        ("𐐀.vhdx", "𐐨.vhdx"),
        ("a .vhdx", "a.vhdx"),
    ],
)
def test_two_files_to_ntfs(left: str, right: str) -> None:
    """Where Unicode folds and NTFS does not: these lie side by side in one folder."""
    assert not windows_paths.same(f"D:\\VMs\\{left}", f"D:\\VMs\\{right}")


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("D:\\" + "a\\" * 127 + "bb", ""),
        ("D:\\" + "a\\" * 127 + "bbb", "260 letters"),
        ("D:\\" + "n" * 255, ""),
        ("D:\\" + "n" * 256, "a name of 256 letters"),
        ("D:\\" + "𐐀" * 128, "a name of 256 letters"),
    ],
)
def test_paths_longer_than_windows_opens(path: str, how: str) -> None:
    """259 UTF-16 units in all, 255 in one name."""
    assert windows_paths.too_long(path) == how
