"""Decides which thread and session carries a move, and which sessions wait for the next: all bounded.

A session costs seconds on its host: the logon, and the first command, which loads the module of Hyper-V. So that of an
ended move is kept for a while, and one is made ready before it is needed when moves are expected. What waits unused is
shown to be alive every now and then, and closed when nobody came for it.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable, OrderWithdrawn
from core.hyperv.error_mapping import SessionGone, SessionsUsedUp
from core.hyperv.session_threads import SessionThread, joined, no_thread, outcome

log = logging.getLogger(__name__)
T = TypeVar("T")

KEEP_S = 90.0
"""For so long a session waits for a move that nobody expects, or expects no more: it may be about to give its order."""
REFRESH_S = 20.0
"""How often a session that waits is shown to be alive: an order must not be the first to find that it is not."""
LATER_S = 60.0
"""For so long none is made ready where that failed."""
FULL_S = 600.0
"""For so long none is kept or made ready where the host had no session left for us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How sessions of moves are kept: ``most`` wait unused at once.

    ``make_ready`` runs a small command in an open session; ``good_for_s`` says right after a logon for how many seconds
    the session may be given to further moves.
    """

    most: int
    make_ready: Callable[[Any], None]
    good_for_s: Callable[[Any], float]
    keep_s: float = KEEP_S
    refresh_s: float = REFRESH_S


def _nothing(_session: Any) -> None:
    """Make nothing ready."""


NONE_KEPT = Keeping(most=0, make_ready=_nothing, good_for_s=lambda _: 0.0)


@dataclass(slots=True, eq=False)
class _Order:
    """What is to be done for one move; ``abandoned`` says that nobody listens any more."""

    work: Callable[[Any, threading.Event], Any]
    future: "Future[Any]" = field(default_factory=Future)
    abandoned: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Held:
    """The session of one thread, and until when it may be given to another move."""

    session: SessionThread | None = None
    good_until: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether another move may have it."""
        return self.session is not None and self.session.is_open and time.monotonic() < self.good_until


