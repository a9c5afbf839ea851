"""Conversations: who is in them, what was said, and what is scheduled to be said."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.slack.workspace.messages import Json, Message


class ChannelKind(StrEnum):
    """A kind of conversation."""

    PUBLIC = "public_channel"
    PRIVATE = "private_channel"
    IM = "im"
    MPIM = "mpim"


# The scope family that governs a kind of conversation (docs.slack.dev: conversations.*).
SCOPE_FAMILY = {
    ChannelKind.PUBLIC: "channels",
    ChannelKind.PRIVATE: "groups",
    ChannelKind.IM: "im",
    ChannelKind.MPIM: "mpim",
}


@dataclass(slots=True, kw_only=True)
class ScheduledMessage:
    """A message that is posted later."""

    id: str
    post_at_s: int
    created_at_s: float
    arguments: Json
    timer: Any = None


@dataclass(slots=True, kw_only=True)
class Channel:
    """One conversation with its members and messages."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str]
    topic: str = ""
    is_archived: bool = False
    restriction: str = ""  # the code of the restricted_action family that posts here are refused with
    created_s: int = 0
    messages: dict[str, Message] = field(default_factory=dict)  # by ts, rising
    ephemerals: list[Message] = field(default_factory=list)
    scheduled: dict[str, ScheduledMessage] = field(default_factory=dict)
    pins: list[str] = field(default_factory=list)
    bookmarks: list[Json] = field(default_factory=list)

    @property
    def is_direct(self) -> bool:
        return self.kind in {ChannelKind.IM, ChannelKind.MPIM}

    def replies(self, thread_ts: str) -> list[Message]:
        return [one for one in self.messages.values() if one.thread_ts == thread_ts and one.ts != thread_ts]

    def roots(self) -> list[Message]:
        """Return what the channel itself shows: no replies, except broadcast ones."""
        return [one for one in self.messages.values() if not one.is_reply or one.is_broadcast]

    def to_api(self, bot_user_id: str) -> Json:
        if self.kind is ChannelKind.IM:
            other = next((one for one in self.members if one != bot_user_id), bot_user_id)
            return {
                "id": self.id,
                "created": self.created_s,
                "is_im": True,
                "is_org_shared": False,
                "user": other,
                "is_archived": False,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind is ChannelKind.PUBLIC,
            "is_group": self.kind is ChannelKind.PRIVATE,
            "is_im": False,
            "is_mpim": self.kind is ChannelKind.MPIM,
            "is_private": self.kind is not ChannelKind.PUBLIC,
            "is_archived": self.is_archived,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "is_member": bot_user_id in self.members,
            "created": self.created_s,
            "creator": "",
            "unlinked": 0,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "previous_names": [],
            "num_members": len(self.members),
        }
