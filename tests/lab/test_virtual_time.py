"""How virtual time passes: in jumps, and not at all while something outside the loop works."""

import asyncio
import threading

from lab.virtual_time import VirtualTimeLoop, run_virtually


def test_time_stands_still_while_a_thread_works() -> None:
    """What is handed to a thread takes no time, however many timers wait; then time goes on."""

    async def main(loop: VirtualTimeLoop) -> None:
        timer = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.to_thread(threading.Event().wait, 0.05)
        assert loop.time() == 0
        await timer
        assert loop.time() == 3600

    run_virtually(main)
