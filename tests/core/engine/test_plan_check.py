"""Hosts are asked about a plan before anybody can approve it: what they answer, and what they do not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobState
from core.domain.model.plan import Finding, FindingCode, Severity
from core.errors import EndpointRefused, LoginRejected, NotAllowed
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import VM, Fleet
from tests.support.engine_harness import Stage, host, hosts, numbered, play, vm, vm_id
from tests.support.event_facts import facts

CHECKS = {"check_timeout": "2m"}
AMD = host("HV02", processor_family="amd")


def check(tmp_path: Path, fleet: Fleet, script: Callable[[Stage], Awaitable[None]], **migration: Any) -> Stage:
    """Play a script with hosts that are asked."""
    return play(tmp_path, fleet, script, migration=CHECKS | migration)


def picky(number: int, name: str) -> VM:
    """Return a running VM that needs the processor it has."""
    return vm(number, name, is_processor_compatible=False)


async def checked(stage: Stage, job: Job) -> Job:
    """Wait until the hosts have been asked about a job."""

    async def is_checked() -> bool:
        return (await stage.store.job(job.id)).plan.is_checked

    await stage.until(is_checked, 600)
    return await stage.store.job(job.id)


def said(job: Job, code: FindingCode) -> list[Finding]:
    return [finding for finding in job.plan.findings if finding.code is code]


async def kinds(stage: Stage, job: Job) -> list[EventKind]:
    return [one.kind for one in await stage.engine_events(job.id)]


def test_a_plan_is_approved_after_its_hosts_agreed(tmp_path: Path) -> None:
    """Promise 13: a click before the hosts have answered gets a sentence; after that it is the plan it was."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("web*")
            with pytest.raises(NotAllowed, match=r"cannot be approved yet: .* 0 of 3|about to be asked"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            agreed = await checked(stage, job)
            assert agreed.plan.hash == job.plan.hash
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await stage.finished(job.id)
            assert (await kinds(stage, job))[:3] == [EventKind.PROPOSED, EventKind.CHECKED, EventKind.APPROVED]
        assert stage.listener.of(EventKind.CHECKED) == []  # nothing came of it: people hear nothing
        assert len(stage.world.ledger.starts) == 3

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)


def test_an_incompatible_vm_stays_and_the_others_move(tmp_path: Path) -> None:
    """Promise 13: what the host says becomes a blocker, the old card's button approves nothing, the rest is moved."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("*")
            agreed = await checked(stage, job)
            (found,) = said(agreed, FindingCode.INCOMPATIBLE)
            assert (found.severity, found.vm_id, found.host) == (Severity.BLOCKER, vm_id(1), "HV02")
            assert found.text.startswith("HV02 cannot take picky: ")
            assert "processor-specific features" in found.text
            with pytest.raises(NotAllowed, match="does not show the plan"):
                await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await engine.controls.approve(job.id, agreed.plan.hash, "U_BOB")
            await stage.finished(job.id)
        (told,) = stage.listener.of(EventKind.CHECKED)
        assert (facts(told).vms, facts(told).incompatible, facts(told).unasked) == (2, 1, 0)
        assert [start.vm_name for start in stage.world.ledger.starts] == ["easy"]

    check(tmp_path, Fleet(hosts=(host("HV01"), AMD), vms=(picky(1, "picky"), vm(2, "easy"))), script)


@pytest.mark.parametrize(("code", "words"), [(32769, "32769"), (32770, "32770"), (32775, "32775")])
def test_no_answer_is_a_note_and_stops_nobody(code: int, words: str, tmp_path: Path) -> None:
    """Access denied, not supported, wrong state: said, and never taken for a no."""

    async def script(stage: Stage) -> None:
        stage.world.change_host("HV02", {"quirks": {"compatibility_code": code}})
        async with stage.running() as engine:
            job = await stage.ask("web*")
            agreed = await checked(stage, job)
            (note,) = said(agreed, FindingCode.NOT_CHECKED)
            assert (note.severity, note.vm_id, note.host) == (Severity.NOTE, None, "HV02")
            assert note.text.startswith("Not checked: whether HV02 can take web01, web02. ")
            assert words in note.text
            assert agreed.plan.blocked_ids == frozenset()
            await engine.controls.approve(job.id, agreed.plan.hash, "U_BOB")
        (told,) = stage.listener.of(EventKind.CHECKED)
        assert facts(told).unasked == 2

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_host_that_never_answers_costs_the_time_of_the_check(tmp_path: Path) -> None:
    """Bounded: when the time is over the plan can be approved, and says who did not answer."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web*", to="HV02,HV03")
            stage.world.order(WireFault(host="HV03", kind=WireFaultKind.HANG))
            began = stage.loop.time()
            agreed = await checked(stage, job)
            assert stage.loop.time() - began <= 15
            homes = {move.vm_name: move.destination for move in job.plan.moves}
            hanging = [name for name, where in homes.items() if where == "HV03"]
            assert 0 < len(hanging) < 4
            (note,) = said(agreed, FindingCode.NOT_CHECKED)
            assert note.host == "HV03"
            assert note.text.endswith(f"{', '.join(hanging)}. There was no answer in time.")

    check(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(4))), script, check_timeout="10s")


