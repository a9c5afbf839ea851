"""The card of a job that waits for approval: everything an approver needs to decide, and two buttons. Pure."""

from collections.abc import Iterator, Sequence

from bot.messages.alike import alike
from bot.messages.blocks import (
    APPROVE,
    EDIT,
    REJECT,
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    header,
    message,
    sections,
)
from bot.messages.card_parts import Look, headline_route, more_line, names, off_words, show_all, small_print, what
from bot.messages.mrkdwn import code, date_time, mention, plural, said
from bot.messages.owner_words import owner_lines
from core.domain.model.job import Job
from core.domain.model.plan import Finding, FindingCode, Options, Plan, PlannedMove, Severity
from core.domain.model.units import size, span
from core.domain.model.views import EstimateError, JobView

_ICONS = {Severity.BLOCKER: "⛔", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}  # noqa: RUF001 - the sign is meant
_EDITS, _NAMED = 8, 5
"""How many changes a card names (a line of small print has ten parts at most), and how many VMs of each."""
_SHOWN_S = 60.0
_ORDER = (Severity.BLOCKER, Severity.WARNING, Severity.NOTE)


def proposed(view: JobView, look: Look) -> Message:
    """Show the plan."""
    job, plan = view.job, view.job.plan
    blocks: list[Block] = [
        header(f"{job.id}: move {what(job)}, {headline_route(plan.moves)}?"),
        *sections(_standing(view, look)),
        *sections(_plan_lines(job, look)),
        *sections(finding_lines(plan.findings, look.rows)),
    ]
    if options := option_words(plan.options):
        blocks.append(context(options))
    if plan.edits:
        blocks.append(context(*edit_lines(plan)))
    blocks += sections(owner_lines(view))
    blocks += [small_print(view), actions(*decision_buttons(job), change_button(job), *show_all(job, look))]
    waits = "Waits for approval." if plan.is_checked else "Its hosts are being asked."
    return message(f"{job.id}: move {what(job)}, {headline_route(plan.moves)}? {waits}", blocks)


def being_checked(view: JobView) -> str:
    """Say how far the hosts are with saying whether they can take the VMs of a plan."""
    movable = len(view.job.plan.moves) - len(view.job.plan.blocked_ids)
    answered, total = (view.checking.answered, view.checking.total) if view.checking else (0, movable)
    return (
        f"🔎 *The hosts are being asked whether they can take these VMs:* they have checked {answered} of {total}. "
        "Nobody can approve it before they have."
    )


def _standing(view: JobView, look: Look) -> Iterator[str]:
    job = view.job
    yield f"🕓 *Waits for approval* until {date_time(job.expires_at)}." if job.plan.is_checked else being_checked(view)
    if look.approvals_required > 1:
        given = ", ".join(mention(approval.by) for approval in job.approvals)
        yield f"{len(job.approvals)} of {plural(look.approvals_required, 'approval')}" + (
            f": {given}" if given else "."
        )
    if not look.outlook.is_allowed:
        yield f"🚫 {said(look.outlook.reason)}"
    yield summary(job.plan, view.off)


def summary(plan: Plan, off: EstimateError | None = None) -> str:
    """Say how much moves, how long it should take and how far off that may be, and how much will not move."""
    blocked_ids = plan.blocked_ids
    movable = [move for move in plan.moves if move.vm_id not in blocked_ids]
    live = sum(1 for move in movable if move.is_live)
    unknown = {finding.vm_id for finding in plan.findings if finding.code is FindingCode.SIZE_UNKNOWN} - blocked_ids
    total = size(sum(move.size_bytes for move in movable))
    parts = [f"*{plural(len(movable), 'VM')}*", f"at least {total}" if unknown else total]
    if live:
        parts.append(f"{live} live")
    if len(movable) - live:
        parts.append(f"{len(movable) - live} off")
    if plan.expected_s:
        low, likely = (span(seconds) for seconds in plan.expected_s)
        least = "" if low == likely else f", {low} at the least"
        parts.append(f"takes about {likely}{_waits(plan)}{least}{f' ({off_words(off)})' if off else ''}")
    else:
        parts.append("duration not known yet")
    text = " · ".join(parts)
    blocked = len(plan.moves) - len(movable)
    return text + (f"\n⛔ *{plural(blocked, 'VM')} will not move* (see below)." if blocked else "")


def _waits(plan: Plan) -> str:
    """Say how much of the likely time is only there because others come first; nothing if it is less than a minute."""
    waits = (plan.backups_s, "for backups"), (plan.others_s, "for other moves")
    found = [(span(seconds), what) for seconds, what in waits if seconds >= _SHOWN_S]
    words = [
        f"{length} of it waiting {what}" if not at else f"{length} {what}" for at, (length, what) in enumerate(found)
    ]
    return f" ({' and '.join(words)})" if words else ""


