"""conversations.*: which conversations an app sees, who is in them, and what was said."""

from lab.slack.transport.api.registry import Call
from lab.slack.workspace.channels import Channel, ChannelKind
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.refusals import RefusalError

MPIM_LIMIT = 8  # docs.slack.dev: conversations.open


def info(call: Call) -> Json:
    channel = call.find_channel()
    call.need_family_scope(channel, "read")
    body = channel.to_api(call.workspace.bot_id)
    if not call.args.flag("include_num_members"):
        body.pop("num_members", None)
    return {"channel": body}


def list_channels(call: Call) -> Json:
    kinds = call.args.names("types") or ["public_channel"]
    for kind in kinds:
        if kind not in set(ChannelKind):
            raise RefusalError("invalid_types")
        call.need_scope(f"{'channels' if kind == 'public_channel' else _family(kind)}:read")
    bot_id = call.workspace.bot_id
    seen = [
        channel.to_api(bot_id)
        for channel in call.workspace.channels.values()
        if channel.kind.value in kinds
        and (channel.kind is ChannelKind.PUBLIC or bot_id in channel.members)
        and not (channel.is_archived and call.args.flag("exclude_archived"))
    ]
    page, metadata = call.page(seen)
    return {"channels": page, "response_metadata": metadata}


def _family(kind: str) -> str:
    return {"private_channel": "groups"}.get(kind, kind)


def members(call: Call) -> Json:
    channel = call.find_channel()
    call.need_family_scope(channel, "read")
    page, metadata = call.page([{"id": one} for one in channel.members])
    return {"members": [one["id"] for one in page], "response_metadata": metadata}


def _readable(call: Call) -> Channel:
    channel = call.find_channel()
    call.need_family_scope(channel, "history")
    call.need_membership(channel)
    return channel


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.args.text("oldest", "0"), call.args.text("latest")
    inclusive = call.args.flag("inclusive")

    def fits(message: Message) -> bool:
        ts = _us(message.ts)
        after = ts >= _us(oldest) if inclusive else ts > _us(oldest)
        if not latest:
            return after
        return after and (ts <= _us(latest) if inclusive else ts < _us(latest))

    return [message for message in messages if fits(message)]


def _us(ts: str) -> int:
    seconds, _, micros = ts.partition(".")
    try:
        return int(seconds) * 1_000_000 + int((micros or "0").ljust(6, "0")[:6])
    except ValueError:
        raise RefusalError("invalid_ts_oldest") from None


def _bodies(call: Call, channel: Channel, messages: list[Message]) -> list[Json]:
    full = call.args.flag("include_all_metadata")
    bodies = []
    for message in messages:
        body = message.to_api(call.workspace.app_fields(), full_metadata=full)
        replies = [] if message.is_reply else channel.replies(message.ts)
        if replies:
            who = [*dict.fromkeys(reply.user_id for reply in replies)]
            body |= {
                "reply_count": len(replies),
                "reply_users_count": len(who),
                "latest_reply": replies[-1].ts,
                "reply_users": who,
                "is_locked": False,
                "subscribed": message.by_app,
            }
        if message.is_reply:
            body["parent_user_id"] = channel.messages[message.thread_ts].user_id
        bodies.append(body)
    return bodies


def history(call: Call) -> Json:
    """Newest first, without thread replies unless they were broadcast."""
    channel = _readable(call)
    shown = _between(call, channel.roots())
    page, metadata = call.page(_bodies(call, channel, shown)[::-1])
    return {
        "messages": page,
        "has_more": bool(metadata["next_cursor"]),
        "pin_count": len(channel.pins),
        "response_metadata": metadata,
    }


def replies(call: Call) -> Json:
    """Oldest first, the parent leading, whichever message of the thread was named."""
    channel = _readable(call)
    named = channel.messages.get(call.args.required("ts"))
    if named is None:
        raise RefusalError("thread_not_found")
    parent = channel.messages[named.thread_ts] if named.is_reply else named
    shown = [parent, *_between(call, channel.replies(parent.ts))]
    page, metadata = call.page(_bodies(call, channel, shown), 1000)
    return {"messages": page, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


def join(call: Call) -> Json:
    channel = call.workspace.channels.get(call.args.required("channel"))
    if channel is None:
        raise RefusalError("channel_not_found")
    if channel.kind is not ChannelKind.PUBLIC:
        raise RefusalError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusalError("is_archived")
    if call.workspace.bot_id in channel.members:
        call.warnings.append("already_in_channel")
    else:
        channel.members.append(call.workspace.bot_id)
    return {"channel": channel.to_api(call.workspace.bot_id)}


def open_direct(call: Call) -> Json:
    if "channel" in call.args:
        channel = call.find_channel()
        if not channel.is_direct:
            raise RefusalError("method_not_supported_for_channel_type")
    else:
        user_ids = call.args.names("users")
        if not user_ids:
            raise RefusalError("users_list_not_supplied")
        if len(user_ids) > MPIM_LIMIT:
            raise RefusalError("too_many_users")
        call.need_scope("im:write" if len(user_ids) == 1 else "mpim:write")
        users = [call.workspace.users.get(one) for one in user_ids]
        if any(user is None for user in users):
            raise RefusalError("user_not_found")
        if any(user is not None and user.deleted for user in users):
            raise RefusalError("user_disabled")
        if user_ids == [call.workspace.bot_id]:
            raise RefusalError("cannot_dm_bot")
        channel = call.workspace.direct_message(user_ids)
    body = channel.to_api(call.workspace.bot_id) if call.args.flag("return_im") else {"id": channel.id}
    return {"channel": body}
