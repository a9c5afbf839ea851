"""The state of one workspace: people, places and messages, and every way in which they change."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lab.slack.workspace.acts import Act
from lab.slack.workspace.call_log import CallLog, VisibleFailure
from lab.slack.workspace.changes import Change, Changes
from lab.slack.workspace.channels import Channel, ChannelKind
from lab.slack.workspace.clock import Clock
from lab.slack.workspace.directory import Directory, User, UserGroupEntry
from lab.slack.workspace.files import FileStore
from lab.slack.workspace.manifest import Manifest
from lab.slack.workspace.messages import Content, Json, Message
from lab.slack.workspace.refusals import NotOnScreenError
from lab.slack.workspace.view import View, ViewStore

SLACKBOT = "USLACKBOT"
_KEPT_ACTS = 10_000


class Workspace:
    """The state of one workspace; every mutation publishes a `Change`, and `listeners` hear of messages first."""

    def __init__(self, directory: Directory, manifest: Manifest, clock: Clock) -> None:
        self.directory = directory
        self.manifest = manifest
        self.clock = clock
        self.call_log = CallLog()
        self.acts: deque[Act] = deque(maxlen=_KEPT_ACTS)
        self.changes = Changes()
        self.views = ViewStore()
        self.files = FileStore()
        self.is_org_wide = False  # the app is installed on the whole Enterprise organisation
        self.may_mention_groups = True  # an owner may forbid it (slack-api-docs#85)
        self.listeners: list[Callable[[str, Channel, Message], None]] = []
        bot = User(
            id=directory.app.bot_user_id,
            name=(manifest.features.bot_user.display_name if manifest.features.bot_user else "app"),
            real_name=manifest.display_information.name,
            is_bot=True,
        )
        self.users: dict[str, User] = {user.id: user for user in (*directory.users, bot)}
        self.user_groups: dict[str, UserGroupEntry] = {group.id: group for group in directory.user_groups}
        self.channels: dict[str, Channel] = {}
        self._serial = itertools.count(1)
        self._last_ts_us = 0
        for entry in directory.channels:
            kind = ChannelKind.PRIVATE if entry.private else ChannelKind.PUBLIC
            channel = Channel(
                id=entry.id,
                name=entry.name,
                kind=kind,
                members=list(entry.members),
                topic=entry.topic,
                is_archived=entry.archived,
            )
            channel.created_s = int(clock.now())
            self.channels[entry.id] = channel

    # -- names ------------------------------------------------------------------------------------------------------

    @property
    def bot_id(self) -> str:
        return self.directory.app.bot_user_id

    def app_fields(self) -> Json:
        app = self.directory.app
        profile = {"id": app.bot_id, "app_id": app.id, "name": self.manifest.display_information.name, "deleted": False}
        return {
            "bot_id": app.bot_id,
            "app_id": app.id,
            "team": self.directory.team.id,
            "bot_profile": {**profile, "team_id": self.directory.team.id},
        }

    def new_id(self, prefix: str) -> str:
        return f"{prefix}0LAB{next(self._serial):05d}"

    def next_ts(self) -> str:
        """Seconds and microseconds, never given twice and always rising."""
        self._last_ts_us = max(int(self.clock.now() * 1_000_000), self._last_ts_us + 1)
        return f"{self._last_ts_us // 1_000_000}.{self._last_ts_us % 1_000_000:06d}"

    def channel(self, reference: str) -> Channel:
        """By id, `name` or `#name`; raise NotOnScreenError when there is none."""
        name = reference.removeprefix("#")
        for channel in self.channels.values():
            if reference == channel.id or (channel.name and name == channel.name):
                return channel
        raise NotOnScreenError(f"no channel {reference}")

    def change_channel(self, reference: str, **changes: Any) -> Channel:
        """Rename, archive, restrict a channel, or give it another id, as a conversion may."""
        channel = self.channel(reference)
        del self.channels[channel.id]
        for name, value in changes.items():
            setattr(channel, name, value)
        self.channels[channel.id] = channel
        for message in (*channel.messages.values(), *channel.ephemerals):
            message.channel_id = channel.id
        self.changes.publish(Change("channel.changed", channel.id))
        return channel

    def user(self, reference: str) -> User:
        name = reference.removeprefix("@")
        for user in self.users.values():
            if reference == user.id or name == user.name:
                return user
        raise NotOnScreenError(f"no user {reference}")

    def member(self, user_id: str) -> User | None:
        """Return somebody by either of their ids: the one of the workspace, or the one of the organisation."""
        found = self.users.get(user_id)
        return found or next((one for one in self.users.values() if user_id == one.enterprise_user_id != ""), None)

    def private_talk(self, first: str, second: str) -> Channel:
        """Find or start the direct message of two people, in which the app is not."""
        for channel in self.channels.values():
            if channel.kind is ChannelKind.IM and set(channel.members) == {first, second}:
                return channel
        channel = Channel(id=self.new_id("D"), name="", kind=ChannelKind.IM, members=[first, second])
        self.channels[channel.id] = channel
        return channel

    def direct_message(self, user_ids: Sequence[str]) -> Channel:
        """Find or start the conversation of the app with one user, or with several."""
        members = [*dict.fromkeys((*user_ids, self.bot_id))]
        several = len(members) > 2  # noqa: PLR2004 - two people make an IM, more make an MPIM
        kind = ChannelKind.MPIM if several else ChannelKind.IM
        for channel in self.channels.values():
            if channel.kind is kind and set(channel.members) == set(members):
                return channel
        name = f"mpdm-{'--'.join(sorted(self.users[one].name for one in members))}-1" if several else ""
        channel_id = self.new_id("G") if several else f"D{members[0][1:]}"
        channel = Channel(id=channel_id, name=name, kind=kind, members=members, created_s=int(self.clock.now()))
        self.channels[channel_id] = channel
        return channel

    def set_group_users(self, group_id: str, user_ids: Iterable[str]) -> None:
        self.user_groups[group_id] = self.user_groups[group_id].model_copy(update={"users": tuple(user_ids)})

    # -- messages ---------------------------------------------------------------------------------------------------

    def post(self, channel: Channel, message: Message) -> Message:
        """Show a message whose `ts` is empty; it gets one."""
        message.ts = self.next_ts()
        channel.messages[message.ts] = message
        if message.is_reply and (parent := channel.messages.get(message.thread_ts)):
            parent.thread_ts = parent.ts  # a parent shows its own ts as thread_ts once it has replies
        for listener in tuple(self.listeners):
            listener("posted", channel, message)
        self.changes.publish(Change("message.posted", channel.id, message.ts, message.user_id))
        return message

    def post_ephemeral(self, channel: Channel, message: Message) -> Message:
        message.ts = self.next_ts()
        channel.ephemerals.append(message)
        self.changes.publish(Change("ephemeral.posted", channel.id, message.ts, message.ephemeral_to))
        return message

    def edit(self, channel: Channel, message: Message, content: Content, editor_id: str) -> None:
        message.earlier.append(message.content)
        message.content = content
        message.edited_ts, message.edited_by = self.next_ts(), editor_id
        self.call_log.edits[channel.id, message.ts] += 1
        if not message.ephemeral_to:
            for listener in tuple(self.listeners):
                listener("updated", channel, message)
        self.changes.publish(Change("message.updated", channel.id, message.ts, message.ephemeral_to))

    def delete(self, channel: Channel, message: Message) -> None:
        """Gone from the channel, still in the hands of whoever has the object (a click on an old card)."""
        message.is_deleted = True
        if message.ephemeral_to:
            channel.ephemerals.remove(message)
        else:
            del channel.messages[message.ts]
            for listener in tuple(self.listeners):
                listener("deleted", channel, message)
        self.changes.publish(Change("message.deleted", channel.id, message.ts, message.ephemeral_to))

    def note_act(self, user_id: str, what: str, words: str) -> None:
        self.acts.append(Act(self.clock.now(), user_id, what, words))

    def see_failure(self, user_id: str, channel: Channel | None, what: str, error: str) -> None:
        """Tell a person what Slack itself tells when the app did not answer."""
        self.call_log.failures.append(VisibleFailure(self.clock.now(), user_id, what, error))
        if channel is not None:
            notice = Message(
                channel_id=channel.id,
                ts="",
                user_id=SLACKBOT,
                content=Content(f"{what} failed with the error “{error}”"),
            )
            self.post_ephemeral(channel, replace(notice, ephemeral_to=user_id))
        self.changes.publish(Change("failure.seen", channel.id if channel else "", what, user_id))

    # -- views ------------------------------------------------------------------------------------------------------

    def changed_view(self, kind: str, view: View) -> None:
        self.changes.publish(Change(kind, "", view.id, view.user_id))
