"""The weekly digest of two bots on one PostgreSQL: told once, by the one on duty, whatever becomes of the other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.reporting.weekly import WEEK, parse_weekly
from core.engine.delivery.digest import TOLD
from lab.site import Site
from lab.slack.workspace.faults import Fault, FaultKind
from lab.slack.workspace.messages import Message
from tests.support.bot_harness import read
from tests.support.databases import postgresql_url
from tests.support.full_system import CHANNEL, fleet
from tests.support.past_example import a_month_at
from tests.takeover.pair import Pair, pair

MONDAY = "Mon 09:00"
TOLD_WEEKLY = {"MIGRATE_BOT_SLACK__DIGEST": MONDAY}


def digests(place: Pair) -> list[Message]:
    roots = place.here.slack.workspace.channel(CHANNEL).roots()
    return [one for one in roots if one.by_app and "The week from" in read(one)]


async def a_week_to_tell(tmp_path: Path) -> str:
    """Write a month into a new database, of which the last week is still to be told; returns where it is."""
    url = postgresql_url(tmp_path)
    monday = parse_weekly(MONDAY, UTC).last(datetime.now(UTC))
    await a_month_at(url, monday, switches={TOLD: (monday - WEEK).isoformat()})
    return url


async def second_has_told_all(place: Pair) -> None:
    """Wait until the second one leads and has answered, so that it has looked what is due, and told it."""
    await place.second.is_in("leader")
    await place.wait_for(lambda: place.here.slack.sockets.connections)
    alice = place.person("alice")
    await alice.slash(CHANNEL, "/migrate jobs")
    await place.wait_for(lambda: any("Newest jobs" in read(one) for one in alice.sees(CHANNEL) if one.ephemeral_to))
    await place.second.has_told_all()


async def test_the_digest_is_told_by_the_leader_and_not_again_by_the_next(tmp_path: Path) -> None:
    """Nor by the second while it stands by, nor when it takes over."""
    url = await a_week_to_tell(tmp_path)
    async with pair(tmp_path, fleet(), url, environment=TOLD_WEEKLY) as place:
        await place.wait_for(lambda: digests(place))
        await place.first.has_told_all()
        await place.first.process.kill()
        await second_has_told_all(place)
        assert len(digests(place)) == 1


@pytest.mark.parametrize("fault", [FaultKind.LOST_REPLY, FaultKind.SERVER_ERROR])
async def test_a_digest_that_a_leader_died_over_is_told_once_by_the_next(tmp_path: Path, fault: FaultKind) -> None:
    """SIGKILL before the first one knows what Slack did: the other looks whether it is there, and tells it if not."""
    url = await a_week_to_tell(tmp_path)
    ordered: list[Fault] = []

    def prepare(here: Site) -> None:
        ordered.append(here.slack.faults.add(fault, "chat.postMessage", times=None))

    async with pair(tmp_path, fleet(), url, prepare=prepare, environment=TOLD_WEEKLY) as place:
        await place.wait_for(lambda: ordered[0].seen)
        await place.first.process.kill()
        place.here.slack.faults.end(ordered[0])
        await place.wait_for(lambda: digests(place))
        await second_has_told_all(place)
        assert len(digests(place)) == 1
