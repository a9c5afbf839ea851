"""Decides what owners of VMs are told of a job, and when: each thing once, and together for each of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from core.domain.model.event_data import (
    STUCK_STATE,
    Approved,
    EventKind,
    News,
    OwnerReleased,
    OwnerTold,
    Stuck,
    VmNews,
)
from core.domain.model.events import Event
from core.domain.model.move import Move, MoveId, MoveState

RELEVANT = frozenset({EventKind.APPROVED, EventKind.STUCK, EventKind.OWNER_RELEASED, EventKind.OWNER_TOLD})
"""The events that decide it."""
_TROUBLE = frozenset({MoveState.FAILED, MoveState.UNMIGRATABLE, MoveState.LOST})


def owner_news(moves: Sequence[Move], history: Sequence[Event], *, may_hold: bool) -> list[OwnerTold]:
    """Say what owners have not heard yet of an approved job.

    ``moves``: all of the job, in the plan's order. ``history``: what is relevant of its events, oldest first.
    An owner hears that VMs of his are to move, of each trouble until the last of them is over, and then, once, how all
    of them ended. What its plan already ruled out was never to move: of that he hears nothing.
    """
    mine: dict[str, list[Move]] = {}
    for move in moves:
        if move.owner is not None and move.owner.hears and not _was_ruled_out(move):
            mine.setdefault(move.owner.hears, []).append(move)
    if not mine:
        return []
    approved = next((one for one in reversed(history) if isinstance(one.data, Approved)), None)
    expected = _expected_s(moves, approved)
    told = [one.data for one in history if isinstance(one.data, OwnerTold)]
    stuck = {one.move_id: one.data.text for one in history if isinstance(one.data, Stuck) and one.move_id}
    news: list[OwnerTold] = []
    for person, theirs in mine.items():
        heard = [one for one in told if one.person == person]
        if all(move.state.is_end for move in theirs):
            known = _moves_in(heard, News.ENDED)
            vms = tuple(_over(move) for move in theirs if move.id not in known)
            news += [OwnerTold(person=person, about=News.ENDED, vms=vms)] if vms else []
            continue
        known = _moves_in(heard, News.APPROVED)
        coming = [move for move in theirs if move.id not in known and not move.state.is_end]
        if coming:
            vms = tuple(_coming(move, expected.get(move.id, 0.0)) for move in coming)
            owner = coming[0].owner
            news.append(
                OwnerTold(
                    person=person,
                    about=News.APPROVED,
                    vms=vms,
                    by=approved.actor if approved else "",
                    ends_at=_ends_at(approved),
                    why=owner.why if owner else "",
                    may_hold=may_hold,
                )
            )
        troubles = tuple(_troubles(theirs, stuck, heard))
        news += [OwnerTold(person=person, about=News.TROUBLE, vms=troubles)] if troubles else []
        news += _released(person, theirs, history, heard)
    return news


def _was_ruled_out(move: Move) -> bool:
    return move.state is MoveState.UNMIGRATABLE and move.ended_at is not None and move.ended_at == move.queued_at


def _expected_s(moves: Sequence[Move], approved: Event | None) -> dict[MoveId, float]:
    """Return what each move was expected to take at the approval."""
    if approved is None or not isinstance(approved.data, Approved):
        return {}
    return {move.id: float(s) for move, s in zip(moves, approved.data.moves_s, strict=False)}


def _ends_at(approved: Event | None) -> datetime | None:
    if approved is None or not isinstance(approved.data, Approved) or not approved.data.expected_s:
        return None
    return approved.at + timedelta(seconds=approved.data.expected_s)


def _moves_in(told: Iterable[OwnerTold], about: News) -> set[int]:
    return {vm.move for one in told if one.about is about for vm in one.vms}


def _troubles(theirs: Sequence[Move], stuck: dict[MoveId, str], heard: Sequence[OwnerTold]) -> Iterable[VmNews]:
    known = {(vm.move, vm.state) for one in heard if one.about is News.TROUBLE for vm in one.vms}
    for move in theirs:
        if move.state in _TROUBLE and (move.id, move.state.value) not in known:
            yield _over(move)
        if move.id in stuck and move.state.holds_slots and (move.id, STUCK_STATE) not in known:
            yield _vm(move, STUCK_STATE, words=stuck[move.id])


def _released(
    person: str, theirs: Sequence[Move], history: Sequence[Event], heard: Sequence[OwnerTold]
) -> Iterable[OwnerTold]:
    """Tell that somebody else let go on what the owner held."""
    known = {one.after for one in heard if one.about is News.RELEASED}
    for one in history:
        if not isinstance(one.data, OwnerReleased) or one.actor == person or one.id in known:
            continue
        vms = tuple(_vm(move, move.state.value) for move in theirs if move.id in one.data.moves)
        if vms:
            yield OwnerTold(person=person, about=News.RELEASED, vms=vms, by=one.actor, after=one.id)


def _coming(move: Move, seconds: float) -> VmNews:
    return _vm(move, MoveState.QUEUED.value, seconds=seconds)


def _over(move: Move) -> VmNews:
    took = (move.ended_at - move.started_at).total_seconds() if move.ended_at and move.started_at else 0.0
    return _vm(move, move.state.value, seconds=max(0.0, took), words=move.error)


def _vm(move: Move, state: str, *, seconds: float = 0.0, words: str = "") -> VmNews:
    return VmNews(
        move=move.id,
        name=move.vm_name,
        source=move.source,
        destination=move.destination,
        state=state,
        seconds=seconds,
        words=words,
    )
