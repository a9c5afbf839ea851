"""The parts that all cards of a job share: headline, route, lists of names, who asked. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.access import YES, Permission
from bot.messages.blocks import ALL, Block, button, context
from bot.messages.mrkdwn import code, mention, plural, said
from core.domain.model.job import Job
from core.domain.model.plan import PlannedMove
from core.domain.model.views import EstimateError, JobView, MoveView

_BAR = 10


@dataclass(frozen=True, slots=True)
class Look:
    """What a card needs to know besides the job.

    ``outlook`` says whether anybody can approve it, ``rows`` how many VMs of a kind are named, ``command`` what people
    type.
    """

    outlook: Permission = YES
    approvals_required: int = 1
    rows: int = 12
    command: str = "/migrate"


def bar(percent: float, width: int = _BAR) -> str:
    """Draw a progress bar."""
    full = max(0, min(width, int(percent * width / 100)))
    return "▓" * full + "░" * (width - full)


def headline_route(moves: Sequence[PlannedMove]) -> str:
    """Say from where to where, short enough for a headline."""
    sources = list(dict.fromkeys(move.source for move in moves))
    destinations = list(dict.fromkeys(move.destination for move in moves))
    return f"{_one_or_many(sources)} → {_one_or_many(destinations)}"


def _one_or_many(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else plural(len(hosts), "host")


def what(job: Job) -> str:
    """Say what a job moves: the VM's name, or how many."""
    moves = job.plan.moves
    return moves[0].vm_name if len(moves) == 1 else plural(len(moves), "VM")


def names(moves: Iterable[str], limit: int) -> str:
    """List names, and how many more there are."""
    everything = list(moves)
    shown = ", ".join(code(name) for name in everything[:limit])
    more = len(everything) - limit
    return f"{shown} and {more} more" if more > 0 else shown


def more_line(hidden: int, job: Job, look: Look) -> str:
    """Say how many lines are left out and where they are."""
    return f"… and {hidden} more: {code(f'{look.command} status {job.id}')}"


def off_words(off: EstimateError) -> str:
    """Say how far off estimates were so far."""
    return f"±{off.percent} %, last {plural(off.count, 'job')}"


def show_all(job: Job, look: Look) -> list[Block]:
    """Offer the whole list when the card cannot name every VM."""
    return [button("Show all", ALL, f"{job.id}|1")] if len(job.plan.moves) > look.rows else []


def route(row: MoveView, job: Job) -> str:
    """Say from where to where one VM goes, when that differs within the job."""
    return f" {code(row.move.source)} → {code(row.move.destination)}" if len(job.plan.pairs) > 1 else ""


def around_backups(view: JobView) -> list[str]:
    """Say how many VMs were ordered around the backups expected of them; nothing if none was."""
    count = sum(1 for row in view.moves if row.move.is_around_backup)
    return [f"💾 {plural(count, 'VM')} ordered around backups."] if count else []


def small_print(view: JobView) -> Block:
    """Say who asked, who approved, and why."""
    job = view.job
    parts = [f"{job.id} asked by {mention(job.requester)}"]
    if job.approvals:
        parts.append("approved by " + ", ".join(mention(approval.by) for approval in job.approvals))
    if job.plan.options.reason:
        parts.append(f"reason: {said(job.plan.options.reason, 200)}")
    return context(" · ".join(parts))
