"""Writes a whole plan as plain text, for the file in a long plan's thread. Pure."""

from collections import defaultdict

from bot.messages.alike import alike
from bot.messages.visible import visible
from core.domain.model.event_data import FEW
from core.domain.model.job import Job
from core.domain.model.plan import Plan, PlanEdit, PlannedMove, Severity
from core.domain.model.units import size

LONG = FEW
"""A plan of more VMs than this is attached to its card as a file."""
_ORDER = (Severity.BLOCKER, Severity.WARNING, Severity.NOTE)


def plan_text(job: Job) -> str:
    """Write every VM and everything preflight found."""
    plan = job.plan
    rows = [("VM", "FROM", "TO", "FOLDER", "SIZE", "KIND", "ID"), *(_row(plan, move) for move in plan.moves)]
    # By hand: rich takes seconds for thousands of rows, and this runs beside the answers to people.
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    total = size(sum(move.size_bytes for move in plan.moves))
    lines = [f"Plan of {job.id}: {len(plan.moves)} VMs, {total}", f"Fingerprint: {plan.hash}", "", *table]
    found = alike([finding for severity in _ORDER for finding in plan.findings if finding.severity is severity])
    if found:
        lines += ["", "What preflight found", *(f"{one.severity.value}: {_cell(one.text)}" for one in found)]
    if plan.edits:
        lines += ["", "What people changed", *(_edit(edit) for edit in plan.edits)]
    reasons = defaultdict[str, list[str]](list)
    for move in plan.moves:
        if move.why:
            reasons[move.why].append(move.vm_name)
    if reasons:
        lines += ["", "Why these destinations, and not others"]
        lines += [f"{_cell(', '.join(names))}: {_cell(why)}" for why, names in reasons.items()]
    return "\n".join(lines) + "\n"


def _row(plan: Plan, move: PlannedMove) -> tuple[str, ...]:
    kind = "will not move" if move.vm_id in plan.blocked_ids else "live" if move.is_live else "off"
    cells = (move.vm_name, move.source, move.destination, move.path, size(move.size_bytes), kind, str(move.vm_id))
    return tuple(map(_cell, cells))


def _edit(edit: PlanEdit) -> str:
    went = f"from {edit.before} to {edit.to}" if edit.to else f"left out, would have gone to {edit.before}"
    return _cell(f"{edit.at:%Y-%m-%d %H:%M} UTC, {edit.by}: {edit.vm_name} {went}")


def _cell(text: str) -> str:
    return visible(" ".join(text.split()))
