"""Checks right before a start, on hosts read at this moment, that all is as planned; if not, says what is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.model.host_calls import MoveOrder
from core.domain.model.inventory import HostName, Inspection, VmDetails
from core.domain.model.move import Attempt, Fault, Move
from core.domain.model.plan import Finding, FindingCode, Severity
from core.domain.planning.preflight import planned_again, preflight
from core.domain.scheduling.dropout import approved_hosts
from core.domain.scheduling.readiness import Wait, readiness
from core.domain.scheduling.slots import full_text, loads, used
from core.engine.attempt.look_ahead import LookAhead, look_at
from core.engine.hosts.machines import Machines
from core.errors import HostError
from core.ports import HostGateway, Store

ROOM = frozenset({FindingCode.NO_SPACE, FindingCode.NO_MEMORY})
"""What another destination may have."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """A start that may go ahead: the order to give, and what the VM looked like just before."""

    order: MoveOrder
    before: VmDetails


class StartCheck:
    """The last check of both hosts of one move."""

    def __init__(
        self,
        gateway: HostGateway,
        machines: Machines,
        store: Store,
        address: Callable[[HostName], str],
        look_ahead: LookAhead,
        *,
        replans: bool,
    ) -> None:
        self._replans = replans
        self._gateway = gateway
        self._machines = machines
        self._store = store
        self._address = address
        self._look_ahead = look_ahead

    async def last_look(self, move: Move, attempt: Attempt) -> Cleared | Diagnosis:
        """Return the order to give, or why nothing may be started (whether waiting helps is in its fault)."""
        seen = await self._look_ahead.take(move)
        if seen is not None and isinstance(cleared := await self._judge(move, attempt, *seen), Cleared):
            return cleared
        # What was seen while the move before was verified may show that one still: only a new look may say no.
        try:
            seen = await look_at(self._gateway, self._machines, move)
        except HostError as error:
            return _not_yet(error.message)
        return await self._judge(move, attempt, *seen)

    async def _judge(
        self, move: Move, attempt: Attempt, source: Inspection, destination: Inspection
    ) -> Cleared | Diagnosis:
        details = source.of(move.vm_id)
        if details is None:
            return _not_yet(source.why_unknown(move.vm_id).rstrip(".") or f"{move.source} did not describe the VM")
        state = readiness(details.vm)
        if isinstance(state, Wait):
            return _not_yet(f"{move.vm_name} {state.text}")
        blockers = self._blockers(move, details, source, destination)
        if blockers and await self._may_go_elsewhere(move, blockers):
            text = _told(blockers)
            return Diagnosis("no-room", Fault.NO_ROOM, "Another destination of the plan may take it.", text)
        if blockers:
            hint = "The hosts changed after the plan was made: put it right and ask again."
            return Diagnosis("preflight", Fault.VM, hint, _told(blockers))
        full = await self._full(source, destination, attempt)
        if full:
            return _not_yet(full)
        return Cleared(MoveOrder(move.vm_id, self._address(move.destination), move.path, move.disks), details)

    @staticmethod
    def _blockers(move: Move, details: VmDetails, source: Inspection, destination: Inspection) -> list[Finding]:
        findings = preflight([planned_again(move, details)], {move.source: source, move.destination: destination}, {})
        return [finding for finding in findings if finding.severity is Severity.BLOCKER]

    async def _may_go_elsewhere(self, move: Move, blockers: Sequence[Finding]) -> bool:
        """Whether only room is missing, and its job has another destination that may have some."""
        if not self._replans or move.attempts or not all(one.code in ROOM for one in blockers):
            return False
        job, moves = await self._store.job(move.job_id), await self._store.moves(move.job_id)
        return bool(approved_hosts(job, moves) - {move.destination})

    async def _full(self, source: Inspection, destination: Inspection, attempt: Attempt) -> str:
        """Say which host is full now, our own reservation counted; somebody else may have started meanwhile."""
        reservations = await self._store.attempts(open_only=True)
        for inspection in (source, destination):
            for load in loads(inspection.snapshot):
                mine = [a for a in reservations if load.host in {a.source, a.destination}]
                others = [a for a in mine if a.id != attempt.id]
                if used(load, mine) > load.limit:
                    return full_text(load, others)
        return ""


def _told(blockers: Sequence[Finding]) -> str:
    return " ".join(finding.text for finding in blockers)


def _not_yet(reason: str) -> Diagnosis:
    return Diagnosis("not-yet", Fault.NEVER_STARTED, reason, reason)
