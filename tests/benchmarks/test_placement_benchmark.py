"""The placement benchmark judges by rules of its own, and finds what it should in small fleets."""

import pytest

from benchmarks import placement
from benchmarks.placement_fleets import Kind, placement_case
from benchmarks.report import Size
from core.domain.model.inventory import HostName


@pytest.mark.parametrize("kind", Kind)
def test_a_placement_never_beats_the_bound_and_refuses_nobody(kind: Kind) -> None:
    """What holds for every placement holds for ours; where there is a place for each VM, each has one."""
    for seed in range(4):
        one = placement.measure(kind, seed)
        assert one.makespan_s >= one.bound_s - 1e-6
        assert one.refused == 0


@pytest.mark.parametrize("kind", Kind)
def test_a_placement_is_much_shorter_than_one_host_for_all(kind: Kind) -> None:
    """The judge tells good from bad: everything on the first host takes longer, or finds no room there."""
    case = placement_case(kind, 1)
    first = HostName(case.targets[0].host)
    poor = placement.judge(kind, 1, case, {row.vm.id: first for row in case.vms})
    good = placement.judge(kind, 1, case, placement.ours(case))
    assert poor.refused or poor.makespan_s > 1.3 * good.makespan_s


@pytest.mark.slow
def test_the_benchmark_runs_small() -> None:
    """It makes its section with a row for each kind of fleet, with the solver or without."""
    section = placement.run(Size(is_quick=True))
    assert [row[0] for row in section.tables[0].rows] == list(Kind)
