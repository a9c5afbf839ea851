"""Models how the predecessor's loop behaves: passes every minute, serial starts, one pair of hosts per run.

It is the PowerShell module that this program replaces; the model is written from what is known of its behaviour, and
where it matters the reading that is kinder to it was taken: its clean-up costs nothing, and an operator who never
sleeps starts it again the second it ends with VMs left over.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.domain.model.host_calls import MoveOrder
from core.domain.model.hyperv_enums import VmState
from core.domain.model.inventory import HostName, Vm, VmId
from core.domain.model.plan import PlannedMove
from core.domain.scheduling.readiness import Ready, readiness
from core.errors import HostError
from lab.gateway import LabGateway

PASS_S = 60.0
CONFIRM_S = 10.0
CONFIRM_LOOKS = 3
ATTEMPTS = 3
BACKUP_PATIENCE_S = 3600.0
JOBS_AT_ONCE = 5
"""Its background jobs run five at a time; a sixth waits unseen, and its start counts as an attempt."""


class Aborted(Exception):
    """The whole run ends: a VM was gone when it was looked at, or a powered-off one failed."""


@dataclass
class Run:
    """One call of its command: these VMs, from one host to one other."""

    gateway: LabGateway
    source: HostName
    destination: HostName
    moves: Sequence[PlannedMove]
    is_careful: bool = False
    """Its option to read each VM's state anew: twice as many inventories."""
    given_up: set[VmId] = field(default_factory=set)
    passes: int = 0

    def __post_init__(self) -> None:
        self._wanted = {move.vm_id: move for move in self.moves}
        self._attempts: Counter[VmId] = Counter()
        self._backups: dict[VmId, float] = {}
        self._jobs = asyncio.Semaphore(JOBS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._limit = 0

    async def run(self) -> None:
        """Pass after pass until nothing that can be moved is left on the source.

        Raises:
            Aborted: the run ended early; moves that it started go on.

        """
        facts = [(await self.gateway.observe(host)).facts for host in (self.source, self.destination)]
        self._limit = min(fact.live_limit for fact in facts)
        while True:
            listed = [vm for vm in await self._list(self.source) if vm.id in self._wanted]
            left = [vm for vm in listed if vm.id not in self.given_up]
            if not left:
                return
            self.passes += 1
            at_rest = [vm for vm in left if not vm.is_migrating]
            is_last_off = False
            for vm in [vm for vm in at_rest if vm.state is VmState.RUNNING] or at_rest:
                is_last_off = await self._consider(vm, left)
            if not is_last_off:
                await asyncio.sleep(PASS_S)

    async def _consider(self, vm: Vm, left: Sequence[Vm]) -> bool:
        """Start the VM if it may; return whether a powered-off VM was moved just now."""
        busy = 0
        for host in (self.source, self.destination):
            busy += sum(seen.is_migrating for seen in await self._list(host))
            if self.is_careful:
                await self._list(host)
        if busy >= self._limit:
            return False
        now = await self._look(vm)
        state = readiness(now)
        if not isinstance(state, Ready):
            self._wait(vm)
            return False
        if self._attempts[vm.id] >= ATTEMPTS:
            self.given_up.add(vm.id)
            return False
        if not state.is_last:
            await self._start(vm)
            return False
        if any(other.state is VmState.RUNNING or other.is_migrating for other in left):
            return False
        self._attempts[vm.id] += 1
        await self._move_off(vm)
        return True

    def _wait(self, vm: Vm) -> None:
        """Take whatever the VM is busy with for a backup; the clock starts once and is never set back."""
        now = asyncio.get_running_loop().time()
        if now - self._backups.setdefault(vm.id, now) > BACKUP_PATIENCE_S:
            self.given_up.add(vm.id)

    async def _start(self, vm: Vm) -> None:
        self._attempts[vm.id] += 1
        task = asyncio.create_task(self._move_in_background(vm))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for _ in range(CONFIRM_LOOKS):
            if (await self._look(vm)).is_migrating:
                break
            await asyncio.sleep(CONFIRM_S)
        self._backups.pop(vm.id, None)

    async def _move_in_background(self, vm: Vm) -> None:
        async with self._jobs:
            await self._move(vm)

    async def _move_off(self, vm: Vm) -> None:
        if not await self._move(vm):
            raise Aborted(f"{vm.name} could not be moved")

    async def _move(self, vm: Vm) -> bool:
        move = self._wanted[vm.id]
        try:
            report = await self.gateway.move(
                self.source, MoveOrder(vm.id, self.destination, move.path), lambda _percent: None, _unasked
            )
        except HostError:
            return False
        return not report.errors

    async def _list(self, host: HostName) -> tuple[Vm, ...]:
        return (await self.gateway.observe(host)).vms

    async def _look(self, vm: Vm) -> Vm:
        seen = await self.gateway.find(self.source, vm.id)
        if seen is None:
            raise Aborted(f"{vm.name} is gone")
        return seen


async def move_all(gateway: LabGateway, source: HostName, destination: HostName, moves: Sequence[PlannedMove]) -> int:
    """Run the command until everything is moved; return how often it had to be called."""
    calls = 0
    while True:
        run = Run(gateway, source, destination, moves)
        calls += 1
        try:
            await run.run()
        except Aborted:
            continue
        if not run.given_up:
            return calls


async def _unasked() -> bool:
    """Start whatever was decided: the predecessor asked nobody again."""
    return True
