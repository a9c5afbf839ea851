"""The store behind the engine's port: each method is one transaction on the database."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection

from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.events import Event, Notice, Recorded
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Card, Job, JobId, JobState
from core.domain.model.move import Attempt, Fault, Move, MoveId
from core.domain.planning.speeds import LinkSpeed, SharedSpeed
from core.domain.reporting.estimates import Estimated
from core.domain.reporting.past import Past
from core.domain.scheduling.links import LinkUsage
from core.domain.scheduling.slots import SlotUsage
from core.errors import MigrateBotError, StoreError, StoreLost
from core.store import attempts, backups, estimates, events, jobs, moves, outbox, past, retention, switches, throughput
from core.store.database import Database, nobody
from core.store.dialects import PROOF_WITHIN_S
from core.store.ownership import Ownership, ownership_of


class SqlStore:
    """``core.ports.Store`` in a database: ``sqlite+aiosqlite:///file``, or ``postgresql+psycopg://user@server/name``.

    ``timeout_s``: how long to wait for another process that holds it locked; ``ownership``: what keeps a second bot
    off; ``history``: the file for what is removed, None: beside the database's own file. ``on_commit`` and
    ``on_error``: as ``Database`` has them.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        ownership: Ownership | None = None,
        history: Path | None = None,
        on_commit: Callable[[Sequence[Recorded]], None] = nobody,
        on_error: Callable[[MigrateBotError], None] = nobody,
    ) -> None:
        self._ownership = ownership or ownership_of(url)
        self._history = history or retention.file_beside(url)
        self._database = Database(
            url, timeout_s=timeout_s, ownership=self._ownership, on_commit=on_commit, on_error=on_error
        )
        self._plan_cache = jobs.PlanCache()
        self._move_cache = moves.MoveCache()
        self._claimant = uuid4().hex
        self._claims_since: datetime | None = None

    async def open(self) -> None:
        """Make the database ours, open or create it and bring its schema up to date."""
        await self._ownership.take()
        try:
            await self._database.open()
        except BaseException:
            await self._ownership.give_up()
            raise

    async def open_to_look(self) -> None:
        """Open the database only to read, beside whoever works on it; it is neither created nor changed.

        Raises:
            StoreError: there is none, or it has another schema than this version's.

        """
        await self._database.open(is_to_look=True)

    async def close(self) -> None:
        """Let what is under way come to its end, close, and let the next process have it."""
        await self._database.close()
        await self._ownership.give_up()

    async def keep_ownership(self) -> None:
        """Show that the database is still ours."""
        if not self._ownership.needs_proof:
            return
        try:
            await self._database.prove(PROOF_WITHIN_S)
        except StoreLost:
            self._ownership.lost.set()
            raise

    async def add_job(self, job: Job, *events: Event) -> Job:
        """Store a new job; its id is given here, and put into the events."""
        return await self._database.write(jobs.add, job, events)

    async def job(self, job_id: JobId) -> Job:
        """Read one job."""
        return await self._database.read(jobs.read, self._plan_cache, job_id)

    async def jobs(self, *states: JobState, limit: int = 100, ended_since: datetime | None = None) -> tuple[Job, ...]:
        """Read jobs, newest first."""
        return await self._database.read(jobs.listed, self._plan_cache, states, limit, ended_since)

    async def change_job(self, before: Job, after: Job, *events: Event, new_moves: Sequence[Move] = ()) -> Job:
        """Replace a job, all but its card; add its moves."""
        return await self._database.write(jobs.change, before, after, events, new_moves)

    async def set_card(self, job_id: JobId, card: Card) -> None:
        """Remember where the job's card is."""
        await self._database.write(jobs.set_card, job_id, card)

    async def set_card_final(self, job_id: JobId) -> None:
        """Remember that the card of an ended job shows its end."""
        await self._database.write(jobs.set_card_final, job_id)

    async def jobs_with_open_cards(self) -> tuple[JobId, ...]:
        """Return the jobs whose card does not show their end yet."""
        return await self._database.read(jobs.with_open_cards)

    async def newest_event_at(self) -> datetime | None:
        """Return when the newest thing happened that is written down."""
        return await self._database.read(retention.newest_event_at)

    async def forget_jobs(self, ended_before: datetime, limit: int) -> int:
        """Remove the oldest jobs that ended before then, after everything of them is in the history file."""
        if self._history is None:
            return 0
        old = await self._database.read(retention.old_jobs, ended_before, limit)
        for job_id in old:
            await self._put_away(job_id, self._history)
            for table in retention.PARTS:
                while await self._database.write(retention.remove_slice, table, job_id):
                    pass
            await self._database.write(retention.remove_job, job_id)
        return len(old)

    async def _put_away(self, job_id: JobId, history: Path) -> None:
        for table in retention.ALL:
            after = 0
            while True:
                lines, after = await self._database.read(retention.rows_of, table, job_id, after)
                if not lines:
                    break
                try:
                    await asyncio.to_thread(retention.append, history, lines)
                except OSError as error:
                    raise StoreError(f"The history file cannot be written: {error.strerror}.") from error

    async def move(self, move_id: int) -> Move:
        """Read one move."""
        return await self._database.read(moves.read, MoveId(move_id))

    async def moves(self, job_id: JobId | None = None, *, open_only: bool = False) -> tuple[Move, ...]:
        """Read moves in the plan's order."""
        return await self._database.read(moves.listed, self._move_cache, job_id, open_only=open_only)

    async def newest_moves(self, name: str, vm_ids: Collection[VmId]) -> tuple[Move, ...]:
        """Read the newest move of each VM that has one of these ids, or bears this name or id in a move."""
        return await self._database.read(moves.newest, name, vm_ids)

    async def moves_towards(self, host: HostName) -> tuple[Move, ...]:
        """Read the open moves that go to a host."""
        return await self._database.read(moves.towards, host)

    async def moves_to_tidy(self, at: datetime) -> tuple[Move, ...]:
        """Read the moves whose clean-up had to wait and is due."""
        return await self._database.read(moves.to_tidy, at)

    async def change_move(self, before: Move, after: Move, *events: Event, attempt: Attempt | None = None) -> Move:
        """Replace a move that holds no reservation, or goes on holding it."""
        if attempt is None:
            return await self._database.write(moves.change, before, after, events)
        return await self._database.write(attempts.change_move, attempt, before, after, events, owner=self._claimant)

    async def change_moves(self, changes: Sequence[tuple[Move, Move]], *events: Event) -> tuple[Move, ...]:
        """Replace several moves of one job: all of them, or none."""
        stored = await self._database.write(moves.change_all, changes, events)
        self._move_cache.put(stored)
        return stored

    async def begin_attempt(
        self,
        before: Move,
        after: Move,
        claims: Sequence[SlotUsage],
        *events: Event,
        at: datetime,
        on_links: Sequence[LinkUsage] = (),
        frozen_until: datetime | None = None,
    ) -> tuple[Move, Attempt]:
        """Reserve the slots and open the attempt."""
        return await self._database.write(
            attempts.begin,
            before,
            after,
            claims,
            events,
            on_links=on_links,
            cache=self._plan_cache,
            owner=self._claimant,
            at=at,
            frozen_until=frozen_until,
        )

    async def order_attempt(self, attempt: Attempt, *, at: datetime, frozen_until: datetime | None = None) -> Attempt:
        """Release the order of an attempt."""
        return await self._database.write(
            attempts.order, attempt, cache=self._plan_cache, owner=self._claimant, at=at, frozen_until=frozen_until
        )

    async def confirm_attempt(self, attempt: Attempt, before: Move, after: Move, *events: Event, at: datetime) -> Move:
        """Replace a move and note that a host showed the migration."""
        return await self._database.write(attempts.confirm, attempt, before, after, events, owner=self._claimant, at=at)

    async def end_attempt(
        self,
        attempt: Attempt,
        before: Move,
        after: Move,
        *events: Event,
        at: datetime,
        fault: Fault | None = None,
        host_words: str = "",
    ) -> Move:
        """Replace a move and close its attempt."""
        return await self._database.write(
            attempts.end,
            attempt,
            before,
            after,
            events,
            owner=self._claimant,
            at=at,
            fault=fault,
            host_words=host_words,
        )

    async def rename_hosts(self, names: Mapping[HostName, HostName]) -> None:
        """Call hosts otherwise, in all that is not over."""
        await self._database.write(attempts.rename_hosts, names)

    async def adopt_attempts(self) -> tuple[Attempt, ...]:
        """Take over every open attempt."""
        return await self._database.write(attempts.adopt, self._claimant)

    async def attempts(self, move_id: int | None = None, *, open_only: bool = False) -> tuple[Attempt, ...]:
        """Read attempts, oldest first."""
        wanted = None if move_id is None else MoveId(move_id)
        return await self._database.read(attempts.listed, wanted, open_only=open_only)

    async def attempts_under_way(self) -> tuple[Attempt, ...]:
        """Read, of each move that is between its start and its end, the newest attempt."""
        return await self._database.read(attempts.under_way)

    async def attempts_between(self, since: datetime, until: datetime) -> tuple[Attempt, ...]:
        """Read the attempts that began before ``until`` and had not ended by ``since``, oldest first."""
        return await self._database.read(attempts.between, since, until)

    async def faults_since(self, since: datetime) -> tuple[Attempt, ...]:
        """Read the attempts that ended with a fault since then, oldest first."""
        return await self._database.read(attempts.ended_since, since)

    async def events(self, job_id: JobId, *, after: int = 0) -> tuple[Event, ...]:
        """Read everything that happened to a job, or after one event, oldest first."""
        return await self._database.read(events.of_job, job_id, after)

    async def add_events(self, *happened: Event) -> None:
        """Store events that change nothing else: all of them, or none."""
        await self._database.write(events.add, happened)

    async def claim_notices(self, limit: int, at: datetime) -> tuple[Notice, ...]:
        """Read the oldest undelivered notice of each job that is due, and mark them as being said."""
        since = self._claims_since = self._claims_since or at
        return await self._database.write(outbox.claim, self._plan_cache, self._claimant, limit, at=at, since=since)

    async def notice_said(self, notice_id: int, at: datetime) -> None:
        """Mark a notice as delivered."""
        await self._database.write(outbox.said, notice_id, at)

    async def notice_failed(self, notice_id: int, error: str, again_at: datetime | None, *events: Event) -> None:
        """Note a failed delivery."""
        await self._database.write(outbox.failed, notice_id, error, again_at, events)

    async def retry_pages(self, since: datetime) -> int:
        """Put the pages that were given up back into the outbox, unless they are older."""
        return await self._database.write(outbox.retry_pages, since)

    async def outbox_counts(self) -> tuple[int, datetime | None, int]:
        """Count what waits to be told, with the time of the oldest, and what was given up."""
        return await self._database.read(outbox.counts)

    async def switch(self, name: str) -> str:
        """Read a persistent switch."""
        return await self._database.read(switches.read, name)

    async def set_switch(self, name: str, value: str, *events: Event) -> None:
        """Set a persistent switch."""
        await self._database.write(switches.write, name, value, events)

    async def identity(self) -> str:
        """Return the id of this database."""
        return await self._database.write(switches.identity)

    async def put_back(self) -> str:
        """Give a database that was put back from a copy a new id; what it has not delivered may have been said."""
        return await self._database.write(_put_back)

    async def past(self, since: datetime, until: datetime) -> Past:
        """Count what ended, failed and waited in a length of time."""
        return await self._database.read(past.read, since, until)

    async def estimates(self, until: datetime | None = None) -> tuple[tuple[Estimated, ...], tuple[Estimated, ...]]:
        """Read the newest estimates and what came true, of jobs and of moves."""
        return await self._database.read(estimates.read, until)

    async def speeds(self) -> dict[tuple[HostName, HostName], float]:
        """Read learned throughput per host pair."""
        return await self._database.read(throughput.read)

    async def shared_speeds(self) -> dict[tuple[HostName, HostName], SharedSpeed]:
        """Read learned throughput per host pair, as if moves at one host share it."""
        return await self._database.read(throughput.read_shared)

    async def link_speeds(self) -> dict[str, LinkSpeed]:
        """Read learned throughput per link."""
        return await self._database.read(throughput.read_links)

    async def learn_speed(
        self,
        source: HostName,
        destination: HostName,
        bytes_per_s: float,
        shared_by: Mapping[str, float] | None = None,
        *,
        at_host: float = 1.0,
    ) -> None:
        """Fold one measured move into the throughput of a host pair, and of its links."""
        await self._database.write(throughput.learn, source, destination, bytes_per_s, shared_by or {}, at_host=at_host)

    async def note_backups(self, runs: Sequence[BackupRun], watches: Sequence[HostWatch]) -> None:
        """Write down when VMs were in backup and hosts looked at."""
        await self._database.write(backups.note, runs, watches)

    async def backup_runs(self, vm_ids: Collection[VmId], since: datetime) -> tuple[BackupRun, ...]:
        """Read the backups of these VMs that began since then, in order of time."""
        return await self._database.read(backups.of_vms, vm_ids, since)

    async def newest_backups(self, since: datetime) -> tuple[BackupRun, ...]:
        """Read the backups of all VMs that go on, or ended since then, in order of time."""
        return await self._database.read(backups.newest, since)

    async def host_watches(self, since: datetime) -> tuple[HostWatch, ...]:
        """Read when hosts were looked at since then, in order of time."""
        return await self._database.read(backups.watches, since)

    async def forget_backups(self, before: datetime) -> int:
        """Remove some of what is older."""
        return await self._database.write(backups.forget, before)


def _put_back(connection: Connection) -> str:
    outbox.doubt_all(connection)
    return switches.identity(connection, is_new=True)
