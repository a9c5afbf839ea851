"""No loop of the engine dies, and one bad host, notice, row or clean-up stops only itself. On virtual time."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.job import Card, JobState
from core.domain.model.move import HoldCode, MoveState
from core.engine.api.job_views import JobViews
from core.errors import NotifierDown, StoreBusy
from lab.gateway import LabGateway
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, ValueFault, ValueFaultKind, WireFault, WireFaultKind
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


def test_a_command_that_shows_nothing_does_not_hold_its_slots_for_ever(tmp_path: Path) -> None:
    """The host takes Move-VM and nothing begins: it is tried again, and both VMs arrive."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.NEVER_BEGINS))
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02")
            moves = await stage.finished(job.id, within_s=2 * HOUR)
            assert {move.state for move in moves.values()} == {MoveState.DONE}
        assert stage.world.ledger.violations == []
        assert len(stage.world.ledger.starts) == 2

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_cancel_ends_a_command_that_shows_nothing(tmp_path: Path) -> None:
    """Somebody cancels meanwhile: the move ends as cancelled, and the VM stays where it is."""

    async def script(stage: Stage) -> None:
        stage.world.order(MoveFault(vm=vm_id(1), kind=MoveFaultKind.NEVER_BEGINS, times=None))
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.STARTING)
            await engine.controls.cancel(job.id, "U_BOB", "web01")
            moves = await stage.finished(job.id, within_s=HOUR)
            assert moves["web01"].state is MoveState.CANCELLED
        assert stage.world.where_is(vm_id(1)) == "HV01"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_command_that_does_not_return_is_not_waited_for(tmp_path: Path) -> None:
    """The VM has arrived and both hosts show it: done, in minutes, and nobody is asked."""
    seen: dict[str, Any] = {}

    async def script(stage: Stage) -> None:
        for number in (1, 2, 3):
            stage.world.order(MoveFault(vm=vm_id(number), kind=MoveFaultKind.NEVER_RETURNS))
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", "web03")
            seen["moves"] = await stage.finished(job.id, within_s=HOUR)

    stage = play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)
    assert [(move.state, move.attempts) for move in seen["moves"].values()] == [(MoveState.DONE, 1)] * 3
    assert EventKind.STUCK not in [event.kind for event in stage.listener.events]
    assert stage.world.ledger.violations == []


