"""Promises of ``migrate-bot drill``: its files are right, and what a team did is told and judged as it was."""

import asyncio
import http.client
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.commands import parser as grammar
from bot.commands.model import Migrate
from core.domain.model.event_data import EventKind
from lab.bot_switch import BotSwitch
from lab.drill import drilled, main
from lab.drills.drill import Drill, Good, When, drill_from, drill_names, load_drill
from lab.drills.judge import Report, judge
from lab.drills.page import drill_app
from lab.drills.record import BotEvent, Done, MoveStart, Page, Record, Seen, VmSeen, holds
from lab.drills.stage import Stage, give
from lab.hyperv.world.fleet import Fleet, load_fleet
from lab.hyperv.world.strict import BadDescription
from lab.process import BotProcess
from lab.site import site
from lab.try_it import FLEET
from tests.support.builders import NOW
from tests.support.eventually import PATIENCE_S

MINIMAL = """
title = "A drill"
briefing = ["Do something."]
steps = [{ tells = "It fails.", order = "DELETE /hosts/trouble" }]
end = { at_most_s = 60 }
good = [{ says = "It is good.", better = "Be good." }]
"""


def _fleet(drill: Drill) -> Fleet:
    return load_fleet(FLEET.parent / drill.fleet)


@pytest.mark.parametrize("name", drill_names())
def test_every_drill_speaks_of_what_there_is(name: str) -> None:
    """Each file is read; its VMs and hosts are in its fleet, its events are the bot's, its commands are understood."""
    drill = load_drill(name)
    fleet = _fleet(drill)
    vms, hosts = {vm.name for vm in fleet.vms}, {host.name for host in fleet.hosts}
    places = [drill.end.when.on, *(step.when.on for step in drill.steps), *(good.on for good in drill.good)]
    for place in places:
        assert set(place) <= vms
        assert {host for some in place.values() for host in some} <= hosts
    assert {vm for good in drill.good for vm in good.unmoved} <= vms
    kinds = {kind for good in drill.good for kind in (*good.happened, *good.never)}
    assert kinds <= {str(kind) for kind in EventKind} - {"other"}
    lines = [*re.findall(r"/migrate (\S+ from [^.]*)\.", " ".join(drill.briefing))]
    lines += [step.body["line"].removeprefix("/migrate ") for step in drill.steps if "line" in step.body]
    assert lines
    for line in lines:
        asked = grammar.parse(line, now=NOW, hosts=tuple(hosts))
        assert isinstance(asked, Migrate), line
        assert ({*asked.sources, *asked.destinations} <= hosts, set(asked.vms) <= vms) == (True, True), line


async def test_every_order_of_every_drill_is_taken_by_the_controls(tmp_path: Path) -> None:
    """No step of a drill is refused for how it is written."""
    drills = [load_drill(name) for name in drill_names()]
    fleet = load_fleet(FLEET)
    assert {drill.fleet for drill in drills} == {FLEET.name}
    switch = BotSwitch({})
    async with (
        site(fleet, tmp_path, parts={"bot": switch.app}) as here,
        aiohttp.ClientSession(here.slack.base_url) as session,
    ):
        switch.process = BotProcess(here, tmp_path / "bot.log")
        ids = {vm.name: str(vm.id) for vm in fleet.vms}
        for drill in drills:
            for step in drill.steps:
                # No bot is there to hear what somebody types; all else is obeyed.
                said = "dispatch_failed" if step.order == "POST /control/slash" else ""
                assert await give(session, step, ids) == said, (drill.name, step.tells)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("colour = 'blue'", "colour: Extra inputs"),
        ("[steps]", "Cannot"),
        ("speed = 0", "speed: Input should be greater than 0"),
    ],
)
def test_a_file_that_does_not_fit_is_said_in_one_sentence(change: str, said: str) -> None:
    """The sentence names the file and the place."""
    with pytest.raises(BadDescription, match=f"^wrong: .*{said}[^\n]*$"):
        drill_from("wrong", f"{MINIMAL}\n{change}\n")