def test_a_host_that_refuses_is_asked_once(tmp_path: Path) -> None:
    """A rejected login is not tried again for each of fifty VMs: an account could be locked."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            asked = list[HostName]()

            async def reject(where: HostName, infos: Sequence[bytes]) -> Any:
                del infos
                asked.append(where)
                raise LoginRejected(where, f"{where} rejects the login.")

            stage.gateway.test_compatibility = reject  # type: ignore[method-assign,assignment]
            agreed = await checked(stage, await stage.ask("web*"))
            (note,) = said(agreed, FindingCode.NOT_CHECKED)
            assert "web05 and 45 more. HV02 rejects the login." in note.text
            assert asked == ["HV02"]

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(50, gb=1))), script)


def test_an_endpoint_without_the_function_is_a_note(tmp_path: Path) -> None:
    """An older role on the host: the plan says what to install, and goes on."""

    async def script(stage: Stage) -> None:
        async with stage.running():

            async def refuse(where: HostName, vm_ids: Sequence[VmId]) -> Any:
                del vm_ids
                raise EndpointRefused(where, f"MigrateBot on {where} has no Get-VMCompatibility.")

            stage.gateway.compatibility_info = refuse  # type: ignore[method-assign,assignment]
            agreed = await checked(stage, await stage.ask("web*"))
            (note,) = said(agreed, FindingCode.NOT_CHECKED)
            assert "has no Get-VMCompatibility. Check the session configuration" in note.text

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(2))), script)


def test_a_bug_costs_one_answer_and_not_the_button(tmp_path: Path) -> None:
    """Whatever breaks while one VM is asked about among others: these are asked alone, and the plan can be approved."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            usual = stage.gateway.compatibility_info

            async def break_for_one(where: HostName, vm_ids: Sequence[VmId]) -> Any:
                if vm_id(6) in vm_ids:
                    raise RuntimeError("nobody foresaw this")
                return await usual(where, vm_ids)

            stage.gateway.compatibility_info = break_for_one  # type: ignore[method-assign,assignment]
            agreed = await checked(stage, await stage.ask("web*"))
            (note,) = said(agreed, FindingCode.NOT_CHECKED)
            assert "can take web06. The bot broke while it asked (RuntimeError)." in note.text

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(9, gb=1))), script)


