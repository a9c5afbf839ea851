"""files.getUploadURLExternal and files.completeUploadExternal: the first and the last step of an upload."""

import asyncio

from lab.slack.transport.api.posting import read_thread, target_channel
from lab.slack.transport.api.registry import Call
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.escaping import store_mrkdwn
from lab.slack.workspace.files import SIZE_LIMIT_BYTES, StoredFile
from lab.slack.workspace.messages import Content, Json, Message
from lab.slack.workspace.refusals import RefusalError

ALT_TEXT_LIMIT = 1000  # docs.slack.dev: files.getUploadURLExternal


def get_upload_url(call: Call) -> Json:
    name = call.args.text("filename")
    length = call.args.integer("length", 0)
    if not name or length <= 0:  # an empty file is refused as if the length were missing
        raise RefusalError("missing_argument")
    if length > SIZE_LIMIT_BYTES:
        raise RefusalError("file_upload_size_restricted")
    alt_text = call.args.text("alt_txt")
    if len(alt_text) > ALT_TEXT_LIMIT:
        raise RefusalError("alt_txt_too_large")
    file = call.workspace.files.promise(call.workspace.new_id("F"), name, length)
    file.alt_text = alt_text
    return {"upload_url": f"{call.base_url}/upload/{file.key}", "file_id": file.id}


def complete_upload(call: Call) -> Json:
    wanted = call.args.json("files")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) and "id" in one for one in wanted):
        raise RefusalError("invalid_arguments", ["[ERROR] missing required field: files"])
    files: list[StoredFile] = []
    for one in wanted:
        file = call.workspace.files.files.get(str(one["id"]))
        if file is None or file.content is None or file.is_complete:
            raise RefusalError("file_not_found")
        file.title = str(one.get("title") or file.name)
        files.append(file)
    reference = call.args.text("channel_id") or call.args.text("channels")
    if reference:
        call.args.values["channel"] = reference
        channel = target_channel(call)
        call.need_membership(channel)
        _share(call, channel, files)
    for file in files:
        file.is_complete = True
    domain = call.workspace.directory.team.domain
    return {"files": [{"id": file.id, "title": file.title, **file.to_api(domain)} for file in files]}


def _share(call: Call, channel: Channel, files: list[StoredFile]) -> None:
    thread_ts = read_thread(call, channel)
    workspace = call.workspace
    content = Content(store_mrkdwn(call.args.text("initial_comment")))
    message = Message(
        channel_id=channel.id, ts="", user_id=workspace.bot_id, content=content, by_app=True, thread_ts=thread_ts
    )

    def share() -> None:
        message.files = [file.to_api(workspace.directory.team.domain) for file in files]
        workspace.post(channel, message)
        for file in files:
            file.shares[channel.id] = message.ts

    # Sharing is asynchronous: the answer comes first, with `shares` still empty (docs.slack.dev: working-with-files).
    asyncio.get_running_loop().call_soon(share)
