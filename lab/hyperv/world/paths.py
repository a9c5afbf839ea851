"""Windows paths as plain text: roots, parents, names, and the comparison that ignores case."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from ntpath import basename, normpath, splitdrive
from ntpath import join as _join
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHORT_NAME: Final = 8
_SHORT_KIND: Final = 3


def join(path: str, *parts: str) -> str:
    """Return the joined path without trailing backslash, except for a volume root."""
    return normpath(_join(path if splitdrive(path)[1] or path.startswith("\\\\") else path + "\\", *parts))


@lru_cache(maxsize=1 << 16)
def key(path: str) -> str:
    """Return what two spellings of one path have in common."""
    return tidy(path).lower()


@lru_cache(maxsize=1 << 16)
def tidy(path: str) -> str:
    """Return the path with single backslashes and no trailing one; a volume root keeps its own."""
    drive, rest = splitdrive(path.replace("/", "\\"))
    normal = normpath(drive + (rest or "\\"))
    return normal if splitdrive(normal)[1].strip("\\") else splitdrive(normal)[0] + "\\"


@lru_cache(maxsize=1 << 16)
def root(path: str) -> str:
    """Return the root of the path's volume, a letter or a share, with a backslash; empty for a relative path."""
    drive = splitdrive(path.replace("/", "\\"))[0]
    return drive + "\\" if drive else ""


@lru_cache(maxsize=1 << 16)
def parent(path: str) -> str | None:
    """Return the folder that holds the path, or None for a volume root."""
    tidied = tidy(path)
    if key(tidied) == key(root(tidied)):
        return None
    head = tidied.rsplit("\\", 1)[0]
    return tidy(head)


def name(path: str) -> str:
    """Return the last part of a path."""
    return basename(tidy(path).rstrip("\\"))


def is_unc(path: str) -> bool:
    return path.startswith("\\\\")


def short_names(beside: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the files of one folder with the short names NTFS makes up for them, in the order they came.

    Source: Microsoft docs: Naming Files; the fifth alike and more, which have numbers of the whole name, are left out.
    """
    used = Counter[tuple[str, str]]()
    for path in beside:
        base, dot, kind = name(path).upper().rpartition(".")
        base, kind = (base, kind) if dot else (kind, "")
        if len(base) <= _SHORT_NAME and len(kind) <= _SHORT_KIND and " " not in base and "." not in base:
            continue
        alike = re.sub("[ .]", "", base)[:6], kind.replace(" ", "")[:_SHORT_KIND]
        used[alike] += 1
        yield path, f"{alike[0]}~{used[alike]}{'.' if alike[1] else ''}{alike[1]}"
