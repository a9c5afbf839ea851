"""Decides which events the app hears of: subscribed in the manifest, and with the bot in the conversation."""

import re
from typing import Any

from lab.slack.transport.event_delivery import Envelope, EnvelopeKind, EventDelivery
from lab.slack.workspace.channels import Channel, ChannelKind
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.workspace import Workspace

_MESSAGE_EVENT = {
    ChannelKind.PUBLIC: ("message.channels", "channel"),
    ChannelKind.PRIVATE: ("message.groups", "group"),
    ChannelKind.IM: ("message.im", "im"),
    ChannelKind.MPIM: ("message.mpim", "mpim"),
}


class EventFeed:
    """The events of the workspace that the app is subscribed to."""

    def __init__(self, workspace: Workspace, delivery: EventDelivery) -> None:
        self._workspace = workspace
        self._delivery = delivery
        workspace.listeners.append(self._message_changed)

    def announce(self, subscription: str, event: Json) -> bool:
        """Send the event if the manifest subscribes to it; the answer says whether."""
        if subscription not in self._workspace.manifest.bot_events:
            return False
        directory = self._workspace.directory
        now_s = self._workspace.clock.now()
        payload: dict[str, Any] = {
            "token": "lab-verification-token",
            "team_id": directory.team.id,
            "context_team_id": directory.team.id,
            "context_enterprise_id": None,
            "api_app_id": directory.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": self._workspace.new_id("Ev"),
            "event_time": int(now_s),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": directory.team.id,
                    "user_id": directory.app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": "4-lab",
        }
        self._delivery.announce(Envelope(kind=EnvelopeKind.EVENT, payload=payload))
        return True

    def home_opened(self, user_id: str, channel: Channel, tab: str) -> bool:
        event: Json = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": channel.id,
            "tab": tab,
            "event_ts": self._workspace.next_ts(),
        }
        home = self._workspace.views.home(user_id)
        if tab == "home" and home is not None:
            event["view"] = home.to_api(self._workspace.directory.team.id, self._workspace.app_fields())
        return self.announce("app_home_opened", event)

    def reacted(self, user_id: str, channel: Channel, message: Message, name: str) -> bool:
        if self._workspace.bot_id not in channel.members:
            return False
        event = {
            "type": "reaction_added",
            "user": user_id,
            "reaction": name,
            "item_user": message.user_id,
            "item": {"type": "message", "channel": channel.id, "ts": message.ts},
            "event_ts": self._workspace.next_ts(),
        }
        return self.announce("reaction_added", event)

    def _message_changed(self, what: str, channel: Channel, message: Message) -> None:
        if self._workspace.bot_id not in channel.members:
            return
        subscription, channel_type = _MESSAGE_EVENT[channel.kind]
        body = message.to_api(self._workspace.app_fields(), full_metadata=True)
        place = {"channel": channel.id, "channel_type": channel_type}
        if what == "posted":
            event = {**body, **place, "event_ts": message.ts}
            mention = rf"<@{re.escape(self._workspace.bot_id)}(\|[^>]*)?>"
            if not message.by_app and not channel.is_direct and re.search(mention, message.text):
                author = self._workspace.users.get(message.user_id)
                teams = {"user_team": author.team_id} if author and author.team_id else {}  # Slack Connect
                self.announce("app_mention", {**event, **teams, "type": "app_mention"})
        elif what == "updated":
            previous = message.to_api(self._workspace.app_fields(), version=message.edit_count - 1)
            event = {"type": "message", "subtype": "message_changed", "hidden": True, **place}
            event |= {"message": body, "previous_message": previous, "ts": message.edited_ts}
            event["event_ts"] = message.edited_ts
        else:
            gone_ts = self._workspace.next_ts()
            event = {"type": "message", "subtype": "message_deleted", "hidden": True, **place}
            event |= {"previous_message": body, "deleted_ts": message.ts, "ts": gone_ts, "event_ts": gone_ts}
        self.announce(subscription, event)
