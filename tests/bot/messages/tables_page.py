"""Writes docs/generated/tables.md: the private lists in both their forms, as the lab's Slack draws them.

``python -m tests.bot.messages.tables_page``
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.messages import insights_text, replies
from bot.messages.blocks import Message
from bot.messages.card_parts import Look
from bot.messages.vm_list import vm_message
from bot.messages.vm_location import where
from core.domain.model.inventory import HostName
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveState
from core.domain.model.views import Eta, HostView, MoveView
from lab.slack.people.transcript import Transcript
from lab.slack.server import SlackLab
from tests.bot.messages.test_vm_location import HV01, HV02, found, snapshot, web
from tests.support.insights_picture import month
from tests.support.markdown_pages import ROOT
from tests.support.view_builders import NOW, job, move, view

PAGE = ROOT / "docs" / "generated" / "tables.md"
_HEAD = """# Tables

What is a table with [`[slack] tables = true`](../guide/commands.md#tables), in both its forms: first as the table, then
in lines, as everybody reads it without the setting, or whose Slack refuses tables. Drawn by
the lab's Slack; written by `python -m tests.bot.messages.tables_page`.
"""


def shown() -> Iterator[tuple[str, Message]]:
    """Yield headings, and what is told below each."""
    up = HostView(host=HV01, is_reachable=True, since=NOW, ours=1, vms=9)
    up = replace(up, live_used=1, live_limit=2, storage_used=1, storage_limit=2)
    down = HostView(host=HV02, is_reachable=False, since=NOW, trouble="The connection timed out.")
    off = HostView(host=HostName("HV03"), is_reachable=True, since=NOW, is_migration_enabled=False, vms=3)
    yield "`/migrate hosts`", replies.hosts([up, down, off], stopped_by="UEVE")
    asked = view(job(["web01", "web02"]))
    rows = [
        MoveView(move=move(0, "db01", MoveState.DONE)),
        MoveView(move=move(1, "db02", MoveState.MOVING), percent=40),
    ]
    eta = Eta(soonest=NOW, likely=NOW + timedelta(minutes=20), latest=NOW + timedelta(minutes=40))
    running = view(job(["db01", "db02"], JobState.RUNNING, id=JobId("J6")), *rows, eta=eta)
    ended = view(job(["app01"], JobState.FINISHED, id=JobId("J5")), MoveView(move=move(0, "app01", MoveState.DONE)))
    yield "`/migrate jobs`", replies.jobs([asked, running, ended], Look())
    judged = asyncio.run(month())
    yield "`/migrate insights`", insights_text.answer(judged)
    yield "The weekly digest, in the channel", insights_text.digest(judged)
    yield "**Show all** of a request, then **As a table**", vm_message(asked, 1)
    yield "**Show all** of a running job, then **As a table**", vm_message(running, 1)
    yield "`/migrate where web01`", where(found("web01", snapshot(HV01, web()), snapshot(HV02, web())), Look())


def page() -> str:
    """Return the page's text."""
    pen = Transcript(SlackLab().workspace)
    parts = [_HEAD]
    for title, answer in shown():
        drawn = ["\n".join(pen.blocks(list(blocks))) for blocks in (answer.as_table, answer.blocks)]
        parts.append(f"## {title}\n\n```text\n{drawn[0]}\n```\n\n```text\n{drawn[1]}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
