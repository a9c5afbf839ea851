"""Links: what several hosts share on the way to others, such as a rack's uplink, and how many moves it may carry.

Hosts do not know about links, so nothing refuses a move too many: what is counted here is all there is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from core.domain.model.inventory import HostName, Snapshot, VmId, same_host
from core.domain.model.move import Attempt
from core.domain.model.units import zoned_time
from core.domain.scheduling.freeze import Window, window_begin, window_end


class Counts(StrEnum):
    """Which moves a link carries, by how many of their two hosts are behind it."""

    CROSSING = "crossing"
    """Exactly one: an uplink. What goes on among the hosts behind it does not pass it."""
    ANY = "any"
    """One or both: a segment that its hosts share."""


@dataclass(frozen=True, slots=True)
class LinkWindow:
    """A span of time in which another number of moves is allowed."""

    window: Window
    moves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link: the hosts behind it, and how many moves it may carry at once; None: as many as the hosts allow."""

    name: str
    hosts: frozenset[HostName] = field(hash=False)
    moves: int | None = field(default=None, hash=False)
    bytes_per_s: float | None = field(default=None, hash=False)
    """What all its moves together may carry at the most; None: not known."""
    counts: Counts = field(default=Counts.CROSSING, hash=False)
    windows: tuple[LinkWindow, ...] = field(default=(), hash=False)
    """They do not overlap; while one holds, its number counts in place of ``moves``."""
    zone: tzinfo = field(default=UTC, hash=False)

    def carries(self, source: HostName, destination: HostName) -> bool:
        """Whether a move between these hosts is on this link."""
        behind = (source in self.hosts) + (destination in self.hosts)
        return behind == 1 or (behind > 1 and self.counts is Counts.ANY)

    def limit_at(self, moment: datetime) -> int | None:
        """Return how many moves it may carry at this moment; None: any number."""
        local = moment.astimezone(self.zone)
        return next((w.moves for w in self.windows if window_end(local, w.window) is not None), self.moves)

    def window_until(self, moment: datetime) -> datetime | None:
        """Return when the window that holds now ends, in the link's time zone; None when none holds."""
        local = moment.astimezone(self.zone)
        return next((end for w in self.windows if (end := window_end(local, w.window)) is not None), None)

    def next_change(self, moment: datetime) -> datetime | None:
        """Return when its number changes next, as a window ends or begins; None: never again."""
        local = moment.astimezone(self.zone)
        ends = (window_end(local, one.window) or window_begin(local, one.window) for one in self.windows)
        return min((at.astimezone(UTC) for at in ends if at is not None), default=None)

    @property
    def most(self) -> int | None:
        """The most moves it ever allows; None: any number."""
        numbers = [self.moves, *(one.moves for one in self.windows)]
        return None if None in numbers else max(one for one in numbers if one is not None)


Place = HostName | Link
"""Where a move takes a slot: its two hosts, and the links between them."""


@dataclass(frozen=True, slots=True)
class Links:
    """Every link of the settings. Which of them a move is on is worked out once for each pair of hosts."""

    all: tuple[Link, ...] = ()
    _known: dict[tuple[HostName, HostName], tuple[Link, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.all)

    def of(self, source: HostName, destination: HostName) -> tuple[Link, ...]:
        """Return the links that a move between these hosts is on."""
        if not self.all:
            return ()
        pair = source, destination
        found = self._known.get(pair)
        if found is None:
            found = self._known[pair] = tuple(link for link in self.all if link.carries(source, destination))
        return found


NO_LINKS = Links()


@dataclass(frozen=True, slots=True)
class LinkUsage:
    """A link, and the VMs that other people move over it, as far as hosts say where these go."""

    link: Link
    others: frozenset[VmId] = frozenset()


def usages(links: Links, snapshots: Mapping[HostName, Snapshot]) -> dict[Link, LinkUsage]:
    """Read off the hosts' own migration jobs who is on which link. Ours are among them; a VM counts once."""
    if not links:
        return {}
    seen = dict[Link, set[VmId]]()
    for host, snapshot in snapshots.items():
        for job in snapshot.jobs:
            if job.is_running and job.destination:
                goes_to = next((other for other in snapshots if same_host(other, job.destination)), None)
                for link in links.of(host, goes_to) if goes_to and goes_to != host else ():
                    seen.setdefault(link, set()).add(job.vm_id)
    return {link: LinkUsage(link, frozenset(seen.get(link, ()))) for link in links.all}


def carried(usage: LinkUsage, reservations: Iterable[Attempt]) -> int:
    """Count the moves on a link: our open attempts between hosts it lies between, and those of other people."""
    link = usage.link
    ours = {a.vm_id for a in reservations if a.ended_at is None and link.carries(a.source, a.destination)}
    return len(ours | usage.others)


def refused_by_link(usages: Sequence[LinkUsage], reservations: Sequence[Attempt], at: datetime) -> str | None:
    """Say which of these links carries no further move at this time on the wall; None when all do."""
    for usage in usages:
        limit = usage.link.limit_at(at)
        if limit is not None and (count := carried(usage, reservations)) >= limit:
            return full_text(usage.link, count, limit, at)
    return None


def full_text(link: Link, count: int, limit: int, at: datetime) -> str:
    """Say in words that a link carries no more."""
    until = link.window_until(at)
    return f"waits for link {link.name} ({count} of {limit} moves{f' until {zoned_time(until)}' if until else ''})"
