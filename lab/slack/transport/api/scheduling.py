"""chat.scheduleMessage and kin: decides when a planned message may be planned, and whether it ever posts."""

from lab.slack.transport.api.posting import compose, need_something_to_show, read_content, target_channel, truncate
from lab.slack.transport.api.registry import Call
from lab.slack.workspace.channels import Channel, ScheduledMessage
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError

HORIZON_S = 120 * 24 * 3600
SLOT_S = 5 * 60
PER_SLOT = 30


def schedule(call: Call) -> Json:
    workspace = call.workspace
    channel = target_channel(call)
    call.args.required("post_at")
    post_at_s = call.args.integer("post_at", 0)
    now_s = workspace.clock.now()
    if post_at_s <= now_s:
        raise RefusalError("time_in_past")
    if post_at_s > now_s + HORIZON_S:
        raise RefusalError("time_too_far")
    near = [one for one in channel.scheduled.values() if abs(one.post_at_s - post_at_s) < SLOT_S]
    if len(near) >= PER_SLOT:
        raise RefusalError("restricted_too_many")
    truncate(call)
    content = read_content(call)
    need_something_to_show(content)
    planned = ScheduledMessage(
        id=workspace.new_id("Q"), post_at_s=post_at_s, created_at_s=now_s, arguments=dict(call.args.values)
    )
    channel.scheduled[planned.id] = planned

    def post() -> None:
        # docs.slack.dev: chat.scheduleMessage, "Bug alert": with metadata it never posts, and nobody is told.
        if channel.scheduled.pop(planned.id, None) and content.metadata is None and not channel.is_archived:
            workspace.post(channel, compose(call, channel))

    planned.timer = workspace.clock.call_later(post_at_s - now_s, post)
    return {
        "channel": channel.id,
        "scheduled_message_id": planned.id,
        "post_at": post_at_s,
        "message": {"type": "delayed_message", "text": content.text, **workspace.app_fields()},
    }


def delete_scheduled(call: Call) -> Json:
    channel = call.find_channel()
    planned = channel.scheduled.pop(call.args.required("scheduled_message_id"), None)
    if planned is None:
        raise RefusalError("invalid_scheduled_message_id")
    planned.timer.cancel()
    return {}


def list_scheduled(call: Call) -> Json:
    channels: list[Channel] = [call.find_channel()] if "channel" in call.args else [*call.workspace.channels.values()]
    found = [
        {
            "id": one.id,
            "channel_id": channel.id,
            "post_at": one.post_at_s,
            "date_created": int(one.created_at_s),
            "text": str(one.arguments.get("text", "")),
        }
        for channel in channels
        for one in channel.scheduled.values()
    ]
    page, metadata = call.page(sorted(found, key=lambda one: (one["post_at"], one["id"])))
    return {"scheduled_messages": page, "response_metadata": metadata}
