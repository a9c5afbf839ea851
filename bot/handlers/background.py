"""Runs the work behind a command or a click after the acknowledgement, and answers even when it fails."""

import logging
import secrets
from collections.abc import Awaitable, Callable

from bot.commands.errors import CommandError
from bot.handlers.private_reply import PrivateReply
from bot.messages import replies
from bot.messages.blocks import Message
from core.errors import MigrateBotError, RequestError
from core.tasks import TaskSet

log = logging.getLogger(__name__)


def new_reference() -> str:
    """Make a short word that ties what a person sees to a line in the log."""
    return secrets.token_hex(3)


class BackgroundTasks:
    """The tasks that work on what Slack has acknowledged."""

    def __init__(self, reference: Callable[[], str] = new_reference) -> None:
        self._tasks = TaskSet()
        self._reference = reference

    def start(self, name: str, work: Callable[[], Awaitable[Message | None]], reply: PrivateReply) -> None:
        """Do some work in a task of its own and tell the person what it returns, or why it failed."""
        self._tasks.start(self._run(name, work, reply), name)

    async def close(self, timeout_s: float = 5.0) -> None:
        """Let what is under way end, for a while."""
        await self._tasks.finish(timeout_s)

    async def _run(self, name: str, work: Callable[[], Awaitable[Message | None]], reply: PrivateReply) -> None:
        message = await self._outcome(name, work)
        if message is None:
            return
        try:
            await reply.say(message)
        except Exception:
            # The last line before silence: whatever went wrong while answering is at least in the log.
            log.exception("the answer to %s was not delivered: %s", name, message.text)

    async def _outcome(self, name: str, work: Callable[[], Awaitable[Message | None]]) -> Message | None:
        try:
            return await work()
        except CommandError as mistake:
            return replies.unclear(mistake)
        except RequestError as error:
            return replies.trouble(error)
        except MigrateBotError as error:
            log.warning("%s: %s", name, error.message)
            return replies.trouble(error)
        except Exception:
            # A bug. The person gets a sentence and a reference, the log the trace.
            reference = self._reference()
            log.exception("%s failed, reference %s", name, reference)
            return replies.accident(reference)
