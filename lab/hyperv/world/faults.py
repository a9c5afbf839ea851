"""The faults that were ordered: those that moves meet, those of a host's wire, and values it tells wrongly.

A new kind of wire fault is a member of `WireFaultKind` that the wire obeys; a new kind of move fault is a member of
`MoveFaultKind` that the migrations obey; a new kind of wrong value is a member of `ValueFaultKind` that the pipelines
obey. Nothing else needs to know.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from lab.hyperv.world.strict import Count, Number


class MoveFaultKind(StrEnum):
    """A way in which a move goes wrong."""

    FAIL = "fail"
    """The move fails at `at_percent` with `cause` (of `host_messages.CAUSES`) or the literal `text` and `hresult`."""
    STALL = "stall"
    """The move stops making progress at `at_percent` and stays so until it is cancelled."""
    SAYS_FAILED = "says-failed"
    """The move succeeds; the cmdlet and the job report failure."""
    SAYS_SUCCEEDED = "says-succeeded"
    """The move fails at `at_percent`; the cmdlet and the job report success."""
    DUPLICATE = "duplicate"
    """The move succeeds and the source keeps a realized copy as well."""
    VANISH = "vanish"
    """The move ends, and the VM is on neither host."""
    NEVER_BEGINS = "never-begins"
    """The cmdlet is taken and never returns, and no move begins."""
    NEVER_RETURNS = "never-returns"
    """The move succeeds, and the cmdlet never returns."""


class WireFaultKind(StrEnum):
    """A way in which a host's connections go wrong."""

    REFUSE = "refuse"
    """Connections are refused or closed without an answer."""
    DROP = "drop"
    """The connection breaks in the middle of the answer, typically to Receive."""
    HANG = "hang"
    """Requests are accepted and never answered."""
    STATUS = "status"
    """The answer is the HTTP status `status`: 401, 500, 503."""
    FAULT = "fault"
    """The operation is not carried out, and answered with the WSMan fault whose number is `status`. Public reports of
    Create name 1018, 2, 14 and 1455 (pypsrp#36, NetExec#72)."""
    SLOW = "slow"
    """Every answer comes `delay_s` later."""
    MALFORMED = "malformed"
    """The answer is no reply at all: a web page, as a proxy in between might send."""
    TRUNCATED = "truncated"
    """The answer ends in the middle of its envelope, and says that it is whole."""
    CUT_SEAL = "cut-seal"
    """A sealed answer (NTLM, Kerberos or CredSSP without TLS) ends before its sealed part; others end in the middle."""
    EXPIRED = "expired"
    """New TLS connections are shown a certificate that is no longer valid."""
    UNTRUSTED = "untrusted"
    """New TLS connections are shown a certificate that an authority nobody knows has signed."""
    MISNAMED = "misnamed"
    """New TLS connections are shown the certificate of another machine."""


CERTIFICATES = frozenset({WireFaultKind.EXPIRED, WireFaultKind.UNTRUSTED, WireFaultKind.MISNAMED})
"""Met in the handshake, not by a request."""


class ValueFaultKind(StrEnum):
    """A way in which a property is told wrongly."""

    NULL = "null"
    """The property is there and null."""
    MISSING = "missing"
    """The property is not there."""
    TEXT = "text"
    """The property is a text that says nothing."""
    NUMBER = "number"
    """The property is a number that stands for nothing."""
    LIST = "list"
    """The property is a list of two texts."""
    OBJECT = "object"
    """The property is an object nobody expects."""
    ERROR = "error"
    """The whole object is missing, and the cmdlet reports an error in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFault:
    """A fault that the next `times` moves of a VM meet."""

    vm: UUID
    kind: MoveFaultKind = MoveFaultKind.FAIL
    at_percent: Count = 50
    cause: str = "network"
    path: str | None = None
    """The file or folder that the cause speaks of; None is the place the move goes to."""
    text: str | None = None
    hresult: int | None = None
    times: Count | None = 1
    """None is every time until cleared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFault:
    """A fault that the next `times` requests to a host meet."""

    host: str
    kind: WireFaultKind
    times: Count | None = None
    """None is every time until cleared."""
    operation: str | None = None
    """Only this WSMan action (`Create`, `Command`, `Send`, `Receive`, `Signal`, `Delete`); None is all of them."""
    status: Count = 503
    delay_s: Number = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFault:
    """A property that every selected object of a host tells wrongly from now on, until cleared."""

    host: str
    property: str
    kind: ValueFaultKind
    vm: UUID | None = None
    """Only in objects that are this VM or belong to it; None is all of them."""


