"""Finds the pairs of hosts on trial: two VMs were refused there for a reason nobody knows, and none has moved since.

What waits for such a pair goes last, and one VM at a time: the others need not copy everything to learn the same.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.model.inventory import HostName
from core.domain.model.move import Fault, MoveId, MoveState
from core.domain.scheduling.situation import Situation

if TYPE_CHECKING:
    from datetime import datetime

Pair = tuple[HostName, HostName]
_WITNESSES = 2


def pairs_on_trial(situation: Situation) -> Mapping[Pair, tuple[str, ...]]:
    """Return the pairs on trial, source first, each with the names of the VMs that were refused there."""
    if not any(attempt.fault is Fault.UNKNOWN for attempt in situation.faults):
        return {}
    names: dict[MoveId, str] = {move.id: move.vm_name for move in situation.moves}
    last_success: dict[Pair, datetime] = {}
    for move in situation.moves:
        if move.state is MoveState.DONE and move.ended_at is not None:
            pair = (move.source, move.destination)
            last_success[pair] = max(move.ended_at, last_success.get(pair, move.ended_at))
    refused: defaultdict[Pair, dict[MoveId, str]] = defaultdict(dict)
    for attempt in situation.faults:
        pair = (attempt.source, attempt.destination)
        since = last_success.get(pair)
        is_newer = since is None or (attempt.ended_at is not None and attempt.ended_at > since)
        if attempt.fault is Fault.UNKNOWN and is_newer and attempt.move_id in names:
            refused[pair][attempt.move_id] = names[attempt.move_id]
    return {pair: tuple(vms.values()) for pair, vms in refused.items() if len(vms) >= _WITNESSES}
