"""Closed by default: who may ask, look and stop, how much, and approvals that are judged at the last click."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from core.domain.model.job import JobState
from core.errors import SettingsError
from lab.slack.server import SlackLab
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL

ALICE, BOB, CAROL, MALLORY = "alice", "bob", "carol", "mallory"
NO = "You may not look at migrations here"


async def test_it_does_not_start_before_somebody_says_who_may_ask(office: Opening) -> None:
    """An empty list is no list of everybody."""
    with pytest.raises(SettingsError, match="requesters in my settings is empty") as refused:
        async with office(access={"requesters": ()}):
            pass
    assert '["*"]' in refused.value.hint


LOOKS = ["status", "status J1", "status web01", "where web01", "handover", "jobs", "hosts", "history J1"]


async def test_looking_takes_a_place_in_a_list(office: Opening, slack: SlackLab) -> None:
    """Hosts, VMs and jobs are for those concerned; help and the refusals are for everybody."""
    async with office(access={"requesters": ("U0ALICE",)}) as here:
        card = await here.ask()
        for command in LOOKS:
            await slack.person(MALLORY).slash(CHANNEL, f"/migrate {command}")
            message = await here.whisper(MALLORY, NO)
            slack.workspace.delete(slack.workspace.channel(CHANNEL), message)
        await slack.person(MALLORY).slash(CHANNEL, "/migrate where web01")
        await here.whisper(MALLORY, NO)
        await slack.person(MALLORY).open_home()
        await here.until(lambda: NO in slack.person(MALLORY).reads_home() or None)
        await slack.person(MALLORY).slash(CHANNEL, "/migrate help")
        await here.whisper(MALLORY, "Help for /migrate")
        assert slack.person(MALLORY).view is None
        assert card.ts
    async with office(access={"requesters": ("U0ALICE",), "viewers": ("U0MALLORY",)}) as here:
        await slack.person(MALLORY).slash(CHANNEL, "/migrate hosts")
        await here.whisper(MALLORY, "2 hosts")


async def test_one_person_has_so_many_requests_open(office: Opening, slack: SlackLab) -> None:
    """The next is refused before any host is asked; one less makes room; others are not concerned."""
    async with office(access={"open_proposals": 2}) as here:
        first = await here.ask("web01 from HV01 to HV02")
        await here.ask("web02 from HV01 to HV02")
        await slack.person(ALICE).slash(CHANNEL, "/migrate db01 from HV01 to HV02")
        refusal = await here.whisper(ALICE, "2 of your requests wait for an approval already")
        assert "withdraw one, such as J1" in refusal.text
        await here.ask("db01 from HV01 to HV02", CAROL)
        await slack.person(BOB).click(first, "migrate_approve")
        await here.replied(first, "approved")
        await here.ask('"web 09" from HV01 to HV02')


async def test_one_person_gives_so_many_commands_a_minute(office: Opening, slack: SlackLab) -> None:
    """More are refused in words; stop works all the same."""
    async with office(access={"commands_per_minute": 2}) as here:
        for _ in range(2):
            await slack.person(BOB).slash(CHANNEL, "/migrate jobs")
        await slack.person(BOB).slash(CHANNEL, "/migrate hosts")
        await here.whisper(BOB, "more than 2 commands and clicks in a minute")
        await slack.person(BOB).slash(CHANNEL, "/migrate stop")
        await here.whisper(BOB, "Stopped: nothing new starts")
        assert await here.bot.engine.queries.stopped_by() == "U0BOB"


def leave_the_group(slack: SlackLab) -> None:
    group = slack.workspace.user_groups["S0APPROVE"]
    left = tuple(user for user in group.users if user != "U0BOB")
    slack.workspace.user_groups["S0APPROVE"] = group.model_copy(update={"users": left})


def be_deactivated(slack: SlackLab) -> None:
    slack.workspace.users["U0BOB"] = slack.workspace.users["U0BOB"].model_copy(update={"deleted": True})


Then = Callable[[SlackLab], None]


@pytest.mark.parametrize("happens", [leave_the_group, be_deactivated])
async def test_all_approvals_are_judged_at_the_last_click(office: Opening, slack: SlackLab, happens: Then) -> None:
    """Who approved first and may not any more does not count at the last click; that is said to who clicked."""
    two = {"approvers": ("S0APPROVE", "U0CAROL", "U0DAVE"), "approvals_required": 2}
    async with office(access=two) as here:
        card = await here.ask()
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "1 of 2 approvals")
        happens(slack)
        here.clock.ahead += timedelta(minutes=6)  # what is known of people and groups is asked anew
        await slack.person(CAROL).click(card, "migrate_approve")
        await here.whisper(CAROL, "An earlier approval no longer counts")
        (job,) = await here.bot.engine.queries.jobs()
        assert job.job.state is JobState.PROPOSED
        assert [one.by for one in job.job.approvals] == ["U0CAROL"]
        await slack.person("dave").click(card, "migrate_approve")
        await here.replied(card, "approved J1")
