"""An exact solver places and schedules the same VMs: the oracle of the placement benchmark, never part of the product.

It needs ortools (``pip install ortools`` into the environment of the benchmark); without it only the bound is told.
"""

import importlib.util
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from benchmarks.placement_fleets import PlacementCase
from core.domain.model.inventory import HostName, VmId

IS_THERE = importlib.util.find_spec("ortools") is not None
WORK = 1.5
"""How long it may think, in the solver's own time, which is the same on any machine."""
_TICKS = 10
"""Ticks of the solver's clock in a second."""
_MB = 2**20


@dataclass(frozen=True, slots=True)
class Optimum:
    """The shortest schedule found, what no schedule can beat, and how many VMs have a place in it."""

    best_s: float
    bound_s: float
    placed: int


def relaxed_bound(
    case: PlacementCase,
    allowed: dict[VmId, dict[HostName, float]],
    *,
    needs: dict[VmId, tuple[int, int]],
    rooms: dict[HostName, tuple[int, int]],
) -> float:
    """Return what nothing can beat even if VMs could be divided among hosts: a linear program, solved in no time."""
    from ortools.linear_solver import pywraplp  # noqa: PLC0415 (only where it is installed)

    solver = pywraplp.Solver.CreateSolver("GLOP")
    end = solver.NumVar(0, solver.infinity(), "end")
    load, used = defaultdict(list), defaultdict(list)
    for vm, row in allowed.items():
        parts = {host: solver.NumVar(0, 1, "") for host in row}
        if parts:
            solver.Add(sum(parts.values()) == 1)
        for host, part in parts.items():
            load[host].append(row[host] * part)
            load[case.homes[vm]].append(row[host] * part)
            for which in (0, 1):
                used[host, which].append(needs[vm][which] / _MB * part)
    for host, work in load.items():
        solver.Add(sum(work) <= max(1, case.slots[host]) * end)
    for (host, which), taken in used.items():
        solver.Add(sum(taken) <= rooms[host][which] / _MB)
    solver.Minimize(end)
    return float(end.solution_value()) if solver.Solve() == pywraplp.Solver.OPTIMAL else 0.0


def solve(
    case: PlacementCase,
    allowed: dict[VmId, dict[HostName, float]],
    hint: dict[VmId, HostName],
    *,
    needs: dict[VmId, tuple[int, int]],
    rooms: dict[HostName, tuple[int, int]],
) -> Optimum:
    """Place every VM that has a host at all, and start them so that all is over soonest.

    ``allowed``: seconds by host, for the hosts that may take a VM; ``hint`` is where to begin looking.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415 (only where it is installed)

    movable = {vm: row for vm, row in allowed.items() if row}
    best, bound, placed = _run(cp_model, case, movable, hint, needs, rooms)
    return Optimum(best / _TICKS, bound / _TICKS, placed)


def _run(  # noqa: PLR0917
    cp: Any,
    case: PlacementCase,
    movable: dict[VmId, dict[HostName, float]],
    hint: dict[VmId, HostName],
    needs: dict[VmId, tuple[int, int]],
    rooms: dict[HostName, tuple[int, int]],
) -> tuple[float, float, int]:
    model = cp.CpModel()
    horizon = int(_TICKS * sum(max(row.values()) for row in movable.values())) + 1
    end = model.new_int_var(0, horizon, "end")
    at_source, at_host, load = defaultdict(list), defaultdict(list), defaultdict(list)
    here = defaultdict(list)
    for number, (vm, row) in enumerate(movable.items()):
        ticks = {host: max(1, round(seconds * _TICKS)) for host, seconds in row.items()}
        start = model.new_int_var(0, horizon, f"s{number}")
        chosen = {}
        for host, length in ticks.items():
            chosen[host] = model.new_bool_var(f"x{number}{host}")
            interval = model.new_optional_fixed_size_interval_var(start, length, chosen[host], f"i{number}{host}")
            at_host[host].append(interval)
            at_source[case.homes[vm]].append(interval)
            model.add(start + length <= end).only_enforce_if(chosen[host])
            load[host].append(length * chosen[host])
            load[case.homes[vm]].append(length * chosen[host])
            here[host].append((vm, chosen[host]))
            if vm in hint:
                model.add_hint(chosen[host], hint[vm] == host)
        model.add_exactly_one(chosen.values())
    for host, intervals in [*at_host.items(), *at_source.items()]:
        model.add_cumulative(intervals, [1] * len(intervals), max(1, case.slots[host]))
        model.add(sum(load[host]) <= max(1, case.slots[host]) * end)
    for host, members in here.items():
        for which in (0, 1):
            model.add(sum(_up(needs[vm][which]) * x for vm, x in members) <= rooms[host][which] // _MB)
    model.minimize(end)
    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = WORK
    solver.parameters.relative_gap_limit = 0.002
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status in {cp.OPTIMAL, cp.FEASIBLE}:
        return solver.objective_value, solver.best_objective_bound, len(movable)
    return 0.0, 0.0, 0


def _up(size_bytes: int) -> int:
    return -(-size_bytes // _MB)
