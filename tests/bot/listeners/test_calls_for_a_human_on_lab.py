"""Standstills and failures call for a human: asked with buttons, taken by a click, reminded of once."""

from uuid import UUID

import pytest

from bot.handlers.command_handler import Asker, CommandHandler
from bot.slack.identities import Identities
from bot.slack.user_groups import UserGroups
from core.domain.model.event_data import EventKind
from core.domain.model.job import JobId
from core.errors import NotAllowed
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message
from tests.bot.conftest import Opening
from tests.support.bot_harness import Office, buttons, read

WEB01 = UUID(int=0x2000_0000_0000_0000_0000_0000_0000_0000)
STALLS = {"stuck_after": "1s"}
MALLORY, DAVE, BOB = "mallory", "dave", "bob"


async def failed(here: Office, slack: SlackLab) -> tuple[Message, Message]:
    """Let a move fail for good; return its card and its page."""
    here.world.order(MoveFault(vm=WEB01, kind=MoveFaultKind.FAIL, times=None))
    card = await here.ask("web01 from HV01 to HV02 attempts 1")
    await slack.person(BOB).click(card, "migrate_approve")
    return card, await here.replied(card, "<!subteam^S0ONCALL> *❌ `web01` failed*")


def spoken(here: Office) -> list[str]:
    """Return what was said; the picture of the end comes in its own time."""
    return [message.ts for message in here.messages() if not message.files]


async def test_a_standstill_is_answered_by_a_click(office: Opening, slack: SlackLab) -> None:
    """The question stands in the thread; strangers cannot decide; one answer counts and takes the buttons' place."""
    async with office(migration=STALLS) as here:
        card, asked = await here.asked_about("web01")
        assert buttons(asked) == {"migrate_stuck_wait", "migrate_stuck_cancel", "migrate_stuck_page"}
        await slack.person(MALLORY).click(asked, "migrate_stuck_cancel")
        await here.whisper(MALLORY, "may decide about it")
        clicked = await slack.person(DAVE).click(asked, "migrate_stuck_cancel")
        assert clicked.confirm is not None
        await here.shows(asked, "<@U0DAVE> decided to cancel the move")
        assert buttons(asked) == set()
        await slack.person(BOB).click(asked, "migrate_stuck_wait", version=0)
        await here.until(lambda: any(m.ephemeral_to for m in slack.person(BOB).sees("migrations") if "web01" in m.text))
        await here.replied(card, "`web01` is cancelled")
        history = await here.bot.engine.queries.history(JobId("J1"))
        assert [event.kind for event in history].count(EventKind.ANSWERED) == 1
        assert slack.call_log.violations == []


async def test_a_question_is_answered_by_those_of_its_own_job(office: Opening, slack: SlackLab) -> None:
    """A right to one job is none to the VM of another, whatever numbers a button should ever bring."""
    async with office(migration=STALLS) as here:
        await here.asked_about("web01")
        await slack.person(MALLORY).slash("migrations", "/migrate db01 from HV01 to HV02")
        queries, client, settings = here.bot.engine.queries, here.bot.client, here.bot.settings
        await here.until(lambda: len(slack.workspace.channel("migrations").roots()) > 1)
        [row] = (await queries.job(JobId("J1"))).moves
        groups, people = UserGroups(client, here.clock), Identities(client, settings, here.clock)
        handler = CommandHandler(here.bot.engine, settings, groups, people, here.clock)
        with pytest.raises(NotAllowed, match="about no VM of J2"):
            await handler.answer_stuck(JobId("J2"), row.move.id, "cancel", Asker("U0MALLORY", "C0MIGRATE"))


async def test_a_question_that_pages_has_on_call_mentioned(office: Opening, slack: SlackLab) -> None:
    """Page on-call edits the question and posts one page."""
    async with office(migration=STALLS) as here:
        card, asked = await here.asked_about("web01")
        await slack.person(BOB).click(asked, "migrate_stuck_page")
        page = await here.replied(card, "<!subteam^S0ONCALL>")
        assert "<@U0BOB> decided about `web01`: page on-call" in read(page)
        assert buttons(page) == {"migrate_ack"}
        await here.shows(asked, "<@U0BOB> had on-call paged")
        assert slack.call_log.violations == []


async def test_a_page_is_taken_by_a_click(office: Opening, slack: SlackLab) -> None:
    """The page then says who takes care; a second click hears so; nothing more is posted."""
    async with office() as here:
        card, page = await failed(here, slack)
        assert buttons(page) == {"migrate_ack", "migrate_retry"}
        await slack.person(MALLORY).click(page, "migrate_ack")
        await here.whisper(MALLORY, "may acknowledge it")
        await here.replied(card, "J1 is over")
        before = spoken(here)
        await slack.person(DAVE).click(page, "migrate_ack")
        await here.shows(page, "👀 <@U0DAVE> takes care of it")
        assert buttons(page) == {"migrate_retry"}
        await slack.person(BOB).click(page, "migrate_ack", version=0)
        await here.whisper(BOB, "Somebody has taken this already")
        assert spoken(here) == before
        assert slack.call_log.violations == []


async def test_a_page_nobody_takes_is_brought_up_once_more(office: Opening, slack: SlackLab) -> None:
    """One more mention; taking it there settles both messages."""
    async with office(slack={"escalate_after": "1s"}) as here:
        card, page = await failed(here, slack)
        reminder = await here.replied(card, "Nobody has taken care of `web01` in J1")
        assert "<!subteam^S0ONCALL>" in reminder.text
        await slack.person(DAVE).click(reminder, "migrate_ack")
        await here.shows(page, "👀 <@U0DAVE> takes care of it")
        await here.shows(reminder, "👀 <@U0DAVE> takes care of it")
        assert len([m for m in here.messages() if "Nobody has taken care" in m.text]) == 1
        assert slack.call_log.violations == []


async def test_a_retry_from_a_page_takes_it_too(office: Opening, slack: SlackLab) -> None:
    """Whoever asks for a new plan there has taken care."""
    async with office() as here:
        card, page = await failed(here, slack)
        await here.replied(card, "J1 is over")
        await slack.person(DAVE).click(page, "migrate_retry")
        assert "J2: move web01" in read(await here.card(1))
        await here.shows(page, "👀 <@U0DAVE> takes care of it")
        assert slack.call_log.violations == []
