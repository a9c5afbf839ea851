"""Polls one host: often while open moves concern it, seldom otherwise, rarely while it is silent."""

import asyncio
import logging
from dataclasses import replace

from core.backoff import delay_s, doubling
from core.domain.model.inventory import HostName, Snapshot, VmId
from core.engine.hosts.machines import Machines
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.errors import HostError
from core.ports import Clock, HostGateway

log = logging.getLogger(__name__)

LONGEST_SILENCE_S = 60.0
"""A silent host is asked again at least this often."""
_MOST_BY_ID = 20
"""So many VMs are asked for by their ids in one poll: more than a host moves at once."""
FRESH_TIMEOUT_S = 600.0
"""Nobody waits longer than this for a snapshot: then the host counts as silent."""


class HostPoller:
    """The poll loop of one host. One call at a time serves everybody who wants to know."""

    def __init__(
        self,
        host: HostName,
        gateway: HostGateway,
        snapshot_cache: SnapshotCache,
        clock: Clock,
        *,
        machines: Machines,
        poll_busy_s: float,
        poll_idle_s: float,
    ) -> None:
        self.host = host
        self.is_busy = False
        """Whether open moves concern this host; the dispatcher says."""
        self.vms: frozenset[VmId] = frozenset()
        """The VMs of these moves."""
        self._gateway = gateway
        self._snapshot_cache = snapshot_cache
        self._clock = clock
        self._machines = machines
        self._poll_busy_s = poll_busy_s
        self._poll_idle_s = poll_idle_s
        self._backoff = doubling(poll_busy_s, min(LONGEST_SILENCE_S, 64 * poll_busy_s))
        self._failures = 0
        self._again_at_s = 0.0
        self.wanted = asyncio.Event()
        """Set when somebody wants to know."""
        self._waiting: list[asyncio.Future[Snapshot | None]] = []

    async def fresh(self) -> Snapshot | None:
        """Return a snapshot asked for after this call began, or None when the host does not answer."""
        answer: asyncio.Future[Snapshot | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self.wanted.set()
        try:
            async with asyncio.timeout(FRESH_TIMEOUT_S):
                return await answer
        except TimeoutError:
            return None

    def wake(self) -> None:
        """Ask the host soon: something changed there."""
        self.wanted.set()

    def close(self) -> None:
        """Let go of everybody who waits."""
        self._answer(self._waiting, None)

    async def turn(self) -> float:
        """Look once. A silent host is left in peace for a while, however many want to know."""
        left_s = self._again_at_s - asyncio.get_running_loop().time()
        if left_s > 0:
            return left_s
        await self._ask()
        if self._failures:
            pause_s = delay_s(self._backoff, self._failures)
            self._again_at_s = asyncio.get_running_loop().time() + pause_s
            return pause_s
        return self._poll_busy_s if self.is_busy else self._poll_idle_s

    async def _ask(self) -> None:
        self.wanted.clear()
        waiting, self._waiting = self._waiting, []
        snapshot: Snapshot | None = None
        try:
            snapshot = await self._machines.check(await self._gateway.observe(self.host))
            snapshot = await self._asked_by_id(snapshot)
            self._snapshot_cache.put(snapshot)
        except Exception as error:  # noqa: BLE001  # whatever it is, the host is looked at again
            self._failed(error)
        else:
            if self._failures:
                log.info("%s can be looked at again", self.host)
            self._failures = 0
        finally:
            self._answer(waiting, snapshot)

    async def _asked_by_id(self, snapshot: Snapshot) -> Snapshot:
        """Ask for the VMs that matter one by one, if a row without an id could be any of them; note who is not there.

        Otherwise one VM that nobody can read would leave open for ever where all others are.
        """
        if not snapshot.leaves_open_who_is_there:
            return snapshot
        doubtful = sorted(vm_id for vm_id in self.vms if snapshot.vm(vm_id) is None)
        absent = set[VmId]()
        for vm_id in doubtful[:_MOST_BY_ID]:
            try:
                found = await self._gateway.find(self.host, vm_id)
            except HostError as error:
                log.info("%s does not say whether it has the VM %s: %s", self.host, vm_id, error.message)
                continue
            if found is None or found.is_planned:
                absent.add(vm_id)
        return replace(snapshot, absent=frozenset(absent))

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if not isinstance(error, HostError):
            # A bug, of ours or of a library: the host is not to be left unwatched, and people are to know.
            log.error("looking at %s broke", self.host, exc_info=error)
            error = HostError(self.host, f"The bot could not read {self.host} ({type(error).__name__}); see its log.")
        if self._snapshot_cache.silent(self.host, error, self._clock.now()):
            log.warning("%s %s: %s", self.host, error.standing, error.message)

    @staticmethod
    def _answer(waiting: list[asyncio.Future[Snapshot | None]], snapshot: Snapshot | None) -> None:
        for answer in waiting:
            if not answer.done():
                answer.set_result(snapshot)
        waiting.clear()
