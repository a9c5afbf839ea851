"""A VM that captures a DVD drive of its host: nobody documents what a move does then, so both must end well."""

from pathlib import Path

import pytest

from core.domain.model.move import MoveState
from core.domain.model.plan import FindingCode, Severity
from lab.hyperv.world.fleet import Fleet
from lab.hyperv.world.quirks import Quirks
from tests.support.engine_harness import Stage, host, play, vm, vm_id


@pytest.mark.parametrize(
    ("blocks", "end", "where"), [(True, MoveState.UNMIGRATABLE, "HV01"), (False, MoveState.DONE, "HV02")]
)
def test_both_answers_of_a_host_end_well(tmp_path: Path, blocks: bool, end: MoveState, where: str) -> None:
    """A warning before the button; then the VM moves, or stays whole where it is after one try. The others move."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            (warning,) = [one for one in job.plan.findings if one.code is FindingCode.HOST_DVD]
            assert warning.severity is Severity.WARNING
            moves = await stage.finished(job.id)
        assert (moves["web01"].state, moves["web01"].attempts) == (end, 1)
        assert stage.world.where_is(vm_id(1)) == where
        assert moves["web02"].state is MoveState.DONE

    there = host("HV02", quirks=Quirks(captured_dvd_blocks_move=blocks))
    fleet = Fleet(hosts=(host("HV01"), there), vms=(vm(1, "web01", captured_dvd_drive="E:"), vm(2, "web02")))
    play(tmp_path, fleet, script)
