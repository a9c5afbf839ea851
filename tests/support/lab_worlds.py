"""Builds small worlds on a clock that only moves when a test says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.world import World

if TYPE_CHECKING:
    from lab.hyperv.world.migrations import Migration

BOT = "CONTOSO\\svc-migrate"


def vm_id(number: int) -> UUID:
    return UUID(int=(0xABCDEF << 96) + number, version=4)


def host(name: str, **fields: Any) -> Host:
    """A host that may migrate, with a network of 100 MB/s."""
    return Host(**{"name": name, "migration_enabled": True, "bandwidth_bytes_per_s": 100 * MB, **fields})


def vm(number: int, on: str = "HV01", *, size_bytes: int = 10 * GB, **fields: Any) -> VM:
    """A VM `vm<number>` with one disk on D: and 1 GB of memory."""
    name = fields.pop("name", f"vm{number}")
    disk = Disk(path=f"D:\\VMs\\{name}-{number}\\Virtual Hard Disks\\{name}-{number}.vhdx", size_bytes=size_bytes)
    path = f"D:\\VMs\\{name}-{number}"
    given = {"memory_bytes": GB, "path": path, "disks": (disk,), **fields}
    return VM(id=vm_id(number), name=name, host=on, **given)


class Lab:
    """A world and its clock."""

    def __init__(self, fleet: Fleet) -> None:
        self.time_s = 0.0
        self.world = World(fleet, lambda: self.time_s)

    def move(
        self, number: int, *, to: str = "HV02", source: str = "HV01", owner: str = BOT, **fields: Any
    ) -> Migration:
        fields.setdefault("storage_path", f"D:\\Moved\\{number}")
        return self.world.start_move(
            MoveRequest(vm_id=vm_id(number), source=source, destination=to, owner=owner, **fields)
        )

    def wait(self, seconds: float) -> None:
        self.time_s += seconds
        self.world.advance()

    def step(self) -> bool:
        """Go to the next thing that happens; False when nothing more will."""
        at_s = self.world.next_event_at()
        if at_s is None:
            return False
        self.time_s = max(self.time_s, at_s)
        self.world.advance()
        return True

    def run(self, most: int = 100_000) -> None:
        """Let everything happen that will."""
        for _ in range(most):
            if not self.step():
                return
        raise AssertionError("the world never comes to rest")

    def until(self, migration: Migration, phase: str) -> None:
        while migration.phase != phase:
            assert self.step(), f"{phase} never comes; {migration.phase}"


def lab(*vms: VM, hosts: tuple[Host, ...] | None = None, **fields: Any) -> Lab:
    """A lab with the hosts HV01 and HV02, unless told otherwise."""
    return Lab(Fleet(hosts=hosts or (host("HV01"), host("HV02")), vms=vms or (vm(1), vm(2), vm(3)), **fields))


def with_quirks(one: Host, **quirks: Any) -> Host:
    return replace(one, quirks=replace(one.quirks, **quirks))
