"""Promises of core.domain.planning.forecast."""

from dataclasses import replace
from datetime import UTC, timedelta

from core.domain.planning.forecast import Conditions, Forecast, forecast
from core.domain.planning.work import Work
from core.domain.scheduling.freeze import Calendar, parse_window
from tests.support.builders import HV01, HV02, NOW, facts, snapshot

RUNNING = Work(HV01, HV02, 60, is_running=True)
WAITING = Work(HV01, HV02, 60)
SNAPSHOTS = {host: snapshot(host, of=facts(live=1, storage=1)) for host in (HV01, HV02)}


def calendar(begins_s: float, ends_s: float) -> Calendar:
    begin, end = NOW + timedelta(seconds=begins_s), NOW + timedelta(seconds=ends_s)
    return Calendar((parse_window(f"{begin:%a %H:%M}-{end:%H:%M}"),), UTC)


def expected(*works: Work, **weather: object) -> Forecast:
    return forecast(works, replace(Conditions(now=NOW, snapshots=SNAPSHOTS), **weather))  # type: ignore[arg-type]


def seconds(found: Forecast) -> tuple[float, ...]:
    """Return soonest, likely and latest in seconds from now."""
    assert found.eta is not None
    assert not found.why_none
    assert found.soonest == found.eta.soonest
    return tuple((at - NOW).total_seconds() for at in (found.eta.soonest, found.eta.likely, found.eta.latest))


def test_an_estimate_has_a_bound_and_a_band() -> None:
    """The bound nothing can beat, the likely time, a careful one."""
    assert seconds(expected(RUNNING, WAITING)) == (120, 120, 180)


def test_a_freeze_shifts_what_waits() -> None:
    """What runs goes on; the careful end is later by the work only, for a freeze lasts as long as it lasts."""
    found = expected(RUNNING, WAITING, calendar=calendar(0, 3600))
    assert seconds(found) == (3660, 3660, 3720)
    assert found.eta is not None
    assert found.eta.frozen == (NOW, NOW + timedelta(hours=1))


def test_a_freeze_to_come_shifts_what_cannot_start_before_it() -> None:
    """Foreseen before it begins; one that changes nothing is not spoken of."""
    found = expected(RUNNING, WAITING, WAITING, calendar=calendar(60, 3600))
    assert found.eta is not None
    assert found.eta.likely == NOW + timedelta(seconds=3720)
    assert found.eta.frozen == (NOW + timedelta(seconds=60), NOW + timedelta(hours=1))
    after = expected(RUNNING, WAITING, calendar=calendar(120, 3600))
    assert seconds(after) == (120, 120, 180)
    assert after.eta is not None
    assert after.eta.frozen is None


def test_a_start_time_is_waited_for() -> None:
    """Nothing starts before it; in a freeze it begins at the freeze's end."""
    at = NOW + timedelta(minutes=10)
    assert seconds(expected(WAITING, start_at=at)) == (660, 660, 690)
    assert seconds(expected(WAITING, start_at=at, calendar=calendar(540, 3600)))[:2] == (3660, 3660)
    assert seconds(expected(WAITING, start_at=NOW - timedelta(hours=1))) == (60, 60, 90)


def test_a_host_that_allows_none_leaves_no_estimate() -> None:
    """Limit 0 or switched off: the reason is said, and the bound holds if it were put right this minute."""
    for changed, why in (
        (facts(live=0), "HV02 allows no live migrations (limit 0, or switched off)"),
        (facts(storage=0), "HV02 allows no storage migrations (limit 0, or switched off)"),
        (facts(is_migration_enabled=False), "live migration is switched off on HV02"),
    ):
        snapshots = {**SNAPSHOTS, HV02: snapshot(HV02, of=changed)}
        found = expected(RUNNING, WAITING, snapshots=snapshots)
        assert (found.eta, found.why_none) == (None, why)
        assert found.soonest == NOW + timedelta(seconds=120)
        assert expected(RUNNING, snapshots=snapshots).eta is not None


def test_what_people_halted_has_no_estimate_until_they_let_it_go_on() -> None:
    """Paused or stopped: what runs ends all the same."""
    found = expected(RUNNING, WAITING, halted="J1 is paused")
    assert (found.eta, found.why_none) == (None, "J1 is paused")
    assert found.soonest == NOW + timedelta(seconds=120)
    assert seconds(expected(RUNNING, halted="J1 is paused")) == (60, 60, 90)


def test_a_host_nobody_has_seen_is_reckoned_with_one_slot() -> None:
    """A silent host's moves are part of the estimate."""
    assert seconds(expected(WAITING, WAITING, snapshots={})) == (120, 120, 180)
