"""Holds what all parts of one attempt share: the services, the records, and the time since its order."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.model.events import Event
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import Attempt, Fault, Move
from core.domain.scheduling.links import NO_LINKS, Links
from core.engine.attempt.cleanup import FolderCleanup
from core.engine.attempt.look_ahead import LookAhead
from core.engine.hosts.machines import Machines
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.recorder import TransitionRecorder
from core.ports import Clock, HostGateway

Fresh = Callable[[HostName], Awaitable[Snapshot | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPolicy:
    """The times and limits of an attempt, from the settings.

    ``address`` is how other hosts reach a host; ``own_errors`` what the settings say of numbers of Windows.
    """

    confirm_start: timedelta
    poll_s: float
    silence_timeout: timedelta
    retry_delay: timedelta
    stuck_after: timedelta
    assumed_bytes_per_s: float
    address: Callable[[HostName], str]
    frozen_until: Callable[[datetime], datetime | None]
    own_errors: Mapping[int, Fault] = field(default_factory=dict)
    links: Links = NO_LINKS
    replans: bool = True
    """Whether a VM for which its destination has no room may go to another one of its plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineServices:
    """The services that an attempt works with."""

    gateway: HostGateway
    recorder: TransitionRecorder
    snapshot_cache: SnapshotCache
    clock: Clock
    fresh: Fresh
    look_soon: Callable[[HostName], None]
    machines: Machines
    cleanup: FolderCleanup
    look_ahead: LookAhead
    tidy_soon: Callable[[], None]
    policy: AttemptPolicy


class AttemptContext:
    """The context of one attempt: its move and itself, as they were recorded last."""

    def __init__(self, services: EngineServices, move: Move, attempt: Attempt) -> None:
        self.services = services
        self.policy = services.policy
        self.store = services.recorder.store
        self.move = move
        self.attempt = attempt
        self._began = self.steady_now() - max(timedelta(0), self.now() - attempt.started_at)
        self.note_order()

    def now(self) -> datetime:
        """Return the time on the wall."""
        return self.services.clock.now()

    async def record(self, step: Callable[[Move], Awaitable[Move]]) -> Move:
        """Carry out one step on the move as it is stored now, however long that takes."""
        self.move = await self.services.recorder.record(self.move.id, step)
        return self.move

    async def change(self, before: Move, after: Move, *events: Event) -> Move:
        """Replace the move, as long as this attempt of it is the open one, or had its end before."""
        is_open = self.attempt.ended_at is None
        return await self.store.change_move(before, after, *events, attempt=self.attempt if is_open else None)

    async def note(self, *events: Event) -> None:
        """Record what happened to the move without changing it."""
        await self.record(lambda move: self.change(move, move, *events))

    # ------------------------------------------------------------------ the time that passes

    def steady_now(self) -> datetime:
        """Return the time that passed, as a moment, whatever anybody did to the clock on the wall meanwhile."""
        return self.services.clock.steady_now()

    def note_order(self) -> None:
        """Count from here: the order is given now, or may have been until now."""
        self.ordered_at = self.steady_now()

    @property
    def began(self) -> datetime:
        """Return the steady moment at which the attempt began."""
        return self._began

    def seconds(self) -> float:
        """Return how long the attempt has lasted."""
        return (self.steady_now() - self._began).total_seconds()
