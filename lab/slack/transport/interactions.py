"""Builds what the app hears when a person does something (docs.slack.dev: interaction payloads), judges the answer."""

import asyncio
from typing import Any

from lab.slack.transport.event_delivery import Ack, Answer, Envelope, EnvelopeKind, EventDelivery
from lab.slack.workspace.channels import Channel
from lab.slack.workspace.faults import FaultKind, Faults
from lab.slack.workspace.grants import Grants
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.view import View
from lab.slack.workspace.workspace import Workspace


class Interactions:
    """The payloads of interactions, made from what is stored, never from what somebody claims is on the screen."""

    def __init__(self, workspace: Workspace, delivery: EventDelivery, grants: Grants, faults: Faults) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._grants = grants
        self._faults = faults
        self.base_url = ""

    def _team(self) -> Json:
        team = self._workspace.directory.team
        return {"id": team.id, "domain": team.domain}

    def _who(self, user_id: str) -> Json:
        user = self._workspace.users[user_id]
        team_id = user.team_id or self._workspace.directory.team.id
        return {"id": user_id, "username": user.name, "name": user.name, "team_id": team_id}

    def _enterprise(self) -> Json | None:
        enterprise_id = self._workspace.directory.team.enterprise_id
        return {"id": enterprise_id, "name": "Contoso"} if enterprise_id else None

    def _common_fields(self, kind: str, user_id: str) -> Json:
        return {
            "type": kind,
            "user": self._who(user_id),
            "api_app_id": self._workspace.directory.app.id,
            "token": "lab-verification-token",
            "team": self._team(),
            "enterprise": self._enterprise(),
            "is_enterprise_install": False,
        }

    def _view_body(self, view: View) -> Json:
        return view.to_api(self._workspace.directory.team.id, self._workspace.app_fields())

    def response_url(self, user_id: str, channel_id: str, origin: Message | None = None, typed: str = "") -> str:
        return f"{self.base_url}/response/{self._grants.new_response(user_id, channel_id, origin, typed)}"

    # -- slash ------------------------------------------------------------------------------------------------------

    async def slash(self, user_id: str, channel: Channel, command: str, text: str) -> Answer:
        directory = self._workspace.directory
        payload: Json = {
            "token": "lab-verification-token",
            "team_id": directory.team.id,
            "team_domain": directory.team.domain,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_direct else _shown_name(channel),
            "user_id": user_id,
            "user_name": self._workspace.users[user_id].name,
            "command": command,
            "text": text,
            "api_app_id": directory.app.id,
            "is_enterprise_install": "false",
            "response_url": self.response_url(user_id, channel.id, typed=f"{command} {text}".strip()),
            "trigger_id": self._grants.new_trigger(user_id),
        }
        return await self._delivery.ask(
            Envelope(kind=EnvelopeKind.SLASH, payload=payload, accepts_response_payload=True)
        )

    # -- shortcuts --------------------------------------------------------------------------------------------------

    async def shortcut(self, user_id: str, callback_id: str) -> Answer:
        """Choose a global shortcut (docs.slack.dev: reference/interaction-payloads/shortcuts-interaction-payload)."""
        payload: Json = {
            **self._common_fields("shortcut", user_id),
            "callback_id": callback_id,
            "action_ts": self._workspace.next_ts(),
            "trigger_id": self._grants.new_trigger(user_id),
        }
        return await self._delivery.ask(Envelope(kind=EnvelopeKind.INTERACTIVE, payload=payload))

    # -- buttons and menus ------------------------------------------------------------------------------------------

    async def message_action(
        self, user_id: str, message: Message, action: Json, state: Json, *, version: int | None
    ) -> Answer:
        channel = self._workspace.channels[message.channel_id]
        body = message.to_api(self._workspace.app_fields(), full_metadata=True, version=version)
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": bool(message.ephemeral_to),
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = {
            **self._common_fields("block_actions", user_id),
            "container": container,
            "trigger_id": self._grants.new_trigger(user_id),
            "channel": {"id": channel.id, "name": "directmessage" if channel.is_direct else _shown_name(channel)},
            "state": {"values": state},
            "response_url": self.response_url(user_id, channel.id, message),
            "actions": [{**action, "action_ts": self._workspace.next_ts()}],
        }
        if not message.ephemeral_to:  # the app gets no copy of an ephemeral message
            payload["message"] = body
        return await self._act(payload)

    async def view_action(self, user_id: str, view: View, action: Json) -> Answer:
        body = self._view_body(view)
        payload = {
            **self._common_fields("block_actions", user_id),
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": self._grants.new_trigger(user_id, view.id),
            "view": body,
            "actions": [{**action, "action_ts": self._workspace.next_ts()}],
        }
        return await self._act(payload)

    async def _act(self, payload: Json) -> Answer:
        envelope = Envelope(kind=EnvelopeKind.INTERACTIVE, payload=payload)
        if self._faults.take({FaultKind.DOUBLE_CLICK}, envelope.subject):
            again = {**payload, "trigger_id": self._grants.new_trigger(payload["user"]["id"])}
            again["actions"] = [{**one, "action_ts": self._workspace.next_ts()} for one in payload["actions"]]
            second = Envelope(kind=EnvelopeKind.INTERACTIVE, payload=again)
            first, _ = await asyncio.gather(self._delivery.ask(envelope), self._delivery.ask(second))
            return first
        return await self._delivery.ask(envelope)

    async def suggestion(
        self, user_id: str, container: View | Message, block_id: str, action_id: str, value: str
    ) -> Any:
        payload: Json = {
            **self._common_fields("block_suggestion", user_id),
            "action_id": action_id,
            "block_id": block_id,
            "value": value,
        }
        if isinstance(container, View):
            payload["container"] = {"type": "view", "view_id": container.id}
            payload["view"] = self._view_body(container)
        else:
            channel = self._workspace.channels[container.channel_id]
            payload["container"] = {
                "type": "message",
                "message_ts": container.ts,
                "channel_id": channel.id,
                "is_ephemeral": bool(container.ephemeral_to),
            }
            payload["channel"] = {"id": channel.id, "name": _shown_name(channel)}
            payload["message"] = container.to_api(self._workspace.app_fields())
        return await self._delivery.ask(
            Envelope(kind=EnvelopeKind.INTERACTIVE, payload=payload, accepts_response_payload=True)
        )

    # -- views ------------------------------------------------------------------------------------------------------

    async def submission(self, user_id: str, view: View) -> Answer:
        payload = {
            **self._common_fields("view_submission", user_id),
            "trigger_id": self._grants.new_trigger(user_id, view.id),
            "view": self._view_body(view),
            "response_urls": self._response_urls(user_id, view),
        }
        return await self._delivery.ask(
            Envelope(kind=EnvelopeKind.INTERACTIVE, payload=payload, accepts_response_payload=True)
        )

    def _response_urls(self, user_id: str, view: View) -> list[Json]:
        """One per conversation picker that asks for it (docs.slack.dev: view-interactions-payload)."""
        urls: list[Json] = []
        for block in view.blocks:
            element = block.get("element", {})
            chosen = view.state.get(block.get("block_id", ""), {}).get(element.get("action_id", ""), {})
            channel_id = chosen.get("selected_channel") or chosen.get("selected_conversation")
            if element.get("response_url_enabled") and channel_id:
                url = self.response_url(user_id, channel_id)
                ids = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel_id}
                urls.append({**ids, "response_url": url})
        return urls

    async def closed(self, user_id: str, view: View, *, is_cleared: bool) -> Answer:
        body = view.to_api(self._workspace.directory.team.id, self._workspace.app_fields())
        body["state"] = {"values": {}}  # what was typed is lost
        payload = {**self._common_fields("view_closed", user_id), "view": body, "is_cleared": is_cleared}
        return await self._delivery.ask(Envelope(kind=EnvelopeKind.INTERACTIVE, payload=payload))


def _shown_name(channel: Channel) -> str:
    return "privategroup" if channel.kind.value == "private_channel" else channel.name


def failure_of(answer: Answer, *, of_command: bool) -> str:
    """Return the word a person sees instead of an answer; empty when it was acked."""
    if isinstance(answer, Ack):
        return ""
    if of_command:
        return "operation_timeout" if answer.reason in {"timeout", "http_timeout"} else "dispatch_failed"
    return "warning sign"
