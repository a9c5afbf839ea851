"""Two bots on one PostgreSQL: one works, the other stands by and takes over; nothing is started or said twice."""

import asyncio
import signal
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.databases import next_database, on_server, postgresql_url
from tests.support.engine_harness import numbered
from tests.support.eventually import PATIENCE_S
from tests.support.full_system import fleet
from tests.takeover.cluster import cluster
from tests.takeover.network import stretch
from tests.takeover.pair import Pair, pair

FOUR = fleet(*numbered(4, gb=3))


async def take_over(place: Pair) -> None:
    """Wait until the second one leads, and is connected to Slack. How soon: tests/bot/test_duty.py."""
    await place.second.is_in("leader")
    await place.wait_for(lambda: place.here.slack.sockets.connections)


async def test_the_second_takes_over_when_the_leader_is_killed(tmp_path: Path) -> None:
    """Promise 15: SIGKILL in mid-migration; the other adopts within ten seconds, and ends the job."""
    async with pair(tmp_path, FOUR, postgresql_url(tmp_path)) as place:
        assert len(place.here.slack.sockets.connections) == 1, "who stands by is not connected to Slack"
        await place.two_are_moving()
        await place.first.process.kill()
        await take_over(place)
        await place.all_end_well()


async def test_a_leader_that_is_asked_to_stop_hands_over(tmp_path: Path) -> None:
    """SIGTERM: it lets go by itself, the server has to end no session, and the first one ended well."""
    next_database()  # the server may count a session of an earlier test only now
    url = postgresql_url(tmp_path)
    async with pair(tmp_path, FOUR, url) as place:
        await place.two_are_moving()
        ended_before = ended_by_server(url)
        place.first.send(signal.SIGTERM)
        await take_over(place)
        assert await place.first.process.ended() == 0
        await place.all_end_well()
        assert ended_by_server(url) == ended_before


def ended_by_server(url: str) -> object:
    """Return how many sessions on a database were lost or ended by the server, as for being silent for too long."""
    return on_server(
        "SELECT sum(sessions_abandoned + sessions_fatal + sessions_killed)::int FROM pg_stat_database"
        " WHERE datname = :ours",
        ours=make_url(url).database,
    )


async def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes_up(tmp_path: Path) -> None:
    """SIGSTOP: the server ends its silent session; after SIGCONT it finds out, and stands by."""
    async with pair(tmp_path, FOUR, postgresql_url(tmp_path)) as place:
        await place.two_are_moving()
        place.first.send(signal.SIGSTOP)
        await take_over(place)
        place.first.send(signal.SIGCONT)
        await place.first.is_in("standby")
        assert await place.second.state() == "leader"
        await place.all_end_well()
        assert await place.first.state() == "standby"


@pytest.mark.slow
async def test_a_leader_behind_a_dead_network_is_replaced(tmp_path: Path) -> None:
    """Nothing passes between leader and server, and nobody is told: the other leads, the first one gives up."""
    url = postgresql_url(tmp_path)
    async with stretch(url) as (network, through), pair(tmp_path, FOUR, url, first_url=through) as place:
        await place.two_are_moving()
        network.is_open.clear()
        await take_over(place)
        await place.first.is_in("starting")
        network.is_open.set()
        await place.first.is_in("standby")
        await place.all_end_well()


@pytest.mark.slow
async def test_a_session_that_is_ended_costs_the_lead_and_nothing_else(tmp_path: Path) -> None:
    """An administrator ends the leader's sessions: one of the two leads again at once, and the job ends."""
    async with pair(tmp_path, FOUR, postgresql_url(tmp_path)) as place:
        await place.two_are_moving()
        on_server(
            "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname LIKE 'migrate_bot_test_%'"
        )
        await place.wait_for(lambda: "lost the right to write" in place.first.log())
        await one_leads(place)
        await place.all_end_well()


async def one_leads(place: Pair) -> None:
    """Wait until one of the two leads and the other stands by: for a moment both may stand by."""
    async with asyncio.timeout(PATIENCE_S):
        while {await place.first.state(), await place.second.state()} != {"leader", "standby"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_database_that_is_restarted_loses_nothing(tmp_path: Path) -> None:
    """The server ends like in a power cut and comes back later: both bots stay, one leads, and the job ends."""
    with cluster() as server:
        async with pair(tmp_path, FOUR, server.url) as place:
            await place.two_are_moving()
            await server.away()
            await place.wait_for(lambda: "lost the right to write" in place.first.log())
            await place.first.is_in("standby")
            await server.back()
            await one_leads(place)
            await place.all_end_well()
