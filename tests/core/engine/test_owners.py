"""Owners of VMs on a real engine: found, told once, over restarts; what they hold waits for its release."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind, News, OwnerTold
from core.domain.model.job import JobId
from core.domain.model.move import HoldCode, Move, MoveState
from core.domain.model.ownership import Found, Person
from core.errors import NotAllowed, NotifierDown, UnknownVm
from lab.hyperv.world.fleet import Fleet, Physics
from tests.support.engine_harness import Stage, hosts, play, vm

ANN, BEN = "ann@contoso.com", "U0BEN"
HOLD: dict[str, Any] = {"access": {"owners": "hold"}, "owners": {"vms": {"sql*": BEN}}}


class Directory:
    """Who is in Slack, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False

    async def who_is(self, named: str) -> Person:
        self.asked.append(named)
        if self.is_down:
            raise NotifierDown("Slack does not answer.")
        known = {ANN: Person(Found.KNOWN, "U0ANN"), BEN: Person(Found.KNOWN, BEN)}
        return known.get(named, Person(Found.UNKNOWN))


FLEET = Fleet(
    hosts=hosts(2, live_limit=1, storage_limit=1),
    vms=(
        vm(1, "web01", notes=f"The shop.\r\nOwner: {ANN}\r\npassword: secret"),
        vm(2, "web02", notes=f"owner: <mailto:{ANN}|{ANN}>"),
        vm(3, "sql01"),
        vm(4, "app01", notes="owner: nobody@contoso.com"),
        vm(5, "plain"),
    ),
)


SLOW = replace(FLEET, physics=Physics(setup_s=1800.0))
"""The same, where each move takes longer than Slack is left alone."""


def told(stage: Stage) -> list[tuple[str, News, tuple[str, ...]]]:
    """What was said to owners, in order."""
    found = [event.data for event in stage.listener.of(EventKind.OWNER_TOLD)]
    return [(one.person, one.about, tuple(v.name for v in one.vms)) for one in found if isinstance(one, OwnerTold)]


async def move_of(stage: Stage, job_id: JobId, name: str) -> Move:
    return next(one for one in await stage.store.moves(job_id) if one.vm_name == name)


async def approved(stage: Stage, *vms: str) -> Any:
    """Have VMs moved whose owners are found by then."""
    job = await stage.ask_and_approve(*vms)

    async def are_known() -> bool:
        return all(one.owner is not None for one in await stage.store.moves(job.id))

    await stage.until(are_known)
    return job


def test_owners_hear_when_it_is_approved_and_when_it_is_over(tmp_path: Path) -> None:
    """One message for each person and occasion; each is looked for once, and whose nobody is in Slack hears nothing."""
    people = Directory()

    async def script(stage: Stage) -> None:
        stage.who_is = people.who_is
        async with stage.running():
            job = await stage.ask_and_approve("web01", "web02", "sql01", "app01", "plain")
            moves = await stage.finished(job.id)
            again = await stage.ask_and_approve("web01", source="HV02", to="HV01")
            await stage.finished(again.id)
        assert [one.owner and one.owner.found for one in moves.values()] == [
            Found.KNOWN,
            Found.KNOWN,
            Found.KNOWN,
            Found.UNKNOWN,
            Found.NOBODY,
        ]

    stage = play(tmp_path, FLEET, script, **HOLD)
    first, last = told(stage)[:-2], told(stage)[-2:]
    assert sorted(first) == [
        ("U0ANN", News.APPROVED, ("web01", "web02")),
        ("U0ANN", News.ENDED, ("web01", "web02")),
        ("U0BEN", News.APPROVED, ("sql01",)),
        ("U0BEN", News.ENDED, ("sql01",)),
    ]
    assert last == [("U0ANN", News.APPROVED, ("web01",)), ("U0ANN", News.ENDED, ("web01",))]
    assert sorted(people.asked) == [BEN, ANN, "nobody@contoso.com"]
    # The notes of each host once, whatever was asked of it besides.
    assert stage.gateway.calls["notes"] == 2


