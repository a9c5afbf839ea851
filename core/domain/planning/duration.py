"""Estimates how long a plan takes once it begins, and what of that it waits for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.model.inventory import HostName
from core.domain.planning.makespan import lower_bound, makespan
from core.domain.planning.speeds import Lines
from core.domain.planning.work import Work, heedless, own_of


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds: what nothing can beat, the likely ones, and of these what is only there for backups and for others."""

    soonest_s: float
    likely_s: float
    backups_s: float = 0.0
    others_s: float = 0.0


def duration(
    works: Sequence[Work], slots: Mapping[HostName, int], *, at_once: int = 0, lines: Lines | None = None
) -> Duration:
    """Estimate from the moment at which the first may start. Works of others may be among these."""
    own = own_of(works)
    soonest = lower_bound(own, slots, at_once=at_once, lines=lines)
    likely = makespan(works, slots, at_once=at_once, lines=lines)
    unhindered = makespan(heedless(works), slots, at_once=at_once, lines=lines) if _avoid(own) else likely
    alone = makespan(heedless(own), slots, at_once=at_once, lines=lines) if len(own) < len(works) else unhindered
    return Duration(soonest, max(soonest, likely), max(0.0, likely - unhindered), max(0.0, unhindered - alone))


def _avoid(works: Sequence[Work]) -> bool:
    return any(work.avoids for work in works)
