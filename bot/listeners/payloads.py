"""Reads Slack's payloads into our own types: the only place that knows their keys (docs: interaction payloads)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.handlers.command_handler import Asker
from bot.messages.button_values import unmarked
from bot.messages.vm_list import VM_LIST
from core.domain.model.job import JobId

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A click on a button of a card: who, where, on which job and plan."""

    asker: Asker
    job_id: JobId
    plan_hash: str
    trigger_id: str
    database: str = ""
    """The database the job and the numbers are of; empty: a button of an older version."""
    view_id: str = ""
    """The form the button is in; empty: a message."""

    @property
    def number(self) -> int:
        """The move or the event a button names beside its job; 0: none."""
        return int(self.plan_hash) if self.plan_hash.isdecimal() else 0


def read_asker_of_command(body: Body) -> Asker:
    """Read who typed a slash command, and where."""
    # The team of a command is the one it was typed in; the person's own comes from users.info.
    return Asker(str(body.get("user_id") or ""), str(body.get("channel_id") or ""))


def read_click(body: Body) -> Click:
    """Read a click. Only ids and the value are trusted: texts come back escaped."""
    action: Body = next(iter(body.get("actions") or ()), {})
    value, database = unmarked(str(action.get("value") or ""))
    job_id, _, plan_hash = value.partition("|")
    container = body.get("container") or {}
    view = body.get("view") or {}
    opened_in = read_metadata(body) if view.get("callback_id") == VM_LIST else ""
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or opened_in
    asker = read_asker_of_view(body, str(channel))
    return Click(
        asker=asker,
        job_id=JobId(job_id),
        plan_hash=plan_hash,
        database=database,
        trigger_id=str(body.get("trigger_id") or ""),
        view_id=str(view.get("id") or ""),
    )


def read_asker_of_view(body: Body, channel: str = "") -> Asker:
    """Read who clicked or submitted, and from which workspace."""
    user = body.get("user") or {}
    return Asker(str(user.get("id") or ""), channel, str(user.get("team_id") or ""))


def read_asker_of_event(event: Body) -> Asker:
    """Read who wrote a message, and where: an answer belongs into the same thread."""
    team = str(event.get("user_team") or "")
    thread_ts = str(event.get("thread_ts") or "")
    return Asker(str(event.get("user") or ""), str(event.get("channel") or ""), team, thread_ts)


def read_field(body: Body, block_id: str, action_id: str) -> str:
    """Read one text field of a submitted form."""
    values = ((body.get("view") or {}).get("state") or {}).get("values") or {}
    return str(((values.get(block_id) or {}).get(action_id) or {}).get("value") or "").strip()


def read_metadata(body: Body) -> str:
    """Read what the form was opened with."""
    return str((body.get("view") or {}).get("private_metadata") or "")
