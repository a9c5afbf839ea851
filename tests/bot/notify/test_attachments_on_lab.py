"""Files reach a card's thread once: the whole of a long plan, and the picture at the end; failing disturbs nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.notify.attachments import AFTERLIFE_S, DELAYS_S, Attachments, TimelineInputs
from bot.slack.credentials import web_client
from core.config import Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice
from core.domain.model.inventory import HostName
from core.domain.model.job import Card, Job, JobId, JobState
from core.domain.model.move import Attempt, MoveId, MoveState
from core.domain.model.plan import PlanEdit
from core.domain.model.views import MoveView
from core.errors import StoreError
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from tests.bot.conftest import Opening
from tests.support.bot_harness import buttons, read
from tests.support.insights_picture import month
from tests.support.view_builders import NOW, JumpClock, job, move, notice, view, vm_id

BOB = "bob"
LONG = [f"vm{number:03}" for number in range(40)]


async def inputs(_: JobId) -> TimelineInputs:
    tried = Attempt(
        id=1,
        move_id=MoveId(1),
        vm_id=vm_id(0),
        source=HostName("HV01"),
        destination=HostName("HV02"),
        number=1,
        started_at=NOW,
        confirmed_at=NOW,
        ended_at=NOW + timedelta(minutes=9),
    )
    over = job(["web01"], JobState.FINISHED, finished_at=NOW + timedelta(minutes=9))
    return TimelineInputs(view(over, MoveView(move(0, "web01", MoveState.DONE))), [tried], {HostName("HV01"): 2})


@pytest.fixture
async def card(slack: SlackLab, settings: Settings) -> Card:
    posted = await web_client(settings).chat_postMessage(channel="C0MIGRATE", text="the card")
    return Card("C0MIGRATE", str(posted["ts"]))


Make = Callable[..., Attachments]


@pytest.fixture
def attachments(settings: Settings, clock: JumpClock) -> Make:
    """A new attachments, as after a restart."""
    return lambda source=inputs: Attachments(web_client(settings), source, clock)


def told(kind: EventKind, names: list[str] | None = None) -> Notice:
    made = notice(kind, about=job(names or ["web01"], channel="C0MIGRATE"))
    return replace(made, event=replace(made.event, at=datetime.now(UTC)))


def files(slack: SlackLab) -> list[Any]:
    return [file for m in slack.workspace.channel("C0MIGRATE").messages.values() for file in m.files]


async def done(attachments: Attachments) -> None:
    await attachments._uploads.finish()
    await asyncio.sleep(0.05)  # Slack shares a file a moment after it took it


async def test_the_picture_is_in_the_thread_once(attachments: Make, slack: SlackLab, card: Card) -> None:
    """Told twice, even by another process, it is one file."""
    for one in (attachments(), attachments()):
        one.add(told(EventKind.FINISHED), card)
        await done(one)
    (file,) = files(slack)
    assert file["name"] == "J7-timeline.png"
    stored = slack.workspace.files.files[file["id"]]
    assert stored.content is not None
    assert stored.content.startswith(b"\x89PNG")
    (message,) = (m for m in slack.workspace.channel("C0MIGRATE").messages.values() if m.files)
    assert message.thread_ts == card.ts
    assert slack.call_log.violations == []


def finished(card: Card | None, **changes: Any) -> Job:
    now = datetime.now(UTC)
    made = job(["web01"], JobState.FINISHED, channel="C0MIGRATE", card=card, created_at=now, finished_at=now)
    return replace(made, **changes)


async def test_what_an_earlier_process_left_out_is_put_in_once(
    attachments: Make, slack: SlackLab, card: Card, clock: JumpClock
) -> None:
    """It died between the line that says it is over and the picture: the next one looks, and puts it in."""
    long = replace(job(LONG, channel="C0MIGRATE", card=card), id=JobId("J8"), created_at=datetime.now(UTC))
    old = finished(card, id=JobId("J5"), finished_at=datetime.now(UTC) - timedelta(days=2))

    async def newest() -> list[Job]:
        return [long, finished(card), old, finished(None, id=JobId("J6"))]

    for one in (attachments(), attachments()):
        one.catch_up(newest)
        one.add(told(EventKind.FINISHED), card)
        await done(one)
    assert sorted(file["name"] for file in files(slack)) == ["J7-timeline.png", "J8-plan.txt"]
    assert clock.sleeps[0] == AFTERLIFE_S
    assert slack.call_log.violations == []


async def test_without_its_database_nothing_is_looked_for(attachments: Make, slack: SlackLab) -> None:
    """Trouble with catching up is a line in the log."""

    async def newest() -> list[Job]:
        raise StoreError("The database is locked.")

    one = attachments()
    one.catch_up(newest)
    await done(one)
    assert files(slack) == []


@pytest.mark.parametrize("fault", [FaultKind.LOST_REPLY, FaultKind.RATE_LIMITED, FaultKind.SERVER_ERROR])
async def test_an_upload_that_failed_is_tried_again_and_never_doubled(
    attachments: Make, slack: SlackLab, card: Card, clock: JumpClock, fault: FaultKind
) -> None:
    """Also when it had worked and only the answer was lost."""
    slack.faults.add(fault, "files.completeUploadExternal")
    one = attachments()
    one.add(told(EventKind.FINISHED), card)
    await done(one)
    assert [file["name"] for file in files(slack)] == ["J7-timeline.png"]
    assert clock.sleeps[:1] == [DELAYS_S[0]]


async def test_trouble_with_a_file_ends_quietly(attachments: Make, slack: SlackLab, card: Card) -> None:
    """A refusal, a database that is down, a bug: a line in the log and nothing else."""

    async def down(_: JobId) -> TimelineInputs:
        raise StoreError("The database is locked.")

    async def broken(_: JobId) -> TimelineInputs:
        raise RuntimeError("a bug")

    for source in (down, broken):
        one = attachments(source)
        one.add(told(EventKind.FINISHED), card)
        await done(one)
    one = attachments()
    one.add(told(EventKind.FINISHED), Card("C0MIGRATE", "1.0"))
    one.add(told(EventKind.FINISHED), None)
    await done(one)
    assert files(slack) == []


async def test_only_a_long_plan_is_attached(attachments: Make, slack: SlackLab, card: Card) -> None:
    """More than thirty VMs: every one of them is in the file."""
    one = attachments()
    one.add(told(EventKind.PROPOSED, LONG[:30]), card)
    one.add(told(EventKind.PROPOSED, LONG), card)
    one.add(told(EventKind.APPROVED, LONG), card)
    await done(one)
    (file,) = files(slack)
    assert file["name"] == "J7-plan.txt"
    content = slack.workspace.files.files[file["id"]].content
    assert content is not None
    assert all(name in content.decode() for name in LONG)


async def test_a_changed_plan_is_attached_anew(attachments: Make, slack: SlackLab, card: Card) -> None:
    """Its file beside the first one's says who changed what, and each is there once."""
    one = attachments()
    first = told(EventKind.PROPOSED, LONG)
    edit = PlanEdit(
        vm_id=first.job.plan.moves[0].vm_id,
        vm_name="vm00",
        before=HostName("HV02"),
        to=HostName("HV03"),
        by="UANN",
        at=NOW,
    )
    plan = replace(first.job.plan, moves=first.job.plan.moves[1:], edits=(edit,))
    changed = told(EventKind.EDITED, LONG)
    changed = replace(changed, job=replace(changed.job, plan=plan))
    for said in (first, changed, changed):
        one.add(said, card)
    await done(one)
    names = [file["name"] for file in files(slack)]
    assert sorted(names) == sorted(["J7-plan.txt", f"J7-plan-{plan.hash[:6]}.txt"])
    content = slack.workspace.files.files[files(slack)[-1]["id"]].content
    assert content is not None
    assert "UANN: vm00 from HV02 to HV03" in content.decode()


