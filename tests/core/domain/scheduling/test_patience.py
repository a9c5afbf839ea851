"""How long a move waits, and when its clock stands still."""

from dataclasses import replace

from core.domain.model.hyperv_enums import Operation
from core.domain.model.move import HoldCode, MoveState
from core.domain.model.plan import Options
from core.domain.scheduling.schedule import decide, next_times
from core.domain.scheduling.situation import FOREIGN_TIMEOUT
from tests.support.builders import (
    HV01,
    HV02,
    NOW,
    after,
    job,
    move,
    situation,
    snapshot,
    vm,
)
from tests.support.decisions import BACKUP, BUSY, ended, kept, see

# ---------------------------------------------------------------- clocks


def test_a_backup_is_waited_for_and_then_given_up() -> None:
    """A VM in backup is waited for as long as the settings say, then declared unmigratable."""
    one = see(move(1), *BACKUP, at=0).move
    assert kept(see(one, *BACKUP, at=3599)).text == "is being backed up; waits up to 1 h"
    end = ended(see(one, *BACKUP, at=3600))
    assert (end.state, end.text) == (MoveState.UNMIGRATABLE, "is being backed up, for 1 h now")


def test_two_short_backups_are_not_one_long_one() -> None:
    """Weakness 16: each backup has its own clock; a look in between stops it."""
    one = see(move(1), *BACKUP, at=0).move
    one = see(one, Operation.OK, at=600, stopped_by="U_BOB").move
    assert kept(see(one, *BACKUP, at=3700)).since == after(3700)


def test_silence_between_two_backups_does_not_make_them_one() -> None:
    """Weakness 16: while a host is silent the clock of a backup stands still; a stuck one still ends."""
    one = see(move(1), *BACKUP, at=0).move
    one = see(one, *BACKUP, at=600).move
    one = see(one, *BACKUP, at=610, trouble={HV01: "HV01 does not answer"}).move
    one = see(one, *BACKUP, at=9000, trouble={HV01: "HV01 does not answer"}).move
    again = see(one, *BACKUP, at=9010)
    assert kept(again).since == after(9010 - 610)
    assert ended(see(again.move, *BACKUP, at=9010 + 3000)).state is MoveState.UNMIGRATABLE


def test_unexplained_business_has_its_own_shorter_patience() -> None:
    """Weakness 17: a VM whose host does not say what it is busy with is not waited for like a backup."""
    one = see(move(1), *BUSY, at=0).move
    assert kept(see(one, *BUSY, at=1799)).code is HoldCode.BUSY
    assert ended(see(one, *BUSY, at=1800)).text == "is busy, its host does not say with what, for 30 min now"


def test_a_state_nobody_foresaw_ends_too() -> None:
    """Weakness 3: an unknown status is a named hold with an end, never an endless loop."""
    one = see(move(1), Operation.OTHER, at=0).move
    assert kept(see(one, Operation.OTHER, at=60)).text == "is not healthy (other); waits up to 30 min"
    assert ended(see(one, Operation.OTHER, at=1800)).state is MoveState.UNMIGRATABLE


def test_a_migration_of_others_that_never_ends_is_given_up() -> None:
    """Weakness 4: a VM that hangs in somebody else's migration is waited for long, but not for ever."""
    stuck = (Operation.IN_SERVICE, Operation.MIGRATING)
    one = see(move(1), *stuck, at=0).move
    assert kept(see(one, *stuck, at=8 * 3600)).since == NOW
    assert ended(see(one, *stuck, at=FOREIGN_TIMEOUT.total_seconds())).state is MoveState.UNMIGRATABLE


def test_the_clock_survives_a_restart() -> None:
    """Weakness 22: the clock of a backup is in the move, so a new process goes on with it."""
    stored = see(move(1), *BACKUP, at=0).move
    assert stored.busy_since == NOW
    assert kept(see(replace(stored), *BACKUP, at=60)).since == NOW


def test_no_patience_runs_out_before_the_start_time() -> None:
    """A backup that runs before the job's start time uses up nothing of the wait."""
    tonight = job(1, options=Options(start_at=after(7200)))
    one = see(move(1), *BACKUP, at=0, jobs=[tonight]).move
    early = see(one, *BACKUP, at=7100, jobs=[tonight])
    assert kept(early).code is HoldCode.START_TIME
    assert kept(see(early.move, *BACKUP, at=7200, jobs=[tonight])).since == after(7200)


def test_a_job_may_say_how_long_it_waits_for_backups() -> None:
    """``backup-wait`` of the request wins over the settings, 0 included."""
    hasty = job(1, options=Options(backup_wait_s=0))
    assert ended(see(move(1), *BACKUP, at=0, jobs=[hasty])).state is MoveState.UNMIGRATABLE


def test_a_hold_says_since_when() -> None:
    """Promise 10: a hold that stays keeps its beginning; another hold has its own."""
    one = see(move(1, not_before=after(50)), Operation.OK, at=0).move
    still = kept(see(one, Operation.OK, at=20))
    assert (still.code, still.since) == (HoldCode.RETRY, NOW)
    assert kept(see(one, *BACKUP, at=20)).since == after(20)


def test_time_alone_wakes_the_loop() -> None:
    """Weakness 18: the loop is told when the next patience, delay or start time is over, so it need not spin."""
    tonight = job(2, options=Options(start_at=after(500)))
    moves = [move(1), move(2, not_before=after(30), attempts=1), move(3, job_number=2), move(4)]
    shots = (snapshot(HV01, vm(1, *BACKUP), vm(2), vm(3), vm(4, *BUSY)), snapshot(HV02))
    at = situation(moves, *shots, jobs=[job(1), tonight])
    named, measured = next_times(decide(at), at)
    assert sorted([*named, *measured]) == [after(30), after(500), after(1800), after(3600)]
