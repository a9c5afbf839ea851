"""The order to move: given once, by the attempt that is open, and not when people withdrew it a moment before."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.inventory import HostName, Inspection
from core.domain.model.job import JobState
from core.domain.model.move import HoldCode, MoveState
from core.engine.engine import Engine
from core.errors import ContactLost, StoreError
from core.store import SqlStore
from lab.gateway import LabGateway
from lab.hyperv.world.faults import MoveFault
from lab.hyperv.world.fleet import Fleet, ScheduledMigration
from lab.virtual_time import Outside
from tests.support.databases import database_url
from tests.support.engine_harness import Listener, Stage, host, hosts, numbered, play, vm, vm_id

Act = Callable[[Stage, Any], Awaitable[Any]]


class SlowLooks(LabGateway):
    """Hosts so busy that a look at them takes a minute."""

    look_s = 0.0

    async def inspect(self, host: HostName, vm_ids: Any = None, **how: Any) -> Inspection:
        await asyncio.sleep(self.look_s)
        return await super().inspect(host, vm_ids, **how)


class SlowLogin(LabGateway):
    """Hosts whose login takes a while: the order comes after it."""

    login_s = 20.0

    async def _call(self, method: str, host: HostName) -> None:
        if method == "move":
            await asyncio.sleep(self.login_s)
        await super()._call(method, host)


class Breaking:
    """A store one of whose methods is preceded by something, or fails for a while."""

    def __init__(self, store: Any, **before: Callable[[], Awaitable[None]]) -> None:
        self._store, self._before = store, before

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in self._before:
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._before[name]()
            return await method(*args, **kwargs)

        return call


def test_a_process_that_lost_its_database_gives_no_order(tmp_path: Path) -> None:
    """Promise 2: the lock file was removed and a second bot took over; the first one's orders are never sent."""

    async def script(stage: Stage) -> None:
        first = SlowLooks(stage.world, stage.clock.now)
        stage.gateway = first
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", "web03", "web04")
            first.look_s = 70.0
            await stage.state_is(job.id, "web01", MoveState.STARTING)
            Path(f"{stage.db}.lock").unlink(missing_ok=True)  # noqa: ASYNC240 (virtual time stands still)
            store: Any = Outside(SqlStore(database_url(stage.db)), stage.loop)
            second = Engine(
                settings=stage.settings,
                store=store,
                gateway=LabGateway(stage.world, stage.clock.now),
                notifier=Listener(),
                clock=stage.clock,
            )
            await second.start()
            moves = await stage.finished(job.id)
            await second.stop()
        assert first.calls["move"] == 0 or not stage.world.ledger.violations
        assert sorted(start.vm_name for start in stage.world.ledger.starts) == ["web01", "web02", "web03", "web04"]
        assert stage.world.ledger.violations == []
        assert {move.state for move in moves.values()} == {MoveState.DONE}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4, gb=30))), script)


async def _cancel(stage: Stage, job: Any) -> None:
    await stage.engine.controls.cancel(job.id, "U_BOB")


async def _pause(stage: Stage, job: Any) -> None:
    await stage.engine.controls.pause(job.id, "U_BOB")


async def _stop(stage: Stage, _: Any) -> None:
    await stage.engine.controls.stop_starts("U_BOB")


@pytest.mark.parametrize(
    ("act", "state", "hold"),
    [
        (_cancel, MoveState.CANCELLED, None),
        (_pause, MoveState.QUEUED, HoldCode.PAUSED),
        (_stop, MoveState.QUEUED, HoldCode.STOPPED),
    ],
)
def test_an_order_withdrawn_during_the_login_is_not_sent(
    tmp_path: Path, act: Act, state: MoveState, hold: HoldCode | None
) -> None:
    """Promise 11: what people were told holds at whatever instant, also after the last look."""

    async def script(stage: Stage) -> None:
        gateway = SlowLogin(stage.world, stage.clock.now)
        stage.gateway = gateway
        async with stage.running():
            job = await stage.ask_and_approve("web01")

            async def is_logging_on() -> bool:
                return gateway.calls["inspect"] >= 4 and (await stage.store.moves(job.id))[0].before is not None

            await stage.until(is_logging_on)
            await act(stage, job)
            await asyncio.sleep(300)
            (move,) = await stage.store.moves(job.id)
            assert stage.world.ledger.starts == []
            assert (move.state, move.attempts) == (state, 0)
            assert (move.hold.code if move.hold else None) is hold

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


