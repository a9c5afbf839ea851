"""One message as the workspace stores it, with its earlier versions."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a message that an app may change."""

    text: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    metadata: Json | None = None


@dataclass(slots=True, kw_only=True)
class Message:
    """One message, its versions and its place."""

    channel_id: str
    ts: str
    user_id: str
    content: Content
    by_app: bool = False
    thread_ts: str = ""
    is_broadcast: bool = False
    subtype: str = ""
    ephemeral_to: str = ""  # the only person who sees it
    typed_command: str = ""  # the slash command shown above an in_channel answer
    typed_by: str = ""
    client_msg_id: str = ""
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited_ts: str = ""
    edited_by: str = ""
    is_pinned: bool = False
    is_deleted: bool = False
    is_locked: bool = False  # nobody may reply any more
    earlier: list[Content] = field(default_factory=list)
    username: str = ""
    icon: str = ""

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def blocks(self) -> Sequence[Json]:
        return self.content.blocks

    @property
    def metadata(self) -> Json | None:
        return self.content.metadata

    @property
    def edit_count(self) -> int:
        return len(self.earlier)

    @property
    def is_reply(self) -> bool:
        return bool(self.thread_ts) and self.thread_ts != self.ts

    def version(self, number: int | None) -> Content:
        """Return the content after `number` edits; None is today's."""
        return self.content if number is None else [*self.earlier, self.content][number]

    def to_api(self, app: Json, *, full_metadata: bool = False, version: int | None = None) -> Json:
        """Build the message object of docs.slack.dev; `app` holds the fields every message of an app carries."""
        content = self.version(version)
        # Block edits by an app leave no "(edited)" (docs.slack.dev: chat.update).
        is_marked_edited = bool(self.edited_ts) and not content.blocks
        optional: Json = {
            "subtype": self.subtype,
            "username": self.username,
            "client_msg_id": self.client_msg_id,
            "blocks": deepcopy(list(content.blocks)),
            "attachments": deepcopy(list(content.attachments)),
            "thread_ts": self.thread_ts,
            "edited": {"user": self.edited_by, "ts": self.edited_ts} if is_marked_edited else None,
            "files": deepcopy(self.files),
            "reactions": [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ],
            "metadata": _metadata(content, full=full_metadata),
            "pinned_to": [self.channel_id] if self.is_pinned else None,
            "is_ephemeral": bool(self.ephemeral_to),
        }
        return {
            "type": "message",
            "user": self.user_id,
            "text": content.text,
            "ts": self.ts,
            **(app if self.by_app else {}),
            **{name: value for name, value in optional.items() if value},
        }


def _metadata(content: Content, *, full: bool) -> Json | None:
    """Return the event_payload only to those who asked with include_all_metadata (docs.slack.dev: message-metadata)."""
    if content.metadata is None or full:
        return deepcopy(content.metadata)
    return {"event_type": content.metadata["event_type"]}
