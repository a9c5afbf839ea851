"""Says each event in one clear sentence, for threads and for the history. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.messages.blocks import Message, section
from bot.messages.mrkdwn import clip, clock_time, code, mention, plural, said
from core.domain.model.events import Event, EventKind, Notice
from core.domain.model.job import Job
from core.domain.model.move import Move, MoveState
from core.domain.model.units import size, span

_SECTION_ROOM = 2900
_MENTIONING = frozenset({EventKind.REJECTED, EventKind.EXPIRED, EventKind.FINISHED, EventKind.STOPPED})
"""What whoever asked should not have to look for."""
_NAMES = 5


def line(notice: Notice) -> Message:
    """Say an event in the card's thread; whoever asked is mentioned when their job is decided, stopped or over."""
    text = sentence(notice.event, notice.job, notice.move)
    if notice.event.kind in _MENTIONING:
        text = f"{mention(notice.job.requester)} {text}"
    text = clip(text, _SECTION_ROOM)
    return Message(text, (section(text),))


def sentence(event: Event, job: Job | None, move: Move | None) -> str:
    """Say an event; names are shown as names, whatever they contain."""
    say = _SENTENCES.get(event.kind)
    if say is None:
        return said(event.kind.value.replace("_", " "))
    return say(_Told(event, job, move))


class _Told:
    """An event with what its sentence needs, each with a value to fall back on: old rows may lack a key."""

    def __init__(self, event: Event, job: Job | None, move: Move | None) -> None:
        self.data: Mapping[str, Any] = event.data
        self.by = mention(event.actor)
        self.job = job.id if job else ""
        self.has_move = move is not None
        self.vm = code(move.vm_name) if move else "a VM"
        self.source = code(move.source) if move else "its host"
        self.destination = code(move.destination) if move else "the destination"

    def text(self, key: str, fallback: str = "") -> str:
        return said(str(self.data.get(key) or fallback))

    def number(self, key: str) -> float:
        value = self.data.get(key)
        return float(value) if isinstance(value, int | float) else 0.0

    def count(self, key: str) -> int:
        return int(self.number(key))

    def items(self, key: str) -> Sequence[Any]:
        value = self.data.get(key)
        return value if isinstance(value, list | tuple) else ()

    @property
    def names(self) -> str:
        """Name the VMs of an event that is about several: a line's worth."""
        names = [code(str(name)) for name in self.items("vms")]
        more = len(names) - _NAMES
        return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")

    @property
    def attempt(self) -> str:
        number, of = self.count("attempt") or self.count("attempts"), self.count("of")
        return f"attempt {number} of {of}" if of else f"attempt {number}"

    def time(self, key: str) -> str:
        try:
            return clock_time(datetime.fromisoformat(str(self.data.get(key))))
        except ValueError:
            return "later"

    def because(self, key: str) -> str:
        words = self.text(key)
        return f": {words}" if words else ""


def _proposed(told: _Told) -> str:
    blocked = told.count("blocked")
    without = f", {blocked} of them cannot move" if blocked else ""
    return f"🕓 {told.by} asks to move {plural(told.count('vms'), 'VM')}{without}."


def _approved(told: _Told) -> str:
    return f"👍 {told.by} approved {told.job}. It starts as soon as the hosts have room."


def _approval(told: _Told) -> str:
    return f"👍 {told.by} approved: {told.count('count')} of {told.count('needed')} approvals."


def _rejected(told: _Told) -> str:
    return f"❌ {told.by} rejected {told.job}{told.because('reason')}"


def _cancel_asked(told: _Told) -> str:
    vms = [code(str(name)) for name in told.items("vms")]
    who = vms[0] if len(vms) == 1 else plural(len(vms), "VM")
    running = told.count("running")
    asked = f" {running} of them moving now: asked to stop." if running else ""
    return f"✋ {told.by} cancelled {who}.{asked}"


def _cancel_unmet(told: _Told) -> str:
    hint = told.text("hint")
    return f"✋ The cancel of {told.vm} has no effect yet{told.because('text')}" + (f"\n→ {hint}" if hint else "")


def _starting(told: _Told) -> str:
    attempt = f", {told.attempt}" if told.count("attempt") > 1 else ""
    return f"🚚 {told.vm} starts: {told.source} → {told.destination}{attempt}."


def _moved(told: _Told) -> str:
    return f"{told.vm} arrived on {told.destination} after {span(told.number('seconds'))}."


def _done(told: _Told) -> str:
    parts = [f"✅ {told.vm} is on {told.destination}: {size(told.number('bytes'))} in {span(told.number('seconds'))}"]
    if told.count("attempts") > 1:
        parts.append(f"{told.count('attempts')} attempts")
    removed = len(told.items("removed"))
    if removed:
        parts.append(f"{plural(removed, 'empty folder')} removed")
    text = ", ".join(parts) + "." + _kept(told)
    for difference in list(told.items("differences"))[:5]:
        text += f"\n⚠️ Now differs: {said(str(difference), 200)}"
    return text


def _moved_by_others(told: _Told) -> str:
    return f"✅ {told.vm} is on {told.destination} already{told.because('text')}."


def _kept(told: _Told) -> str:
    text = ""
    for kept in list(told.items("kept"))[:5]:
        path, reason = (*kept, "")[:2] if isinstance(kept, list | tuple) else (kept, "")
        text += f"\n📁 Kept {code(str(path), 120)}" + (f": {said(str(reason), 160)}" if reason else "")
    more = len(told.items("kept")) - 5
    return text + (f"\n📁 … and {plural(more, 'more folder')} kept" if more > 0 else "")


