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


def _story(bystanders: int) -> list[str]:
    """Return in which order eight sleepers wake who all sleep until the same instant, with others sleeping besides."""
    woken: list[str] = []

    async def sleeper(name: str) -> None:
        await asyncio.sleep(10)
        woken.append(name)

    async def main(_: VirtualTimeLoop) -> None:
        others = [asyncio.create_task(asyncio.sleep(1 + number)) for number in range(bystanders)]
        await asyncio.gather(*(sleeper(name) for name in "abcdefgh"))
        for other in others:
            other.cancel()

    run_virtually(main)
    return woken


def test_what_is_due_at_one_instant_comes_in_the_order_it_was_asked_for() -> None:
    """Whoever sleeps besides changes nothing in a story, or every transcript would depend on everything."""
    assert [_story(bystanders) for bystanders in range(20)] == [list("abcdefgh")] * 20
