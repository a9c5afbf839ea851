"""The limits of every kind of block, and on which surface each may stand (docs.slack.dev: block kit reference)."""

from typing import Any

from lab.slack.workspace.blocks.elements import (
    ACTIONABLE,
    BUTTON,
    FEEDBACK_BUTTONS,
    ICON_BUTTON,
    ID,
    IMAGE,
    INPUTS,
    MODAL_ONLY,
    TYPED,
    URL,
    any_text,
    plain,
)
from lab.slack.workspace.blocks.rich import RICH_TEXT
from lab.slack.workspace.blocks.shape import (
    Check,
    Say,
    anything,
    array,
    at_least_one,
    boolean,
    exactly_one,
    number,
    one_of,
    shape,
    tagged,
    text,
)

_TYPE: dict[str, Check] = {"type": anything}
_BLOCK: dict[str, Check] = {"block_id": ID}
_SLACK_FILE = shape({}, {"id": text(), "url": URL}, exactly_one("id", "url"))
_RICH = tagged({"rich_text": RICH_TEXT})


def _header_divider(value: Any, pointer: str, say: Say) -> None:
    if value.get("is_collapsible") and value.get("has_header_divider"):
        say("has_header_divider cannot be set when is_collapsible is true", pointer)
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        say("default_collapsed requires is_collapsible", pointer)


SECTION = shape(
    _TYPE,
    {
        **_BLOCK,
        "text": any_text(3000),
        "fields": array(any_text(2000), 10),
        "accessory": tagged({**ACTIONABLE, "image": IMAGE}),
        "expand": boolean,
    },
    at_least_one("text", "fields"),
)
DIVIDER = shape(_TYPE, _BLOCK)
HEADER = shape({**_TYPE, "text": plain(150)}, _BLOCK)
CONTEXT_TEXT = any_text(3000)


def _context_element(value: Any, pointer: str, say: Say) -> None:
    tagged({"image": IMAGE, "plain_text": CONTEXT_TEXT, "mrkdwn": CONTEXT_TEXT})(value, pointer, say)


CONTEXT = shape({**_TYPE, "elements": array(_context_element, 10)}, _BLOCK)
ACTIONS = shape({**_TYPE, "elements": array(tagged(ACTIONABLE), 25)}, _BLOCK)
IMAGE_BLOCK = shape(
    {**_TYPE, "alt_text": text(2000)},
    {**_BLOCK, "image_url": URL, "slack_file": _SLACK_FILE, "title": plain(2000)},
    exactly_one("image_url", "slack_file"),
)


def _input(elements: dict[str, Check]) -> Check:
    return shape(
        {**_TYPE, "label": plain(2000), "element": tagged(elements)},
        {**_BLOCK, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    )


CONTEXT_ACTIONS = shape(
    {**_TYPE, "elements": array(tagged({"feedback_buttons": FEEDBACK_BUTTONS, "icon_button": ICON_BUTTON}), 5)}, _BLOCK
)
MARKDOWN = shape({**_TYPE, "text": text(12_000)}, _BLOCK)
_CELL = tagged(
    {
        "raw_text": shape({**_TYPE, "text": text()}),
        "raw_number": shape({**_TYPE, "value": number}, {"text": text()}),
        "rich_text": RICH_TEXT,
    }
)
_COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})


def _column_or_nothing(value: Any, pointer: str, say: Say) -> None:
    if value is not None:
        _COLUMN(value, pointer, say)


TABLE = shape(
    {**_TYPE, "rows": array(array(_CELL, 20), 100)}, {**_BLOCK, "column_settings": array(_column_or_nothing, 20)}
)
_SOURCE = shape({"type": one_of("url"), "url": URL, "text": text()})
TASK_CARD = shape(
    {
        **_TYPE,
        "task_id": text(255),
        "title": text(),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {**_BLOCK, "details": _RICH, "output": _RICH, "sources": array(_SOURCE)},
)
PLAN = shape({**_TYPE, "title": text()}, {**_BLOCK, "tasks": array(tagged({"task_card": TASK_CARD}))})
ALERT = shape(
    {**_TYPE, "text": any_text(3000)}, {**_BLOCK, "level": one_of("default", "info", "warning", "error", "success")}
)
CARD = shape(
    _TYPE,
    {
        **_BLOCK,
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": any_text(150),
        "subtitle": any_text(150),
        "body": any_text(200),
        "actions": array(tagged({"button": BUTTON}), 25),
    },
    at_least_one("hero_image", "title", "actions", "body"),
)
CAROUSEL = shape({**_TYPE, "elements": array(tagged({"card": CARD}), 10)}, _BLOCK)

_EVERYWHERE: dict[str, Check] = {
    "actions": ACTIONS,
    "context": CONTEXT,
    "divider": DIVIDER,
    "header": HEADER,
    "image": IMAGE_BLOCK,
    "rich_text": RICH_TEXT,
    "section": SECTION,
}
_MESSAGE_INPUTS = {kind: check for kind, check in INPUTS.items() if kind not in MODAL_ONLY}
CONTAINER = shape(
    {**_TYPE, "child_blocks": array(tagged({**_EVERYWHERE, "table": TABLE, "markdown": MARKDOWN}), 10)},
    {
        **_BLOCK,
        "title": plain(150),
        "rich_text_title": _RICH,
        "subtitle": any_text(150),
        "width": one_of("narrow", "standard", "wide", "full"),
        "icon": IMAGE,
        "is_collapsible": boolean,
        "default_collapsed": boolean,
        "has_header_divider": boolean,
    },
    at_least_one("title", "rich_text_title"),
    _header_divider,
)
MESSAGE_BLOCKS: dict[str, Check] = {
    **_EVERYWHERE,
    "card": CARD,
    "carousel": CAROUSEL,
    "container": CONTAINER,
    "context_actions": CONTEXT_ACTIONS,
    "input": _input(_MESSAGE_INPUTS),
    "markdown": MARKDOWN,
    "plan": PLAN,
    "table": TABLE,
    "task_card": TASK_CARD,
}
MODAL_BLOCKS: dict[str, Check] = {**_EVERYWHERE, "alert": ALERT, "input": _input(INPUTS)}
# datetimepicker stands in messages and modals only (docs.slack.dev: datetimepicker element).
_HOME_INPUTS = {kind: check for kind, check in _MESSAGE_INPUTS.items() if kind != "datetimepicker"}
HOME_BLOCKS: dict[str, Check] = {**_EVERYWHERE, "card": CARD, "input": _input({**_HOME_INPUTS, **TYPED})}
