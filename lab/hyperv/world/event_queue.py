"""The event queue of the simulation: actions at lab seconds, in order of time and then of arrangement."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(order=True, slots=True)
class Appointment:
    """An action at a time to come; `cancel` makes it not happen."""

    at_s: float
    order: int
    action: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.action = None


class EventQueue:
    """The clock of the lab and the actions to come."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self._heap: list[Appointment] = []
        self._order = count()

    def at(self, at_s: float, action: Callable[[], None]) -> Appointment:
        """Arrange an action; a time gone by means as soon as possible."""
        appointment = Appointment(max(at_s, self.time_s), next(self._order), action)
        heapq.heappush(self._heap, appointment)
        return appointment

    def after(self, delay_s: float, action: Callable[[], None]) -> Appointment:
        return self.at(self.time_s + delay_s, action)

    def next_at(self) -> float | None:
        while self._heap and self._heap[0].action is None:
            heapq.heappop(self._heap)
        return self._heap[0].at_s if self._heap else None

    def run_to(self, until_s: float) -> None:
        """Let time pass and do everything due; time never goes back."""
        while (at_s := self.next_at()) is not None and at_s <= until_s:
            appointment = heapq.heappop(self._heap)
            self.time_s = at_s
            action, appointment.action = appointment.action, None
            if action is not None:
                action()
        self.time_s = max(self.time_s, until_s)
