"""What the store knows of a length of time, counted: the data that ``insights`` judges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.model.inventory import HostName
from core.domain.model.move import Fault, HoldCode, MoveState
from core.domain.reporting.estimates import Estimated


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTally:
    """The moves between two hosts that the bot has done; ``seconds``: of the attempts that moved them, together."""

    source: HostName
    destination: HostName
    moves: int
    size_bytes: int
    seconds: float

    @property
    def bytes_per_s(self) -> float:
        """How fast they were on average; 0 when that cannot be told."""
        return self.size_bytes / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTally:
    """Attempts between two hosts that failed alike. ``code``: of the diagnosis; empty when none was written down."""

    source: HostName
    destination: HostName
    fault: Fault
    code: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VmFaultTally:
    """Attempts of one VM that failed alike."""

    vm_name: str
    fault: Fault
    code: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTally:
    """How long moves waited for one reason, together, and how many of them did."""

    code: HoldCode
    moves: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What ended, failed and waited between two moments.

    ``ends``: moves by how they ended, those that the bot itself has done as ``DONE``; ``first_try``: how many of these
    took one attempt. ``taken_s``: after how many seconds each page was taken that was; ``vm_faults``: the worst only.
    """

    since: datetime
    until: datetime
    jobs: int = 0
    ends: Mapping[MoveState, int] = field(default_factory=dict)
    first_try: int = 0
    pairs: tuple[PairTally, ...] = ()
    faults: tuple[FaultTally, ...] = ()
    vm_faults: tuple[VmFaultTally, ...] = ()
    waits: tuple[WaitTally, ...] = ()
    pages: int = 0
    taken_s: tuple[float, ...] = ()
    job_estimates: tuple[Estimated, ...] = ()
    """Of the newest jobs until then, however old."""
    move_estimates: tuple[Estimated, ...] = ()
