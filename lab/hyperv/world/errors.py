"""What the simulated world refuses to do, as Python errors; the wire turns them into PowerShell's.

WorldError
├── UnknownHost     no host of that name
├── UnknownVM       no VM of that id (on that host)
├── BadChange       a change that makes no sense, in one sentence
└── FolderError     a file system call failed, with its HRESULT
"""

from __future__ import annotations

PATH_NOT_FOUND = 0x80070003
ACCESS_DENIED = 0x80070005
DIRECTORY_NOT_EMPTY = 0x80070091
NOT_A_DIRECTORY = 0x8007010B
DISK_FULL = 0x80070070


class WorldError(Exception):
    """Something cannot be done in the simulated world."""


class UnknownHost(WorldError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no host {name!r}.")


class UnknownVM(WorldError):
    def __init__(self, vm: object, host: str | None = None) -> None:
        super().__init__(f"There is no VM {vm}{f' on {host}' if host else ''}.")


class BadChange(WorldError):
    """The change makes no sense; the text says why."""


class FolderError(WorldError):
    """A file system call failed as Windows would fail it."""

    def __init__(self, path: str, hresult: int) -> None:
        self.text = _TEXTS[hresult].format(path=path)
        """.NET's words."""
        super().__init__(f"{self.text} (0x{hresult:08X})")
        self.path = path
        self.hresult = hresult


_TEXTS = {
    PATH_NOT_FOUND: "Could not find a part of the path '{path}'.",
    ACCESS_DENIED: "Access to the path '{path}' is denied.",
    DIRECTORY_NOT_EMPTY: "The directory is not empty: '{path}'.",
    NOT_A_DIRECTORY: "The directory name is invalid: '{path}'.",
    DISK_FULL: "There is not enough space on the disk: '{path}'.",
}
