"""Which thread and session carries a move, and which sessions wait for the next."""

import asyncio
import random
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from core.domain.model.inventory import HostName
from core.errors import ContactLost, HostUnreachable, OrderWithdrawn
from core.hyperv import move_threads
from core.hyperv.error_mapping import SessionGone, SessionsUsedUp
from core.hyperv.move_threads import Keeping, MoveThreads
from tests.support.eventually import eventually

HOST = HostName("HV01")
HOUR_S = 3600.0


class Line:
    """A session that only counts; ``trouble`` is what it meets when it is made ready."""

    def __init__(self, opened: list["Line"]) -> None:
        self.opened = opened
        self.is_open = False
        self.closed = 0
        self.looks = 0

    def open(self) -> None:
        self.is_open = True
        self.opened.append(self)

    def close(self) -> None:
        self.closed += self.is_open
        self.is_open = False

    def drop(self) -> None:
        self.is_open = False


class Host:
    """A host that counts sessions, and may meet trouble when one is made ready."""

    def __init__(
        self, *, most: int = 2, good_for_s: float = HOUR_S, keep_s: float = HOUR_S, refresh_s: float = HOUR_S
    ) -> None:
        self.opened: list[Line] = []
        self.trouble: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.keeping = Keeping(
            most=most,
            make_ready=self._make_ready,
            good_for_s=lambda _: good_for_s,
            keep_s=keep_s,
            refresh_s=refresh_s,
        )

    def _make_ready(self, line: Line) -> None:
        self.gate.wait(60)
        if self.trouble is not None:
            line.drop()
            raise self.trouble
        line.looks += 1

    @property
    def open_now(self) -> int:
        return sum(line.is_open for line in self.opened)

    def threads(self, limit: int = 4) -> MoveThreads:
        return MoveThreads(HOST, lambda: Line(self.opened), limit, self.keeping)


@pytest.fixture
def opened() -> list[Line]:
    return []


async def test_a_move_has_a_thread_and_session_of_its_own(opened: list[Line]) -> None:
    """Moves never share a session, and there are never more than allowed."""
    moves, release = MoveThreads(HOST, lambda: Line(opened), 2), threading.Event()
    running = [asyncio.create_task(moves.stay(lambda _line, _left: release.wait(60))) for _ in range(2)]
    await eventually(lambda: len(opened) == 2)
    with pytest.raises(HostUnreachable, match="nothing was started"):
        await moves.stay(lambda _line, _left: None)
    release.set()
    assert await asyncio.gather(*running) == [True, True]
    await eventually(lambda: all(line.closed for line in opened))
    await eventually(lambda: not moves._running)
    assert await moves.stay(lambda _line, _left: "again") == "again"


async def test_a_left_move_hears_of_it(opened: list[Line]) -> None:
    """When nobody waits for a move any more its thread is told, and stops listening."""
    moves, heard = MoveThreads(HOST, lambda: Line(opened), 2), threading.Event()

    def work(line: Any, left: threading.Event) -> None:
        left.wait(60)
        heard.set()
        line.drop()
        raise ContactLost("HV01", "left")

    for end in ("cancel", "close"):
        heard.clear()
        task = asyncio.create_task(moves.stay(work))
        await eventually(lambda: bool(moves._running))
        if end == "cancel":
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await eventually(lambda: not moves._running)
        else:
            await moves.close(60)
            with pytest.raises(ContactLost):
                await task
        assert heard.is_set()
    with pytest.raises(HostUnreachable, match="closed"):
        await moves.stay(work)


async def test_a_session_that_cannot_be_made_reaches_who_called() -> None:
    """A bug in making a session hangs nobody: a move hears of it at once, and the place is free again."""

    def broken() -> Line:
        raise KeyError("auth")

    moves = MoveThreads(HOST, broken, 1)
    for _ in range(2):
        with pytest.raises(KeyError):
            await asyncio.wait_for(moves.stay(lambda *_: 1), 10)
        await eventually(lambda: not moves._running)


