"""What an estimate is made of: moves still to be done, and times in which none starts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.domain.model.inventory import HostName

Pair = tuple[HostName, HostName]
Pause = tuple[float, float]
"""Seconds from now between which no move starts; what runs goes on."""


@dataclass(frozen=True, slots=True)
class Work:
    """One move still to be done: how many seconds it needs by itself, between which hosts.

    ``is_other``: of another job, or of somebody else. It takes its room, before the moves that are estimated, and when
    it ends does not count. ``avoids``: when this move alone does not start, in order of time.
    """

    source: HostName
    destination: HostName
    seconds: float
    is_running: bool = False
    is_other: bool = False
    avoids: tuple[Pause, ...] = ()


def own_of(works: Iterable[Work]) -> list[Work]:
    """Return the works that are estimated, without those of others."""
    return [work for work in works if not work.is_other]


def heedless(works: Iterable[Work]) -> list[Work]:
    """Return works that avoid nothing."""
    return [replace(work, avoids=()) if work.avoids else work for work in works]
