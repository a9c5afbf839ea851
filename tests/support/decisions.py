"""Picks decisions of a pass apart: what was started, held, ended, and why."""

from collections.abc import Sequence

from core.domain.model.hyperv_enums import Operation
from core.domain.model.move import Hold, Move
from core.domain.scheduling.decisions import Decision, End, Held, Start
from core.domain.scheduling.schedule import decide
from tests.support.builders import (
    HV01,
    HV02,
    POLICY,
    after,
    situation,
    snapshot,
    vm,
)

BUSY = (Operation.IN_SERVICE,)


BACKUP = (Operation.IN_SERVICE, Operation.BACKING_UP)


def kept(decision: Decision) -> Hold:
    assert isinstance(decision, Held), decision
    assert decision.move.hold is not None
    return decision.move.hold


def ended(decision: Decision) -> End:
    assert isinstance(decision, End), decision
    return decision


def started(decisions: Sequence[Decision]) -> list[int]:
    return [decision.move.id for decision in decisions if isinstance(decision, Start)]


def by_move(decisions: Sequence[Decision]) -> dict[int, Decision]:
    return {decision.move.id: decision for decision in decisions}


def see(one: Move, *status: Operation, at: float, policy: object = POLICY, **changes: object) -> Decision:
    """Let one pass look at one move while its VM shows this."""
    shot = snapshot(HV01, vm(one.id, *status), at=after(at))
    return decide(situation([one], shot, snapshot(HV02, at=after(at)), now=after(at), **changes))[0]  # type: ignore[arg-type]
