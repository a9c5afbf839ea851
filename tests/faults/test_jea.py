"""What the bot does behind a JEA endpoint: with the role that deploy/ ships, and with one that shows less."""

from dataclasses import replace
from pathlib import Path

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.domain.model.plan import FindingCode, Severity
from lab.hyperv.world.fleet import GB, Disk, Endpoint
from tests.support.event_facts import facts
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
        assert facts(done).removed == ()
        assert any("CommandNotFoundException" in reason for _, reason in facts(done).kept)
        assert here.lab.world.ledger.removals == []
        here.once_each("web01")


async def test_the_shipped_role_is_enough_for_a_whole_job(tmp_path: Path) -> None:
    """Check is content, the plan looked into the folders, the VM moves, and its empty folders go."""
    described = fleet(vm(1, "web01", gb=1), endpoint=Endpoint.JEA)
    async with ground(tmp_path, described) as here:
        lines = await here.gateway.check(HostName("HV01"), [])
        assert [line for line in lines if line.subject == "HV01: commands" and not line.ok] == []
        job = await here.go("web01")
        assert [finding.code for finding in job.plan.findings if finding.code is FindingCode.FOLDERS_UNSEEN] == []
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        (done,) = await here.history(job.id, EventKind.DONE)
        assert facts(done).removed
        assert here.lab.world.ledger.removals
        here.once_each("web01")


async def test_a_disk_that_the_role_does_not_read_costs_the_others_nothing(tmp_path: Path) -> None:
    """One wrong element fails the whole command: a share's disk is asked about by itself, and has no known size."""
    local = vm(1, "web01", gb=1)
    mixed = replace(local, disks=(*local.disks, Disk(path="\\\\nas\\vms\\data.vhdx", size_bytes=GB)))
    async with ground(tmp_path, fleet(mixed, endpoint=Endpoint.JEA)) as here:
        (row,) = (await here.gateway.inspect(HostName("HV01"))).details
        sizes = {disk.path: disk.file_bytes for disk in row.disks}
        assert sizes.pop("\\\\nas\\vms\\data.vhdx") is None
        assert list(sizes.values()) == [GB]


async def test_a_policy_is_told_on_the_plan_and_promises_nothing_for_later(tmp_path: Path) -> None:
    """Constrained language: the VM moves, the plan says what was not looked at, its folders stay for that reason."""
    described = fleet(vm(1, "web01", gb=1), endpoint=Endpoint.CONSTRAINED_LANGUAGE)
    async with ground(tmp_path, described) as here:
        job = await here.go("web01")
        (note,) = [finding for finding in job.plan.findings if finding.code is FindingCode.FOLDERS_UNSEEN]
        assert "A policy of HV02 (constrained language)" in note.text
        moves = await here.over(job)
        assert moves["web01"].state is MoveState.DONE
        assert moves["web01"].tidy_at is None
        (done,) = await here.history(job.id, EventKind.DONE)
        assert facts(done).removed == ()
        reasons = {reason for _, reason in facts(done).kept}
        assert "A policy of HV01 (constrained language) does not let Remove-EmptyFolder run." in reasons
        assert not any("later" in reason or "answer" in reason for reason in reasons)
