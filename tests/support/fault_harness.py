"""The ground of the fault matrix: real WinRM of the lab, the real gateway, engine and SQLite, on real time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.duty import LOOP, Duty
from core.config import Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event
from core.domain.model.inventory import HostName
from core.domain.model.job import Job, JobId
from core.domain.model.move import HoldCode, Move, MoveState
from core.domain.model.plan import Options, Request
from core.engine.engine import Engine
from core.hyperv import PypsrpGateway
from core.store import SqlStore
from core.store.database import nobody
from core.store.dialects import PROOF_EVERY_S
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.remoting.shells import Quotas
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.faults import MoveFault, ValueFault, WireFault, WireFaultKind
from lab.hyperv.world.fleet import VM, Fleet, Host
from tests.support.databases import database_url, patient_server
from tests.support.engine_harness import Listener, host, vm, vm_id
from tests.support.eventually import PATIENCE_S

SPEED = 60.0
"""Lab seconds per second: a VM of 6 GB moves in about one."""
QUICK = {
    "check_timeout": "0s",  # a job is approved at once
    "poll_busy": "500ms",
    "poll_idle": "3s",
    "confirm_start": "4.5s",
    "retry_delay": "200ms",
}


@dataclass
class JumpyClock:
    """The real time, until somebody sets the clock on the wall."""

    jumped: timedelta = timedelta(0)
    real: SystemClock = field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.real.now() + self.jumped

    def steady_now(self) -> datetime:
        return self.real.steady_now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Ground:
    """One bot without Slack on one lab."""

    lab: HyperVLab
    gateway: PypsrpGateway
    store: SqlStore
    listener: Listener
    engine: Engine
    clock: JumpyClock

    # ------------------------------------------------------------------ asking

    async def ask(self, *vms: str, to: str = "HV02", source: str = "HV01", **options: Any) -> Job:
        request = Request(
            vms=vms,
            sources=tuple(source.split(",")),
            destinations=tuple(to.split(",")),
            requester="U_ALICE",
            channel="C1",
            path="D:\\VMs",
            options=Options(**options),
            text="text",
        )
        return await self.engine.requests.propose(request)

    async def approve(self, job: Job) -> Job:
        return await self.engine.controls.approve(job.id, job.plan.hash, "U_BOB")

    async def go(self, *vms: str, to: str = "HV02", source: str = "HV01", **options: Any) -> Job:
        return await self.approve(await self.ask(*vms, to=to, source=source, **options))

    # ------------------------------------------------------------------ trouble

    def order(self, host: str, kind: WireFaultKind, **more: Any) -> None:
        self.lab.world.order(WireFault(host=host, kind=kind, **more))

    def spoil(self, fault: MoveFault | ValueFault) -> None:
        self.lab.world.order(fault)

    def end_trouble(self) -> None:
        self.lab.world.trouble.clear()

    # ------------------------------------------------------------------ waiting

    async def until(self, is_true: Callable[[], Awaitable[Any]], within_s: float = PATIENCE_S) -> Any:
        """Return the first truthy answer; asked after every change of a job and every news of a host."""
        with self.engine._snapshot_cache.watch() as news:
            try:
                async with asyncio.timeout(within_s):
                    while not (found := await is_true()):
                        changed = asyncio.create_task(news.wait())
                        await asyncio.wait({changed}, timeout=0.1)  # Slack's side tells no snapshot_cache
                        changed.cancel()
                        news.clear()
            except TimeoutError:
                raise AssertionError(f"it did not come\n{await self.story()}") from None
        return found

    async def story(self) -> str:
        """Tell everything, for a failing test's message."""
        moves = await self.store.moves()
        lines = [*self.listener.lines, *(f"{move.vm_name}: {move.state} {move.hold} {move.error}" for move in moves)]
        lines += [f"{start}" for start in self.lab.world.ledger.starts]
        lines += [f"{name}: {trouble}" for name, trouble in self.engine._snapshot_cache.troubles.items()]
        return "\n".join(lines)

    async def move(self, job: Job, name: str) -> Move:
        return next(move for move in await self.store.moves(job.id) if move.vm_name == name)

    async def is_in(self, job: Job, name: str, *states: MoveState, within_s: float = PATIENCE_S) -> Move:
        async def there() -> Move | None:
            move = await self.move(job, name)
            return move if move.state in states else None

        found: Move = await self.until(there, within_s)
        return found

    async def is_held(self, job: Job, name: str, code: HoldCode = HoldCode.HOST, words: str = "") -> str:
        """Wait until a move is held for this; return the sentence it is held with."""

        async def held() -> str:
            hold = (await self.move(job, name)).hold
            return hold.text if hold is not None and hold.code is code and words in hold.text else ""

        text: str = await self.until(held)
        return text

    async def over(self, *jobs: Job, within_s: float = PATIENCE_S) -> dict[str, Move]:
        """Wait for the end of jobs; return their moves by VM name."""

        async def ended() -> bool:
            return all([(await self.store.job(job.id)).state.is_end for job in jobs])

        await self.until(ended, within_s)
        return {move.vm_name: move for job in jobs for move in await self.store.moves(job.id)}

    async def silent(self, host: str, words: str = "", within_s: float = PATIENCE_S) -> str:
        """Wait until the bot has noticed that a host is in trouble; return its sentence."""

        async def noticed() -> str:
            trouble = self.engine._snapshot_cache.troubles.get(HostName(host))
            return trouble.text if trouble is not None and words in trouble.text else ""

        text: str = await self.until(noticed, within_s)
        return text

    async def answers(self, host: str) -> None:
        """Wait until the bot hears from a host."""

        async def heard() -> bool:
            snapshot_cache = self.engine._snapshot_cache
            return HostName(host) in snapshot_cache.snapshots and HostName(host) not in snapshot_cache.troubles

        await self.until(heard)

    async def started(self, count: int) -> None:
        """Wait until so many moves were started on hosts."""

        async def begun() -> bool:
            return len(self.lab.world.ledger.starts) >= count

        await self.until(begun)

    async def history(self, job_id: JobId, kind: EventKind) -> list[Event]:
        return [event for event in await self.engine.queries.history(job_id) if event.kind is kind]

    # ------------------------------------------------------------------ the promises

    def once_each(self, *names: str) -> None:
        """Promises 1 and 2: each of these VMs was started exactly once, nobody else, and never above a limit."""
        ledger = self.lab.world.ledger
        assert sorted(start.vm_name for start in ledger.starts) == sorted(names)
        assert ledger.violations == []

    def where(self, number: int) -> str:
        return self.lab.world.where_is(vm_id(number))


