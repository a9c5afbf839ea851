"""No sign that nobody sees decides what somebody reads, wherever foreign words are shown."""

import io
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from bot import export
from bot.access import Identity
from bot.log_setup import start_logging
from bot.messages import oncall_page, replies, thread_lines
from bot.messages.blocks import Message
from bot.messages.card import card
from bot.messages.card_parts import Look
from bot.messages.home_tab import HomeView, home
from bot.messages.plan_text import plan_text
from bot.messages.visible import visible
from bot.messages.vm_list import vm_list
from bot.modals.plan_preview import preview
from bot.modals.request_form import option
from bot.plain_table import plain_table
from core.config import AccessSettings, Settings
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.domain.model.plan import Finding, FindingCode, Options, Severity
from core.domain.model.views import MoveView
from tests.support.view_builders import job, move, notice, plan, view

HOSTILE = "web\u202e10\u2066\u200b\u2028\x1b[31m\u00ad\ufeff\u200fx"
UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u2028\u2029\x1b\u00ad\ufeff\ud800-\udfff]")

NOTE = Finding(severity=Severity.NOTE, code=FindingCode.CHECKPOINTS, text=f"{HOSTILE} has 1 checkpoint.")
PLAN = plan([HOSTILE], findings=[NOTE], options=Options(reason=HOSTILE, override=HOSTILE))
ASKED = job(plan=PLAN, text=HOSTILE)
RUNNING = job(plan=PLAN, state=JobState.RUNNING)
DONE = job(plan=PLAN, state=JobState.FINISHED)
LOST = move(0, HOSTILE, MoveState.FAILED, error=HOSTILE, hint=HOSTILE)
BOB_APPROVES = AccessSettings(approvers=("U0BOB",))
FAILED = notice(EventKind.FAILED, LOST, about=RUNNING, words=HOSTILE, hint=HOSTILE, where=HOSTILE, attempts=1, of=3)


def shown(message: Message) -> str:
    return json.dumps([message.text, message.blocks], ensure_ascii=False)


def rows(*states: MoveState) -> list[MoveView]:
    return [MoveView(move(0, HOSTILE, state, error=HOSTILE)) for state in states]


def block(made: Any) -> str:
    return json.dumps(made, ensure_ascii=False)


def events() -> list[Event]:
    return [FAILED.event]


DOORS: dict[str, Callable[[], str]] = {
    "card, proposed": lambda: shown(card(view(ASKED), Look())),
    "card, running": lambda: shown(card(view(RUNNING, *rows(MoveState.MOVING)), Look())),
    "card, finished": lambda: shown(card(view(DONE, *rows(MoveState.FAILED)), Look())),
    "thread": lambda: shown(thread_lines.line(FAILED)),
    "rejected": lambda: shown(thread_lines.line(notice(EventKind.REJECTED, about=ASKED, reason=HOSTILE))),
    "page": lambda: shown(oncall_page.page(FAILED, ["U0DAVE"])),
    "home": lambda: block(home(HomeView((view(ASKED),), (view(ASKED),)), "U0BOB", BOB_APPROVES, {}, "/migrate")),
    "home of an identity": lambda: block(
        home(
            HomeView((view(ASKED),)), Identity(user="W0BOB", ids=frozenset({"U0BOB", "W0BOB"})), BOB_APPROVES, {}, "/m"
        )
    ),
    "show all": lambda: block(vm_list(view(RUNNING, *rows(MoveState.FAILED)), 1)),
    "form": lambda: block(preview("token", PLAN)),
    "menu": lambda: block(option(HOSTILE, "id", HOSTILE)),
    "answer": lambda: shown(replies.plainly(f"{HOSTILE} is not on HV01.")),
    "history": lambda: shown(replies.history(view(RUNNING, *rows(MoveState.FAILED)), events())),
    "file of a plan": lambda: plan_text(ASKED).replace("\n", ""),
    "table": lambda: plain_table([(HOSTILE, "x")]).replace("\n", ""),
    "terminal": lambda: export.job_page(ASKED, [LOST], events()).replace("\n", ""),
    "json": lambda: export.as_json(ASKED, [LOST], events()).replace("\n", ""),
    "csv": lambda: export.as_csv([LOST], events()).replace("\r\n", ""),
}


@pytest.mark.parametrize("door", DOORS)
def test_nothing_unseen_is_shown(door: str) -> None:
    """Field case 16: cards, lines, forms, files and terminals show a hostile name without obeying it."""
    text = DOORS[door]()
    assert "web" in text
    assert not UNSEEN.search(text)


@pytest.mark.parametrize("form", ["plain", "json"])
def test_the_log_obeys_no_name(form: str) -> None:
    """A name from a host cannot turn the log around or colour it; a trace cannot either."""
    out = io.StringIO()
    start_logging(Settings(), form, out)
    logging.getLogger("core").error("moving %s", HOSTILE, exc_info=ValueError(HOSTILE))
    assert "web" in out.getvalue()
    assert not UNSEEN.search(out.getvalue().replace("\n", ""))


def test_the_same_json_is_exported() -> None:
    """What is escaped for the terminal reads back as it was."""
    read = json.loads(export.as_json(ASKED, [LOST], events()))
    assert read["events"][0]["vm"] == HOSTILE


@pytest.mark.parametrize("text", ["müller01", "👩‍💻 ❤️ 1️⃣", "می‌خواهم", "日本語", "a\nb\tc"])
def test_what_belongs_to_a_script_stays(text: str) -> None:
    """Joiners within emoji and scripts, umlauts, lines: all of it is meant."""
    assert visible(text) == text


def test_a_hidden_sign_is_named() -> None:
    """Two names that look the same are told apart by the number of the hidden sign."""
    assert visible("web\u200b01") == "web⟨U+200B⟩01"
    assert visible("web\u200d01") == "web⟨U+200D⟩01"
