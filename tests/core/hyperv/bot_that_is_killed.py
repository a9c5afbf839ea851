"""Opens sessions with the hosts of a lab again and again, each time in a process that is killed in the middle of it.

Run as a program: settings and the number of kills as JSON in standard input; one line of JSON for each life.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from core.config import Settings
from core.domain.model.host_calls import MoveOrder
from core.domain.model.inventory import HostName, VmId
from core.hyperv import PypsrpGateway, SessionRecord
from tests.contracts.gateway_arena import granted


async def live(given: dict[str, Any], said: int) -> None:
    """Read from every host and order a move; then wait for the end."""
    gateway = PypsrpGateway(Settings(**given["settings"]), record=SessionRecord(Path(given["folder"])))
    hosts = [HostName(name) for name in given["settings"]["hosts"]]
    order = MoveOrder(vm_id=VmId(UUID(given["vm"])), address=given["address"], path="D:\\VMs\\moved")
    tasks = [asyncio.create_task(gateway.observe(host)) for host in hosts]
    move = asyncio.create_task(gateway.move(hosts[0], order, lambda _percent: None, granted))
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.wait([move], timeout=given["linger_s"])
    failures = [str(answer) for answer in answers if isinstance(answer, BaseException)]
    if move.done() and move.exception() is not None:
        failures.append(str(move.exception()))
    os.write(said, (json.dumps(failures) + "\n").encode())
    await asyncio.Event().wait()


def main() -> None:
    """Live and be killed, as often as asked."""
    given = json.loads(sys.stdin.readline())
    for _ in range(given["kills"]):
        hears, said = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hears)
            asyncio.run(live(given, said))
        os.close(said)
        with os.fdopen(hears) as lines:
            line = lines.readline()
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(line.strip(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
