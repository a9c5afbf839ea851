"""Changing a plan from its card: searched, sent, made again, told; over real sockets to a strict Slack."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.job import JobId, JobState
from core.domain.model.plan import Plan
from lab.hyperv.world.fleet import GB, MB, VM, Disk, Fleet, Host
from lab.slack.people.person import Person
from lab.slack.server import SlackLab
from lab.slack.workspace.forms import find_field
from lab.slack.workspace.messages import Message
from lab.slack.workspace.refusals import FormIncompleteError
from tests.bot.conftest import slack_settings
from tests.bot.listeners.test_app_on_lab import ALICE, BOB, CAROL, MALLORY, assert_clean
from tests.support.bot_harness import CHANNEL, Office, buttons

ROOMY = Callable[..., AbstractAsyncContextManager[Office]]
NAMES = ("HV01", "HV02", "HV03", "HV04")


def three_destinations(count: int = 4) -> Fleet:
    hosts = tuple(replace(Host(name=n, migration_enabled=True, bandwidth_bytes_per_s=200 * MB)) for n in NAMES)
    vms = [
        VM(
            id=UUID(int=0x2000_0000_0000_0000_0000_0000_0000_0000 + number),
            name=f"web{number:02}",
            host="HV01",
            memory_bytes=GB,
            disks=(Disk(path=f"D:\\VMs\\vm{number}\\disk{number}.vhdx", size_bytes=(6 if count < 100 else 1) * GB),),
        )
        for number in range(1, count + 1)
    ]
    return Fleet(hosts=hosts, vms=tuple(vms))


@pytest.fixture
def roomy(slack: SlackLab, tmp_path: Path) -> ROOMY:
    """Opens the bot on this Slack and a fleet with three destinations."""

    @asynccontextmanager
    async def open_office(count: int = 4, **sections: Any) -> AsyncIterator[Office]:
        hosts = {name: {"address": f"{name.lower()}.contoso.com", "path": "D:\\VMs"} for name in NAMES}
        settings = slack_settings(slack, hosts=hosts, **sections)
        async with Office.open(slack, settings, tmp_path, described=three_destinations(count)) as here:
            yield here

    return open_office


async def open_form(here: Office, card: Message, name: str = ALICE) -> Person:
    person = here.slack.person(name)
    if person.view:
        await person.close()
    await person.click(card, "migrate_edit")
    await here.until(lambda: person.view)
    return person


async def change(here: Office, person: Person, to: str, *typed: str) -> str:
    """Choose VMs and a host, send, and return what the form says in the end."""
    chosen = [(await person.suggest("migrate_edit_vms", one))[0] for one in typed]
    person.fill("migrate_edit_vms", chosen)
    person.fill("migrate_edit_to", to)
    await person.submit()
    await here.until(lambda: person.view and "Looking" not in str(person.view.definition))
    return person.reads_form()


async def plan_of(here: Office) -> Plan:
    return (await here.bot.engine.queries.job(JobId("J1"))).job.plan


def destinations(plan: Plan) -> dict[str, str]:
    return {move.vm_name: move.destination for move in plan.moves}


async def test_a_vm_goes_to_another_host_and_the_card_says_who_wanted_it(roomy: ROOMY, slack: SlackLab) -> None:
    """Chosen in the form, made again: another fingerprint, the others stay; card, thread and audit say it."""
    async with roomy() as here:
        card = await here.ask("web0* from HV01 to HV02,HV03")
        assert "migrate_edit" in buttons(card)
        before = await plan_of(here)
        alice = await open_form(here, card)
        assert "J1 is changed" in await change(here, alice, "HV04", "web01")
        after = await plan_of(here)
        assert after.hash != before.hash
        assert destinations(after) == destinations(before) | {"web01": "HV04"}
        assert next(move.why for move in after.moves if move.vm_name == "web01") == "HV04 was chosen by hand."
        await here.replied(card, "changed the plan of J1: `web01` to `HV04`")
        await here.shows(card, "✏️ <@U0ALICE>: `web01` to `HV04`")
        told = await here.bot.engine.queries.history(JobId("J1"))
        assert [event.actor for event in told if event.kind is EventKind.EDITED] == ["U0ALICE"]
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over: 4 of 4 VMs moved")
        assert here.world.where_is(UUID(int=0x2000_0000_0000_0000_0000_0000_0000_0001)) == "HV04"
        assert_clean(slack)


async def test_vms_are_left_out_by_a_pattern(roomy: ROOMY, slack: SlackLab) -> None:
    """An approver leaves out what a pattern fits; what is left is approved and moved, the others stay."""
    async with roomy(12) as here:
        card = await here.ask("web* from HV01 to HV02,HV03")
        bob = await open_form(here, card, BOB)
        assert "J1 is changed" in await change(here, bob, "-", "web0*")
        assert set(destinations(await plan_of(here))) == {"web10", "web11", "web12"}
        await here.shows(card, "left out")
        bob = await open_form(here, card, BOB)
        assert "Nothing would be left" in await change(here, bob, "-", "*")
        assert_clean(slack)


async def test_what_was_approved_no_longer_counts(roomy: ROOMY, slack: SlackLab) -> None:
    """Of two approvals one was given: after a change it is none, and the old card's click does not count."""
    async with roomy(access={"approvers": ("S0APPROVE",), "approvals_required": 2}) as here:
        card = await here.ask("web01 from HV01 to HV02")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "1 of 2 approvals")
        old = card.edit_count
        alice = await open_form(here, card)
        await change(here, alice, "HV03", "web01")
        await here.replied(card, "1 approval no longer counts")
        job = (await here.bot.engine.queries.job(JobId("J1"))).job
        assert (job.approvals, job.state) == ((), JobState.PROPOSED)
        await slack.person(CAROL).click(card, "migrate_approve", version=old)
        await here.whisper(CAROL, "does not show the plan of J1 as it is now")
        assert (await here.bot.engine.queries.job(JobId("J1"))).job.approvals == ()


