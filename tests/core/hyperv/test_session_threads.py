"""Which thread talks to which host."""

import asyncio
import threading
from typing import Any

import pytest

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable
from core.hyperv.error_mapping import SessionGone
from core.hyperv.move_threads import MoveThreads
from core.hyperv.session_threads import ReaderThreads
from tests.support.eventually import eventually

HOST = HostName("HV01")


class Line:
    """A session that only counts."""

    opened: list["Line"]

    def __init__(self, opened: list["Line"]) -> None:
        self.opened = opened
        self.is_open = False
        self.closed = 0

    def open(self) -> None:
        self.is_open = True
        self.opened.append(self)

    def close(self) -> None:
        self.closed += 1
        self.is_open = False

    def drop(self) -> None:
        self.is_open = False


@pytest.fixture
def opened() -> list[Line]:
    return []


@pytest.fixture
def readers(opened: list[Line]) -> ReaderThreads:
    return ReaderThreads(HOST, 2, lambda: Line(opened))


async def test_a_session_is_warm_for_the_next(readers: ReaderThreads, opened: list[Line]) -> None:
    """Calls one after the other share one session."""
    for _ in range(3):
        await readers.ask(lambda line: line, 60)
    assert len(opened) == 1
    await readers.close(60)
    assert opened[0].closed == 1


async def test_calls_at_once_are_bounded(readers: ReaderThreads, opened: list[Line]) -> None:
    """Many calls at once use as many threads as allowed, and all get their answer."""
    most, now, lock = [0], [0], threading.Lock()

    def work(_line: Any) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1

    await asyncio.gather(*(readers.ask(work, 60) for _ in range(12)))
    assert most[0] == 2
    assert len(opened) == 2
    await readers.close(60)


async def test_a_call_that_found_no_thread_did_nothing(readers: ReaderThreads) -> None:
    """Waiting in vain for a thread is HostUnreachable; waiting for the work is a timeout of the work."""
    release = threading.Event()
    ran: list[Any] = []
    busy = [asyncio.create_task(readers.ask(lambda _line: release.wait(60), 0.2)) for _ in range(2)]
    await eventually(lambda: len(readers._threads) == 2)
    with pytest.raises(HostUnreachable, match="waiting for it to answer"):
        await readers.ask(ran.append, 0.05)
    for task in busy:
        with pytest.raises(TimeoutError):
            await task
    release.set()
    await readers.ask(lambda _line: None, 60)
    assert ran == []
    await readers.close(60)


async def test_a_caller_may_leave(readers: ReaderThreads, opened: list[Line]) -> None:
    """Cancelling returns at once; the thread ends its work and serves the next."""
    release, ended = threading.Event(), threading.Event()

    def work(_line: Any) -> None:
        release.wait(60)
        ended.set()

    task = asyncio.create_task(readers.ask(work, 60))
    await eventually(lambda: bool(opened))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended.is_set()
    release.set()
    await eventually(ended.is_set)
    assert await readers.ask(lambda _line: 7, 60) == 7
    await readers.close(60)


async def test_a_forgotten_session_is_replaced_once(opened: list[Line]) -> None:
    """A warm session the host has forgotten is replaced; a new one that is refused as well is not."""
    readers = ReaderThreads(HOST, 1, lambda: Line(opened))
    await readers.ask(lambda _line: None, 60)
    calls: list[Any] = []

    def work(line: Any) -> str:
        calls.append(line)
        if len(calls) == 1:
            line.drop()
            raise SessionGone("HV01", "forgotten")
        return "done"

    assert await readers.ask(work, 60) == "done"
    assert len(opened) == 2

    def never(line: Any) -> None:
        calls.append(line)
        line.drop()
        raise SessionGone("HV01", "forgotten")

    calls.clear()
    with pytest.raises(SessionGone):
        await readers.ask(never, 60)
    assert len(calls) == 2
    await readers.close(60)


