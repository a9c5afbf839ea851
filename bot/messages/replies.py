"""Private answers to sub-commands: lists of jobs and hosts, a job's history, help, mistakes. Pure."""

from collections.abc import Mapping, Sequence

from bot.commands.errors import CommandError
from bot.messages.blocks import Block, Message, context, message, section, sections, verbatim
from bot.messages.card import card
from bot.messages.card_parts import Look, bar, headline_route, names, what
from bot.messages.help import TOPICS, overview
from bot.messages.mrkdwn import clip, clip_markup, clock_time, code, date_time, escape, mention, plural, said
from bot.messages.state_table import JOB_ICONS
from bot.messages.tables import Cell, moment, person, with_table
from bot.messages.thread_lines import sentence
from core.domain.model.events import Event
from core.domain.model.job import Job, JobState
from core.domain.model.move import Move, MoveId, MoveState
from core.domain.model.units import zoned_time
from core.domain.model.views import HostView, JobView, LinkView
from core.errors import MigrateBotError

_STATUS_ROWS = 150
_HISTORY_LINES = 120
_BEHIND = 6


def plainly(text: str) -> Message:
    """Say a sentence exactly as it is."""
    return Message(escape(text), (verbatim(text),))


def unclear(mistake: CommandError) -> Message:
    """Answer a command nobody can understand: what is wrong, and what would be right."""
    blocks: list[Block] = [verbatim(mistake.message)]
    if mistake.example:
        blocks.append(section(f"Try: {code(mistake.example, 400)}"))
    return message(f"{mistake.message} Try: {mistake.example}", blocks)


def trouble(error: MigrateBotError) -> Message:
    """Say an error that was foreseen."""
    return plainly(error.sentence())


def accident(reference: str) -> Message:
    """Own up to an error nobody foresaw."""
    return plainly(f"Something went wrong inside me, not in what you did. My log has it as {reference}.")


def cut_off() -> Message:
    """Say that the bot was stopped before it could answer."""
    return plainly("I was stopped before I could answer. Look whether it is done; if not, please ask again.")


def planned(job: Job, look: Look) -> Message:
    """Say that a plan was made and where to look."""
    blocked = len(job.plan.blocked_ids)
    without = f" {blocked} of them cannot move." if blocked else ""
    head = f"{job.id}: {what(job)}, {headline_route(job.plan.moves)}."
    text = f"{head}{without} The card follows; somebody has to approve it."
    return message(text, [verbatim(text), context(f"Take it back with {code(f'{look.command} cancel {job.id}')}")])


def status(view: JobView, look: Look) -> Message:
    """Show a job privately: its card with more rows and without buttons."""
    shown = card(view, Look(look.outlook, look.approvals_required, _STATUS_ROWS, look.command))
    return Message(shown.text, tuple(block for block in shown.blocks if block["type"] != "actions"))


def jobs(views: Sequence[JobView], look: Look, *, title: str = "Newest jobs") -> Message:
    """List jobs, one line each."""
    if not views:
        return plainly("There are no jobs.")
    lines = [f"*{title}*", *(job_line(view) for view in views)]
    lines.append(f"More of one: {code(f'{look.command} status {views[0].job.id}')}")
    in_lines = message(f"{title}: {', '.join(view.job.id for view in views)}", sections(lines))
    rows = [_job_row(view) for view in views]
    return with_table(
        in_lines, sections([lines[0], lines[-1]]), ("Job", "What", "Asked by", "State", "Progress", "Until about"), rows
    )


def _job_row(view: JobView) -> tuple[Cell, ...]:
    job, total = view.job, len(view.moves)
    done, state = view.count(MoveState.DONE), str(job.state.value)
    if job.state is JobState.PROPOSED:
        state = "waits for approval" if job.plan.is_checked else "its hosts are being asked"
    elif job.state is JobState.RUNNING:
        done += view.count(MoveState.CLEANING)
        state = "paused" if job.paused_by else "starts are stopped" if view.stopped_by else "running"
    until = job.expires_at if job.state is JobState.PROPOSED else view.eta.likely if view.eta else None
    if job.state is JobState.RUNNING and not until and view.why_no_eta and state == "running":
        state = f"running, no estimate: {view.why_no_eta}"
    progress = f"{done} of {total} moved" if total else ""
    return (
        str(job.id),
        f"{what(job)}, {headline_route(job.plan.moves)}",
        person(job.requester),
        state,
        progress,
        moment(until) if until else "",
    )


def job_line(view: JobView) -> str:
    """Say how a job stands, in one line."""
    job = view.job
    head = f"{JOB_ICONS[job.state]} *{job.id}* {said(what(job), 80)}, {said(headline_route(job.plan.moves), 120)}"
    if job.state is JobState.PROPOSED and not job.plan.is_checked:
        return f"{head}: its hosts are being asked whether they can take it; {mention(job.requester)} wants it"
    if job.state is JobState.PROPOSED:
        return f"{head}: waits for approval until {clock_time(job.expires_at)}, asked by {mention(job.requester)}"
    total, done = len(view.moves), view.count(MoveState.DONE)
    if job.state is JobState.RUNNING:
        done += view.count(MoveState.CLEANING)
        halted = ", paused" if job.paused_by else ", starts are stopped" if view.stopped_by else ""
        none = f", no estimate: {said(view.why_no_eta, 160)}" if view.why_no_eta and not halted else ""
        ends = f", ends about {clock_time(view.eta.likely)}" if view.eta else none
        return f"{head}: {bar(100 * done / (total or 1))} {done} of {total} moved{ends}{halted}"
    if job.state is JobState.FINISHED:
        return f"{head if done == total else head.replace('✅', '⚠️', 1)}: {done} of {total} moved"
    return f"{head}: {job.state.value}"


