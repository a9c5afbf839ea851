"""The card of a running job: how far it is, what moves, what waits and why, what went wrong. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.messages.blocks import CANCEL, Block, Message, actions, button, confirm, header, message, sections
from bot.messages.card_parts import (
    Look,
    around_backups,
    bar,
    headline_route,
    more_line,
    names,
    off_words,
    route,
    show_all,
    small_print,
    what,
)
from bot.messages.mrkdwn import clock_time, code, date_time, mention, said
from bot.messages.owner_words import owner_lines
from bot.messages.state_table import AT_WORK, HOLD_ICONS, MOVE_STATES, MOVED, PROBLEMS
from core.domain.model.job import Job
from core.domain.model.move import HoldCode, MoveState
from core.domain.model.views import Eta, JobView, MoveView

_WAITS = MOVE_STATES[MoveState.QUEUED].icon


def running(view: JobView, look: Look) -> Message:
    """Show progress."""
    job, counts = view.job, _counts(view)
    blocks: list[Block] = [
        header(f"{job.id}: moving {what(job)}, {headline_route(job.plan.moves)}"),
        *sections(_standing(view, look, counts)),
        *sections(problem_lines(view, look)),
        *sections(work_lines(view, look)),
        *sections(wait_lines(view, look)),
        *sections(end_lines(view, look)),
        *sections(owner_lines(view)),
        small_print(view),
        actions(_cancel_button(view), *show_all(job, look)),
    ]
    return message(f"{job.id}: {counts}.", blocks)


def _counts(view: JobView) -> str:
    total = len(view.moves) or len(view.job.plan.moves)
    parts = [f"{view.count(*MOVED)} of {total} moved"]
    for states, word in (
        (AT_WORK, "moving"),
        ((MoveState.QUEUED,), "waiting"),
        (PROBLEMS, "with trouble"),
        ((MoveState.CANCELLED,), "cancelled"),
    ):
        if count := view.count(*states):
            parts.append(f"{count} {word}")
    return " · ".join(parts)


def _standing(view: JobView, look: Look, counts: str) -> Iterator[str]:
    total = len(view.moves) or 1
    # A moving VM counts for as much as it has copied, so the bar does not jump.
    over = (row.move.state.is_end or row.move.state is MoveState.CLEANING for row in view.moves)
    done = sum(100.0 if is_over else float(row.percent or 0) for is_over, row in zip(over, view.moves, strict=True))
    yield f"{bar(done / total)} *{counts}*"
    if view.stopped_by:
        again = code(f"{look.command} resume")
        yield f"🛑 *Stopped* by {mention(view.stopped_by)}: nothing new starts. Go on with {again}"
    if view.job.paused_by:
        again = code(f"{look.command} resume {view.job.id}")
        yield f"⏸ *Paused* by {mention(view.job.paused_by)}: nothing more of it starts. Go on with {again}"
    frozen = next((hold for row in view.moves if (hold := row.move.hold) and hold.code is HoldCode.FREEZE), None)
    if frozen:
        yield f"❄️ *Frozen*: {said(frozen.text, 160)}"
    if view.eta:
        yield _eta(view.eta, view)
    elif view.why_no_eta and not view.stopped_by and not view.job.paused_by:
        yield f"No estimate: {said(view.why_no_eta, 240)}."
    yield from around_backups(view)


def _eta(eta: Eta, view: JobView) -> str:
    show = clock_time if (eta.latest - view.at).total_seconds() < 16 * 3600 else date_time
    text = f"Ends about *{show(eta.likely)}*"
    if _minute(eta.soonest) != _minute(eta.latest):
        text += f", between {show(eta.soonest)} and {show(eta.latest)}"
    text += f" ({off_words(view.off)})." if view.off else "."
    if eta.frozen is None:
        return text
    begin, until = eta.frozen
    return f"{text} Nothing starts from {date_time(begin)} until {date_time(until)} (freeze)."


def _minute(at: datetime) -> datetime:
    """Cut a time to what people are shown of it."""
    return at.replace(second=0, microsecond=0)


def problem_lines(view: JobView, look: Look) -> Iterator[str]:
    """Say what went wrong, worst first: never hidden below the rest. VMs that share a trouble share a line."""
    troubles: dict[tuple[MoveState, str, str], list[str]] = {}
    for state in PROBLEMS:
        for move in (row.move for row in view.moves if row.move.state is state):
            troubles.setdefault((state, move.error, move.hint), []).append(move.vm_name)
    told = list(troubles.items())
    for (state, error, hint), vms in told[: look.rows]:
        trouble = f"{MOVE_STATES[state].icon} {names(vms, look.rows)} {MOVE_STATES[state].card}"
        yield f"{trouble}: {said(error or 'no reason was given', 240)}"
        if hint:
            yield f"      → {said(hint, 240)}"
    if len(told) > look.rows:
        yield more_line(sum(len(vms) for _, vms in told[look.rows :]), view.job, look)


def work_lines(view: JobView, look: Look) -> Iterator[str]:
    """Draw a bar for each VM that is being moved."""
    busy = [row for row in view.moves if row.move.state in AT_WORK]
    for row in busy[: look.rows]:
        yield _work_line(row, view.job)
    if len(busy) > look.rows:
        yield more_line(len(busy) - look.rows, view.job, look)


def _work_line(row: MoveView, job: Job) -> str:
    move = row.move
    head = f"{code(move.vm_name)}{route(row, job)}"
    again = f", attempt {move.attempts}" if move.attempts > 1 else ""
    leaving = ", being cancelled" if move.cancel_by else ""
    if move.state is not MoveState.MOVING:
        return f"⏳ {head} {MOVE_STATES[move.state].card}{again}{leaving}"
    percent = row.percent or 0
    until = f", until {clock_time(row.eta)}" if row.eta else ""
    return f"{bar(percent)} {percent} % {head}{again}{until}{leaving}"


def wait_lines(view: JobView, look: Look) -> Iterator[str]:
    """Say why each waiting VM waits and since when; VMs with the same reason share a line."""
    waiting = sorted(
        (row for row in view.moves if row.move.state is MoveState.QUEUED), key=lambda row: row.place or len(view.moves)
    )
    groups: dict[tuple[str, str], list[MoveView]] = {}
    for row in waiting:
        hold = row.move.hold
        groups.setdefault((hold.code, hold.text) if hold else ("", ""), []).append(row)
    for group in list(groups.values())[: look.rows]:
        yield _wait_line(group)
    if len(groups) > look.rows:
        hidden = sum(len(group) for group in list(groups.values())[look.rows :])
        yield more_line(hidden, view.job, look)


def _wait_line(group: Sequence[MoveView]) -> str:
    hold = group[0].move.hold
    who = names((row.move.vm_name for row in group), 5)
    if hold is None:
        return f"{_WAITS} {who}: next in line"
    since = min(row.move.hold.since for row in group if row.move.hold)
    return f"{HOLD_ICONS.get(hold.code, _WAITS)} {who}: {said(hold.text, 240)} (since {clock_time(since)})"


def end_lines(view: JobView, look: Look) -> Iterator[str]:
    """Name what moved and what was cancelled."""
    for state in (MoveState.CLEANING, MoveState.DONE, MoveState.CANCELLED):
        words = MOVE_STATES[state]
        ended = [row.move for row in view.moves if row.move.state is state]
        if ended:
            yield f"{words.icon} {words.card}: {names((move.vm_name for move in ended), look.rows)}"


def _cancel_button(view: JobView) -> Block:
    moving = view.count(*AT_WORK)
    also = f" {moving} moving now will be asked to stop where it is safe." if moving else ""
    asked = confirm(f"Cancel {view.job.id}?", f"Nothing more of it will start.{also}", "Cancel the job", "Go on")
    return button("Cancel job", CANCEL, view.job.id, style="danger", ask=asked)
