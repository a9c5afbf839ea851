"""Work behind a click never ends in silence, and never in a stack trace for people."""

import asyncio

import pytest
from slack_sdk.webhook import WebhookResponse

from bot.audit_log import Asked, AuditLog
from bot.handlers.background import BackgroundTasks
from bot.handlers.command_handler import Asker
from bot.handlers.private_reply import PrivateReply
from bot.messages import replies
from bot.messages.blocks import Message
from bot.metrics import Counters
from bot.slack.credentials import web_client
from core.config import Settings
from core.errors import HostUnreachable, StoreBusy
from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message as Posted

ALICE = Asker("U0ALICE", "C0MIGRATE")


async def run(settings: Settings, work: object, asker: Asker = ALICE, respond: object = None) -> None:
    background = BackgroundTasks(AuditLog(Counters()), lambda: "abc123")
    background.start(Asked(what="a test"), work, PrivateReply(web_client(settings), asker, respond))  # type: ignore[arg-type]
    await background.close()


def whispers(slack: SlackLab, channel: str = "migrations") -> list[Posted]:
    return [m for m in slack.person("alice").sees(channel) if m.ephemeral_to]


async def test_a_bug_is_a_sentence_with_a_reference(
    settings: Settings, slack: SlackLab, caplog: pytest.LogCaptureFixture
) -> None:
    """The person gets a reference, the log the trace that goes with it."""

    async def work() -> Message:
        raise ZeroDivisionError("secret details")

    await run(settings, work)
    (told,) = whispers(slack)
    assert "abc123" in told.text
    assert "secret" not in told.text
    assert "abc123" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (HostUnreachable("HV01", "HV01 does not answer."), "HV01 does not answer. Check that the host is up"),
        (StoreBusy("The database is busy."), "The database is busy."),
    ],
)
async def test_a_foreseen_error_is_its_own_sentence(
    settings: Settings, slack: SlackLab, error: Exception, says: str
) -> None:
    """What happened and what to do, without a reference."""

    async def work() -> Message:
        raise error

    await run(settings, work)
    assert says in whispers(slack)[0].text


async def answer() -> Message:
    return replies.plainly("Here you are.")


async def test_a_used_up_response_url_falls_back_to_an_ephemeral(settings: Settings, slack: SlackLab) -> None:
    """When the first way is closed, the second is taken."""

    async def respond(**_: object) -> WebhookResponse:
        return WebhookResponse(url="", status_code=404, body="used_url", headers={})

    await run(settings, answer, respond=respond)
    assert whispers(slack)[0].text == "Here you are."


async def test_where_no_ephemeral_can_go_a_direct_message_does(settings: Settings, slack: SlackLab) -> None:
    """In a channel the bot cannot reach, the person is written to directly."""
    await run(settings, answer, Asker("U0ALICE", "C0PRIVATE"))
    (note,) = slack.workspace.direct_message(["U0ALICE"]).messages.values()
    assert note.text == "Here you are."


async def test_an_answer_nobody_can_get_is_in_the_log(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Silence is never complete."""
    await run(settings, answer, Asker("U0NOBODY", "C0NOSUCH"))
    assert "could not be told: Here you are." in caplog.text


async def test_closing_waits_for_answers_and_then_cancels(settings: Settings, slack: SlackLab) -> None:
    """A stop lets what is quick end, and does not hang on what is not."""
    caught: list[str] = []

    async def endless() -> Message | None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            caught.append("cancelled")
            raise
        return None

    background = BackgroundTasks(AuditLog(Counters()))
    background.start(Asked(what="endless"), endless, PrivateReply(web_client(settings), ALICE))
    await background.close(timeout_s=0.01)
    assert caught == ["cancelled"]


async def test_who_gets_no_answer_is_told_so_at_the_end(settings: Settings, slack: SlackLab) -> None:
    """What was cut off is said when nobody waits for this process any more; what was answered is not said again."""

    async def endless() -> Message | None:
        await asyncio.Event().wait()
        return None

    async def quick() -> Message | None:
        return replies.accident("abc123")

    reply = PrivateReply(web_client(settings), ALICE)
    for work, timeout_s in ((quick, 300.0), (endless, 0.01)):
        background = BackgroundTasks(AuditLog(Counters()))
        background.start(Asked(what="a test"), work, reply)
        await background.close(timeout_s)
        await background.last_words(300.0)
        await background.last_words(300.0)
    assert [one.text for one in whispers(slack)] == [replies.accident("abc123").text, replies.cut_off().text]


async def test_what_comes_while_the_door_is_shut_is_not_begun(settings: Settings, slack: SlackLab) -> None:
    """The database may be another bot's by then: the person is told, and nothing is done."""
    begun: list[str] = []

    async def work() -> Message | None:
        begun.append("work")
        return None

    background = BackgroundTasks(AuditLog(Counters()))
    await background.close()
    background.start(Asked(what="late"), work, PrivateReply(web_client(settings), ALICE))
    await background.last_words(300.0)
    assert ([one.text for one in whispers(slack)], begun) == ([replies.cut_off().text], [])
