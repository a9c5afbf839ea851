"""Makes up fleets of any size from a seed: the same seed is the same fleet."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from lab.hyperv.world import paths
from lab.hyperv.world.enums import JobState, SnapshotType, VMState
from lab.hyperv.world.fleet import (
    GB,
    MB,
    VM,
    Adapter,
    BackupVariant,
    BackupWindow,
    Checkpoint,
    Disk,
    Fleet,
    Host,
    ScheduledMigration,
    Volume,
)
from lab.hyperv.world.quirks import Quirks

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROLES = ("web", "app", "sql", "mail", "file", "build", "test", "dc", "print", "srvsp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a made-up fleet should be; shares are between 0 and 1."""

    hosts: int = 4
    vms: int = 40
    off_share: float = 0.2
    odd_share: float = 0.1
    """VMs that cannot move everywhere: a mounted ISO, a switch few hosts have, a pass-through disk, a cluster."""
    same_name_share: float = 0.05
    backup_windows: int = 1
    other_migrations: int = 2
    has_quirks: bool = False
    """Each host answers the open questions about Hyper-V in its own way."""
    memory_bytes_per_vm: int = 4 * GB
    disk_bytes_per_vm: int = 40 * GB


def random_fleet(seed: int, recipe: Recipe | None = None) -> Fleet:
    """Return a fleet in which every host has room for every VM that can move at all."""
    wanted = recipe or Recipe()
    rng = random.Random(seed)
    hosts = tuple(_host(rng, number, wanted) for number in range(1, wanted.hosts + 1))
    vms = tuple(_vm(rng, number, wanted, hosts) for number in range(1, wanted.vms + 1))
    return Fleet(
        hosts=hosts,
        vms=vms,
        backups=tuple(_window(rng, vms) for _ in range(wanted.backup_windows if vms else 0)),
        migrations=tuple(
            _migration(rng, vms, hosts) for _ in range(wanted.other_migrations if vms and len(hosts) > 1 else 0)
        ),
    )


def _host(rng: random.Random, number: int, wanted: Recipe) -> Host:
    # Everything twice: what is declared here and what a full evacuation would bring.
    room_bytes = 4 * wanted.disk_bytes_per_vm * max(1, wanted.vms) * 2
    return Host(
        name=f"HV{number:02}",
        migration_enabled=True,
        live_limit=rng.choice((1, 2, 2, 2, 4)),
        storage_limit=rng.choice((1, 2, 2, 4)),
        memory_bytes=16 * wanted.memory_bytes_per_vm * max(1, wanted.vms),
        volumes=(
            Volume(root="C:", size_bytes=200 * GB),
            *(Volume(root=r, size_bytes=room_bytes) for r in ("D:", "E:")),
        ),
        switches=("Production", "Backup") if rng.random() < 0.7 else ("Production",),  # noqa: PLR2004 - most have both
        bandwidth_bytes_per_s=rng.choice((125, 1250, 3125)) * MB,
        quirks=_quirks(rng) if wanted.has_quirks else Quirks(),
    )


def _quirks(rng: random.Random) -> Quirks:
    def either() -> bool:
        return rng.random() < 0.5  # noqa: PLR2004 - a coin

    return Quirks(
        limit_refusal_delay_s=rng.choice((0.0, 0.0, 90.0)),
        destination_enforces_limits=either(),
        incoming_moves_count=either(),
        separate_in_and_out_counters=either(),
        off_vms_use_live_slots=either(),
        storage_slot_released_after_disks=either(),
        status_delay_s=rng.choice((0.0, 3.0, 30.0)),
        job_delay_s=rng.choice((0.0, 2.0)),
        staleness_s=rng.choice((0.0, 5.0)),
        storage_phases_visible=either(),
        incoming_visible_in_lists=either(),
        incoming_shows_planned_status=either(),
        job_listed_on_destination=either(),
        percent_is_100_after_failure=either(),
        cancelled_job_state=rng.choice((JobState.Terminated, JobState.Exception)),
        partial_files_remain=either(),
        planned_vm_remains=either(),
        backup_blocks_move=either(),
        merge_blocks_move=either(),
    )


def _vm(rng: random.Random, number: int, wanted: Recipe, hosts: Sequence[Host]) -> VM:
    vm_id = UUID(int=rng.getrandbits(128), version=4)
    role = rng.choice(_ROLES)
    name = f"{role}01" if rng.random() < wanted.same_name_share else f"{role}{number:03}"
    root = paths.join(rng.choice(("D:\\VMs", "E:\\VMs")), f"{name}-{number}")
    is_odd = rng.random() < wanted.odd_share
    oddity = rng.choice(("iso", "switch", "pass-through", "cluster")) if is_odd else ""
    disks = [
        Disk(
            path=paths.join(root, "Virtual Hard Disks", f"{name}-{number}{f'-{n}' if n else ''}.vhdx"),
            size_bytes=int(wanted.disk_bytes_per_vm * rng.uniform(0.2, 1.0)),
            controller_location=n,
        )
        for n in range(rng.choice((1, 1, 1, 2, 3)))
    ]
    if oddity == "pass-through":
        disks.append(Disk(path="", disk_number=1, size_bytes=0, controller_location=9))
    checkpoint = Checkpoint(
        id=UUID(int=rng.getrandbits(128), version=4), name="before update", type=SnapshotType.Standard
    )
    return VM(
        id=vm_id,
        name=name,
        host=rng.choice(hosts).name,
        state=rng.choice((VMState.Off, VMState.Off, VMState.Saved))
        if rng.random() < wanted.off_share
        else VMState.Running,
        memory_bytes=int(wanted.memory_bytes_per_vm * rng.choice((0.25, 0.5, 1.0, 2.0))),
        generation=rng.choice((1, 2, 2)),
        version=rng.choice(("8.0", "9.0", "10.0")),
        path=root,
        disks=tuple(disks),
        adapters=(Adapter(switch="Rare" if oddity == "switch" else "Production"),),
        checkpoints=(checkpoint,) if rng.random() < 0.1 else (),  # noqa: PLR2004 - few
        iso_path="D:\\ISO\\rescue.iso" if oddity == "iso" else None,
        is_clustered=oddity == "cluster",
    )


def _window(rng: random.Random, vms: Sequence[VM]) -> BackupWindow:
    chosen = rng.sample(vms, k=max(1, len(vms) // 5))
    return BackupWindow(
        start_s=rng.uniform(0.0, 600.0),
        vms=tuple(vm.id for vm in chosen),
        duration_s=rng.uniform(30.0, 300.0),
        merge_s=rng.choice((0.0, 20.0)),
        variant=rng.choice(tuple(BackupVariant)),
        at_once=rng.choice((1, 2, 4)),
        makes_recovery_checkpoint=rng.random() < 0.5,  # noqa: PLR2004 - a coin
    )


def _migration(rng: random.Random, vms: Sequence[VM], hosts: Sequence[Host]) -> ScheduledMigration:
    vm = rng.choice(vms)
    return ScheduledMigration(
        start_s=rng.uniform(0.0, 900.0),
        vm=vm.id,
        destination=rng.choice([host.name for host in hosts if host.name != vm.host]),
        path="D:\\Moved",
    )
