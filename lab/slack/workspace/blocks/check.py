"""Says what Slack would refuse about the blocks of a message or about a view: limits, unknown keys, duplicate ids."""

import json
from collections.abc import Iterator
from typing import Any

from lab.slack.workspace.blocks.elements import ID, plain
from lab.slack.workspace.blocks.kinds import HOME_BLOCKS, MESSAGE_BLOCKS, MODAL_BLOCKS
from lab.slack.workspace.blocks.shape import Problems, Say, anything, array, boolean, shape, tagged, text

MESSAGE_LIMIT = 50
VIEW_LIMIT = 100
VIEW_LIMIT_BYTES = 250_000
MARKDOWN_TOTAL = 12_000
FOCUS = "focus_on_load"


def message_problems(blocks: Any, pointer: str = "/blocks") -> list[str]:
    """Everything wrong with the blocks of a message; empty when Slack would show them."""
    problems = Problems()
    array(tagged(MESSAGE_BLOCKS), MESSAGE_LIMIT, minimum=0)(blocks, pointer, problems)
    if not problems.messages:
        _ids_are_unique(blocks, pointer, problems)
        _whole_message(blocks, pointer, problems)
    return problems.messages


def _whole_message(blocks: list[dict[str, Any]], pointer: str, say: Say) -> None:
    if sum(block["type"] == "table" for block in _nested(blocks)) > 1:
        say("only_one_table_allowed", pointer)
    if sum(len(block["text"]) for block in _nested(blocks) if block["type"] == "markdown") > MARKDOWN_TOTAL:
        say(f"markdown blocks must be less than {MARKDOWN_TOTAL + 1} characters in all", pointer)


def _nested(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield block
        yield from block.get("child_blocks", [])


def elements_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Find the elements of a block that have an action_id, or should get one."""
    found: list[dict[str, Any]] = []
    if block["type"] in {"actions", "context_actions"}:
        found += block["elements"]
    found += [block[name] for name in ("accessory", "element") if name in block and block[name]["type"] != "image"]
    if block["type"] == "card":
        found += block.get("actions", [])
    if block["type"] == "carousel":
        found += [button for card in block["elements"] for button in card.get("actions", [])]
    return found


def _ids_are_unique(blocks: list[dict[str, Any]], pointer: str, say: Say) -> None:
    seen: set[str] = set()
    for index, block in enumerate(_nested(blocks)):
        block_id = block.get("block_id")
        if block_id is not None and block_id in seen:
            say(f"`block_id` {block_id} already exists", f"{pointer}/{index}/block_id")
        seen.add(block_id or "")
        actions = [element["action_id"] for element in elements_of(block) if "action_id" in element]
        for action_id in sorted({one for one in actions if actions.count(one) > 1}):
            say(f"`action_id` {action_id} already exists", f"{pointer}/{index}/elements")


def _submit_with_input(view: Any, pointer: str, say: Say) -> None:
    if any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
        say("must define `submit` to use an `input` block in modals", pointer)


def _unique_in_view(view: Any, pointer: str, say: Say) -> None:
    _ids_are_unique(view["blocks"], f"{pointer}/blocks", say)
    focused = sum(bool(element.get(FOCUS)) for block in view["blocks"] for element in elements_of(block))
    if focused > 1:
        say("only one element may have focus_on_load", f"{pointer}/blocks")


_COMMON = {
    "callback_id": ID,
    "private_metadata": text(3000, minimum=0),
    "external_id": ID,
}
_MODAL = shape(
    {"type": anything, "title": plain(24), "blocks": array(tagged(MODAL_BLOCKS), VIEW_LIMIT, minimum=0)},
    {
        **_COMMON,
        "close": plain(24),
        "submit": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
    _submit_with_input,
    _unique_in_view,
)
_HOME = shape({"type": anything, "blocks": array(tagged(HOME_BLOCKS), VIEW_LIMIT, minimum=0)}, _COMMON, _unique_in_view)


def view_problems(view: Any, kind: str) -> list[str]:
    """Everything wrong with a view of the kind `modal` or `home`."""
    problems = Problems()
    tagged({"modal": _MODAL} if kind == "modal" else {"home": _HOME})(view, "/view", problems)
    return problems.messages


def is_too_large(view: Any) -> bool:
    return len(json.dumps(view).encode()) > VIEW_LIMIT_BYTES
