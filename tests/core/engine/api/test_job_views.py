"""How jobs are looked at: once for everybody at the same time, never older than a change that was known."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId, JobState
from core.domain.model.move import Move, MoveId
from core.domain.model.plan import Plan
from core.domain.scheduling.freeze import Calendar
from core.domain.scheduling.links import NO_LINKS
from core.domain.scheduling.start_permission import STOP
from core.engine.api.job_views import JobViews
from core.engine.backup_outlooks import BackupOutlooks
from core.engine.hosts.backup_rhythms import BackupRhythms
from core.engine.hosts.backup_watch import BackupWatch
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.store import SqlStore
from core.tasks import MANY
from lab.virtual_time import EPOCH, Outside, VirtualClock, VirtualTimeLoop, run_virtually
from tests.support.databases import database_url
from tests.support.engine_harness import vm_id

HV01, HV02 = HostName("HV01"), HostName("HV02")


class CountingStore(SqlStore):
    """A store that counts how often a job's moves are read; ``gate`` holds each reader back after it has read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.looks = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    async def moves(self, job_id: JobId | None = None, *, open_only: bool = False) -> tuple[Move, ...]:
        self.looks += 1
        found = await super().moves(job_id, open_only=open_only)
        self.reached.set()
        await self.gate.wait()
        return found


@dataclass
class Room:
    """The views of one running job of some VMs."""

    store: CountingStore
    snapshot_cache: SnapshotCache
    job_views: JobViews
    job: Job
    loop: VirtualTimeLoop

    async def change(self) -> Move:
        """Change the first move, and say so; no time passes by it."""
        with self.loop.outside():
            move = (await SqlStore.moves(self.store, self.job.id))[0]
            changed = await self.store.change_move(move, replace(move, cancel_by="U1"))
        self.job_views.invalidate(self.job.id)
        return changed


def play(tmp_path: Path, script: Callable[[Room], Awaitable[None]], *, vms: int = 2) -> None:
    """Let a script play with job views on virtual time."""

    async def main(loop: VirtualTimeLoop) -> None:
        store = CountingStore(database_url(tmp_path / "bot.db"))
        counted: Any = Outside(store, loop)
        await counted.open()
        job = await counted.add_job(
            Job(id=JobId(""), plan=Plan(()), requester="U1", channel="C1", text="", created_at=EPOCH, expires_at=EPOCH)
        )
        moves = [
            Move(
                id=MoveId(0),
                job_id=job.id,
                vm_id=VmId(vm_id(n)),
                vm_name=f"vm{n}",
                source=HV01,
                destination=HV02,
                path="D:\\VMs",
                size_bytes=10**9,
            )
            for n in range(vms)
        ]
        job = await counted.change_job(job, replace(job, state=JobState.RUNNING, decided_at=EPOCH), new_moves=moves)
        snapshot_cache = SnapshotCache()
        clock = VirtualClock(loop)
        rhythms = BackupRhythms(counted, clock, BackupWatch(counted, clock), ZoneInfo("UTC"))
        seen = JobViews(
            counted,
            snapshot_cache,
            clock,
            Calendar((), UTC),
            assumed_bytes_per_s=1e8,
            max_parallel=0,
            backups=BackupOutlooks(counted, rhythms, is_on=True, assumed_bytes_per_s=1e8, links=NO_LINKS),
        )
        await script(Room(store, snapshot_cache, seen, job, loop))
        await counted.close()

    run_virtually(main)


def test_a_crowd_that_asks_at_once_shares_one_look(tmp_path: Path) -> None:
    """However many ask at the same moment, and in the second after it, the moves are read once."""

    async def script(room: Room) -> None:
        views = await asyncio.gather(*(room.job_views.of(room.job.id) for _ in range(10)))
        assert room.store.looks == 1
        await asyncio.sleep(0.9)
        assert await room.job_views.of(room.job.id) is views[0]
        assert all(view is views[0] for view in views)

    play(tmp_path, script)


def test_a_view_is_at_most_a_second_old(tmp_path: Path) -> None:
    """What nobody tells the job views, such as what another process wrote, is seen a second later."""

    async def script(room: Room) -> None:
        before = await room.job_views.of(room.job.id)
        move = before.moves[0].move
        changed = await room.store.change_move(move, replace(move, cancel_by="U1"))
        await asyncio.sleep(1)
        assert (await room.job_views.of(room.job.id)).moves[0].move == changed

    play(tmp_path, script)


def test_who_asks_after_a_change_sees_it(tmp_path: Path) -> None:
    """A person who clicked and looks sees what the click did, however fresh the last view is."""

    async def script(room: Room) -> None:
        await room.job_views.of(room.job.id)
        changed = await room.change()
        assert (await room.job_views.of(room.job.id)).moves[0].move == changed

    play(tmp_path, script)


def test_a_look_that_began_before_a_change_is_not_shown_to_who_asks_after_it(tmp_path: Path) -> None:
    """Those who asked before may get it; those who ask after it share the next look."""

    async def script(room: Room) -> None:
        room.store.gate.clear()
        early = asyncio.create_task(room.job_views.of(room.job.id))
        await room.store.reached.wait()
        changed = await room.change()
        late = [asyncio.create_task(room.job_views.of(room.job.id)) for _ in range(5)]
        room.store.gate.set()
        assert (await early).moves[0].move.cancel_by == ""
        assert {view.moves[0].move for view in await asyncio.gather(*late)} == {changed}
        assert room.store.looks == 2

    play(tmp_path, script)


def test_a_stop_concerns_every_view(tmp_path: Path) -> None:
    """The big red stop is seen at once."""

    async def script(room: Room) -> None:
        assert (await room.job_views.of(room.job.id)).stopped_by == ""
        await room.store.set_switch(STOP, "U_BOB")
        room.job_views.invalidate_all()
        assert (await room.job_views.of(room.job.id)).stopped_by == "U_BOB"

    play(tmp_path, script)


def test_who_gives_up_takes_nothing_from_the_others(tmp_path: Path) -> None:
    """A look that is cancelled is made again by the next in line."""

    async def script(room: Room) -> None:
        room.store.gate.clear()
        first = asyncio.create_task(room.job_views.of(room.job.id))
        second = asyncio.create_task(room.job_views.of(room.job.id))
        await room.store.reached.wait()
        first.cancel()
        room.store.gate.set()
        assert len((await second).moves) == 2

    play(tmp_path, script)


def test_the_estimate_of_a_large_job_holds_for_a_while(tmp_path: Path) -> None:
    """It is made in a thread, and again after ten seconds; people's orders count at once."""

    async def script(room: Room) -> None:
        first = (await room.job_views.of(room.job.id)).eta
        assert first is not None
        await asyncio.sleep(5)
        await room.change()
        assert (await room.job_views.of(room.job.id)).eta is first
        await asyncio.sleep(5)
        again = (await room.job_views.of(room.job.id)).eta
        assert again is not None
        assert again.likely > first.likely
        await room.store.set_switch(STOP, "U_BOB")
        room.job_views.invalidate_all()
        stopped = await room.job_views.of(room.job.id)
        assert (stopped.eta, stopped.why_no_eta) == (None, "all starts are stopped")

    play(tmp_path, script, vms=MANY)
