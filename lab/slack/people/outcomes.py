"""The outcome of a person's action, and the parts of a click that depend on the element alone."""

from dataclasses import dataclass, field
from typing import Any

from lab.slack.transport.event_delivery import Ack, Answer
from lab.slack.workspace.forms import chosen
from lab.slack.workspace.messages import Json, Message


@dataclass(frozen=True, slots=True)
class Confirm:
    """The dialog Slack shows before it sends a click."""

    title: str
    text: str
    confirm: str
    deny: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an action. `error` is what the person saw instead of an answer; empty when all went well."""

    is_sent: bool = True
    error: str = ""
    message: Message | None = None  # shown by the ack of a slash command
    confirm: Confirm | None = None  # the dialog the person had to answer
    field_errors: dict[str, str] = field(default_factory=dict)  # a form's, by block_id


def payload_of(answer: Answer) -> Any:
    return answer.payload if isinstance(answer, Ack) else None


def dialog_of(element: Json) -> Confirm | None:
    dialog = element.get("confirm")
    if dialog is None:
        return None
    return Confirm(*(dialog[name]["text"] for name in ("title", "text", "confirm", "deny")))


def label_of(element: Json) -> str:
    """Return what stands on a button; of a menu, its name."""
    text = element.get("text")
    return str(text["text"] if isinstance(text, dict) else element["action_id"])


def action_of(block: Json, element: Json, value: Any) -> Json:
    action: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    for name in ("text", "value", "style"):
        if name in element and element["type"] == "button":
            action[name] = element[name]
    return {**action, **chosen(element, value)}
