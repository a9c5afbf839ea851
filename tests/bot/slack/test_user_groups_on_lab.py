"""Membership of user groups is asked seldom, believed for a while, and then not at all."""

import asyncio
from datetime import timedelta

import pytest

from bot.access import may_approve
from bot.slack.credentials import web_client
from bot.slack.user_groups import UserGroups
from core.config import Settings
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.support.view_builders import JumpClock

GROUP = "S0APPROVE"


@pytest.fixture
def groups(settings: Settings, clock: JumpClock) -> UserGroups:
    return UserGroups(web_client(settings), clock)


async def test_members_are_asked_once_a_minute(groups: UserGroups, slack: SlackLab, clock: JumpClock) -> None:
    """Many looks at once are one call; after a minute it is asked again."""
    answers = await asyncio.gather(*(groups.members([GROUP]) for _ in range(5)))
    assert all(answer == {GROUP: frozenset({"U0BOB", "U0CAROL"})} for answer in answers)
    assert slack.call_log.counts["usergroups.users.list"] == 1
    clock.at += timedelta(seconds=61)
    await groups.members([GROUP])
    assert slack.call_log.counts["usergroups.users.list"] == 2


async def test_an_old_answer_is_believed_for_a_while_only(
    groups: UserGroups, slack: SlackLab, clock: JumpClock
) -> None:
    """While Slack is silent the last answer holds for a quarter of an hour; then nobody is in the group."""
    await groups.members([GROUP])
    slack.faults.add(FaultKind.UNAVAILABLE, "usergroups.*", times=None)
    clock.at += timedelta(minutes=14)
    assert (await groups.members([GROUP]))[GROUP]
    clock.at += timedelta(minutes=2)
    assert (await groups.members([GROUP]))[GROUP] is None


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forth"])
async def test_who_was_taken_out_is_out_whatever_the_wall_shows(
    groups: UserGroups, slack: SlackLab, clock: JumpClock, step: timedelta
) -> None:
    """The clock is put back by an hour, or forth: an answer is old after a minute of time that passed."""
    assert "U0CAROL" in ((await groups.members([GROUP]))[GROUP] or ())
    slack.workspace.set_group_users(GROUP, ["U0BOB"])
    clock.step(step)
    clock.at += timedelta(seconds=30)
    await groups.members([GROUP])
    assert slack.call_log.counts["usergroups.users.list"] == 1
    clock.at += timedelta(seconds=31)
    assert "U0CAROL" not in ((await groups.members([GROUP]))[GROUP] or ())


async def test_slack_is_not_asked_while_it_asks_to_wait(groups: UserGroups, slack: SlackLab, clock: JumpClock) -> None:
    """After 429 the next question waits; the answer meanwhile is unknown."""
    slack.faults.add(FaultKind.RATE_LIMITED, "usergroups.*", seconds=30)
    assert (await groups.members([GROUP]))[GROUP] is None
    assert (await groups.members([GROUP]))[GROUP] is None
    assert slack.call_log.counts["usergroups.users.list"] == 1
    clock.at += timedelta(seconds=61)
    assert (await groups.members([GROUP]))[GROUP]


async def test_a_group_that_does_not_exist_is_empty(groups: UserGroups) -> None:
    """Slack says for certain that there is no such group: nobody is in it."""
    assert (await groups.members(["S0NOSUCH"]))["S0NOSUCH"] == frozenset()
    assert "no_such_subteam" in await groups.trouble("S0NOSUCH")
    assert await groups.trouble(GROUP) == ""


async def test_what_stays_is_told_to_stay(slack: SlackLab, settings: Settings) -> None:
    """The token of an org-wide install cannot read groups: the reason, and no "try again soon" (case 14)."""
    slack.workspace.is_org_wide = True
    groups = UserGroups(web_client(settings), JumpClock())
    answer = may_approve("U0BOB", "U0ALICE", settings.access, await groups.members(["S0APPROVE"]))
    assert not answer.is_allowed
    assert "missing_argument: team_id" in answer.reason
    assert "It stays so" in answer.reason
    assert "soon" not in answer.reason
    slack.workspace.is_org_wide = False
    slack.faults.refuse("fatal_error", "usergroups.users.list")
    groups = UserGroups(web_client(settings), JumpClock())
    answer = may_approve("U0BOB", "U0ALICE", settings.access, await groups.members(["S0APPROVE"]))
    assert "Try again soon" in answer.reason
