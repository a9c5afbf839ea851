"""A move to a host that nobody answers at: what both hosts show decides whether it is tried again."""

from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import MoveState
from lab.hyperv.world.faults import MoveFault
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, host, numbered, play, vm_id
from tests.support.event_facts import facts

APART = {"addresses": ("10.0.0.2/16", "10.9.0.2/24"), "migration_networks": ("10.9.0.0/24",)}


def test_networks_apart_are_not_tried_three_times(tmp_path: Path) -> None:
    """No network leads there: the pair's fault, in one sentence, and the job's other VMs are not started."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*", parallel=1)
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.UNMIGRATABLE}
        assert sorted(move.attempts for move in moves.values()) == [0, 1]
        assert stage.listener.of(EventKind.RETRYING) == []
        tried, *_ = [facts(one).hint for one in stage.listener.of(EventKind.UNMIGRATABLE)]
        assert tried.startswith("HV02 takes migrations only on 10.9.0.0/24, where HV01 has no address: allow")

    play(tmp_path, Fleet(hosts=(host("HV01"), host("HV02", **APART)), vms=tuple(numbered(2))), script)


@pytest.mark.parametrize("there", [{}, APART], ids=["a common network", "by a router"])
def test_a_timeout_on_a_way_that_leads_there_passes(tmp_path: Path, there: dict[str, tuple[str, ...]]) -> None:
    """Hosts with a network in common, and hosts between which a VM moved before: tried again."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            first = await stage.ask_and_approve("web01")
            await stage.finished(first.id)
            stage.world.order(MoveFault(vm=vm_id(2), cause="timeout"))
            job = await stage.ask_and_approve("web02")
            moves = await stage.finished(job.id)
        assert moves["web02"].state is MoveState.DONE
        assert moves["web02"].attempts == 2

    source = host("HV01", routes=("10.9.0.0/24",))
    play(tmp_path, Fleet(hosts=(source, host("HV02", **there)), vms=tuple(numbered(2))), script)