_Fault = TypeVar("_Fault", MoveFault, WireFault)


class HostFaults:
    """The wire and value faults of one host, oldest first."""

    def __init__(self) -> None:
        self._faults: list[WireFault] = []
        self._values: list[ValueFault] = []

    def add(self, fault: WireFault | ValueFault) -> None:
        if isinstance(fault, ValueFault):
            self._values.append(fault)
        else:
            self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()
        self._values.clear()

    @property
    def faults(self) -> tuple[WireFault, ...]:
        return tuple(self._faults)

    @property
    def values(self) -> tuple[ValueFault, ...]:
        return tuple(self._values)

    def take(self, operation: str | None = None) -> WireFault | None:
        """Return the fault this request meets and count it as met; None is a request that goes well.

        Without an operation (a connection before its request is known) only faults of every operation apply.
        """
        for fault in self._faults:
            if fault.kind not in CERTIFICATES and fault.operation in {None, operation}:
                _count_down(self._faults, fault)
                return fault
        return None

    def take_certificate(self) -> WireFaultKind | None:
        """Return which wrong certificate this handshake is shown and count it; None is the right one."""
        for fault in self._faults:
            if fault.kind in CERTIFICATES:
                _count_down(self._faults, fault)
                return fault.kind
        return None


class Faults:
    """All faults of a world."""

    def __init__(self) -> None:
        self._moves: list[MoveFault] = []
        self._hosts: dict[str, HostFaults] = {}

    def for_host(self, name: str) -> HostFaults:
        """Return the wire trouble of a host by its short name."""
        return self._hosts.setdefault(name.lower(), HostFaults())

    def add(self, fault: MoveFault | WireFault | ValueFault) -> None:
        if isinstance(fault, MoveFault):
            self._moves.append(fault)
        else:
            self.for_host(fault.host).add(fault)

    def take_for_move(self, vm: UUID) -> MoveFault | None:
        """Return the fault that a move of this VM, starting now, will meet, and count it as met."""
        return self._take(vm, lambda fault: fault.kind is not MoveFaultKind.NEVER_BEGINS)

    def take_never_begins(self, vm: UUID) -> bool:
        """Return whether a Move-VM of this VM, given now, hangs before anything begins, and count it as met."""
        return self._take(vm, lambda fault: fault.kind is MoveFaultKind.NEVER_BEGINS) is not None

    def _take(self, vm: UUID, fits: Callable[[MoveFault], bool]) -> MoveFault | None:
        for fault in self._moves:
            if fault.vm == vm and fits(fault):
                _count_down(self._moves, fault)
                return fault
        return None

    def clear(self) -> None:
        """End all trouble; moves already under way still meet theirs."""
        self._moves.clear()
        for host in self._hosts.values():
            host.clear()

    @property
    def faults(self) -> tuple[MoveFault | WireFault | ValueFault, ...]:
        of_hosts: list[WireFault | ValueFault] = []
        for host in self._hosts.values():
            of_hosts += [*host.faults, *host.values]
        return (*self._moves, *of_hosts)


def _count_down(faults: list[_Fault], fault: _Fault) -> None:
    if fault.times is None:
        return
    at = faults.index(fault)
    if fault.times <= 1:
        del faults[at]
    else:
        faults[at] = replace(fault, times=fault.times - 1)
