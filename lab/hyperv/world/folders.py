"""The volumes of one host: which files and folders exist, how much space is left, and what a removal does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.hyperv.world import paths
from lab.hyperv.world.errors import (
    ACCESS_DENIED,
    DIRECTORY_NOT_EMPTY,
    DISK_FULL,
    NOT_A_DIRECTORY,
    PATH_NOT_FOUND,
    FolderError,
)
from lab.hyperv.world.views import FolderEntry, VolumeView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.hyperv.world.fleet import Volume


class _Space:
    """The room on one volume; `other_bytes` is what nobody lists."""

    def __init__(self, root: str, size_bytes: int) -> None:
        self.root = root
        self.size_bytes = size_bytes
        self.file_bytes = 0
        self.other_bytes = 0

    @property
    def free_bytes(self) -> int:
        return max(0, self.size_bytes - self.file_bytes - self.other_bytes)


class FileSystem:
    """Every volume of a host; paths are compared without case. Source: Microsoft docs, Directory.Delete."""

    def __init__(self, volumes: Sequence[Volume]) -> None:
        self._spaces: dict[str, _Space] = {}
        self._entries: dict[str, FolderEntry] = {}
        self._children: dict[str, set[str]] = {}
        for volume in volumes:
            root = paths.tidy(volume.root)
            self._spaces[paths.key(root)] = _Space(root, volume.size_bytes)
            self._put(FolderEntry(root, is_folder=True, is_hidden=False, size_bytes=0))
        self._with_short_names = {paths.key(volume.root) for volume in volumes if volume.has_short_names}

    def volumes(self) -> tuple[VolumeView, ...]:
        return tuple(VolumeView(space.root, space.size_bytes, space.free_bytes) for space in self._spaces.values())

    def has_volume(self, path: str) -> bool:
        return paths.key(paths.root(path)) in self._spaces

    def free_bytes(self, path: str) -> int:
        """Return the room left on the volume of a path."""
        return self._space(path).free_bytes

    def fill(self, path: str, free_bytes: int) -> None:
        """Let something unlisted take room so that `free_bytes` are left (or give room back)."""
        space = self._space(path)
        space.other_bytes = max(0, space.size_bytes - space.file_bytes - free_bytes)

    def entry(self, path: str) -> FolderEntry | None:
        found = self._entries.get(paths.key(path))
        return found if found or "~" not in path else self._entries.get(paths.key(self._long(path)))

    def _long(self, path: str) -> str:
        """Return a path with the own names of what it names by short ones, as Windows reads it."""
        above = paths.parent(path)
        if above is None or paths.key(paths.root(path)) not in self._with_short_names:
            return path
        folder, own = self._long(above), paths.join(self._long(above), paths.name(path))
        if paths.key(own) in self._entries or paths.key(folder) not in self._children:
            return own
        beside = sorted(self._entries[key].path for key in self._children[paths.key(folder)])
        wanted = paths.name(path).upper()
        return next((one for one, short in paths.short_names(beside) if short == wanted), own)

    def children(self, path: str, *, include_hidden: bool = True) -> tuple[FolderEntry, ...]:
        """Return what lies directly in a folder, by name; .NET Framework spells its path out (seen: GetFullPath)."""
        folder = self._folder(path)
        found = (self._entries[key] for key in sorted(self._children[paths.key(folder.path)]))
        return tuple(entry for entry in found if include_hidden or not entry.is_hidden)

    def everything(self) -> tuple[FolderEntry, ...]:
        return tuple(self._entries[key] for key in sorted(self._entries))

    def add(self, path: str, *, size_bytes: int = 0, is_folder: bool = False, is_hidden: bool = False) -> None:
        """Make a file or folder and the folders above it; what exists already stays as it is."""
        tidy = self._long(paths.tidy(path)) if "~" in path else paths.tidy(path)
        if paths.key(tidy) in self._entries:
            return
        space = self._space(tidy)
        if size_bytes > space.free_bytes:
            raise FolderError(tidy, DISK_FULL)
        above = paths.parent(tidy)
        if above is not None:
            self.add(above, is_folder=True)
            self._folder(above)
        space.file_bytes += size_bytes
        self._put(FolderEntry(tidy, is_folder, is_hidden, size_bytes))

    def remove_file(self, path: str) -> None:
        """Remove a file if it is there."""
        entry = self.entry(path)
        if entry is not None and not entry.is_folder:
            self._drop(entry)

    def remove_empty_folder(self, path: str) -> None:
        """Remove a folder that holds nothing, in one step; everything else is an error and changes nothing."""
        entry = self._folder(path)
        if paths.parent(path) is None:
            raise FolderError(entry.path, ACCESS_DENIED)
        if self._children[paths.key(path)]:
            raise FolderError(entry.path, DIRECTORY_NOT_EMPTY)
        self._drop(entry)

    def remove_tree(self, path: str) -> tuple[FolderEntry, ...]:
        """Remove a folder with everything in it and return the files that were lost."""
        entry = self._folder(path)
        if paths.parent(path) is None:
            raise FolderError(entry.path, ACCESS_DENIED)
        lost: list[FolderEntry] = []
        for child in self.children(path):
            if child.is_folder:
                lost += self.remove_tree(child.path)
            else:
                lost.append(child)
                self._drop(child)
        self._drop(entry)
        return tuple(lost)

    def _folder(self, path: str) -> FolderEntry:
        entry = self.entry(path)
        if entry is None:
            raise FolderError(paths.tidy(path), PATH_NOT_FOUND)
        if not entry.is_folder:
            raise FolderError(entry.path, NOT_A_DIRECTORY)
        return entry

    def _space(self, path: str) -> _Space:
        space = self._spaces.get(paths.key(paths.root(path)))
        if space is None:
            raise FolderError(path, PATH_NOT_FOUND)
        return space

    def _put(self, entry: FolderEntry) -> None:
        key = paths.key(entry.path)
        self._entries[key] = entry
        if entry.is_folder:
            self._children[key] = set()
        above = paths.parent(entry.path)
        if above is not None:
            self._children[paths.key(above)].add(key)

    def _drop(self, entry: FolderEntry) -> None:
        key = paths.key(entry.path)
        self._space(entry.path).file_bytes -= entry.size_bytes
        del self._entries[key]
        self._children.pop(key, None)
        above = paths.parent(entry.path)
        if above is not None:
            self._children[paths.key(above)].discard(key)
