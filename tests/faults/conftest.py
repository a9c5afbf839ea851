"""Takes the long breaths out of the bot, so that a recovery is seen soon; what they are for is tested elsewhere."""

from functools import partial

import pytest

from core.engine.hosts import poller
from core.hyperv import gateway
from core.hyperv.circuit_breaker import CircuitBreaker


@pytest.fixture(autouse=True)
def short_breaths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent host is asked again every second."""
    monkeypatch.setattr(poller, "LONGEST_SILENCE_S", 1.0)
    monkeypatch.setattr(gateway, "CircuitBreaker", partial(CircuitBreaker, pause_s=0.5))
