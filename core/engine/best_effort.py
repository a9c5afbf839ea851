"""What a duty can do without, an estimate say: when it breaks, the plan, approval, start or card goes on."""

from collections.abc import Awaitable
from typing import TypeVar

from core.errors import MigrateBotError
from core.tasks import log_broken

T = TypeVar("T")


async def best_effort(what: str, work: Awaitable[T], instead: T) -> T:
    """Await something nice to have; a bug in it is logged with its place, and ``instead`` is returned.

    Our own errors, such as those of a store that cannot be read, mean the same here as anywhere: they are raised.
    """
    try:
        return await work
    except MigrateBotError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, nobody is refused a plan or an approval for it
        log_broken(what, error)
        return instead
