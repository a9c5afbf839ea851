"""Puts questions about many VMs to one host in few calls: as many in one as the host answers in about two seconds.

A call costs about the same whatever is in it, so that 500 VMs asked about one by one take minutes. But how long a host
thinks about one VM nobody has measured: one that is slow is asked in small calls, so that people see its answers come
in, and little is lost when the time for them is over.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.errors import CommandFailed, HostError, MalformedReply
from core.tasks import TaskSet

Q = TypeVar("Q")
A = TypeVar("A")

ABOUT_ONE_VM = (CommandFailed, MalformedReply)
"""Errors that say nothing about the next VM."""
MOST = 50
"""So many questions in one call at most: PowerShell takes each call whole."""
_ABOUT_S = 2.0
_GROWTH = 4
"""A call that was answered sooner is followed by one of at most so many times its questions."""


@dataclass(slots=True)
class _Waiting(Generic[Q, A]):
    question: Q
    answer: "asyncio.Future[A]"


class HostQuestions(Generic[Q, A]):
    """The questions of one kind to one host: first one, then as many in a call as its last answers took time."""

    def __init__(
        self,
        put: Callable[[Sequence[Q]], Awaitable[Sequence[A | HostError]]],
        seats: asyncio.Semaphore,
        tasks: TaskSet,
        *,
        calls_at_once: int,
    ) -> None:
        """``put`` asks the host and returns an answer for each question; ``seats`` are shared by all who ask it."""
        self._put = put
        self._seats = seats
        self._tasks = tasks
        self._free = calls_at_once
        self._waiting: deque[_Waiting[Q, A]] = deque()
        self._size = 1

    async def ask(self, question: Q) -> A:
        """Have a question answered with others. Raises what ``put`` raises or returns about it."""
        waiting = _Waiting[Q, A](question, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._free:
            self._free -= 1
            self._tasks.start(self._work(), "questions to a host")
        return await waiting.answer

    async def _work(self) -> None:
        """Ask until nobody waits."""
        try:
            while self._waiting:
                async with self._seats:
                    await asyncio.sleep(0)  # whoever got an answer of another host just now comes with the others
                    await self._ask([self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))])
        finally:
            self._free += 1

    async def _ask(self, asked: Sequence[_Waiting[Q, A]]) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            answers = await self._put([one.question for one in asked])
            answered = list(zip(asked, answers, strict=True))
        except asyncio.CancelledError:
            for one in asked:
                one.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # a bug about one VM must not cost the others their answers
            is_about_all = isinstance(error, HostError) and not isinstance(error, ABOUT_ONE_VM)
            if len(asked) == 1 or is_about_all:
                for one in asked:
                    _settle(one, error)
                return
            self._size = 1
            for one in asked:  # nobody knows which of them it was
                await self._ask([one])
            return
        took_s = max(loop.time() - began_s, 1e-3)
        self._size = max(1, min(MOST, _GROWTH * len(asked), int(len(asked) * _ABOUT_S / took_s)))
        for one, answer in answered:
            _settle(one, answer)


def _settle(waiting: _Waiting[Q, A], answer: A | Exception) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):  # whoever asked has left
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)
