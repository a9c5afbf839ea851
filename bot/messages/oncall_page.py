"""The page to on-call: what happened, what it means, what was tried, where the VM is, what to do. Pure."""

from collections.abc import Iterator, Sequence

from bot.messages.blocks import ACKNOWLEDGE, RETRY, Block, Message, actions, button, confirm, context, section, sections
from bot.messages.mrkdwn import clip_markup, clock_time, code, mention, plural, quoted, said
from bot.messages.state_table import MOVE_STATES
from bot.messages.thread_lines import sentence
from core.domain.model.event_data import Ended, EventData, EventKind, Failed, Stuck, Unmigratable
from core.domain.model.events import Event, Notice
from core.domain.model.move import MoveState

_STATES = {
    EventKind.FAILED: MoveState.FAILED,
    EventKind.UNMIGRATABLE: MoveState.UNMIGRATABLE,
    EventKind.LOST: MoveState.LOST,
}
"""The state that an event about a VM puts its move into."""
_RETRIED = frozenset({EventKind.FAILED, EventKind.UNMIGRATABLE})
_ROOM = 2900


def page(
    notice: Notice, oncall: Sequence[str], command: str = "/migrate", *, taken: Event | None = None, remark: str = ""
) -> Message:
    """Say to on-call what needs a human; they are mentioned once, at the start of one message.

    With ``taken``, the event of somebody acknowledging it, who takes care stands where the button was. ``remark`` says
    why others are called than the settings name.
    """
    called = " ".join(mention(who) for who in oncall)
    small = (context(f"⚠️ {said(remark)}"),) if remark else ()
    if notice.move is None or notice.event.kind not in _STATES:
        # About the job as a whole, or a wish: its sentence says everything.
        text = clip_markup(f"{called} {sentence(notice.event, notice.job, notice.move)}".strip(), _ROOM)
        return Message(text, (section(text), *small, *_foot(notice, taken)))
    vm = code(notice.move.vm_name)
    words = MOVE_STATES[_STATES[notice.event.kind]]
    first = f"{called} *{words.icon} {vm} {words.page}* ({notice.job.id})".strip()
    blocks: list[Block] = [section(first)]
    if told := _host_words(notice):
        blocks.append(section(f"*What happened*\n{quoted(told)}"))
    blocks += sections(_lines(notice, command))
    return Message(first, (*blocks, *small, *_foot(notice, taken)))


def _foot(notice: Notice, taken: Event | None) -> Iterator[Block]:
    """Say who takes care of it, and offer what can be done."""
    value = f"{notice.job.id}|{notice.id}"
    buttons: list[Block] = []
    if taken is not None:
        yield context(f"👀 {mention(taken.actor)} takes care of it, {clock_time(taken.at)}")
    else:
        buttons.append(button("Acknowledge", ACKNOWLEDGE, value, style="primary"))
    if notice.move is not None and notice.event.kind in _RETRIED:
        asked = confirm(
            f"Try again what did not move in {notice.job.id}?",
            "This makes a new plan of it, which has to be approved.",
            "Make a plan",
        )
        buttons.append(button("Retry", RETRY, value, ask=asked))
    if buttons:
        yield actions(*buttons)


def _host_words(notice: Notice) -> str:
    data = notice.event.data
    words = data.words if isinstance(data, Ended | Failed) else ""
    return words or _text(data) or (notice.move.error if notice.move else "")


def _text(data: EventData) -> str:
    return data.text if isinstance(data, Ended | Stuck) else ""


def _lines(notice: Notice, command: str) -> Iterator[str]:
    data, move, job = notice.event.data, notice.move, notice.job
    if isinstance(data, Ended) and data.text and data.words:
        yield f"*Why it ended:* {said(data.text, 400)}"
    hint = (data.hint if isinstance(data, Ended | Failed) else "") or (move.hint if move else "")
    if hint:
        yield f"*What it means:* {said(hint, 400)}"
    first = data.first if isinstance(data, Unmigratable | Failed) else ""
    if first:
        yield f"*The first try failed otherwise:* {said(first, 400)}"
    tried, of = (data.attempts, data.of) if isinstance(data, Failed) else (0, 0)
    attempts = tried or (move.attempts if move else 0)
    if attempts:
        last = max(of, attempts)
        yield f"*Tried:* {f'{attempts} of ' if last == of else ''}{plural(last, 'attempt')}"
    else:
        yield "*Tried:* nothing was started"
    yield f"*Where it is now:* {_where(notice)}"
    if notice.event.kind is EventKind.LOST:
        yield "*What to do:* look at both hosts before anybody starts this VM. I touch nothing more of it."
        return
    again = code(f"{command} retry {job.id}")
    yield f"*What to do:* put it right, then {again}. Everything that happened: {code(f'{command} history {job.id}')}"


def _where(notice: Notice) -> str:
    move, data = notice.move, notice.event.data
    where = data.where if isinstance(data, Ended | Failed) else ""
    if notice.event.kind is EventKind.LOST or not where:
        hosts = f" Look on {code(move.source)} and {code(move.destination)}." if move else ""
        return f"I cannot tell.{hosts}"
    if move and where == move.source:
        return f"on {code(where)}, where it was"
    return f"on {code(where)}"
