"""Decides what a caller sees of the VMs of a host, and how old that is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from lab.hyperv.world.event_queue import EventQueue
    from lab.hyperv.world.state import HostState
    from lab.hyperv.world.views import VMView
    from lab.hyperv.world.vms import Machine


class Visibility:
    """The pictures of VMs that callers see; a host with `staleness_s` shows old ones until they are that old."""

    def __init__(self, timeline: EventQueue, epoch: datetime) -> None:
        self._timeline = timeline
        self._epoch = epoch
        self._seen: dict[str, tuple[float, dict[UUID, VMView]]] = {}

    def vms(self, host: HostState) -> tuple[VMView, ...]:
        """Return the VMs of a list, by name without case."""
        shown = list(self._realized(host).values())
        if host.quirks.incoming_visible_in_lists:
            shown += self._incoming(host)
        return tuple(sorted(shown, key=lambda view: (view.name.lower(), str(view.id))))

    def vm(self, host: HostState, vm_id: UUID) -> VMView | None:
        """Return one VM, realized before planned."""
        if host.quirks.staleness_s > 0 and (seen := self._realized(host).get(vm_id)) is not None:
            return seen
        here = None if host.quirks.staleness_s > 0 else host.vms.get(vm_id)
        machine = here or host.planned.get(vm_id)
        return None if machine is None else self.view(host, machine)

    def view(self, host: HostState, machine: Machine) -> VMView:
        """Return the picture of a VM as it is now."""
        quirks = host.quirks
        time_s = self._timeline.time_s
        status = machine.operational_status(
            time_s,
            delay_s=quirks.status_delay_s,
            phases_visible=quirks.storage_phases_visible,
            planned_status=quirks.incoming_shows_planned_status,
        )
        return machine.view(status, host.spec.language, time_s, self._epoch + timedelta(seconds=machine.created_s))

    def _realized(self, host: HostState) -> dict[UUID, VMView]:
        time_s = self._timeline.time_s
        seen = self._seen.get(host.name)
        if seen is not None and time_s - seen[0] < host.quirks.staleness_s:
            return seen[1]
        views = {vm_id: self.view(host, machine) for vm_id, machine in host.vms.items()}
        if host.quirks.staleness_s > 0:
            self._seen[host.name] = (time_s, views)
        return views

    def _incoming(self, host: HostState) -> Iterator[VMView]:
        for vm_id, machine in host.planned.items():
            if machine.migration is not None and vm_id not in host.vms:
                yield self.view(host, machine)
