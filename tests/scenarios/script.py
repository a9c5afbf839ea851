"""Reads what a scenario consists of: a fleet, settings, and a timeline of what people, hosts and the network do."""

import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.domain.model.durations import parse_duration
from lab.hyperv.world.fleet import Fleet, load_fleet

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens so long after the start: ``do`` names it, ``more`` says the rest."""

    at: timedelta
    do: str
    more: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One scenario.

    ``expect`` says of a VM how its last move ended and where it is: ``done on HV02``. ``refused_starts`` is how many
    starts a full host may refuse us (its quirk hides that it is full); everywhere else it is none.
    """

    name: str
    about: str
    fleet: Fleet
    steps: tuple[Step, ...]
    predecessor: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    lasts: timedelta = timedelta(0)
    """How long it goes on at least; it ends when every job has."""
    ends: bool = True
    """Whether every job ends."""
    expect: dict[str, str] = field(default_factory=dict)
    calls_per_vm: float = 0.0
    """How many remote calls a VM may cost; 0: not counted."""
    refused_starts: int = 0


def names() -> list[str]:
    """Return every scenario's name."""
    return sorted(file.parent.name for file in FOLDER.glob("*/script.toml"))


def load(name: str) -> Script:
    """Read a scenario; raises TypeError or KeyError for what it does not know."""
    folder = FOLDER / name
    raw = tomllib.loads((folder / "script.toml").read_text(encoding="utf-8"))
    steps = tuple(_step(dict(step)) for step in raw.pop("steps"))
    lasts = parse_duration(raw.pop("lasts", 0))
    return Script(name=name, fleet=load_fleet(folder / "fleet.toml"), steps=steps, lasts=lasts, **raw)


def _step(raw: dict[str, Any]) -> Step:
    return Step(parse_duration(raw.pop("at")), raw.pop("do"), raw)
