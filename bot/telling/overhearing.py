"""Passes on what people are told, and lets others know that something was told."""

from typing import TYPE_CHECKING

from core.domain.job import Card, Notice
from core.domain.view import JobView
from core.ports import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable


class Overheard:
    """A Notifier before another one; ``touched`` is called after each change."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self.touched: Callable[[], None] = _nobody

    async def tell(self, notice: Notice) -> Card | None:
        """Say one event."""
        try:
            return await self._notifier.tell(notice)
        finally:
            # What happened has happened, whether or not it could be said.
            self.touched()

    async def show(self, view: JobView) -> None:
        """Bring the job's card up to date."""
        self.touched()
        await self._notifier.show(view)


def _nobody() -> None:
    pass
