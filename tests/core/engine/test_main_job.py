"""The main job on virtual time: asked, approved, moved, verified, cleaned up, told."""

from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.move import MoveState
from lab.hyperv.world.fleet import Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm_id

pytestmark = pytest.mark.usefixtures("each_database")


def test_approved_vms_move_within_the_limits_and_leave_no_folders(tmp_path: Path) -> None:
    """Promise 1, 4, 5: five VMs over two slots, each ends on the destination only, empty folders go."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*")
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert stage.world.ledger.violations == []
        for number in range(1, 6):
            assert stage.world.where_is(vm_id(number)) == "HV02"
        left = [entry.path for entry in stage.world.all_entries("HV01") if entry.path.startswith("D:\\VMs\\")]
        assert left == []
        kinds = [event.kind for event in stage.listener.events]
        assert kinds[0] is EventKind.PROPOSED
        assert kinds[1] is EventKind.APPROVED
        assert kinds.count(EventKind.DONE) == 5
        assert kinds[-1] is EventKind.FINISHED

    stage = play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(5))), script)
    peaks = stage.world.ledger.peaks
    assert all(peak <= 2 for peak in peaks.values()), peaks
