"""Promises of ordering moves around the backups that are expected of their VMs."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.backups.rhythm import Expected
from core.domain.backups.runs import BackupRun
from core.domain.model.move import HoldCode, Move, MoveId, MoveState
from core.domain.model.plan import Options
from core.domain.scheduling.around_backups import After, BackupOutlook, Before, Now, advise, avoided, backup_timeout
from core.domain.scheduling.decisions import Decision, Start
from core.domain.scheduling.freeze import Calendar, parse_window
from core.domain.scheduling.schedule import decide, next_change
from core.domain.scheduling.situation import Situation
from tests.support.builders import GB, HV01, HV02, NOW, after, facts, job, move, situation, snapshot, vm, vm_id
from tests.support.decisions import BACKUP, by_move, kept, started

MIN = 60.0


def window(opens_min: float, length_min: float = 40, jitter_min: float = 5) -> Expected:
    """Return a backup that is expected so many minutes from now."""
    return Expected(
        earliest=after((opens_min - jitter_min) * MIN),
        opens=after(opens_min * MIN),
        latest=after((opens_min + jitter_min) * MIN),
        closes=after((opens_min + length_min) * MIN),
        closes_latest=after((opens_min + length_min + jitter_min) * MIN),
        name="its nightly backup at about 22:00",
        after="about 22:45",
    )


def outlook(*windows: Expected, takes_min: float = 20, newest: BackupRun | None = None) -> BackupOutlook:
    return BackupOutlook(expected=windows, likely_s=takes_min * MIN, latest_s=1.5 * takes_min * MIN, newest=newest)


def look(
    one: BackupOutlook, now: datetime = NOW, options: Options | None = None, calendar: Calendar | None = None
) -> object:
    return advise(one, now, options or Options(), calendar)


def seen(began_min: float, ended_min: float | None) -> BackupRun:
    ended = None if ended_min is None else after(ended_min * MIN)
    return BackupRun(vm_id=vm_id(1), host=HV01, started_at=after(began_min * MIN), ended_at=ended)


def test_a_move_that_fits_starts_before() -> None:
    """There is time for it, at its careful estimate."""
    assert look(outlook(window(60))) == Before(after(25 * MIN), after(105 * MIN), "its nightly backup at about 22:00")


def test_a_move_that_would_still_run_waits() -> None:
    """It says until about when."""
    found = look(outlook(window(20)))
    assert isinstance(found, After)
    assert found.text == "waits for its nightly backup at about 22:00; starts after it, about 22:45"
    assert (found.until, found.is_far, found.risk) == (after(25 * MIN), False, 0.5)


def test_the_times_at_which_a_move_will_not_start_are_known_before() -> None:
    """Those at which it would wait: from its careful estimate before a backup on until that is over as a rule."""
    tomorrow = window(60 + 24 * 60)
    both = outlook(window(60), tomorrow)
    assert avoided(both, NOW, Options(), None, heeds=True) == (
        (after(25 * MIN), after(100 * MIN)),
        (after((25 + 24 * 60) * MIN), after((100 + 24 * 60) * MIN)),
    )
    assert avoided(both, NOW, Options(), None, heeds=False)[0] == (after(60 * MIN), after(100 * MIN))
    assert avoided(outlook(window(-10), newest=seen(-8, -1)), NOW, Options(), None, heeds=True) == ()
    too_often = outlook(*(window(10 + 60 * hour, 5) for hour in range(24)), takes_min=50)
    assert len(avoided(too_often, NOW, Options(), None, heeds=True)) == 1  # the last of those that are known
    assert avoided(outlook(window(20)), NOW, Options(until=after(60 * MIN)), None, heeds=True) == ()


@given(st.integers(-30, 400), st.integers(5, 90), st.integers(0, 300))
def test_an_estimate_waits_when_the_decision_does(opens_min: int, takes_min: int, at_min: int) -> None:
    """At any time at which a decision would let the move wait the estimate does not start it, but for a start early."""
    one = outlook(window(opens_min), takes_min=takes_min)
    at = after(at_min * MIN)
    spans = avoided(one, NOW, Options(), None, heeds=True)
    match look(one, at):
        case After(is_far=False, over=over) if at < over:
            assert any(begin <= at < end for begin, end in spans)
        case Before():
            assert not any(begin < at < end for begin, end in spans)


def test_a_backup_that_does_not_come_is_not_waited_for() -> None:
    """Its time to begin is over: the next one counts."""
    assert isinstance(look(outlook(window(20)), after(24 * MIN)), After)
    assert isinstance(look(outlook(window(20)), after(26 * MIN)), Now)


def test_a_backup_that_is_over_early_is_not_waited_for() -> None:
    """It was seen to end."""
    assert isinstance(look(outlook(window(-10), newest=seen(-8, -1))), Now)
    assert isinstance(look(outlook(window(-4), newest=seen(-86_400, -86_000))), After)


def test_backups_that_come_too_often_are_no_reason() -> None:
    """Nothing is gained: after this backup it would meet the next one."""
    found = look(outlook(*(window(10 + 60 * hour, 5) for hour in range(24)), takes_min=50))
    assert found == Now("its backups come too often for a move of this length")


def test_a_deadline_wins() -> None:
    """After the backup it would be too late."""
    assert look(outlook(window(20)), options=Options(until=after(80 * MIN))) == Now(
        "it would be too late after its backup"
    )
    assert isinstance(look(outlook(window(20)), options=Options(until=after(180 * MIN))), After)


def test_a_freeze_wins() -> None:
    """After the backup nothing could start, unless the job overrides the freeze."""
    frozen = Calendar((parse_window("Sat 22:30-23:30"),), UTC)
    assert look(outlook(window(20)), calendar=frozen) == Now("after its backup moves are frozen")
    assert isinstance(look(outlook(window(20)), calendar=frozen, options=Options(override="agreed")), After)


def test_a_backup_known_to_be_long_is_waited_for() -> None:
    """A VM in the backup that was expected waits until that is over as a rule; in another one, as the settings say."""
    hour = timedelta(hours=1)
    assert backup_timeout(outlook(window(0, 240)), hour, NOW) == timedelta(minutes=245)
    assert backup_timeout(outlook(window(0, 20)), hour, NOW) == hour
    assert backup_timeout(outlook(window(600, 240)), hour, NOW) == hour
    assert backup_timeout(None, hour, NOW) == hour


# ---------------------------------------------------------------- in a decision


def at(moves: list[Move], outlooks: dict[int, BackupOutlook], *, now: float = 0, slots: int = 1) -> Situation:
    """Return a situation in which these moves wait and so much is expected of their VMs."""
    waiting = [one for one in moves if one.state is MoveState.QUEUED]
    shot = snapshot(HV01, *(vm(one.id) for one in waiting), of=facts(live=slots, storage=slots), at=after(now))
    other = snapshot(HV02, of=facts(live=slots, storage=slots), at=after(now))
    backups = {MoveId(number): one for number, one in outlooks.items()}
    return situation(moves, shot, other, now=after(now), backups=backups)


def start_of(decisions: list[Decision], number: int) -> Start:
    decision = by_move(decisions)[number]
    assert isinstance(decision, Start)
    return decision


def test_the_reason_is_told_and_the_slot_goes_to_another() -> None:
    """A move that waits for its backup says so, and others use its slot meanwhile."""
    moves = [move(1, size_bytes=50 * GB), move(2)]
    decisions = decide(at(moves, {1: outlook(window(20))}))
    assert started(decisions) == [2]
    hold = kept(by_move(decisions)[1])
    assert hold.code is HoldCode.BACKUP_DUE
    assert hold.text == "waits for its nightly backup at about 22:00; starts after it, about 22:45"
    assert by_move(decisions)[1].move.is_around_backup
    assert not start_of(decisions, 2).move.is_around_backup


def test_the_loop_looks_again_when_the_backup_is_late() -> None:
    """Time alone lets the move go on: somebody must look then."""
    now = at([move(1)], {1: outlook(window(20))})
    assert next_change(decide(now), now) == timedelta(minutes=25, seconds=1)
    assert started(decide(at([move(1)], {1: outlook(window(20))}, now=25 * MIN + 1))) == [1]


def test_others_give_way_to_a_move_that_fits_before() -> None:
    """The smaller move goes first: after its backup it would be the last of the job."""
    moves = [move(1, size_bytes=20 * GB), move(2, size_bytes=10 * GB)]
    assert started(decide(at(moves, {}))) == [1]
    decisions = decide(at(moves, {2: outlook(window(45), takes_min=20)}))
    assert started(decisions) == [2]
    begun = start_of(decisions, 2)
    assert begun.order == "before its nightly backup at about 22:00"
    assert begun.move.is_around_backup


def test_nobody_gives_way_where_the_job_goes_on_anyway() -> None:
    """The job runs for hours after the backup: the largest goes first, as always."""
    moves = [move(1, size_bytes=500 * GB), move(2, size_bytes=10 * GB)]
    assert started(decide(at(moves, {2: outlook(window(45), takes_min=20)}))) == [1]


def test_nobody_gives_way_where_all_is_over_before() -> None:
    """The backup comes hours after the job's end."""
    moves = [move(1, size_bytes=20 * GB), move(2, size_bytes=10 * GB)]
    assert started(decide(at(moves, {2: outlook(window(600), takes_min=20)}))) == [1]


