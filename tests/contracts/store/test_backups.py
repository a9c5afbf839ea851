"""What every store promises about backups of VMs: a row each, from begin to end, and no more than needed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest

from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.inventory import HostName, VmId
from core.ports import Store
from tests.support.store_examples import HV01, HV02, NOW, later

Reopen = Callable[[], Awaitable[Store]]
SQL01, WEB01 = VmId(UUID(int=1)), VmId(UUID(int=2))


def run(vm_id: VmId = SQL01, began_min: float = 0, ended_min: float | None = None, host: HostName = HV01) -> BackupRun:
    return BackupRun(
        vm_id=vm_id,
        host=host,
        started_at=later(began_min),
        started_after=later(began_min - 1),
        ended_after=None if ended_min is None else later(ended_min - 1),
        ended_at=None if ended_min is None else later(ended_min),
    )


async def test_a_backup_is_one_row_from_its_begin_to_its_end(store: Store, reopen: Reopen) -> None:
    """What is written of it again replaces what was there; another one stands beside it."""
    await store.note_backups([run(), run(WEB01)], [])
    await store.note_backups([run(ended_min=40)], [])
    await store.note_backups([run(began_min=1440)], [])
    fresh = await reopen()
    assert await fresh.backup_runs([SQL01], NOW) == (run(ended_min=40), run(began_min=1440))
    assert await fresh.backup_runs([SQL01], later(1)) == (run(began_min=1440),)
    assert await fresh.backup_runs([], NOW) == ()


async def test_what_goes_on_or_was_over_lately_is_found(store: Store) -> None:
    """What a start needs: it must not read years."""
    old, recent, running = run(ended_min=40), run(began_min=1440, ended_min=1480), run(WEB01, began_min=100)
    await store.note_backups([old, recent, running], [])
    assert await store.newest_backups(later(1000)) == (running, recent)


async def test_spans_of_looking_go_on(store: Store) -> None:
    """The same span is replaced, another one added."""
    span = HostWatch(HV01, NOW, later(10))
    await store.note_backups([], [span, HostWatch(HV02, NOW, later(5))])
    await store.note_backups([], [replace(span, until=later(60)), HostWatch(HV01, later(90), later(95))])
    wanted = (HostWatch(HV01, NOW, later(60)), HostWatch(HV01, later(90), later(95)))
    assert await store.host_watches(later(30)) == wanted


async def test_what_is_old_goes(store: Store) -> None:
    """Backups and spans of before a time are removed; how many backups is said."""
    await store.note_backups(
        [run(), run(began_min=1440)], [HostWatch(HV01, NOW, later(5)), HostWatch(HV02, NOW, later(2000))]
    )
    assert await store.forget_backups(later(60)) == 1
    assert await store.forget_backups(later(60)) == 0
    assert await store.backup_runs([SQL01], NOW) == (run(began_min=1440),)
    assert await store.host_watches(NOW) == (HostWatch(HV02, NOW, later(2000)),)


@pytest.mark.parametrize("host", [HV01, HV02])
async def test_a_vm_leaves_a_hundred_behind_at_the_most(store: Store, host: HostName) -> None:
    """However often it is backed up, the newest are kept; another VM's stay."""
    await store.note_backups([run(WEB01)], [])
    for number in range(103):
        await store.note_backups([run(began_min=60 * number, host=host)], [])
    kept = await store.backup_runs([SQL01, WEB01], NOW)
    assert len(kept) == 101
    assert min(one.started_at for one in kept if one.vm_id == SQL01) == later(180)
