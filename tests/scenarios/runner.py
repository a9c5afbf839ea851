"""Plays a scenario on virtual time, on the lab's fleet and a real database file, and returns what is to be compared."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from lab.virtual_time import VirtualTimeLoop, run_virtually
from tests.scenarios.play import Play
from tests.scenarios.rules import broken_by_ends, broken_by_hosts, broken_by_words, without_reason
from tests.scenarios.script import Script
from tests.scenarios.script_steps import Stagehand
from tests.scenarios.transcript import ending, transcript

LOOK_EVERY_S = 60.0
"""How often the rules are looked at; after hours of waiting ten times less."""
LONGEST = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Played:
    """How a scenario went: its transcript, and the rules that were broken."""

    transcript: str
    broken: tuple[str, ...]
    calls: dict[str, int]
    store_calls: dict[str, int]
    seconds: float


def play(script: Script, file: Path) -> Played:
    """Play a scenario; ``file`` is where its database goes."""
    random.seed(script.name)

    async def main(loop: VirtualTimeLoop) -> Played:
        return await play_on(Play(script, loop, file))

    return run_virtually(main)


async def play_on(stage: Play) -> Played:
    """Play a stage's scenario to its end; its store is closed then."""
    script, began = stage.script, stage.clock.now()
    hands = Stagehand(stage)
    broken: list[str] = []
    unexplained: dict[int, datetime] = {}

    async def look() -> None:
        if stage.is_running:
            moves = await stage.store.moves(open_only=True)
            broken.extend(without_reason(moves, stage.clock.now(), unexplained))

    def pause_s() -> float:
        return LOOK_EVERY_S if stage.clock.now() - began < timedelta(hours=2) else 10 * LOOK_EVERY_S

    async def wait_until(at: datetime) -> None:
        while (left := (at - stage.clock.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, pause_s()))
            await look()

    await stage.start_engine()
    for step in script.steps:
        await wait_until(began + step.at)
        await hands.carry_out(step)
    await wait_until(began + script.lasts)
    while script.ends and stage.is_running and not await _is_over(stage):
        if stage.clock.now() - began > LONGEST:
            broken.append(f"nothing ended within {LONGEST}")
            break
        await wait_until(stage.clock.now() + timedelta(seconds=pause_s()))
    await asyncio.sleep(5)
    return await _report(stage, broken)


async def _is_over(stage: Play) -> bool:
    jobs = await stage.store.jobs(limit=1000)
    if not all(job.state.is_end for job in jobs):
        return False
    events = [event for job in jobs for event in await stage.store.events(job.id)]
    if not stage.listener.is_down and any(event.tone and event.id not in stage.listener.said for event in events):
        return False
    return not await stage.store.moves_to_tidy(stage.clock.now() + timedelta(days=365))


async def _report(stage: Play, broken: list[str]) -> Played:
    script, world, store = stage.script, stage.world, await stage.read()
    jobs = sorted(await store.jobs(limit=1000), key=lambda job: job.created_at)
    moves = await store.moves()
    events = [event for job in jobs for event in await store.events(job.id)]
    broken += broken_by_hosts(world, script.refused_starts) + broken_by_words(stage.listener, events)
    broken += broken_by_ends(script, world, jobs, moves)
    calls = stage.calls.total() / max(1, len(moves))
    if script.calls_per_vm and calls > script.calls_per_vm:
        broken.append(f"a VM cost {calls:.1f} remote calls")
    lines = transcript(script, stage, events, {job.id: job for job in jobs}, {move.id: move for move in moves})
    text = "\n".join([*lines, *ending(world, jobs, moves)]) + "\n"
    seconds = (stage.clock.now() - stage.world.epoch).total_seconds()
    await stage.stop_engine()
    await stage.close()
    return Played(text, tuple(broken), dict(stage.calls), dict(stage.store_calls), seconds)
