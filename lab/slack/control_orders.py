"""What the control API can be told, each order as a model in which an unknown key is an error."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lab.slack.transport.socket_mode import MAX_CONNECTIONS
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.rate_limit import Strictness


class Order(BaseModel):
    """An order to the workspace; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SlashOrder(Order):
    """Type a slash command."""

    user: str
    channel: str
    line: Annotated[str, Field(pattern=r"^\s*/")]
    thread_ts: str = ""


class ShortcutOrder(Order):
    """Choose a global shortcut."""

    user: str
    callback_id: str


class SayOrder(Order):
    """Say something in a channel."""

    user: str
    channel: str
    text: str
    thread_ts: str = ""


class ClickOrder(Order):
    """Click an element of a message."""

    user: str
    channel: str
    action_id: str
    ts: str = ""  # empty: the newest message that has the action
    value: Any = None
    confirm: bool = True
    version: int | None = None
    block_id: str = ""


class PressOrder(Order):
    """Press an element of the open view or the Home tab; `typed` is what stands in the other fields by then."""

    user: str
    name: str
    value: Any = None
    home: bool = False
    typed: dict[str, Any] = {}


class SubmitOrder(Order):
    """Submit the open view."""

    user: str
    values: dict[str, Any] = {}


class CloseOrder(Order):
    """Close the open view."""

    user: str
    everything: bool = False


class SuggestOrder(Order):
    """Ask a menu for suggestions."""

    user: str
    name: str
    typed: str


class HomeOrder(Order):
    """Open the app's Home."""

    user: str
    tab: Literal["home", "messages"] = "home"


class HabitsOrder(Order):
    """Switch the habits of a person's client."""

    user: str
    smart_quotes: bool = False
    smart_dashes: bool = False
    capitalise: bool = False


class WhenOrder(Order):
    """Which calls a fault is for."""

    channel: str = ""
    thread: bool | None = None
    block: str = ""
    words: str = ""
    after: Annotated[int, Field(ge=0)] = 0


class FaultOrder(Order):
    """Order a fault."""

    kind: FaultKind
    target: str = "*"
    times: Annotated[int, Field(ge=1)] | None = 1
    seconds: float = 0.0
    error: str = ""
    when: WhenOrder = WhenOrder()
    for_s: Annotated[float, Field(gt=0)] | None = None


class ChannelOrder(Order):
    """Change what owners may change of a channel."""

    channel: str
    archived: bool | None = None
    name: str | None = None
    id: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]+$")] | None = None
    restriction: str | None = None


class DeleteOrder(Order):
    """Delete a message, or lock its thread."""

    channel: str
    ts: str
    do: Literal["delete", "lock", "unlock"] = "delete"


class RateLimitOrder(Order):
    """Set how strictly calls are limited."""

    strictness: Strictness


class SocketOrder(Order):
    """Refresh, abort or disable the app's websockets, or set how many there may be."""

    do: Literal["refresh", "abort", "disable", "limit", "enable"]
    most: Annotated[int, Field(ge=0)] = MAX_CONNECTIONS
