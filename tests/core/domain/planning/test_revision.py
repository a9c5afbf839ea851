"""Promises of core.domain.planning.revision: what a person changes is done, what they did not touch stays."""

from dataclasses import replace

import pytest

from core.domain.model.inventory import HostName
from core.domain.model.plan import Finding, FindingCode, Plan, PlanEdit, Severity
from core.domain.planning.destinations import Destination
from core.domain.planning.placement import Conditions, place
from core.domain.planning.revision import Changes, Revision, choose_again, revise
from core.domain.planning.speeds import Speeds
from core.errors import NothingToMove, RequestError
from tests.support.builders import HV01, HV02, HV03, NOW, details, facts, planned, room, vm_id

HV04 = HostName("HV04")
OWN = {HV01: "D:\\VMs", HV02: "D:\\VMs", HV03: "D:\\VMs", HV04: "E:\\Own"}
PLAN = Plan((planned(1, path="D:\\VMs"), planned(2, path="D:\\VMs"), planned(3, destination=HV03, path="D:\\VMs")))


def revised(changes: Changes, plan: Plan = PLAN) -> Revision:
    return revise(plan, changes, OWN, by="U_BOB", at=NOW)


def test_the_changed_vm_is_pinned_and_the_others_are_kept() -> None:
    """The changed one must go there; all that are left say where the plan had them; the change is written down."""
    made = revised({vm_id(1): HV03, vm_id(2): None})
    assert made.pinned == {vm_id(1): HV03}
    assert made.keep == {vm_id(1): HV02, vm_id(3): HV03}
    assert made.edits == (
        PlanEdit(vm_id=vm_id(1), vm_name="vm01", before=HV02, to=HV03, by="U_BOB", at=NOW),
        PlanEdit(vm_id=vm_id(2), vm_name="vm02", before=HV02, to=None, by="U_BOB", at=NOW),
    )


def test_an_earlier_change_still_holds() -> None:
    """Who was put somewhere by hand stays pinned when somebody changes another; the newest word about a VM counts."""
    first = revised({vm_id(1): HV03})
    moves = (replace(PLAN.moves[0], destination=HV03), *PLAN.moves[1:])
    plan = Plan(moves, edits=first.edits)
    assert revised({vm_id(2): HV03}, plan).pinned == {vm_id(1): HV03, vm_id(2): HV03}
    assert revised({vm_id(1): HV02}, plan).pinned == {vm_id(1): HV02}


def test_the_folder_on_a_new_host() -> None:
    """A folder that was typed for all is that of a new host too; where hosts have their own, so has the new one."""
    assert Destination(HV04, "E:\\Own") in revised({vm_id(1): HV04}).targets
    typed = Plan(tuple(replace(move, path="F:\\Typed\\a", is_own_folder=True) for move in PLAN.moves))
    assert Destination(HV04, "F:\\Typed") in revised({vm_id(1): HV04}, typed).targets
    with pytest.raises(RequestError, match="where on HV09"):
        revised({vm_id(1): HostName("HV09")})


def test_what_cannot_be_is_one_sentence() -> None:
    """A VM of another plan, a source, no change at all, nobody left."""
    with pytest.raises(RequestError, match="no longer in this plan"):
        revised({vm_id(9): HV03})
    with pytest.raises(RequestError, match="source and destination at once"):
        revised({vm_id(1): HV01})
    with pytest.raises(RequestError, match="Nothing would change"):
        revised({vm_id(1): HV02})
    with pytest.raises(NothingToMove, match="Nothing would be left"):
        revised({move.vm_id: None for move in PLAN.moves})


def placed(made: Revision, free_gb: dict[HostName, int]) -> dict[str, tuple[HostName, str]]:
    rows = [details(int(move.vm_name[2:]), gb=30) for move in made.moves]
    rooms = {host: room(host, free_gb=gb) for host, gb in free_gb.items()}
    at = Conditions(
        homes={row.vm.id: HV01 for row in rows},
        slots=dict.fromkeys(OWN, 2),
        speeds=Speeds({}, 10**8),
        own_folders=True,
        keep=made.keep,
        pinned=made.pinned,
        said_no=made.said_no,
    )
    found = made.settle(place(rows, made.targets, rooms, at))
    return {row.vm.name: (found.chosen[row.vm.id].host, found.why[row.vm.id]) for row in rows}


