"""Decides whether the machine that answers for a host is the one known by that name, and no other host's machine too.

An address can be given to another machine, and two names can lead to one: what is shown is then not what is meant.
"""

import json
import logging

from core.domain.model.inventory import HostName, Snapshot
from core.errors import StoreError, WrongMachine
from core.ports import Store

log = logging.getLogger(__name__)

MACHINES = "machines"
"""The switch that keeps which machine each host was known as."""


class Machines:
    """The machines behind the hosts of the settings, as they said of themselves; remembered over restarts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, str] = {}
        self._seen: dict[HostName, str] = {}

    async def load(self) -> None:
        """Read which machines earlier processes knew."""
        kept = await self._store.switch(MACHINES)
        self._known = {str(host): str(machine) for host, machine in json.loads(kept).items()} if kept else {}

    async def check(self, snapshot: Snapshot) -> Snapshot:
        """Return what a host showed, if it is the host. A new machine is taken for it once no open move concerns it.

        Raises:
            WrongMachine: it is another one; nothing it shows may be believed.

        """
        host, machine = snapshot.host, snapshot.facts.machine
        if not machine:
            return snapshot
        twin = next((other for other, theirs in self._seen.items() if theirs == machine and other != host), None)
        if twin is not None:
            raise WrongMachine(
                host,
                f"{host} and {twin} are one machine, {machine}: its slots would be counted twice.",
                hint="Leave one of the two out of [hosts].",
            )
        known = self._known.get(host)
        if known not in {None, machine} and await self._is_needed(host):
            raise WrongMachine(
                host,
                f"{host} answers as another machine: {machine} instead of {known}.",
                hint="Put its address right; if the machine was renamed or replaced, cancel what waits for it.",
            )
        self._seen[host] = machine
        if known != machine:
            await self._remember(host, machine, known)
        return snapshot

    async def _is_needed(self, host: HostName) -> bool:
        try:
            return any(host in {move.source, move.destination} for move in await self._store.moves(open_only=True))
        except StoreError as error:
            log.warning("it could not be seen whether moves concern %s: %s", host, error)
            return True

    async def _remember(self, host: HostName, machine: str, known: str | None) -> None:
        log.info("%s is the machine %s%s", host, machine, f", it was {known}" if known else "")
        self._known[host] = machine
        try:
            await self._store.set_switch(MACHINES, json.dumps(self._known, sort_keys=True))
        except StoreError as error:
            log.warning("the database did not take which machine %s is: %s", host, error)
