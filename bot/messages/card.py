"""Chooses the card of a job: proposed, running or finished. Pure."""

from bot.messages import card_finished, card_proposed, card_running
from bot.messages.blocks import Message, header, message, section
from bot.messages.card_parts import Look, headline_route, what
from core.domain.model.job import JobState
from core.domain.model.views import JobView


def card(view: JobView, look: Look) -> Message:
    """Show a job."""
    if view.job.state in {JobState.RUNNING, JobState.FINISHED} and not view.moves:
        # Posted late, after an outage: what became of its VMs follows with the next edit.
        title = f"{view.job.id}: {what(view.job)}, {headline_route(view.job.plan.moves)}"
        return message(title, [header(title), section("One moment …")])
    if view.job.state is JobState.PROPOSED:
        return card_proposed.proposed(view, look)
    if view.job.state is JobState.RUNNING:
        return card_running.running(view, look)
    return card_finished.ended(view, look)
