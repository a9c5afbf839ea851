from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.workspace.blocks.check import message_problems, view_problems
from tests.support.lab_blocks import actions, button, plain, section

OPTION = {"text": plain("one"), "value": "1"}
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"code": True}}]}],
}
CONFIRM = dict.fromkeys(("title", "text", "confirm", "deny"), plain("t"))
FIELD = {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input", "action_id": "why"}}
TASK = {"type": "task_card", "task_id": "1", "title": "web01", "status": "in_progress"}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def options(count: int) -> list[dict[str, Any]]:
    return [{**OPTION, "value": str(number)} for number in range(count)]


def table(rows: int, cells: int) -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * cells] * rows}


def select(**more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "s", "options": [OPTION], **more}


@pytest.mark.parametrize(
    "block",
    [
        section(fields=[mrkdwn("f" * 2000)] * 10),
        section("x" * 3000, accessory=button(style="danger")),
        {"type": "header", "text": plain("h" * 150)},
        {"type": "context", "elements": [mrkdwn("c")] * 10},
        actions(*[button(f"b{n}") for n in range(25)]),
        actions(select(initial_option=OPTION), {"type": "overflow", "action_id": "o", "options": [OPTION]}),
        {"type": "input", "label": plain("l"), "element": {"type": "plain_text_input", "action_id": "i"}},
        RICH,
        {"type": "markdown", "text": "**m**"},
        table(100, 20),
        {"type": "plan", "title": "Moves", "tasks": [{**TASK, "details": RICH}]},
        TASK,
        {"type": "card", "title": mrkdwn("t"), "actions": [button()]},
        {"type": "container", "title": plain("t"), "child_blocks": [section()]},
        {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a"},
    ],
)
def test_good_blocks_pass(block: dict[str, Any]) -> None:
    """What the reference allows, up to each limit, is accepted."""
    assert message_problems([block]) == []


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        # What slack_sdk's validators catch ...
        ([{"type": "section"}], "must have at least one of: text, fields [json-pointer:/blocks/0]"),
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "header", "text": plain("h" * 151)}], "must be less than 151 characters"),
        ([actions(button(text="t" * 76))], "must be less than 76 characters"),
        ([actions(button(value="v" * 2001))], "must be less than 2001 characters"),
        ([actions(button(style="blue"))], "value must be one of: primary, danger"),
        ([actions(*[button(f"b{n}") for n in range(26)])], "no more than 25 items allowed"),
        ([{"type": "context", "elements": [mrkdwn("c")] * 11}], "no more than 10 items allowed"),
        ([actions(select(options=[OPTION] * 101))], "no more than 100 items allowed"),
        # ... and what they miss.
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section(fields=[mrkdwn("f" * 2001)])], "less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"),
        ([{"type": "header", "text": mrkdwn("h")}], "unsupported type: mrkdwn"),
        ([actions(button("a"), button("a"))], "`action_id` a already exists"),
        ([section(block_id="b"), section(block_id="b")], "`block_id` b already exists"),
        ([actions(select(options=[{**OPTION, "text": plain("o" * 76)}]))], "must be less than 76 characters"),
        ([section(colour="red")], "invalid additional property: colour"),
        ([table(101, 1)], "no more than 100 items allowed"),
        ([table(1, 21)], "no more than 20 items allowed"),
        ([table(1, 1), table(1, 1)], "only_one_table_allowed"),
        ([section("")], "must be more than 0 characters"),
        ([{"type": "sectoin"}], "unsupported type: sectoin"),
        ([{"text": mrkdwn("x")}], "missing required field: type"),
        (["text"], "must be an object"),
        ([{"type": "alert", "text": mrkdwn("modals only")}], "unsupported type: alert"),
        ([section(block_id="b" * 256)], "must be less than 256 characters"),
        ([actions(button(confirm={"title": plain("t")}))], "missing required field: text"),
        ([actions(button(confirm={**CONFIRM, "confirm": plain("c" * 31)}))], "must be less than 31 characters"),
        ([actions(select(initial_option={"text": plain("two"), "value": "2"}))], "initial option must be one of"),
        ([actions(select(option_groups=[]))], "must contain at least 1 item"),
        ([actions({"type": "overflow", "options": options(6)})], "no more than 5"),
        ([actions({"type": "checkboxes", "options": options(11)})], "no more than 10"),
        ([actions({"type": "plain_text_input"})], "unsupported type: plain_text_input"),
        ([{"type": "plan", "title": "p", "tasks": [{**TASK, "status": "done"}]}], "value must be one of"),
        ([{"type": "markdown", "text": "m" * 6001}, {"type": "markdown", "text": "m" * 6001}], "in all"),
        ([{"type": "image", "alt_text": "a"}], "must have exactly one of: image_url, slack_file"),
        ([{"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}], "unsupported type: text"),
    ],
)  # fmt: skip
def test_bad_blocks_are_named(blocks: list[Any], reason: str) -> None:
    """Every limit, including all that slack_sdk's validators let through, is refused with its reason and place."""
    assert any(reason in problem for problem in message_problems(blocks)), message_problems(blocks)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": plain("t" * 25)}, "must be less than 25 characters [json-pointer:/view/title/text]"),
        ({"submit": plain("s" * 25)}, "must be less than 25 characters"),
        ({"private_metadata": "p" * 3001}, "must be less than 3001 characters"),
        ({"callback_id": "c" * 256}, "must be less than 256 characters"),
        ({"blocks": [{"type": "divider"}] * 101}, "no more than 100 items allowed"),
        ({"submit": None}, "must define `submit`"),
        ({"colour": "red"}, "invalid additional property: colour"),
        ({"blocks": [{"type": "markdown", "text": "messages only"}]}, "unsupported type: markdown"),
        ({"type": "home"}, "unsupported type: home"),
        (
            {"blocks": [{**FIELD, "element": {"type": "plain_text_input", "max_length": 3001}}]},
            "must be at most 3000",
        ),
    ],
)  # fmt: skip
def test_bad_views_are_named(change: dict[str, Any], reason: str) -> None:
    """The limits of modals are held."""
    view = {"type": "modal", "title": plain("T"), "submit": plain("S"), "close": plain("C"), "blocks": [FIELD]}
    assert view_problems(view, "modal") == []

    changed = {name: value for name, value in {**view, **change}.items() if value is not None}

    assert any(reason in problem for problem in view_problems(changed, "modal")), view_problems(changed, "modal")


async def test_the_reasons_reach_the_app(client: AsyncWebClient) -> None:
    """invalid_blocks carries all reasons in response_metadata.messages."""
    blocks: list[dict[str, Any]] = [{"type": "section"}, {"type": "header", "text": mrkdwn("x")}]
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0MIGRATE", text="t", blocks=blocks)

    assert refused.value.response["error"] == "invalid_blocks"
    messages = refused.value.response["response_metadata"]["messages"]
    assert [one.split("json-pointer:")[1] for one in messages] == ["/blocks/0]", "/blocks/1/text/type]"]
