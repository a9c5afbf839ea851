"""What a restart says of the moves it finds."""

from core.domain.model.events import Tone
from core.domain.model.move import MoveState
from core.domain.reporting.announcements import adoptions
from tests.support.builders import NOW, move
from tests.support.event_facts import facts


def test_the_first_of_each_job_tells_of_all_that_were_moving() -> None:
    """Every move is noted; people hear one line per job, which leaves out what may not have begun."""
    found = [
        move(1, state=MoveState.STARTING),
        move(2, state=MoveState.MOVING),
        move(3, state=MoveState.VERIFYING),
        move(4, state=MoveState.MOVING, job_number=2),
        move(5, state=MoveState.STARTING, job_number=3),
    ]
    noted = adoptions(found, NOW)
    assert [one.move_id for one in noted] == [1, 2, 3, 4, 5]
    assert [facts(one).state for one in noted] == ["starting", "moving", "verifying", "moving", "starting"]
    told = {one.move_id: facts(one).vms for one in noted if one.tone is Tone.LINE}
    assert told == {2: ("vm02", "vm03"), 4: ("vm04",)}
    assert [one.move_id for one in noted if one.tone is None] == [1, 3, 5]