def fleet(*vms: VM, count: int = 2, **changes: Any) -> Fleet:
    return Fleet(hosts=tuple(host(f"HV{n:02d}", **changes) for n in range(1, count + 1)), vms=vms)


def changed(described: Fleet, name: str, **fields: Any) -> Fleet:
    """Return the fleet with one host changed."""
    hosts: tuple[Host, ...] = tuple(replace(h, **fields) if h.name == name else h for h in described.hosts)
    return replace(described, hosts=hosts)


def settings_for(lab: HyperVLab, tls: bool, sections: dict[str, Any]) -> Settings:
    first = lab.fleet.hosts[0]
    given = {name: dict(keys) for name, keys in sections.items()}
    winrm = {"auth": "basic", "tls": tls, "username": first.user, "operation_timeout": 3, **given.pop("winrm", {})}
    if tls:
        winrm.setdefault("ca_file", str(lab.ca_file))
    own: dict[str, Any] = given.pop("hosts", {})
    hosts = {}
    for spec in lab.fleet.hosts:
        access = lab.access(spec.name)
        hosts[spec.name] = {
            "address": access.address,
            "port": access.https_port if tls else access.http_port,
            "migration_address": lab.fleet.address_of(spec),
            "path": "D:\\VMs",
            "configuration": access.configuration,
            **own.get(spec.name, {}),
        }
    migration = QUICK | given.pop("migration", {})
    own_sections = {"winrm": winrm, "winrm_password": first.password, "hosts": hosts, "migration": migration}
    return Settings.model_validate(own_sections | given)


@asynccontextmanager
async def ground(
    folder: Path,
    described: Fleet,
    *,
    tls: bool = False,
    speed: float = SPEED,
    quotas: Quotas | None = None,
    busy_s: float = 5.0,
    epoch: datetime | None = None,
    keytabs: dict[str, Path] | None = None,
    powershell: PowerShell | None = None,
    **sections: Any,
) -> AsyncIterator[Ground]:
    """Start the lab and the bot's insides; ``sections`` override settings. All trouble ends with the block."""
    more: dict[str, Any] = {} if epoch is None else {"epoch": epoch}
    lab_of = partial(HyperVLab, described, speed=speed, quotas=quotas, has_tls=tls)
    with patient_server():
        async with lab_of(keytabs=keytabs, powershell=powershell, **more) as lab:
            settings = settings_for(lab, tls, sections)
            clock = JumpyClock()
            gateway = PypsrpGateway(settings, now=clock.steady_now)
            store = SqlStore(database_url(folder / "bot.db"), timeout_s=busy_s)
            listener = Listener()
            engine = Engine(settings=settings, store=store, gateway=gateway, notifier=listener, clock=clock)
            await engine.start()
            # On a server a writer that says nothing loses its right to write: the bot has this loop, too.
            duty = Duty(store, on_wait=nobody, every_s=PROOF_EVERY_S)
            engine.supervisor.start(LOOP, duty.turn)
            try:
                yield Ground(lab, gateway, store, listener, engine, clock)
            finally:
                lab.world.trouble.clear()
                await engine.stop()


__all__ = ["Ground", "changed", "fleet", "ground", "host", "vm", "vm_id"]
