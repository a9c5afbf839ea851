"""Says each event in one clear sentence, for threads and for the history. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from bot.messages.blocks import Message, section
from bot.messages.mrkdwn import clip_markup, clock_time, code, mention, plural, said
from core.domain.model import event_data as said_of
from core.domain.model.event_data import EventData, EventKind, Kept
from core.domain.model.events import Event, Notice
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
    text = clip_markup(text, _SECTION_ROOM)
    return Message(text, (section(text),))


def sentence(event: Event, job: Job | None, move: Move | None) -> str:
    """Say an event; names are shown as names, whatever they contain."""
    data, about = event.data, _About(event, job, move)
    return _of_job(data, about) or _of_attempt(data, about) or _of_end(data, about) or _for_people(data, about)


class _About:
    """Who and what an event is about, as people see it."""

    def __init__(self, event: Event, job: Job | None, move: Move | None) -> None:
        self.by = mention(event.actor)
        self.job = job.id if job else ""
        self.vm = code(move.vm_name) if move else "a VM"
        self.what = self.vm if move else self.job
        self.source = code(move.source) if move else "its host"
        self.destination = code(move.destination) if move else "the destination"


def _of_job(data: EventData, about: _About) -> str:  # noqa: C901, PLR0912 - a sentence for each kind
    by, job = about.by, about.job
    match data:
        case said_of.Proposed(vms=vms, blocked=blocked):
            without = f", {blocked} of them cannot move" if blocked else ""
            return f"🕓 {by} asks to move {plural(vms, 'VM')}{without}."
        case said_of.Checked():
            return _checked(data, job)
        case said_of.Approved():
            return f"👍 {by} approved {job}. It starts as soon as the hosts have room."
        case said_of.Approval(count=count, needed=needed):
            return f"👍 {by} approved: {count} of {plural(needed, 'approval')}."
        case said_of.Rejected(reason=reason):
            return f"❌ {by} rejected {job}{_because(reason)}"
        case said_of.Edited():
            return _edited(data, about)
        case said_of.Expired():
            return f"⌛ {job} expired: nobody approved it in time. Nothing was changed."
        case said_of.Withdrawn():
            return f"🚫 {by} withdrew {job}. Nothing was changed."
        case said_of.CancelAsked(vms=vms, running=running):
            who = code(vms[0]) if len(vms) == 1 else plural(len(vms), "VM")
            asked = f" {running} of them moving now: asked to stop." if running else ""
            return f"✋ {by} cancelled {who}.{asked}"
        case said_of.Paused():
            return f"⏸ {by} paused {job}: nothing more of it starts. What moves now goes on."
        case said_of.Continued():
            return f"▶️ {by} lets {job} go on."
        case said_of.Stopped():
            return f"🛑 {by} stopped all migrations: nothing new starts. What moves now goes on."
        case said_of.Resumed():
            return f"▶️ {by} lets migrations start again."
        case said_of.Replanned():
            return _replanned(data, about)
        case said_of.Late():
            until, soonest = _time(data.until), _time(data.soonest)
            why = _because(data.why).rstrip(".")
            return f"⏰ {job} will be late: wanted by {until}, {soonest} at the soonest{why}."
        case said_of.Finished():
            return _finished(data, about)
        case said_of.Digest():
            return "📊 The weekly digest was put on its way to the channel."
    return ""


def _edited(data: said_of.Edited, about: _About) -> str:
    by_host = defaultdict[str, list[str]](list)
    for vm, host in data.moved:
        by_host[host].append(vm)
    parts = [f"{_names(vms)} to {code(host)}" for host, vms in by_host.items()]
    if data.left_out:
        parts.append(f"without {_names(data.left_out)}")
    text = f"✏️ {about.by} changed the plan of {about.job}: {', '.join(parts)}."
    if data.displaced:
        moved_over = (f"{code(vm)} to {code(host)}" for vm, host in data.displaced[:_NAMES])
        more = f" and {len(data.displaced) - _NAMES} more" if len(data.displaced) > _NAMES else ""
        text += f" To make room: {', '.join(moved_over)}{more}."
    if data.approvals:
        text += f" {plural(data.approvals, 'approval')} no longer count{'s' if data.approvals == 1 else ''}."
    return f"{text} It waits for approval as it is now."


def _replanned(data: said_of.Replanned, about: _About) -> str:
    by_host = defaultdict[str, list[str]](list)
    for vm, host in data.moved:
        by_host[host].append(vm)
    anew = ", ".join(f"{_names(vms)} to {code(host)}" for host, vms in by_host.items())
    text = f"🔀 {code(data.host)} dropped out of {about.job}{_because(data.reason).rstrip('.')}."
    text += f" Placed anew among the destinations of its plan: {anew}."
    if data.waiting:
        text += f" No other one takes {_names(data.waiting)}."
    return text


def _checked(data: said_of.Checked, job: str) -> str:
    no = [f"{plural(data.incompatible, 'VM')} cannot go where it should"] if data.incompatible == 1 else []
    no += [f"{plural(data.incompatible, 'VM')} cannot go where they should"] if data.incompatible > 1 else []
    no += [f"{plural(data.elsewhere, 'VM')} had to be placed on another of the hosts"] if data.elsewhere else []
    no += [f"{plural(data.unasked, 'VM')} could not be checked"] if data.unasked else []
    came_of_it = f"{', '.join(no)}; the card says why" if no else "nothing stands against it"
    return f"🔎 The hosts of {job} were asked about {plural(data.vms, 'VM')}: {came_of_it}."


def _of_attempt(data: EventData, about: _About) -> str:
    vm, way = about.vm, f"{about.source} → {about.destination}"
    match data:
        case said_of.Held(text=text):
            return f"⏸ {vm} {said(text)}" if text.startswith("waits ") else f"⏸ {vm} waits{_because(text)}"
        case said_of.Starting(attempt=attempt, of=of, to=to, order=order):
            way = f"{about.source} → {code(to)}" if to else way
            more = f", {_attempt(attempt, of)}" if attempt > 1 else ""
            return f"🚚 {vm} starts: {way}{more}{f', {said(order)}' if order else ''}."
        case said_of.Moving():
            return f"🚚 {vm} is moving: {way}."
        case said_of.NotStarted(text=text):
            return f"{vm} did not start after all{_because(text)}"
        case said_of.Adopted():
            return _adopted(data, about)
        case said_of.Verifying():
            return f"Looking on both hosts where {vm} is."
        case said_of.Moved(seconds=seconds):
            return f"{vm} arrived on {about.destination} after {span(seconds)}."
        case said_of.Retrying():
            hint = f"\n→ {said(data.hint)}" if data.hint else ""
            tried = f"🔁 {vm} did not move ({_attempt(data.attempt, data.of)}){_because(data.words)}{hint}"
            return f"{tried}\nNext try at {_time(data.again_at)}."
        case said_of.CancelUnmet(text=text, hint=hint):
            return f"✋ The cancel of {vm} has no effect yet{_because(text)}" + (f"\n→ {said(hint)}" if hint else "")
    return ""


def _of_end(data: EventData, about: _About) -> str:
    vm = about.vm
    match data:
        case said_of.Done():
            return _done(data, about)
        case said_of.MovedByOthers(text=text):
            return f"✅ {vm} is on {about.destination} already{_because(text)}."
        case said_of.Failed():
            tries = plural(data.attempts, "attempt")
            failed = f"❌ {vm} failed after {tries}{_because(data.words).rstrip('.')}"
            return f"{failed}{_at_first(data.first)}{_still(data.where)}"
        case said_of.Unmigratable():
            why = said(data.text or data.words or "no reason was given").rstrip(".")
            return f"❌ {vm} cannot be moved: {why}{_at_first(data.first)}{_still(data.where)}"
        case said_of.Cancelled():
            return f"🚫 {vm} is cancelled{_because(data.text).rstrip('.')}{_still(data.where)}"
        case said_of.Lost(text=text):
            return f"🆘 {vm} must be looked at by a human{_because(text)}"
        case said_of.Tidied():
            removed = plural(len(data.removed), "empty folder")
            return f"🧹 {vm}: {removed} removed on {code(data.host or 'its host')}.{_kept(data.kept)}"
    return ""


def _for_people(data: EventData, about: _About) -> str:
    match data:
        case said_of.Stuck(text=text):
            return f"🤔 {about.vm} seems stuck{_because(text)}"
        case said_of.Answered(answer=answer):
            answers = {"wait": "wait", "cancel": "cancel it", "page": "page on-call"}
            return f"🤔 {about.by} decided about {about.vm}: {answers.get(answer, 'wait')}."
        case said_of.Acknowledged():
            return f"👀 {about.by} takes care of {about.what}."
        case said_of.Escalated(vms=vms, seconds=seconds):
            whom = f"{_names(vms)} in {about.job}" if vms else about.job
            return f"⏰ Nobody has taken care of {whom} for {span(seconds)}."
        case said_of.OwnerTold(person=person, vms=told):
            return f"👤 {mention(person)} is told of {_names([vm.name for vm in told])} as the owner."
        case said_of.OwnerHeld(vms=vms, words=words):
            again = "it starts" if len(vms) == 1 else "they start"
            return f"✋ {about.by} owns {_names(vms)} and says not now{_because(words)}\n→ {again} once released."
        case said_of.OwnerReleased(vms=vms):
            return f"▶️ {about.by} released {_names(vms)}, held by {'its' if len(vms) == 1 else 'their'} owner."
        case said_of.Unsaid(what=what, reason=reason):
            return f"📪 Nobody was told of “{said(what.replace('_', ' '))}” about {about.what}{_because(reason)}"
        case said_of.Other():
            return f"❔ Something happened to {about.what} that a newer version wrote down; I have no words for it."
    return said(data.kind.value.replace("_", " "))


def _adopted(data: said_of.Adopted, about: _About) -> str:
    if data.state is MoveState.STARTING:
        return f"🔎 I was restarted just as {about.vm} was to start; I look whether it did."
    many = len(data.vms) > 1
    which = f"{_names(data.vms)} were" if many else f"{about.vm} was"
    return (
        f"🔎 I was restarted while {which} moving; I take {'them up where they are' if many else 'it up where it is'}."
    )


def _done(data: said_of.Done, about: _About) -> str:
    parts = [f"✅ {about.vm} is on {about.destination}: {size(data.bytes)} in {span(data.seconds)}"]
    if data.attempts > 1:
        parts.append(f"{data.attempts} attempts")
    if data.removed:
        parts.append(f"{plural(len(data.removed), 'empty folder')} removed")
    text = ", ".join(parts) + "." + _kept(data.kept)
    for difference in data.differences[:5]:
        text += f"\n⚠️ Now differs: {said(difference, 200)}"
    return text


def _finished(data: said_of.Finished, about: _About) -> str:
    total = data.done + data.failed + data.unmigratable + data.cancelled + data.lost
    icon = "✅" if data.done == total else "⚠️"
    text = f"{icon} {about.job} is over: {data.done} of {plural(total, 'VM')} moved"
    text += f", {size(data.bytes)} in {span(data.seconds)}." if data.done else "."
    for count, words in (
        (data.failed, "failed"),
        (data.unmigratable, "could not be moved"),
        (data.cancelled, "cancelled"),
        (data.lost, "must be looked at by a human"),
    ):
        if count:
            text += f" {count} {words}."
    return text


def _because(words: str) -> str:
    return f": {said(words)}" if words else ""


def _at_first(reason: str) -> str:
    """Say the first reason beside the last: it is often the true one."""
    return f". The first try failed otherwise: {said(reason).rstrip('.')}" if reason else ""


def _still(where: str) -> str:
    return f". It is on {code(where)}." if where else ""


def _attempt(number: int, of: int) -> str:
    return f"attempt {number} of {of}" if of else f"attempt {number}"


def _time(at: datetime | None) -> str:
    return clock_time(at) if at else "later"


def _names(vms: Sequence[str]) -> str:
    """Name the VMs of an event that is about several: a line's worth."""
    more = len(vms) - _NAMES
    return ", ".join(map(code, vms[:_NAMES])) + (f" and {more} more" if more > 0 else "")


def _kept(kept: Kept) -> str:
    text = ""
    for path, reason in kept[:5]:
        text += f"\n📁 Kept {code(path, 120)}" + (f": {said(reason, 160)}" if reason else "")
    more = len(kept) - 5
    return text + (f"\n📁 … and {plural(more, 'more folder')} kept" if more > 0 else "")
