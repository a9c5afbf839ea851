"""Slack's ``table`` block: cells of plain text, of people and of times. Pure.

100 rows of 20 cells, one table in a message, drawn at its end, in messages only (docs: table-block). Not every client
may draw it, so it is never the only form of an answer: a message with a table has its words as blocks besides.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.messages.blocks import MESSAGE_LIMIT, Block, Message
from bot.messages.mrkdwn import clip
from bot.messages.visible import visible

ROWS = 100
_COLUMNS = 20
_CELL_LIMIT = 200

Cell = str | Block


def person(user_id: str) -> Cell:
    """Make a cell that names somebody, and mentions nobody who is not looking: a private answer notifies no one."""
    return _rich({"type": "user", "user_id": user_id})


def moment(at: datetime) -> Cell:
    """Make a cell with a time, which each reader sees in the own time zone."""
    fallback = f"{at:%Y-%m-%d %H:%M} UTC"
    return _rich(
        {"type": "date", "timestamp": int(at.timestamp()), "format": "{date_short_pretty} {time}", "fallback": fallback}
    )


def with_table(
    message: Message, above: Sequence[Block], head: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> Message:
    """Return a message that is a table where Slack takes one: what stands above it, its headings and its rows.

    Too many rows or columns for a table leave the message as it is.
    """
    if not rows or len(rows) >= ROWS or len(head) > _COLUMNS:
        return message
    table: Block = {
        "type": "table",
        "rows": [[_cell(one) for one in row] for row in (head, *rows)],
        "column_settings": [{"is_wrapped": True} for _ in head],
    }
    return Message(message.text, message.blocks, (*above[: MESSAGE_LIMIT - 1], table))


def _cell(cell: Cell) -> Block:
    return {"type": "raw_text", "text": clip(visible(cell), _CELL_LIMIT) or "-"} if isinstance(cell, str) else cell


def _rich(element: Block) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}
