"""What Slack keeps of accepted blocks: ids filled in, defaults spelled out, texts escaped."""

import secrets
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from lab.slack.workspace.blocks.check import elements_of
from lab.slack.workspace.escaping import store_text_object

_TEXT_TYPES = {"plain_text", "mrkdwn"}


def store_blocks(blocks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_store_block(block) for block in blocks]


def store_view(view: dict[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = _store_texts({name: value for name, value in view.items() if name != "blocks"})
    return {**stored, "blocks": store_blocks(view["blocks"])}


def _store_block(block: dict[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = _store_texts(deepcopy(block))
    stored.setdefault("block_id", _new_id())
    for child in stored.get("child_blocks", []):
        child.setdefault("block_id", _new_id())
    for nested in (stored, *stored.get("child_blocks", [])):
        for element in elements_of(nested):
            element.setdefault("action_id", _new_id())
    return stored


def _new_id() -> str:
    return secrets.token_urlsafe(4)[:5]


def _store_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_store_texts(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") in _TEXT_TYPES and isinstance(value.get("text"), str):
        return store_text_object(value)
    return {name: _store_texts(inner) for name, inner in value.items()}