@pytest.mark.parametrize("act", [_pause, _stop])
def test_nothing_starts_that_was_stopped_after_the_decision(tmp_path: Path, act: Act) -> None:
    """Promise 11: the stop is answered while the start it forbids is about to be written; no attempt begins."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web01")
            told: list[str] = []

            async def stop_first() -> None:
                if not told:
                    told.append("answered")
                    await act(stage, job)

            dispatcher: Any = engine._dispatcher
            dispatcher._store = Breaking(dispatcher._store, begin_attempt=stop_first)
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await asyncio.sleep(120)
            assert told == ["answered"]
            assert await stage.store.attempts() == ()
            assert stage.world.ledger.starts == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_freeze_that_begins_after_the_decision_holds_the_start(tmp_path: Path) -> None:
    """Promise 11: the calendar is asked where the start is written, not where it was decided."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await asyncio.sleep(10)  # both hosts are known
            job = await stage.ask("web01")
            waited: list[float] = []

            async def wait_first() -> None:
                if not waited and (await stage.store.job(job.id)).state is JobState.RUNNING:
                    waited.append(300.0)
                    await asyncio.sleep(300)

            dispatcher: Any = engine._dispatcher
            dispatcher._store = Breaking(dispatcher._store, attempts=wait_first)
            await asyncio.sleep(5)  # the loop is at rest: its next decision is about the approved job
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await asyncio.sleep(900)
            assert waited
            (move,) = await stage.store.moves(job.id)
            assert (move.state, move.hold.code if move.hold else None) == (MoveState.QUEUED, HoldCode.FREEZE)
            assert await stage.store.attempts() == ()

    # The stage begins on a Monday at 08:00 UTC.
    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script, freeze={"windows": ("Mon 08:03-18:00",)})


def test_the_commands_percents_prove_no_slot(tmp_path: Path) -> None:
    """Promise 1: Move-VM tells percents before a host counts the move, and the counter holds somebody else's."""

    async def script(stage: Stage) -> None:
        stage.gateway.first_percent_s = 20.0
        async with stage.running():
            await asyncio.sleep(10)
            job = await stage.ask_and_approve("web01", "web02")
            await asyncio.sleep(90)
            starts = [start.vm_name for start in stage.world.ledger.starts if start.vm_name != "foreign"]
            assert starts == ["web01"], "the other slot is taken"
            assert stage.world.ledger.violations == []
            attempts = await stage.store.attempts()
            assert [one.fault for one in attempts] == [None]
            assert attempts[0].confirmed_at is not None
            assert (await stage.store.job(job.id)).state is JobState.RUNNING

    fleet = Fleet(
        hosts=(host("HV01", live_limit=4, storage_limit=4), host("HV02"), host("HV03")),
        vms=(vm(1, "web01", gb=60), vm(2, "web02", gb=60), vm(50, "foreign", "HV03", gb=500)),
        migrations=(ScheduledMigration(start_s=0, vm=vm_id(50), destination="HV02", path="D:\\Theirs"),),
    )
    play(tmp_path, fleet, script)


class LostOrder(LabGateway):
    """The answer to the order is missing for a minute, then contact is lost; the host carries it out after 102 s."""

    async def move(self, host: HostName, order: Any, on_progress: Any, *more: Any) -> Any:
        self.calls["move"] += 1
        if self.calls["move"] > 1:
            return await super().move(host, order, on_progress, *more)
        for may_start in more:
            assert await may_start()
        carry_out = super().move
        asyncio.get_running_loop().call_later(
            102.0, lambda: asyncio.ensure_future(carry_out(host, order, on_progress, *more))
        )
        await asyncio.sleep(60)
        raise ContactLost(host, f"The connection to {host} broke.")


def test_patience_with_a_lost_order_begins_when_contact_was_lost(tmp_path: Path) -> None:
    """Promise 2: an order that was on its way when the line broke may still arrive; nothing is started beside it."""

    async def script(stage: Stage) -> None:
        stage.gateway = LostOrder(stage.world, stage.clock.now)
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id)
        assert moves["web01"].state is MoveState.DONE
        assert len(stage.world.ledger.starts) == 1
        assert stage.world.ledger.violations == []

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_whatever_the_database_says_the_report_is_kept(tmp_path: Path) -> None:
    """The disk fails while a move ends that the host refused for good: it is written down later, not ordered again."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), cause="disk-full"))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            broken_until = stage.loop.time() + 600

            async def fail() -> None:
                if stage.loop.time() < broken_until:
                    raise StoreError("The database said: disk I/O error.")

            recorder: Any = engine._recorder
            recorder.store = Breaking(recorder.store, move=fail, change_move=fail, end_attempt=fail)
            moves = await stage.finished(job.id)
        assert len(stage.world.ledger.starts) == 1
        assert moves["web01"].state is MoveState.FAILED
        assert "0x80070070" in moves["web01"].error

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1, gb=60))), script)


def test_the_last_refusal_of_a_stale_attempt_does_not_end_the_next(tmp_path: Path) -> None:
    """An attempt that was closed confirms, ends and orders nothing, though its move has another one open."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            (attempt,) = await stage.store.attempts()
            (move,) = await stage.store.moves(job.id)
            stale: Any = replace(attempt, id=attempt.id + 1)
            for call in (
                stage.store.confirm_attempt(stale, move, move, at=stage.clock.now()),
                stage.store.order_attempt(stale, at=stage.clock.now()),
                stage.store.change_move(move, move, attempt=stale),
            ):
                with pytest.raises(StoreError, match="over, or followed"):
                    await call
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
