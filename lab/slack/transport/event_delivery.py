"""Delivers what the app must hear: decides when it is sent, when it counts as missed, and when it is sent again."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from lab.slack.workspace.call_log import CallLog
from lab.slack.workspace.changes import Change, Changes
from lab.slack.workspace.clock import Clock
from lab.slack.workspace.faults import FaultKind, Faults
from lab.slack.workspace.messages import Json
from lab.slack.workspace.payload_record import RECORD

ACK_WINDOW_S = 3.0
# docs.slack.dev: events-api. "Nearly immediately", after one minute, after five minutes.
RETRY_DELAYS_S = (0.0, 60.0, 300.0)
TOO_LATE_S = 2 * 3600.0


class EnvelopeKind(StrEnum):
    """The type of an envelope, by Slack's names."""

    EVENT = "events_api"
    SLASH = "slash_commands"
    INTERACTIVE = "interactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One delivery to the app: an envelope of Socket Mode, or a request of HTTP mode."""

    kind: EnvelopeKind
    payload: Json
    accepts_response_payload: bool = False
    retry_attempt: int = 0
    retry_reason: str = ""

    @property
    def sort(self) -> str:
        """The kind, and of an interaction or event its own type."""
        if self.kind is EnvelopeKind.SLASH:
            return self.kind.value
        return str(self.payload["event"]["type"] if self.kind is EnvelopeKind.EVENT else self.payload["type"])

    @property
    def subject(self) -> str:
        if self.kind is EnvelopeKind.EVENT:
            return str(self.payload["event"]["type"])
        if self.kind is EnvelopeKind.SLASH:
            return str(self.payload["command"])
        actions = self.payload.get("actions")
        return str(actions[0]["action_id"] if actions else self.payload["type"])


@dataclass(frozen=True, slots=True)
class Ack:
    """The app's acknowledgement, with what it answered."""

    payload: Any = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A delivery that the app did not acknowledge in time."""

    reason: str  # timeout, not_connected, http_error, ...
    may_retry: bool = True


Answer = Ack | Missed


class Transport(Protocol):
    """The way to the app: Socket Mode or HTTP mode."""

    timeout_reason: str

    def offer(self, envelope: Envelope) -> "asyncio.Future[Answer] | None":
        """Send it to exactly one listener; None when nobody listens."""
        ...


def _record_answer(envelope: Envelope, done: "asyncio.Future[Answer]") -> None:
    if not done.cancelled() and isinstance(outcome := done.result(), Ack):
        RECORD.answer(envelope.sort, outcome.payload)


@dataclass(slots=True)
class _Announcement:
    """An event on its way to the app, repeated until it is acknowledged."""

    envelope: Envelope
    raised_s: float


class EventDelivery:
    """The deliveries to the app: events are repeated until acked; commands and interactions are sent once."""

    def __init__(self, clock: Clock, call_log: CallLog, changes: Changes, faults: Faults) -> None:
        self.transport: Transport | None = None
        self._clock = clock
        self._call_log = call_log
        self._changes = changes
        self._faults = faults
        self._unheard: deque[_Announcement] = deque()

    async def ask(self, envelope: Envelope) -> Answer:
        """Send once and wait for the ack, at most 3 s."""
        answer = self._offer(envelope)
        return Missed("not_connected") if answer is None else await answer

    def announce(self, envelope: Envelope) -> None:
        """Send an event, and again when it is not acked."""
        announcement = _Announcement(envelope, self._clock.now())
        self._try(announcement, 0, "")
        if self._faults.take({FaultKind.DUPLICATE_EVENT}, envelope.subject):
            self._offer(replace(envelope, retry_attempt=1, retry_reason="timeout"))

    def listener_came(self) -> None:
        """Events that happened while nobody listened come now, as retries."""
        waiting = [*self._unheard]
        self._unheard.clear()
        for announcement in waiting:
            if self._clock.now() - announcement.raised_s <= TOO_LATE_S:
                self._try(announcement, 1, "timeout")
            else:
                self._lose(announcement)

    def _lose(self, announcement: _Announcement) -> None:
        self._call_log.events_lost += 1
        self._changes.publish(Change("event.missed", "", announcement.envelope.subject))

    def _try(self, announcement: _Announcement, attempt: int, reason: str) -> None:
        is_judged = False

        def judge(outcome: Answer) -> None:
            nonlocal is_judged
            if is_judged:
                return
            is_judged = True
            self._judge(announcement, attempt, outcome)

        envelope = replace(announcement.envelope, retry_attempt=attempt, retry_reason=reason)
        # A timeout is judged by the timer itself, so that the retries of a clock moved by hand fall due in one go.
        answer = self._offer(envelope, expired=judge)
        if answer is None:
            self._unheard.append(announcement)
            return
        if attempt:
            self._call_log.redelivered += 1
        answer.add_done_callback(lambda done: None if done.cancelled() else judge(done.result()))

    def _judge(self, announcement: _Announcement, attempt: int, outcome: Answer) -> None:
        if isinstance(outcome, Ack):
            self._changes.publish(Change("event.acked", "", announcement.envelope.subject))
        elif outcome.may_retry and attempt < len(RETRY_DELAYS_S):
            reason = outcome.reason
            if RETRY_DELAYS_S[attempt]:
                self._clock.call_later(RETRY_DELAYS_S[attempt], lambda: self._try(announcement, attempt + 1, reason))
            else:
                self._try(announcement, attempt + 1, reason)
        else:
            self._lose(announcement)

    def _offer(
        self, envelope: Envelope, expired: Callable[[Answer], None] = lambda _: None
    ) -> asyncio.Future[Answer] | None:
        answer = self.transport.offer(envelope) if self.transport else None
        if answer is None or self.transport is None:
            return None
        missed = Missed(self.transport.timeout_reason)
        self._call_log.envelopes[envelope.kind.value] += 1
        RECORD.delivery(envelope.sort, envelope.payload)
        answer.add_done_callback(lambda done: _record_answer(envelope, done))

        def expire() -> None:
            if not answer.done():
                answer.set_result(missed)
                expired(missed)

        timer = self._clock.call_later(ACK_WINDOW_S, expire)
        answer.add_done_callback(lambda _: timer.cancel())
        self._changes.publish(Change("envelope.sent", "", envelope.subject))
        return answer
