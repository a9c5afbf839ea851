"""chat.postMessage and its kin: decides where an app may post and what of its message is stored."""

from copy import deepcopy
from typing import Any

from lab.slack.transport.api.registry import Call
from lab.slack.transport.api.wire import Args
from lab.slack.workspace.blocks.check import message_problems
from lab.slack.workspace.blocks.stored import store_blocks
from lab.slack.workspace.channels import Channel, ChannelKind
from lab.slack.workspace.escaping import link_urls, store_mrkdwn
from lab.slack.workspace.messages import Content, Json, Message
from lab.slack.workspace.refusals import NotOnScreenError, RefusalError

TEXT_LIMIT = 40_000  # docs.slack.dev: chat.postMessage
MARKDOWN_LIMIT = 12_000
ATTACHMENT_LIMIT = 100
METADATA_LIMIT_BYTES = 16_000  # the real limit is unpublished; a card's metadata is far below


def read_content(call: Call) -> Content:
    """Check text, blocks, attachments and metadata of a message about to be shown."""
    args = call.args
    blocks = read_blocks(args)
    attachments = _read_attachments(args)
    markdown = args.text("markdown_text")
    if markdown:
        if "text" in args or "blocks" in args:
            raise RefusalError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_LIMIT:
            raise RefusalError("msg_too_long")
        blocks = [{"type": "markdown", "text": markdown}]
    return Content(
        text=stored_text(args, markdown or args.text("text")),
        blocks=tuple(store_blocks(blocks or [])),
        attachments=tuple(attachments or []),
        metadata=read_metadata(args) or None,
    )


def stored_text(args: Args, text: str) -> str:
    stored = store_mrkdwn(text)
    return stored if args.text("parse") == "none" else link_urls(stored)


def read_blocks(args: Args) -> list[Json] | None:
    """None when absent; raise invalid_blocks with every reason otherwise."""
    blocks = args.json("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise RefusalError("invalid_blocks_format", ["[ERROR] must be an array [json-pointer:/blocks]"])
    if problems := message_problems(blocks):
        raise RefusalError("invalid_blocks", problems)
    return blocks


def _read_attachments(args: Args) -> list[Json] | None:
    attachments = args.json("attachments", "invalid_attachments")
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise RefusalError("invalid_attachments")
    if len(attachments) > ATTACHMENT_LIMIT:
        raise RefusalError("too_many_attachments")
    stored = deepcopy(attachments)
    for number, attachment in enumerate(stored, start=1):
        attachment["id"] = number
        if "blocks" in attachment:
            if problems := message_problems(attachment["blocks"], f"/attachments/{number - 1}/blocks"):
                raise RefusalError("invalid_blocks", problems)
            attachment["blocks"] = store_blocks(attachment["blocks"])
    return stored


def read_metadata(args: Args) -> Any:
    """None when absent, `{}` when it shall be removed."""
    metadata = args.json("metadata", "invalid_metadata_format")
    if metadata is None or metadata == {}:
        return metadata
    if not isinstance(metadata, dict):
        raise RefusalError("invalid_metadata_format")
    well_formed = isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
    if not well_formed or not metadata["event_type"] or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise RefusalError("invalid_metadata_schema")
    if len(str(metadata).encode()) > METADATA_LIMIT_BYTES:
        raise RefusalError("metadata_too_large")
    return metadata


def target_channel(call: Call) -> Channel:
    """Where the app may post: its own conversations, public ones with chat:write.public, people by their id."""
    workspace = call.workspace
    reference = call.args.required("channel", "channel_not_found")
    if reference in workspace.users:
        if reference == workspace.bot_id or workspace.users[reference].deleted:
            raise RefusalError("channel_not_found")
        if not workspace.manifest.features.app_home.messages_tab_enabled:
            raise RefusalError("messages_tab_disabled")
        return workspace.direct_message([reference])
    try:
        channel = workspace.channel(reference)
    except NotOnScreenError:
        raise RefusalError("channel_not_found") from None
    if workspace.bot_id not in channel.members:
        if channel.kind is not ChannelKind.PUBLIC:
            raise RefusalError("channel_not_found")
        if "chat:write.public" not in workspace.manifest.scopes:
            raise RefusalError("not_in_channel")
    if channel.is_archived:
        raise RefusalError("is_archived")
    return channel


def read_thread(call: Call, channel: Channel) -> str:
    """Return the parent's ts: a reply's ts names no thread.

    A parent that somebody deleted is no error: Slack says ``ok``, drops ``thread_ts`` and posts at the root
    (slack-go#1571).
    """
    thread_ts = call.args.text("thread_ts")
    parent = channel.messages.get(thread_ts)
    if parent is None:
        return ""
    if parent.is_locked:
        raise RefusalError("restricted_action_thread_locked")
    if parent.is_reply:
        raise RefusalError("cannot_reply_to_message")
    return thread_ts


def truncate(call: Call) -> None:
    text = call.args.text("text")
    if len(text) > TEXT_LIMIT:
        call.args.values["text"] = text[:TEXT_LIMIT]
        call.warnings.append("message_truncated")


def need_something_to_show(content: Content) -> None:
    if not (content.text.strip() or content.blocks or content.attachments):
        raise RefusalError("no_text")


def need_right_to_post(call: Call, channel: Channel, content: Content, thread_ts: str) -> None:
    """Refuse what the workspace's or the channel's owners do not allow (docs.slack.dev: chat.postMessage)."""
    is_forbidden = {
        "restricted_action_thread_only_channel": not thread_ts,
        "restricted_action_non_threadable_channel": bool(thread_ts),
    }.get(channel.restriction, bool(channel.restriction))
    if is_forbidden:
        raise RefusalError(channel.restriction)
    if not call.workspace.may_mention_groups and "<!subteam^" in f"{content.text} {content.blocks}":
        raise RefusalError("restricted_action")


def compose(call: Call, channel: Channel) -> Message:
    truncate(call)
    content = read_content(call)
    need_something_to_show(content)
    thread_ts = read_thread(call, channel)
    need_right_to_post(call, channel, content, thread_ts)
    message = Message(
        channel_id=channel.id, ts="", user_id=call.workspace.bot_id, content=content, by_app=True, thread_ts=thread_ts
    )
    message.is_broadcast = bool(thread_ts) and call.args.flag("reply_broadcast")
    if message.is_broadcast:
        message.subtype = "thread_broadcast"
    if call.args.text("username") or call.args.text("icon_emoji") or call.args.text("icon_url"):
        call.need_scope("chat:write.customize")
        message.username = call.args.text("username")
        message.icon = call.args.text("icon_emoji") or call.args.text("icon_url")
    return message


def post_message(call: Call) -> Json:
    channel = target_channel(call)
    message = call.workspace.post(channel, compose(call, channel))
    body = message.to_api(call.workspace.app_fields(), full_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": body}


def post_ephemeral(call: Call) -> Json:
    channel = target_channel(call)
    user_id = call.args.required("user")
    if user_id not in call.workspace.users:
        raise RefusalError("user_not_found")
    if user_id not in channel.members:
        raise RefusalError("user_not_in_channel")
    message = compose(call, channel)
    message.ephemeral_to = user_id
    call.workspace.post_ephemeral(channel, message)
    return {"message_ts": message.ts}
