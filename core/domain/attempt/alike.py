"""Decides whether a refusal is the VM's at all: a second VM that fares alike makes it the host's or the pair's."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from core.domain.attempt.diagnosis import Diagnosis
from core.domain.attempt.subject import QUOTES
from core.domain.attempt.windows_numbers import numbers_in
from core.domain.model.move import Attempt, Fault

UNKNOWN_TIMES = 2
"""So many refusals before this one an unknown reason needs, and one of them all after a pause: it might have passed."""

_PASSES = {Fault.LIMIT, Fault.BACKUP, Fault.PASSING, Fault.NEVER_STARTED, Fault.CANCELLED, None}
_OWN = re.compile(
    rf"[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[{QUOTES}][^{QUOTES}\r\n]*[{QUOTES}]"
    r"|(?:[A-Za-z]:\\|\\\\)\S+|\d+",
    re.IGNORECASE,
)
"""What differs between two VMs in one and the same sentence: ids, quoted names, paths and counts."""


def signature(words: str) -> tuple[int, ...] | str:
    """Return what two VMs' refusals have in common in every language: their numbers, or the sentence without names."""
    return numbers_in(words) or " ".join(_OWN.sub(" ", words).casefold().split())


def widen(
    diagnosis: Diagnosis, attempt: Attempt, others: Iterable[Attempt], moved_at: datetime | None = None
) -> Diagnosis:
    """Return the diagnosis in the light of what other VMs met on the same destination, with that as its reason.

    ``others``: attempts that ended with a fault since the job began. ``moved_at``: when a VM last moved there from the
    same source; what was refused before that proves nothing any more.
    """
    if not diagnosis.is_shared:
        return diagnosis
    mine = signature(diagnosis.words)
    if not mine:
        return diagnosis
    alike = [
        other
        for other in others
        if other.vm_id != attempt.vm_id
        and other.destination == attempt.destination
        and other.fault not in _PASSES
        and signature(other.host_words) == mine
        and (moved_at is None or (other.ended_at is not None and other.ended_at > moved_at))
    ]
    if not alike or (diagnosis.fault is Fault.UNKNOWN and not _is_proven(attempt, alike)):
        return diagnosis
    elsewhere = any(other.source != attempt.source for other in alike)
    fault = Fault.HOST if elsewhere else Fault.PAIR
    whose = attempt.destination if elsewhere else f"{attempt.source} and {attempt.destination} together"
    said = f"Another VM was refused in the same way, so this is not the VM's: look at {whose}."
    return replace(
        diagnosis, fault=fault, hint=f"{diagnosis.hint} {said}", why=f"{diagnosis.why}; a second VM fared alike"
    )


def _is_proven(attempt: Attempt, alike: list[Attempt]) -> bool:
    """Whether an unknown reason has been met often enough, and by a VM that waited and tried again."""
    return len(alike) >= UNKNOWN_TIMES and any(one.number > 1 for one in (attempt, *alike))
