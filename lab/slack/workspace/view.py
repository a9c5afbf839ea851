"""The windows an app opened: a stack of modals and one Home per person."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lab.slack.workspace.messages import Json

STACK_LIMIT = 3  # docs.slack.dev: modals


@dataclass(slots=True, kw_only=True)
class View:
    """One modal or Home tab as it is open now."""

    id: str
    user_id: str
    definition: Json  # as stored: block ids filled in, texts escaped
    hash: str
    root_view_id: str
    previous_view_id: str = ""
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # by block_id, shown under the input

    @property
    def type(self) -> str:
        return str(self.definition["type"])

    @property
    def callback_id(self) -> str:
        return str(self.definition.get("callback_id", ""))

    @property
    def external_id(self) -> str:
        return str(self.definition.get("external_id", ""))

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.definition["blocks"]
        return blocks

    def to_api(self, team_id: str, app: Json, *, with_state: bool = True) -> Json:
        definition = deepcopy(self.definition)
        body: Json = {
            "id": self.id,
            "team_id": team_id,
            "type": self.type,
            "blocks": definition["blocks"],
            "private_metadata": definition.get("private_metadata", ""),
            "callback_id": self.callback_id,
            "hash": self.hash,
            "title": definition.get("title", {"type": "plain_text", "text": "View Title", "emoji": True}),
            "clear_on_close": definition.get("clear_on_close", False),
            "notify_on_close": definition.get("notify_on_close", False),
            "close": definition.get("close"),
            "submit": definition.get("submit"),
            "previous_view_id": self.previous_view_id or None,
            "root_view_id": self.root_view_id,
            "app_id": app["app_id"],
            "external_id": self.external_id,
            "app_installed_team_id": team_id,
            "bot_id": app["bot_id"],
        }
        if with_state:
            body["state"] = {"values": deepcopy(self.state)}
        return body


class ViewStore:
    """The stacks of modals and the Homes of all people."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._stacks: dict[str, list[str]] = {}
        self._homes: dict[str, str] = {}

    def find(self, view_id: str) -> View | None:
        return self._views.get(view_id)

    def by_external_id(self, external_id: str) -> View | None:
        return next((view for view in self._views.values() if view.external_id == external_id), None)

    def home(self, user_id: str) -> View | None:
        return self._views.get(self._homes.get(user_id, ""))

    def set_home(self, view: View) -> None:
        self._forget(self._homes.get(view.user_id, ""))
        self._views[view.id] = view
        self._homes[view.user_id] = view.id

    def stack(self, user_id: str) -> list[View]:
        """Return the person's open modals, the visible one last."""
        return [self._views[one] for one in self._stacks.get(user_id, [])]

    def top(self, user_id: str) -> View | None:
        stack = self.stack(user_id)
        return stack[-1] if stack else None

    def push(self, view: View) -> None:
        self._views[view.id] = view
        self._stacks.setdefault(view.user_id, []).append(view.id)

    def pop(self, user_id: str) -> View | None:
        stack = self._stacks.get(user_id)
        if not stack:
            return None
        return self._forget(stack.pop())

    def clear(self, user_id: str) -> list[View]:
        gone = [self._forget(one) for one in reversed(self._stacks.pop(user_id, []))]
        return [view for view in gone if view is not None]

    def _forget(self, view_id: str) -> View | None:
        return self._views.pop(view_id, None)
