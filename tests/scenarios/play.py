"""One scenario while it is played: the world, the engine of the moment, and what was noted so far."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from core.config import Settings
from core.domain.model.ownership import Found, Person
from core.engine.engine import Engine
from lab.gateway import LabGateway
from lab.hyperv.world.world import World
from lab.virtual_time import VirtualClock, VirtualTimeLoop
from tests.scenarios.port_wrappers import Listener, ShutDoor, SteadyStore
from tests.scenarios.script import Script
from tests.scenarios.wording import person


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was noted: a step of the script, or what followed from it at once."""

    at: datetime
    text: str
    is_step: bool


async def who_is(named: str) -> Person:
    """Tell who is in Slack: whoever has an address there, but ``gone``, who has left, and ``nobody``."""
    name = named.partition("@")[0]
    if name == "nobody":
        return Person(Found.UNKNOWN)
    return Person(Found.LEFT if name == "gone" else Found.KNOWN, person(name) if name != named else named)


class Play:
    """The stage: hosts, clock and listener stay, engines come and go."""

    def __init__(self, script: Script, loop: VirtualTimeLoop, file: Path) -> None:
        self.script = script
        self.clock = VirtualClock(loop)
        self.world = World(script.fleet, loop.time, epoch=self.clock.now())
        self.listener = Listener(self.clock)
        self.lines: list[Line] = []
        self.calls: Counter[str] = Counter()
        self.store_calls: Counter[str] = Counter()
        self.store: Any = None
        self.engine: Engine = cast("Engine", None)
        self._file = file
        self.is_running = False
        self._ids = {vm.name: vm.id for vm in reversed(script.fleet.vms)}
        hosts = {
            host.name: {"address": script.fleet.address_of(host), "path": "D:\\VMs"} for host in script.fleet.hosts
        }
        given = dict(script.settings)
        for name, keys in given.pop("hosts", {}).items():
            hosts[name] |= keys
        # Hosts are asked about a plan in the scenarios that say so: elsewhere somebody approves in the same second.
        given["migration"] = {"check_timeout": "0s"} | given.get("migration", {})
        sections: dict[str, Any] = {"hosts": hosts, **given}
        self.settings = Settings(**sections)

    def vm_id(self, name: str) -> UUID:
        """Return the id of a VM by its name in the fleet file."""
        return self._ids[name]

    def know(self, name: str, vm_id: UUID) -> None:
        """Remember a VM that came later."""
        self._ids[name] = vm_id

    def note(self, text: str) -> None:
        """Note a step."""
        self.lines.append(Line(self.clock.now(), text, is_step=True))

    def say(self, text: str) -> None:
        """Note what a step was answered with."""
        self.lines.append(Line(self.clock.now(), text, is_step=False))

    async def start_engine(self) -> None:
        """Make a new engine on the same world and file, as a process that starts."""
        gateway = LabGateway(self.world, self.clock.steady_now)
        gateway.calls = self.calls
        self._gateway = ShutDoor(gateway)
        self.store = SteadyStore(self._file)
        self.store.calls = self.store_calls
        hosts: Any = self._gateway
        self.engine = Engine(
            settings=self.settings,
            store=self.store,
            gateway=hosts,
            notifier=self.listener,
            clock=self.clock,
            who_is=who_is,
        )
        await self.engine.start()
        self.is_running = True

    async def stop_engine(self) -> None:
        """End the engine in order, if it runs."""
        if self.is_running:
            await self.engine.stop()
        self.is_running = False

    async def kill_engine(self) -> None:
        """End the engine as ``kill -9`` does: from now on it reaches neither hosts nor store."""
        self._gateway.is_shut = self.store.is_shut = True
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.store.let_go()
        self.is_running = False

    async def read(self) -> SteadyStore:
        """Return the store, opened again if the engine is gone."""
        if not self.is_running:
            self.store = SteadyStore(self._file)
            await self.store.open()
        return cast("SteadyStore", self.store)

    async def close(self) -> None:
        """Close the store if no engine did."""
        await self.store.close()
