"""The Home tab in front of people: opened, kept up to date, decided from, the big red switch."""

import pytest

from core.domain.model.job import JobId, JobState
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import Opening
from tests.bot.listeners.test_app_on_lab import ALICE, BOB, MALLORY, assert_clean
from tests.support.bot_harness import Office, read


async def shows(here: Office, name: str, words: str) -> None:
    person = here.slack.person(name)

    def seen() -> bool:
        return person.home is not None and words in str(person.home.blocks)

    await here.until(seen)


async def direct(here: Office, user: str, words: str) -> None:
    place = here.slack.workspace.direct_message([user])
    await here.until(lambda: any(words in read(one) for one in place.messages.values()))


async def test_a_home_follows_the_jobs_and_decides(office: Opening, slack: SlackLab) -> None:
    """Opened empty; a request appears with its buttons, is approved there, runs, and ends as one's own."""
    async with office() as here:
        bob, alice = slack.person(BOB), slack.person(ALICE)
        await bob.open_home()
        await alice.open_home()
        await shows(here, BOB, "Nothing is running")
        card = await here.ask()
        await shows(here, BOB, "Waits for your approval (1)")
        await shows(here, ALICE, "waits for approval until")
        assert "migrate_approve" not in str(alice.home and alice.home.blocks)
        pressed = await bob.press("migrate_approve", view=bob.home)
        assert pressed.confirm is not None
        await here.replied(card, "J1 is over")
        await shows(here, ALICE, "1 of 1 moved")
        assert (await here.bot.engine.queries.job(JobId("J1"))).job.state is JobState.FINISHED
        assert_clean(slack)


async def test_a_rejection_from_home_asks_why(office: Opening, slack: SlackLab) -> None:
    """The same form as from the card."""
    async with office() as here:
        bob = slack.person(BOB)
        card = await here.ask()
        await bob.open_home()
        await shows(here, BOB, "Waits for your approval (1)")
        await bob.press("migrate_reject", view=bob.home)
        await here.until(lambda: bob.view)
        await bob.submit({"reason": "not today"})
        await here.replied(card, "rejected J1")
        assert_clean(slack)


async def test_the_switch_of_the_home_stops_and_lets_go(office: Opening, slack: SlackLab) -> None:
    """Stop shows at once on the Home; who may not let go is told by direct message."""
    async with office() as here:
        mallory, bob = slack.person(MALLORY), slack.person(BOB)
        for person in (mallory, bob):
            await person.open_home()
            await here.until(lambda person=person: person.home)  # type: ignore[misc]
        await mallory.press("migrate_home_stop", view=mallory.home)
        await direct(here, "U0MALLORY", "Stopped: nothing new starts")
        await shows(here, MALLORY, "*Stopped* by <@U0MALLORY>")
        await shows(here, BOB, "*Stopped* by <@U0MALLORY>")
        await mallory.press("migrate_home_resume", view=mallory.home)
        await direct(here, "U0MALLORY", "Only approvers and on-call may resume")
        await bob.press("migrate_home_resume", view=bob.home)
        await shows(here, MALLORY, "Stop everything")
        assert_clean(slack)


async def test_the_button_of_the_home_opens_the_form(office: Opening, slack: SlackLab) -> None:
    """One click, one form."""
    async with office() as here:
        alice = slack.person(ALICE)
        await alice.open_home()
        await here.until(lambda: alice.home)
        await alice.press("migrate_form_open", view=alice.home)
        await here.until(lambda: alice.view)
        assert "Move VMs" in alice.reads_form()
        assert_clean(slack)


async def test_only_who_looked_is_shown_anything_and_a_busy_slack_is_asked_again(
    office: Opening, slack: SlackLab
) -> None:
    """Nobody else's Home is published; a refused refresh is made up for."""
    async with office() as here:
        bob = slack.person(BOB)
        await bob.open_home()
        await here.until(lambda: bob.home)
        for kind in (FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE):
            slack.faults.add(kind, "views.publish")
        await here.ask()
        await shows(here, BOB, "Waits for your approval (1)")
        assert slack.person(ALICE).home is None


async def test_other_tabs_show_nothing(office: Opening, slack: SlackLab) -> None:
    """Opening the messages tab publishes no Home."""
    async with office() as here:
        await slack.person(ALICE).open_home("messages")
        await here.ask()
        assert slack.person(ALICE).home is None


@pytest.mark.parametrize("code", ["user_not_found", "not_enabled", "token_revoked", "of_tomorrow"])
async def test_one_home_that_is_refused_does_not_end_the_round(office: Opening, slack: SlackLab, code: str) -> None:
    """Carol opened hers first and is refused: bob's follows the jobs all the same (case 7)."""
    async with office() as here:
        await slack.person("carol").open_home()
        await shows(here, "carol", "Nothing is running")
        await slack.person(BOB).open_home()
        await shows(here, BOB, "Nothing is running")
        slack.faults.refuse(code, "views.publish", channel=slack.workspace.user("carol").id)
        await here.ask()
        await shows(here, BOB, "Waits for your approval (1)")
        assert "Nothing is running" in str(slack.person("carol").home)
