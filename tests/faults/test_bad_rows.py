"""One bad thing over real WinRM: a VM nobody can read, a sealed reply that is cut, a command that hangs."""

import logging
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, MoveState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, ValueFault, ValueFaultKind, WireFaultKind
from tests.support.event_facts import facts
from tests.support.fault_harness import fleet, ground, vm, vm_id


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("Name", ValueFaultKind.NULL),
        ("State", ValueFaultKind.NULL),
        ("State", ValueFaultKind.LIST),
        ("Uptime", ValueFaultKind.TEXT),
    ],
    ids=str,
)
async def test_one_vm_that_cannot_be_read_costs_no_other_its_move(
    tmp_path: Path, told: str, kind: ValueFaultKind
) -> None:
    """A VM of the source, in no job: others are planned, moved, found, and a plan of all says so."""
    vms = (vm(1, "web01", gb=500), vm(2, "web02", gb=1), vm(9, "sick", gb=1))
    async with ground(tmp_path, fleet(*vms)) as here:
        first = await here.go("web01")
        await here.is_in(first, "web01", MoveState.MOVING)
        here.spoil(ValueFault(host="HV01", property=told, kind=kind, vm=vm_id(9)))
        here.lab.jump(24 * 3600)
        assert (await here.over(first))["web01"].state is MoveState.DONE
        everything = await here.ask("all")
        assert [move.vm_name for move in everything.plan.moves] == ["web02"]
        assert [f.code.value for f in everything.plan.findings if told in f.text] == ["unreadable"]
        assert (await here.over(await here.approve(everything)))["web02"].state is MoveState.DONE
        assert HostName("HV01") not in here.engine._snapshot_cache.troubles
        here.once_each("web01", "web02")


@pytest.mark.parametrize(
    ("told", "kind"), [("Name", ValueFaultKind.ERROR), ("Id", ValueFaultKind.NULL)], ids=["an error", "no id"]
)
async def test_a_vm_without_a_readable_id_is_asked_around(tmp_path: Path, told: str, kind: ValueFaultKind) -> None:
    """The trouble stays. Who matters is asked for by id, so a move ends, and one that waits starts."""
    vms = (vm(1, "web01", gb=500), vm(2, "web02", gb=500), vm(3, "web03"), vm(9, "sick", gb=1))
    async with ground(tmp_path, fleet(*vms)) as here:
        job = await here.go("web02")
        await here.is_in(job, "web02", MoveState.MOVING)
        here.spoil(ValueFault(host="HV01", property=told, kind=kind, vm=vm_id(9)))

        async def is_partial() -> bool:
            return here.engine._snapshot_cache.snapshots[HostName("HV01")].leaves_open_who_is_there

        await here.until(is_partial)
        here.lab.jump(24 * 3600)
        assert (await here.over(job))["web02"].state is MoveState.DONE
        other = await here.go("web01")
        await here.is_in(other, "web01", MoveState.MOVING)
        here.lab.jump(24 * 3600)
        assert (await here.over(other))["web01"].state is MoveState.DONE
        here.once_each("web01", "web02")


async def test_the_last_vm_of_a_source_may_be_one_without_an_id(tmp_path: Path) -> None:
    """All but the sick one leave: the host has answered, and is no silent one, so the move comes to its end."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=500), vm(9, "sick", gb=1))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.spoil(ValueFault(host="HV01", property="Id", kind=ValueFaultKind.NULL, vm=vm_id(9)))
        here.lab.jump(24 * 3600)
        assert (await here.over(job))["web01"].state is MoveState.DONE
        assert HostName("HV01") not in here.engine._snapshot_cache.troubles
        here.once_each("web01")


async def test_a_vm_whose_own_row_has_no_id_leaves_open_where_it_is(tmp_path: Path) -> None:
    """The row of the VM that moves: shown is believed, not shown is not, and nothing is lost."""
    vms = (vm(1, "web01", gb=500), vm(2, "web02"), vm(3, "web03", "HV02"))
    async with ground(tmp_path, fleet(*vms)) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        for name in ("HV01", "HV02"):
            here.spoil(ValueFault(host=name, property="Name", kind=ValueFaultKind.ERROR, vm=vm_id(1)))
        here.lab.jump(24 * 3600)

        async def is_partial() -> bool:
            return here.engine._snapshot_cache.snapshots[HostName("HV02")].leaves_open_who_is_there

        await here.until(is_partial)
        assert (await here.move(job, "web01")).state in {MoveState.MOVING, MoveState.VERIFYING}
        here.end_trouble()
        assert (await here.over(job))["web01"].state is MoveState.DONE
        here.once_each("web01")


async def test_a_sick_vm_that_was_asked_for_waits_with_its_reason(tmp_path: Path) -> None:
    """Its own move is held with the property's name, and goes on when it can be read."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1), vm(2, "web02", gb=1))) as here:
        job = await here.ask("web01", "web02")
        here.spoil(ValueFault(host="HV01", property="State", kind=ValueFaultKind.NULL, vm=vm_id(2)))

        async def is_partial() -> bool:
            return bool(here.engine._snapshot_cache.snapshots[HostName("HV01")].unreadable)

        await here.until(is_partial)
        await here.approve(job)
        await here.is_in(job, "web01", MoveState.DONE)
        assert "State" in await here.is_held(job, "web02", HoldCode.HOST, "State")
        here.end_trouble()
        assert (await here.over(job))["web02"].state is MoveState.DONE
        here.once_each("web01", "web02")


