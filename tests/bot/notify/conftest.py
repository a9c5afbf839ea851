"""A notifier on the lab's Slack, and what it is told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.notify.attachments import LookBack
from bot.notify.notifier import SlackNotifier
from bot.notify.open_questions import History
from bot.slack.credentials import web_client
from bot.slack.table_form import TableForm
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.model.job import Job
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message
from tests.support.view_builders import JumpClock, job, move, notice

BEGAN = datetime.now(UTC)


ASKED = job(channel="C0MIGRATE", requester="U0ALICE")


def told(kind: EventKind, tone: Tone, about: Job = ASKED, *, number: int = 1, **data: object) -> Notice:
    made = notice(kind, move(0, "web01"), number=number, about=about, **data)
    return replace(made, event=replace(made.event, tone=tone, at=BEGAN))


def proposal(about: Job = ASKED) -> Notice:
    return told(EventKind.PROPOSED, Tone.CARD, about)


@pytest.fixture
def make(settings: Settings, clock: JumpClock) -> Callable[..., SlackNotifier]:
    """A new notifier, as after a restart."""

    def made(
        using: Settings = settings,
        history: History | None = None,
        past: LookBack | None = None,
        tables: TableForm | None = None,
    ) -> SlackNotifier:
        client = web_client(using)
        return SlackNotifier(client, using, UserGroups(client, clock), clock, history=history, past=past, tables=tables)

    return made


def posted(slack: SlackLab, channel: str = "C0MIGRATE") -> list[Message]:
    return [m for m in slack.workspace.channel(channel).messages.values() if m.by_app]
