"""The limits of composition objects and interactive elements (docs.slack.dev: block elements; slack_sdk constants)."""

from typing import Any

from lab.slack.workspace.blocks.shape import (
    Check,
    Say,
    anything,
    array,
    boolean,
    exactly_one,
    integer,
    one_of,
    shape,
    tagged,
    text,
)

ID = text(255)
URL = text(3000, pattern=r"(?:https?|slack|mailto|tel)[:].+")


def plain(maximum: int) -> Check:
    return tagged({"plain_text": shape({"type": anything, "text": text(maximum)}, {"emoji": boolean})})


def any_text(maximum: int) -> Check:
    mrkdwn = shape({"type": anything, "text": text(maximum)}, {"verbatim": boolean})
    plain_text = shape({"type": anything, "text": text(maximum)}, {"emoji": boolean})
    return tagged({"plain_text": plain_text, "mrkdwn": mrkdwn})


CONFIRM = shape(
    {"title": plain(100), "text": any_text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)


def option(label: Check, *, url: bool = False) -> Check:
    more: dict[str, Check] = {"description": any_text(75)}
    if url:
        more["url"] = URL
    return shape({"text": label, "value": text(150)}, more)


SELECT_OPTION = option(plain(75))
CHOICE_OPTION = option(any_text(75))
OPTION_GROUP = shape({"label": plain(75), "options": array(SELECT_OPTION, 100)})


def _initial_is_offered(value: Any, pointer: str, say: Say) -> None:
    groups = [group["options"] for group in value.get("option_groups", [])]
    offered = [one["value"] for one in (*value.get("options", []), *(one for group in groups for one in group))]
    single = [value["initial_option"]] if "initial_option" in value else []
    for one in (*single, *value.get("initial_options", [])):
        if one["value"] not in offered:
            say("initial option must be one of the options", pointer)


def _unique_values(value: Any, pointer: str, say: Say) -> None:
    values = [one["value"] for one in value.get("options", [])]
    if len(set(values)) != len(values):
        say("options must have unique values", f"{pointer}/options")


BASE: dict[str, Check] = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}
_MENU = {**BASE, "placeholder": plain(150)}
_MANY = {**_MENU, "max_selected_items": integer(1)}
_OPTIONS = {"options": array(SELECT_OPTION, 100), "option_groups": array(OPTION_GROUP, 100)}
_TYPE = {"type": anything}
_FILTER = shape(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public")),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_CONVERSATION = {"default_to_current_conversation": boolean, "response_url_enabled": boolean, "filter": _FILTER}
_DISPATCH = shape({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)})
_TYPED = {**BASE, "placeholder": plain(150), "dispatch_action_config": _DISPATCH}
_LENGTHS = {"min_length": integer(0, 3000), "max_length": integer(1, 3000)}

BUTTON = shape(
    {**_TYPE, "text": plain(75)},
    {
        "action_id": ID,
        "url": URL,
        "value": text(2000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": text(75),
    },
)
ICON_BUTTON = shape(
    {**_TYPE, "icon": one_of("trash"), "text": plain(75)},
    {
        "action_id": ID,
        "value": text(2000),
        "confirm": CONFIRM,
        "accessibility_label": text(75),
        "visible_to_user_ids": array(text()),
    },
)
_FEEDBACK = shape({"text": plain(75), "value": text(2000)}, {"accessibility_label": text(75)})
FEEDBACK_BUTTONS = shape({**_TYPE, "positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, {"action_id": ID})
_SLACK_FILE = shape({}, {"id": text(), "url": URL}, exactly_one("id", "url"))
IMAGE = shape(
    {**_TYPE, "alt_text": text(2000)},
    {"image_url": URL, "slack_file": _SLACK_FILE},
    exactly_one("image_url", "slack_file"),
)
_STATIC = (exactly_one("options", "option_groups"), _initial_is_offered)
_CHOICES = (_initial_is_offered, _unique_values)

MENUS: dict[str, Check] = {
    "static_select": shape(_TYPE, {**_MENU, **_OPTIONS, "initial_option": SELECT_OPTION}, *_STATIC),
    "external_select": shape(_TYPE, {**_MENU, "min_query_length": integer(0), "initial_option": SELECT_OPTION}),
    "users_select": shape(_TYPE, {**_MENU, "initial_user": text()}),
    "conversations_select": shape(_TYPE, {**_MENU, **_CONVERSATION, "initial_conversation": text()}),
    "channels_select": shape(_TYPE, {**_MENU, "initial_channel": text(), "response_url_enabled": boolean}),
    "multi_static_select": shape(_TYPE, {**_MANY, **_OPTIONS, "initial_options": array(SELECT_OPTION, 100)}, *_STATIC),
    "multi_external_select": shape(
        _TYPE, {**_MANY, "min_query_length": integer(0), "initial_options": array(SELECT_OPTION, 100)}
    ),
    "multi_users_select": shape(_TYPE, {**_MANY, "initial_users": array(text())}),
    "multi_conversations_select": shape(
        _TYPE,
        {
            **_MANY,
            "initial_conversations": array(text()),
            "default_to_current_conversation": boolean,
            "filter": _FILTER,
        },
    ),
    "multi_channels_select": shape(_TYPE, {**_MANY, "initial_channels": array(text())}),
}
CHOOSERS: dict[str, Check] = {
    "checkboxes": shape(
        {**_TYPE, "options": array(CHOICE_OPTION, 10)}, {**BASE, "initial_options": array(CHOICE_OPTION, 10)}, *_CHOICES
    ),
    "radio_buttons": shape(
        {**_TYPE, "options": array(CHOICE_OPTION, 10)}, {**BASE, "initial_option": CHOICE_OPTION}, *_CHOICES
    ),
    "datepicker": shape(_TYPE, {**_MENU, "initial_date": text(pattern=r"\d{4}-\d\d-\d\d")}),
    "timepicker": shape(_TYPE, {**_MENU, "initial_time": text(pattern=r"[0-2]\d:[0-5]\d"), "timezone": text()}),
    "datetimepicker": shape(_TYPE, {**BASE, "initial_date_time": integer(0)}),
}
OVERFLOW = shape(
    {**_TYPE, "options": array(option(plain(75), url=True), 5)}, {"action_id": ID, "confirm": CONFIRM}, _unique_values
)
TYPED: dict[str, Check] = {
    "plain_text_input": shape(
        _TYPE, {**_TYPED, **_LENGTHS, "initial_value": text(3000, minimum=0), "multiline": boolean}
    ),
    "rich_text_input": shape(_TYPE, {**_TYPED, "initial_value": anything}),
}
MODAL_ONLY: dict[str, Check] = {
    "number_input": shape(
        {**_TYPE, "is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": text(), "min_value": text(), "max_value": text()},
    ),
    "email_text_input": shape(_TYPE, {**_TYPED, "initial_value": text()}),
    "url_text_input": shape(_TYPE, {**_TYPED, "initial_value": text()}),
    "file_input": shape(_TYPE, {"action_id": ID, "filetypes": array(text()), "max_files": integer(1, 10)}),
}
ACTIONABLE: dict[str, Check] = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    **MENUS,
    **CHOOSERS,
}
INPUTS: dict[str, Check] = {**MENUS, **CHOOSERS, **TYPED, **MODAL_ONLY}
