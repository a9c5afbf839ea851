"""Keeps when VMs were in backup, a row for each time, and when hosts were looked at."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, insert, or_, select

from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.inventory import VmId
from core.store.tables import backup_runs, host_watches

NEWEST = 100
"""So many backups of a VM are kept, however often it is backed up: that bounds what thousands of VMs leave behind."""
BATCH = 500
SLICE = 500
"""So many old ones are removed in one transaction."""

_FORGET_RUN = delete(backup_runs).where(
    *(getattr(backup_runs.c, name) == bindparam(f"known_{name}") for name in ("vm_id", "host", "started_at"))
)
_FORGET_WATCH = delete(host_watches).where(
    *(getattr(host_watches.c, name) == bindparam(f"known_{name}") for name in ("host", "since"))
)


def note(connection: Connection, runs: Sequence[BackupRun], watches: Sequence[HostWatch]) -> None:
    """Write down backups that began or ended, and until when hosts were looked at; a row that is there is replaced."""
    if runs:
        keys = [{"known_vm_id": r.vm_id, "known_host": r.host, "known_started_at": r.started_at} for r in runs]
        connection.execute(_FORGET_RUN, keys)
        connection.execute(insert(backup_runs), [asdict(run) for run in runs])
    for vm_id in {run.vm_id for run in runs if run.ended_at is None}:
        _keep_newest(connection, vm_id)
    if watches:
        connection.execute(_FORGET_WATCH, [{"known_host": w.host, "known_since": w.since} for w in watches])
        connection.execute(insert(host_watches), [asdict(watch) for watch in watches])


def of_vms(connection: Connection, vm_ids: Collection[VmId], since: datetime) -> tuple[BackupRun, ...]:
    """Read the backups of these VMs that began since then, in order of time."""
    wanted = list(vm_ids)
    found = list[BackupRun]()
    for start in range(0, len(wanted), BATCH):
        chosen = backup_runs.c.vm_id.in_(wanted[start : start + BATCH])
        query = select(backup_runs).where(chosen, backup_runs.c.started_at >= since)
        found += [BackupRun(**row) for row in connection.execute(query).mappings()]
    return tuple(sorted(found, key=lambda run: run.started_at))


def newest(connection: Connection, since: datetime) -> tuple[BackupRun, ...]:
    """Read the backups that go on as far as anybody saw, or ended since then, in order of time."""
    is_recent = or_(backup_runs.c.ended_at.is_(None), backup_runs.c.ended_at >= since)
    query = select(backup_runs).where(is_recent).order_by(backup_runs.c.started_at)
    return tuple(BackupRun(**row) for row in connection.execute(query).mappings())


def watches(connection: Connection, since: datetime) -> tuple[HostWatch, ...]:
    """Read when hosts were looked at, in order of time; what was over before then is left out."""
    query = select(host_watches).where(host_watches.c.until >= since).order_by(host_watches.c.since)
    return tuple(HostWatch(**row) for row in connection.execute(query).mappings())


def forget(connection: Connection, before: datetime) -> int:
    """Remove what is older. Returns how many backups were removed: ``SLICE`` at the most."""
    connection.execute(delete(host_watches).where(host_watches.c.until < before))
    key = (backup_runs.c.vm_id, backup_runs.c.host, backup_runs.c.started_at)
    old = connection.execute(select(*key).where(backup_runs.c.started_at < before).limit(SLICE)).all()
    if old:
        keys = [{"known_vm_id": vm_id, "known_host": host, "known_started_at": at} for vm_id, host, at in old]
        connection.execute(_FORGET_RUN, keys)
    return len(old)


def _keep_newest(connection: Connection, vm_id: VmId) -> None:
    mine = backup_runs.c.vm_id == vm_id
    newest_first = select(backup_runs.c.started_at).where(mine).order_by(backup_runs.c.started_at.desc())
    last = connection.execute(newest_first.offset(NEWEST).limit(1)).scalar()
    if last is not None:
        connection.execute(delete(backup_runs).where(and_(mine, backup_runs.c.started_at <= last)))
