"""Decides whether a running move is stuck: no progress for a while, and later than its size explains."""

from datetime import datetime, timedelta

from core.domain.model.units import span

SLACK = 3.0
"""How many times its expected length a move may take before it can be called stuck."""


def stuck(
    *,
    now: datetime,
    started_at: datetime,
    progress_at: datetime,
    percent: int | None,
    expected_s: float,
    quiet: timedelta,
) -> str:
    """Say why a move is thought to be stuck, or nothing.

    ``progress_at`` is when its percent last rose, ``quiet`` how long it may stand still, ``expected_s`` how many
    seconds its size should take. A large move on a slow network stands still for minutes and is no trouble; a small
    one that is over its time but goes on is none either.
    """
    still, runs = now - progress_at, now - started_at
    if still < quiet or runs.total_seconds() < SLACK * expected_s:
        return ""
    at = f"at {percent} %" if percent is not None else "without a percentage"
    return f"stands still {at} for {span(still)}; it runs for {span(runs)}, expected were {span(expected_s)}"