async def test_a_sealed_reply_that_is_cut_ends_no_loop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The library raises an IndexError: the host is silent, is asked again, and its move is followed."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=500)), winrm={"auth": "credssp"}) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        with caplog.at_level(logging.ERROR):
            here.order("HV01", WireFaultKind.CUT_SEAL)
            here.order("HV02", WireFaultKind.CUT_SEAL)
            await here.silent("HV01")
            await here.silent("HV02")
        here.end_trouble()
        here.lab.jump(24 * 3600)
        assert (await here.over(job))["web01"].state is MoveState.DONE
        assert here.engine.supervisor.is_alive
        here.once_each("web01")


async def test_a_command_that_never_begins_is_given_up(tmp_path: Path) -> None:
    """Move-VM is taken and shows nothing: its slots come free, and the VM is tried again."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1))) as here:
        here.spoil(MoveFault(vm=vm_id(1), kind=MoveFaultKind.NEVER_BEGINS))
        job = await here.go("web01")
        assert (await here.over(job))["web01"].state is MoveState.DONE
        assert [event.kind for event in await here.history(job.id, EventKind.STARTING)] == [EventKind.STARTING] * 2
        here.once_each("web01")


async def test_a_command_that_never_returns_is_not_waited_for(tmp_path: Path) -> None:
    """The VM has arrived, the command hangs: done, at the first attempt."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1), vm(2, "web02", gb=1))) as here:
        here.spoil(MoveFault(vm=vm_id(1), kind=MoveFaultKind.NEVER_RETURNS))
        job = await here.go("web01", "web02")
        moves = await here.over(job)
        assert {(move.state, move.attempts) for move in moves.values()} == {(MoveState.DONE, 1)}
        here.once_each("web01", "web02")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("ControllerType", ValueFaultKind.LIST),
        ("ControllerType", ValueFaultKind.ERROR),
        ("SwitchName", ValueFaultKind.LIST),
        ("VMId", ValueFaultKind.NULL),
    ],
    ids=str,
)
async def test_a_part_of_one_vm_that_cannot_be_read_costs_no_other_its_move(
    tmp_path: Path, told: str, kind: ValueFaultKind
) -> None:
    """A disk or an adapter of one VM: others are planned and moved, that one is left out and named, and waits."""
    async with ground(tmp_path, fleet(*(vm(n, f"web0{n}", gb=1) for n in (1, 2, 3)))) as here:
        waiting = await here.ask("web02")
        here.spoil(ValueFault(host="HV01", property=told, kind=kind, vm=vm_id(2)))
        everything = await here.ask("web*")
        assert [move.vm_name for move in everything.plan.moves] == ["web01", "web03"]
        (left_out,) = [f for f in everything.plan.findings if f.code.value == "unreadable"]
        assert left_out.vm_id == vm_id(2)
        assert left_out.text.startswith("web02 is not in this plan")
        moves = await here.over(await here.approve(everything))
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        await here.approve(waiting)

        async def is_said() -> bool:
            said = [facts(event).text for event in await here.history(waiting.id, EventKind.NOT_STARTED)]
            return any(text.startswith(("HV01 reported an error", "HV01 answered")) for text in said)

        await here.until(is_said)
        here.end_trouble()
        assert (await here.over(waiting))["web02"].state is MoveState.DONE
        here.once_each("web01", "web02", "web03")
