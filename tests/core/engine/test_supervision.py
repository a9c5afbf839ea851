"""No loop of the engine dies, and one bad host, notice, row or clean-up stops only itself. On virtual time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.job import Card, JobState
from core.domain.model.move import MoveState
from core.engine.api.job_views import JobViews
from core.errors import NotifierDown, StoreBusy
from lab.gateway import LabGateway
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, WireFault, WireFaultKind
from lab.hyperv.world.fleet import Fleet
from tests.support.databases import change, database_url, read
from tests.support.engine_harness import Listener, Stage, hosts, numbered, play, vm, vm_id

HOUR = 3600.0


class SurprisingGateway(LabGateway):
    """A gateway that breaks its promise: it raises what no list of errors has."""

    surprises = 0

    async def observe(self, host: HostName) -> Snapshot:
        if self.surprises > 0 and host == "HV01":
            self.surprises -= 1
            raise IndexError("list index out of range")
        return await super().observe(host)


def test_a_host_is_looked_at_again_after_an_exception_nobody_foresaw(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An IndexError of a library makes the host silent for a while, and its moves go on afterwards."""
    seen: dict[str, Any] = {}

    async def script(stage: Stage) -> None:
        stage.gateway = gateway = SurprisingGateway(stage.world, stage.clock.now)
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            gateway.surprises = 4
            await asyncio.sleep(20)
            seen["trouble"] = stage.engine._snapshot_cache.troubles[HostName("HV01")].text
            seen["moves"] = await stage.finished(job.id)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
    assert seen["trouble"] == "The bot could not read HV01 (IndexError); see its log."
    assert seen["moves"]["web01"].state is MoveState.DONE
    assert "looking at HV01 broke" in caplog.text


def test_a_decision_that_breaks_leaves_the_moves_under_way_alone(tmp_path: Path) -> None:
    """What breaks the dispatcher for a while neither ends it nor the attempts it follows."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01", "web02", "web03")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            real, broken_until = engine._dispatcher._freeze, stage.loop.time() + 600

            class Breaking:
                def frozen_until(self, now: Any) -> Any:
                    if stage.loop.time() < broken_until:
                        raise OverflowError("date value out of range")
                    return real.frozen_until(now)

            engine._dispatcher._freeze = Breaking()
            await stage.state_is(job.id, "web01", MoveState.DONE)
            assert stage.loop.time() < broken_until, "the move was followed to its end meanwhile"
            (loop,) = [one for one in engine.supervisor.status() if one.name == "dispatcher"]
            assert (loop.error, loop.restarts > 1) == ("OverflowError", True)
            moves = await stage.finished(job.id)
            assert {move.state for move in moves.values()} == {MoveState.DONE}

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)


class Poisoned(Listener):
    """Nobody takes one notice of J1 in its usual form, and perhaps in no form."""

    error: Exception = NotifierDown("Slack failed (fatal_error).")
    takes_plain = True
    poison = EventKind.APPROVED

    async def tell(self, notice: Notice) -> Card | None:
        if notice.event.kind is self.poison and notice.job.id == "J1" and not (self.takes_plain and notice.is_plain):
            raise self.error
        return await super().tell(notice)


def poisoned(tmp_path: Path, listener: Poisoned, within_s: float) -> Stage:
    async def script(stage: Stage) -> None:
        stage.listener = listener
        async with stage.running():
            first = await stage.ask_and_approve("web01")
            await asyncio.sleep(5)
            second = await stage.ask_and_approve("web02")
            await stage.finished(second.id)

            async def is_told() -> bool:
                return any(event.kind is EventKind.FINISHED and event.job_id == first.id for event in listener.events)

            await stage.until(is_told, within_s)

    return play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def said(stage: Stage, job: str) -> list[EventKind]:
    return [event.kind for event in stage.listener.events if event.job_id == job]


def test_a_notice_that_cannot_be_put_into_words_stops_only_itself(tmp_path: Path) -> None:
    """A bug in what one notice shows: it is said in plain words soon, and all others as ever."""
    listener = Poisoned()
    listener.error = KeyError("count")
    stage = poisoned(tmp_path, listener, HOUR)
    assert said(stage, "J1")[:2] == [EventKind.PROPOSED, EventKind.APPROVED]
    assert EventKind.FINISHED in said(stage, "J2")


def test_a_notice_that_slack_never_takes_is_said_plainly_or_given_up(tmp_path: Path) -> None:
    """Slack fails on one message for ever; while others are taken, that one is said in plain words."""
    stage = poisoned(tmp_path, Poisoned(), 24 * HOUR)
    assert said(stage, "J1")[:2] == [EventKind.PROPOSED, EventKind.APPROVED]


@pytest.mark.slow
def test_a_notice_that_is_taken_in_no_form_is_given_up_at_last(tmp_path: Path) -> None:
    """After hours and many tries it is left out, and what is behind it is said."""
    listener = Poisoned()
    listener.takes_plain, listener.error = False, KeyError("count")
    stage = poisoned(tmp_path, listener, 24 * HOUR)
    assert said(stage, "J1")[:2] == [EventKind.PROPOSED, EventKind.MOVING]
    assert read(database_url(stage.db), "SELECT count(*) FROM outbox WHERE outcome = 'given_up'") == [(1,)]


def test_a_page_overtakes_a_notice_that_nobody_takes(tmp_path: Path) -> None:
    """On-call hears of a failed VM within minutes, whatever stands before the page."""
    listener = Poisoned()
    listener.takes_plain = False
    paged_at: list[float] = []

    async def script(stage: Stage) -> None:
        stage.listener = listener
        stage.world.order(
            MoveFault(vm=vm_id(1), kind=MoveFaultKind.VANISH, at_percent=10),
        )
        async with stage.running():
            await stage.ask_and_approve("web01")

            async def is_paged() -> bool:
                return any(event.tone is Tone.PAGE for event in listener.events)

            await stage.until(is_paged)
            paged_at.append(stage.loop.time())

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
    assert paged_at[0] < 900


@pytest.mark.slow
def test_slack_away_for_a_day_loses_no_notice_and_no_form(tmp_path: Path) -> None:
    """When nothing at all is taken, nothing is given up: all is said when Slack is back."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            stage.listener.down = True
            await asyncio.sleep(24 * HOUR)
            stage.listener.down = False
            await asyncio.sleep(HOUR)
            assert (await stage.store.job(job.id)).state is JobState.FINISHED

    stage = play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
    kinds = said(stage, "J1")
    assert (kinds[0], kinds[-1]) == (EventKind.PROPOSED, EventKind.FINISHED)
    assert len(kinds) == len(set(kinds))


