"""What a restart says of the moves it finds under way: once per job, and nothing of what may not have begun."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.domain.job import Event, EventKind, JobId, Move, MoveState, event


def adoptions(moves: Sequence[Move], at: datetime) -> list[Event]:
    """Note in which state each move was found; the first of each job that was moving tells of all of them.

    Of one found starting people have heard nothing yet: it is told as usual once a host shows that it moves.
    """
    told: dict[JobId, list[str]] = {}
    for move in moves:
        if move.state is not MoveState.STARTING:
            told.setdefault(move.job_id, []).append(move.vm_name)
    found = []
    for move in moves:
        names = told.pop(move.job_id, []) if move.state is not MoveState.STARTING else []
        more: dict[str, Any] = {"vms": names} if names else {"follows": True}
        found.append(event(EventKind.ADOPTED, at, move=move, state=move.state, **more))
    return found
