"""Messages that come as an answer: in the ack of a slash command, or through a response_url."""

import json
from dataclasses import replace
from typing import Any

from aiohttp import web

from lab.slack.transport.api.posting import need_something_to_show, read_content, read_thread
from lab.slack.transport.api.registry import Call
from lab.slack.transport.api.wire import Args
from lab.slack.workspace.call_log import RecordedCall
from lab.slack.workspace.changes import Change
from lab.slack.workspace.faults import FaultKind, Faults
from lab.slack.workspace.grants import Grants, ResponseGrant
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.payload_record import RECORD
from lab.slack.workspace.refusals import RefusalError
from lab.slack.workspace.workspace import Workspace

_ANSWERS = {"ephemeral", "in_channel"}
METHOD = "response_url"


class Responses:
    """The messages that answer a person. Posting permission is not asked for: the person invited the answer."""

    def __init__(self, workspace: Workspace, grants: Grants, faults: Faults) -> None:
        self._workspace = workspace
        self._grants = grants
        self._faults = faults

    def _call(self, values: Json) -> Call:
        return Call(
            args=Args(values),
            workspace=self._workspace,
            grants=self._grants,
            faults=self._faults,
            base_url="",
            websocket_url=lambda: "",
        )

    def _message(self, grant: ResponseGrant, values: Json) -> Message:
        """Check and build the message; raise RefusalError."""
        call = self._call(values)
        kind = values.get("response_type", "ephemeral")
        if kind not in _ANSWERS:
            raise RefusalError("invalid_arguments", [f"[ERROR] unsupported response_type: {kind}"])
        content = read_content(call)
        need_something_to_show(content)
        channel = self._workspace.channels[grant.channel_id]
        thread_ts = read_thread(call, channel) if values.get("replace_original") is False else ""
        message = Message(
            channel_id=grant.channel_id,
            ts="",
            user_id=self._workspace.bot_id,
            content=content,
            by_app=True,
            thread_ts=thread_ts,
        )
        if kind == "ephemeral":
            message.ephemeral_to = grant.user_id
        else:
            message.typed_command, message.typed_by = grant.typed_command, grant.user_id
        return message

    def show(self, grant: ResponseGrant, values: Json) -> Message:
        """Post a new message for the person alone, or for everybody with `response_type: in_channel`."""
        message = self._message(grant, values)
        channel = self._workspace.channels[grant.channel_id]
        if message.ephemeral_to:
            return self._workspace.post_ephemeral(channel, message)
        return self._workspace.post(channel, message)

    def in_ack(self, user_id: str, channel_id: str, typed: str, payload: Any) -> Message | None:
        """Show what a slash command's ack says; None when it says nothing."""
        values = {"text": payload} if isinstance(payload, str) else payload
        if not values:
            return None
        if not isinstance(values, dict):
            raise RefusalError("invalid_command_response")
        grant = ResponseGrant(user_id=user_id, channel_id=channel_id, expires_s=0.0, typed_command=typed)
        return self.show(grant, values)

    # -- response_url -----------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        try:
            values = await _read(request)
            self._refuse_as_told(values)
            self._answer(self._grants.use_response(request.match_info["key"]), values)
            RECORD.answer("response_url", values)
        except RefusalError as refusal:
            self._record(refusal)
            status = 404 if refusal.error in {"invalid_url", "expired_url", "used_url"} else 400
            return web.json_response(refusal.body(), status=status)
        self._record(None)
        return web.Response(text="ok")

    def _refuse_as_told(self, values: Json) -> None:
        """Play a refusal that was ordered for these addresses by name: what is said of a token is not about them."""
        if any(one.target == METHOD for one in self._faults.active):
            fault = self._faults.take({FaultKind.REFUSED}, METHOD, values)
            if fault is not None:
                raise RefusalError(fault.error)

    def _answer(self, grant: ResponseGrant, values: Json) -> None:
        origin = grant.origin
        if values.get("delete_original"):
            if origin is not None and not origin.is_deleted:
                self._workspace.delete(self._workspace.channels[grant.channel_id], origin)
            return
        # Without an original there is nothing to replace: what the person typed stays (docs.slack.dev).
        if values.get("replace_original") and origin is not None:
            if origin.is_deleted:
                raise RefusalError("message_not_found")
            content = self._message(grant, values).content
            kept = replace(content, metadata=content.metadata or origin.metadata)
            self._workspace.edit(self._workspace.channels[grant.channel_id], origin, kept, self._workspace.bot_id)
            return
        self.show(grant, values)

    def _record(self, refusal: RefusalError | None) -> None:
        now_s = self._workspace.clock.now()
        error, messages = (refusal.error, refusal.messages) if refusal else ("", ())
        self._workspace.call_log.record(RecordedCall(at_s=now_s, method=METHOD, error=error, messages=tuple(messages)))
        self._workspace.changes.publish(Change("call", "", METHOD))


async def _read(request: web.Request) -> Json:
    body = await request.read()
    try:
        values = json.loads(body)
    except ValueError:
        raise RefusalError("invalid_payload") from None
    if not isinstance(values, dict):
        raise RefusalError("invalid_payload")
    return values
