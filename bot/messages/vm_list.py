"""The form that lists every VM of a job, page by page, for jobs with more VMs than their card can name. Pure.

A form takes no table, so a page of it can be had as a message that is one.
"""

from collections.abc import Iterator

from bot.messages.blocks import (
    ALL_BACK,
    ALL_NEXT,
    ALL_TABLE,
    Block,
    Message,
    actions,
    button,
    context,
    message,
    plain_text,
    sections,
)
from bot.messages.mrkdwn import code, plural, said
from bot.messages.state_table import MOVE_STATES
from bot.messages.tables import Cell, with_table
from core.domain.model.move import Move, MoveState
from core.domain.model.plan import Plan, PlannedMove
from core.domain.model.units import size
from core.domain.model.views import JobView, MoveView

ROWS = 50
"""VMs on one page: well within a form's 100 blocks and 250 KB, and within a table."""
VM_LIST = "migrate_all"
"""The callback_id of the form; its private_metadata is the channel that it was opened in."""


def vm_list(view: JobView, page: int, channel: str = "", *, offers_table: bool = False, is_told: bool = False) -> Block:
    """Make the form; a page that does not exist becomes the nearest.

    ``channel``: where it was opened. ``offers_table``: whether the page can be had as a table; ``is_told``: whether it
    is on its way.
    """
    job = view.job
    lines = list(_lines(view))
    number, pages = _page(len(lines), page)
    blocks: list[Block] = [*sections(lines[(number - 1) * ROWS : number * ROWS])]
    blocks.append(context(f"Page {number} of {pages} · {plural(len(lines), 'VM')}"))
    turns: list[Block] = []
    if number > 1:
        turns.append(button("Back", ALL_BACK, f"{job.id}|{number - 1}"))
    if number < pages:
        turns.append(button("Next", ALL_NEXT, f"{job.id}|{number + 1}"))
    if offers_table:
        turns.append(button("As a table", ALL_TABLE, f"{job.id}|{number}"))
    if is_told:
        blocks.append(context("This page follows as a table, in a message that only you can see."))
    if turns:
        blocks.append(actions(*turns))
    return {
        "type": "modal",
        "callback_id": VM_LIST,
        "private_metadata": channel,
        "title": plain_text(f"All VMs of {job.id}", 24),
        "close": plain_text("Close", 24),
        "blocks": blocks,
    }


def vm_message(view: JobView, page: int) -> Message:
    """Make one page of the form a message: a table where Slack takes one, else the same lines."""
    job = view.job
    lines = list(_lines(view))
    number, pages = _page(len(lines), page)
    here = slice((number - 1) * ROWS, number * ROWS)
    head = f"*All VMs of {job.id}*, page {number} of {pages}" if pages > 1 else f"*All VMs of {job.id}*"
    in_lines = message(head.replace("*", ""), sections([head, *lines[here]]))
    if view.moves:
        rows = [_move_row(row) for row in view.moves[here]]
        return with_table(in_lines, sections([head]), ("VM", "From", "To", "State", "Why"), rows)
    plan = job.plan
    planned = [_plan_row(move, _plan_why(move, plan)) for move in plan.moves[here]]
    return with_table(in_lines, sections([head]), ("VM", "From", "To", "Folder", "Size", "Power", "Why"), planned)


def _page(vms: int, page: int) -> tuple[int, int]:
    """Return the nearest page there is, and how many there are."""
    pages = max(1, -(-vms // ROWS))
    return min(max(page, 1), pages), pages


def _plan_row(move: PlannedMove, why: str) -> tuple[Cell, ...]:
    power = "live" if move.is_live else "off"
    return move.vm_name, move.source, move.destination, move.path, size(move.size_bytes), power, why


def _plan_why(move: PlannedMove, plan: Plan) -> str:
    return f"⛔ {plan.why_blocked(move.vm_id)}" if move.vm_id in plan.blocked_ids else move.why


def _move_row(row: MoveView) -> tuple[Cell, ...]:
    move = row.move
    state = f"{MOVE_STATES[move.state].icon} {move.state.value}{_percent(row)}"
    return move.vm_name, move.source, move.destination, state, _why_words(move)


def _lines(view: JobView) -> Iterator[str]:
    if view.moves:
        yield from (_move_line(row) for row in view.moves)
        return
    plan = view.job.plan
    blocked = plan.blocked_ids
    for move in plan.moves:
        yield _plan_line(move, is_blocked=move.vm_id in blocked, why=plan.why_blocked(move.vm_id))


def _plan_line(move: PlannedMove, *, is_blocked: bool, why: str) -> str:
    kind = "live" if move.is_live else "off"
    about = f" {said(why, 160)}" if is_blocked else f" {kind}, {size(move.size_bytes)}"
    about += f"\n      _{said(move.why, 300)}_" if move.why else ""
    folder = f" {code(move.path, 80)}" if move.path else ""
    way = f"{code(move.source)} → {code(move.destination)}"
    return f"{'⛔' if is_blocked else '•'} {code(move.vm_name)} {way}{folder}{about}"


def _move_line(row: MoveView) -> str:
    move = row.move
    way = f"{code(move.source)} → {code(move.destination)}"
    why = _why_words(move)
    about = f"{_percent(row)}{f': {said(why, 160)}' if why else ''}"
    return f"{MOVE_STATES[move.state].icon} {code(move.vm_name)} {way} {move.state.value}{about}"


def _percent(row: MoveView) -> str:
    return f" {row.percent} %" if row.percent is not None and row.move.state is MoveState.MOVING else ""


def _why_words(move: Move) -> str:
    if move.state is MoveState.QUEUED:
        return move.hold.text if move.hold else ""
    return move.error if move.state.is_end else ""