async def test_the_session_of_an_ended_move_serves_the_next() -> None:
    """Promise: what a session costs on its host is paid once, not at each free slot."""
    host = Host()
    moves = host.threads()
    for _ in range(3):
        await moves.stay(lambda line, _left: line)
    assert (len(host.opened), host.open_now) == (1, 1)
    await moves.close(60)
    assert (host.opened[0].closed, host.open_now) == (1, 0)


async def test_a_session_is_ready_before_the_move_it_is_for() -> None:
    """An expected move finds its session logged on and its module loaded."""
    host = Host()
    moves = host.threads()
    moves.expect(1)
    moves.expect(1)
    await eventually(lambda: host.open_now == 1 and host.opened[0].looks == 1)
    assert await moves.stay(lambda line, _left: line) is host.opened[0]
    assert len(host.opened) == 1
    await moves.close(60)


async def test_a_move_takes_the_session_that_is_being_made_ready() -> None:
    """A slot that frees while a session logs on does not make the host log on another."""
    host = Host()
    host.gate.clear()
    moves = host.threads()
    moves.expect(1)
    await eventually(lambda: host.open_now == 1)
    move = asyncio.create_task(moves.stay(lambda line, _left: line))
    await asyncio.sleep(0)
    host.gate.set()
    assert await move is host.opened[0]
    assert len(host.opened) == 1
    await moves.close(60)


async def test_kept_sessions_are_bounded() -> None:
    """However many moves end or are expected at once, no more sessions than allowed wait unused."""
    host = Host(most=2)
    moves, release = host.threads(limit=5), threading.Event()
    running = [asyncio.create_task(moves.stay(lambda _line, _left: release.wait(60))) for _ in range(5)]
    await eventually(lambda: host.open_now == 5)
    moves.expect(9)
    await eventually(lambda: len(host.opened) == 5 + 2)
    release.set()
    await asyncio.gather(*running)
    await eventually(lambda: host.open_now == 2 and not moves._running)
    await moves.close(60)


async def test_nothing_is_kept_where_that_is_not_wanted() -> None:
    """With no spare sessions every move opens its own and closes it, and none is made ready."""
    host = Host(most=0)
    moves = host.threads()
    moves.expect(3)
    for _ in range(2):
        await moves.stay(lambda _line, _left: None)
    await eventually(lambda: host.open_now == 0)
    assert [line.closed for line in host.opened] == [1, 1]


async def test_a_session_nobody_comes_for_is_closed() -> None:
    """After its idle time the host has its process back; one that is expected stays, and is shown to be alive."""
    host = Host(keep_s=0.01, refresh_s=0.01)
    moves = host.threads()
    await moves.stay(lambda _line, _left: None)
    await eventually(lambda: host.opened[0].closed == 1)
    moves.expect(1)
    await eventually(lambda: len(host.opened) == 2 and host.opened[1].looks > 5)
    assert host.opened[1].is_open
    moves.expect(0)
    await eventually(lambda: host.open_now == 0)
    assert len(host.opened) == 2


