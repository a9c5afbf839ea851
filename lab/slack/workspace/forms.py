"""What a person typed or chose in a view or message, in the form of `state.values` (docs.slack.dev: view payloads)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.slack.workspace.blocks.check import elements_of
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import FormIncompleteError, NotOnScreenError

# Which property of a view's state a kind of element fills, and from which initial one.
_STATE_KEYS = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", "initial_files"),
}


_LISTS = {"selected_options", "selected_users", "selected_conversations", "selected_channels"}


def state_key(element: Json) -> str:
    """Empty for buttons and overflow menus, which keep no state."""
    return _STATE_KEYS.get(element["type"], ("", ""))[0]


def initial_value(element: Json) -> Json:
    if element["type"] not in _STATE_KEYS:
        return {}
    key, initial = _STATE_KEYS[element["type"]]
    empty: Any = [] if key in _LISTS else None
    return {"type": element["type"], key: element.get(initial, empty)}


def fields(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element) a person can use."""
    for block in blocks:
        for element in elements_of(block):
            yield block, element
        for child in block.get("child_blocks", []):
            for element in elements_of(child):
                yield child, element


def find_field(blocks: Sequence[Json], name: str) -> tuple[Json, Json]:
    """By action_id, block_id or `block_id/action_id`; raise NotOnScreenError."""
    for block, element in fields(blocks):
        if name in {element["action_id"], block["block_id"], f"{block['block_id']}/{element['action_id']}"}:
            return block, element
    seen = ", ".join(element["action_id"] for _, element in fields(blocks)) or "nothing to click"
    raise NotOnScreenError(f"no {name} here; there is: {seen}")


def initial_state(blocks: Sequence[Json]) -> dict[str, dict[str, Any]]:
    """state.values before anybody typed: every input and menu with its initial value."""
    state: dict[str, dict[str, Any]] = {}
    for block, element in fields(blocks):
        if value := initial_value(element):
            state.setdefault(block["block_id"], {})[element["action_id"]] = value
    return state


def offered(element: Json) -> list[Json]:
    groups = [group["options"] for group in element.get("option_groups", [])]
    return [*element.get("options", []), *(one for group in groups for one in group)]


def _option(element: Json, wanted: Any) -> Json:
    """By value or label; a suggested option (external select) is given as it came from the app."""
    if isinstance(wanted, Mapping):
        return dict(wanted)
    for option in offered(element):
        if wanted in {option["value"], option["text"]["text"]}:
            return option
    raise NotOnScreenError(f"{wanted} is not offered by {element['action_id']}")


def filled(element: Json, wanted: Any) -> Json:
    """Return the state of an element after a person chose or typed `wanted` (None empties it)."""
    key = state_key(element)
    if not key:
        raise NotOnScreenError(f"{element['action_id']} takes no value")
    if key == "selected_option":
        return {"type": element["type"], key: None if wanted is None else _option(element, wanted)}
    if key == "selected_options":
        return {"type": element["type"], key: [_option(element, one) for one in wanted or []]}
    if key in _LISTS:
        return {"type": element["type"], key: list(wanted or [])}
    if key == "value":
        return {"type": element["type"], key: None if wanted in {None, ""} else str(wanted)}
    return {"type": element["type"], key: wanted}


def chosen(element: Json, wanted: Any) -> Json:
    """Return the part of `actions[0]` that says what was chosen."""
    if element["type"] == "overflow":
        return {"selected_option": _option(element, wanted)}
    if not state_key(element):
        return {}
    state = filled(element, wanted)
    return {name: value for name, value in state.items() if name != "type"}


def need_complete(blocks: list[Json], state: dict[str, dict[str, Any]]) -> None:
    """Check what Slack's own client checks before it submits a form."""
    for block, element in fields(blocks):
        if block["type"] != "input":
            continue
        value = state[block["block_id"]][element["action_id"]][state_key(element)]
        label = block["label"]["text"]
        if not value and not block.get("optional"):
            raise FormIncompleteError(f"{label}: Please complete this required field.")
        if isinstance(value, str):
            shortest, longest = element.get("min_length", 0), element.get("max_length", 3000)
            if value and not shortest <= len(value) <= longest:
                raise FormIncompleteError(f"{label}: between {shortest} and {longest} characters, please.")
