"""The Virtual Machine Management Service of each host: it can be restarted, and is away for a while then.

While it is away every Hyper-V cmdlet finds nothing, with `ObjectNotFound` (public reports: minikube#16679,
LabBuilder#203, eryph#176). That the moves it carries fail, that their jobs are gone, and that a move past its
switch-over goes on, nobody has shown in public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.hyperv.world.host_messages import text_of
from lab.hyperv.world.strict import BadDescription

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.migrator import Migrator
    from lab.hyperv.world.state import State

CAUSE = "service-away"


class ManagementServices:
    """The services of all hosts of one world."""

    def __init__(self, state: State, mover: Migrator, advance: Callable[[], None]) -> None:
        self._state = state
        self._mover = mover
        self._advance = advance

    def restart(self, host: str, away_s: float) -> None:
        """Restart a host's service, which is back after `away_s`. Raises `UnknownHost`, `BadDescription`."""
        self._advance()
        if away_s < 0:
            raise BadDescription("away_s cannot be negative.")
        state = self._state.host(host)
        state.service_back_s = self._state.timeline.time_s + away_s
        self._mover.interrupt(state)

    def is_away(self, host: str) -> bool:
        """Whether the service of a host is away now."""
        self._advance()
        return self._state.timeline.time_s < self._state.host(host).service_back_s

    def refusal(self, host: str) -> str:
        """Return what a cmdlet says while the service is away; empty when it is there."""
        if not self.is_away(host):
            return ""
        state = self._state.host(host)
        return text_of(CAUSE, state.spec.language).format(host=state.name)