def test_nothing_is_read_or_told_unless_it_is_on(tmp_path: Path) -> None:
    """Off is the default: no notes, no look in Slack, no word."""
    people = Directory()

    async def script(stage: Stage) -> None:
        stage.who_is = people.who_is
        async with stage.running():
            job = await stage.ask_and_approve("web01", "sql01")
            moves = await stage.finished(job.id)
        assert {one.owner for one in moves.values()} == {None}

    stage = play(tmp_path, FLEET, script, owners={"vms": {"sql*": BEN}})
    assert (told(stage), people.asked, stage.gateway.calls["notes"]) == ([], [], 0)


def test_an_old_endpoint_means_that_no_owner_is_known(tmp_path: Path) -> None:
    """A host that cannot read notes is asked once; the settings still name owners."""
    people = Directory()

    async def script(stage: Stage) -> None:
        stage.who_is = people.who_is
        stage.gateway.without_functions.add("HV01")
        async with stage.running():
            job = await stage.ask_and_approve("web01", "sql01")
            moves = await stage.finished(job.id)
        assert {name: one.owner and one.owner.found for name, one in moves.items()} == {
            "web01": Found.NOBODY,
            "sql01": Found.KNOWN,
        }

    stage = play(tmp_path, FLEET, script, **HOLD)
    assert sorted(told(stage)) == [("U0BEN", News.APPROVED, ("sql01",)), ("U0BEN", News.ENDED, ("sql01",))]
    assert stage.gateway.calls["notes"] == 1


def test_owners_are_told_once_slack_says_who_they_are(tmp_path: Path) -> None:
    """While it does not, the job goes on; what is known later is told then, and of what is over, that."""
    people = Directory()

    async def script(stage: Stage) -> None:
        stage.who_is = people.who_is
        people.is_down = True
        async with stage.running() as engine:
            job = await stage.ask_and_approve("sql01", "web01", "web02")
            await stage.state_is(job.id, "sql01", MoveState.MOVING)
            await asyncio.sleep(5)
            view = await engine.queries.job(job.id)
            assert view.owners_unknown == "Slack does not answer."
            people.is_down = False
            await stage.finished(job.id)

    stage = play(tmp_path, SLOW, script, **HOLD)
    assert sorted(told(stage)) == [
        ("U0ANN", News.APPROVED, ("web01", "web02")),
        ("U0ANN", News.ENDED, ("web01", "web02")),
        ("U0BEN", News.APPROVED, ("sql01",)),
        ("U0BEN", News.ENDED, ("sql01",)),
    ]


def test_a_held_vm_waits_over_a_restart_until_it_is_released(tmp_path: Path) -> None:
    """Nothing starts it, everything else goes on; the owner hears that somebody else released it."""
    people = Directory()

    async def script(stage: Stage) -> None:
        stage.who_is = people.who_is
        async with stage.running() as engine:
            job = await approved(stage, "web01", "web02", "sql01")
            held = await move_of(stage, job.id, "sql01")
            sentence = await engine.owner_holds.hold(job.id, [held.id], {BEN}, BEN, "month\nend  closing")
            assert sentence == "sql01 is held in J1: it waits until somebody who may releases it."
            with pytest.raises(NotAllowed, match="sql01 is held already"):
                await engine.owner_holds.holdable(job.id, {BEN})
            await stage.state_is(job.id, "web02", MoveState.DONE)
        async with stage.running() as engine:
            await asyncio.sleep(3600)
            waits = await move_of(stage, job.id, "sql01")
            assert waits.state is MoveState.QUEUED
            assert waits.hold is not None
            assert (waits.hold.code, waits.hold.text) == (HoldCode.OWNER, "its owner says not now: month end closing")
            view = await engine.queries.job(job.id)
            assert (view.eta, view.why_no_eta) == (None, "sql01 waits for its owner")
            with pytest.raises(UnknownVm):
                await engine.owner_holds.release(job.id, "U_BOB", "sql99")
            assert "sql01 may start again" in await engine.owner_holds.release(job.id, "U_BOB", "sql01")
            with pytest.raises(NotAllowed, match="sql01 is not held by its owner"):
                await engine.owner_holds.release(job.id, "U_BOB", "sql01")
            moves = await stage.finished(job.id)
            assert moves["sql01"].state is MoveState.DONE

    stage = play(tmp_path, FLEET, script, **HOLD)
    assert [one for one in told(stage) if one[0] == BEN] == [
        (BEN, News.APPROVED, ("sql01",)),
        (BEN, News.RELEASED, ("sql01",)),
        (BEN, News.ENDED, ("sql01",)),
    ]


