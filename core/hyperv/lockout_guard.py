"""Guards the bot's account: a login that hosts reject is not tried so often that the account is locked.

Domains lock an account after a handful of wrong passwords within minutes, and one account usually serves every host.
So rejections are counted by account: after two in a row nobody logs on with it for a while, however many hosts wait,
and a host that rejected it is left alone for longer, so that the next to try is one that may well accept it. All of it
outlives the process, see ``login_memory``.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from core.backoff import delay_s, doubling
from core.domain.model.inventory import HostName
from core.errors import LoginRejected, LoginWithheld
from core.hyperv.error_mapping import NotPermitted
from core.hyperv.login_memory import Account, LoginMemory, RejectedLogin

IN_A_ROW = 2
"""So many logins may be rejected in a row, and so many hosts are asked at once until one has accepted it."""
FIRST_PAUSE_S = 300.0
LONGEST_PAUSE_S = 1800.0
_HOST_FACTOR = 2.0
"""How much longer than the account the host that rejected it is left alone."""
_TIMEOUT_S = 3.0
"""Logins that hang keep the others waiting no longer than this."""


@dataclass(slots=True)
class _Rejection:
    times: int
    next_at: float
    text: str


class LockoutGuard:
    """The guard of one user name and password. Used from every thread that logs on with it.

    ``longest_pause_s``: how long a host may be left alone at most, so that the pause alone makes no host seem lost.
    ``memory`` has what became of this account's logins in earlier processes, and gets what becomes of them in this one.
    """

    def __init__(
        self,
        *,
        longest_pause_s: float = 2 * LONGEST_PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
        account: Account | None = None,
        memory: LoginMemory | None = None,
    ) -> None:
        self._longest_pause_s = max(FIRST_PAUSE_S, longest_pause_s)
        self._clock = clock
        self._account = account
        self._memory = memory
        self._changed = Condition()
        self._under_way: Counter[HostName] = Counter()
        self._is_proven = False
        self._last: _Rejection | None = None
        self._by_host: dict[HostName, _Rejection] = {}
        self._has_remembered = False

    @contextmanager
    def login(self, host: HostName) -> Iterator[None]:
        """Log on inside; what happens there is remembered.

        Raises:
            LoginRejected: the host rejects it, or did a moment ago and is not asked now.
            LoginWithheld: other hosts rejected it a moment ago; it is not tried now.

        """
        self._admit(host)
        try:
            yield
        except NotPermitted:
            self._ended(host, is_accepted=True)
            raise
        except LoginRejected as error:
            with self._changed:
                self.rejected(host, error.message)
                self._ended(host)
            raise
        except BaseException:
            self._ended(host, said_nothing=True)
            raise
        self._ended(host, is_accepted=True)

    def rejected(self, host: HostName, text: str) -> None:
        """Note that a host rejected the account, also in the middle of a session."""
        with self._changed:
            self._is_proven = False
            self._last = self._again(self._last, text, 1.0)
            if self._last.times < IN_A_ROW:
                self._last.next_at = 0.0
            self._by_host[host] = self._again(self._by_host.get(host), text, _HOST_FACTOR)
            self._write_down()

    def _remember(self) -> None:
        """Take up what earlier processes wrote down, before the first login: until then others may go on writing."""
        if self._has_remembered or self._account is None or self._memory is None:
            return
        self._has_remembered = True
        now = self._clock()
        for name, one in self._memory.of(self._account).items():
            rejection = _Rejection(one.times, now + min(one.left_s, self._longest_pause_s), one.text)
            if name:
                self._by_host[HostName(name)] = rejection
            else:
                self._last = rejection

    def _write_down(self) -> None:
        if self._account is not None and self._memory is not None:
            now = self._clock()
            named: dict[str, _Rejection] = dict(self._by_host.items())
            if self._last is not None:
                named[""] = self._last
            rejected = {name: RejectedLogin(one.times, one.next_at - now, one.text) for name, one in named.items()}
            self._memory.keep(self._account, rejected)

    def _again(self, before: _Rejection | None, text: str, factor: float) -> _Rejection:
        times = before.times + 1 if before else 1
        doublings = times - 1 if factor > 1 else max(0, times - IN_A_ROW)
        backoff = doubling(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        pause_s = min(delay_s(backoff, doublings + 1) * factor, self._longest_pause_s)
        return _Rejection(times, self._clock() + pause_s, text)

    def _admit(self, host: HostName) -> None:
        with self._changed:
            self._remember()
            self._changed.wait_for(lambda: self._has_room(host), _TIMEOUT_S)
            for rejection, kind, begin in (
                (self._by_host.get(host), LoginRejected, ""),
                (self._last, LoginWithheld, f"{host} was not asked: "),
            ):
                left_s = rejection.next_at - self._clock() if rejection else 0.0
                if rejection and left_s > 0:
                    text = f"{begin}{rejection.text.rstrip('.')}. The next login is in {_minutes(left_s)}"
                    raise kind(host, f"{text}, so that the account does not get locked.", hint=LoginWithheld.hint)
            if self._last is not None and self._last.times >= IN_A_ROW:
                self._last.next_at = self._clock() + FIRST_PAUSE_S  # one login at a time until one is accepted
                self._write_down()  # before it is tried: whoever dies meanwhile has tried
            self._under_way[host] += 1

    def _has_room(self, host: HostName) -> bool:
        rejected = self._last.times if self._last else 0
        is_next = host not in self._under_way and len(self._under_way) < max(1, IN_A_ROW - rejected)
        return self._is_proven or is_next

    def _ended(self, host: HostName, *, is_accepted: bool = False, said_nothing: bool = False) -> None:
        with self._changed:
            self._under_way -= Counter([host])
            was_known = self._last is not None or host in self._by_host
            if said_nothing and self._last is not None:
                self._last.next_at = 0.0  # a dead host took the try; the next one may have it
            if is_accepted:
                self._is_proven = True
                self._last = None
                self._by_host.pop(host, None)
            if was_known and (is_accepted or said_nothing):
                self._write_down()
            self._changed.notify_all()


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"
