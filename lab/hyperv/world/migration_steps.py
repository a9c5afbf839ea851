"""Decides what a move consists of: steps that take time or send bytes, and the percentage the job shows meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.hyperv.world.fleet import Physics

SETUP_ENDS_AT, TRANSFER_ENDS_AT, SWITCH_OVER_ENDS_AT = 10.0, 97.0, 99.0


class Phase(StrEnum):
    WAITING = "waiting"
    """Over the limit on a host that lets the job wait before it fails."""
    SETUP = "setup"
    DISK_COPY = "disk-copy"
    DISK_MIRROR = "disk-mirror"
    MEMORY = "memory"
    SWITCH_OVER = "switch-over"
    DELETION = "deletion"
    ROLLBACK = "rollback"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a move: fixed time, or bytes over the network, between two percentages; then `end`."""

    phase: Phase
    percent_from: float
    percent_to: float
    duration_s: float = 0.0
    size_bytes: float = 0.0
    end: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLoad:
    """What a move has to send."""

    disk_bytes: float
    mirror_bytes: float
    memory_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What happens at the end of the steps that change the world."""

    connect: Callable[[], None]
    prepare: Callable[[], None]
    hand_over: Callable[[], None]
    succeed: Callable[[], None]


def plan(load: SlotLoad, physics: Physics, ends: Ends) -> list[Step]:
    """Return the steps of a move; what fails in the setup fails below 10 percent, as Microsoft says of a switch."""
    half_s = physics.setup_s / 2
    steps = [
        Step(phase=Phase.SETUP, percent_from=0.0, percent_to=4.0, duration_s=half_s, end=ends.connect),
        Step(phase=Phase.SETUP, percent_from=4.0, percent_to=9.0, duration_s=half_s, end=ends.prepare),
    ]
    parts = [
        (Phase.DISK_COPY, load.disk_bytes),
        (Phase.DISK_MIRROR, load.mirror_bytes),
        (Phase.MEMORY, load.memory_bytes),
    ]
    total = sum(size for _, size in parts)
    percent = SETUP_ENDS_AT
    for phase, size in parts:
        if size:
            to = percent + (TRANSFER_ENDS_AT - SETUP_ENDS_AT) * size / total
            steps.append(Step(phase=phase, percent_from=percent, percent_to=to, size_bytes=size))
            percent = to
    steps.append(
        Step(
            phase=Phase.SWITCH_OVER,
            percent_from=TRANSFER_ENDS_AT,
            percent_to=SWITCH_OVER_ENDS_AT,
            duration_s=physics.switch_over_s,
            end=ends.hand_over,
        )
    )
    steps.append(
        Step(
            phase=Phase.DELETION,
            percent_from=SWITCH_OVER_ENDS_AT,
            percent_to=100.0,
            duration_s=physics.deletion_s,
            end=ends.succeed,
        )
    )
    return steps


def cut_at(steps: Sequence[Step], percent: float, end: Callable[[], None]) -> list[Step]:
    """Return the steps up to a percentage, with `end` instead of everything that would follow."""
    position = next((n for n, step in enumerate(steps) if step.percent_to >= percent), len(steps) - 1)
    step = steps[position]
    width = step.percent_to - step.percent_from
    part = min(1.0, max(0.0, (percent - step.percent_from) / width))
    last = replace(
        step,
        percent_to=step.percent_from + part * width,
        duration_s=step.duration_s * part,
        size_bytes=step.size_bytes * part,
        end=end,
    )
    return [*steps[:position], last]
