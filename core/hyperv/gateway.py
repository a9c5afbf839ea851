"""Implements the gateway to real Hyper-V hosts: reads them, starts and cancels moves, removes empty folders.

The HostGateway port over pypsrp. Reads are asked a second time when contact was lost; nothing else ever is.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PureWindowsPath
from threading import Event
from typing import TypeVar

from core.backoff import random_up_to, retry
from core.config import Settings
from core.domain.model.host_calls import (
    CancelReply,
    CompatibilityReply,
    FolderFate,
    FolderReceipt,
    MoveOrder,
    MoveReport,
)
from core.domain.model.inventory import CheckLine, HostFacts, HostJob, HostName, Inspection, Snapshot, Vm, VmId
from core.errors import ContactLost, HostError, HostUnreachable, NotInSettings, OrderWithdrawn, UnknownHost
from core.hyperv import checks, compatibility, decode, host_reads, pipelines
from core.hyperv.circuit_breaker import CircuitBreaker
from core.hyperv.connection_settings import ConnectionSettings, targets_of
from core.hyperv.error_mapping import SessionsUsedUp
from core.hyperv.host_reads import must
from core.hyperv.kerberos import Tickets
from core.hyperv.lockout_guard import LockoutGuard
from core.hyperv.login_memory import Account, LoginMemory
from core.hyperv.move_threads import Keeping, MoveThreads
from core.hyperv.session import Session
from core.hyperv.session_record import SessionRecord
from core.hyperv.session_threads import ReaderThreads, ask_loop
from core.ports import Permit

log = logging.getLogger(__name__)
T = TypeVar("T")
_Who = tuple[str, str, Path | None]
"""User name, password and keytab: what one account is."""

_HOLD_S = 5
"""How long a silent Receive of a move may last, and so how long its thread outlives an abandoned move."""
_MOVE_MARGIN = 2
"""Threads for moves beyond the host's limit: some may be saying goodbye."""
_FIRST_MOVE_LIMIT = 6
_PIPELINE_TIMEOUTS = 3
"""How many operation timeouts one pipeline may take."""
_CALL_TIMEOUTS = 9
"""How many operation timeouts a whole call may take."""
_LONGEST_KEPT_S = 3600.0
_RETRY_WITHIN_S = 1.0
_FAREWELL_S = 5.0
_LEAST_PARTS = 3
"""A folder below a first-level one: drive, folder, folder."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The connections to one host."""

    target: ConnectionSettings
    new_session: Callable[[ConnectionSettings], Session]
    tickets: Tickets
    readers: ReaderThreads
    moves: MoveThreads
    breaker: CircuitBreaker

    @property
    def host(self) -> HostName:
        return self.target.host

    @property
    def pipeline_timeout_s(self) -> float:
        return self.target.operation_timeout_s * _PIPELINE_TIMEOUTS


