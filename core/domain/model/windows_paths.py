"""Windows paths as data: joining, comparing, volumes. UNC paths count as having a volume, their share."""

import re
from ntpath import normpath, splitdrive
from pathlib import PureWindowsPath

from core.domain.model.ntfs_names import upcase

LONGEST_PATH = 259
LONGEST_NAME = 255
"""Letters, in UTF-16 units, of a path that Windows opens, and of each name in it (Microsoft docs: Naming Files)."""
_VERBATIM = re.compile(r"^\\\\[?.]\\(?:(UNC)\\|(?=[A-Za-z]:))", re.IGNORECASE)
r"""``\\?\D:\`` is ``D:\``, ``\\?\UNC\nas\vms`` is ``\\nas\vms``; other paths of devices are on no drive letter."""


def join(folder: str, *parts: str) -> str:
    """Join a folder and names below it."""
    return str(PureWindowsPath(folder, *parts))


def name(path: str) -> str:
    """Return the last part."""
    return PureWindowsPath(path).name


def parent(path: str) -> str:
    """Return the folder a path is in."""
    return str(PureWindowsPath(path).parent)


def ancestors(path: str) -> tuple[str, ...]:
    """Return every folder a path is in, the nearest first, the volume's root last."""
    return tuple(str(folder) for folder in PureWindowsPath(normpath(path)).parents) if path else ()


def same(left: str, right: str) -> bool:
    """Whether two paths name the same place: any case, any trailing backslash."""
    return key(left) == key(right)


def name_key(path: str) -> str:
    """Return a form of the last part to compare and to look up by."""
    return key(name(path))


def key(path: str) -> str:
    """Return a form of a path to compare and to look up by."""
    drive, rest = splitdrive(normpath(_plain(path)).rstrip("\\")) if path else ("", "")
    # Windows drops dots and spaces at the end of a name (Microsoft docs: Naming Files).
    return upcase(drive + "\\".join(name.rstrip(". ") or name for name in rest.split("\\")))


def _plain(path: str) -> str:
    return _VERBATIM.sub(lambda found: "\\\\" if found[1] else "", path.replace("/", "\\"))


def depth(path: str) -> int:
    """Count the folders below the volume: 0 is the root, 1 a first-level folder."""
    pure = PureWindowsPath(normpath(path))
    return len(pure.parts) - (1 if pure.anchor else 0)


def is_absolute(path: str) -> bool:
    r"""Whether it names a place by itself: ``D:\VMs`` or ``\\server\share\VMs``, not ``VMs``, ``D:VMs`` or ``\VMs``."""
    pure = PureWindowsPath(path)
    return bool(pure.drive and pure.root)


def is_on_share(path: str) -> bool:
    r"""Whether it is on another machine's share, ``\\server\share\VMs``, or otherwise on no drive letter."""
    return PureWindowsPath(_plain(path)).drive.startswith("\\\\")


def too_long(path: str) -> str:
    """Say what of a path is longer than Windows opens; empty when nothing is."""
    if _units(path) <= LONGEST_NAME:
        return ""
    long = next((one for one in PureWindowsPath(path).parts if _units(one) > LONGEST_NAME), "")
    if long:
        return f"a name of {_units(long)} letters"
    return f"{_units(path)} letters" if _units(path) > LONGEST_PATH else ""


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or something in it."""
    return key(path) == key(folder) or key(path).startswith(key(folder) + "\\")


def volume_of(path: str, roots: tuple[str, ...]) -> str | None:
    """Return the root of the volume a path is on: the longest that fits (a volume may be mounted in a folder)."""
    fitting = [root for root in roots if is_below(path, root)]
    return max(fitting, key=lambda root: len(key(root)), default=None)


def clean(path: str) -> str:
    r"""Return the path in its plain form: ``D:/VMs\`` becomes ``D:\VMs``."""
    return str(PureWindowsPath(path))
