"""Counts the migrations of a host against its limits; a full host makes a start fail, it never queues.

Sources: Microsoft docs, Set-VMHost and KB2790310. Which end counts, and what, is a matter of `Quirks`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.fleet import MigrationKind
from lab.hyperv.world.views import Counters

if TYPE_CHECKING:
    from lab.hyperv.world.fleet import VM
    from lab.hyperv.world.migrations import Migration
    from lab.hyperv.world.moves import MoveRequest
    from lab.hyperv.world.quirks import Quirks
    from lab.hyperv.world.state import HostState, State


class SlotKind(StrEnum):
    LIVE = "live"
    STORAGE = "storage"


def limit(host: HostState, kind: SlotKind) -> int:
    return host.spec.live_limit if kind is SlotKind.LIVE else host.spec.storage_limit


def used(host: HostState, kind: SlotKind, *, incoming: bool | None = None) -> int:
    """Return the slots in use as the host counts them: all, or only one direction."""
    return sum(
        _holds(move, kind, host.quirks) and incoming in (None, move.destination == host.name and len(move.hosts) > 1)
        for move in host.active.values()
    )


def counters(host: HostState, time_s: float) -> Counters:
    """Return the service's counters, which agree with the jobs that can be seen."""
    visible = [m for m in host.active.values() if time_s >= m.started_s + host.quirks.job_delay_s]
    counted = [m for m in visible if host.quirks.incoming_moves_count or m.source == host.name]
    return Counters(
        live=sum(_holds(move, SlotKind.LIVE, host.quirks) for move in counted),
        storage=sum(_holds(move, SlotKind.STORAGE, host.quirks) for move in counted),
    )


def full_host(state: State, request: MoveRequest, vm: VM) -> tuple[HostState, SlotKind] | None:
    """Return the first host and limit that refuse a start, source before destination, or None."""
    ends = [(state.host(request.source), False)]
    if request.kind is not MigrationKind.STORAGE:
        ends.append((state.host(request.destination), True))
    for host, incoming in ends:
        quirks = host.quirks
        if incoming and not (quirks.destination_enforces_limits and quirks.incoming_moves_count):
            continue
        direction: bool | None = None
        if quirks.separate_in_and_out_counters or not quirks.incoming_moves_count:
            direction = incoming
        for kind in SlotKind:
            if _needs(request.kind, vm, kind, quirks) and used(host, kind, incoming=direction) >= limit(host, kind):
                return host, kind
    return None


def take(state: State, migration: Migration) -> None:
    """Let a migration hold its slots; the ledger counts both ends, both directions, and off VMs too."""
    for name in migration.hosts:
        host = state.host(name)
        host.active[migration.number] = migration
        for kind in SlotKind:
            if not _kind_uses(migration.kind, kind):
                continue
            running = sum(
                _kind_uses(m.kind, kind) and (kind is SlotKind.LIVE or _holds(m, kind, host.quirks))
                for m in host.active.values()
            )
            state.ledger.saw_running(host.name, kind, running)
            if running > limit(host, kind):
                state.violate(
                    ViolationKind.LIMIT_EXCEEDED,
                    migration.owner,
                    host.name,
                    f"{running} {kind} migrations with a limit of {limit(host, kind)}, started {migration.vm.name}",
                )


def give_back(state: State, migration: Migration) -> None:
    for name in migration.hosts:
        state.host(name).active.pop(migration.number, None)


def _kind_uses(migration_kind: MigrationKind, slot: SlotKind) -> bool:
    return migration_kind is not (MigrationKind.STORAGE if slot is SlotKind.LIVE else MigrationKind.LIVE)


def _needs(migration_kind: MigrationKind, vm: VM, slot: SlotKind, quirks: Quirks) -> bool:
    if slot is SlotKind.LIVE and vm.state is VMState.Off and not quirks.off_vms_use_live_slots:
        return False
    return _kind_uses(migration_kind, slot)


def _holds(move: Migration, slot: SlotKind, quirks: Quirks) -> bool:
    if slot is SlotKind.STORAGE and quirks.storage_slot_released_after_disks and not move.holds_storage:
        return False
    return _needs(move.kind, move.vm, slot, quirks)
