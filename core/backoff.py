"""Tries again what failed, and says how long to wait before that: the only module that knows tenacity."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    retry_if_not_exception_type,
    stop_after_attempt,
    stop_after_delay,
    stop_any,
    stop_never,
    wait_chain,
    wait_exponential,
    wait_fixed,
    wait_none,
    wait_random,
    wait_random_exponential,
)
from tenacity.wait import wait_base

T = TypeVar("T")
Wait = wait_base
"""A rule for how long to wait."""


def doubling(first_s: float, longest_s: float) -> Wait:
    """Wait twice as long after each failed try."""
    return wait_exponential(multiplier=first_s, max=longest_s)


def random_doubling(first_s: float, longest_s: float) -> Wait:
    """Wait for a random time below one that doubles: those who collided try again at different moments."""
    return wait_random_exponential(multiplier=first_s, max=longest_s)


def random_up_to(longest_s: float) -> Wait:
    """Wait for a random time."""
    return wait_random(0, longest_s)


def fixed(*delays_s: float) -> Wait:
    """Wait for these times, one after the other; the last one for ever."""
    return wait_chain(*map(wait_fixed, delays_s)) if delays_s else wait_none()


def delay_s(wait: Wait, tries: int) -> float:
    """Return how long to wait after so many failed tries, from 1."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # a wait looks at the number of tries only
    state.attempt_number = tries
    return wait(state)


async def retry(
    call: Callable[[], Awaitable[T]],
    *errors: type[BaseException],
    wait: Wait,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    tries: int | None = None,
    within_s: float | None = None,
    on_error: Callable[[BaseException], None] | None = None,
    but: tuple[type[BaseException], ...] = (),
) -> T:
    """Call again what fails with one of these errors, ``but`` for some of them; in the end raise the last one.

    ``within_s``: no new try begins later than that; no ``tries``: as often as it takes. ``on_error`` hears of every
    error before the wait that follows it.
    """
    stops = [
        *([stop_after_attempt(tries)] if tries else ()),
        *([stop_after_delay(within_s)] if within_s is not None else ()),
    ]

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if on_error is not None and error is not None:
            on_error(error)

    again = AsyncRetrying(
        sleep=sleep,
        retry=retry_if_exception_type(errors) & retry_if_not_exception_type(but),
        stop=stop_any(*stops) if stops else stop_never,
        wait=wait,
        before_sleep=before_sleep,
        reraise=True,
    )
    result: T = await again(call)
    return result
