"""Decides when to go on without a Move-VM that does not return: its silence is no more the truth than its word."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.domain.attempt.verification import AttemptResult, Verification
from core.domain.model.units import span

LOOKS = 3
"""So many looks at both hosts must agree that nothing moves: in a switch-over a look may show anything."""
UNSEEN = 4
"""How many times the patience for a start a command may run whose migration no host has shown. It costs slots only, and
giving up on one that is still to begin costs an attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPatience:
    """How long to stay. ``at_rest``: after the migration ended; ``silence``: while a host does not answer."""

    at_rest: timedelta
    silence: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreturned:
    """What was seen beside a command that has not returned yet; times as they passed, whatever the clock says.

    ``rest_since``: since when nothing moves; ``silent_since``: since when a host cannot be asked.
    """

    rest_since: datetime
    silent_since: datetime
    was_seen: bool = False
    looks_at_rest: int = 0


def look(seen: Unreturned, verdict: Verification, now: datetime) -> Unreturned:
    """Take a look at both hosts into account."""
    match verdict.outcome:
        case AttemptResult.RUNNING:
            return Unreturned(rest_since=now, silent_since=now, was_seen=True)
        case AttemptResult.UNKNOWN:
            return replace(seen, rest_since=now, looks_at_rest=0)
        case AttemptResult.MOVED:
            return replace(seen, silent_since=now, was_seen=True, looks_at_rest=seen.looks_at_rest + 1)
        case _:
            return replace(seen, silent_since=now, looks_at_rest=seen.looks_at_rest + 1)


def why_leave(seen: Unreturned, verdict: Verification, now: datetime, patience: CommandPatience) -> str:
    """Say why to go on without the command; empty: stay with it."""
    if verdict.outcome is AttemptResult.UNKNOWN:
        silent = now - seen.silent_since
        return f"{verdict.reason} for {span(silent)}" if silent >= patience.silence else ""
    rest, enough = now - seen.rest_since, patience.at_rest * (1 if seen.was_seen else UNSEEN)
    if verdict.outcome is AttemptResult.RUNNING or seen.looks_at_rest < LOOKS or rest < enough:
        return ""
    return f"nothing has moved for {span(rest)}, and {verdict.reason}"
