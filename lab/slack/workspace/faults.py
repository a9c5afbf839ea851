"""The faults of a real Slack, switched on for chosen calls and a chosen number of times."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class FaultKind(StrEnum):
    """A kind of fault."""

    LOST_REPLY = "lost_reply"  # done, but the connection breaks before the answer
    RATE_LIMITED = "rate_limited"  # 429
    SERVER_ERROR = "server_error"  # 500, nothing done
    UNAVAILABLE = "unavailable"  # 503, nothing done
    INTERNAL_ERROR = "internal_error"  # 200 with internal_error, nothing done
    DONE_BUT_INTERNAL_ERROR = "done_but_internal_error"  # "some aspect of the operation succeeded" (docs.slack.dev)
    SLOW = "slow"  # answers after `seconds`
    ABORT_SOCKET = "abort_socket"  # the websocket is cut instead of delivering the next envelope
    NO_PONG = "no_pong"  # pings stay unanswered
    DUPLICATE_EVENT = "duplicate_event"  # the same event_id arrives twice
    DOUBLE_CLICK = "double_click"  # a click is delivered twice


API_FAULTS = frozenset(
    {
        FaultKind.LOST_REPLY,
        FaultKind.RATE_LIMITED,
        FaultKind.SERVER_ERROR,
        FaultKind.UNAVAILABLE,
        FaultKind.INTERNAL_ERROR,
        FaultKind.DONE_BUT_INTERNAL_ERROR,
        FaultKind.SLOW,
    }
)


@dataclass(slots=True)
class Fault:
    """One fault. `target` is a pattern: an API method, an event type or an action_id. `times` None: until cleared.

    `words`: only for a call that holds them anywhere.
    """

    kind: FaultKind
    target: str = "*"
    times: int | None = 1
    seconds: float = 0.0
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self.taken: list[tuple[FaultKind, str]] = []

    def add(
        self, kind: FaultKind, target: str = "*", *, times: int | None = 1, seconds: float = 0.0, words: str = ""
    ) -> Fault:
        fault = Fault(FaultKind(kind), target, times, seconds, words)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        self.active.clear()

    def take(self, kinds: Iterable[FaultKind], subject: str, said: str = "") -> Fault | None:
        """Return the first fault that fits, used up once. `said` is what the call holds."""
        wanted = frozenset(kinds)
        for fault in self.active:
            if fault.kind in wanted and fnmatchcase(subject, fault.target) and fault.words in said:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.active.remove(fault)
                self.taken.append((fault.kind, subject))
                return fault
        return None
