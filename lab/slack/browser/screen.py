"""Collects what one person sees of the workspace, as plain data: places, messages, the open form, Home."""

from lab.slack.browser.drawing import Drawing
from lab.slack.people.emoji import emoji
from lab.slack.people.person import Person
from lab.slack.workspace.channels import Channel, ChannelKind
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.view import View
from lab.slack.workspace.workspace import SLACKBOT, Workspace

_PNG = b"\x89PNG\r\n"


class Screen:
    """The screen of one person."""

    def __init__(self, workspace: Workspace, person: Person) -> None:
        self._workspace = workspace
        self._person = person
        self._drawing = Drawing(workspace, person.id)

    def everything(self) -> Json:
        """Return all that a page needs when it opens, or opens again after the connection was lost."""
        manifest, bot = self._workspace.manifest, self._workspace.users[self._workspace.bot_id]
        home = manifest.features.app_home
        return {
            "team": self._workspace.directory.team.name,
            "me": self._user(self._person.id),
            "people": [self._user(one.id) for one in self._workspace.users.values() if not one.is_bot],
            "groups": [one.handle for one in self._workspace.user_groups.values()],
            "app": {"id": bot.id, "name": bot.name, "may_be_written_to": not home.messages_tab_read_only_enabled},
            "commands": [
                {"command": one.command, "description": one.description, "hint": one.usage_hint}
                for one in manifest.features.slash_commands
            ],
            "shortcuts": [
                {"name": one.name, "callback_id": one.callback_id, "description": one.description}
                for one in manifest.features.shortcuts
                if one.type == "global"
            ],
            "channels": [self.channel(one) for one in self._workspace.channels.values() if self._is_in(one)],
            "modal": self.modal(),
            "home": self.home(),
        }

    def _is_in(self, channel: Channel) -> bool:
        return self._person.id in channel.members

    def _user(self, user_id: str) -> Json:
        user = self._workspace.users[user_id]
        groups = [one.handle for one in self._workspace.user_groups.values() if user_id in one.users]
        return {"id": user.id, "name": user.name, "real_name": user.real_name or user.name, "groups": groups}

    # -- messages ---------------------------------------------------------------------------------------------------

    def channel(self, channel: Channel) -> Json:
        """Return a conversation with every message this person sees there, replies too."""
        is_direct = channel.kind in {ChannelKind.IM, ChannelKind.MPIM}
        others = [self._drawing.name(one) for one in channel.members if one != self._person.id]
        return {
            "id": channel.id,
            "name": channel.name or ", ".join(others),
            "topic": channel.topic,
            "is_private": channel.kind is ChannelKind.PRIVATE,
            "is_direct": is_direct,
            "is_app": is_direct and self._workspace.bot_id in channel.members,
            "is_archived": channel.is_archived,
            "members": len(channel.members),
            "messages": [self.message(one) for one in self._person.sees(channel.id)],
        }

    def find(self, channel_id: str, ts: str) -> Message | None:
        """Find a message where this person may see it."""
        channel = self._workspace.channels.get(channel_id)
        if channel is None or not self._is_in(channel):
            return None
        return next((one for one in self._person.sees(channel_id) if one.ts == ts), None)

    def message(self, message: Message) -> Json:
        user = self._workspace.users.get(message.user_id)
        name = message.username or self._drawing.name(message.user_id)
        content = message.content
        return {
            "channel_id": message.channel_id,
            "ts": message.ts,
            "thread_ts": message.thread_ts if message.is_reply else "",
            "is_broadcast": message.is_broadcast,
            "author": name if message.by_app or user is None else user.real_name or name,
            "author_id": message.user_id,
            "is_app": message.by_app or message.user_id == SLACKBOT,
            "text": content.text,
            "rich": [] if content.blocks else self._drawing.mrkdwn(content.text),
            "blocks": self._drawing.blocks(content.blocks),
            "attachments": [
                {
                    "rich": [
                        part
                        for name in ("pretext", "title", "text")
                        if one.get(name)
                        for part in self._drawing.mrkdwn(str(one[name]))
                    ],
                    "blocks": self._drawing.blocks(one.get("blocks", [])),
                }
                for one in content.attachments
            ],
            "files": [self._file(one) for one in message.files],
            "reactions": [
                {"name": name, "text": emoji(name), "count": len(people)} for name, people in message.reactions.items()
            ],
            "is_edited": bool(message.edited_ts) and not content.blocks,
            "is_for_me_only": bool(message.ephemeral_to),
            "mentions_me": self._mentions_me(message),
            "is_locked": message.is_locked,
            "typed": f"{self._drawing.name(message.typed_by)} used {message.typed_command}" if message.typed_by else "",
        }

    def _mentions_me(self, message: Message) -> bool:
        groups = (one.id for one in self._workspace.user_groups.values() if self._person.id in one.users)
        said = f"{message.text} {message.blocks}"
        return any(mark in said for mark in (f"<@{self._person.id}", *(f"<!subteam^{one}" for one in groups)))

    def _file(self, file: Json) -> Json:
        stored = self._workspace.files.files.get(file["id"])
        content = stored.content if stored else None
        return {
            "id": file["id"],
            "title": file["title"],
            "size_bytes": file["size"],
            "is_picture": content is not None and content.startswith(_PNG),
        }

    # -- views ------------------------------------------------------------------------------------------------------

    def modal(self) -> Json | None:
        """Return the form on top, with how deep it is in its stack."""
        view = self._person.view
        return (
            None if view is None else {**self._view(view), "depth": len(self._workspace.views.stack(self._person.id))}
        )

    def home(self) -> Json | None:
        view = self._person.home
        return None if view is None else self._view(view)

    def _view(self, view: View) -> Json:
        labels = {name: self._drawing.value(view.definition.get(name)) for name in ("title", "submit", "close")}
        return {
            "id": view.id,
            "hash": view.hash,
            **labels,
            "blocks": self._drawing.blocks(view.blocks),
            "state": view.state,
            "errors": view.errors,
        }
