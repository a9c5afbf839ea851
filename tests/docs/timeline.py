"""Writes docs/generated/timeline.json and timeline.png: how the scenario ``an-evening`` went, to be played on the site.

``python -m tests.docs.timeline`` plays it in virtual time; a test compares the JSON with what comes out.
"""

import json
import random
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.messages.state_table import MOVE_STATES
from bot.messages.timeline_data import VmTimeline, host_timeline, vm_timelines
from bot.messages.timeline_image import timeline
from core.domain.model.inventory import HostName
from core.domain.model.job import Job
from core.domain.model.move import Attempt, Move
from lab.virtual_time import EPOCH, VirtualTimeLoop, run_virtually
from tests.scenarios.play import Play
from tests.scenarios.port_wrappers import SteadyStore
from tests.scenarios.runner import play_on
from tests.scenarios.script import load
from tests.support.markdown_pages import ROOT

SCENARIO = "an-evening"
FOLDER = ROOT / "docs" / "generated"


def recorded(file: Path) -> tuple[dict[str, Any], bytes]:
    """Play the scenario, its database in ``file``. Returns the data of the player, and the bot's picture of it."""
    random.seed(SCENARIO)

    async def main(loop: VirtualTimeLoop) -> tuple[dict[str, Any], bytes]:
        stage = Play(load(SCENARIO), loop, file)
        await play_on(stage)
        store = SteadyStore(file)
        await store.open()
        [job], moves, attempts = await store.jobs(limit=10), await store.moves(), await store.attempts()
        await store.close()
        limits = {HostName(host.name): host.live_limit for host in stage.script.fleet.hosts}
        said = [stage.listener.said[number] for number in sorted(stage.listener.said)]
        picture = timeline(job, moves, attempts, limits, stage.clock.now())
        assert picture
        return told(job, moves, attempts, limits, said), picture

    return run_virtually(main)


def told(
    job: Job,
    moves: Sequence[Move],
    attempts: Sequence[Attempt],
    limits: dict[HostName, int],
    said: Sequence[tuple[datetime, str]],
) -> dict[str, Any]:
    """Return what the player reads; every time is in seconds since the request."""
    until = max(at for at, _ in said)

    def seconds(at: datetime) -> int:
        return int((at - EPOCH).total_seconds())

    def row(vm: VmTimeline) -> dict[str, Any]:
        bars = [[seconds(bar.begins), seconds(bar.ends), bar.outcome.name.lower(), bar.number] for bar in vm.bars]
        waits = seconds(vm.waits_from) if vm.waits_from and bars else None
        return {"name": vm.name, "waits": waits, "bars": bars, "word": MOVE_STATES[vm.state].picture}

    hosts = [host_timeline(host, attempts, limit, until) for host, limit in limits.items()]
    return {
        "job": str(job.id),
        "begins": f"{EPOCH:%H:%M:%S}",
        "length": seconds(until),
        "vms": [row(vm) for vm in vm_timelines(moves, attempts, until)],
        "hosts": [
            {"name": str(one.host), "limit": one.limit, "steps": [[seconds(at), count] for at, count in one.steps]}
            for one in hosts
        ],
        "said": [[seconds(at), text] for at, text in said],
    }


def as_text(data: dict[str, Any]) -> str:
    """Return the file's text: a line for each VM, host and sentence, so that a change can be read."""
    parts = []
    for key, value in data.items():
        if isinstance(value, list):
            rows = ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in value)
            parts.append(f'"{key}": [\n{rows}\n ]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    return "{" + ",\n ".join(parts) + "}\n"


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        data, picture = recorded(Path(folder) / "bot.db")
    (FOLDER / "timeline.json").write_text(as_text(data), encoding="utf-8")
    (FOLDER / "timeline.png").write_bytes(picture)


if __name__ == "__main__":
    main()
