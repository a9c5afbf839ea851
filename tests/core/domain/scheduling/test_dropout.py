"""Which destinations drop out of a job, and what of it may go elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.job import Job
from core.domain.model.move import Attempt, Fault, Hold, HoldCode, Move, MoveState
from core.domain.model.plan import Finding, FindingCode, Plan, Severity
from core.domain.scheduling.dropout import Dropout, approved_hosts, dropouts, has_not_begun
from core.domain.scheduling.schedule import SEEK_AGAIN, decide, next_change
from tests.support.builders import (
    HV01,
    HV02,
    HV03,
    NOW,
    POLICY,
    after,
    attempt,
    facts,
    job,
    move,
    planned,
    situation,
    snapshot,
    vm,
)

HV04 = HostName("HV04")
PATIENCE = timedelta(minutes=5)
PLAN = (planned(1), planned(2), planned(3, destination=HV03))


def waiting(number: int, since_s: float = -600, **changes: Any) -> Move:
    return move(number, **{"hold": Hold(HoldCode.HOST, "HV02 is off", after(since_s)), **changes})


def found(
    *moves: Move,
    snapshots: Sequence[Snapshot] = (),
    faults: Sequence[Attempt] = (),
    of: Job | None = None,
    trouble: dict[HostName, str] | None = None,
) -> list[Dropout]:
    shown = {host: snapshot(host) for host in (HV01, HV02, HV03, HV04)} | {one.host: one for one in snapshots}
    at = situation(moves, *shown.values(), jobs=[of or job(1, *PLAN)], trouble=trouble)
    return dropouts(replace(at, faults=faults, policy=replace(POLICY, replan_after=PATIENCE)))


OFF = snapshot(HV02, of=facts(is_migration_enabled=False))
ZERO = snapshot(HV02, of=facts(live=0))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"snapshots": (OFF,)}, "live migration is switched off on HV02"),
        ({"snapshots": (ZERO,)}, "HV02 allows no live migrations (limit 0, or switched off)"),
        ({"trouble": {HV02: "HV02 does not answer"}}, "HV02 does not answer"),
    ],
)
def test_a_destination_that_is_out_for_its_patience_drops_out(changes: dict[str, Any], why: str) -> None:
    """Off, limit 0, silent: what waits for it is named with the reason, when it has waited long enough."""
    moves = (waiting(1), waiting(2, -10), move(3, destination=HV03))
    (one,) = found(*moves, **changes)
    assert (one.host, one.reason, one.waiting, one.full) == (HV02, why, (1, 2), ())
    assert found(waiting(1, -299), waiting(2, -10), move(3, destination=HV03), **changes) == []


def test_a_host_that_has_not_been_looked_at_yet_is_not_out() -> None:
    """After a restart the old hold still stands; whether the host is still out is not known before a look."""
    at = situation([waiting(1)], snapshot(HV01), snapshot(HV03), jobs=[job(1, *PLAN)])
    assert dropouts(replace(at, policy=replace(POLICY, replan_after=PATIENCE))) == []


def test_time_alone_makes_it_drop_out() -> None:
    """Hosts that show the same are no news: it is decided again when its patience is over, and then every minute."""
    host_off = [snapshot(HV01, *map(vm, (1, 2))), OFF, snapshot(HV03)]
    at = situation([waiting(1, -100)], *host_off, jobs=[job(1, *PLAN)])
    assert next_change(decide(at), at) is None
    at = replace(at, policy=replace(POLICY, replan_after=PATIENCE))
    assert next_change(decide(at), at) == timedelta(seconds=200)
    long_out = replace(at, moves=[waiting(1)])
    assert next_change(decide(long_out), long_out) == SEEK_AGAIN


def test_a_source_in_trouble_is_no_reason_to_go_elsewhere() -> None:
    """The destination is well: nothing is gained elsewhere."""
    assert found(waiting(1), move(3, destination=HV03), trouble={HV01: "HV01 does not answer"}) == []


def test_a_destination_without_room_drops_out_at_once() -> None:
    """The last look found it full: those it has no room for are named, and those that wait besides."""
    tried = attempt(1, fault=Fault.NO_ROOM, host_words="D: is full", ended_at=NOW)
    (one,) = found(move(1), move(2), move(3, destination=HV03), faults=(tried,))
    assert (one.host, one.reason, one.waiting, one.full) == (HV02, "D: is full", (1, 2), (1,))
    moved_over = move(1, destination=HV03)
    assert found(moved_over, move(2), faults=(tried,)) == []


def test_what_has_begun_stays() -> None:
    """Moving, tried, ordered once, cancelled: such a move is not put elsewhere."""
    ordered = attempt(4, ordered_at=NOW, ended_at=NOW, fault=Fault.LIMIT)
    begun = (
        waiting(1, state=MoveState.MOVING),
        waiting(2, attempts=1),
        waiting(4),
        waiting(5, cancel_by="U_ANN"),
        move(3, destination=HV03),
    )
    assert found(*begun, snapshots=[OFF], faults=(ordered,)) == []
    assert has_not_begun(waiting(6), (attempt(6, ended_at=NOW, fault=Fault.NO_ROOM),))


def test_one_destination_has_no_other() -> None:
    """Nothing else was approved: it goes on waiting."""
    assert found(waiting(1), snapshots=[OFF], of=job(1, planned(1))) == []


def test_only_what_was_approved_counts() -> None:
    """A host to which only VMs went that preflight ruled out was not approved as a destination."""
    blocker = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SWITCH, text="no", vm_id=PLAN[2].vm_id)
    only = job(1, plan=Plan(PLAN, (blocker,)))
    stays = move(3, destination=HV03, state=MoveState.UNMIGRATABLE)
    assert approved_hosts(only, (move(1), stays)) == {HV02}


STATES = st.sampled_from([MoveState.QUEUED, MoveState.QUEUED, MoveState.STARTING, MoveState.MOVING, MoveState.DONE])
HOSTS = st.sampled_from([HV02, HV03, HV04])


@given(
    st.lists(st.tuples(STATES, HOSTS, st.integers(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=6),
    st.sets(HOSTS),
    st.sets(st.integers(1, 6)),
)
def test_never_a_move_that_has_begun(
    rows: list[tuple[MoveState, HostName, int, bool, bool]], silent: set[HostName], ordered: set[int]
) -> None:
    """Whatever drops out: what is named waits for that host, and no order for it ever went out."""
    moves = [
        waiting(n, state=state, destination=host, attempts=tries, cancel_by="U" if cancelled else "")
        for n, (state, host, tries, cancelled, _) in enumerate(rows, 1)
    ]
    faults = tuple(
        attempt(n, destination=one.destination, fault=Fault.NO_ROOM, ordered_at=NOW if n in ordered else None)
        for n, one in enumerate(moves, 1)
        if rows[n - 1][4]
    )
    plan = tuple(planned(n, destination=one.destination) for n, one in enumerate(moves, 1))
    tried = {one.move_id for one in faults if one.ordered_at}
    by_id = {one.id: one for one in moves}
    trouble = {host: f"{host} does not answer" for host in silent}
    for one in found(*moves, of=job(1, *plan), faults=faults, trouble=trouble):
        for move_id in one.waiting:
            named = by_id[move_id]
            assert (named.destination, named.state, named.attempts) == (one.host, MoveState.QUEUED, 0)
            assert move_id not in tried
            assert not named.cancel_by
