"""All Web API methods: scope, rate limit tier and handler of each (docs.slack.dev: reference/methods)."""

from lab.slack.transport.api import chat, conversations, marks, posting, scheduling, session, sharing, users, views
from lab.slack.transport.api.registry import Method

_WRITE = ("chat:write",)
_ANY_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_ANY_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")

METHODS: dict[str, Method] = {
    "apps.connections.open": Method(session.connections_open, tier=3, token="xapp", post_only=True),  # noqa: S106
    "auth.test": Method(session.auth_test),
    "bookmarks.add": Method(marks.bookmarks_add, ("bookmarks:write",), tier=2),
    "chat.delete": Method(chat.delete, _WRITE, tier=3),
    "chat.deleteScheduledMessage": Method(scheduling.delete_scheduled, _WRITE, tier=3),
    "chat.getPermalink": Method(chat.get_permalink),
    "chat.postEphemeral": Method(posting.post_ephemeral, _WRITE, tier=4),
    "chat.postMessage": Method(posting.post_message, _WRITE, is_posting=True),
    "chat.scheduleMessage": Method(scheduling.schedule, _WRITE, tier=3),
    "chat.scheduledMessages.list": Method(scheduling.list_scheduled, tier=3),
    "chat.update": Method(chat.update, _WRITE, tier=3),
    "conversations.history": Method(conversations.history, _ANY_HISTORY, tier=3),
    "conversations.info": Method(conversations.info, _ANY_READ, tier=3),
    "conversations.join": Method(conversations.join, ("channels:join",), tier=3),
    "conversations.list": Method(conversations.list_channels, _ANY_READ, tier=2),
    "conversations.members": Method(conversations.members, _ANY_READ, tier=4),
    "conversations.open": Method(conversations.open_direct, ("im:write", "mpim:write"), tier=3),
    "conversations.replies": Method(conversations.replies, _ANY_HISTORY, tier=3),
    "files.completeUploadExternal": Method(sharing.complete_upload, ("files:write",), tier=4),
    "files.getUploadURLExternal": Method(sharing.get_upload_url, ("files:write",), tier=4),
    "pins.add": Method(marks.pins_add, ("pins:write",), tier=2),
    "reactions.add": Method(marks.reactions_add, ("reactions:write",), tier=3),
    "usergroups.list": Method(users.usergroups_list, ("usergroups:read",), tier=2),
    "usergroups.users.list": Method(users.usergroups_users, ("usergroups:read",), tier=2),
    "users.info": Method(users.users_info, ("users:read",), tier=4),
    "users.list": Method(users.users_list, ("users:read",), tier=2),
    "users.lookupByEmail": Method(users.lookup_by_email, ("users:read.email",), tier=3),
    "views.open": Method(views.views_open, tier=4),
    "views.publish": Method(views.views_publish, tier=4),
    "views.push": Method(views.views_push, tier=4),
    "views.update": Method(views.views_update, tier=4),
}

NEED_TEAM_ID = frozenset({"conversations.list", "usergroups.list", "usergroups.users.list", "users.list"})
"""With the token of an org-wide install these want to know the workspace (docs.slack.dev: org-ready apps)."""
