"""Runs the work behind a command or a click after the acknowledgement, and answers even when it fails.

The one door of all that people ask: it goes into the audit log here, and so does what they are refused.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from bot.audit_log import Asked, AuditLog
from bot.commands.errors import CommandError
from bot.handlers.command_handler import Asker
from bot.handlers.private_reply import PrivateReply
from bot.messages import replies
from bot.messages.blocks import Message
from bot.slack.table_form import TableForm
from core.errors import MigrateBotError
from core.tasks import TaskSet

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[Message | None]]

ANSWERS_WITHIN_S = 0.8
"""For so long what people asked just before this process ends may go on: another one waits for the database."""
LAST_WORDS_S = 5.0


def new_reference() -> str:
    """Make a short word that ties what a person sees to a line in the log."""
    return secrets.token_hex(3)


class BackgroundTasks:
    """The tasks that work on what Slack has acknowledged."""

    def __init__(
        self,
        audit: AuditLog,
        reference: Callable[[], str] = new_reference,
        *,
        admit: Callable[[Asker], Awaitable[object]] | None = None,
        tables: TableForm | None = None,
    ) -> None:
        """Make it. ``admit`` raises NotAllowed for somebody who may do nothing here: every door leads through it.

        ``tables``: whether answers that have a table are shown as one; None: never.
        """
        self._audit = audit
        self._tasks = TaskSet()
        self._admit = admit
        self._tables = tables
        self._reference = reference
        self._unanswered: list[tuple[PrivateReply, Message]] = []
        self._is_closed = False

    def start(self, asked: Asked, work: Work, reply: PrivateReply, *, is_open: bool = False) -> None:
        """Do some work in a task of its own and tell the person what it returns, or why it failed.

        ``is_open``: the work itself finds out who may see what.
        """
        asker = reply.asker
        self._audit.asked(asked, asker.user, asker.channel)
        name = f"{asked} by {asker.user}"
        if self._is_closed:  # it came in while the door was being shut: what it would need is no longer ours
            self._tasks.start(self._say(reply, replies.cut_off(), name), name)
            return
        self._tasks.start(self._run(asked, name, work if is_open else self._closed(work, asker), reply), name)

    def refuse(self, asked: Asked, asker: Asker, error: MigrateBotError) -> None:
        """Note what was answered in the acknowledgement: it cannot be understood."""
        self._audit.asked(asked, asker.user, asker.channel)
        self.note_refusal(asked, asker, error)

    def note_refusal(self, asked: Asked, asker: Asker, error: MigrateBotError) -> None:
        """Note that somebody reads in a form why they do not get what they asked for."""
        self._audit.refused(asked, asker.user, error)

    def _closed(self, work: Work, asker: Asker) -> Work:
        async def admitted() -> Message | None:
            if self._admit is not None:
                await self._admit(asker)
            return await work()

        return admitted

    async def close(self, timeout_s: float = ANSWERS_WITHIN_S) -> None:
        """Let what is under way end, for a while; nothing more is begun."""
        self._is_closed = True
        await self._tasks.finish(timeout_s)

    async def last_words(self, timeout_s: float = LAST_WORDS_S) -> None:
        """Tell those whose answer was cut off by the end of this process; another one may be at work already."""
        for reply, message in self._unanswered:
            self._tasks.start(self._say(reply, message, "what was cut off"), "last words")
        self._unanswered.clear()
        await self._tasks.finish(timeout_s)

    async def _run(self, asked: Asked, name: str, work: Work, reply: PrivateReply) -> None:
        message: Message | None = replies.cut_off()
        try:
            message = await self._outcome(asked, name, work, reply.asker)
            if message is not None:
                await self._say(reply, message, name)
        except asyncio.CancelledError:
            if message is not None:
                self._unanswered.append((reply, message))
            raise

    async def _say(self, reply: PrivateReply, message: Message, name: str) -> None:
        try:
            await reply.say(message, self._tables)
        except Exception:
            # The last line before silence: whatever went wrong while answering is at least in the log.
            log.exception("the answer to %s was not delivered: %s", name, message.text)

    async def _outcome(self, asked: Asked, name: str, work: Work, asker: Asker) -> Message | None:
        try:
            return await work()
        except MigrateBotError as error:
            self.note_refusal(asked, asker, error)
            return replies.unclear(error) if isinstance(error, CommandError) else replies.trouble(error)
        except Exception:
            # A bug. The person gets a sentence and a reference, the log the trace.
            reference = self._reference()
            log.exception("%s failed, reference %s", name, reference)
            return replies.accident(reference)