def test_who_was_put_by_hand_gets_the_room_and_the_fewest_move_aside() -> None:
    """HV03 has room for one: the VM put there has it, the one that was there goes elsewhere, the rest stays."""
    plan = replace(PLAN, moves=(replace(PLAN.moves[0], why="HV02 is done first."), *PLAN.moves[1:]))
    made = placed(revised({vm_id(2): HV03}, plan), {HV02: 500, HV03: 40})
    assert {name: host for name, (host, _) in made.items()} == {"vm01": HV02, "vm02": HV03, "vm03": HV02}
    assert made["vm01"][1] == "Stays where the plan had it. HV02 is done first."
    assert made["vm02"][1].startswith("HV03 was chosen by hand.")


def test_who_was_put_where_he_cannot_go_stays_there_for_preflight_to_say_so() -> None:
    """Nobody chooses otherwise than the person did: the plan shows the blocker."""
    made = revised({vm_id(1): HV03})
    rows = [details(1), details(2), details(3)]
    rooms = {HV02: room(HV02), HV03: room(HV03, of=facts(is_migration_enabled=False))}
    at = Conditions(
        homes={row.vm.id: HV01 for row in rows}, slots={}, speeds=Speeds({}, 10**8), keep=made.keep, pinned=made.pinned
    )
    found = place(rows, made.targets, rooms, at)
    assert found.chosen[vm_id(1)].host == HV03
    assert found.unplaced == {vm_id(1)}
    assert found.why[vm_id(1)] == "HV03 was chosen by hand; it does not take it: live migration is switched off."
    assert found.chosen[vm_id(3)].host == HV02


NO = {vm_id(1): frozenset({HV02})}
NAMED = ((HV02, "D:\\VMs"), (HV03, "D:\\VMs"), (HV04, "E:\\Own"))


def test_a_host_that_says_no_is_chosen_no_more() -> None:
    """The VM may go to any other destination that was named, one without a VM too; nobody else is to be moved."""
    made = choose_again(replace(PLAN, named=NAMED), NO)
    assert made is not None
    assert {target.host for target in made.targets} == {HV02, HV03, HV04}
    assert (made.said_no, made.pinned, made.named) == (NO, {}, NAMED)
    assert made.keep == {move.vm_id: move.destination for move in PLAN.moves}


def test_what_is_not_the_bots_to_choose_is_not_chosen_again() -> None:
    """Fixed places (a way back), VMs put there by hand, blocked ones, and those whom every named host refuses."""
    assert choose_again(PLAN, NO) is None
    plan = replace(PLAN, named=NAMED)
    by_hand = PlanEdit(vm_id=vm_id(1), vm_name="vm01", before=HV03, to=HV02, by="U_BOB", at=NOW)
    assert choose_again(replace(plan, edits=(by_hand,)), NO) is None
    busy = Finding(severity=Severity.BLOCKER, code=FindingCode.NO_SPACE, text="full", vm_id=vm_id(1))
    assert choose_again(replace(plan, findings=(busy,)), NO) is None
    assert choose_again(plan, {vm_id(1): frozenset({HV02, HV03, HV04})}) is None
    assert choose_again(plan, {vm_id(1): frozenset({HV03})}) is None


def test_after_a_no_the_reasons_are_those_of_the_new_plan() -> None:
    """Rooms and times are others after a no: whoever reads the plan first is not told what held before it."""
    told = [replace(move, why=f"{move.destination} has room.") for move in PLAN.moves]
    made = choose_again(replace(PLAN, moves=tuple(told), named=NAMED), {vm_id(1): frozenset({HV02, HV04})})
    assert made is not None
    kept = placed(made, {HV02: 500, HV03: 80, HV04: 500})
    assert kept["vm01"][1].startswith("Only HV03 takes it.")
    assert {name: why.split(";")[0] for name, (_, why) in kept.items() if name != "vm01"} == {
        "vm02": "HV02 has room and would take 2 min 49 s for all that goes there",
        "vm03": "HV03 has room and would take 5 min for all that goes there",
    }
    short = placed(made, {HV02: 40, HV03: 40, HV04: 20})
    assert short["vm01"] == (HV02, "No host has room for it. Not HV04: says that it cannot take it.")
