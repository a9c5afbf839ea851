"""The short-lived permissions a payload carries: `trigger_id` opens one modal, `response_url` answers a few times."""

import secrets
from dataclasses import dataclass

from lab.slack.workspace.clock import Clock
from lab.slack.workspace.messages import Message
from lab.slack.workspace.refusals import RefusalError

TRIGGER_LIFE_S = 3.0  # docs.slack.dev: handling-user-interaction
RESPONSE_LIFE_S = 30 * 60.0
RESPONSE_USES = 5


@dataclass(slots=True)
class Trigger:
    """A `trigger_id`: who may be shown a modal, until when."""

    user_id: str
    view_id: str
    expires_s: float
    is_used: bool = False


@dataclass(slots=True, kw_only=True)
class ResponseGrant:
    """A `response_url`: what it may answer, how often, until when."""

    user_id: str
    channel_id: str
    expires_s: float
    origin: Message | None = None  # the message whose button was clicked; a slash command has none
    typed_command: str = ""
    uses_left: int = RESPONSE_USES


class Grants:
    """All triggers and response URLs given out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self.expired_trigger = ("expired_trigger_id", "")
        """How an expired trigger is refused: the code and a message. Slack has several ways (bolt-python#434)."""
        self._responses: dict[str, ResponseGrant] = {}

    def new_trigger(self, user_id: str, view_id: str = "") -> str:
        now_s = self._clock.now()
        trigger_id = f"{int(now_s * 1000)}.{secrets.randbelow(10**12):012d}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user_id, view_id, now_s + TRIGGER_LIFE_S)
        return trigger_id

    def use_trigger(self, trigger_id: str) -> Trigger:
        """Raise RefusalError for an unknown, old or used one; use it up otherwise."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise RefusalError("invalid_trigger_id")
        if trigger.is_used:
            raise RefusalError("exchanged_trigger_id")
        if self._clock.now() > trigger.expires_s:
            code, message = self.expired_trigger
            raise RefusalError(code, [message] if message else ())
        trigger.is_used = True
        return trigger

    def new_response(
        self, user_id: str, channel_id: str, origin: Message | None = None, typed_command: str = ""
    ) -> str:
        key = secrets.token_urlsafe(18)
        expires_s = self._clock.now() + RESPONSE_LIFE_S
        self._responses[key] = ResponseGrant(
            user_id=user_id, channel_id=channel_id, expires_s=expires_s, origin=origin, typed_command=typed_command
        )
        return key

    def use_response(self, key: str) -> ResponseGrant:
        grant = self._responses.get(key)
        if grant is None:
            raise RefusalError("invalid_url")
        if self._clock.now() > grant.expires_s:
            raise RefusalError("expired_url")
        if grant.uses_left <= 0:
            raise RefusalError("used_url")
        grant.uses_left -= 1
        return grant
