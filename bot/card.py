"""Decides what a job's card shows: which of its faces, and what all of them have in common. Pure."""

from bot import card_end, card_plan, card_run
from bot.blocks import Message
from bot.card_parts import Look
from core.domain.job import JobState
from core.domain.view import JobView


def card(view: JobView, look: Look) -> Message:
    """Show a job."""
    if view.job.state is JobState.PROPOSED:
        return card_plan.proposed(view, look)
    if view.job.state is JobState.RUNNING:
        return card_run.running(view, look)
    return card_end.ended(view, look)
