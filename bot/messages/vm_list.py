"""The form that lists every VM of a job, page by page, for jobs with more VMs than their card can name. Pure."""

from collections.abc import Iterator

from bot.messages.blocks import ALL_BACK, ALL_NEXT, Block, actions, button, context, plain_text, sections
from bot.messages.mrkdwn import code, plural, said
from bot.messages.state_table import MOVE_STATES
from core.domain.model.move import Move, MoveState
from core.domain.model.plan import PlannedMove
from core.domain.model.units import size
from core.domain.model.views import JobView, MoveView

ROWS = 50
"""VMs on one page: well within a form's 100 blocks and 250 KB."""


def vm_list(view: JobView, page: int) -> Block:
    """Make the form; a page that does not exist becomes the nearest."""
    job = view.job
    lines = list(_lines(view))
    pages = max(1, -(-len(lines) // ROWS))
    number = min(max(page, 1), pages)
    blocks: list[Block] = [*sections(lines[(number - 1) * ROWS : number * ROWS])]
    blocks.append(context(f"Page {number} of {pages} · {plural(len(lines), 'VM')}"))
    turns: list[Block] = []
    if number > 1:
        turns.append(button("Back", ALL_BACK, f"{job.id}|{number - 1}"))
    if number < pages:
        turns.append(button("Next", ALL_NEXT, f"{job.id}|{number + 1}"))
    if turns:
        blocks.append(actions(*turns))
    return {
        "type": "modal",
        "callback_id": "migrate_all",
        "title": plain_text(f"All VMs of {job.id}", 24),
        "close": plain_text("Close", 24),
        "blocks": blocks,
    }


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
    percent = f" {row.percent} %" if row.percent is not None and move.state is MoveState.MOVING else ""
    return f"{MOVE_STATES[move.state].icon} {code(move.vm_name)} {way} {move.state.value}{percent}{_why(move)}"


def _why(move: Move) -> str:
    text = move.hold.text if move.hold and move.state is MoveState.QUEUED else move.error if move.state.is_end else ""
    return f": {said(text, 160)}" if text else ""