async def test_a_job_ends_with_its_picture(office: Opening, slack: SlackLab) -> None:
    """From the bot itself, after the line that says it is over."""
    async with office() as here:
        card = await here.ask("web01,web02 from HV01 to HV02")
        await slack.person(BOB).click(card, "migrate_approve")
        over = await here.replied(card, "J1 is over")

        def picture() -> Message | None:
            return next((m for m in here.messages() if m.files and m.thread_ts == card.ts), None)

        shown = await here.until(picture)
        assert shown.files[0]["name"] == "J1-timeline.png"
        assert shown.ts > over.ts
        assert slack.call_log.violations == []


async def test_a_long_job_is_read_page_by_page(office: Opening, slack: SlackLab, many_vms: None) -> None:
    """Show all opens a form; its buttons turn the pages."""
    async with office() as here:
        card = await here.ask("many* from HV01 to HV02")
        assert "migrate_all" in buttons(card)
        alice = slack.person("alice")
        await alice.click(card, "migrate_all")
        await here.until(lambda: alice.view)
        assert "Page 1 of 2" in alice.reads_form()
        assert "many01" in alice.reads_form()
        await alice.press("migrate_all_next")
        await here.until(lambda: "Page 2 of 2" in alice.reads_form())
        assert "many60" in alice.reads_form()
        await alice.press("migrate_all_back")
        await here.until(lambda: "Page 1 of 2" in alice.reads_form())
        await here.until(lambda: next((m for m in here.messages() if m.files), None))
        assert "… and 48 more" in read(card)
        assert slack.call_log.violations == []


async def test_the_picture_of_the_past_reaches_who_asked_alone(attachments: Make, slack: SlackLab) -> None:
    """In their direct messages, with words for who cannot see it; the channel sees nothing of it."""
    made = attachments()
    made.hand_over("U0ALICE", await month())
    await done(made)
    (file,) = (file for m in slack.person("alice").sees("@app") for file in m.files)
    assert file["name"] == "insights-2026-11-30.png"
    assert "90 % at the first attempt" in file["alt_txt"]
    assert "HV02 → HV04 28 MB/s" in file["alt_txt"]
    assert files(slack) == []
