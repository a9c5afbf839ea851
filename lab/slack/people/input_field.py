"""What Slack's input field does to typed text before anybody else sees it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lab.slack.workspace.channels import Channel, ChannelKind
from lab.slack.workspace.directory import User, UserGroupEntry
from lab.slack.workspace.escaping import autolink, escape

_MENTION = re.compile(r"(?<![\w<])@([\w.-]+\w)")
_CHANNEL = re.compile(r"(?<![\w<&])#([a-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Habits:
    """Which habits of the client are on. All off: the text arrives as typed, only escaped."""

    smart_quotes: bool = False  # macOS, iOS and the Slack client curl quotes
    smart_dashes: bool = False  # -- becomes an em dash
    capitalise: bool = False  # mobile keyboards


def polish(text: str, habits: Habits) -> str:
    """Change what keyboards and clients change while somebody types."""
    if habits.smart_dashes:
        text = text.replace("--", "\u2014")
    if habits.smart_quotes:
        text = re.sub(r"(?<![^\s(\[=,])'", "\u2018", re.sub(r'(?<![^\s(\[=,])"', "\u201c", text))
        text = text.replace('"', "\u201d").replace("'", "\u2019")
    if habits.capitalise and text[:1].islower():
        text = text[0].upper() + text[1:]
    return text


class InputField:
    """Turns typed text into the `text` of a message event or a slash payload."""

    def __init__(
        self,
        find_user: Callable[[str], User | None],
        find_channel: Callable[[str], Channel | None],
        find_group: Callable[[str], UserGroupEntry | None],
    ) -> None:
        self._find_user = find_user
        self._find_channel = find_channel
        self._find_group = find_group

    def message(self, text: str, habits: Habits) -> str:
        """Entities, links and mentions, as in the events of a channel (docs.slack.dev: formatting-message-text)."""
        return autolink(self._mentions(escape(polish(text, habits)), with_names=False))

    def slash(self, text: str, habits: Habits, *, should_escape: bool) -> str:
        """With should_escape links and mentions come as <...>; without, as typed (docs.slack.dev: slash commands)."""
        typed = polish(text, habits)
        if not should_escape:
            return typed
        return autolink(self._mentions(escape(typed), with_names=True))

    def _mentions(self, text: str, *, with_names: bool) -> str:
        def user(match: re.Match[str]) -> str:
            group = self._find_group(match[1])
            if group is not None:
                return f"<!subteam^{group.id}|@{group.handle}>" if with_names else f"<!subteam^{group.id}>"
            found = self._find_user(match[1])
            if found is None:
                return match.group()
            return f"<@{found.id}|{found.name}>" if with_names else f"<@{found.id}>"

        def channel(match: re.Match[str]) -> str:
            found = self._find_channel(match[1])
            if found is None:
                return match.group()
            name = "" if found.kind is ChannelKind.PRIVATE else found.name
            return f"<#{found.id}|{name}>"

        return _CHANNEL.sub(channel, _MENTION.sub(user, text))
