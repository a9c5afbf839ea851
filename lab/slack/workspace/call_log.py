"""The log of the app's calls: what it asked of Slack, what Slack refused, and what people saw go wrong."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 20_000  # a long benchmark must not grow without end; the counters below see everything


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One call of the Web API or a response_url, and how it was answered."""

    at_s: float
    method: str
    error: str = ""
    messages: tuple[str, ...] = ()
    channel: str = ""
    warnings: tuple[str, ...] = ()
    injected: bool = False  # the answer was a fault of the lab, not the app's mistake


@dataclass(frozen=True, slots=True)
class VisibleFailure:
    """Something a person saw fail because the app did not answer properly in time."""

    at_s: float
    user_id: str
    what: str
    error: str


_ANSWERS = frozenset({("users.lookupByEmail", "users_not_found")})
"""Refusals that are the answer to a proper question: no app can know who is there without asking."""


class CallLog:
    """All calls, failures and deliveries of a workspace, counted."""

    def __init__(self) -> None:
        self.calls: deque[RecordedCall] = deque(maxlen=_KEPT)
        self.rejected: deque[RecordedCall] = deque(maxlen=_KEPT)
        self.failures: list[VisibleFailure] = []
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.edits: Counter[tuple[str, str]] = Counter()
        self.envelopes: Counter[str] = Counter()
        self.redelivered = 0
        self.events_lost = 0
        self.late_acks = 0
        self.stray_acks = 0

    def record(self, call: RecordedCall) -> None:
        self.calls.append(call)
        self.counts[call.method] += 1
        if call.error:
            self.errors[call.error] += 1
            self.rejected.append(call)

    @property
    def violations(self) -> list[RecordedCall]:
        """Refused calls that the app brought upon itself."""
        return [call for call in self.rejected if not call.injected and (call.method, call.error) not in _ANSWERS]

    def edit_count(self, channel_id: str, ts: str) -> int:
        return self.edits[channel_id, ts]

    def summary(self) -> dict[str, Any]:
        return {
            "calls": dict(self.counts),
            "errors": dict(self.errors),
            "violations": [asdict(call) for call in self.violations],
            "failures": [asdict(failure) for failure in self.failures],
            "edits": {f"{channel}/{ts}": count for (channel, ts), count in self.edits.items()},
            "envelopes": dict(self.envelopes),
            "redelivered": self.redelivered,
            "events_lost": self.events_lost,
            "late_acks": self.late_acks,
            "stray_acks": self.stray_acks,
        }
