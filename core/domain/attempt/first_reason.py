"""Keeps the first reason beside the last: what a first try left behind often makes the next ones fail otherwise."""

from collections.abc import Iterable

from core.domain.attempt.alike import signature
from core.domain.model.move import Attempt, Fault

LONGEST = 160
_SAY_NOTHING = {Fault.LIMIT, Fault.BACKUP, Fault.NEVER_STARTED, None}


def first_reason(attempt: Attempt, earlier: Iterable[Attempt], words: str) -> str:
    """Say why the first try of this move failed, if that was something else than ``words``; empty otherwise.

    ``earlier``: attempts that ended with a fault, in any order, of other moves too.
    """
    mine = [one for one in earlier if one.move_id == attempt.move_id and one.number < attempt.number]
    told = [one for one in mine if one.fault not in _SAY_NOTHING and one.host_words.strip()]
    first = min(told, key=lambda one: one.number, default=None)
    if first is None or signature(first.host_words) == signature(words):
        return ""
    # The first line of a failed migration only says which VM and host; the cause is the last.
    text = next(line.strip() for line in reversed(first.host_words.splitlines()) if line.strip())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
