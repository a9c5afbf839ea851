"""Asking, approving, rejecting, cancelling: what a click may do, once, and what it may not."""

import asyncio
from pathlib import Path

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.domain.model.plan import FindingCode
from core.errors import AmbiguousVm, NotAllowed, NothingToMove, RequestError, UnknownHost, UnknownJob, UnknownVm
from lab.hyperv.world.enums import ReplicationMode, VMState
from lab.hyperv.world.fleet import Adapter, Fleet
from tests.support.engine_harness import Stage, hosts, numbered, play, vm, vm_id
from tests.support.event_facts import facts


def test_nobody_approves_their_own_request(tmp_path: Path) -> None:
    """Promise 6: by default the requester is not the approver."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            with pytest.raises(NotAllowed, match="your own request"):
                await engine.controls.approve(job.id, job.plan.hash, "U_ALICE")
            assert (await stage.store.job(job.id)).state is JobState.PROPOSED

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_two_clicks_at_once_decide_once(tmp_path: Path) -> None:
    """Promise 6: one click wins, the other is told so."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            results = await asyncio.gather(
                *(engine.controls.approve(job.id, job.plan.hash, who) for who in ("U_BOB", "U_CAROL", "U_BOB")),
                return_exceptions=True,
            )
            refused = [r for r in results if isinstance(r, NotAllowed)]
            assert len(refused) == 2
            await stage.finished(job.id)
        assert len(stage.listener.of(EventKind.APPROVED)) == 1
        assert len(stage.world.ledger.starts) == 1

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_two_approvals_are_counted_and_one_person_counts_once(tmp_path: Path) -> None:
    """approvals_required = 2: the first click is 1 of 2, the same person's second does not count."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            first = await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            assert first.state is JobState.PROPOSED
            with pytest.raises(NotAllowed, match="already"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            second = await engine.controls.approve(job.id, job.plan.hash, "U_CAROL")
            assert second.state is JobState.RUNNING
            await stage.finished(job.id)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script, access={"approvals_required": 2})


def test_a_request_expires_and_a_late_click_does_nothing(tmp_path: Path) -> None:
    """Promise 6: after an hour nobody can approve any more, and the card says so."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            await asyncio.sleep(3605)
            with pytest.raises(NotAllowed, match="expired"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            assert (await stage.store.job(job.id)).state is JobState.EXPIRED
        assert stage.listener.of(EventKind.EXPIRED)
        assert stage.listener.views[-1].job.state is JobState.EXPIRED

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_plan_that_no_longer_fits_the_hosts_is_not_approved(tmp_path: Path) -> None:
    """Promise 6: the VM was switched off after the plan was made: ask again."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            stage.world.set_state("HV01", vm_id(1), VMState.Off)
            await asyncio.sleep(40)
            with pytest.raises(NotAllowed, match="was running and is off now"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            with pytest.raises(NotAllowed, match="does not show the plan"):
                await engine.controls.approve(job.id, "another", "U_BOB")

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_rejected_request_keeps_its_reason(tmp_path: Path) -> None:
    """Reject asks for a reason and shows it."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            await engine.controls.reject(job.id, job.plan.hash, "U_BOB", "not during office hours")
            with pytest.raises(NotAllowed, match="was rejected"):
                await engine.controls.approve(job.id, job.plan.hash, "U_CAROL")
            await asyncio.sleep(10)
        (rejected,) = stage.listener.of(EventKind.REJECTED)
        assert facts(rejected).reason == "not during office hours"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_cancelling_a_job_ends_what_waits_and_asks_what_runs(tmp_path: Path) -> None:
    """Waiting VMs are not moved; a running move is cancelled by its host, and the VM stays where it was."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            _, sentence = await engine.controls.cancel(job.id, "U_ALICE")
            assert "will not be moved" in sentence
            moves = await stage.finished(job.id)
        assert {move.state for move in moves.values()} == {MoveState.CANCELLED}
        assert {stage.world.where_is(vm_id(n)) for n in range(1, 5)} == {"HV01"}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4, gb=60))), script)


def test_cancelling_one_vm_leaves_the_others(tmp_path: Path) -> None:
    """Only the named VM is taken out."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            await engine.controls.cancel(job.id, "U_ALICE", "web03")
            with pytest.raises(UnknownVm):
                await engine.controls.cancel(job.id, "U_ALICE", "web99")
            moves = await stage.finished(job.id)
            with pytest.raises(NotAllowed, match="is finished"):
                await engine.controls.cancel(job.id, "U_ALICE")
        assert moves["web03"].state is MoveState.CANCELLED
        assert moves["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)


def test_a_proposed_job_can_be_withdrawn(tmp_path: Path) -> None:
    """Nothing was started, nothing will be."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            withdrawn, _ = await engine.controls.cancel(job.id, "U_ALICE")
            assert withdrawn.state is JobState.CANCELLED
            with pytest.raises(NotAllowed, match="withdrawn"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_bad_requests_are_answered_with_one_sentence(tmp_path: Path) -> None:
    """Promise 12: unknown and ambiguous names, same host twice, no such folder, nothing that can move."""
    lonely = vm(7, "print01", adapters=(Adapter(switch="Printers"),))
    vms = (*numbered(2), vm(8, "twin"), vm(9, "twin"), vm(10, "far01", "HV02"), lonely)

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            with pytest.raises(UnknownVm, match=r"web1 is not on HV01") as typo:
                await stage.ask("web1")
            assert "web01" in typo.value.hint
            with pytest.raises(UnknownVm) as moved:
                await stage.ask("far01")
            assert moved.value.hint == "It is on HV02."
            with pytest.raises(UnknownVm, match="fits"):
                await stage.ask("nothing*")
            with pytest.raises(AmbiguousVm) as twins:
                await stage.ask("twin")
            assert str(vm_id(8)) in twins.value.hint
            with pytest.raises(UnknownHost, match="HV99"):
                await stage.ask("web01", to="HV99")
            with pytest.raises(RequestError, match="source and destination"):
                await stage.ask("web01", to="hv01")
            with pytest.raises(NothingToMove) as hopeless:
                await stage.ask("print01")
            assert "has no virtual switch Printers" in hopeless.value.hint
            with pytest.raises(UnknownJob):
                await engine.queries.job("J99")
            assert await engine.queries.jobs() == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=vms), script)


def test_a_vm_that_cannot_move_is_told_before_the_button(tmp_path: Path) -> None:
    """Preflight finds the missing switch; the VM stays, the others go."""
    lonely = vm(7, "print01", adapters=(Adapter(switch="Printers"),))

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("all")
            assert FindingCode.NO_SWITCH in {finding.code for finding in job.plan.findings}
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            moves = await stage.finished(job.id)
        assert moves["print01"].state is MoveState.UNMIGRATABLE
        assert "Printers" in moves["print01"].error
        assert moves["web01"].state is MoveState.DONE
        assert stage.listener.of(EventKind.UNMIGRATABLE) == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=(*numbered(1), lonely)), script)


def test_a_vm_of_a_running_job_cannot_be_asked_for_again(tmp_path: Path) -> None:
    """Promise 2: one VM, one job at a time."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            first = await stage.ask_and_approve("web01")
            with pytest.raises(NothingToMove) as again:
                await stage.ask("web01")
            assert f"is in {first.id} already" in again.value.hint
            await stage.finished(first.id)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_many_destinations_share_the_vms(tmp_path: Path) -> None:
    """A request to two hosts places every VM before approval, where most room is."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web*", to="HV02,HV03")
            moves = await stage.finished(job.id)
        assert {move.destination for move in moves.values()} == {"HV02", "HV03"}
        for planned in job.plan.moves:
            assert stage.world.where_is(planned.vm_id) == planned.destination

    play(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(6))), script)


def test_a_subfolder_is_taken_once_and_kept_for_retries(tmp_path: Path) -> None:
    """Weakness 26: the second VM of a name gets -1; a retry uses its own folder again."""

    async def script(stage: Stage) -> None:
        stage.world.add_file("HV02", "D:\\VMs\\web01", is_folder=True)
        async with stage.running():
            job = await stage.ask_and_approve("web01", subfolder=True)
            await stage.finished(job.id)
        found = stage.world.vm("HV02", vm_id(1))
        assert found is not None
        assert found.path == "D:\\VMs\\web01-1"
        assert found.state == VMState.Running

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_what_failed_can_be_asked_for_again(tmp_path: Path) -> None:
    """retry proposes a new job of what did not get done."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web*")
            await engine.controls.cancel(job.id, "U_ALICE", "web02")
            await stage.finished(job.id)
            again = await engine.requests.retry(job.id, "U_ALICE")
            assert [move.vm_name for move in again.plan.moves] == ["web02"]
            await engine.controls.approve(again.id, again.plan.hash, "U_BOB")
            moves = await stage.finished(again.id)
            with pytest.raises(NothingToMove):
                await engine.requests.retry(again.id, "U_ALICE")
        assert moves["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


@pytest.mark.parametrize("sources", ["HV01,HV03", "HV03,HV01"])
def test_of_a_replicated_vm_the_primary_moves(tmp_path: Path, sources: str) -> None:
    """A replica on another source host has the same id: it stays, and blocks nothing."""
    primary = vm(1, "web01", replication_mode=ReplicationMode.Primary)
    replica = vm(1, "web01", "HV03", replication_mode=ReplicationMode.Replica, state=VMState.Off)

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("all", source=sources)
            (planned,) = job.plan.moves
            assert (planned.source, planned.is_live) == ("HV01", True)
            assert not job.plan.blocked_ids
            texts = [finding.text for finding in job.plan.findings if finding.code is FindingCode.REPLICA]
            assert texts == ["web01 on HV03 is a replica of the one on HV01; it stays where it is."]
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(3), vms=(primary, replica)), script)


