"""What people see of hosts and links: each as last seen, with the moves on it. Asks no host anything."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.domain.model.inventory import HostName
from core.domain.model.move import Attempt, HoldCode, Move
from core.domain.model.views import HostView, LinkView
from core.domain.scheduling.links import Links, carried, usages
from core.domain.scheduling.slots import SlotKind, loads, used
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.moments import on_the_wall
from core.ports import Clock


def view_hosts(
    hosts: Sequence[HostName], snapshot_cache: SnapshotCache, reservations: Sequence[Attempt], clock: Clock
) -> list[HostView]:
    """Build every host's view, as last seen."""
    return [_view_host(host, snapshot_cache, reservations, clock) for host in hosts]


def _view_host(
    host: HostName, snapshot_cache: SnapshotCache, reservations: Sequence[Attempt], clock: Clock
) -> HostView:
    snapshot, trouble = snapshot_cache.snapshots.get(host), snapshot_cache.troubles.get(host)
    if snapshot is None:
        text = trouble.text if trouble else "not looked at yet"
        since = trouble.since if trouble else None
        standing = snapshot_cache.standing(host)
        return HostView(host=host, is_reachable=False, since=since, trouble=text, standing=standing)
    ours = [attempt for attempt in reservations if host in {attempt.source, attempt.destination}]
    counts = {load.kind: (used(load, ours), load.limit) for load in loads(snapshot)}
    return HostView(
        host=host,
        is_reachable=trouble is None,
        since=trouble.since if trouble else on_the_wall(clock, snapshot.taken_at),
        trouble=trouble.text if trouble else "",
        standing=snapshot_cache.standing(host),
        live_used=counts[SlotKind.LIVE][0],
        live_limit=snapshot.facts.live_limit,
        storage_used=counts[SlotKind.STORAGE][0],
        storage_limit=snapshot.facts.storage_limit,
        ours=len(ours),
        vms=len(snapshot.vms),
        is_migration_enabled=snapshot.facts.is_migration_enabled,
    )


def view_links(
    links: Links,
    snapshot_cache: SnapshotCache,
    reservations: Sequence[Attempt],
    moves: Sequence[Move],
    now: datetime,
) -> list[LinkView]:
    """Build every link's view. ``moves``: those that are not over."""
    held = [move for move in moves if move.hold and move.hold.code is HoldCode.LINK]
    waiting = Counter(link for move in held for link in links.of(move.source, move.destination))
    views = [
        LinkView(
            name=link.name,
            hosts=tuple(sorted(link.hosts)),
            used=carried(usage, reservations),
            limit=link.limit_at(now),
            until=link.window_until(now),
            waiting=waiting[link],
            silent=len(link.hosts & snapshot_cache.troubles.keys()),
        )
        for link, usage in usages(links, snapshot_cache.snapshots).items()
    ]
    # A move on several links waits for one that is full.
    return [view if view.is_full else replace(view, waiting=0) for view in views]
