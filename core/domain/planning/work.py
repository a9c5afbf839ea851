"""What an estimate is made of: moves still to be done, and times in which none starts."""

from dataclasses import dataclass

from core.domain.model.inventory import HostName

Pair = tuple[HostName, HostName]
Pause = tuple[float, float]
"""Seconds from now between which no move starts; what runs goes on."""


@dataclass(frozen=True, slots=True)
class Work:
    """One move still to be done: how many seconds it needs by itself, between which hosts."""

    source: HostName
    destination: HostName
    seconds: float
    is_running: bool = False
