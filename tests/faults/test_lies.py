"""What the bot does when hosts report what is not so, in a language it does not read, or when others interfere."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.host_calls import MoveOrder, MoveReport
from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.domain.scheduling import schedule
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.hyperv.world.fleet import Language, MigrationKind
from lab.hyperv.world.moves import MoveRequest
from tests.support.event_facts import facts
from tests.support.fault_harness import fleet, ground, vm, vm_id


async def test_where_the_vm_is_decides_not_what_the_host_says(tmp_path: Path) -> None:
    """One move fails in words only, one succeeds in words only: the first is done, the second is tried again."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1), vm(2, "web02", gb=1))) as here:
        here.spoil(MoveFault(vm=vm_id(1), kind=MoveFaultKind.SAYS_FAILED))
        here.spoil(MoveFault(vm=vm_id(2), kind=MoveFaultKind.SAYS_SUCCEEDED))
        moves = await here.over(await here.go("web*"))
        assert {name: (move.state, move.attempts) for name, move in moves.items()} == {
            "web01": (MoveState.DONE, 1),
            "web02": (MoveState.DONE, 2),
        }
        assert (here.where(1), here.where(2)) == ("HV02", "HV02")
        here.once_each("web01", "web02", "web02")
        (retrying,) = here.listener.of(EventKind.RETRYING)
        assert "still on its source" in facts(retrying).words


@pytest.mark.parametrize("kind", [MoveFaultKind.DUPLICATE, MoveFaultKind.VANISH])
async def test_both_copies_or_none_is_lost_and_left_alone(tmp_path: Path, kind: MoveFaultKind) -> None:
    """The host says the move succeeded, and both have the VM, or neither: people are told, nothing is touched."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=1))) as here:
        here.spoil(MoveFault(vm=vm_id(1), kind=kind))
        job = await here.go("web01")
        moves = await here.over(job)
        assert moves["web01"].state is MoveState.LOST
        (lost,) = await here.history(job.id, EventKind.LOST)
        assert "HV01" in facts(lost).text
        assert facts(lost).hint
        assert here.lab.world.ledger.removals == []
        assert len(here.lab.world.ledger.starts) == 1


async def test_a_full_german_host_is_understood_by_its_counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit's German text has no number: the counter tells, the move waits for the slot and costs no attempt."""
    foreign = (vm(8, "other1", gb=2), vm(9, "other2", gb=2))
    described = fleet(vm(1, "web01", gb=1), *foreign, language=Language.GERMAN)
    async with ground(tmp_path, described) as here:
        order = here.gateway.move

        async def overtaken(host: HostName, wanted: MoveOrder, on_progress: Any, may_start: Any) -> MoveReport:
            """Somebody else takes both slots between the last look and the start."""
            monkeypatch.setattr(here.gateway, "move", order)
            for number in (8, 9):
                request = MoveRequest(
                    vm_id=vm_id(number),
                    source="HV01",
                    destination="HV02",
                    owner="CONTOSO\\alice",
                    kind=MigrationKind.LIVE_AND_STORAGE,
                    storage_path="D:\\Theirs",
                )
                here.lab.world.start_move(request)
            here.lab.pace.speed = 1e-6  # they do not end before the bot has looked at them
            return await order(host, wanted, on_progress, may_start)

        monkeypatch.setattr(schedule, "LESSON", timedelta(seconds=2))
        monkeypatch.setattr(here.gateway, "move", overtaken)
        job = await here.go("web01")

        async def refused() -> Any:
            return await here.history(job.id, EventKind.NOT_STARTED)

        (event, *_) = await here.until(refused)
        assert "Limit" in event.data.words
        assert event.data.code == "limit"
        here.lab.jump(3600)
        here.lab.pace.speed = 60.0
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        assert here.where(1) == "HV02"


async def test_a_migration_that_somebody_else_cancels_is_tried_again_and_told(tmp_path: Path) -> None:
    """An administrator cancels the job on the host, three times: told in the host's words, then it is failed."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20), vm(2, "web02", gb=1))) as here:
        job = await here.go("web01", "web02")
        world = here.lab.world
        for attempt in range(1, 4):

            async def moving(attempt: int = attempt) -> Any:
                mine = [start for start in world.ledger.starts if start.vm_name == "web01"]
                return len(mine) == attempt and (await here.move(job, "web01")).state is MoveState.MOVING

            await here.until(moving)
            [running] = [m for m in world.migrations() if m.vm_id == vm_id(1) and not m.is_done]
            assert world.request_state_change("HV01", running.instance_id, 4) == 4096
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.FAILED, 3)
        assert moves["web02"].state is MoveState.DONE
        assert here.where(1) == "HV01"
        here.once_each("web01", "web01", "web01", "web02")
        (failed,) = await here.history(job.id, EventKind.FAILED)
        assert "0x800704C7" in facts(failed).words
        assert facts(failed).hint
