"""Promises of core.backoff: how long is waited before the next try, and when there is none."""

import pytest

from core.backoff import delay_s, doubling, fixed, retry


def test_a_delay_doubles_up_to_its_longest() -> None:
    """1, 2, 4 … and never more than the longest, however often it failed."""
    wait = doubling(1.0, 60.0)
    assert [delay_s(wait, tries) for tries in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert delay_s(wait, 100_000) == 60


def test_fixed_delays_follow_each_other_and_the_last_one_stays() -> None:
    """5, 30, 120, and then 120 again; without any there is no delay."""
    assert [delay_s(fixed(5, 30, 120), tries) for tries in range(1, 6)] == [5, 30, 120, 120, 120]
    assert delay_s(fixed(), 3) == 0


async def test_what_fails_is_called_again_after_each_delay_until_the_tries_are_used_up() -> None:
    """Three tries, two delays, two complaints, and the last error is raised."""
    slept: list[float] = []
    said: list[str] = []
    calls = 0

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise OSError(f"try {calls}")

    with pytest.raises(OSError, match="try 3"):
        await retry(
            fail, OSError, wait=fixed(5, 30), tries=3, sleep=sleep, on_error=lambda error: said.append(str(error))
        )
    assert (slept, said) == ([5, 30], ["try 1", "try 2"])


async def test_another_error_is_not_tried_again() -> None:
    """Only the named errors are worth another try."""
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await retry(fail, OSError, wait=fixed(), tries=3)
    assert calls == 1