async def test_the_session_of_a_move_that_has_just_got_its_slot_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A move that starts is expected no more, and its order is still to come: its session is not closed meanwhile."""
    later_s = [0.0]
    monkeypatch.setattr(move_threads, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + later_s[0]))
    host = Host(keep_s=HOUR_S, refresh_s=0.01, good_for_s=10 * HOUR_S)
    moves = host.threads()
    moves.expect(1)
    await eventually(lambda: bool(host.opened) and host.opened[0].looks > 1)
    later_s[0] += 2 * HOUR_S
    moves.expect(0)
    looks = host.opened[0].looks
    await eventually(lambda: host.opened[0].looks > looks + 2 or not host.open_now)
    assert await moves.stay(lambda line, _left: line) is host.opened[0]
    looks = host.opened[0].looks
    await eventually(lambda: host.opened[0].looks > looks)  # it waits again, and counts from before that
    later_s[0] += 2 * HOUR_S
    await eventually(lambda: host.open_now == 0)


@pytest.mark.parametrize("error", [ContactLost("HV01", "lost"), HostUnreachable("HV01", "away"), KeyError("a bug")])
async def test_a_session_that_met_trouble_is_never_kept(error: Exception) -> None:
    """Promise: a sick session is not handed to the next move."""
    host = Host()
    moves = host.threads()

    def work(_line: Any, _left: threading.Event) -> None:
        raise error

    with pytest.raises(type(error)):
        await moves.stay(work)
    assert await moves.stay(lambda line, _left: line) is host.opened[1]
    await eventually(lambda: host.opened[0].closed == 1)
    await moves.close(60)


async def test_a_withdrawn_order_leaves_its_session_well() -> None:
    """Nothing was sent, so there is nothing wrong with the session."""
    host = Host()
    moves = host.threads()

    def work(_line: Any, _left: threading.Event) -> None:
        raise OrderWithdrawn("HV01", "withdrawn")

    with pytest.raises(OrderWithdrawn):
        await moves.stay(work)
    await moves.stay(lambda _line, _left: None)
    assert len(host.opened) == 1
    await moves.close(60)


async def test_a_session_that_died_while_it_waited_is_replaced() -> None:
    """What waits is looked at now and then: no move is given a session that does not answer."""
    host = Host(refresh_s=0.01)
    moves = host.threads()
    moves.expect(1)
    await eventually(lambda: bool(host.opened) and host.opened[0].looks > 1)
    host.trouble = ContactLost("HV01", "lost")
    await eventually(lambda: host.open_now == 0)
    host.trouble = None
    assert await moves.stay(lambda line, _left: line) is host.opened[1]
    await moves.close(60)


async def test_an_order_that_was_not_sent_goes_out_with_a_new_session() -> None:
    """A host that forgot a kept session did nothing: the move does not fail for it. A new one is not replaced again."""
    host, sent = Host(), list[Any]()
    moves = host.threads()
    await moves.stay(lambda _line, _left: None)

    def work(line: Any, _left: threading.Event) -> str:
        sent.append(line)
        if len(sent) == 1:
            line.drop()
            raise SessionGone("HV01", "forgotten")
        return "moved"

    assert await moves.stay(work) == "moved"
    assert (len(sent), len(host.opened)) == (2, 2)

    def never(line: Any, _left: threading.Event) -> None:
        sent.append(line)
        line.drop()
        raise SessionGone("HV01", "forgotten")

    sent.clear()
    with pytest.raises(SessionGone):
        await moves.stay(never)
    with pytest.raises(SessionGone):
        await moves.stay(never)
    assert len(sent) == 2 + 1
    await moves.close(60)


async def test_a_session_that_cannot_be_made_ready_is_nobodys_trouble() -> None:
    """A sick host is asked for a session in vain once in a while, and a move hears for itself how the host is."""
    host = Host()
    host.trouble = HostUnreachable("HV01", "away")
    moves = host.threads()
    moves.expect(2)
    await eventually(lambda: len(host.opened) == 2 and not moves._threads)
    moves.expect(2)
    assert not moves._threads
    assert await moves.stay(lambda line, _left: line) is host.opened[2]
    await moves.close(60)


async def test_a_full_host_gets_its_unused_sessions_back() -> None:
    """Promise: where the host has no session left for us, what waits unused is closed, and nothing is made ready."""
    host = Host()
    moves = host.threads()
    moves.expect(2)
    await eventually(lambda: host.open_now == 2 and all(line.looks for line in host.opened))
    moves.release()
    await eventually(lambda: host.open_now == 0)
    moves.expect(2)
    await moves.stay(lambda _line, _left: None)
    await eventually(lambda: host.open_now == 0)
    assert len(host.opened) == 3


async def test_no_session_is_asked_for_where_there_is_none() -> None:
    """A host that refuses a spare session gives none of those it has to waiting."""
    host = Host()
    moves = host.threads()
    await moves.stay(lambda _line, _left: None)
    host.trouble = SessionsUsedUp("HV01", "full")
    moves.expect(2)
    await eventually(lambda: host.open_now == 0)
    await moves.close(60)


async def test_a_session_is_too_old_at_some_time() -> None:
    """What a session may do ends with the ticket it was opened with: then a move gets a new one."""
    host = Host(good_for_s=0.0)
    moves = host.threads()
    for _ in range(2):
        await moves.stay(lambda _line, _left: None)
    await eventually(lambda: host.open_now == 0)
    assert [line.closed for line in host.opened] == [1, 1]


async def test_an_order_that_waits_for_a_session_hears_of_the_end() -> None:
    """Whoever waits for a session that logs on when the gateway closes is told so."""
    host = Host()
    host.gate.clear()
    moves = host.threads()
    moves.expect(1)
    await eventually(lambda: host.open_now == 1)
    move = asyncio.create_task(moves.stay(lambda _line, _left: None))
    await asyncio.sleep(0)
    closing = asyncio.create_task(moves.close(60))
    with pytest.raises(HostUnreachable, match="closed"):
        await move
    host.gate.set()
    await closing
    assert host.open_now == 0


async def test_an_order_does_not_hang_on_a_thread_that_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the keeping of sessions costs no move: another thread takes what the broken one was to take."""
    host = Host()
    host.gate.clear()
    moves = host.threads()
    moves.expect(1)
    await eventually(lambda: host.open_now == 1)
    real, broken = MoveThreads._next, list[int]()

    def breaks_once(self: MoveThreads, held: Any) -> Any:
        if not broken:
            broken.append(1)
            raise KeyError("a bug")
        return real(self, held)

    monkeypatch.setattr(move_threads.MoveThreads, "_next", breaks_once)
    move = asyncio.create_task(moves.stay(lambda line, _left: line))
    await asyncio.sleep(0)
    host.gate.set()
    assert await asyncio.wait_for(move, 60) is host.opened[1]
    await moves.close(60)


