"""Outsiders at every door, times by people's own clocks, names as they look, and answers where they belong."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from core.domain.model.job import JobId
from lab.slack.server import SlackLab
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL, Office, read
from tests.support.eventually import eventually

ALICE, BOB, MALLORY = "alice", "bob", "mallory"
NOTHING = "so I do nothing for you"


def change(slack: SlackLab, user_id: str, **what: Any) -> None:
    slack.workspace.users[user_id] = slack.workspace.users[user_id].model_copy(update=what)


async def told(here: Office, words: str) -> str:
    """What Mallory is told, by whatever way."""
    person = here.slack.person(MALLORY)

    def found() -> Message | None:
        everything = [*person.sees(CHANNEL), *here.slack.workspace.direct_message([person.id]).messages.values()]
        return next((m for m in everything if words in m.text and not m.is_deleted), None)

    return (await here.until(found)).text


Door = Callable[[Office, Message], Awaitable[Any]]
DOORS: dict[str, Door] = {
    "migrate": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate web02 from HV01 to HV02"),
    "status": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate status J1"),
    "history": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate history J1"),
    "where": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate where web01"),
    "hosts": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate hosts"),
    "handover": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate handover"),
    "stop": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate stop"),
    "cancel": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate cancel J1"),
    "retry": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate retry J1"),
    "back": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate back J1"),
    "form": lambda here, _: here.slack.person(MALLORY).slash(CHANNEL, "/migrate"),
    "shortcut": lambda here, _: here.slack.person(MALLORY).shortcut("migrate_form"),
    "approve": lambda here, card: here.slack.person(MALLORY).click(card, "migrate_approve"),
    "reject": lambda here, card: here.slack.person(MALLORY).click(card, "migrate_reject"),
    "mention": lambda here, _: here.slack.person(MALLORY).say(CHANNEL, "@migrate-bot help"),
}


@pytest.mark.parametrize("what", [{"team_id": "T0ELSEWHERE"}, {"is_restricted": True}])
async def test_outsiders_may_do_nothing_at_any_door(office: Opening, slack: SlackLab, what: dict[str, Any]) -> None:
    """Field case 13: commands, buttons, forms, the shortcut and mentions all say no, and nothing happens."""
    change(slack, "U0MALLORY", **what)
    async with office(access={"requesters": ("*",), "approvers": ("S0APPROVE",)}) as here:
        card = await here.ask()
        for name, door in DOORS.items():
            await door(here, card)
            assert NOTHING in await told(here, NOTHING), name
            for message in slack.person(MALLORY).sees(CHANNEL):
                if message.ephemeral_to:
                    slack.workspace.delete(slack.workspace.channel(CHANNEL), message)
            direct = slack.workspace.direct_message(["U0MALLORY"])
            for message in list(direct.messages.values()):
                slack.workspace.delete(direct, message)
        assert slack.person(MALLORY).view is None
        assert len(await here.bot.engine.queries.jobs()) == 1
        assert not await here.bot.engine.queries.stopped_by()
        assert slack.call_log.violations == []


async def test_an_outsider_s_home_shows_no_hosts(office: Opening, slack: SlackLab) -> None:
    """Home says why it is empty; one named by id sees everything."""
    change(slack, "U0MALLORY", is_ultra_restricted=True)
    async with office() as here:
        await slack.person(MALLORY).open_home()
        home = await here.until(lambda: slack.person(MALLORY).home)
        assert "You are a guest" in slack.person(MALLORY).reads_home()
        assert "HV01" not in str(home.definition)
    async with office(slack={"oncall": ("U0MALLORY",)}) as here:
        await slack.person(MALLORY).open_home()
        await here.until(lambda: "HV01" in slack.person(MALLORY).reads_home() or None)


async def test_menus_offer_an_outsider_nothing(office: Opening, slack: SlackLab) -> None:
    """Somebody who becomes a guest while the form is open is offered no more VMs and gets no plan."""
    async with office() as here:
        mallory = slack.person(MALLORY)
        await mallory.slash(CHANNEL, "/migrate")
        await here.until(lambda: mallory.view)
        await mallory.press("source", "HV01")
        await here.until(lambda: mallory.view is not None and "vms HV01" in str(mallory.view.definition))
        await eventually(lambda: here.bot.engine.queries.inventory(here.bot.engine.queries._hosts[0]) or None)
        assert await mallory.suggest("migrate_form_vms", "web")
        change(slack, "U0MALLORY", is_restricted=True)
        here.clock.ahead += timedelta(minutes=10)
        assert await mallory.suggest("migrate_form_vms", "web") == []


async def test_a_person_with_two_ids_cannot_approve_alone(office: Opening, slack: SlackLab) -> None:
    """In an organisation one person has two ids: asked under one, approved under the other is still the same."""
    directory = slack.workspace.directory
    team = directory.team.model_copy(update={"enterprise_id": "E0CONTOSO"})
    slack.workspace.directory = directory.model_copy(update={"team": team})
    change(slack, "U0BOB", enterprise_user_id="W0BOB")
    async with office(access={"approvers": ("W0BOB", "U0CAROL")}) as here:
        card = await here.ask(name=BOB)
        await slack.person(BOB).click(card, "migrate_approve")
        await here.whisper(BOB, "You asked for this yourself")
        assert "<@W0BOB>" in read(card)
        other = await here.ask("web02 from HV01 to HV02")
        await slack.person(BOB).click(other, "migrate_approve")
        await here.replied(other, "<@W0BOB> approved J2")
        assert slack.call_log.violations == []


async def test_a_time_is_meant_where_the_person_is(office: Opening, slack: SlackLab) -> None:
    """Field case 8: without a name of the zone its offset counts; what is over in UTC may be to come in the west."""
    change(slack, "U0ALICE", tz=None, tz_offset=-8 * 3600)
    async with office() as here:
        local = here.clock.now() - timedelta(hours=8) + timedelta(hours=3)
        await here.ask(f"web01 from HV01 to HV02 at {local:%Y-%m-%d %H:%M}")
        start = (await here.bot.engine.queries.job(JobId("J1"))).job.plan.options.start_at
        assert start is not None
        assert f"{start:%Y-%m-%d %H:%M}" == f"{local + timedelta(hours=8):%Y-%m-%d %H:%M}"
        assert slack.call_log.violations == []


async def test_an_unknown_zone_is_asked_for(office: Opening, slack: SlackLab) -> None:
    """Without zone and offset nothing is guessed; a time that says its own zone needs none."""
    change(slack, "U0ALICE", tz=None, tz_offset=None)
    async with office() as here:
        await slack.person(ALICE).slash(CHANNEL, "/migrate web01 from HV01 to HV02 at 22:00")
        answer = await here.whisper(ALICE, "I cannot find out your time zone, so I do not know when 22:00 is.")
        assert "22:00+02:00" in read(answer)
        await here.ask("web01 from HV01 to HV02 at 22:00+02:00")
        start = (await here.bot.engine.queries.job(JobId("J1"))).job.plan.options.start_at
        assert start is not None
        assert (start.hour, start.minute) == (20, 0)


async def test_what_was_copied_is_understood(office: Opening, slack: SlackLab) -> None:
    """Field cases 10 to 12: a bold name is one VM, a pasted list is a list, and the card says what a pattern fits."""
    async with office() as here:
        bold = await here.ask("*web01* from *HV01* to `HV02`")
        assert "J1: move web01" in read(bold)
        pasted = await here.ask("/migrate • `web02` live, 7 GB\n• `db01` live, 7 GB\nfrom HV01 to HV02")
        assert "J2: move 2 VMs" in read(pasted)
        pattern = await here.ask("web* from HV01 to HV02")
        assert "stands for 3 VMs: web 09, web01, web02." in read(pattern)
        assert slack.call_log.violations == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("expired_trigger_id", ""),
        ("trigger_expired", ""),
        ("exchanged_trigger_id", ""),
        ("trigger_exchanged", ""),
        ("invalid_arguments", "[ERROR] invalid `trigger_id` [json-pointer:/trigger_id]"),
        ("invalid_trigger_id", ""),
    ],
)
async def test_a_slow_form_is_said_in_words(office: Opening, slack: SlackLab, code: str, message: str) -> None:
    """Field case 15: whatever Slack calls an expired trigger, people read what to do."""
    slack.grants.expired_trigger = (code, message)
    async with office() as here:
        slack.faults.add(FaultKind.SLOW, "users.info", seconds=3.2)
        await slack.person(ALICE).slash(CHANNEL, "/migrate")
        answer = await here.whisper(ALICE, "Slack was too slow for the form.")
        assert "Press it again." in read(answer)


async def test_a_mention_in_a_thread_is_answered_there(office: Opening, slack: SlackLab) -> None:
    """Field case 19: the answer is where the question was."""
    async with office() as here:
        card = await here.ask()
        await slack.person(ALICE).say(CHANNEL, "@migrate-bot what now?", thread_ts=card.ts)
        answer = await here.whisper(ALICE, "I listen to /migrate")
        assert answer.thread_ts == card.ts


async def test_a_request_from_a_direct_message_gets_its_card_where_people_are(office: Opening, slack: SlackLab) -> None:
    """Field case 19: in a direct message of two, and in that with the bot, nobody could approve."""
    async with office() as here:
        direct = slack.workspace.direct_message(["U0ALICE"])
        for number, place in enumerate(("@bob", "@app")):
            await slack.person(ALICE).slash(place, "/migrate web01 from HV01 to HV02")
            await here.card(number)
            await said(
                here, direct, f"J{number + 1} is in <#C0MIGRATE>: in a direct message nobody else could approve it."
            )
            assert not any("nvite me" in m.text for m in direct.messages.values())
        assert slack.call_log.violations == []


async def said(here: Office, place: Channel, words: str) -> None:
    await here.until(lambda: any(words in m.text for m in place.messages.values()))


@pytest.mark.parametrize("named", [{"access": {"approvers": ("U0BOB",)}}, {}])
async def test_stop_works_while_nobody_can_tell_who_anybody_is(
    office: Opening, slack: SlackLab, named: dict[str, Any]
) -> None:
    """Whom the settings name, by id or in a group that is known, may stop; everything else waits for Slack."""
    slack.faults.add(FaultKind.UNAVAILABLE, "users.info", times=None)
    async with office(**named) as here:
        await slack.person(MALLORY).slash(CHANNEL, "/migrate stop")
        await here.whisper(MALLORY, "cannot find out now who you are")
        assert not await here.bot.engine.queries.stopped_by()
        await slack.person(BOB).slash(CHANNEL, "/migrate stop")
        await here.whisper(BOB, "Stopped: nothing new starts")
        await slack.person(BOB).slash(CHANNEL, "/migrate resume")
        await here.whisper(BOB, "cannot find out now who you are")
        assert await here.bot.engine.queries.stopped_by() == "U0BOB"