class PypsrpGateway:
    """The HostGateway port over WinRM."""

    def __init__(
        self,
        settings: Settings,
        *,
        record: SessionRecord | None = None,
        logins: LoginMemory | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._record = record or SessionRecord()
        self._now = now
        self._lines: dict[HostName, _Line] = {}
        # Silence of the bot's own making must not be taken for a lost host: half the patience leaves time for a try.
        longest_pause_s = settings.migration.silence_patience.total_seconds() / 2
        new_guard = partial(LockoutGuard, longest_pause_s=longest_pause_s, memory=logins)
        accounts: dict[_Who, LockoutGuard] = {}
        tickets: dict[_Who, Tickets] = {}
        for host, target in targets_of(settings).items():
            secret = target.password.get_secret_value()
            who = (target.username.casefold(), secret, target.keytab)
            if who not in accounts:
                accounts[who] = new_guard(account=Account(target.username, secret, target.keytab))
                tickets[who] = Tickets(target.username, secret, target.keytab)
            any_session = partial(Session, account=accounts[who], tickets=tickets[who], record=self._record)
            new_session = partial(any_session, target)
            self._lines[host] = _Line(
                target,
                any_session,
                tickets[who],
                ReaderThreads(host, settings.winrm.sessions, new_session),
                MoveThreads(
                    host,
                    partial(new_session, hold_s=_HOLD_S),
                    _FIRST_MOVE_LIMIT,
                    Keeping(
                        most=settings.winrm.spare_sessions,
                        make_ready=partial(_make_ready, timeout_s=target.operation_timeout_s),
                        good_for_s=_good_for_s,
                    ),
                ),
                CircuitBreaker(host),
            )

    async def observe(self, host: HostName) -> Snapshot:
        """Read limits, counters, every realized VM and the migration jobs, in four pipelines."""
        line = self._line(host)
        snapshot = await self._read(line, partial(host_reads.observe, line.target, line.pipeline_timeout_s, self._now))
        self._note_limits(line, snapshot.facts)
        return snapshot

    async def inspect(
        self,
        host: HostName,
        vm_ids: Collection[VmId] | None = None,
        *,
        neighbours: bool = False,
        known: Snapshot | None = None,
    ) -> Inspection:
        """Read a snapshot plus what a plan needs; the pipelines grow with the longest chain of disks, not with VMs."""
        line = self._line(host)
        wanted = None if vm_ids is None else frozenset(vm_ids)
        inspect = partial(
            host_reads.inspect,
            line.target,
            line.pipeline_timeout_s,
            self._now,
            wanted,
            neighbours=neighbours,
            known=known,
        )
        inspection = await self._read(line, inspect)
        self._note_limits(line, inspection.snapshot.facts)
        return inspection

    async def machine_at(self, host: HostName, address: str) -> str:
        """Run Get-VMHost on the host with the other one's name, which opens a session of its own there."""
        line = self._line(host)
        pipeline = pipelines.peer(address)

        def read(session: Session) -> str:
            reply = session.run(pipeline, timeout_s=line.pipeline_timeout_s)
            return decode.read_machine(line.host, must(line.target, pipeline, reply))

        return await self._once(line, read, pipeline.title)

    async def find(self, host: HostName, vm_id: VmId) -> Vm | None:
        """Read one VM. A miss is believed only when a list of all VMs does not have it either."""
        line = self._line(host)
        return await self._read(line, partial(host_reads.find, line.target, line.pipeline_timeout_s, vm_id))

    async def jobs(self, host: HostName, vm_id: VmId) -> tuple[HostJob, ...]:
        """Read the migration jobs of one VM."""
        line = self._line(host)

        def read(session: Session) -> tuple[HostJob, ...]:
            reply = session.run(pipelines.JOBS, timeout_s=line.pipeline_timeout_s)
            jobs = decode.read_jobs(line.host, must(line.target, pipelines.JOBS, reply))
            return tuple(job for job in jobs if job.vm_id == vm_id)

        return await self._read(line, read)

    async def move(
        self, host: HostName, order: MoveOrder, on_progress: Callable[[int], None], may_start: Permit
    ) -> MoveReport:
        """Run Move-VM in a thread and session of its own until it returns."""
        line = self._line(host)
        through_role = bool(order.disks) and not line.target.is_full_language
        pipeline = pipelines.move_with_disks(order) if through_role else pipelines.move(order)
        loop = asyncio.get_running_loop()

        def progress(percent: int) -> None:
            loop.call_soon_threadsafe(on_progress, percent)

        def work(session: Session, abandoned: Event) -> MoveReport:
            def last_check() -> None:
                if not ask_loop(loop, may_start, abandoned):
                    raise OrderWithdrawn(line.host, f"The order to {line.host} was withdrawn before it was sent.")

            reply = session.run(pipeline, on_progress=progress, abandoned=abandoned, last_check=last_check)
            return MoveReport(errors=reply.words, warnings=reply.warnings)

        return await self._foreseen(line, line.moves.stay(work))

    async def expect_moves(self, sources: Mapping[HostName, int]) -> None:
        """Have sessions with these hosts ready; all others close theirs after a while."""
        for name, line in self._lines.items():
            line.moves.expect(sources.get(name, 0))

    async def cancel(self, host: HostName, vm_id: VmId) -> CancelReply:
        """Call Stop-VMMigration on the source."""
        line = self._line(host)
        pipeline = pipelines.stop_migration(vm_id)

        def work(session: Session) -> CancelReply:
            reply = session.call(pipeline, timeout_s=line.pipeline_timeout_s)
            if not reply.values and any(map(host_reads.is_no_migration, reply.words)):
                return CancelReply(found=False, text=reply.words[0].text)
            return decode.read_cancel(line.host, reply.values or must(line.target, pipeline, reply))

        return await self._once(line, work, pipeline.title)

    async def list_folder(self, host: HostName, path: str) -> tuple[str, ...] | None:
        """Call Get-FolderItem; nothing with an error is not an empty folder."""
        line = self._line(host)
        return await self._read(line, partial(host_reads.list_folder, line.target, line.pipeline_timeout_s, path))

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        """Call Remove-EmptyFolder, unless the path is one that is never removed."""
        line = self._line(host)
        if not _may_be_removed(path):
            return FolderReceipt(path, FolderFate.KEPT, "Only a local folder two or more levels down is ever removed.")
        pipeline = pipelines.remove_empty_folder(path)

        def work(session: Session) -> FolderReceipt:
            reply = session.call(pipeline, timeout_s=line.pipeline_timeout_s)
            return decode.read_receipt(line.host, path, must(line.target, pipeline, reply))

        return await self._once(line, work, pipeline.title)

    async def compatibility_info(self, host: HostName, vm_ids: Sequence[VmId]) -> tuple[bytes | HostError, ...]:
        """Call Get-VMCompatibility, once for all."""
        line = self._line(host)
        ask = partial(compatibility.compatibility_info, line.target, line.pipeline_timeout_s, vm_ids)
        return await self._read(line, ask)

    async def test_compatibility(
        self, host: HostName, infos: Sequence[bytes]
    ) -> tuple[CompatibilityReply | HostError, ...]:
        """Call Test-VMCompatibility, once for all."""
        line = self._line(host)
        ask = partial(compatibility.test_compatibility, line.target, line.pipeline_timeout_s, infos)
        return await self._read(line, ask)

    async def test_migration(self, host: HostName, vm_id: VmId, destination: HostName) -> CompatibilityReply:
        """Call Test-VMMigration."""
        line, address = self._line(host), self._line(destination).target.migration_address
        ask = partial(compatibility.test_migration, line.target, line.pipeline_timeout_s, vm_id, address)
        return await self._read(line, ask)

    async def notes(self, host: HostName, key: str) -> Mapping[VmId, tuple[str, ...]]:
        """Call Get-VMNote."""
        line = self._line(host)
        return await self._read(line, partial(host_reads.notes, line.target, line.pipeline_timeout_s, key))

    async def check(self, host: HostName, peers: Sequence[HostName]) -> tuple[CheckLine, ...]:
        """Look at login, commands, rights, limits and both hops; every trouble is a line."""
        line = self._line(host)
        others = [self._line(peer).target for peer in peers]

        async def ask(work: Callable[[Session], T]) -> T:
            return await self._once(line, work, "the check")

        async def try_login(target: ConnectionSettings) -> None:
            threads = ReaderThreads(line.host, 1, partial(line.new_session, target))
            try:
                await threads.ask(lambda _: None, line.pipeline_timeout_s)
            except TimeoutError:
                raise ContactLost(line.host, f"{line.host} did not answer a login in time.") from None
            finally:
                await threads.close(_FAREWELL_S)

        return await checks.check(
            line.target,
            others,
            ask,
            try_login,
            timeout_s=line.pipeline_timeout_s,
            ticket_source=line.tickets.source,
        )

    async def close(self) -> None:
        """Let go of every session. Migrations go on."""
        lines = self._lines.values()
        await asyncio.gather(
            *(line.readers.close(_FAREWELL_S) for line in lines), *(line.moves.close(_FAREWELL_S) for line in lines)
        )
        self._record.close()

    def _line(self, host: HostName) -> _Line:
        if (line := self._lines.get(host)) is not None:
            return line  # as it is written in the settings, which is looked up at once
        try:
            return self._lines[self._settings.host_name(host)]
        except UnknownHost as error:
            raise NotInSettings(host, error.message) from None

    def _note_limits(self, line: _Line, facts: HostFacts) -> None:
        line.moves.limit = max(facts.live_limit, facts.storage_limit) + _MOVE_MARGIN

    async def _once(self, line: _Line, work: Callable[[Session], T], title: str) -> T:
        timeout_s = line.target.operation_timeout_s * _CALL_TIMEOUTS
        try:
            return await self._foreseen(line, line.readers.ask(work, timeout_s))
        except TimeoutError:
            raise ContactLost(line.host, f"{line.host} did not answer {title} in {timeout_s:.0f} s.") from None

    async def _foreseen(self, line: _Line, call: Awaitable[T]) -> T:
        """Wait for a call. What nobody foresaw is a bug, and must not reach the loops above as it is."""
        try:
            return await call
        except SessionsUsedUp:
            line.moves.release()  # what waits unused must not keep anybody from his work
            raise
        except (HostError, TimeoutError):
            raise
        except Exception as error:
            log.exception("the gateway to %s broke", line.host)
            raise ContactLost(
                line.host,
                f"The bot broke while it spoke to {line.host} ({type(error).__name__}).",
                hint="A bug of migrate-bot: please report what its log says.",
            ) from error

    async def _read(self, line: _Line, work: Callable[[Session], T]) -> T:
        line.breaker.admit()
        try:
            result: T = await retry(
                partial(self._once, line, work, "in time"),
                ContactLost,
                HostUnreachable,
                wait=random_up_to(_RETRY_WITHIN_S),
                tries=2,
                within_s=line.target.operation_timeout_s,
            )
        except (ContactLost, HostUnreachable) as error:
            line.breaker.failed(error.message, error.standing, error.hint)
            raise
        line.breaker.answered()
        return result


def _make_ready(session: Session, *, timeout_s: float) -> None:
    """Let a session load the module of Hyper-V, or show that it is alive."""
    session.run(pipelines.HOST, timeout_s=timeout_s)


def _good_for_s(session: Session) -> float:
    """Return how long after its logon a session may be given to further moves.

    What it may do on other hosts ends with the ticket it was opened with, whatever its connection logs on with later;
    and its process on the host gathers no memory for ever.
    """
    due_at = session.login.due_at if session.login is not None else None
    return _LONGEST_KEPT_S if due_at is None else min(_LONGEST_KEPT_S, due_at - time.time())


def _may_be_removed(path: str) -> bool:
    folder = PureWindowsPath(path)
    is_local = len(folder.drive) == len("D:") and folder.is_absolute()
    return is_local and len(folder.parts) >= _LEAST_PARTS and ".." not in folder.parts
