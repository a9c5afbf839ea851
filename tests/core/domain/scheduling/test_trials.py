"""Promises of core.domain.scheduling.trials: a pair of hosts that refused two VMs for no known reason is tried last."""

from dataclasses import replace
from typing import Any

import pytest

from core.domain.model.move import Attempt, Fault, HoldCode, Move, MoveState
from core.domain.scheduling.decisions import Start
from core.domain.scheduling.schedule import decide
from core.domain.scheduling.situation import Situation
from core.domain.scheduling.trials import pairs_on_trial
from tests.support.builders import HV01, HV02, HV03, NOW, after, attempt, facts, move, situation, snapshot, vm
from tests.support.decisions import by_move, kept, started

REFUSED = [attempt(1, ended_at=NOW, fault=Fault.UNKNOWN), attempt(2, ended_at=NOW, fault=Fault.UNKNOWN)]
PAIR = (HV01, HV02)


def at(moves: list[Move], faults: list[Attempt], **of: Any) -> Situation:
    shots = (snapshot(HV01, *(vm(number) for number in range(1, 7))), snapshot(HV02), snapshot(HV03))
    return replace(situation(moves, *shots), faults=faults, **of)


def test_two_vms_without_a_reason_put_a_pair_on_trial() -> None:
    """One may be the VM's own; two are not; the same VM twice is one."""
    moves = [move(1), move(2), move(3)]
    assert pairs_on_trial(at(moves, REFUSED)) == {PAIR: ("vm01", "vm02")}
    assert pairs_on_trial(at(moves, REFUSED[:1])) == {}
    assert pairs_on_trial(at(moves, [REFUSED[0], REFUSED[0]])) == {}


@pytest.mark.parametrize("fault", [Fault.PASSING, Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED])
def test_what_passes_puts_nobody_on_trial(fault: Fault) -> None:
    """A network that drops is no reason to go one by one."""
    assert pairs_on_trial(at([move(1), move(2)], [replace(one, fault=fault) for one in REFUSED])) == {}


def test_a_vm_that_moved_since_ends_the_trial() -> None:
    """Whoever arrives proves that the hosts can; who arrived before proves nothing."""
    moved = move(4, state=MoveState.DONE, ended_at=after(5))
    assert pairs_on_trial(at([move(1), move(2), moved], REFUSED)) == {}
    early = replace(moved, ended_at=after(-5))
    assert pairs_on_trial(at([move(1), move(2), early], REFUSED)) == {PAIR: ("vm01", "vm02")}


def test_one_vm_at_a_time_tries_and_the_others_say_why_they_wait() -> None:
    """The others need not copy everything to learn the same."""
    decisions = decide(at([move(1), move(2), move(3)], REFUSED))
    assert len(started(decisions)) == 1
    waiting = [kept(decision) for decision in decisions if not isinstance(decision, Start)]
    text = "HV02 refused vm01 and vm02 and nobody knows why; one VM tries first"
    assert {(hold.code, hold.text) for hold in waiting} == {(HoldCode.RETRY, text)}
    assert len(started(decide(at([move(1), move(2), move(3)], [])))) > 1


def test_a_trial_comes_after_everybody_else_of_the_job() -> None:
    """Slots go first to those who can be expected to move."""
    big = replace(move(3), size_bytes=10**12)
    shots = (
        snapshot(HV01, *(vm(number) for number in range(1, 7)), of=facts(live_limit=1)),
        snapshot(HV02),
        snapshot(HV03),
    )
    other = move(5, HV01, HV03)
    trial = replace(situation([move(1), move(2), big, other], *shots), faults=REFUSED)
    assert started(decide(trial)) == [5]
    assert isinstance(by_move(decide(replace(trial, faults=[])))[3], Start)


def test_who_has_not_tried_yet_tries_first() -> None:
    """A fresh VM that moves ends the trial; one that fails again proves little."""
    decisions = decide(at([move(1, attempts=1), move(2, attempts=1), move(3)], REFUSED))
    assert started(decisions) == [3]
