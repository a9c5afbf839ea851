"""chat.update, chat.delete, chat.getPermalink: what an app may do to a message that already stands."""

from dataclasses import replace

from lab.slack.transport.api.posting import (
    need_something_to_show,
    read_blocks,
    read_content,
    read_metadata,
    stored_text,
)
from lab.slack.transport.api.registry import Call
from lab.slack.workspace.blocks.stored import store_blocks
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.messages import Content, Json, Message
from lab.slack.workspace.refusals import RefusalError

UPDATE_TEXT_LIMIT = 4_000  # docs.slack.dev: chat.update


def _own_message(call: Call, refusal: str) -> tuple[Channel, Message]:
    channel = call.find_channel()
    if channel.is_archived:
        raise RefusalError("is_archived")
    message = channel.messages.get(call.args.required("ts"))
    if message is None:  # ephemeral messages are not found either: they cannot be updated
        raise RefusalError("message_not_found")
    if not message.by_app:
        raise RefusalError(refusal)
    return channel, message


def update(call: Call) -> Json:
    channel, message = _own_message(call, "cant_update_message")
    if len(call.args.text("text")) > UPDATE_TEXT_LIMIT:
        raise RefusalError("msg_too_long")
    content = _updated(call, message.content)
    need_something_to_show(content)
    was_rich = bool(message.blocks) and all(block["type"] == "rich_text" for block in message.blocks)
    if was_rich and content.blocks and all(block["type"] != "rich_text" for block in content.blocks):
        raise RefusalError("block_mismatch")
    call.workspace.edit(channel, message, content, call.workspace.bot_id)
    body = message.to_api(call.workspace.app_fields(), full_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": body}


def _updated(call: Call, before: Content) -> Content:
    """Text alone takes the blocks away; they stay only when text is absent too. Metadata stays unless given."""
    args = call.args
    if not any(name in args for name in ("text", "blocks", "attachments", "markdown_text", "metadata")):
        raise RefusalError("no_text")
    if "markdown_text" in args:
        after = read_content(call)
    else:
        blocks = read_blocks(args)
        text = stored_text(args, args.text("text")) if "text" in args else before.text
        after = replace(before, text=text)
        if blocks is not None:
            after = replace(after, blocks=tuple(store_blocks(blocks)))
        elif "text" in args:
            after = replace(after, blocks=())
        if "attachments" in args:
            after = replace(after, attachments=read_content(call).attachments)
        elif "text" in args or blocks is not None:
            after = replace(after, attachments=before.attachments if blocks is None and "text" not in args else ())
    metadata = read_metadata(args)
    return replace(after, metadata=before.metadata if metadata is None else (metadata or None))


def delete(call: Call) -> Json:
    channel, message = _own_message(call, "cant_delete_message")
    call.workspace.delete(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    channel = call.find_channel()
    ts = call.args.required("message_ts")
    message = channel.messages.get(ts)
    if message is None:
        raise RefusalError("message_not_found")
    link = f"https://{call.workspace.directory.team.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}