async def test_a_bug_reaches_the_caller(readers: ReaderThreads) -> None:
    """Whatever goes wrong in a thread is raised where it was asked, and the thread lives on."""
    with pytest.raises(ZeroDivisionError):
        await readers.ask(lambda _line: 1 // 0, 60)
    assert await readers.ask(lambda _line: 1, 60) == 1
    await readers.close(60)


async def test_idle_threads_end() -> None:
    """A thread without work logs off and ends; the next call starts another."""
    opened: list[Line] = []
    readers = ReaderThreads(HOST, 2, lambda: Line(opened), keep_warm_s=0.01)
    await readers.ask(lambda _line: None, 60)
    await eventually(lambda: not readers._threads and opened[0].closed == 1)
    await readers.ask(lambda _line: None, 60)
    assert len(opened) == 2
    await readers.close(60)


async def test_nothing_is_taken_after_closing(readers: ReaderThreads, opened: list[Line]) -> None:
    """Calls that wait when the gateway closes are told, and so are later ones."""
    release = threading.Event()
    busy = [asyncio.create_task(readers.ask(lambda _line: release.wait(60), 60)) for _ in range(2)]
    await eventually(lambda: len(opened) == 2)
    waiting = asyncio.create_task(readers.ask(lambda _line: None, 60))
    await asyncio.sleep(0)
    closing = asyncio.create_task(readers.close(60))
    with pytest.raises(HostUnreachable, match="closed"):
        await waiting
    with pytest.raises(HostUnreachable, match="closed"):
        await readers.ask(lambda _line: None, 60)
    release.set()
    await asyncio.gather(closing, *busy)


async def test_closing_does_not_wait_for_ever(readers: ReaderThreads, opened: list[Line]) -> None:
    """A thread that hangs is left to itself."""
    release = threading.Event()
    hanging = asyncio.create_task(readers.ask(lambda _line: release.wait(60), 60))
    await eventually(lambda: bool(opened))
    await readers.close(0.05)
    assert not hanging.done()
    release.set()
    assert await hanging


class Machine:
    """A machine that has no thread left for the hosts, for so many tries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refusals = 0
        real = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if self.refusals and thread.name.startswith(("winrm", "move")):
                self.refusals -= 1
                raise RuntimeError("can't start new thread")
            real(thread)

        monkeypatch.setattr(threading.Thread, "start", start)


async def test_a_thread_that_cannot_be_started_is_no_lost_place(
    readers: ReaderThreads, opened: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said at once that nothing was done; later the host has as many threads as ever, and closes."""
    machine = Machine(monkeypatch)
    moves = MoveThreads(HOST, lambda: Line(opened), 2)
    machine.refusals = 6
    for _ in range(3):
        with pytest.raises(HostUnreachable, match="no further thread"):
            await readers.ask(lambda line: line, 5)
        with pytest.raises(HostUnreachable, match="no further thread"):
            await moves.stay(lambda line, _: line)
    assert machine.refusals == 0
    assert await readers.ask(lambda _: 1, 5) == 1
    assert list(await asyncio.gather(moves.stay(lambda *_: 1), moves.stay(lambda *_: 2))) == [1, 2]
    machine.refusals = 100  # not even one to say farewell
    await moves.close(5)
    await readers.close(5)


async def test_a_call_waits_for_a_running_thread_when_no_other_can_be_started(
    readers: ReaderThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one thread at work and none to be had, the second call is done after the first."""
    machine = Machine(monkeypatch)
    go_on = threading.Event()
    first = asyncio.create_task(readers.ask(lambda _: go_on.wait(10), 20))
    await eventually(lambda: bool(readers._threads) and not readers._waiting)
    machine.refusals = 1
    second = asyncio.create_task(readers.ask(lambda _: 2, 20))
    await eventually(lambda: machine.refusals == 0)
    go_on.set()
    assert await first
    assert await second == 2
