"""HTTP mode: signed requests to the app's request URL (docs.slack.dev: verifying-requests-from-slack, events-api)."""

import asyncio
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from lab.slack.transport.event_delivery import Ack, Answer, Envelope, EnvelopeKind, Missed
from lab.slack.workspace.refusals import LabSetupError

if TYPE_CHECKING:
    from lab.slack.workspace.clock import Clock

_REDIRECTS = 2
_OK = 200


def signature(secret: str, timestamp: str, body: bytes) -> str:
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class WebhookTransport:
    """The `Transport` that posts each envelope to one URL."""

    timeout_reason = "http_timeout"

    def __init__(self, request_url: str, signing_secret: str, clock: "Clock") -> None:
        self._url = request_url
        self._secret = signing_secret
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def verify_url(self) -> None:
        """Send the challenge that proves the URL is the app's; raise LabSetupError for a wrong answer."""
        challenge = secrets.token_urlsafe(16)
        body = {"type": "url_verification", "token": "lab-verification-token", "challenge": challenge}
        answer = await self._post(json.dumps(body).encode(), "application/json", {})
        payload = answer.payload if isinstance(answer, Ack) else None
        if payload not in (challenge, {"challenge": challenge}):
            raise LabSetupError(f"{self._url} did not answer the challenge: {answer}")

    def offer(self, envelope: Envelope) -> "asyncio.Future[Answer] | None":
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        body, content_type = _encode(envelope)
        headers: dict[str, str] = {}
        if envelope.retry_attempt:
            headers = {"X-Slack-Retry-Num": str(envelope.retry_attempt), "X-Slack-Retry-Reason": envelope.retry_reason}

        async def deliver() -> None:
            got = await self._post(body, content_type, headers)
            if not answer.done():  # a late answer changes nothing
                answer.set_result(got)

        task = loop.create_task(deliver())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer

    async def _post(self, body: bytes, content_type: str, extra: dict[str, str]) -> Answer:
        if self._session is None:
            raise LabSetupError("start the transport first")
        timestamp = str(int(self._clock.now()))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **extra,
        }
        try:
            async with self._session.post(self._url, data=body, headers=headers, max_redirects=_REDIRECTS) as response:
                if response.status != _OK:
                    return Missed("http_error", may_retry=response.headers.get("X-Slack-No-Retry") != "1")
                return Ack(_decode(response.content_type, await response.text()))
        except aiohttp.TooManyRedirects:
            return Missed("too_many_redirects")
        except (aiohttp.ClientError, OSError):
            return Missed("connection_failed")


def _encode(envelope: Envelope) -> tuple[bytes, str]:
    if envelope.kind is EnvelopeKind.EVENT:
        return json.dumps(envelope.payload).encode(), "application/json"
    fields = envelope.payload if envelope.kind is EnvelopeKind.SLASH else {"payload": json.dumps(envelope.payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _decode(content_type: str, text: str) -> Any:
    if not text:
        return None
    if content_type == "application/json":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
