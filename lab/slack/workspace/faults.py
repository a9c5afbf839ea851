"""The faults of a real Slack, switched on for chosen calls, a chosen number of times or for a while."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
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
    REFUSED = "refused"  # 200 with `error`, any code, nothing done
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
        FaultKind.REFUSED,
        FaultKind.SLOW,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which calls a fault is for, besides its target: what is empty or None is true of every call."""

    channel: str = ""  # its id
    thread: bool | None = None  # with a thread_ts, or without
    block: str = ""  # with a block of this type
    words: str = ""  # these are anywhere in what is said, blocks included
    after: int = 0  # so many calls that fit are let through first

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        place = str(arguments.get("channel") or arguments.get("channel_id") or arguments.get("user_id") or "")
        shown = f"{arguments.get('text') or ''} {arguments.get('blocks') or ''} {arguments.get('view') or ''}"
        return (
            self.channel in {"", place}
            and (self.thread is None or self.thread is bool(arguments.get("thread_ts")))
            and (not self.block or f"'{self.block}'" in shown or f'"{self.block}"' in shown)
            and self.words in shown
        )


EVERY_CALL = When()


@dataclass(slots=True)
class Fault:
    """One fault. `target` is a pattern: an API method, an event type or an action_id. `times` None: until cleared.

    `words`: only for a call that holds them anywhere.
    """

    kind: FaultKind
    target: str = "*"
    times: int | None = 1
    seconds: float = 0.0
    error: str = ""
    when: When = EVERY_CALL
    until_s: float | None = None
    seen: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults that are switched on. `now` is the time by which some of them end."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.active: list[Fault] = []
        self.taken: list[tuple[FaultKind, str]] = []
        self._now = now

    def add(
        self,
        kind: FaultKind,
        target: str = "*",
        *,
        times: int | None = 1,
        seconds: float = 0.0,
        error: str = "",
        when: When = EVERY_CALL,
        for_s: float | None = None,
        words: str = "",
    ) -> Fault:
        """Order one; `for_s` ends it by itself after a while, `words` is short for the same of `when`."""
        when = replace(when, words=words) if words else when
        until_s = None if for_s is None else self._now() + for_s
        fault = Fault(FaultKind(kind), target, times, seconds, error, when, until_s)
        self.active.append(fault)
        return fault

    def refuse(
        self, error: str, target: str = "*", *, times: int | None = None, for_s: float | None = None, **when: Any
    ) -> Fault:
        """Let a method answer this code, until cleared if nothing else is said; `when` as in `When`."""
        return self.add(FaultKind.REFUSED, target, times=times, error=error, when=When(**when), for_s=for_s)

    def end(self, fault: Fault) -> None:
        """End one of them."""
        if fault in self.active:
            self.active.remove(fault)

    def clear(self) -> None:
        self.active.clear()

    def take(
        self, kinds: Iterable[FaultKind], subject: str, arguments: Mapping[str, Any] | None = None
    ) -> Fault | None:
        """Return the first fault that fits, used up once."""
        wanted = frozenset(kinds)
        self.active = [one for one in self.active if one.until_s is None or self._now() < one.until_s]
        for fault in self.active:
            if fault.kind not in wanted or not fnmatchcase(subject, fault.target):
                continue
            if not fault.when.fits(arguments or {}):
                continue
            fault.seen += 1
            if fault.seen <= fault.when.after:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.active.remove(fault)
            self.taken.append((fault.kind, subject))
            return fault
        return None
