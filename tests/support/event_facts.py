"""What an event says, for tests that know of which kind it is."""

from typing import Any

from core.domain.model.events import Event


def facts(event: Event) -> Any:
    """Return the data of an event; a wrong name of a field fails the test."""
    return event.data