def test_hosts_are_asked_about_many_vms_in_few_calls(tmp_path: Path) -> None:
    """500 VMs: the hosts are asked in some dozens of calls, not a thousand; nobody waits minutes for Approve."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("web*", to="HV02,HV03")
            began_s = stage.loop.time()
            agreed = await checked(stage, job)
            assert stage.loop.time() - began_s < 15
            assert said(agreed, FindingCode.NOT_CHECKED) == []
            calls = stage.gateway.calls
            assert calls["compatibility_info"] + calls["test_compatibility"] <= 60
            assert facts((await stage.engine_events(job.id))[-1]).vms == 500

    check(tmp_path, Fleet(hosts=hosts(3), vms=tuple(numbered(500, gb=1))), script)


def test_a_slow_host_is_asked_in_small_calls(tmp_path: Path) -> None:
    """A second for each VM: people see the count go on, and most is known when the time is over."""

    async def script(stage: Stage) -> None:
        stage.world.change_host("HV01", {"quirks": {"compatibility_takes_s": 1.0}})
        async with stage.running():
            asked = list[int]()
            usual = stage.gateway.compatibility_info

            async def counted(where: HostName, vm_ids: Sequence[VmId]) -> Any:
                asked.append(len(vm_ids))
                return await usual(where, vm_ids)

            stage.gateway.compatibility_info = counted  # type: ignore[method-assign,assignment]
            job = await stage.ask("web*")
            agreed = await checked(stage, job)
            assert max(asked) <= 2
            counts = [view.checking.answered for view in stage.listener.views if view.checking is not None]
            assert max(later - earlier for earlier, later in pairwise(counts)) <= 4
            (note,) = said(agreed, FindingCode.NOT_CHECKED)
            assert note.text.endswith("There was no answer in time.")
        (told,) = stage.listener.of(EventKind.CHECKED)
        assert facts(told).unasked < 60 - 40

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(60, gb=1))), script, check_timeout="1m")


def test_a_check_survives_the_death_of_the_bot(tmp_path: Path) -> None:
    """Nothing lost: the next process begins the check again, and no proposal waits for ever without its button."""

    async def script(stage: Stage) -> None:
        stage.gateway._latency_s = 5.0
        async with stage.running():
            job = await stage.ask("web*")
            await asyncio.sleep(12)
            assert not (await stage.store.job(job.id)).plan.is_checked
        async with stage.running() as engine:
            agreed = await checked(stage, job)
            assert agreed.state is JobState.PROPOSED
            await engine.controls.approve(job.id, agreed.plan.hash, "U_BOB")
            assert (await kinds(stage, job)).count(EventKind.CHECKED) == 1

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(3))), script)


@pytest.mark.parametrize("decision", ["cancel", "reject"])
def test_a_decision_ends_the_check(decision: str, tmp_path: Path) -> None:
    """Withdrawn or rejected while hosts are asked: it is over at once, and nobody is asked any more."""

    async def script(stage: Stage) -> None:
        stage.world.change_host("HV01", {"quirks": {"compatibility_takes_s": 0.5}})
        async with stage.running() as engine:
            job = await stage.ask("web*")
            await asyncio.sleep(4)
            assert stage.gateway.calls["test_compatibility"] > 0
            if decision == "cancel":
                await engine.controls.cancel(job.id, "U_ALICE")
            else:
                await engine.controls.reject(job.id, job.plan.hash, "U_BOB", "not now")
            await asyncio.sleep(1)
            asked = stage.gateway.calls["test_compatibility"]
            await asyncio.sleep(120)
            assert stage.gateway.calls["test_compatibility"] == asked < 30
            assert EventKind.CHECKED not in await kinds(stage, job)
            assert (await engine.queries.job(job.id)).checking is None

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(30, gb=1))), script)


@pytest.mark.parametrize("seats", [1, 4])
def test_a_host_is_asked_so_much_at_once(seats: int, tmp_path: Path) -> None:
    """Two jobs at once ask one host no more than the settings say, and as much as they say."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            at_once, most = 0, 0
            usual = stage.gateway.test_compatibility

            async def watched(where: HostName, infos: Sequence[bytes]) -> Any:
                nonlocal at_once, most
                at_once += 1
                most = max(most, at_once)
                try:
                    return await usual(where, infos)
                finally:
                    at_once -= 1

            stage.gateway.test_compatibility = watched  # type: ignore[method-assign,assignment]
            first, second = await stage.ask("web0*"), await stage.ask("web1*", source="HV03")
            await checked(stage, first)
            await checked(stage, second)
            assert most == seats if seats == 1 else 1 < most <= seats

    vms = (*numbered(9, gb=1), *(vm(n, f"web{n:02d}", "HV03", gb=1) for n in range(10, 20)))
    check(tmp_path, Fleet(hosts=hosts(3), vms=vms), script, checks_per_host=seats)