def test_a_backup_that_is_hardly_met_does_not_make_the_job_longer() -> None:
    """By its careful estimate it might meet it, by the likely one it does not, and after it the job would end later."""
    near = outlook(window(26, jitter_min=5))
    assert isinstance(look(near), After)
    assert started(decide(at([move(1)], {1: near}))) == [1]
    busy = [move(1), move(2, size_bytes=500 * GB)]
    assert started(decide(at(busy, {1: near}, slots=2))) == [2]


def test_a_slot_does_not_stay_free_for_hours() -> None:
    """Nobody else can use it, and the backup is far: the move starts and meets it. Others come first."""
    long = outlook(window(180), takes_min=180)
    assert started(decide(at([move(1)], {1: long}))) == [1]
    assert started(decide(at([move(1, size_bytes=90 * GB), move(2, job_number=2)], {1: long}))) == [2]


def test_a_long_backup_that_was_expected_is_waited_for() -> None:
    """It is known to take four hours: after one hour the move is not given up, unless the person said so."""
    busy = move(1, busy_since=after(-2 * 3600), busy_code=HoldCode.BACKUP)

    def now(options: Options) -> Situation:
        shot = snapshot(HV01, vm(1, *BACKUP))
        known = {MoveId(1): outlook(window(-120, 240))}
        return situation([busy], shot, snapshot(HV02), backups=known, jobs=[job(1, options=options)])

    assert kept(decide(now(Options()))[0]).text == "is being backed up; waits up to 4 h 5 min"
    assert next_change(decide(now(Options())), now(Options())) == timedelta(minutes=125)
    assert not started(decide(now(Options(backup_wait_s=3600.0))))
    assert decide(now(Options(backup_wait_s=3600.0)))[0].move.hold is None