def test_a_card_that_cannot_be_made_is_tried_again_and_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in one job's view: its card comes later, the other job's as ever."""
    real, left = JobViews.of, [3]

    async def of(self: JobViews, job_id: Any) -> Any:
        if job_id == "J1" and left[0] > 0:
            left[0] -= 1
            raise ZeroDivisionError
        return await real(self, job_id)

    monkeypatch.setattr(JobViews, "of", of)

    async def script(stage: Stage) -> None:
        async with stage.running():
            first = await stage.ask_and_approve("web01")
            await stage.finished(first.id)
            assert (await stage.store.job(first.id)).is_card_final

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
    assert left == [0]


def test_a_card_whose_work_was_cancelled_from_inside_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a view waited for was cancelled by somebody else: that is no reason to lose the card's last edit."""
    real, left = JobViews.of, [100]

    async def of(self: JobViews, job_id: Any) -> Any:
        view = await real(self, job_id)
        if view.is_over and left[0] > 97:
            left[0] -= 1
            raise asyncio.CancelledError
        return view

    monkeypatch.setattr(JobViews, "of", of)

    async def script(stage: Stage) -> None:
        async with stage.running():
            first = await stage.ask_and_approve("web01")
            await stage.finished(first.id)
            await asyncio.sleep(300)
            assert (await stage.store.job(first.id)).is_card_final

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
    assert left == [97]


def test_clean_ups_of_a_dead_host_delay_nobody_elses(tmp_path: Path) -> None:
    """Many of a silent host are due before the one of a healthy host; that one is done in its time."""
    tidied_at: list[float] = []

    async def script(stage: Stage) -> None:
        async with stage.running():
            dead = await stage.ask_and_approve(*(f"old{n:02d}" for n in range(1, 13)), source="HV03")
            await stage.finished(dead.id)
            well = await stage.ask_and_approve("web01")
            await stage.finished(well.id)
            stage.world.order(WireFault(host="HV03", kind=WireFaultKind.HANG))
            due = stage.clock.now().isoformat().replace("T", " ")
            sooner = "update moves set leftovers = :paths, tidy_at = :due"
            assert change(database_url(stage.db), sooner, paths='["D:\\\\VMs\\\\x"]', due=due)
            since = stage.loop.time()

            async def is_tidied() -> bool:
                return (await stage.store.moves(well.id))[0].tidy_at is None

            await stage.until(is_tidied)
            tidied_at.append(stage.loop.time() - since)

    many = tuple(vm(100 + n, f"old{n:02d}", "HV03", gb=1) for n in range(1, 13))
    play(tmp_path, Fleet(hosts=hosts(3), vms=(*numbered(1, gb=1), *many)), script)
    assert tidied_at[0] < 700, "one pass may have begun before; the dead host's dozen are not waited for"


def test_the_database_is_free_before_hosts_are_said_goodbye_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 15: a host that hangs keeps nobody waiting who wants to take over."""
    taken: list[str] = []

    async def script(stage: Stage) -> None:
        engine = stage.build()
        await engine.start()

        async def goodbye() -> None:
            stage.build()
            await stage.store.open()
            taken.append(await stage.store.identity())
            await stage.store.close()

        monkeypatch.setattr(stage.gateway, "close", goodbye)
        await engine.stop()
        assert taken == [engine.database_id]

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is busy just after moves were adopted: whoever starts hears it, and no task is left."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        before = asyncio.all_tasks()
        engine = stage.build()

        async def resume() -> None:
            raise StoreBusy("The database stayed locked.")

        monkeypatch.setattr(engine._cards, "resume", resume)
        with pytest.raises(StoreBusy):
            await engine.start()
        await engine.stop()
        assert asyncio.all_tasks() == before

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)