def test_hosts_show_their_slots_and_their_trouble(tmp_path: Path) -> None:
    """/migrate hosts: slots in use against limits, and why a host is silent."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            rows = {row.host: row for row in await engine.queries.hosts()}
            assert (rows["HV01"].live_used, rows["HV01"].live_limit, rows["HV01"].ours) == (1, 2, 1)
            view = await engine.queries.job(job.id)
            assert view.eta is not None
            assert view.eta.soonest <= view.eta.likely <= view.eta.latest
            await stage.finished(job.id)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_name_of_two_vms_cancels_neither(tmp_path: Path) -> None:
    """Promise 12: two VMs of one name is an answer that names both ids; by its id each can be cancelled."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("all", source="HV01,HV03", subfolder=True)
            with pytest.raises(AmbiguousVm) as answer:
                await engine.controls.cancel(job.id, "U_BOB", "web01")
            assert str(vm_id(1)) in answer.value.hint
            assert str(vm_id(2)) in answer.value.hint
            assert not any(move.cancel_by for move in await stage.store.moves(job.id))
            await engine.controls.cancel(job.id, "U_BOB", str(vm_id(2)).upper())
            wished = [move.vm_id for move in await stage.store.moves(job.id) if move.cancel_by]
            assert wished == [vm_id(2)]

    play(tmp_path, Fleet(hosts=hosts(3), vms=(vm(1, "web01"), vm(2, "web01", "HV03"))), script)