def test_people_see_how_far_the_hosts_are(tmp_path: Path) -> None:
    """The card counts the answers, and is brought up to date while they come in."""

    async def script(stage: Stage) -> None:
        stage.world.change_host("HV01", {"quirks": {"compatibility_takes_s": 0.2}})
        async with stage.running():
            job = await stage.ask("web*")
            await checked(stage, job)
            await asyncio.sleep(5)
            seen = [view.checking for view in stage.listener.views if view.checking is not None]
            counts = [progress.answered for progress in seen]
            assert {progress.total for progress in seen} == {50}
            assert counts == sorted(counts)
            assert len(set(counts)) >= 3
            assert stage.listener.views[-1].checking is None
            assert stage.listener.views[-1].job.plan.is_checked
        (told,) = stage.listener.of(EventKind.CHECKED)
        assert (facts(told).vms, facts(told).incompatible) == (50, 0)

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(50, gb=1))), script)


def test_vms_are_counted_and_not_questions(tmp_path: Path) -> None:
    """Six VMs of which some are asked about twice: the card never speaks of more than six, and ends with all."""

    async def script(stage: Stage) -> None:
        stage.gateway._latency_s = 5.0
        async with stage.running():
            job = await stage.ask("*", to="HV02,HV03")
            await checked(stage, job)
            await asyncio.sleep(5)
        seen = [view.checking for view in stage.listener.views if view.checking is not None]
        assert {progress.total for progress in seen} == {6}
        assert max(progress.answered for progress in seen) <= 6
        assert stage.gateway.calls["test_compatibility"] > 6

    vms = tuple(picky(number, f"web{number:02d}") for number in range(1, 7))
    check(tmp_path, Fleet(hosts=(host("HV01"), AMD, host("HV03")), vms=vms), script)


def test_nobody_is_asked_where_the_settings_say_so(tmp_path: Path) -> None:
    """check_timeout = 0: a plan can be approved at once, and its hosts are left alone."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask_and_approve("web01")
            await stage.finished(job.id)
        assert stage.gateway.calls["compatibility_info"] == 0

    check(tmp_path, Fleet(hosts=hosts(2), vms=tuple(numbered(1))), script, check_timeout="0s")


def test_a_changed_plan_is_asked_about_where_it_changed(tmp_path: Path) -> None:
    """Promise 13: after a change nobody can approve before the new host answered; the others are not asked again."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await checked(stage, await stage.ask("*", to="HV03"))
            changed = await engine.requests.edit(job.id, job.plan.hash, {VmId(vm_id(1)): HostName("HV02")}, "U_BOB")
            with pytest.raises(NotAllowed, match="cannot be approved yet"):
                await engine.controls.approve(job.id, changed.plan.hash, "U_CAROL")
            agreed = await checked(stage, job)
            assert [one.vm_id for one in said(agreed, FindingCode.INCOMPATIBLE)] == [vm_id(1)]
            asked = [facts(one).vms for one in await stage.engine_events(job.id) if one.kind is EventKind.CHECKED]
            assert asked == [2, 1]

    fleet = Fleet(hosts=(host("HV01"), AMD, host("HV03")), vms=(picky(1, "picky"), vm(2, "easy")))
    check(tmp_path, fleet, script)


