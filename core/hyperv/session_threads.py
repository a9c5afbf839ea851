"""Decides which thread reads from which host, a few for each, all bounded; see ``move_threads`` for those of moves.

pypsrp is synchronous and a session has state, so a session lives in one thread. No host shares a thread with another: a
host that hangs makes only its own callers wait. A caller that gives up leaves at once; the thread goes on to the next
call when this one, or its timeout, is over. Threads are daemons: a hanging host does not keep the process alive.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable
from core.hyperv.error_mapping import SessionGone

log = logging.getLogger(__name__)
T = TypeVar("T")
_KEEP_WARM_S = 90.0
"""Less than the two minutes after which a host closes an unused connection (Microsoft docs: http.sys)."""
_LISTEN_S = 0.2
"""How often a thread that waits for an answer of the event loop looks whether anybody still listens."""


class SessionThread(Protocol):
    """A session as the thread that owns it uses it."""

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        ...

    def open(self) -> None:
        """Log on."""
        ...

    def close(self) -> None:
        """Log off."""
        ...

    def drop(self) -> None:
        """Forget it."""
        ...


@dataclass(slots=True)
class _Call:
    work: Callable[[Any], Any]
    future: "Future[Any]"


class ReaderThreads:
    """The reading threads of one host, each with a warm session; started when needed, gone when idle for a while."""

    def __init__(
        self, host: HostName, size: int, new_session: Callable[[], SessionThread], keep_warm_s: float = _KEEP_WARM_S
    ) -> None:
        self._host = host
        self._size = size
        self._new_session = new_session
        self._keep_warm_s = keep_warm_s
        self._waiting: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._is_closed = False

    async def ask(self, work: Callable[[Any], T], timeout_s: float) -> T:
        """Let a thread do the work with its session, and wait for it.

        Raises:
            HostUnreachable: every thread was busy for the whole time, so nothing was done.
            TimeoutError: the work was begun and is not done yet; its thread goes on.

        """
        call = _Call(work, Future())
        self._put(call)
        try:
            async with asyncio.timeout(timeout_s):
                result: T = await asyncio.wrap_future(call.future)
        except TimeoutError:
            if call.future.cancelled():
                raise HostUnreachable(
                    self._host, f"All {self._size} sessions with {self._host} are waiting for it to answer."
                ) from None
            raise
        return result

    async def close(self, timeout_s: float) -> None:
        """Refuse further work and let every thread log off; those that hang are left to themselves."""
        with self._changed:
            self._is_closed = True
            left = [call for call in self._waiting if call.future.set_running_or_notify_cancel()]
            self._waiting.clear()
            threads = tuple(self._threads)
            self._changed.notify_all()
        for call in left:
            call.future.set_exception(self._closed())
        await joined(threads, timeout_s)

    def _closed(self) -> HostUnreachable:
        return HostUnreachable(self._host, f"The gateway to {self._host} is closed.", hint="")

    def _put(self, call: _Call) -> None:
        with self._changed:
            if self._is_closed:
                raise self._closed()
            self._waiting.append(call)
            if self._idle >= len(self._waiting):
                self._changed.notify()
                return
            if len(self._threads) < self._size:
                thread = threading.Thread(target=self._serve, name=f"winrm {self._host}", daemon=True)
                self._start(thread, call)

    def _start(self, thread: threading.Thread, call: _Call) -> None:
        """Start a thread; where the machine has none left, the call waits for one that runs, if any does."""
        self._threads.add(thread)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            self._threads.discard(thread)
            if not self._threads:
                self._waiting.remove(call)
                raise no_thread(self._host, error) from error

    def _take(self) -> _Call | None:
        with self._changed:
            try:
                self._changed.wait_for(lambda: bool(self._waiting) or self._is_closed, self._keep_warm_s)
            finally:
                self._idle -= 1
            if self._waiting:
                return self._waiting.popleft()
            self._threads.discard(threading.current_thread())
            return None

    def _serve(self) -> None:
        try:
            session = self._new_session()
            self._is_free()
            while (call := self._take()) is not None:
                answer: Callable[[], None] | None = None
                if call.future.set_running_or_notify_cancel():
                    answer = outcome(call.future, partial(with_fresh, session, call.work))
                # Before the answer is out: who asks next finds this thread free, and no second session is opened.
                self._is_free()
                if answer is not None:
                    answer()
                del call, answer
            session.close()
        except Exception:
            log.exception("a thread that talks to %s broke; another takes its place", self._host)
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())

    def _is_free(self) -> None:
        with self._changed:
            self._idle += 1


def no_thread(host: HostName, error: BaseException) -> HostUnreachable:
    return HostUnreachable(
        host,
        f"The bot's machine allows no further thread, so {host} was not asked ({type(error).__name__}).",
        hint="Raise the limit of processes and threads of the bot's user or container.",
    )


def ask_loop(
    loop: asyncio.AbstractEventLoop, question: Callable[[], Coroutine[Any, Any, bool]], abandoned: threading.Event
) -> bool:
    """Ask the event loop a question from a thread, and wait for the answer: no, once nobody listens any more."""
    if abandoned.is_set():
        return False
    asking = question()
    try:
        answer = asyncio.run_coroutine_threadsafe(asking, loop)
    except RuntimeError:  # the loop is closed
        asking.close()
        return False
    while not abandoned.is_set():
        try:
            return answer.result(_LISTEN_S) and not abandoned.is_set()
        except TimeoutError:
            continue
        except CancelledError:
            break
    answer.cancel()
    return False


def with_fresh(session: SessionThread, work: Callable[[Any], T]) -> T:
    """Do the work with the warm session; with a new one if the host had forgotten it and therefore done nothing."""
    was_warm = session.is_open
    if not was_warm:
        session.open()
    try:
        return work(session)
    except SessionGone:
        if not was_warm:
            raise
    session.open()
    return work(session)


def _finish(future: "Future[T]", work: Callable[[], T]) -> None:
    outcome(future, work)()


def outcome(future: "Future[T]", work: Callable[[], T]) -> Callable[[], None]:
    """Do the work, and return what tells its caller."""
    try:
        return partial(future.set_result, work())
    except BaseException as error:  # noqa: BLE001  # a bug must reach the caller, not end the host's thread
        return partial(future.set_exception, error)


async def joined(threads: tuple[threading.Thread, ...], timeout_s: float) -> None:
    """Wait until the threads have ended, or the time is over."""
    loop = asyncio.get_running_loop()

    def join() -> None:
        for thread in threads:
            thread.join(max(0.0, ends_at - loop.time()))

    ends_at = loop.time() + timeout_s
    if threads:
        done: Future[None] = Future()
        try:
            threading.Thread(target=lambda: _finish(done, join), name="winrm farewell", daemon=True).start()
        except (RuntimeError, MemoryError):
            log.warning("no thread is left to wait for those of the hosts; they are left to themselves")
        else:
            await asyncio.wrap_future(done)
