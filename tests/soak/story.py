"""Plays a chain of virtual hours by its seed: people, faults of every kind, clock steps, sleeps and deaths."""

import asyncio
import random as global_random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from core.domain.model.events import Tone
from core.domain.model.job import JobState
from core.domain.model.plan import Options, Request
from core.engine.delivery import deadlines
from core.errors import MigrateBotError
from lab.hyperv.world.errors import WorldError
from lab.virtual_time import VirtualTimeLoop, run_virtually
from tests.soak.host_acts import HOST_NAMES, HostActs
from tests.soak.world import Soak, moods, troubles

Act = Callable[[], Awaitable[str]]
PAUSE_S = 1500.0
"""The mean time between two things that happen."""
QUIET = timedelta(days=5)
"""How long everything may take to come to its end when all trouble is over."""
_ALICE, _BOB = "U_ALICE", "U_BOB"


@dataclass(frozen=True, slots=True)
class Told:
    """What a chain was, and what was wrong with it."""

    seed: int
    hours: float
    moves: int
    counts: dict[str, int]
    broken: tuple[str, ...]


def tell(seed: int, hours: float) -> Told:
    """Play a chain of so many virtual hours."""
    global_random.seed(seed)  # what waits a random time takes it from here
    # Each look at deadlines is a read of the real database; a warning may come late here.
    with TemporaryDirectory() as folder, patch.object(deadlines, "EVERY_S", 900.0):

        async def main(loop: VirtualTimeLoop) -> Told:
            return await _Story(Soak(seed, loop, Path(folder))).play(hours)

        return run_virtually(main)