def test_whom_a_host_cannot_take_goes_to_another_of_the_plan(tmp_path: Path) -> None:
    """The bot chose HV02, which says no: before Approve appears HV03 was asked and takes it, and the card says so."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await stage.ask("*", to="HV02,HV03,HV04")
            first = {move.vm_name: move.destination for move in job.plan.moves}
            unfit = {name for name, to in first.items() if to == "HV02"}
            assert unfit
            agreed = await checked(stage, job)
            assert agreed.plan.blocked_ids == frozenset()
            now = {move.vm_name: move.destination for move in agreed.plan.moves}
            assert {name for name, to in now.items() if to != first[name]} == unfit
            assert set(now.values()) <= {"HV03", "HV04"}
            notes = said(agreed, FindingCode.PLACED_AGAIN)
            assert len(notes) == len(unfit)
            for note in notes:
                assert (note.severity, note.text[:16]) == (Severity.NOTE, "HV02 cannot take")
                assert note.text.endswith(f" It goes to {note.host} instead.")
            (where,) = {move.why for move in agreed.plan.moves if move.vm_name == min(unfit)}
            assert "Not HV02: says that it cannot take it." in where
            await engine.controls.approve(job.id, agreed.plan.hash, "U_BOB")
            await stage.finished(job.id)
            assert stage.gateway.calls["test_compatibility"] == len(first) + len(unfit)
        (told,) = stage.listener.of(EventKind.CHECKED)
        assert (facts(told).vms, facts(told).incompatible, facts(told).unasked) == (6, 0, 0)
        assert facts(told).elsewhere == len(unfit)
        assert len(stage.world.ledger.starts) == len(first)

    vms = tuple(picky(number, f"web{number:02d}") for number in range(1, 7))
    check(tmp_path, Fleet(hosts=(host("HV01"), AMD, host("HV03"), host("HV04")), vms=vms), script)


def test_whom_no_host_of_the_plan_takes_is_asked_about_once_each(tmp_path: Path) -> None:
    """All say no: each pair was asked once, the VM is blocked, and the estimate is that of what is left."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            job = await stage.ask("*", to="HV02,HV03")
            agreed = await checked(stage, job)
            assert agreed.plan.blocked_ids == {vm_id(1)}
            (blocker,) = said(agreed, FindingCode.INCOMPATIBLE)
            (note,) = said(agreed, FindingCode.PLACED_AGAIN)
            assert {blocker.text[:4], note.text[:4]} == {"HV02", "HV03"}
            assert "instead" not in note.text
            asked = stage.gateway.calls["test_compatibility"]
            await asyncio.sleep(120)
            assert stage.gateway.calls["test_compatibility"] == asked == 3
            assert job.plan.expected_s is not None
            assert agreed.plan.expected_s is not None
            assert agreed.plan.expected_s[1] < job.plan.expected_s[1] / 2
        (told,) = stage.listener.of(EventKind.CHECKED)
        assert (facts(told).vms, facts(told).incompatible, facts(told).elsewhere) == (2, 1, 0)

    third = host("HV03", processor_family="amd")
    big = vm(1, "picky", is_processor_compatible=False, gb=400)
    check(tmp_path, Fleet(hosts=(host("HV01"), AMD, third), vms=(big, vm(2, "easy", gb=1))), script)


def test_a_plan_that_gets_shorter_is_not_too_late_any_more(tmp_path: Path) -> None:
    """What was said of the whole plan's end no longer holds when its longest VM drops out: it is estimated again."""

    async def script(stage: Stage) -> None:
        async with stage.running():
            until = stage.clock.now() + timedelta(minutes=20)
            job = await stage.ask("*", until=until)
            assert said(job, FindingCode.TOO_LATE)
            agreed = await checked(stage, job)
            assert agreed.plan.blocked_ids == {vm_id(1)}
            assert not said(agreed, FindingCode.TOO_LATE)

    big = vm(1, "picky", is_processor_compatible=False, gb=400)
    check(tmp_path, Fleet(hosts=(host("HV01"), AMD), vms=(big, vm(2, "easy", gb=1))), script)


def test_whom_a_person_put_on_a_host_stays_there(tmp_path: Path) -> None:
    """A host that a person chose for a VM says no: that is a blocker for people to see, and nothing is chosen again."""

    async def script(stage: Stage) -> None:
        async with stage.running() as engine:
            job = await checked(stage, await stage.ask("*", to="HV03,HV04"))
            await engine.requests.edit(job.id, job.plan.hash, {VmId(vm_id(1)): HostName("HV02")}, "U_BOB")
            agreed = await checked(stage, job)
            assert {m.vm_name: m.destination for m in agreed.plan.moves}["picky"] == "HV02"
            assert agreed.plan.blocked_ids == {vm_id(1)}

    fleet = Fleet(hosts=(host("HV01"), AMD, host("HV03"), host("HV04")), vms=(picky(1, "picky"), vm(2, "easy")))
    check(tmp_path, fleet, script)