class MoveThreads:
    """The threads of the moves that leave one host: one each, with a session of its own, never more than allowed."""

    def __init__(
        self, host: HostName, new_session: Callable[[], SessionThread], limit: int, keeping: Keeping = NONE_KEPT
    ) -> None:
        self._host = host
        self._new_session = new_session
        self._limit = limit
        self._keeping = keeping
        self._changed = threading.Condition()
        self._orders: deque[_Order] = deque()
        self._running: dict[threading.Thread, _Order] = {}
        self._at_hand: dict[threading.Thread, None] = {}
        """Threads that take the next order: they wait, make their session ready, or have just been started."""
        self._threads: set[threading.Thread] = set()
        """Those and the running ones, and what says goodbye."""
        self._expected = 0
        self._expected_until = 0.0
        """When as many moves as before were expected for the last time."""
        self._ready_from = 0.0
        """When it is worth making a session ready again, after that failed."""
        self._kept_from = 0.0
        """When sessions may be kept again, after the host had none left."""
        self._is_closed = False

    @property
    def limit(self) -> int:
        """How many moves may be under way at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit

    async def stay(self, work: Callable[[Any, threading.Event], T]) -> T:
        """Do the work in a thread of its own for as long as it takes, with a session that is ready if there is one.

        A caller that is cancelled leaves at once; the event tells the work that nobody listens any more. The work is
        done again, with a new session, when a kept one was gone and the host had therefore done nothing.

        Raises:
            HostUnreachable: every thread is taken, so nothing was done.

        """
        order = _Order(work)
        self._put(order)
        try:
            result: T = await asyncio.wrap_future(order.future)
            return result
        finally:
            order.abandoned.set()
            with self._changed:
                if order in self._orders:
                    self._orders.remove(order)

    def expect(self, moves: int) -> None:
        """Have sessions ready for so many moves that start soon, no more than are kept; the last word counts."""
        with self._changed:
            if moves < self._expected:
                self._expected_until = time.monotonic()
            self._expected = min(moves, self._keeping.most)
            if self._is_closed or time.monotonic() < max(self._ready_from, self._kept_from):
                return
            for _ in range(self._expected - len(self._at_hand)):
                try:
                    self._start(is_for_order=False)
                except HostUnreachable as error:
                    log.info("no session is made ready: %s", error.message)
                    return

    def release(self) -> None:
        """Close what waits unused, and make nothing ready for a while: the host has no session left for us."""
        with self._changed:
            self._kept_from = time.monotonic() + FULL_S
            self._changed.notify_all()

    async def close(self, timeout_s: float) -> None:
        """Stop listening to every move, and log off what waits; the moves themselves go on."""
        with self._changed:
            self._is_closed = True
            threads = tuple(self._threads)
            for order in self._running.values():
                order.abandoned.set()
            left = [order for order in self._orders if order.future.set_running_or_notify_cancel()]
            self._orders.clear()
            self._changed.notify_all()
        for order in left:
            order.future.set_exception(self._closed())
        await joined(threads, timeout_s)

    # ------------------------------------------------------------------ inside

    def _closed(self) -> HostUnreachable:
        return HostUnreachable(self._host, f"The gateway to {self._host} is closed.", hint="")

    def _put(self, order: _Order) -> None:
        with self._changed:
            if self._is_closed:
                raise self._closed()
            if len(self._running) + len(self._orders) >= self._limit:
                raise HostUnreachable(
                    self._host,
                    f"All {self._limit} connections for moves from {self._host} are in use; nothing was started.",
                    hint="The host's limit of simultaneous migrations sets their number.",
                )
            if len(self._at_hand) <= len(self._orders):
                self._start(is_for_order=True)
            self._orders.append(order)
            self._changed.notify()

    def _start(self, *, is_for_order: bool) -> None:
        thread = threading.Thread(target=self._serve, args=(is_for_order,), name=f"move {self._host}", daemon=True)
        self._at_hand[thread] = None
        self._threads.add(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            del self._at_hand[thread]
            self._threads.discard(thread)
            raise no_thread(self._host, error) from error

    def _serve(self, is_for_order: bool) -> None:  # noqa: FBT001 (a thread's argument)
        held = _Held()
        try:
            if not is_for_order:
                self._make_ready(held)
            while (order := self._next(held)) is not None:
                self._carry_out(order, held)
                del order
            if held.session is not None:
                held.session.close()
        except Exception:
            log.exception("a thread of a move from %s broke", self._host)
        finally:
            with self._changed:
                me = threading.current_thread()
                self._at_hand.pop(me, None)
                self._running.pop(me, None)
                self._threads.discard(me)
                self._replace()

    def _replace(self) -> None:
        """Start a thread for each order that relied on one that broke."""
        while len(self._orders) > len(self._at_hand) and not self._is_closed:
            try:
                self._start(is_for_order=True)
            except HostUnreachable as error:
                order = self._orders.popleft()
                if order.future.set_running_or_notify_cancel():
                    order.future.set_exception(error)

    def _next(self, held: _Held) -> _Order | None:
        """Wait for an order; None when this thread is not needed any more."""
        me, idle_since = threading.current_thread(), time.monotonic()
        refresh_at = idle_since + self._keeping.refresh_s
        while True:
            with self._changed:
                while me in self._at_hand and not self._orders and self._may_wait(held, idle_since):
                    if (left_s := refresh_at - time.monotonic()) <= 0:
                        break
                    self._changed.wait(min(left_s, self._keeping.keep_s))
                is_wanted = me in self._at_hand and not self._is_closed
                if is_wanted and self._orders:
                    order = self._orders.popleft()
                    del self._at_hand[me]
                    self._running[me] = order
                    return order
                if not is_wanted or not self._may_wait(held, idle_since):
                    self._at_hand.pop(me, None)
                    return None
            self._make_ready(held)
            refresh_at = time.monotonic() + self._keeping.refresh_s

    def _may_wait(self, held: _Held, idle_since: float) -> bool:
        """Whether a thread without an order keeps its session a little longer."""
        now = time.monotonic()
        if self._is_closed or not held.is_good or now < self._kept_from:
            return False
        at_hand, since = len(self._at_hand), max(idle_since, self._expected_until)
        return at_hand <= self._expected or (at_hand <= self._keeping.most and now - since < self._keeping.keep_s)

    def _make_ready(self, held: _Held) -> None:
        """Have the session logged on and its modules loaded; one that fails is not kept, and nobody is told of it."""
        try:
            session = held.session = held.session or self._new_session()
            if not session.is_open:
                self._open(held)
            self._keeping.make_ready(session)
        except Exception as error:  # noqa: BLE001  # whoever needs a session opens one, and hears why that fails
            log.info("a session with %s could not be made ready: %s", self._host, type(error).__name__)
            if held.session is not None:
                held.session.drop()
            with self._changed:
                self._ready_from = time.monotonic() + LATER_S
            if isinstance(error, SessionsUsedUp):
                self.release()

    def _carry_out(self, order: _Order, held: _Held) -> None:
        """Do what is to be done for a move, and tell its caller when this thread is free for the next one."""
        answer: Callable[[], None] | None = None
        if order.future.set_running_or_notify_cancel():
            answer = outcome(order.future, lambda: self._once(order, held))
        me = threading.current_thread()
        with self._changed:
            # Before the answer is out: the next move finds this session at hand.
            self._running.pop(me, None)
            if held.is_good:
                self._at_hand[me] = None
                if not self._orders and not self._may_wait(held, time.monotonic()):
                    del self._at_hand[me]
        if answer is not None:
            answer()

    def _once(self, order: _Order, held: _Held) -> Any:
        session = held.session = held.session or self._new_session()
        was_kept = held.is_good
        try:
            if not was_kept:
                session.close()  # too old, if it is open at all
                self._open(held)
            try:
                return order.work(session, order.abandoned)
            except SessionGone:  # nothing was done
                if not was_kept:
                    raise
            self._open(held)
            return order.work(session, order.abandoned)
        except OrderWithdrawn:
            raise
        except BaseException:
            held.good_until = 0.0  # whatever it met, the next move does not meet it again
            raise

    def _open(self, held: _Held) -> None:
        if held.session is not None:
            held.session.open()
            held.good_until = time.monotonic() + self._keeping.good_for_s(held.session)