def test_without_a_name_the_drills_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, with its title; nothing is started."""
    assert main([]) == 0
    listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert listed == {name: load_drill(name).title for name in drill_names()}
    assert len(listed) >= 6


def test_an_unknown_drill_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and one line."""
    assert main(["flood"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "'flood'" in line
    assert "host-dies" in line


SEEN: dict[str, Any] = {
    "lab_s": 100.0,
    "moving": frozenset({"web01"}),
    "is_anything_moving": True,
    "asked": 1,
    "approved": 1,
    "waiting": 1,
    "places": {"web01": ("HV01",), "web02": ("HV02",), "lost": (), "twice": ("HV01", "HV02")},
}
QUIET = {"moving": frozenset(), "is_anything_moving": False, "waiting": 0}


@pytest.mark.parametrize(
    ("when", "change", "is_so"),
    [
        ({}, {}, True),
        ({"at_s": 100}, {}, True),
        ({"at_s": 101}, {}, False),
        ({"moving": 1, "approved": 1, "asked": 1}, {}, True),
        ({"moving": 2}, {}, False),
        ({"asked": 2}, {}, False),
        ({"approved": 2}, {}, False),
        ({"on": {"web02": ("HV02", "HV03")}}, {}, True),
        ({"on": {"web02": ("HV03",)}}, {}, False),
        ({"on": {"web01": ("HV01",)}}, {}, False),
        ({"on": {"web01": ("HV01",)}}, QUIET, True),
        ({"on": {"lost": ("HV01",)}}, QUIET, False),
        ({"on": {"twice": ("HV01", "HV02")}}, QUIET, False),
        ({"over": True}, {}, False),
        ({"over": True}, QUIET, True),
        ({"over": True}, QUIET | {"waiting": 1}, False),
        ({"over": True}, QUIET | {"is_anything_moving": True}, False),
        ({"over": True}, QUIET | {"asked": 0}, False),
    ],
)
def test_when_something_is_so(when: dict[str, Any], change: dict[str, Any], is_so: bool) -> None:
    """All that is named must be so; a VM that moves, is lost or is there twice is in no place."""
    assert holds(When.model_validate(when), Seen(**SEEN | change)) is is_so


def _event(kind: str, who: str = "bob", at_s: float = 30.0, **data: Any) -> BotEvent:
    return BotEvent(at_s, "J1", kind, who, "", data)


def _judged(good: dict[str, Any] | None = None, **facts: Any) -> Report:
    drill = drill_from("drill", MINIMAL)
    wanted = Good.model_validate({"says": "It is good.", "better": "Be good.", **(good or {})})
    record: dict[str, Any] = {
        "lasted_s": 200.0,
        "ended_by": "It was over.",
        "happened": (),
        "acts": (),
        "failures": (),
        "pages": (),
        "events": (),
        "starts": (),
        "violations": (),
        "vms": (VmSeen("web01", "HV01", ("HV02",), "Running"), VmSeen("db01", "HV01", ("HV01",), "Running")),
        "is_bot_running": True,
    }
    return judge(drill.model_copy(update={"good": (wanted,)}), Record(**record | facts))


BEGUN = MoveStart(10.0, "db01", "HV01", "HV02", is_bot=True, refused_for="")
REFUSED = MoveStart(10.0, "db01", "HV01", "HV02", is_bot=True, refused_for="live-limit")
FOREIGN = MoveStart(10.0, "db01", "HV01", "HV02", is_bot=False, refused_for="")
PAGE = Page(20.0, "web01 failed", "J1", "then")
TAKEN = _event("acknowledged", "dave", 50.0, about={"at": "then"})


@pytest.mark.parametrize(
    ("good", "facts", "why"),
    [
        ({"on": {"web01": ("HV02",)}}, {}, ""),
        ({"on": {"web01": ("HV03",)}}, {}, "web01 is on HV02."),
        ({"on": {"web01": ("HV03",)}}, {"vms": (VmSeen("web01", "HV01", (), "gone"),)}, "web01 is on no host."),
        ({"unmoved": ("db01",)}, {"starts": (REFUSED, FOREIGN)}, ""),
        ({"unmoved": ("db01",)}, {"starts": (BEGUN,)}, "A move of db01 was begun."),
        ({"taken_within_s": 30}, {"pages": (PAGE,), "events": (TAKEN,)}, ""),
        ({"taken_within_s": 29}, {"pages": (PAGE,), "events": (TAKEN,)}, "One waited 30 seconds."),
        ({"taken_within_s": 60}, {"pages": (PAGE,)}, "Nobody took 1 of 1 pages."),
        ({"taken_within_s": 60}, {"pages": (Page(150.0, "late", "J1", "then"),)}, ""),
        ({"happened": ("rejected", "withdrawn")}, {"events": (_event("withdrawn"),)}, ""),
        ({"happened": ("rejected", "withdrawn")}, {"events": (_event("approved"),)}, "That did not happen."),
        ({"never": ("cancel_asked",)}, {"events": (_event("approved"),)}, ""),
        ({"never": ("cancel_asked",)}, {"events": (_event("cancel_asked"),)}, "J1: cancel asked, by bob."),
        ({"jobs_at_most": 1}, {"events": (_event("approved"),)}, ""),
        ({"jobs_at_most": 0}, {"events": (_event("approved"),)}, "There were 1 jobs."),
        ({"never": ("cancel_asked",)}, {"history_problem": "No database."}, "No database."),
        ({"taken_within_s": 60}, {"history_problem": "No database."}, "No database."),
        ({"jobs_at_most": 1}, {"history_problem": "No database."}, "No database."),
        ({"bot_runs": True}, {}, ""),
        ({"bot_runs": True}, {"is_bot_running": False}, "The bot does not run."),
    ],
)
def test_what_a_good_answer_is(good: dict[str, Any], facts: dict[str, Any], why: str) -> None:
    """Each thing is met, or it is said what was missing."""
    [verdict] = _judged(good, **facts).verdicts
    assert (verdict.is_met, verdict.why) == (not why, why)


def test_how_long_a_page_waited() -> None:
    """Until somebody acknowledged exactly this one, or until the drill's end."""
    other = Page(40.0, "web02 failed", "J1", "later")
    report = _judged(pages=(PAGE, other), events=(TAKEN,))
    assert [(page.taken_by, page.waited_s) for page in report.pages] == [("dave", 30.0), ("", 160.0)]
    assert report.longest_wait_s == 160.0


def test_what_happened_to_vms_and_by_whom() -> None:
    """VMs that moved or were to move are told, with whose moves they were; decisions stand by people's names."""
    report = _judged(starts=(BEGUN, REFUSED, FOREIGN), events=(_event("approved"), _event("moved", "migrate-bot")))
    assert [(vm.name, vm.is_on, vm.starts, vm.foreign_starts, vm.refused) for vm in report.vms] == [
        ("db01", "HV01", 1, 1, 1),
        ("web01", "HV02", 0, 0, 0),
    ]
    assert report.decisions == (Done(30.0, "bob", "J1: approved"),)


async def test_a_drill_is_ended_before_anything_happened(tmp_path: Path) -> None:
    """The button works before the bot is there, and what nobody can know is not called good."""
    stage = Stage(load_drill("bot-dies"))
    async with (
        site(load_fleet(FLEET), tmp_path, parts={"drill": drill_app(stage)}) as here,
        aiohttp.ClientSession(here.slack.base_url) as session,
    ):
        playing = asyncio.create_task(stage.play(here, BotProcess(here, tmp_path / "bot.log")))
        async with session.post("/drill/end", data={}) as refused, session.post("/drill/end", json={}) as heard:
            assert (refused.status, heard.status) == (415, 200)
        async with asyncio.timeout(PATIENCE_S):
            report = await playing
    assert report.ended_by == "Somebody ended it."
    assert [one.is_met for one in report.verdicts] == [False] * 3
    assert "There is no database" in report.verdicts[2].why


async def test_a_drill_is_played_to_its_end_by_a_team(tmp_path: Path) -> None:
    """A colleague asks for the wrong VM, Bob rejects it in time, and the last page says so, and who did what."""
    async with (
        drilled(load_drill("wrong-vm"), tmp_path, speed=40.0) as (here, bot, stage),
        aiohttp.ClientSession(here.slack.base_url) as session,
    ):
        changes, bob = here.slack.workspace.changes, here.slack.person("bob")
        await changes.wait_for(lambda: here.slack.sockets.connections, PATIENCE_S)
        playing = asyncio.create_task(stage.play(here, bot))
        card = await changes.wait_for(lambda: bob.finds("migrations", "migrate_approve"), PATIENCE_S)
        assert (await _state(session))["report"] is None
        await bob.click(card, "migrate_reject")
        await changes.wait_for(lambda: bob.view, PATIENCE_S)
        await bob.submit({"text": "The owners said no"})
        async with asyncio.timeout(PATIENCE_S):
            await playing
        told = await _state(session)
        async with session.get("/drill/") as page:
            assert "/drill/drill.js" in await page.text()
    report = told["report"]
    assert report["ended_by"] == "It was over."
    assert [one["is_met"] for one in report["verdicts"]] == [True] * 3
    assert [(one["who"], one["words"].partition(",")[0]) for one in report["acts"]] == [
        ("bob", "presses Reject"),
        ("bob", "sends Reject J1"),
    ]
    assert [(one["who"], one["words"]) for one in report["decisions"]] == [
        ("mallory", "J1: asked for it"),
        ("bob", "J1: rejected"),
    ]
    assert [one["words"] for one in report["happened"]] == ["mallory asks for db01, to HV03."]
    assert (report["pages"], report["vms"], report["harm"]) == ([], [], [])


async def _state(session: aiohttp.ClientSession) -> dict[str, Any]:
    async with session.get("/drill/state") as answer:
        state: dict[str, Any] = await answer.json()
        return state


def test_the_command_prints_its_page_and_ctrl_c_ends_it() -> None:
    """The address comes first; a drill that is ended is told in the terminal too; Ctrl-C ends all with 0."""
    command = [sys.executable, "-m", "bot", "drill", "bot-dies", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        process.stdout.readline()
        line = http.client.HTTPConnection(urlsplit(address).netloc)
        line.request("POST", "/drill/end", b"{}", {"Content-Type": "application/json"})
        assert line.getresponse().status == 200
        line.close()
        told = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert told.startswith("Somebody ended it.")
    assert "Both VMs are on HV02, whole. web01 is on HV01." in rest
    assert process.returncode == 0
