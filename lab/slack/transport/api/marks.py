"""reactions.add, pins.add, bookmarks.add: small marks on messages and channels."""

import re

from lab.slack.transport.api.registry import Call
from lab.slack.workspace.changes import Change
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError

BOOKMARK_LIMIT = 100


def reactions_add(call: Call) -> Json:
    channel = call.find_channel()
    call.need_membership(channel)
    name = call.args.required("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+\-'():]+", name):
        raise RefusalError("invalid_name")
    message = channel.messages.get(call.args.required("timestamp"))
    if message is None:
        raise RefusalError("message_not_found")
    people = message.reactions.setdefault(name, [])
    if call.workspace.bot_id in people:
        raise RefusalError("already_reacted")
    people.append(call.workspace.bot_id)
    call.workspace.changes.publish(Change("message.reacted", channel.id, message.ts, call.workspace.bot_id))
    return {}


def pins_add(call: Call) -> Json:
    channel = call.find_channel()
    call.need_membership(channel)
    message = channel.messages.get(call.args.required("timestamp", "no_item_specified"))
    if message is None:
        raise RefusalError("message_not_found")
    if message.is_pinned:
        raise RefusalError("already_pinned")
    message.is_pinned = True
    channel.pins.append(message.ts)
    return {}


def bookmarks_add(call: Call) -> Json:
    channel = call.find_channel("channel_id")
    call.need_membership(channel)
    kind = call.args.required("type")
    if kind != "link":
        raise RefusalError("invalid_bookmark_type")
    if len(channel.bookmarks) >= BOOKMARK_LIMIT:
        raise RefusalError("too_many_bookmarks")
    link = call.args.required("link", "invalid_link")
    if not link.startswith(("http://", "https://")):
        raise RefusalError("invalid_link")
    bookmark: Json = {
        "id": call.workspace.new_id("Bk"),
        "channel_id": channel.id,
        "title": call.args.required("title"),
        "link": link,
        "emoji": call.args.text("emoji"),
        "type": kind,
        "date_created": int(call.workspace.clock.now()),
        "app_id": call.workspace.directory.app.id,
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}
