"""Finds out whose VMs are: what hosts' notes and the settings name, and whom Slack knows by it; each once a day."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.model.inventory import HostName, VmId
from core.domain.model.ownership import Owner, Person
from core.domain.reporting.owners import found_owner, named_owner
from core.errors import EndpointRefused, HostError, NotifierBusy, NotifierError
from core.ports import Clock, HostGateway, WhoIs
from core.tasks import TaskSet

log = logging.getLogger(__name__)

GOOD_FOR = timedelta(days=1)
AGAIN_AFTER = timedelta(minutes=10)
"""For so long a host or Slack is left alone that did not answer."""
AT_ONCE = 20
"""So many people are asked about in one turn."""
TICK_S = 60.0
IDLE_S = 3600.0


@dataclass(frozen=True, slots=True)
class OwnedVm:
    """A VM whose owner is wanted, by the host that it is on."""

    vm_id: VmId
    name: str
    host: HostName


@dataclass(frozen=True, slots=True)
class _Notes:
    values: Mapping[VmId, tuple[str, ...]]
    read_at: datetime


class OwnerBook:
    """What is known of the owners of VMs. ``who_is`` None: nobody is looked for, so nobody is told.

    ``key``: what stands before the colon in notes, empty: they are not read. ``patterns``: whom the settings name.
    ``found`` is called after each answer.
    """

    def __init__(
        self,
        gateway: HostGateway,
        who_is: WhoIs | None,
        clock: Clock,
        *,
        key: str,
        patterns: Mapping[str, str],
    ) -> None:
        self._gateway = gateway
        self._who_is = who_is
        self._clock = clock
        self._key = key
        self._patterns = patterns
        self._notes: dict[HostName, _Notes] = {}
        self._people: dict[str, tuple[Person, datetime]] = {}
        self._not_before: dict[str, datetime] = {}
        self._reading: set[HostName] = set()
        self._wanted: dict[VmId, OwnedVm] = {}
        self._tasks = TaskSet()
        self.wanted = asyncio.Event()
        """Set when there is somebody to look for."""
        self.found: Callable[[], None] = lambda: None
        self.trouble = ""
        """Why Slack does not say who somebody is; empty when it does."""

    @property
    def is_on(self) -> bool:
        """Whether owners are looked for at all."""
        return self._who_is is not None

    def of(self, vm: OwnedVm) -> Owner | None:
        """Return the owner of a VM as far as it is known; None: not yet, or nobody is looked for."""
        if not self.is_on:
            return None
        named = self._named(vm)
        if named is None or not named.named:
            return named
        known = self._people.get(named.named)
        return None if known is None else found_owner(named, known[0])

    def want(self, vms: Iterable[OwnedVm]) -> None:
        """Have the owners of these VMs found out, or looked up again when that was more than a day ago."""
        if not self.is_on:
            return
        due = {vm.vm_id: vm for vm in vms if self._is_due(vm)}
        if due.keys() - self._wanted.keys():
            self.wanted.set()
        self._wanted |= due

    async def turn(self) -> float:
        """Ask whoever knows, once. Each host is read by itself: one that is slow holds up no other."""
        for host in {vm.host for vm in self._wanted.values()} if self._key else ():
            if self._is_stale(host) and self._may_ask(host) and host not in self._reading:
                self._reading.add(host)
                self._tasks.start(self._read(host), f"notes of {host}")
        named = (one.named for vm in self._wanted.values() if (one := self._named(vm)) is not None)
        unknown = [who for who in dict.fromkeys(filter(None, named)) if self._is_forgotten(who)]
        for who in unknown[:AT_ONCE]:
            if not self._may_ask("") or not await self._ask(who):
                break
        else:
            if len(unknown) > AT_ONCE:
                return 0.0
        self._wanted = {vm_id: vm for vm_id, vm in self._wanted.items() if self._is_due(vm)}
        return TICK_S if self._wanted else IDLE_S

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._tasks.cancel()

    # ------------------------------------------------------------------ inside

    def _named(self, vm: OwnedVm) -> Owner | None:
        """Say who is named; None: the host's notes are not read yet."""
        notes = self._notes.get(vm.host)
        if notes is None and self._key:
            return None
        return named_owner(vm.name, notes.values.get(vm.vm_id, ()) if notes else (), self._patterns)

    def _is_due(self, vm: OwnedVm) -> bool:
        if self._key and self._is_stale(vm.host):
            return True
        named = self._named(vm)
        return named is not None and bool(named.named) and self._is_forgotten(named.named)

    def _is_stale(self, host: HostName) -> bool:
        notes = self._notes.get(host)
        return notes is None or self._clock.steady_now() - notes.read_at >= GOOD_FOR

    def _is_forgotten(self, named: str) -> bool:
        known = self._people.get(named)
        return known is None or self._clock.steady_now() - known[1] >= GOOD_FOR

    def _may_ask(self, whom: str) -> bool:
        """Whether a host, or Slack (empty), is not left alone just now."""
        until = self._not_before.get(whom)
        return until is None or self._clock.steady_now() >= until

    async def _read(self, host: HostName) -> None:
        values: Mapping[VmId, tuple[str, ...]] = {}
        try:
            values = await self._gateway.notes(host, self._key)
        except EndpointRefused as error:
            # An endpoint of before: whoever it is that its notes name is not known, and nobody is told.
            log.warning("the notes of VMs on %s are not read: %s", host, error.message)
        except HostError as error:
            log.warning("the notes of VMs on %s cannot be read now: %s", host, error.message)
            self._not_before[host] = self._clock.steady_now() + AGAIN_AFTER
            return
        finally:
            self._reading.discard(host)
        self._notes[host] = _Notes(values, self._clock.steady_now())
        self.wanted.set()
        self.found()

    async def _ask(self, who: str) -> bool:
        """Look for somebody in Slack. Returns whether it said anything."""
        assert self._who_is is not None  # noqa: S101 - nobody is wanted then
        try:
            person = await self._who_is(who)
        except NotifierError as error:
            pause = timedelta(seconds=error.retry_after_s) if isinstance(error, NotifierBusy) else AGAIN_AFTER
            self._not_before[""] = self._clock.steady_now() + pause
            if not isinstance(error, NotifierBusy) and self.trouble != error.sentence():
                self.trouble = error.sentence()
                log.warning("owners cannot be looked for in Slack: %s", self.trouble)
                self.found()
            return False
        self.trouble = ""
        self._people[who] = person, self._clock.steady_now()
        self.found()
        return True
