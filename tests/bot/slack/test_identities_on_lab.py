"""Who somebody is and what time it is for them: Slack is asked, and nothing is guessed."""

from collections.abc import Mapping
from datetime import UTC, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.slack.credentials import web_client
from bot.slack.identities import Identities, read_zone
from core.config import Settings
from core.errors import NotAllowed
from lab.slack.server import SlackLab
from lab.slack.workspace.directory import User
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import slack_settings
from tests.support.view_builders import JumpClock

PACIFIC_S = -8 * 3600


@pytest.fixture
def people(settings: Settings, clock: JumpClock) -> Identities:
    return Identities(web_client(settings), settings, clock)


def change(slack: SlackLab, user_id: str, **what: Any) -> None:
    slack.workspace.users[user_id] = slack.workspace.users[user_id].model_copy(update=what)


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ({"tz": "Europe/Berlin", "tz_offset": 0}, ZoneInfo("Europe/Berlin")),
        ({"tz": None, "tz_offset": PACIFIC_S}, timezone(timedelta(seconds=PACIFIC_S))),
        ({"tz": "Europe/Nowhere", "tz_offset": 3600}, timezone(timedelta(hours=1))),
        ({"tz": "../../etc/passwd", "tz_offset": 3600}, timezone(timedelta(hours=1))),
        ({"tz": None, "tz_offset": 0}, UTC),
        ({"tz": None, "tz_offset": None}, None),
        ({"tz": 5, "tz_offset": True}, None),
        ({"tz_offset": 10**9}, None),
        ({}, None),
    ],
)
def test_a_zone_is_told_or_unknown(told: Mapping[str, Any], zone: object) -> None:
    """Field cases 8 and 9: null, unknown and mad zones give the offset, and without an offset nothing."""
    assert read_zone(told) == zone


async def test_no_answer_is_no_zone(people: Identities, slack: SlackLab) -> None:
    """A limited or refused users.info means that nobody knows, never UTC."""
    slack.faults.add(FaultKind.RATE_LIMITED, "users.info")
    assert await people.zone("U0ALICE") is None
    assert await people.zone("U0ALICE") == ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"is_restricted": True}, "a guest"),
        ({"is_ultra_restricted": True}, "a guest"),
        ({"is_bot": True}, "a bot"),
        ({"deleted": True}, "a deactivated user"),
        ({"team_id": "T0ELSEWHERE"}, "from another workspace"),
    ],
)
async def test_outsiders_may_do_nothing_unless_named(
    people: Identities, slack: SlackLab, clock: JumpClock, what: dict[str, Any], words: str
) -> None:
    """Field case 13: guests, bots, deactivated users and other workspaces come in by their id alone."""
    change(slack, "U0BOB", **what)  # a group he is in does not let him in
    with pytest.raises(NotAllowed, match=words):
        await people.admit("U0BOB")
    named = slack_settings(slack, slack={"oncall": ("U0BOB",)})
    assert (await Identities(web_client(named), named, clock).admit("U0BOB")).outsider == words


async def test_the_workspace_of_a_click_counts(people: Identities) -> None:
    """A click that names a foreign workspace is a foreigner's, whatever users.info says of the id."""
    assert not (await people.admit("U0ALICE", "T0LAB")).outsider
    with pytest.raises(NotAllowed, match="another workspace"):
        await people.admit("U0ALICE", "T0ELSEWHERE")


async def test_somebody_slack_does_not_know_is_a_stranger(people: Identities) -> None:
    """Slack does not show users of other workspaces to every app."""
    with pytest.raises(NotAllowed, match="another workspace"):
        await people.admit("U0NOSUCH")


async def test_while_slack_is_silent_only_who_was_seen_lately_comes_in(
    people: Identities, slack: SlackLab, clock: JumpClock
) -> None:
    """An answer holds for an hour; without one nobody is let in, and it is said why."""
    await people.admit("U0ALICE")
    slack.faults.add(FaultKind.UNAVAILABLE, "users.info", times=None)
    clock.at += timedelta(minutes=30)
    await people.admit("U0ALICE")
    with pytest.raises(NotAllowed, match="cannot find out now who you are"):
        await people.admit("U0BOB")
    clock.at += timedelta(minutes=40)
    with pytest.raises(NotAllowed, match="cannot find out"):
        await people.admit("U0ALICE")


def organisation(slack: SlackLab) -> None:
    directory = slack.workspace.directory
    team = directory.team.model_copy(update={"enterprise_id": "E0CONTOSO"})
    slack.workspace.directory = directory.model_copy(update={"team": team})
    change(slack, "U0BOB", enterprise_user_id="W0BOB")
    colleague = User(id="U0ERIN", name="erin", team_id="T0SISTER", enterprise_user_id="W0ERIN")
    slack.workspace.users["U0ERIN"] = colleague


async def test_a_person_of_an_organisation_is_one_person(people: Identities, slack: SlackLab) -> None:
    """Under either id it is the same person, written down under the one of the organisation."""
    organisation(slack)
    by_local, by_global = await people.admit("U0BOB"), await people.admit("W0BOB")
    assert by_local.user == by_global.user == "W0BOB"
    assert by_local.ids == by_global.ids == {"U0BOB", "W0BOB"}


async def test_a_sister_workspace_is_no_stranger(people: Identities, slack: SlackLab) -> None:
    """Identities of another workspace of the same organisation are colleagues."""
    organisation(slack)
    assert not (await people.admit("U0ERIN", "T0SISTER")).outsider
