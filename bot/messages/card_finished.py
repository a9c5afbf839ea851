"""The card of a job that is over: what became of every VM, who decided and when. Pure."""

from collections.abc import Iterator
from datetime import datetime

from bot.messages.blocks import RETRY, Block, Message, actions, button, confirm, header, message, sections
from bot.messages.card_parts import Look, around_backups, headline_route, names, show_all, small_print, what
from bot.messages.card_running import problem_lines
from bot.messages.mrkdwn import code, date_time, mention, plural, said
from bot.messages.state_table import MOVE_STATES, PROBLEMS
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.domain.model.units import size, span
from core.domain.model.views import JobView

_MOVED = MOVE_STATES[MoveState.DONE].icon


def ended(view: JobView, look: Look) -> Message:
    """Show the end."""
    job = view.job
    title = _title(view)
    blocks: list[Block] = [header(title), *sections(_standing(view, look))]
    if job.state is JobState.FINISHED:
        blocks += sections(problem_lines(view, look))
        blocks += sections(_rest(view, look))
        blocks.append(small_print(view))
        buttons: list[Block] = show_all(job, look)
        if left := view.count(*PROBLEMS, MoveState.CANCELLED):
            asked = confirm(
                f"Try {plural(left, 'VM')} again?",
                "This makes a new plan, which has to be approved again.",
                "Make a plan",
            )
            buttons.append(button(f"Retry {plural(left, 'VM')}", RETRY, job.id, ask=asked))
        if buttons:
            blocks.append(actions(*buttons))
    else:
        moves = [move.vm_name for move in job.plan.moves]
        blocks += sections([f"Not moved: {names(moves, look.rows)}"])
        blocks.append(small_print(view))
    return message(title, blocks)


def _title(view: JobView) -> str:
    job = view.job
    total = len(view.moves) or len(job.plan.moves)
    done = view.count(MoveState.DONE)
    route = headline_route(job.plan.moves)
    match job.state:
        case JobState.FINISHED if done == total:
            return f"✅ {job.id}: {what(job)} moved, {route}"
        case JobState.FINISHED:
            return f"⚠️ {job.id}: {done} of {plural(total, 'VM')} moved, {route}"
        case JobState.REJECTED:
            return f"❌ {job.id} was rejected: {what(job)}, {route}"
        case JobState.EXPIRED:
            return f"⌛ {job.id} expired: nobody approved it in time"
        case _:
            return f"🚫 {job.id} was withdrawn: {what(job)}, {route}"


def _standing(view: JobView, look: Look) -> Iterator[str]:
    job = view.job
    if job.state is JobState.FINISHED:
        yield _finish(view)
        yield from around_backups(view)
        return
    if job.state is JobState.EXPIRED:
        yield f"It waited until {date_time(job.expires_at)}. Nothing was changed."
    else:
        word = "Rejected" if job.state is JobState.REJECTED else "Withdrawn"
        by = f" by {mention(job.decided_by)}" if job.decided_by else ""
        at = f" at {date_time(job.decided_at)}" if job.decided_at else ""
        yield f"{word}{by}{at}. Nothing was changed."
    if job.decision_reason:
        yield f"Reason: {said(job.decision_reason)}"
    if job.text:
        yield f"To ask again: {code(f'{look.command} {job.text}', 300)}"


def _finish(view: JobView) -> str:
    job = view.job
    parts = [f"*{view.count(MoveState.DONE)} of {len(view.moves)} moved*"]
    copied = sum(row.move.moved_bytes for row in view.moves)
    if copied:
        parts.append(size(copied))
    if job.finished_at and (since := _began(view)):
        parts.append(f"in {span(job.finished_at - since)}")
    not_moved = (MoveState.FAILED, MoveState.UNMIGRATABLE, MoveState.LOST, MoveState.CANCELLED)
    parts += [f"{count} {MOVE_STATES[state].total}" for state in not_moved if (count := view.count(state))]
    ended_at = f", ended {date_time(job.finished_at)}" if job.finished_at else ""
    return " · ".join(parts) + ended_at


def _began(view: JobView) -> datetime | None:
    return min((row.move.started_at for row in view.moves if row.move.started_at), default=view.job.decided_at)


def _rest(view: JobView, look: Look) -> Iterator[str]:
    done = [row.move for row in view.moves if row.move.state is MoveState.DONE]
    for move in done if len(done) <= look.rows else ():
        times = f" in {span(move.ended_at - move.started_at)}" if move.ended_at and move.started_at else ""
        tries = f", {move.attempts} attempts" if move.attempts > 1 else ""
        yield f"{_MOVED} {code(move.vm_name)} is on {code(move.destination)}{times}{tries}"
    if len(done) > look.rows:
        yield f"{_MOVED} Moved: {names((move.vm_name for move in done), look.rows)}"
    cancelled = [row.move.vm_name for row in view.moves if row.move.state is MoveState.CANCELLED]
    if cancelled:
        yield f"{MOVE_STATES[MoveState.CANCELLED].icon} Cancelled: {names(cancelled, look.rows)}"
