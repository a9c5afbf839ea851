"""Says any event in words that need nothing of what it holds: for one that cannot be said in its usual form. Pure."""

from collections.abc import Sequence

from bot.messages.blocks import Message
from bot.messages.mrkdwn import code, mention
from core.domain.model.events import Notice, Tone


def plain(notice: Notice, oncall: Sequence[str], command: str) -> Message:
    """Say of which job and VM it is and what happened, in a word; a page mentions on-call as ever."""
    called = f"{' '.join(mention(who) for who in oncall)} " if notice.event.tone is Tone.PAGE and oncall else ""
    about = f"{code(notice.move.vm_name)} of {notice.job.id}" if notice.move else str(notice.job.id)
    what = notice.event.kind.value.replace("_", " ")
    text = f"{called}{about}: *{what}*. More about it could not be shown here; see `{command} status {notice.job.id}`."
    return Message(text, ())