@pytest.mark.parametrize("seed", range(5))
async def test_limits_hold_whatever_happens(seed: int) -> None:
    """Never more moves at once than allowed, and never more sessions than those and the spare ones; none is left."""
    chance, host, limit = random.Random(seed), Host(most=2, keep_s=0.002, refresh_s=0.001), 3  # noqa: S311
    moves, lock, most = host.threads(limit), threading.Lock(), [0, 0, 0]

    def work(line: Any, _left: threading.Event) -> None:
        with lock:
            most[0] += 1
            most[1] = max(most[1], most[0])
        threading.Event().wait(chance.random() * 0.005)
        with lock:
            most[0] -= 1
        if chance.random() < 0.2:
            line.drop()
            raise ContactLost("HV01", "lost")

    async def one() -> None:
        await asyncio.sleep(chance.random() * 0.2)
        try:
            await moves.stay(work)
        except ContactLost:
            pass
        except HostUnreachable as error:
            assert "in use" in error.message  # noqa: PT017

    async def hints() -> None:
        for _ in range(40):
            await asyncio.sleep(chance.random() * 0.01)
            moves.expect(chance.randrange(4))
            host.trouble = ContactLost("HV01", "lost") if chance.random() < 0.1 else None
            moves._ready_from = 0.0
            most[2] = max(most[2], host.open_now)

    await asyncio.gather(hints(), *(one() for _ in range(60)))
    assert 0 < most[1] <= limit
    assert most[2] <= limit + host.keeping.most
    await moves.close(60)
    assert host.open_now == 0
    assert not moves._threads
