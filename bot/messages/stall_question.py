"""The question about a move that stands still, and what people decided. Pure."""

from bot.messages.blocks import (
    STUCK_CANCEL,
    STUCK_PAGE,
    STUCK_WAIT,
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    section,
)
from bot.messages.mrkdwn import clip_markup, clock_time, mention
from bot.messages.thread_lines import sentence
from core.domain.model.event_data import Answered, EventKind
from core.domain.model.events import Event, Notice

_ROOM = 2900
_DECISIONS = {
    "wait": "⏳ {who} decided to wait",
    "cancel": "🚫 {who} decided to cancel the move",
    "page": "📟 {who} had on-call paged",
}


def question(notice: Notice, answer: Event | None = None) -> Message:
    """Ask; with an answer the buttons are gone and who decided what, and when, stands in their place.

    A later event of the move that is no answer, such as its end, makes the question moot.
    """
    text = clip_markup(sentence(notice.event, notice.job, notice.move), _ROOM)
    if answer is not None:
        return Message(text, (section(text), context(f"{_decision(answer)}, {clock_time(answer.at)}")))
    if notice.move is None:
        return Message(text, (section(text),))
    default = context("Without an answer it goes on, and you are asked again after a while.")
    return Message(text, (section(text), default, actions(*_buttons(notice))))


def _decision(answer: Event) -> str:
    if answer.kind is EventKind.STUCK:
        return "🤔 Asked again below"
    if not isinstance(answer.data, Answered):
        return "🏁 Over: nobody had to decide"
    words = _DECISIONS.get(answer.data.answer, _DECISIONS["wait"])
    return words.format(who=mention(answer.actor))


def _buttons(notice: Notice) -> list[Block]:
    move = notice.move
    value = f"{notice.job.id}|{move.id if move else 0}"
    asked = confirm(
        "Cancel this move?",
        "The host is asked to stop it where it is safe. The VM stays on its source.",
        "Cancel move",
        "Go on",
    )
    return [
        button("Wait", STUCK_WAIT, value, style="primary"),
        button("Cancel move", STUCK_CANCEL, value, style="danger", ask=asked),
        button("Page on-call", STUCK_PAGE, value),
    ]
