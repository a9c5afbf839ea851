"""The garbage collector is told what will stay."""

import gc

from bot.gc_tuning import spare_what_stays


def test_what_the_start_made_is_not_looked_through_again() -> None:
    """All that is there is set aside, and what comes later is still collected."""
    threshold = gc.get_threshold()
    try:
        spare_what_stays()
        assert gc.get_freeze_count() > 10_000
        ring: list[object] = []
        ring.append(ring)
        del ring
        assert gc.isenabled()
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