def _plan_lines(job: Job, look: Look) -> Iterator[str]:
    yield from plan_lines(job.plan, look.rows)
    if len(job.plan.moves) > look.rows:
        yield more_line(len(job.plan.moves) - look.rows, job, look)


def plan_lines(plan: Plan, rows: int) -> Iterator[str]:
    """Say from where to where each VM goes, by host pair; so many VMs are named."""
    left = rows
    blocked_ids = plan.blocked_ids
    pairs = dict.fromkeys((move.source, move.destination) for move in plan.moves)
    for source, destination in pairs:
        moves = [move for move in plan.moves if (move.source, move.destination) == (source, destination)]
        if left <= 0:
            break
        paths = {move.path for move in moves}
        folder = f" in {code(next(iter(paths)), 120)}" if len(paths) == 1 and any(paths) else ""
        yield f"{code(source)} → {code(destination)}{folder}"
        for move in moves[:left]:
            yield _move_line(move, is_blocked=move.vm_id in blocked_ids, shows_path=len(paths) > 1)
        left -= len(moves)


def _move_line(move: PlannedMove, *, is_blocked: bool, shows_path: bool) -> str:
    kind = "live" if move.is_live else "off"
    folder = f" → {code(move.path, 120)}" if shows_path else ""
    icon = "⛔" if is_blocked else "•"
    return f"{icon} {code(move.vm_name)} {kind}, {size(move.size_bytes)}{folder}"


def finding_lines(findings: Sequence[Finding], rows: int) -> Iterator[str]:
    """Say what preflight found, worst first."""
    for severity in _ORDER:
        found = alike([finding for finding in findings if finding.severity is severity])
        for finding in found[:rows]:
            yield f"{_ICONS[severity]} {said(finding.text, 300)}"
        if len(found) > rows:
            yield f"{_ICONS[severity]} … and {plural(len(found) - rows, f'more {severity}')}"


def edit_lines(plan: Plan) -> Iterator[str]:
    """Say who changed what, the newest changes last: VMs of one person to one host together."""
    newest = {edit.vm_id: edit for edit in plan.edits}
    together: dict[tuple[str, str], list[str]] = {}
    for edit in sorted(newest.values(), key=lambda edit: edit.at):
        together.setdefault((edit.by, edit.to or ""), []).append(edit.vm_name)
    lines = [
        f"✏️ {mention(by)}: {names(vms, _NAMED)} {f'to {code(host)}' if host else 'left out'}"
        for (by, host), vms in together.items()
    ]
    more = len(lines) - _EDITS
    yield from ([f"✏️ {plural(more, 'earlier change')}"] if more > 0 else [])
    yield from lines[-_EDITS:]


def change_button(job: Job) -> Block:
    """Make the button that opens the form to change the plan."""
    return button("Change", EDIT, f"{job.id}|{job.plan.hash}")


def option_words(options: Options) -> str:
    """Say which options differ from the settings."""
    parts: list[str] = []
    if options.start_at:
        parts.append(f"starts at {date_time(options.start_at)}")
    if options.until:
        parts.append(f"should be over by {date_time(options.until)}")
    if options.override:
        parts.append(f"*overrides the freeze*: {said(options.override, 200)}")
    if options.parallel:
        parts.append(f"{options.parallel} at a time")
    if options.attempts is not None:
        parts.append(plural(options.attempts, "attempt"))
    if options.backup_wait_s is not None:
        parts.append(f"waits {span(options.backup_wait_s)} for a backup")
    parts += [f"keeps {code(pattern, 80)} apart" for pattern in options.apart]
    for is_on, yes, no in (
        (options.ignore_backups, "*ignores expected backups*", "orders VMs around expected backups"),
        (options.subfolder, "a subfolder for each VM", "no subfolders"),
        (options.keep_drives, "keeps drive letters", "does not keep drive letters"),
        (options.fail_fast, "stops at the first failure", "goes on after a failure"),
    ):
        if is_on is not None:
            parts.append(yes if is_on else no)
    return " · ".join(parts)


def decision_buttons(job: Job) -> list[Block]:
    """Make the buttons that decide: what cannot move, or is still being checked, cannot be approved."""
    plan = job.plan
    value = f"{job.id}|{plan.hash}"
    movable = len(plan.moves) - len(plan.blocked_ids)
    reject = button("Reject", REJECT, value)
    if not movable or not plan.is_checked:
        return [reject]
    asked = confirm(
        f"Move {plural(movable, 'VM')}?",
        f"{headline_route(plan.moves)}. The moves start as soon as the hosts have room.",
        "Approve",
    )
    return [button("Approve", APPROVE, value, style="primary", ask=asked), reject]
