"""Makes of blocks and texts what the page draws: mrkdwn is read here, and ids become the words one person reads."""

from collections.abc import Sequence
from typing import Any

from lab.slack.people.emoji import emoji
from lab.slack.people.mrkdwn import read_markdown, read_mrkdwn, read_plain
from lab.slack.people.wording import Wording
from lab.slack.workspace.escaping import unescape
from lab.slack.workspace.messages import Json
from lab.slack.workspace.workspace import Workspace

_TEXTS = {"plain_text", "mrkdwn"}
_MENTIONS = {"user", "usergroup", "channel", "broadcast"}


class Drawing:
    """Turns what is stored into what one person's page draws. Nothing in it is markup: it is all data."""

    def __init__(self, workspace: Workspace, viewer_id: str) -> None:
        self._workspace = workspace
        self._viewer_id = viewer_id
        self._wording = Wording(workspace, viewer_id)

    def name(self, user_id: str) -> str:
        return self._wording.name(user_id)

    def mrkdwn(self, text: str) -> list[Json]:
        return self.rich(read_mrkdwn(text))

    def rich(self, parts: Sequence[Json]) -> list[Json]:
        """Draw the parts of a rich text; lists hold sections of their own."""
        return [{**part, "elements": [self._inline(one) for one in part["elements"]]} for part in parts]

    def blocks(self, blocks: Sequence[Json]) -> list[Json]:
        return [self.value(block) for block in blocks]

    def value(self, value: Any) -> Any:
        """Draw every text object inside, at any depth; `rich` is to be shown, `plain` is for names and labels."""
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        if not isinstance(value, dict):
            return value
        match value.get("type"):
            case "plain_text" if isinstance(value.get("text"), str):
                parts = read_plain(value["text"], emoji=value.get("emoji", True))
                return {**value, "rich": self.rich(parts), "plain": self._words(parts)}
            case "mrkdwn" if isinstance(value.get("text"), str):
                parts = read_mrkdwn(value["text"])
                return {**value, "rich": self.rich(parts), "plain": self._words(parts)}
            case "rich_text":
                return {**value, "rich": self.rich(value["elements"])}
            case "markdown":
                return {**value, "rich": self.rich(read_markdown(value["text"]))}
            case "image":
                return {**value, "plain": unescape(value["alt_text"])}
            case "raw_text" | "raw_number":
                return {**value, "plain": unescape(str(value.get("text", value.get("value", ""))))}
            case _:
                return {name: self.value(inner) for name, inner in value.items()}

    def _words(self, parts: Sequence[Json]) -> str:
        return "\n".join("".join(self._wording.inline(one) for one in part["elements"]) for part in parts)

    def _inline(self, element: Json) -> Json:
        if "elements" in element:  # the sections of a list
            return {**element, "elements": [self._inline(one) for one in element["elements"]]}
        kind, style = element["type"], element.get("style", {})
        if kind in _MENTIONS:
            return {"type": "mention", "text": self._wording.inline(element), "is_me": self._is_me(element)}
        if kind == "emoji":
            return {"type": "emoji", "name": element["name"], "text": emoji(element["name"])}
        if kind == "link":
            return {"type": "link", "url": element["url"], "text": self._wording.inline(element), "style": style}
        if kind == "date":  # in the words of the viewer's own zone, which the browser knows
            return element
        return {"type": "text", "text": self._wording.inline(element), "style": style}

    def _is_me(self, element: Json) -> bool:
        if element["type"] == "usergroup":
            group = self._workspace.user_groups.get(element["usergroup_id"])
            return group is not None and self._viewer_id in group.users
        return bool(element.get("user_id") == self._viewer_id) or element["type"] == "broadcast"
