"""The garbage collector is told what will stay, and threads to give way soon."""

import gc
import sys
from collections.abc import Iterator

import pytest

from bot.interpreter_tuning import tune_interpreter


@pytest.fixture(autouse=True)
def _tuned() -> Iterator[None]:
    threshold, turn_s = gc.get_threshold(), sys.getswitchinterval()
    tune_interpreter()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    sys.setswitchinterval(turn_s)


def test_what_the_start_made_is_not_looked_through_again() -> None:
    """All that is there is set aside, and what comes later is still collected."""
    assert gc.get_freeze_count() > 10_000
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.isenabled()
    assert gc.collect() >= 1


def test_a_thread_that_computes_gives_way_soon() -> None:
    """The event loop may have to wait for several of them before each of its turns."""
    assert sys.getswitchinterval() < 0.001