async def test_the_second_of_two_who_change_it_at_once_is_told(roomy: ROOMY, slack: SlackLab) -> None:
    """Both have the form open: the first is done, the second reads a sentence, and nothing of theirs was done."""
    async with roomy() as here:
        card = await here.ask("web01,web02 from HV01 to HV02")
        alice, bob = await open_form(here, card), await open_form(here, card, BOB)
        assert "J1 is changed" in await change(here, alice, "HV03", "web01")
        said = await change(here, bob, "HV04", "web02")
        assert "does not show the plan of J1 as it is now" in said
        assert "Nothing was changed." in said
        assert destinations(await plan_of(here)) == {"web01": "HV03", "web02": "HV02"}
        assert_clean(slack)


async def test_only_who_asked_and_approvers_may_change_it(roomy: ROOMY, slack: SlackLab) -> None:
    """Anybody else hears why not and sees no form; a decided plan is not changed either."""
    async with roomy() as here:
        card = await here.ask("web01 from HV01 to HV02")
        await slack.person(MALLORY).click(card, "migrate_edit")
        await here.whisper(MALLORY, "Only who asked for this and approvers may change it")
        assert slack.person(MALLORY).view is None
        alice = await open_form(here, card)
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "approved J1")
        assert "no longer waits for approval" in await change(here, alice, "HV03", "web01")


async def test_nothing_chosen_is_told_at_its_field(roomy: ROOMY, slack: SlackLab) -> None:
    """The form stays open; a host the VM goes to already is a sentence; a source is not offered."""
    async with roomy() as here:
        card = await here.ask("web01 from HV01 to HV02")
        alice = await open_form(here, card)
        with pytest.raises(FormIncompleteError):
            await alice.submit()
        assert "Nothing would change" in await change(here, alice, "HV02", "web01")
        _, menu = find_field((await open_form(here, card)).view.blocks, "migrate_edit_to")  # type: ignore[union-attr]
        places = [option["value"] for option in menu["options"]]
        assert places == ["HV02", "HV03", "HV04", "-"]
        assert_clean(slack)


@pytest.mark.slow
async def test_five_hundred_vms_are_searched_not_listed(roomy: ROOMY, slack: SlackLab) -> None:
    """One form for any number: a hundred are offered at a time, what is typed finds the others."""
    async with roomy(500) as here:
        await here.slack.person(ALICE).slash(CHANNEL, "/migrate all from HV01 to HV02,HV03")
        card = await here.card()
        alice = await open_form(here, card)
        assert len(await alice.suggest("migrate_edit_vms", "")) == 100
        assert [one["text"]["text"] for one in await alice.suggest("migrate_edit_vms", "web499")] == ["web499"]
        assert "J1 is changed" in await change(here, alice, "HV04", "web499", "web49?")
        went = {name for name, host in destinations(await plan_of(here)).items() if host == "HV04"}
        assert went == {f"web49{n}" for n in range(10)}
        await here.shows(card, "`web490`")
        assert_clean(slack)