@given(st.data())
def test_nobody_waits_for_ever_and_no_slot_is_given_twice(data: st.DataObject) -> None:
    """Whatever is expected, played on with no backup ever coming: every move starts, never more at once than fit."""
    count = data.draw(st.integers(1, 6))
    slots = data.draw(st.integers(1, 3))
    moves = {
        n: move(n, size_bytes=data.draw(st.integers(1, 100)) * GB, job_number=data.draw(st.integers(1, 2)))
        for n in range(1, count + 1)
    }
    outlooks = {
        n: outlook(
            *(
                window(data.draw(st.integers(-30, 3000)), data.draw(st.integers(5, 300)), data.draw(st.integers(0, 60)))
                for _ in range(data.draw(st.integers(0, 3)))
            ),
            takes_min=data.draw(st.integers(1, 400)),
        )
        for n in moves
    }
    clock = 0.0
    for _ in range(500):
        now = at(list(moves.values()), outlooks, now=clock, slots=slots)
        decisions = decide(now)
        begun = started(decisions)
        assert len(begun) <= slots
        for number in begun:
            del moves[number]
        if not moves:
            break
        # Whoever started is over at once here: what is left waits for its backup, and time alone must let it go.
        change = next_change(decisions, now)
        assert begun or change is not None
        clock += max(1.0, change.total_seconds() if change is not None and not begun else 1.0)
    assert not moves
    assert clock <= 3000 * MIN * 3
