"""Makes up nights: a backup product comes to every VM about the same time each night, and the bot sees it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.backups.rhythm import Expected, expected, learn
from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.inventory import HostName, VmId

ZONE = ZoneInfo("Europe/Berlin")
PAST_NIGHTS = 14
LOOK = timedelta(seconds=30)
"""How long after it a look shows what began or ended."""
FROM_H, SPREAD_H = 20.0, 6.0
"""The first backups begin in the evening, and the last about six hours later."""
SHORTEST_MIN, LONGEST_MIN = 10.0, 50.0


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup of a VM: when it really begins, and ends if nothing is in its way."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Nightly:
    """The backups of one VM: those of past nights as the bot saw them, and that of this night."""

    past: tuple[BackupRun, ...]
    tonight: Backup

    def expected(self, host: HostName, now: datetime) -> tuple[Expected, ...]:
        """Return what the bot makes of it."""
        since = self.past[0].started_at - timedelta(days=1)
        rhythm = learn(self.past, {host: (HostWatch(host, since, now),)}, ZONE, now)
        return expected(rhythm, ZONE, now - timedelta(days=1), now + timedelta(days=2))


def nights(
    vms: Sequence[tuple[VmId, HostName]], midnight: datetime, jitter_min: float, rng: random.Random
) -> dict[VmId, Nightly]:
    """Give every VM its time. ``midnight``: the one before this evening; ``jitter_min``: so much earlier or later."""
    return {vm_id: _nightly(vm_id, host, midnight, jitter_min, rng) for vm_id, host in vms}


def _nightly(vm_id: VmId, host: HostName, midnight: datetime, jitter_min: float, rng: random.Random) -> Nightly:
    hour, minutes = FROM_H + rng.uniform(0, SPREAD_H), rng.uniform(SHORTEST_MIN, LONGEST_MIN)

    def on(night: int) -> Backup:
        begins = midnight + timedelta(days=night, hours=hour, minutes=rng.uniform(-jitter_min, jitter_min))
        return Backup(begins, begins + timedelta(minutes=minutes * rng.uniform(0.85, 1.15)))

    past = []
    for night in range(-PAST_NIGHTS, 0):
        one = on(night)
        past.append(
            BackupRun(
                vm_id=vm_id,
                host=host,
                started_at=one.begins + LOOK,
                started_after=one.begins,
                ended_after=one.ends,
                ended_at=one.ends + LOOK,
            )
        )
    return Nightly(tuple(past), on(0))
