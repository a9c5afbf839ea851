"""The benchmarks run, and their yardsticks measure what they say. No test asserts a speed."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import (
    __main__,
    backups,
    bound,
    calls,
    card,
    decisions,
    idle,
    links,
    own_placement,
    play,
    report,
    restart,
    schedule,
    store,
)
from benchmarks.fleets import PLAIN, Case, Shape, Speed, case, rack_case
from benchmarks.makespan import Pairing
from benchmarks.play import Stay
from core.domain.model.inventory import HostName

HV01, HV02, HV03, HV04 = (HostName(f"HV{number:02}") for number in range(1, 5))


@pytest.mark.parametrize("shape", PLAIN)
def test_decisions_never_beat_the_bound(shape: Shape) -> None:
    """What holds for every schedule holds for ours."""
    for seed in range(3):
        one = case(shape, Speed.STREAM, seed, 8)
        moves = bound.alone(one)
        assert schedule.makespan_s(one, moves) >= bound.bound_s(one, moves) - 1e-6


def test_the_engine_and_the_predecessor_never_beat_the_bound() -> None:
    """On a shared network either; and everything arrives."""
    one = case(Shape.EVACUATION, Speed.NETWORK, 5, 3)
    shortest = bound.bound_s(one, bound.alone(one))
    for played in (play.with_engine(one), play.with_predecessor(one)):
        assert len(played.stays) == 3
        assert played.makespan_s >= shortest
        assert played.violations == 0


@pytest.mark.parametrize("shape", links.SHAPES)
def test_decisions_never_beat_the_bound_of_links_nor_exceed_their_number(shape: Shape) -> None:
    """What holds for every schedule holds for ours; and no uplink is ever above its number in a whole play."""
    for seed in range(3):
        one = rack_case(shape, Speed.STREAM, seed, 8)
        moves = bound.alone(one)
        assert schedule.makespan_s(one, moves) >= bound.bound_s(one, moves) - 1e-6
    carried = links.carried_out(shape, Speed.NETWORK, 1, 4)
    assert carried.ratio >= 1 - 1e-6
    assert carried.most_over <= 0


def test_a_case_can_be_made_again() -> None:
    """One seed, one fleet, one plan."""
    assert case(Shape.ANY, Speed.STREAM, 5, 6) == case(Shape.ANY, Speed.STREAM, 5, 6)


def test_a_gap_counts_from_when_both_hosts_had_a_slot() -> None:
    """A move that waited for two ends waited for the later one; one that waited for none has no gap."""
    one = dict.fromkeys((HV01, HV02, HV03, HV04), 1)
    stays = (
        Stay(HV01, HV02, 0.0, 10.0),
        Stay(HV03, HV04, 0.0, 20.0),
        Stay(HV01, HV03, 21.5, 30.0),
    )
    assert idle.gaps_s(stays, one) == [1.5]


def test_a_slot_that_another_took_is_nobodys_gap() -> None:
    """Two moves end shortly after one another, and two start: each waited for an end of its own."""
    two = dict.fromkeys((HV01, HV02), 2)
    stays = (Stay(HV01, HV02, 0.0, 10.0), Stay(HV01, HV02, 0.0, 10.5), Stay(HV01, HV02, 11.0, 20.0))
    assert idle.gaps_s((*stays, Stay(HV01, HV02, 12.0, 20.0)), two) == [1.0, 1.5]


@pytest.mark.slow
def test_the_rest_of_the_benchmarks_runs_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part makes its section, and the page names the machine but no folder."""
    monkeypatch.setattr(decisions, "_SIZES", ((20, 4), (20, 4)))
    sections = [decisions.run(report.Size(is_quick=True))]
    one = case(Shape.PAIR, Speed.STREAM, 1, 2)
    played = Pairing(
        one.shape,
        one.speed,
        2,
        one.slots(),
        _bound(one),
        play.with_engine(one),
        play.with_predecessor(one),
        play.with_engine(one, spare_sessions=0),
    )
    sections += [idle.section([played]), calls.section([played])]
    sections.append(store.run(report.Size(is_quick=True)))
    assert asyncio.run(restart.adopted_s(tmp_path, 2)) > 0
    told = report.page(sections)
    assert "cores" in told
    assert str(report.ROOT) not in told
    assert all(f"## {section.title}\n" in told for section in sections)


def test_an_unknown_name_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """A typo is named, and nothing runs."""
    with pytest.raises(SystemExit):
        __main__.main(["makespam"])
    assert "makespam" in capsys.readouterr().err


def _bound(one: Case) -> float:
    return bound.bound_s(one, bound.alone(one))


@pytest.mark.slow
@pytest.mark.parametrize("shape", backups.SHAPES)
def test_an_evening_with_backups_is_played_to_its_end(shape: Shape) -> None:
    """With and without knowing when backups come."""
    without, known = backups.measured(shape, 1, 6, 10.0, backups.KNOWN)
    assert without.makespan_s > 0
    assert known.makespan_s > 0


async def test_a_card_comes_before_its_approve() -> None:
    """The whole bot answers a command; what is measured is in the order in which people see it."""
    waited = await card.waited(2)
    assert 0 < waited.card_s <= waited.approve_s
    assert 0 < waited.again_s < waited.card_s


def test_the_bots_own_placement_is_played_and_beats_chance() -> None:
    """No VM stays at home, nothing beats the bound of any placement, and the bot is nearer to it than chance."""
    for seed in (1, 2):
        one = case(Shape.EVACUATION, Speed.STREAM, seed, 12)
        assert all(move.destination != move.source for move in own_placement.placed(one).moves)
        mine, chance = own_placement.ratios(seed, 12)
        assert 1 - 1e-6 <= mine <= chance
