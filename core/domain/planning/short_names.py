r"""Finds names that may be a second name, the short one (8.3), of a file or folder that is called otherwise.

``D:\PROGRA~1`` may be ``D:\Program Files``: no letter of it tells, and a volume makes up such names or does not
(Microsoft docs: Naming Files; fsutil 8dot3name). A host tells of a folder: what is in it has another parent, or its
parent does not list it. Of a file it tells nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from core.domain.model import windows_paths
from core.domain.model.inventory import HostName, Inspection
from core.domain.model.ntfs_names import upcase
from core.domain.model.plan import Finding, FindingCode, PlannedMove, Severity
from core.domain.planning.room import disk_targets

_SHORT = re.compile(r"(?=[^.]{3,8}(?:\.|$))([^.~]{1,6})~\d{1,6}(?:\.([^.]{1,3}))?")
_LEFT_OUT = re.compile(r"[ .]")
_HASHED = 2
"""Of the fifth file alike on only so many letters are kept, and a number made from the whole name follows them."""


class Spelling(StrEnum):
    """Whether a folder is written by its own name, by a short one, or nobody could find out."""

    OWN = "own"
    SHORT = "short"
    UNKNOWN = "unknown"


def short_parts(path: str) -> tuple[str, ...]:
    """Return a folder and those above it whose names may be short ones."""
    if "~" not in path:
        return ()
    return tuple(one for one in (path, *windows_paths.ancestors(path)) if _SHORT.fullmatch(windows_paths.name(one)))


def could_abbreviate(short: str, name: str) -> bool:
    """Whether Windows may have made up a short name for a long one: the same first letters and kind of file."""
    found = _SHORT.fullmatch(upcase(short))
    if found is None or upcase(short) == upcase(name):
        return False
    base, _, kind = upcase(name).rpartition(".") if "." in name else (upcase(name), "", "")
    base, kept, ending = _LEFT_OUT.sub("", base), found[1], found[2] or ""
    return _LEFT_OUT.sub("", kind)[:3] == ending and (base.startswith(kept) or base[:_HASHED] == kept[:_HASHED])


def spelling(path: str, within: Sequence[str] | None, beside: Sequence[str] | None) -> tuple[Spelling, str]:
    """Judge a folder's name by what is listed in it (None: no such folder) and in its parent (None: not shown).

    Besides, its own name where that is known.
    """
    for item in within or ():
        if not windows_paths.same(real := windows_paths.parent(item), path):
            return Spelling.SHORT, real
    if beside is None:
        return Spelling.UNKNOWN, ""
    if within is None or any(windows_paths.same(item, path) for item in beside):
        return Spelling.OWN, ""
    return Spelling.SHORT, ""


def folder_findings(judged: Mapping[tuple[HostName, str], tuple[Spelling, str]]) -> Iterator[Finding]:
    """Say which folders of destinations are not called as they are written."""
    for (host, path), (how, real) in judged.items():
        if how is Spelling.SHORT:
            text = f"{path} of {host} is the short name (8.3) of {real or 'another folder'}: write it in full."
            yield Finding(severity=Severity.BLOCKER, code=FindingCode.SHORT_NAME, text=text, host=host)
        elif how is Spelling.UNKNOWN:
            text = (
                f"{path} of {host} may be the short name (8.3) of another folder, and {host} does not show it:"
                " I compare names as they are written."
            )
            yield Finding(severity=Severity.WARNING, code=FindingCode.SHORT_NAME, text=text, host=host)


def file_findings(
    moves: Sequence[PlannedMove],
    inspections: Mapping[HostName, Inspection],
    taken: Mapping[tuple[HostName, str], frozenset[str]],
) -> Iterator[Finding]:
    """Say of which files it is not known whether they are others too: where they lie, and where they would land."""
    landing = defaultdict[tuple[HostName, str], list[tuple[PlannedMove, str]]](list)
    for move in moves:
        source = inspections.get(move.source)
        if source is None or (details := source.of(move.vm_id)) is None:
            continue
        if strange := next((file.path for file in details.files if short_parts(file.path)), ""):
            text = f"{move.vm_name} has {strange}, a short name (8.3): whether other VMs need that file is not known."
            yield Finding(severity=Severity.WARNING, code=FindingCode.SHORT_NAME, text=text, vm_id=move.vm_id)
        for path, _ in disk_targets(move.path, move.disks, details):
            folder = windows_paths.key(windows_paths.parent(path))
            landing[move.destination, folder].append((move, windows_paths.name(path)))
    for place, files in landing.items():
        short = [(move, name) for move, name in files if _SHORT.fullmatch(name)]
        lying = map(windows_paths.name, taken.get(place, ())) if short else ()
        there = [*(name for _, name in files), *lying]
        for move, name in short:
            if long := next((one for one in there if could_abbreviate(name, one)), ""):
                text = f"{name} of {move.vm_name} may be the short name (8.3) of {long}, in one folder with it."
                yield Finding(severity=Severity.WARNING, code=FindingCode.SHORT_NAME, text=text, vm_id=move.vm_id)
