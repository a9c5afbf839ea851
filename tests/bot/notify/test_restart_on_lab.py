"""What an earlier process said and could not finish saying: the whole bot, stopped and started again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.notify import attachments
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.job import JobId
from core.store import SqlStore
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL, buttons, read
from tests.support.databases import database_url

ALICE, BOB = "alice", "bob"


async def test_a_question_asked_before_a_restart_loses_its_buttons_when_its_move_ends(
    office: Opening, slack: SlackLab, tmp_path: Path
) -> None:
    """Nobody answered; the next process tells the end of the move, and the question can no longer be answered."""
    async with office() as here:
        await slack.person(BOB).slash(CHANNEL, "/migrate stop")
        await here.whisper(BOB, "Stopped")
        card = await here.ask()
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "approved J1")
    store = SqlStore(database_url(tmp_path / "bot.db"))
    await store.open()
    (move,) = await store.moves(JobId("J1"))
    await store.add_events(event(event_data.Stuck(text="it stands"), datetime.now(UTC), move=move))
    await store.close()
    async with office() as here:
        question = await here.replied(card, "seems stuck")
        assert len(buttons(question)) == 3
    async with office() as here:
        await slack.person(ALICE).slash(CHANNEL, "/migrate cancel J1")
        await here.replied(card, "`web01` is cancelled")

        def settled() -> Message | None:
            return None if buttons(question) else question

        assert "nobody had to decide" in read(await here.until(settled))
    assert slack.call_log.violations == []


async def test_a_picture_that_was_not_uploaded_before_a_restart_comes_after_it(
    office: Opening, slack: SlackLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that says it is over was said; the upload had failed when the process ended."""
    monkeypatch.setattr(attachments, "AFTERLIFE_S", 0.0)
    slack.faults.add(FaultKind.SERVER_ERROR, "files.getUploadURLExternal", times=None)
    async with office() as here:
        card = await here.ask()
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over")

    def picture() -> Message | None:
        return next((m for m in here.messages() if m.files and m.thread_ts == card.ts), None)

    assert picture() is None
    slack.faults.clear()
    async with office() as here:
        shown = await here.until(picture)
        assert shown.files[0]["name"] == "J1-timeline.png"
    assert slack.call_log.violations == []
