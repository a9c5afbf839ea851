"""Promises of scheduling that hold in any situation."""

import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.model.hyperv_enums import Operation, VmState
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import HoldCode, Move, MoveState
from core.domain.model.plan import Options
from core.domain.scheduling.decisions import End, Held, Start
from core.domain.scheduling.schedule import Scheduler, decide
from core.domain.scheduling.situation import Situation
from core.domain.scheduling.slots import loads, used
from tests.support.builders import (
    GB,
    HV01,
    HV02,
    HV03,
    NOW,
    after,
    attempt,
    facts,
    job,
    move,
    situation,
    snapshot,
    vm,
)
from tests.support.decisions import BACKUP, BUSY, kept, started

# ---------------------------------------------------------------- properties

HOSTS = (HV01, HV02, HV03)


PAIRS = [(a, b) for a in HOSTS for b in HOSTS if a != b]


STATUSES = st.sampled_from(
    [(Operation.OK,)] * 6 + [BUSY, BACKUP, (Operation.IN_SERVICE, Operation.MIGRATING), (Operation.OTHER,)]
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Up to twelve moves of three jobs between three hosts, in any state, with foreign moves and old looks."""
    moves: list[Move] = []
    vms: dict[HostName, list[object]] = {host: [] for host in HOSTS}
    reservations = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        source, destination = draw(st.sampled_from(PAIRS))
        state = draw(st.sampled_from([MoveState.QUEUED] * 4 + [MoveState.MOVING, MoveState.DONE, MoveState.FAILED]))
        one = move(
            number,
            source,
            destination,
            job_number=draw(st.integers(1, 3)),
            state=state,
            size_bytes=draw(st.integers(0, 99)) * GB,
            not_before=draw(st.sampled_from([None, None, None, after(60)])),
            cancel_by=draw(st.sampled_from(["", "", "", "U_BOB"])),
        )
        moves.append(one)
        if state.holds_slots:
            confirmed = draw(st.sampled_from([None, after(-10), after(10)]))
            reservations.append(attempt(number, source, destination, confirmed_at=confirmed))
        power = draw(st.sampled_from([VmState.RUNNING, VmState.RUNNING, VmState.OFF]))
        for host in draw(st.sampled_from([[source]] * 8 + [[destination], [source, destination], []])):
            vms[host].append(vm(number, *draw(STATUSES), state=power))
    shots = [
        Snapshot(
            host=host,
            asked_at=after(-draw(st.sampled_from([0, 5, 500]))),
            taken_at=NOW,
            facts=facts(
                live=draw(st.integers(0, 3)),
                storage=draw(st.integers(1, 3)),
                live_active=draw(st.integers(0, 2)),
                is_migration_enabled=draw(st.sampled_from([True, True, True, False])),
            ),
            vms=tuple(vms[host]),  # type: ignore[arg-type]
        )
        for host in draw(st.sampled_from([HOSTS, HOSTS, HOSTS[:2]]))
    ]
    jobs = [
        job(number, options=Options(parallel=draw(st.sampled_from([0, 0, 1, 2])), fail_fast=draw(st.booleans())))
        for number in (1, 2, 3)
    ]
    stopped = draw(st.sampled_from(["", "", "", "", "U_BOB"]))
    return situation(moves, *shots, jobs=jobs, reservations=reservations, stopped_by=stopped)


@settings(max_examples=70)
@given(at=situations())
def test_every_queued_move_gets_one_decision_with_a_reason(at: Situation) -> None:
    """Promise 10: whatever the hosts show, every waiting move is started, ended or held, once, and says why."""
    decisions = decide(at)
    queued = [one.id for one in at.moves if one.state is MoveState.QUEUED]
    assert Counter(decision.move.id for decision in decisions) == Counter(queued)
    for decision in decisions:
        said = decision.reason if isinstance(decision, Start) else None
        said = said or (decision.text if isinstance(decision, End) else kept(decision).text)
        assert said.strip()


@settings(max_examples=70)
@given(at=situations())
def test_no_pass_starts_more_than_any_host_allows(at: Situation) -> None:
    """Promise 1: with all starts of a pass reserved, no host of a started move is above either of its limits."""
    starts = [decision.move for decision in decide(at) if isinstance(decision, Start)]
    ours = [*at.reservations, *(attempt(one.id, one.source, one.destination) for one in starts)]
    assert len({attempt.vm_id for attempt in ours}) == len(ours)
    for host in {host for one in starts for host in (one.source, one.destination)}:
        for claim in loads(at.snapshots[host]):
            assert used(claim, ours) <= claim.limit
    if at.stopped_by:
        assert not starts


@settings(max_examples=70)
@given(at=situations())
def test_nobody_overtakes_on_the_same_hosts(at: Situation) -> None:
    """A slot goes to the oldest job that can use it, and within a job to running VMs first, on one pair of hosts."""
    decisions = decide(at)
    starts = [decision.move for decision in decisions if isinstance(decision, Start)]
    waiting = [d.move for d in decisions if isinstance(d, Held) and kept(d).code is HoldCode.SLOT]
    running = {one.id for shot in at.snapshots.values() for one in shot.vms if one.state is VmState.RUNNING}
    for start in starts:
        for other in waiting:
            if {start.source, start.destination} != {other.source, other.destination}:
                continue
            assert start.job_id <= other.job_id
            if start.job_id == other.job_id:
                assert start.vm_id in running or other.vm_id not in running


def test_a_pass_over_a_large_fleet_is_quick() -> None:
    """Weakness 20: ten thousand moves between four hundred hosts are decided in a moment, on one look at each."""
    hosts = [HostName(f"H{number:03}") for number in range(400)]
    moves = [move(n, hosts[n % 200], hosts[200 + (n * 7) % 200]) for n in range(10_000)]
    shots = [snapshot(host, *(vm(n) for n in range(i, 10_000, 200)) if i < 200 else ()) for i, host in enumerate(hosts)]
    before = time.process_time()
    decisions = decide(situation(moves, *shots))
    assert time.process_time() - before < timedelta(seconds=5).total_seconds()
    assert len(decisions) == 10_000
    assert len(started(decisions)) > 200


@given(situations(), situations(), st.data())
def test_what_is_remembered_changes_no_decision(first: Situation, second: Situation, data: st.DataObject) -> None:
    """Whatever of the moves and hosts stayed as it was: who remembers decides the same as who looks at all anew."""
    moves = {one.id: one for one in second.moves}
    moves |= {one.id: one for one in first.moves if data.draw(st.booleans(), label=f"{one.vm_name} stays")}
    shots = {**second.snapshots, **{h: one for h, one in first.snapshots.items() if data.draw(st.booleans(), label=h)}}
    mixed = replace(
        second,
        moves=[moves[number] for number in sorted(moves)],
        snapshots=shots,
        jobs={**first.jobs, **second.jobs},
        stopped_by=data.draw(st.sampled_from(["", "", "", "U_BOB"])),
    )
    scheduler = Scheduler()
    scheduler.decide(first)
    assert scheduler.decide(mixed) == decide(mixed)
    assert scheduler.decide(mixed) == decide(mixed)
