"""Read models: what people see of a job and of a host at one moment, built from store and snapshots."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.model.inventory import HostName
from core.domain.model.job import Job
from core.domain.model.move import Move, MoveState
from core.domain.model.ownership import Owned
from core.errors import Standing


@dataclass(frozen=True, slots=True)
class MoveView:
    """A VM's line on a card. ``percent`` only while moving; ``place`` is its place in the queue, from 1."""

    move: Move
    percent: int | None = None
    place: int | None = None
    eta: datetime | None = None


@dataclass(frozen=True, slots=True)
class EstimateError:
    """How far off half of the newest estimates were at the most, in percent of what it took, and how many they are."""

    percent: int
    count: int


@dataclass(frozen=True, slots=True)
class Eta:
    """An estimate of a job's end: the bound nothing can beat, the likely time, and a careful one."""

    soonest: datetime
    likely: datetime
    latest: datetime
    frozen: tuple[datetime, datetime] | None = None
    """The freeze, from its begin to its end, that makes it later than it would be; in the calendar's time zone."""


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """Of how many VMs of a plan the host they go to has said whether it can take them."""

    answered: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as its card shows it at one moment."""

    job: Job
    moves: tuple[MoveView, ...]
    at: datetime
    number: int = 0
    """Of two views of one process the newer one has the larger number, whatever the clock on the wall said."""
    eta: Eta | None = None
    why_no_eta: str = ""
    """Why a running job has no estimate."""
    off: EstimateError | None = None
    """How far off estimates were so far, where there is one; None: too few came true to say."""
    soonest: datetime | None = None
    """What nothing can beat while the job runs, whether there is an estimate or not."""
    stopped_by: str = ""
    """Who pressed the big red stop; empty when starts are allowed."""
    checking: CheckProgress | None = None
    """Of a plan whose hosts are being asked."""
    owned: tuple[Owned, ...] = ()
    """Whose the VMs are, as far as that is known."""
    owners_unknown: str = ""
    """Why owners cannot be looked for; empty when they can."""

    def count(self, *states: MoveState) -> int:
        """How many moves are in one of these states."""
        return sum(1 for row in self.moves if row.move.state in states)

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to the job by itself."""
        return self.job.state.is_end


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """What people are still to be told. ``trouble``: why Slack takes nothing at all from the bot; empty when it does.

    ``oldest``: when the oldest of what waits happened. ``given_up``: how many Slack took nowhere and in no form.
    """

    waiting: int = 0
    oldest: datetime | None = None
    given_up: int = 0
    trouble: str = ""
    trouble_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """A host's line in ``/migrate hosts``."""

    host: HostName
    is_reachable: bool
    since: datetime | None
    """When the snapshot was taken, or since when the host is silent."""
    trouble: str = ""
    standing: Standing = Standing.SILENT
    """Of a host that cannot be looked at: what is the matter, in a few words behind its name."""
    live_used: int = 0
    live_limit: int = 0
    storage_used: int = 0
    storage_limit: int = 0
    ours: int = 0
    vms: int = 0
    is_migration_enabled: bool = True

    @property
    def is_login_rejected(self) -> bool:
        """Whether the host rejects the bot's account, or is not asked again for a while because it did."""
        return not self.is_reachable and self.standing in {Standing.LOGIN_REJECTED, Standing.LOGIN_WITHHELD}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link's line in ``/migrate hosts``: how many moves are on it, of how many it carries now; None: any number."""

    name: str
    hosts: tuple[HostName, ...]
    used: int
    limit: int | None
    until: datetime | None = None
    """When the window ends that holds now, in the link's time zone."""
    waiting: int = 0
    """Moves that wait because it is full."""
    silent: int = 0
    """Hosts behind it that were asked and did not answer."""

    @property
    def is_silent(self) -> bool:
        """Whether none of several hosts behind it answers: it is down rather than each of them."""
        return 1 < len(self.hosts) == self.silent

    @property
    def is_full(self) -> bool:
        """Whether nothing more may start on it now."""
        return self.limit is not None and self.used >= self.limit
