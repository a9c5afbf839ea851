"""Whether asking a silent host again is worth the wait."""

import pytest

from core.domain.model.inventory import HostName
from core.errors import HostUnreachable, Standing
from core.hyperv.circuit_breaker import CircuitBreaker


class Hands:
    """A clock somebody turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_opens_lets_one_through_and_closes() -> None:
    """After some failures in a row callers are answered at once, one per pause asks the host, a success ends it."""
    clock = Hands()
    breaker = CircuitBreaker(HostName("HV01"), failures=2, pause_s=5, clock=clock)
    breaker.failed("silence")
    breaker.admit()
    breaker.failed("silence")
    with pytest.raises(HostUnreachable, match=r"2 times in a row, next try in 5 s\. Last: silence"):
        breaker.admit()
    clock.now = 5.0
    breaker.admit()
    with pytest.raises(HostUnreachable):
        breaker.admit()
    breaker.answered()
    breaker.admit()


def test_failures_must_be_in_a_row() -> None:
    """A host that answers in between is asked again."""
    breaker = CircuitBreaker(HostName("HV01"), failures=2, clock=Hands())
    for _ in range(4):
        breaker.failed("silence")
        breaker.answered()
    breaker.admit()


def test_a_full_host_is_not_called_silent_because_nobody_asks_it() -> None:
    """What the host did is said on while it is left in peace."""
    breaker = CircuitBreaker(HostName("HV01"), failures=1, clock=Hands())
    breaker.failed("HV01 allows no further session.", Standing.SESSIONS_USED_UP)
    with pytest.raises(HostUnreachable) as caught:
        breaker.admit()
    assert caught.value.standing is Standing.SESSIONS_USED_UP
