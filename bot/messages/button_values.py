"""Writes into a message's buttons which database their numbers are of, and reads it back. Pure.

Jobs, moves and events are numbered anew in a new database, and a second time in one that was put back from a copy.
"""

from dataclasses import replace
from typing import Any

from bot.messages.blocks import Block, Message

_MARK = "@"


def marked(message: Message, database: str) -> Message:
    """Return the message with the database's id in the value of each of its buttons."""
    return replace(message, blocks=tuple(_marked(block, database) for block in message.blocks)) if database else message


def unmarked(value: str) -> tuple[str, str]:
    """Return what a button says, and the database it is of: empty for one of an older version."""
    said, mark, database = value.rpartition(_MARK)
    return (said, database) if mark else (value, "")


def _marked(block: Block, database: str) -> Block:
    if block.get("type") != "actions":
        return block
    return {**block, "elements": [_button(element, database) for element in block["elements"]]}


def _button(element: dict[str, Any], database: str) -> dict[str, Any]:
    if element.get("type") != "button" or not element.get("value"):
        return element
    return {**element, "value": f"{element['value']}{_MARK}{database}"}
