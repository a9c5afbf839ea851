"""The answer to ``handover``, in ten lines at most: what needs a decision, what runs, waits and failed. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from bot.messages.blocks import Message, message, sections
from bot.messages.card_parts import Look, headline_route, names, what
from bot.messages.mrkdwn import clock_time, code, date_time, mention, plural, said
from bot.messages.state_table import AT_WORK, MOVED, PROBLEMS
from core.domain.model.event_data import EventKind
from core.domain.model.events import Event
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveState
from core.domain.model.views import HostView, JobView

_LINES = 10
_RECENT = timedelta(hours=12)
_NAMED = 4


def handover(
    views: Sequence[JobView],
    hosts: Sequence[HostView],
    waiting: Mapping[JobId, Sequence[Event]],
    stopped_by: str,
    look: Look,
) -> Message:
    """Say it. ``waiting`` holds each job's questions and pages that nobody has answered or taken."""
    lines = [*_decisions(views, waiting, stopped_by, look), *_running(views), *_rest(views, hosts)]
    if not lines:
        lines = ["✅ Nothing runs, waits or needs anybody."]
    room = _LINES - 1
    if len(lines) > room:
        lines = [*lines[: room - 1], f"… and more: {code(f'{look.command} status')}"]
    return message("Handover", sections(["*Handover*", *lines]))


def _decisions(
    views: Sequence[JobView], waiting: Mapping[JobId, Sequence[Event]], stopped_by: str, look: Look
) -> Iterator[str]:
    """List what somebody must decide, the most pressing first."""
    if stopped_by:
        yield f"🛑 Stopped by {mention(stopped_by)}: nothing starts until {code(f'{look.command} resume')}"
    for view in views:
        called = waiting.get(view.job.id, ())
        vms = {row.move.id: row.move.vm_name for row in view.moves}
        stuck = [vms[one.move_id] for one in called if one.kind is EventKind.STUCK and one.move_id in vms]
        if stuck:
            yield f"🤔 {view.job.id}: wait or cancel? {names(stuck, _NAMED)} stand still"
        pages = [one for one in called if one.kind is not EventKind.STUCK]
        if pages:
            about = list(dict.fromkeys(vms[one.move_id] for one in pages if one.move_id in vms))
            whose = f": {names(about, _NAMED)}" if about else ""
            yield f"📟 {view.job.id}: {plural(len(pages), 'page')} nobody has taken{whose}"
    for view in views:
        job = view.job
        if job.state is JobState.PROPOSED:
            waits = "waits for approval" if job.plan.is_checked else "is being checked by its hosts, to be approved"
            yield (
                f"🕓 {job.id} {waits} until {clock_time(job.expires_at)}: {said(what(job), 60)}, "
                f"{said(headline_route(job.plan.moves), 80)}"
            )
        if job.paused_by and job.state is JobState.RUNNING:
            yield f"⏸ {job.id} is paused by {mention(job.paused_by)}: {code(f'{look.command} resume {job.id}')}"


def _running(views: Sequence[JobView]) -> Iterator[str]:
    for view in views:
        job = view.job
        if job.state is not JobState.RUNNING:
            continue
        bad = view.count(*PROBLEMS)
        trouble = f", {bad} with trouble" if bad else ""
        ends = f", ends about {date_time(view.eta.likely)}" if view.eta else ""
        moving = view.count(*AT_WORK)
        yield (
            f"🚚 {job.id} {said(headline_route(job.plan.moves), 80)}: {view.count(*MOVED)} "
            f"of {len(view.moves)} moved, {moving} moving, {view.count(MoveState.QUEUED)} waiting{trouble}{ends}"
        )


def _rest(views: Sequence[JobView], hosts: Sequence[HostView]) -> Iterator[str]:
    for host in hosts:
        if not host.is_reachable:
            since = f" since {clock_time(host.since)}" if host.since else ""
            yield f"🔌 {code(host.host)} {host.standing}{since}"
    for view in views:
        job = view.job
        if job.state is not JobState.FINISHED or job.finished_at is None or view.at - job.finished_at > _RECENT:
            continue
        bad = [row.move.vm_name for row in view.moves if row.move.state in PROBLEMS]
        moved = f"{view.count(MoveState.DONE)} of {len(view.moves)} moved"
        if bad:
            yield f"❌ {job.id} ended {clock_time(job.finished_at)}, {moved}; not: {names(bad, _NAMED)}"
        else:
            yield f"✅ {job.id} ended {clock_time(job.finished_at)}, {moved}"