@pytest.mark.slow
def test_a_move_of_hours_is_not_left_by_its_own_command(tmp_path: Path) -> None:
    """A slow move, shown late and percent by percent: the command is stayed with to its end, which is its report."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            moves = await stage.finished(job.id, within_s=20 * HOUR)
            assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1, gb=2000))), script)


@pytest.mark.parametrize("hides", ["Name", "Id"])
def test_a_vm_that_cannot_be_read_costs_only_itself(tmp_path: Path, hides: str) -> None:
    """A sick VM in no job: what moves comes to its end, what waits starts, and the trouble stays."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            stage.world.order(ValueFault(host="HV01", property=hides, kind=ValueFaultKind.NULL, vm=vm_id(9)))
            moves = await stage.finished(job.id, within_s=600)
            assert HostName("HV01") not in engine._snapshot_cache.troubles
            assert moves["web01"].state is MoveState.DONE
            later = await stage.ask_and_approve("web02")
            assert (await stage.finished(later.id))["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=(*numbered(2), vm(9, "sick"))), script)


def test_a_vm_that_is_gone_is_found_gone_beside_one_that_cannot_be_read(tmp_path: Path) -> None:
    """A waiting VM is removed by somebody while another row of its host has no id: its job comes to an end."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            stage.world.order(ValueFault(host="HV01", property="Id", kind=ValueFaultKind.NULL, vm=vm_id(9)))
            stage.world.remove_vm("HV01", vm_id(1))
            await asyncio.sleep(60)
            await engine.controls.resume_starts("U_BOB")
            moves = await stage.finished(job.id, within_s=HOUR)
            assert moves["web01"].state is MoveState.UNMIGRATABLE

    play(tmp_path, Fleet(hosts=hosts(2), vms=(*numbered(1), vm(9, "sick"))), script)


def test_a_vm_whose_own_row_has_no_id_is_not_called_gone(tmp_path: Path) -> None:
    """Asked for by its id, the host does not say that it has none: nothing is concluded until it can be read."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            job = await stage.ask_and_approve("web01")
            stage.world.order(ValueFault(host="HV01", property="Id", kind=ValueFaultKind.NULL, vm=vm_id(1)))
            await asyncio.sleep(60)
            await engine.controls.resume_starts("U_BOB")
            await asyncio.sleep(2 * HOUR)
            (move,) = await stage.store.moves(job.id)
            assert (move.state, move.hold and move.hold.code) == (MoveState.QUEUED, HoldCode.HOST)
            stage.world.trouble.clear()
            assert (await stage.finished(job.id))["web01"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_sick_vm_in_a_job_waits_and_says_why(tmp_path: Path) -> None:
    """Its own move is held with the host's trouble, is not called gone, and goes on when it can be read."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01", "web02")
            stage.world.order(ValueFault(host="HV01", property="State", kind=ValueFaultKind.NULL, vm=vm_id(2)))
            await asyncio.sleep(60)
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await stage.state_is(job.id, "web01", MoveState.DONE)
            sick = next(move for move in await stage.store.moves(job.id) if move.vm_name == "web02")
            assert sick.state is MoveState.QUEUED
            assert sick.hold is not None
            assert (sick.hold.code, "State" in sick.hold.text) == (HoldCode.HOST, True)
            stage.world.trouble.clear()
            moves = await stage.finished(job.id)
            assert moves["web02"].state is MoveState.DONE

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def spoil(stage: Stage, statement: str, **values: Any) -> None:
    assert change(database_url(stage.db), statement, **values)


def test_a_plan_nobody_can_read_stops_only_its_own_job(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A job rejected long ago that a newer version wrote: the bot starts, and follows what runs."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            old = await stage.ask("web02")
            await engine.controls.reject(old.id, old.plan.hash, "U_BOB", "no")
            job = await stage.ask_and_approve("web01")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        spoil(stage, "update plans set body = '{}' where id = 1")
        async with stage.running() as engine:
            moves = await stage.finished(job.id)
            assert moves["web01"].state is MoveState.DONE
            assert [view.job.id for view in await engine.queries.jobs()] == [job.id]

    with caplog.at_level(logging.ERROR):
        play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)
    assert "The plan of J1 cannot be read" in caplog.text


def test_a_finding_of_a_newer_version_is_read_as_other(tmp_path: Path) -> None:
    """The code of a finding that this version does not know makes no plan unreadable."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web01")
        finding = {"severity": "note", "code": "brand_new", "text": "x", "vm_id": None, "host": None}
        ((body,),) = read(database_url(stage.db), "SELECT body FROM plans WHERE id = 1")
        newer = json.dumps(json.loads(body) | {"findings": [finding]})
        spoil(stage, "update plans set body = :body where id = 1", body=newer)
        async with stage.running():
            (found,) = (await stage.store.job(job.id)).plan.findings
            assert found.code.value == "other"

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


def test_a_running_job_nobody_can_read_keeps_its_move_followed(tmp_path: Path) -> None:
    """The plan of a running job is lost: what moves is followed to its end, and other jobs run."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", "web03")
            await stage.state_is(job.id, "web01", MoveState.MOVING)
        spoil(stage, "update plans set body = '{}' where id = 1")
        async with stage.running():
            await stage.state_is(job.id, "web01", MoveState.DONE)
            other = await stage.ask_and_approve("web04")
            assert (await stage.finished(other.id))["web04"].state is MoveState.DONE
            waiting = next(move for move in await stage.store.moves(job.id) if move.vm_name == "web03")
            assert waiting.state is MoveState.QUEUED

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(4))), script)


@pytest.mark.parametrize(
    ("column", "value"), [("state", "teleported"), ("disks", "[{}]"), ("hold", '{"code": "new"}'), ("before", "{}")]
)
def test_a_move_nobody_can_read_stops_at_most_its_own_job(tmp_path: Path, column: str, value: str) -> None:
    """State and disks are needed, so that job is left as it is; what a move can do without is left out."""
    is_needed = column in {"state", "disks"}

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            await engine.controls.stop_starts("U_BOB")
            sick = await stage.ask_and_approve("web01")
            well = await stage.ask_and_approve("web02")
            await asyncio.sleep(10)
        spoil(stage, f"update moves set {column} = :value where vm_name = 'web01'", value=value)  # noqa: S608
        async with stage.running() as engine:
            await engine.controls.resume_starts("U_BOB")
            moves = await stage.finished(well.id)
            assert moves["web02"].state is MoveState.DONE
            await asyncio.sleep(600)
            job = await stage.store.job(sick.id)
            assert job.state is (JobState.RUNNING if is_needed else JobState.FINISHED)

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_an_event_of_a_newer_version_is_told_as_it_can_be(tmp_path: Path) -> None:
    """A kind nobody knows is other, its tone a line, its data empty; the history is read, and the outbox goes on."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            stage.listener.down = True
            job = await stage.ask_and_approve("web01")
            await asyncio.sleep(5)
        spoil(stage, "update events set kind = 'brand_new', data = '[1]', tone = 'shout' where kind = 'approved'")
        stage.listener.down = False
        async with stage.running() as engine:
            await stage.finished(job.id)
            assert EventKind.OTHER in [event.kind for event in await engine.queries.history(job.id)]
        assert EventKind.OTHER in [event.kind for event in stage.listener.events]

    play(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script)


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
            spoil(stage, "update moves set leftovers = :paths, tidy_at = :due", paths='["D:\\\\VMs\\\\x"]', due=due)
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
