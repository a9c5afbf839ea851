"""Slots: how many simultaneous migrations a host still allows, counted by VM id.

A shared-nothing move takes one live and one storage slot on both of its hosts (that it counts as both is unconfirmed
but logged by real hosts, so the careful reading is taken). Other people's moves count. A VM seen on both hosts, or seen
and reserved, counts once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.model.inventory import HostName, Snapshot, VmId
from core.domain.model.move import Attempt


class SlotKind(StrEnum):
    """The two limits of a host (Microsoft docs: Get-VMHost)."""

    LIVE = "live"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotUsage:
    """What one snapshot says about one limit of one host.

    ``seen`` are the VMs the host shows as migrating; ``counter`` is the host's own count, which may hold moves that no
    listed VM shows (an incoming move has no realized VM yet).
    """

    host: HostName
    kind: SlotKind
    limit: int
    seen: frozenset[VmId]
    counter: int
    asked_at: datetime


def loads(snapshot: Snapshot) -> tuple[SlotUsage, SlotUsage]:
    """Read both limits' loads off a snapshot."""
    seen = frozenset(
        {vm.id for vm in snapshot.vms if vm.is_migrating} | {job.vm_id for job in snapshot.jobs if job.is_running}
    )
    facts = snapshot.facts
    live_limit = facts.live_limit if facts.is_migration_enabled else 0
    return (
        SlotUsage(
            host=snapshot.host,
            kind=SlotKind.LIVE,
            limit=live_limit,
            seen=seen,
            counter=facts.live_active,
            asked_at=snapshot.asked_at,
        ),
        SlotUsage(
            host=snapshot.host,
            kind=SlotKind.STORAGE,
            limit=facts.storage_limit,
            seen=seen,
            counter=facts.storage_active,
            asked_at=snapshot.asked_at,
        ),
    )


def used(load: SlotUsage, reservations: Iterable[Attempt]) -> int:
    """Count the slots taken: by what the host showed, and by our own starts it could not show yet.

    The host's counter was read at the snapshot. It cannot hold a reservation that no host had shown by then, so those
    are added; the others may be among the counted and are not counted twice.
    """
    ours = [a for a in reservations if a.ended_at is None and load.host in {a.source, a.destination}]
    union = load.seen | {attempt.vm_id for attempt in ours}
    unshown = {
        a.vm_id for a in ours if a.vm_id not in load.seen and (a.confirmed_at is None or a.confirmed_at > load.asked_at)
    }
    return max(len(union), load.counter + len(unshown))


def free(load: SlotUsage, reservations: Iterable[Attempt]) -> int:
    """Slots still free, never below zero."""
    return max(0, load.limit - used(load, reservations))


def refusal(claims: Sequence[SlotUsage], reservations: Sequence[Attempt]) -> str | None:
    """Say why no further move may start under these loads, or None when one may."""
    for claim in claims:
        if free(claim, reservations) < 1:
            return full_text(claim, reservations)
    return None


def bar(snapshot: Snapshot) -> str:
    """Say why a host takes part in no migration until somebody changes its settings; empty when it does."""
    if not snapshot.facts.is_migration_enabled:
        return f"live migration is switched off on {snapshot.host}"
    return next((full_text(load, ()) for load in loads(snapshot) if load.limit < 1), "")


def full_text(load: SlotUsage, reservations: Iterable[Attempt]) -> str:
    """Say in words that a host is full."""
    if load.limit < 1:
        return f"{load.host} allows no {load.kind} migrations (limit 0, or switched off)"
    ours = [a for a in reservations if a.ended_at is None and load.host in {a.source, a.destination}]
    taken = used(load, ours)
    others = max(0, taken - len({a.vm_id for a in ours}))
    foreign = f", {others} of them started by others" if others else ""
    return f"{load.host} runs {taken} of {load.limit} {load.kind} migrations{foreign}"
