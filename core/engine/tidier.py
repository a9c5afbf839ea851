"""Takes up clean-ups that had to wait because a host could not be asked, until they are done or a day has passed."""

import logging
from dataclasses import replace
from datetime import timedelta

from core.domain.job import EventKind, Move, event
from core.engine.cleaner import Cleaner
from core.engine.ledger import Ledger
from core.errors import StoreError
from core.ports import Clock

log = logging.getLogger(__name__)

FIRST_DELAY = timedelta(minutes=10)
"""When a clean-up that could not be done is tried again."""
PATIENCE = timedelta(days=1)
_LOOK_EVERY_S = 300.0


class Tidier:
    """Looks for due clean-ups now and then."""

    def __init__(self, cleaner: Cleaner, ledger: Ledger, clock: Clock) -> None:
        self._cleaner = cleaner
        self._ledger = ledger
        self._clock = clock

    async def run(self) -> None:
        """Tidy for ever."""
        while True:
            try:
                for move in await self._ledger.store.moves_to_tidy(self._clock.now()):
                    await self._tidy(move)
            except StoreError as error:
                log.warning("tidying waits for the database: %s", error)
            await self._clock.sleep(_LOOK_EVERY_S)

    async def _tidy(self, move: Move) -> None:
        cleaned = await self._cleaner.after_success(move)
        now = self._clock.now()
        age = now - (move.ended_at or now)
        if cleaned.waiting and age < PATIENCE:
            # Twice as late each time: a host that was away for an hour is not asked every ten minutes for a day.
            tidy_at = now + min(max(FIRST_DELAY, age), PATIENCE - age)
            await self._ledger.record(
                move.id,
                lambda m: self._ledger.store.change_move(m, replace(m, leftovers=cleaned.waiting, tidy_at=tidy_at)),
            )
            return
        kept = cleaned.kept + [[path, f"{cleaned.why}; given up after a day"] for path in cleaned.waiting]
        told = event(EventKind.TIDIED, now, move=move, host=move.source, removed=cleaned.removed, kept=kept)
        await self._ledger.record(
            move.id, lambda m: self._ledger.store.change_move(m, replace(m, leftovers=(), tidy_at=None), told)
        )
