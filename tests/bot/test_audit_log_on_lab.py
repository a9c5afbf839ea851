"""The audit log, from the typed command to the VM that has moved: who, what, whether, which VM and which hosts."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.log_setup import start_logging
from core.domain.model.event_data import EventKind
from core.domain.model.job import JobId
from lab.hyperv.world.faults import MoveFault, MoveFaultKind
from lab.slack.server import SlackLab
from tests.bot.conftest import Opening, slack_settings
from tests.bot.test_health_on_lab import free_port
from tests.support.bot_harness import CHANNEL, Office
from tests.support.markdown_pages import read, section, table

Line = dict[str, Any]
WEB02 = UUID(int=0x2000_0000_0000_0000_0000_0000_0000_0001)
ALICE, BOB, MALLORY = "alice", "bob", "mallory"


@pytest.fixture
def file(slack: SlackLab, tmp_path: Path) -> Iterator[Path]:
    """The audit log's file, beside a log of warnings alone."""
    root, audit = logging.getLogger(), logging.getLogger("audit")
    before = root.handlers[:], root.level, audit.level
    file, stream = tmp_path / "audit.jsonl", io.StringIO()
    start_logging(slack_settings(slack), "json", stream, level="warning", audit_file=file)
    yield file
    start_logging(slack_settings(slack))  # closes the file
    root.handlers[:], root.level, audit.level = before
    assert {json.loads(line)["level"] for line in stream.getvalue().splitlines()} <= {"warning", "error"}


def lines(file: Path) -> list[Line]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def about(found: list[Line], **fields: Any) -> list[Line]:
    return [line for line in found if fields.items() <= line.items()]


async def told(here: Office, slack: SlackLab) -> None:
    """A mistake, a request, two refusals, a stop and its end, an approval, one VM that moves and one that fails."""
    here.world.order(MoveFault(vm=WEB02, kind=MoveFaultKind.FAIL, times=None))
    await slack.person(ALICE).slash(CHANNEL, "/migrate web01 form HV01 two HV02")
    card = await here.ask("web01,web02 from HV01 to HV02 attempts 1")
    await slack.person(MALLORY).click(card, "migrate_approve")
    await here.whisper(MALLORY, "You may not approve migrations")
    await slack.person(BOB).slash(CHANNEL, "/migrate stop")
    await here.whisper(BOB, "Stopped")
    await slack.person(MALLORY).slash(CHANNEL, "/migrate resume")
    await here.whisper(MALLORY, "may resume all migrations")
    await slack.person(BOB).slash(CHANNEL, "/migrate resume")
    await here.whisper(BOB, "start again")
    await slack.person(BOB).click(card, "migrate_approve")
    await here.replied(card, "J1 is over")
    page = await here.replied(card, "<!subteam^S0ONCALL>")
    await slack.person(BOB).click(page, "migrate_ack")
    await here.shows(page, "takes care of it")