def test_what_is_held_can_be_released_when_owners_may_hold_no_more(tmp_path: Path) -> None:
    """The setting was taken back meanwhile: the VM is not held for ever."""

    async def script(stage: Stage) -> None:
        stage.who_is = Directory().who_is
        async with stage.running() as engine:
            job = await approved(stage, "web01", "sql01")
            held = await move_of(stage, job.id, "sql01")
            await engine.owner_holds.hold(job.id, [held.id], {BEN}, BEN, "not now")
        access = stage.settings.access.model_copy(update={"owners": "off"})
        stage.settings = stage.settings.model_copy(update={"access": access})
        async with stage.running() as engine:
            await engine.owner_holds.release(job.id, "U_BOB", "sql01")
            moves = await stage.finished(job.id)
            assert moves["sql01"].state is MoveState.DONE

    play(tmp_path, FLEET, script, **HOLD)


def test_who_may_hold_what(tmp_path: Path) -> None:
    """Their own VMs, while these wait: not what moves, not what is somebody else's."""
    people = Directory()

    async def script(stage: Stage) -> None:
        stage.who_is = people.who_is
        async with stage.running() as engine:
            holds = engine.owner_holds
            job = await approved(stage, "web01", "web02", "sql01")
            moving, waiting, other = [await move_of(stage, job.id, name) for name in ("web01", "web02", "sql01")]
            await stage.state_is(job.id, "web01", MoveState.MOVING)
            with pytest.raises(NotAllowed, match="no VM of J1 is yours"):
                await holds.holdable(job.id, {"U0EVE"})
            with pytest.raises(NotAllowed, match="no VM of J1 is yours"):
                await holds.hold(job.id, [other.id], {"U0ANN"}, "U0ANN", "mine")
            with pytest.raises(NotAllowed, match=r"^Too late: web01 has started to move already\.$"):
                await holds.hold(job.id, [moving.id], {"U0ANN"}, "U0ANN", "not now")
            assert [one.vm_name for one in await holds.holdable(job.id, {"U0ANN"})] == ["web02"]
            sentence = await holds.hold(job.id, [moving.id, waiting.id], {"U0ANN"}, "U0ANN", "not now")
            assert sentence.startswith("web02 is held in J1: it waits")
            assert sentence.endswith("Too late: web01 has started to move already.")
            await engine.controls.cancel(job.id, "U_BOB", "web02")
            await stage.finished(job.id)
            with pytest.raises(NotAllowed, match="J1 "):
                await holds.holdable(job.id, {"U0ANN"})

    play(tmp_path, FLEET, script, **HOLD)


def test_who_is_only_told_may_hold_nothing(tmp_path: Path) -> None:
    """It takes the setting."""

    async def script(stage: Stage) -> None:
        stage.who_is = Directory().who_is
        async with stage.running() as engine:
            job = await approved(stage, "web01", "web02")
            with pytest.raises(NotAllowed, match="Owners may not hold VMs here"):
                await engine.owner_holds.holdable(job.id, {"U0ANN"})
            await stage.finished(job.id)

    stage = play(tmp_path, FLEET, script, access={"owners": "tell"})
    assert [about for _, about, _ in told(stage)] == [News.APPROVED, News.ENDED]
    assert not any(
        one.data.may_hold for one in stage.listener.of(EventKind.OWNER_TOLD) if isinstance(one.data, OwnerTold)
    )
