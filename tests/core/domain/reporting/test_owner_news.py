"""What owners are told, and when: each thing once, together for each person and job."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.event_data import Approved, EventData, News, OwnerReleased, OwnerTold, Stuck
from core.domain.model.events import Event
from core.domain.model.job import JobId
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.model.ownership import Found, Owner
from core.domain.reporting.owner_news import owner_news
from tests.support.builders import move

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
ANN = Owner("ann@contoso.com", "by the VM's notes", Found.KNOWN, "U0ANN")
BEN = Owner("U0BEN", "by sql* in the settings", Found.KNOWN, "U0BEN")
GONE = Owner("x@contoso.com", "by the VM's notes", Found.LEFT, "U0X")
NOBODY = Owner()


def of(number: int, owner: Owner | None, state: MoveState = MoveState.QUEUED) -> Move:
    ended = NOW + timedelta(minutes=9) if state.is_end else None
    return replace(move(number), owner=owner, state=state, queued_at=NOW, started_at=NOW, ended_at=ended)


def said(number: int, data: EventData, *, of_move: int | None = None, actor: str = "U0BOB") -> Event:
    move_id = MoveId(of_move) if of_move else None
    return Event(data=data, at=NOW, job_id=JobId("J1"), move_id=move_id, actor=actor, id=number)


APPROVED = said(1, Approved(expected_s=600.0, moves_s=(60, 120, 180)))


def news(moves: list[Move], *history: Event) -> list[tuple[str, News, tuple[int, ...]]]:
    found = owner_news(moves, [APPROVED, *history], may_hold=True)
    return [(one.person, one.about, tuple(vm.move for vm in one.vms)) for one in found]


def test_an_approval_is_told_once_to_each_owner_with_how_long_it_takes() -> None:
    """All VMs of one person are one message; whoever left, or is nobody, is told nothing."""
    moves = [of(1, ANN), of(2, BEN), of(3, ANN), of(4, GONE), of(5, NOBODY), of(6, None)]
    told = owner_news(moves, [APPROVED], may_hold=True)
    assert [(one.person, one.about, one.by, one.may_hold) for one in told] == [
        ("U0ANN", News.APPROVED, "U0BOB", True),
        ("U0BEN", News.APPROVED, "U0BOB", True),
    ]
    assert [(vm.move, vm.seconds) for vm in told[0].vms] == [(1, 60.0), (3, 180.0)]
    assert told[0].ends_at == NOW + timedelta(minutes=10)
    assert news(moves, *(said(10 + n, one) for n, one in enumerate(told))) == []


def test_an_owner_who_is_found_later_is_told_then() -> None:
    """Only of the VMs that he has not heard of."""
    first = owner_news([of(1, ANN), of(2, None)], [APPROVED], may_hold=False)
    assert news([of(1, ANN), of(2, ANN)], said(2, first[0])) == [("U0ANN", News.APPROVED, (2,))]


def test_trouble_is_told_at_once_and_the_end_when_all_is_over() -> None:
    """A failure beside moves that go on is trouble; the last one is part of the end, which tells of all."""
    known = said(2, owner_news([of(1, ANN), of(2, ANN)], [APPROVED], may_hold=False)[0])
    moves = [of(1, ANN, MoveState.FAILED), of(2, ANN, MoveState.MOVING)]
    assert news(moves, known) == [("U0ANN", News.TROUBLE, (1,))]
    trouble = said(3, owner_news(moves, [APPROVED, known], may_hold=False)[0])
    assert news(moves, known, trouble) == []
    over = [of(1, ANN, MoveState.FAILED), of(2, ANN, MoveState.DONE)]
    assert news(over, known, trouble) == [("U0ANN", News.ENDED, (1, 2))]
    ended = said(4, owner_news(over, [APPROVED, known, trouble], may_hold=False)[0])
    assert news(over, known, trouble, ended) == []


def test_a_vm_that_seems_stuck_is_told_once() -> None:
    """However often people are asked about it; not any more when it goes on to its end."""
    known = said(2, owner_news([of(1, ANN)], [APPROVED], may_hold=False)[0])
    stuck = said(3, Stuck(text="no progress"), of_move=1)
    moving = [of(1, ANN, MoveState.MOVING)]
    (told,) = owner_news(moving, [APPROVED, known, stuck], may_hold=False)
    assert (told.about, told.vms[0].state, told.vms[0].words) == (News.TROUBLE, "stuck", "no progress")
    again = said(5, Stuck(text="still no progress"), of_move=1)
    assert news(moving, known, stuck, said(4, told), again) == []
    assert news([of(1, ANN, MoveState.DONE)], known, stuck) == [("U0ANN", News.ENDED, (1,))]


def test_what_the_plan_ruled_out_is_no_news() -> None:
    """It was never to move; the owner hears only of the others, and when these are over."""
    ruled_out = replace(of(1, ANN, MoveState.UNMIGRATABLE), ended_at=NOW)
    assert news([ruled_out]) == []
    assert news([ruled_out, of(2, ANN)]) == [("U0ANN", News.APPROVED, (2,))]
    assert news([ruled_out, of(2, ANN, MoveState.DONE)]) == [("U0ANN", News.ENDED, (2,))]


def test_a_release_by_somebody_else_is_told_once() -> None:
    """Whoever held his VM hears that it may start; what he released himself he knows."""
    known = said(2, owner_news([of(1, ANN)], [APPROVED], may_hold=False)[0])
    release = OwnerReleased(vms=("web01",), moves=(1,))
    assert news([of(1, ANN)], known, said(3, release, actor="U0ANN")) == []
    (told,) = owner_news([of(1, ANN)], [APPROVED, known, said(3, release)], may_hold=False)
    assert (told.about, told.by, told.after) == (News.RELEASED, "U0BOB", 3)
    assert news([of(1, ANN)], known, said(3, release), said(4, told)) == []


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([MoveState.MOVING, MoveState.DONE, MoveState.FAILED, MoveState.LOST])),
    max_size=14,
)


@given(STEPS, st.lists(st.sampled_from([ANN, BEN, GONE, None]), min_size=4, max_size=4))
def test_whatever_happens_each_owner_hears_each_thing_once(
    steps: list[tuple[int, MoveState]], owners: list[Owner | None]
) -> None:
    """In any order of starts and ends: once that it moves, at most once of its trouble, then once that all is over."""
    moves = [of(number, owner) for number, owner in enumerate(owners, 1)]
    history: list[Event] = [APPROVED]

    def tell() -> None:
        for one in owner_news(moves, history, may_hold=False):
            history.append(said(len(history) + 1, one))
        assert owner_news(moves, history, may_hold=False) == []

    tell()
    for number, state in [*steps, *((number, MoveState.DONE) for number in range(4))]:
        if not moves[number].state.is_end:
            moves[number] = of(number + 1, owners[number], state)
        tell()
    told = [one.data for one in history if isinstance(one.data, OwnerTold)]
    for one in moves:
        person = one.owner.hears if one.owner else ""
        heard = [data.about for data in told if any(vm.move == one.id for vm in data.vms)]
        assert {data.person for data in told if any(vm.move == one.id for vm in data.vms)} <= {person}
        if not person:
            assert heard == []
            continue
        assert heard[0] is News.APPROVED
        assert heard[-1] is News.ENDED
        assert heard[1:-1] in ([], [News.TROUBLE])
    for person in {data.person for data in told}:
        assert sum(data.about is News.ENDED for data in told if data.person == person) == 1