def _tidied(told: _Told) -> str:
    removed = plural(len(told.items("removed")), "empty folder")
    return f"🧹 {told.vm}: {removed} removed on {code(str(told.data.get('host') or 'its host'))}.{_kept(told)}"


def _answered(told: _Told) -> str:
    answers = {"wait": "wait", "cancel": "cancel it", "page": "page on-call"}
    return f"🤔 {told.by} decided about {told.vm}: {answers.get(str(told.data.get('answer')), 'wait')}."


def _adopted(told: _Told) -> str:
    if told.data.get("state") == MoveState.STARTING:
        return f"🔎 I was restarted just as {told.vm} was to start; I look whether it did."
    many = len(told.items("vms")) > 1
    which = f"{told.names} were" if many else f"{told.vm} was"
    return (
        f"🔎 I was restarted while {which} moving; I take {'them up where they are' if many else 'it up where it is'}."
    )


def _escalated(told: _Told) -> str:
    about = f"{told.names} in {told.job}" if told.names else told.job
    return f"⏰ Nobody has taken care of {about} for {span(told.number('seconds'))}."


def _late(told: _Told) -> str:
    until, soonest = told.time("until"), told.time("soonest")
    return f"⏰ {told.job} will be late: wanted by {until}, {soonest} at the soonest{told.because('why').rstrip('.')}."


def _retrying(told: _Told) -> str:
    text = f"🔁 {told.vm} did not move ({told.attempt}){told.because('words')}"
    if hint := told.text("hint"):
        text += f"\n→ {hint}"
    return f"{text}\nNext try at {told.time('again_at')}."


def _failed(told: _Told) -> str:
    tries = plural(told.count("attempts"), "attempt")
    return f"❌ {told.vm} failed after {tries}{told.because('words').rstrip('.')}{_still(told)}"


def _unmigratable(told: _Told) -> str:
    return (
        f"❌ {told.vm} cannot be moved: "
        f"{(told.text('text') or told.text('words', 'no reason was given')).rstrip('.')}{_still(told)}"
    )


def _still(told: _Told) -> str:
    where = str(told.data.get("where") or "")
    return f". It is on {code(where)}." if where else ""


def _cancelled(told: _Told) -> str:
    return f"🚫 {told.vm} is cancelled{told.because('text').rstrip('.')}{_still(told)}"


def _finished(told: _Told) -> str:
    total = sum(told.count(end) for end in ("done", "failed", "unmigratable", "cancelled", "lost"))
    done = told.count("done")
    icon = "✅" if done == total else "⚠️"
    text = f"{icon} {told.job} is over: {done} of {plural(total, 'VM')} moved"
    text += f", {size(told.number('bytes'))} in {span(told.number('seconds'))}." if done else "."
    for key, words in (
        ("failed", "failed"),
        ("unmigratable", "could not be moved"),
        ("cancelled", "cancelled"),
        ("lost", "must be looked at by a human"),
    ):
        if count := told.count(key):
            text += f" {count} {words}."
    return text


_SENTENCES: Mapping[EventKind, Callable[[_Told], str]] = {
    EventKind.PROPOSED: _proposed,
    EventKind.APPROVAL: _approval,
    EventKind.APPROVED: _approved,
    EventKind.REJECTED: _rejected,
    EventKind.EXPIRED: lambda told: f"⌛ {told.job} expired: nobody approved it in time. Nothing was changed.",
    EventKind.WITHDRAWN: lambda told: f"🚫 {told.by} withdrew {told.job}. Nothing was changed.",
    EventKind.CANCEL_ASKED: _cancel_asked,
    EventKind.CANCEL_UNMET: _cancel_unmet,
    EventKind.HELD: lambda told: f"⏸ {told.vm} waits{told.because('text')}",
    EventKind.STARTING: _starting,
    EventKind.MOVING: lambda told: f"🚚 {told.vm} is moving: {told.source} → {told.destination}.",
    EventKind.NOT_STARTED: lambda told: f"{told.vm} did not start after all{told.because('text')}",
    EventKind.ADOPTED: _adopted,
    EventKind.VERIFYING: lambda told: f"Looking on both hosts where {told.vm} is.",
    EventKind.MOVED: _moved,
    EventKind.DONE: _done,
    EventKind.MOVED_BY_OTHERS: _moved_by_others,
    EventKind.RETRYING: _retrying,
    EventKind.FAILED: _failed,
    EventKind.UNMIGRATABLE: _unmigratable,
    EventKind.CANCELLED: _cancelled,
    EventKind.LOST: lambda told: f"🆘 {told.vm} must be looked at by a human{told.because('text')}",
    EventKind.PAUSED: lambda told: f"⏸ {told.by} paused {told.job}: nothing more of it starts. What moves now goes on.",
    EventKind.CONTINUED: lambda told: f"▶️ {told.by} lets {told.job} go on.",
    EventKind.STUCK: lambda told: f"🤔 {told.vm} seems stuck{told.because('text')}",
    EventKind.ANSWERED: _answered,
    EventKind.LATE: _late,
    EventKind.TIDIED: _tidied,
    EventKind.ACKNOWLEDGED: lambda told: f"👀 {told.by} takes care of {told.vm if told.has_move else told.job}.",
    EventKind.ESCALATED: _escalated,
    EventKind.FINISHED: _finished,
    EventKind.STOPPED: lambda told: f"🛑 {told.by} stopped all migrations: nothing new starts. What moves now goes on.",
    EventKind.RESUMED: lambda told: f"▶️ {told.by} lets migrations start again.",
}