class _Story:
    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self._random = soak.random
        self._ends: list[tuple[float, Callable[[], object]]] = []
        hosts = HostActs(soak, self._later, self._while)
        self._acts: Sequence[tuple[int, Act]] = (
            (10, self._ask),
            (10, self._decide),
            (3, self._cancel),
            (2, self._pause),
            (1, self._stop),
            (3, self._again),
            (4, self._answer),
            (5, self._kill),
            (1, self._restart),
            (3, self._step_clock),
            (2, self._sleep),
            (8, hosts.wire),
            (4, hosts.cut_order),
            (6, hosts.move_fault),
            (2, hosts.bad_row),
            (2, hosts.stand_in),
            (4, self._slack),
            (2, self._disk),
            (4, hosts.backup),
            (4, hosts.others),
            (2, hosts.change_host),
            (1, self._second_process),
            (2, self._refuse_one),
            (1, hosts.delete),
        )

    async def play(self, hours: float) -> Told:
        soak = self._soak
        await soak.rise()
        until = soak.loop.time() + hours * 3600
        weights = [weight for weight, _ in self._acts]
        while soak.loop.time() < until and not soak.broken:
            await self._pass(self._random.expovariate(1 / PAUSE_S))
            (_, act), *_ = self._random.choices(self._acts, weights)
            try:
                name = await self._live(act)
            except (MigrateBotError, WorldError) as error:
                name = f"{act.__name__.strip('_')}: {type(error).__name__}"
            soak.counts[name] += 1
            soak.look()
        if not soak.broken:
            await self._end()
        moves = len([move for move in soak.world.migrations() if move.has_job])
        return Told(soak.seed, soak.loop.time() / 3600, moves, dict(soak.counts), tuple(soak.broken))

    async def _end(self) -> None:
        """Let all trouble end, answer whoever asks, and see that everything comes to its end."""
        soak = self._soak
        for _, end in self._ends:
            end()
        self._ends.clear()
        soak.world.trouble.clear()
        await self._up()
        await soak.engine.controls.resume_starts(_BOB)
        for job in await soak.disk.jobs(JobState.RUNNING, limit=1000):
            if job.paused_by:
                await soak.engine.controls.resume(job.id, _BOB)
        began = soak.clock.steady_now()
        while soak.clock.steady_now() - began < QUIET:
            await asyncio.sleep(3600)
            await self._cancel_stalled()
            if await self._is_quiet():
                break
        await asyncio.sleep(1800)
        await soak.judge()
        await soak.stop()

    async def _is_quiet(self) -> bool:
        disk = self._soak.disk
        jobs = await disk.jobs(JobState.PROPOSED, JobState.RUNNING, limit=1000)
        waiting, _, _ = await disk.outbox_counts()
        return not jobs and not waiting and not await disk.moves_to_tidy(self._soak.clock.steady_now() + QUIET)

    async def _cancel_stalled(self) -> None:
        """Answer the questions about moves that stand still: they would stand for ever."""
        for move in await self._soak.disk.moves(open_only=True):
            with suppress(MigrateBotError):
                await self._soak.engine.controls.answer_stuck(move.id, "cancel", _BOB)

    # ------------------------------------------------------------------ time

    async def _pass(self, seconds: float) -> None:
        """Let time pass; the bot may die meanwhile, and is started again as its keeper does."""
        soak, until = self._soak, self._soak.loop.time() + seconds
        while soak.loop.time() < until:
            next_end = min((at for at, _ in self._ends), default=until)
            over = asyncio.create_task(soak.life.over.wait())
            await asyncio.wait({over}, timeout=max(0.0, min(until, next_end) - soak.loop.time()))
            over.cancel()
            if soak.life.over.is_set():
                soak.counts["died at a door"] += 1
                await soak.die()
                await asyncio.sleep(self._random.choice((1.0, 5.0, 60.0, 900.0)))
                await soak.rise()
            due = [one for one in self._ends if one[0] <= soak.loop.time()]
            self._ends = [one for one in self._ends if one not in due]
            for _, end in due:
                end()

    async def _live(self, act: Act) -> str:
        """Do something that may meet the bot's death: then nothing comes back of it."""
        if act in {self._kill, self._restart}:
            return await act()
        doing = asyncio.ensure_future(act())
        over = asyncio.create_task(self._soak.life.over.wait())
        await asyncio.wait({doing, over}, return_when=asyncio.FIRST_COMPLETED, timeout=7200)
        over.cancel()
        if doing.done():
            return doing.result()
        doing.cancel()
        return f"{act.__name__.strip('_')}: unanswered"

    async def _up(self) -> None:
        """Let a bot run that does not die."""
        await self._soak.die()
        await self._soak.rise()

    def _later(self, seconds: float, end: Callable[[], object]) -> None:
        self._ends.append((self._soak.loop.time() + seconds, end))

    def _while(self) -> float:
        return self._random.choice((10.0, 60.0, 300.0, 1200.0, 5000.0))

    # ------------------------------------------------------------------ people

    async def _ask(self) -> str:
        random = self._random
        source, *others = random.sample(HOST_NAMES, k=random.choice((2, 2, 3)))
        shown = [vm.name for vm in self._soak.world.vms(source) if not vm.is_planned]
        names = tuple(random.sample(shown, k=min(len(shown), random.randint(1, 4)))) or ("web*",)
        now = self._soak.clock.now()
        options = Options(
            attempts=random.choice((None, 1, 2, 5)),
            parallel=random.choice((0, 0, 0, 1)),
            subfolder=random.choice((None, True)),
            fail_fast=random.choice((None, None, True)),
            start_at=random.choice((None, None, None, now + timedelta(hours=random.randint(1, 9)))),
            until=random.choice((None, None, now + timedelta(hours=random.randint(1, 30)))),
            override=random.choice(("", "", "urgent")),
        )
        request = Request(
            vms=names,
            sources=(source,),
            destinations=tuple(others),
            requester=_ALICE,
            channel="C1",
            path=random.choice(("", "D:\\VMs")),
            options=options,
            text="text",
        )
        job = await self._soak.engine.requests.propose(request)
        if random.random() < 0.7:
            await asyncio.sleep(random.choice((0.0, 60.0, 200.0)))  # its hosts are asked about it meanwhile
            await self._soak.engine.controls.approve(job.id, job.plan.hash, _BOB)
            return "asked and approved"
        return "asked"

    async def _job(self, *states: JobState) -> Any:
        jobs = await self._soak.disk.jobs(*states, limit=20)
        return self._random.choice(jobs) if jobs else None

    async def _decide(self) -> str:
        controls, job = self._soak.engine.controls, await self._job(JobState.PROPOSED)
        if job is None:
            return await self._ask()
        if self._random.random() < 0.8:
            await controls.approve(job.id, job.plan.hash, _BOB)
            return "approved"
        await controls.reject(job.id, job.plan.hash, _BOB, "no")
        return "rejected"

    async def _cancel(self) -> str:
        job = await self._job(JobState.PROPOSED, JobState.RUNNING)
        if job is None:
            return "nothing to cancel"
        vm = self._random.choice(("", *(move.vm_name for move in job.plan.moves)))
        await self._soak.engine.controls.cancel(job.id, _ALICE, vm)
        return "cancelled"

    async def _pause(self) -> str:
        controls, job = self._soak.engine.controls, await self._job(JobState.RUNNING)
        if job is None:
            return "nothing to pause"
        if job.paused_by:
            await controls.resume(job.id, _ALICE)
            return "resumed"
        await controls.pause(job.id, _ALICE)
        return "paused"

    async def _stop(self) -> str:
        controls = self._soak.engine.controls
        await controls.stop_starts(_BOB)
        await asyncio.sleep(self._while())
        await self._soak.engine.controls.resume_starts(_BOB)
        return "stopped for a while"

    async def _again(self) -> str:
        job = await self._job(JobState.FINISHED)
        if job is None:
            return "nothing to repeat"
        requests = self._soak.engine.requests
        ask = self._random.choice((requests.retry, requests.back))
        new = await ask(job.id, _ALICE)
        await asyncio.sleep(200)
        await self._soak.engine.controls.approve(new.id, new.plan.hash, _BOB)
        return "back or again"

    async def _answer(self) -> str:
        controls, disk = self._soak.engine.controls, self._soak.disk
        for move in await disk.moves(open_only=True):
            with suppress(MigrateBotError):
                await controls.answer_stuck(move.id, self._random.choice(("wait", "cancel", "page")), _BOB)
                return "answered"
        job = await self._job(JobState.RUNNING, JobState.FINISHED)
        for event in reversed(await disk.events(job.id) if job else ()):
            if event.tone is Tone.PAGE:
                await controls.acknowledge(job.id, event.id, _BOB)
                return "took a page"
        return "nothing to answer"

    # ------------------------------------------------------------------ the bot's own machine

    async def _kill(self) -> str:
        """Kill it now, or at some door to come."""
        await self._soak.die()
        await asyncio.sleep(self._random.choice((0.0, 1.0, 20.0, 300.0, 4000.0)))
        await self._soak.rise(self._random.choice((None, self._random.randint(1, 400))))
        return "killed"

    async def _restart(self) -> str:
        await self._soak.stop()
        await self._soak.die()
        await self._soak.rise()
        return "restarted in order"

    async def _second_process(self) -> str:
        return "a second process refused" if await self._soak.rise_twice() else "a second process, alone"

    async def _step_clock(self) -> str:
        by = self._random.choice((-7200, -3600, -58, -3, 40, 3600, 7200))
        self._soak.clock.step(timedelta(seconds=by))
        return "clock put back" if by < 0 else "clock put forth"

    async def _sleep(self) -> str:
        self._soak.suspend(self._random.choice((30.0, 600.0, 3600.0, 30000.0)))
        return "machine slept"

    async def _disk(self) -> str:
        name, error = self._random.choice(tuple(troubles().items()))
        disk = self._soak.disk
        disk.trouble = error
        self._later(self._while(), lambda: setattr(disk, "trouble", None))
        return f"disk {name}"

    async def _slack(self) -> str:
        slack = self._soak.slack
        if self._random.random() < 0.4:
            slack.loses = 0.3
            self._later(self._while(), lambda: setattr(slack, "loses", 0.0))
            return "Slack loses replies"
        name, slack.mood = self._random.choice(tuple(moods().items()))
        self._later(self._while(), lambda: setattr(slack, "mood", None))
        return f"Slack {name}"

    async def _refuse_one(self) -> str:
        self._soak.slack.refuses_next = True
        return "Slack refuses one message"
