"""What the bot does behind a JEA endpoint that shows less than it asks for."""

from pathlib import Path

from core.domain.model.events import EventKind
from core.domain.model.move import MoveState
from core.domain.model.plan import FindingCode, Severity
from lab.hyperv.world.fleet import Endpoint
from tests.support.fault_harness import fleet, ground, vm


async def test_an_endpoint_without_folder_functions_moves_and_keeps_the_folders(tmp_path: Path) -> None:
    """No folder can be listed or removed there: the plan notes it, the VM moves, its folders stay and say why."""
    described = fleet(vm(1, "web01", gb=1), endpoint=Endpoint.JEA_WITHOUT_FOLDERS)
    async with ground(tmp_path, described) as here:
        job = await here.go("web01")
        (note,) = [finding for finding in job.plan.findings if finding.code is FindingCode.FOLDERS_UNSEEN]
        assert (note.host, note.severity) == ("HV02", Severity.NOTE)
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        (done,) = await here.history(job.id, EventKind.DONE)
        assert done.data["removed"] == []
        assert any("ScriptsNotAllowed" in reason for _, reason in done.data["kept"])
        assert here.lab.world.ledger.removals == []
        here.once_each("web01")
