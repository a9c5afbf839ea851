"""Decides what a job's card shows: which of its faces, and what all of them have in common. Pure."""

from bot.showing import card_end, card_plan, card_run
from bot.showing.blocks import Message, header, message, section
from bot.showing.card_parts import Look, headline_route, what
from core.domain.job import JobState
from core.domain.view import JobView


def card(view: JobView, look: Look) -> Message:
    """Show a job."""
    if view.job.state in {JobState.RUNNING, JobState.FINISHED} and not view.moves:
        # Posted late, after an outage: what became of its VMs follows with the next edit.
        title = f"{view.job.id}: {what(view.job)}, {headline_route(view.job.plan.moves)}"
        return message(title, [header(title), section("One moment …")])
    if view.job.state is JobState.PROPOSED:
        return card_plan.proposed(view, look)
    if view.job.state is JobState.RUNNING:
        return card_run.running(view, look)
    return card_end.ended(view, look)
