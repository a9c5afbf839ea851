"""Slack is down: orders of the bot's own machine reach it, are obeyed, and are told when Slack is back."""

import json
import os
from pathlib import Path

from lab.slack.workspace.faults import FaultKind
from tests.support.engine_harness import vm_id
from tests.support.eventually import eventually
from tests.support.full_system import Town, fleet, town, vm

ONE_BY_ONE = {"live_limit": 1, "storage_limit": 1}


async def running_job(place: Town) -> None:
    """Have one VM of a job move, and the others wait."""
    card = await place.proposed("/migrate web* from HV01 to HV02")
    await place.person("bob").click(card, "migrate_approve")
    await place.says("web01` is moving")


async def done(place: Town, *command: str) -> str:
    code, said = await place.bot.command(*command, SUDO_USER="dave")
    assert code == 0, said
    return said


async def test_without_slack_the_machine_stops_cancels_and_resumes(tmp_path: Path) -> None:
    """Stop from the machine: nothing starts. Resume: it goes on. The thread tells all of it afterwards, and by whom."""
    described = fleet(vm(1, "web01", gb=1500), vm(2, "web02"), vm(3, "web03"), **ONE_BY_ONE)
    async with town(tmp_path, described) as place:
        await running_job(place)
        world, slack = place.here.hosts.world, place.here.slack
        slack.faults.add(FaultKind.UNAVAILABLE, times=None)
        assert (await done(place, "stop")).startswith("Stopped: nothing new starts, in any job.")
        assert "1 running move is asked to stop" in await done(place, "cancel", "J1", "web01")
        await eventually(lambda: all(migration.is_done for migration in world.migrations()))
        assert "web03: queued" in (shown := await done(place, "jobs", "show", "J1"))
        assert "(waits: all starts are stopped)" in shown
        assert [start.vm_name for start in world.ledger.starts] == ["web01"], "there was room, and nothing started"
        assert await done(place, "resume") == "Migrations start again."
        await eventually(lambda: world.where_is(vm_id(3)) == "HV02")
        slack.faults.clear()
        await place.says("is over")
        assert [world.where_is(vm_id(n)) for n in (1, 2, 3)] == ["HV01", "HV02", "HV02"]
        told = [line for line in place.thread() if "(command line)" in line]
        said = ("stopped all migrations", "cancelled `web01`", "start again")
        assert len(told) == len(said), told
        for line, words in zip(told, said, strict=True):
            assert words in line
            assert "`root, sudo by dave on " in line or os.geteuid() != 0
        assert place.said_twice() == []


async def test_an_order_while_no_bot_runs_is_found_by_the_next_one(tmp_path: Path) -> None:
    """The command writes it down as the owner, with the same events: nothing starts after the start, and it is told.

    The audit log of the bot goes on: the request of who asked in Slack, the order, the end.
    """
    audit, described = tmp_path / "audit.jsonl", fleet(vm(1, "web01", gb=60), vm(2, "web02"), **ONE_BY_ONE)
    async with town(tmp_path, described, log={"audit": str(audit)}) as place:
        await running_job(place)
        await place.bot.kill()
        assert "No bot runs now" in await done(place, "stop")
        assert "No bot runs now" in await done(place, "cancel", "J1", "web02")
        await place.bot.start()
        await place.says("stopped all migrations")
        await place.says("cancelled `web02`")
        await place.says("is over")
        world = place.here.hosts.world
        assert [start.vm_name for start in world.ledger.starts] == ["web01"]
        assert [world.where_is(vm_id(n)) for n in (1, 2)] == ["HV02", "HV01"]
        assert place.said_twice() == []
    lines = [json.loads(line) for line in audit.read_text(encoding="utf-8").splitlines()]
    told = [(line["event"], line.get("what", ""), line["user"].endswith("(command line)")) for line in lines]
    assert ("request", "migrate", False) in told
    ordered = told.index(("request", "stop", True))
    assert ("stopped", "", True) in told[ordered:]
    assert ("cancel_asked", "", True) in told[ordered:]
    assert told[-1] == ("finished", "", False)
