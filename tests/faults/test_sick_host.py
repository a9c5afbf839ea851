"""What the bot does while a host's WinRM is refused, breaks, hangs, is slow, answers errors or what nobody can read."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName
from core.domain.model.move import HoldCode, MoveState
from core.errors import HostError
from lab.hyperv.remoting.shells import Quotas
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, WireFaultKind
from tests.support.event_facts import facts
from tests.support.fault_harness import Ground, fleet, ground, vm, vm_id

# A line may break while a question is under way, or while the next session is being opened.
BROKEN_LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "HV03": ("does not answer", {"kind": WireFaultKind.REFUSE}),
    "HV04": ("HV04", {"kind": WireFaultKind.DROP, "operation": "Receive"}),
    "HV05": ("no answer in time", {"kind": WireFaultKind.HANG}),
}
BAD_ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "HV03": ("HTTP status 500", {"kind": WireFaultKind.STATUS, "status": 500}),
    "HV04": ("HTTP status 503", {"kind": WireFaultKind.STATUS, "status": 503}),
    "HV05": ("not WinRM", {"kind": WireFaultKind.MALFORMED}),
    "HV06": ("Lost contact", {"kind": WireFaultKind.TRUNCATED, "operation": "Command"}),
}


@pytest.mark.parametrize("sick", [BROKEN_LINES, BAD_ANSWERS], ids=["broken-lines", "bad-answers"])
async def test_sick_hosts_hold_up_only_their_own_moves(
    tmp_path: Path, sick: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    """Hosts fall ill, each in its own way: a move between two others runs as ever, theirs say why they wait."""
    vms = [vm(int(host[2:]), f"on-{host}", host, gb=1) for host in sick]
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1), *vms, count=2 + len(sick))) as here:
        near, far = await here.ask("web01"), await here.ask("on-*", source=",".join(sick))
        for host, (_, fault) in sick.items():
            here.order(host, **fault)
        for host, (words, _) in sick.items():
            assert host in await here.silent(host, words)
        await here.approve(far)
        await here.approve(near)
        moves = await here.over(near)
        assert moves["web01"].state is MoveState.DONE
        here.once_each("web01")
        for host in sick:
            text = await here.is_held(far, f"on-{host}")
            assert host in text
        held = [event for event in await here.history(far.id, EventKind.HELD) if facts(event).code == HoldCode.HOST]
        assert {host for host in sick for event in held if host in facts(event).text} == set(sick)
        with pytest.raises(HostError, match="HV03"):
            await here.ask("on-HV03", source="HV03")
        await here.engine.controls.stop_starts("U_DAVE")  # recovery is to be seen, not several more moves
        here.end_trouble()
        for host in sick:
            await here.answers(host)
            await here.is_held(far, f"on-{host}", HoldCode.STOPPED)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": WireFaultKind.DROP, "operation": "Receive"},
        {"kind": WireFaultKind.HANG},
        {"kind": WireFaultKind.STATUS, "status": 500},
        {"kind": WireFaultKind.TRUNCATED},
    ],
    ids=lambda fault: f"{fault['kind']}",
)
async def test_a_move_goes_on_while_its_source_cannot_be_heard(tmp_path: Path, fault: dict[str, Any]) -> None:
    """The connection of a running move breaks and stays broken: the VM is not started again, its end is found later."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.order("HV01", **fault)
        await here.silent("HV01")
        here.lab.jump(3600)  # the move ends while nobody can hear of it
        move = await here.move(job, "web01")
        assert move.state is MoveState.MOVING, "silence is no end"
        here.end_trouble()
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        assert here.where(1) == "HV02"
        here.once_each("web01")


@pytest.mark.parametrize("how", ["restart", "forget"])
async def test_a_move_goes_on_when_its_session_is_gone(tmp_path: Path, how: str) -> None:
    """WinRM restarts, or the host forgets every session, in the middle of a move: both ends are found all the same."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        for host in ("HV01", "HV02"):
            if how == "restart":
                await here.lab.restart_winrm(host)
            else:
                shells = here.lab.shells(host)
                for shell in list(shells):
                    shells.remove(shell)
        for host in ("HV01", "HV02"):
            before = here.engine._snapshot_cache.snapshots[HostName(host)]
            await here.until(partial(_newer, here, host, before))
        assert (await here.move(job, "web01")).state is MoveState.MOVING
        here.lab.jump(3600)
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01")


async def _newer(here: Ground, host: str, before: object) -> bool:
    return here.engine._snapshot_cache.snapshots[HostName(host)] is not before


async def test_a_slow_host_is_slow_alone(tmp_path: Path) -> None:
    """Every answer of one host comes late: its move is done, late; the move of others does not wait for it."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1), vm(2, "web02", "HV03", gb=1), count=3)) as here:
        slow, near = await here.ask("web02", source="HV03"), await here.ask("web01")
        here.order("HV03", WireFaultKind.SLOW, delay_s=0.4)
        await here.approve(slow)
        await here.approve(near)
        await here.over(near)
        assert (await here.move(slow, "web02")).state is not MoveState.DONE
        here.end_trouble()
        moves = await here.over(slow)
        assert moves["web02"].state is MoveState.DONE
        here.once_each("web01", "web02")


async def test_a_host_without_a_free_session_starts_nothing_and_goes_on_later(tmp_path: Path) -> None:
    """The quota of shells is used up by others: the move waits, costs no attempt, and starts when there is room."""
    quotas = Quotas(shells_per_user=25)
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1)), quotas=quotas) as here:
        job = await here.ask("web01")
        shells = here.lab.shells("HV01")
        shells.quotas = Quotas(shells_per_user=len(shells))
        await here.approve(job)

        async def put_off() -> Any:
            return await here.history(job.id, EventKind.NOT_STARTED)

        (event, *_) = await here.until(put_off)
        assert "allows no further session" in event.data.words
        assert here.lab.world.ledger.starts == []
        assert (await here.move(job, "web01")).attempts == 0
        shells.quotas = quotas
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01")


async def test_a_cancel_reaches_a_move_whose_own_connection_is_lost(tmp_path: Path) -> None:
    """Contact with the command broke, the host answers again: a person's cancel still ends the migration."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20))) as here:
        here.spoil(MoveFault(vm=vm_id(1), kind=MoveFaultKind.STALL, at_percent=30))
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        await here.lab.restart_winrm("HV01")
        await here.engine.controls.cancel(job.id, "U_ALICE")
        moves = await here.over(job)
        assert moves["web01"].state is MoveState.CANCELLED
        assert here.where(1) == "HV01"
        here.once_each("web01")
