"""Plays a drill: gives its orders to the lab's controls when their time has come, and makes a report at its end."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from lab.drills.drill import Drill, Step
from lab.drills.judge import Report, judge
from lab.drills.record import BotEvent, Done, Record, holds
from lab.drills.watch import Watch
from lab.process import BotProcess
from lab.site import Site

_LOOK_S = 0.2


class Stage:
    """One drill, played once."""

    def __init__(self, drill: Drill) -> None:
        self.drill = drill
        self.happened: list[Done] = []
        self.report: Report | None = None
        self._watch: Watch | None = None
        self._played: list[tuple[str, str]] = []
        self._pressed = asyncio.Event()

    def end(self) -> None:
        """End it now, whatever is still to come."""
        self._pressed.set()

    @property
    def elapsed_s(self) -> float:
        return self._watch.elapsed_s() if self._watch else 0.0

    async def play(self, here: Site, bot: BotProcess) -> Report:
        """Play it to its end."""
        while not (here.slack.sockets.connections or self._pressed.is_set()):
            await self._rest()  # what is played before the bot is there would be lost
        self._watch = watch = Watch(here)
        async with aiohttp.ClientSession(here.slack.base_url) as session:
            steps = asyncio.create_task(self._steps(session, here, watch))
            try:
                ended_by = await self._until_end(watch, here, steps)
            finally:
                steps.cancel()
                await asyncio.gather(steps, return_exceptions=True)
        self.report = judge(self.drill, await self._record(watch, bot, ended_by))
        return self.report

    async def _until_end(self, watch: Watch, here: Site, steps: "asyncio.Task[None]") -> str:
        end = self.drill.end
        while not self._pressed.is_set():
            seen = watch.seen()
            if steps.done():
                steps.result()  # raises what went wrong with it
                if holds(end.when, seen):
                    return "It was over."
            if seen.lab_s >= end.at_most_s:
                return f"Its time was over, {end.at_most_s / here.hosts.pace.speed:.0f} seconds."
            await self._rest()
        return "Somebody ended it."

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._pressed.wait()
        except TimeoutError:
            return

    async def _steps(self, session: aiohttp.ClientSession, here: Site, watch: Watch) -> None:
        ids = {vm.name: str(vm.id) for vm in here.hosts.fleet.vms}
        for step in self.drill.steps:
            while not holds(step.when, watch.seen()):  # noqa: ASYNC110 (much is looked at that tells of no change)
                await asyncio.sleep(_LOOK_S)
            await here.hosts.pace.wait(step.wait_s)
            if step.order == "POST /control/slash":
                self._played.append((step.body["user"], step.body["line"].strip()))
            said = await give(session, step, ids)
            self.happened.append(
                Done(watch.elapsed_s(), "", step.tells + (f" (It could not be: {said})" if said else ""))
            )

    async def _record(self, watch: Watch, bot: BotProcess, ended_by: str) -> Record:
        lasted_s, is_running = watch.elapsed_s(), bot.is_running
        events: list[BotEvent] = []
        problem = ""
        try:
            events = await watch.events(bot)
        except RuntimeError as error:
            problem = str(error)
        return Record(
            lasted_s=lasted_s,
            ended_by=ended_by,
            happened=tuple(self.happened),
            acts=tuple(watch.acts(self._played)),
            failures=tuple(watch.failures()),
            pages=tuple(watch.pages()),
            events=tuple(events),
            history_problem=problem,
            starts=tuple(watch.starts()),
            violations=tuple(watch.violations()),
            vms=tuple(watch.vms()),
            is_bot_running=is_running,
        )


async def give(session: aiohttp.ClientSession, step: Step, ids: Mapping[str, str]) -> str:
    """Give a step's order; VMs in it are named. Returns what was said against it, empty when it was obeyed."""
    method, _, path = step.order.partition(" ")
    body: dict[str, Any] = dict(step.body)
    if path.startswith("/hosts/") and body.get("vm") in ids:
        body["vm"] = ids[body["vm"]]
    async with session.request(method, path, json=body) as answer:
        return str((await answer.json()).get("error", ""))
