"""Virtual days with every kind of trouble at once: nothing harmed, nothing lost, nothing said twice."""

import pytest

from tests.soak.story import tell


@pytest.mark.parametrize("seed", [1000])
def test_two_days_of_every_trouble_break_no_promise(seed: int) -> None:
    """Promises 1 to 7: play it again with ``python -m tests.soak --seed SEED --chain 50``."""
    told = tell(seed, 50)
    assert told.broken == ()
    assert told.moves > 0
