"""Builds Block Kit within Slack's limits (docs: reference/block-kit; constants of slack_sdk's models).

No block carries a ``block_id``: Slack gives each a new one, as it wants at every edit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages.mrkdwn import clip, clip_markup, escape
from bot.messages.visible import visible

Block = dict[str, Any]

SECTION_LIMIT = 3000
MESSAGE_LIMIT = 50
_HEADER_LIMIT = 150
_BUTTON_LIMIT = 75
_CONFIRM_LIMIT = 300
_TEXT_LIMIT = 3000
_ROOM = 2900

APPROVE = "migrate_approve"
REJECT = "migrate_reject"
EDIT = "migrate_edit"
CANCEL = "migrate_cancel"
RETRY = "migrate_retry"
STUCK_WAIT = "migrate_stuck_wait"
STUCK_CANCEL = "migrate_stuck_cancel"
STUCK_PAGE = "migrate_stuck_page"
NOT_NOW = "migrate_not_now"
RELEASE = "migrate_release"
ACKNOWLEDGE = "migrate_ack"
OPEN_FORM = "migrate_form_open"
ALL = "migrate_all"
ALL_BACK = "migrate_all_back"
ALL_NEXT = "migrate_all_next"
ALL_TABLE = "migrate_all_table"


@dataclass(frozen=True, slots=True)
class Message:
    """A Slack message: its blocks, and the text that notifications and screen readers use."""

    text: str
    blocks: tuple[Block, ...] = ()
    as_table: tuple[Block, ...] = ()
    """The same as a table, for where Slack takes one; empty: there is no such form."""


def plain_text(text: str, limit: int) -> Block:
    """Show a text as it is: no formatting, no mentions, no emoji codes."""
    return {"type": "plain_text", "text": clip(visible(text), limit) or " ", "emoji": False}


def mrkdwn(text: str) -> Block:
    """Show formatted text; host names in it do not become links."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    """Make a headline."""
    return {"type": "header", "text": plain_text(text, _HEADER_LIMIT)}


def section(text: str) -> Block:
    """Make a paragraph."""
    return {"type": "section", "text": mrkdwn(clip_markup(text, SECTION_LIMIT))}


def verbatim(text: str) -> Block:
    """Make a paragraph that shows a text as it is."""
    return {"type": "section", "text": plain_text(text, SECTION_LIMIT)}


def context(*texts: str) -> Block:
    """Make a line of small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def divider() -> Block:
    """Draw a line."""
    return {"type": "divider"}


def sections(lines: Iterable[str]) -> list[Block]:
    """Pack lines into as few paragraphs as their limit allows. A line must be shorter than a paragraph."""
    blocks: list[Block] = []
    room: list[str] = []
    size = 0
    for line in lines:
        if room and size + len(line) + 1 > _ROOM:
            blocks.append(section("\n".join(room)))
            room, size = [], 0
        room.append(line)
        size += len(line) + 1
    if room:
        blocks.append(section("\n".join(room)))
    return blocks


def confirm(title: str, text: str, yes: str, no: str = "Back") -> Block:
    """Ask before a dangerous button acts."""
    return {
        "title": plain_text(title, 100),
        "text": plain_text(text, _CONFIRM_LIMIT),
        "confirm": plain_text(yes, 30),
        "deny": plain_text(no, 30),
    }


def button(label: str, action_id: str, value: str, *, style: str = "", ask: Block | None = None) -> Block:
    """Make a button; ``value`` carries the job's id."""
    made: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain_text(label, _BUTTON_LIMIT),
        "value": value,
    }
    if style:
        made["style"] = style
    if ask:
        made["confirm"] = ask
    return made


def actions(*buttons: Block) -> Block:
    """Make a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def message(text: str, blocks: Sequence[Block]) -> Message:
    """Put a message together; its text is escaped here."""
    return Message(clip_markup(escape(text), _TEXT_LIMIT), tuple(blocks[:MESSAGE_LIMIT]))