async def test_each_request_decision_start_end_and_page_is_a_line(office: Opening, slack: SlackLab, file: Path) -> None:
    """With its ids, in the order in which it happened; what the database has stands in both, word for word."""
    async with office() as here:
        await told(here, slack)
        history = await here.bot.engine.queries.history(JobId("J1"))
    found = lines(file)
    assert {line["name"] for line in found} == {"audit"}

    typed = {"event": "request", "user": "U0ALICE", "channel": "C0MIGRATE"}
    (mistake,) = about(found, **typed, what="unclear", text="web01 form HV01 two HV02")
    (asked,) = about(found, **typed, what="migrate", text="web01,web02 from HV01 to HV02 attempts 1")
    (proposed,) = about(found, event="proposed", job="J1", user="U0ALICE")
    (clicked,) = about(found, event="request", what="approve", job="J1", user="U0MALLORY")
    (refused,) = about(found, event="refused", what="approve", job="J1", user="U0MALLORY", error="NotAllowed")
    assert "You may not approve migrations." in refused["reason"]
    (stopped,) = about(found, event="stopped", user="U0BOB")
    (kept,) = about(found, event="refused", what="resume", user="U0MALLORY", error="NotAllowed")
    (resumed,) = about(found, event="resumed", user="U0BOB")
    (approved,) = about(found, event="approved", job="J1", user="U0BOB")
    assert approved["said"].pop("expected_s") > 0
    assert approved["said"] == {"count": 1, "needed": 1}
    between = {"job": "J1", "host": "HV01", "to": "HV02"}
    (started,) = about(found, event="starting", vm="web01", **between)
    (ended,) = about(found, event="done", vm="web01", **between)
    (failed,) = about(found, event="failed", vm="web02", **between, page=True, level="warning")
    (paged,) = about(found, event="paged", vm="web02", **between, id=failed["id"])
    (taken,) = about(found, event="acknowledged", job="J1", user="U0BOB")
    (over,) = about(found, event="finished", job="J1")
    assert about(found, event="refused")[0]["error"] == "CommandError"
    for steps in (
        [mistake, asked, proposed, clicked, refused, stopped, kept, resumed, approved, started, ended, over],
        [started, failed, paged, taken],
    ):
        assert [found.index(line) for line in steps] == sorted(found.index(line) for line in steps)
    aside = {EventKind.CHECKED, EventKind.HELD, EventKind.MOVING, EventKind.VERIFYING, EventKind.MOVED}
    recorded = {(one.id, one.kind.value) for one in history if one.kind not in aside}
    audited = {(line["id"], line["event"]) for line in about(found, job="J1") if "id" in line}
    assert audited - {(failed["id"], "paged")} == recorded


async def test_the_page_has_every_field(office: Opening, slack: SlackLab, file: Path) -> None:
    """docs/reference/log.md names what stands in the lines of a story, and nothing that does not."""
    async with office() as here:
        await told(here, slack)
        await slack.person(ALICE).slash(CHANNEL, "/migrate cancel J1 web01")
        await here.whisper(ALICE, "there is nothing to cancel")
    seen = {name for line in lines(file) for name in line}
    assert seen == set(table(section(read("docs/reference/log.md"), "Fields"))) - {"trace", "result"}


async def test_what_happened_is_counted(office: Opening, slack: SlackLab, file: Path) -> None:
    """The same story in numbers: requests, refusals, attempts, ends, pages, durations; and what Slack refused."""
    address = f"127.0.0.1:{free_port()}"
    async with office(slack={"health": address}) as here, aiohttp.ClientSession() as session:
        slack.faults.refuse("internal_error", "chat.update", times=1)
        await told(here, slack)
        async with session.get(f"http://{address}/metrics") as answer:
            numbers = await answer.text()
    found = {
        (
            sample.name.removeprefix("migrate_bot_"),
            *(sample.labels[label] for label in sorted(sample.labels)),
        ): sample.value
        for family in text_string_to_metric_families(numbers)
        for sample in family.samples
    }
    for name, value in {
        ("requests_total", "migrate"): 1,
        ("requests_total", "approve"): 2,
        ("refusals_total", "NotAllowed", "approve"): 1,
        ("refusals_total", "NotAllowed", "resume"): 1,
        ("refusals_total", "CommandError", "unclear"): 1,
        ("attempts_total", "HV02", "HV01"): 2,
        ("move_ends_total", "", "done"): 1,
        ("pages_total", "failed"): 1,
        ("move_duration_seconds_count",): 1,
        ("queue_wait_seconds_count",): 2,
        ("slack_refusals_total", "maybe"): 1,
        ("host_login_rejected", "HV01"): 0,
        ("host_slots_reserved", "HV01"): 0,
    }.items():
        assert found[name] == value, name
    assert found["moved_bytes_total",] > 2**30
    assert found["process_start_time_seconds",] > 0
    assert found["move_ends_total", "network", "failed"] == 1
    assert [name for name in found if name[0] == "build_info"]