def hosts(views: Sequence[HostView], stopped_by: str = "", links: Sequence[LinkView] = ()) -> Message:
    """List hosts with their slots, and links with the moves on them."""
    if not views:
        return plainly("There are no hosts in my settings.")
    lines = ["*Hosts*", *(host_line(view) for view in views)]
    lines += ["*Links*", *map(link_line, links)] if links else []
    if stopped_by:
        lines.append(f"🛑 Stopped by {mention(stopped_by)}: nothing new starts.")
    above = [lines[0], *lines[len(views) + 1 :]]
    head = ("Host", "State", "VMs", "Live", "Storage", "Ours")
    in_lines = message(plural(len(views), "host"), sections(lines))
    return with_table(in_lines, sections(above), head, [_host_row(view) for view in views])


def _host_row(view: HostView) -> tuple[Cell, ...]:
    if not view.is_reachable:
        since = f" since {view.since:%Y-%m-%d %H:%M} UTC" if view.since else ""
        return str(view.host), f"🔌 {view.standing}{since}: {view.trouble or 'not looked at yet'}", "", "", "", ""
    if not view.is_migration_enabled:
        return str(view.host), "⛔ live migration is switched off", str(view.vms), "", "", str(view.ours)
    slots = (f"{view.live_used} of {view.live_limit}", f"{view.storage_used} of {view.storage_limit}")
    return str(view.host), "🟢 ready", str(view.vms), *slots, str(view.ours)


def host_line(view: HostView) -> str:
    """Say how a host stands, in one line."""
    since = f" since {date_time(view.since)}" if view.since and not view.is_reachable else ""
    if not view.is_reachable:
        return f"🔌 {code(view.host)} {view.standing}{since}: {said(view.trouble or 'not looked at yet')}"
    if not view.is_migration_enabled:
        return f"⛔ {code(view.host)} live migration is switched off · {plural(view.vms, 'VM')}"
    return (
        f"🟢 {code(view.host)} {plural(view.vms, 'VM')} · live {view.live_used} of {view.live_limit}"
        f" · storage {view.storage_used} of {view.storage_limit} · {view.ours} ours"
    )


def link_line(view: LinkView) -> str:
    """Say how many moves are on a link, of how many, how many wait for it, and whether it seems to be down."""
    moves = plural(view.used, "move") if view.limit is None else f"{view.used} of {view.limit} moves"
    until = f" until {zoned_time(view.until)}" if view.until and view.limit is not None else ""
    waits = f", {plural(view.waiting, 'VM')} waiting for it" if view.waiting else ""
    icon = "🔴" if view.is_silent else "🟠" if view.is_full else "🟢"
    behind = f"{names(view.hosts, _BEHIND)} behind it{', none of which answers' if view.is_silent else ''}"
    return f"{icon} {code(view.name)} {moves}{until}{waits} · {behind}"


def _history_line(event: Event, job: Job, move: Move | None) -> str:
    return f"{clock_time(event.at)} {clip_markup(sentence(event, job, move), 1500)}"


def _worth_telling(events: Sequence[Event]) -> list[Event]:
    """Return as many events as fit, in their order: what happened last to each VM goes before what else is new."""
    last = {event.move_id: number for number, event in enumerate(events)}
    by_weight = sorted(range(len(events)), key=lambda n: (last[events[n].move_id] == n, n), reverse=True)
    return [events[number] for number in sorted(by_weight[:_HISTORY_LINES])]


def history(view: JobView, events: Sequence[Event]) -> Message:
    """Tell what happened to a job, oldest first: everything, or with too much for a message, the last of each VM."""
    job = view.job
    moves: Mapping[MoveId, Move] = {row.move.id: row.move for row in view.moves}
    told = [
        _history_line(event, job, moves.get(event.move_id) if event.move_id else None)
        for event in _worth_telling(events)
    ]
    lines = [f"*{job.id}* {said(what(job), 80)}, asked by {mention(job.requester)} {date_time(job.created_at)}"]
    hidden = len(events) - len(told)
    if hidden > 0:
        lines.append(f"… {hidden} earlier events: {code(f'migrate-bot jobs export {job.id}')} on the bot's machine")
    blocks = sections([*lines, *told])
    return message(f"History of {job.id}", blocks)


def help_on(topic: str, command: str) -> Message:
    """Explain the command, or one topic."""
    word = topic.split(" ", maxsplit=1)[0]
    text = TOPICS.get(word, "").replace("/migrate", command)
    if text:
        return message(f"Help: {word}", [section(text)])
    blocks = [section(text) for text in overview(command)]
    if word:
        blocks.insert(0, verbatim(f"There is no help on {clip(topic, 60)}. Topics: {', '.join(TOPICS)}."))
    return message(f"Help for {command}", blocks)
