"""A person's Home tab: what waits for them, what they asked, what runs, how the hosts are. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot import access
from bot.access import Members, Who, is_same
from bot.messages.blocks import (
    OPEN_FORM,
    Block,
    actions,
    button,
    confirm,
    context,
    divider,
    header,
    section,
    sections,
    verbatim,
)
from bot.messages.card_proposed import decision_buttons, finding_lines, summary
from bot.messages.mrkdwn import code, mention, plural
from bot.messages.replies import host_line, job_line, link_line
from core.config import AccessSettings
from core.domain.model.job import JobState
from core.domain.model.plan import Severity
from core.domain.model.views import HostView, JobView, LinkView

STOP, RESUME = "migrate_home_stop", "migrate_home_resume"
_BLOCKS_LIMIT = 100
_WAITING, _MINE, _RUNNING, _HOSTS, _LINKS, _FINDINGS = 8, 8, 12, 60, 12, 3


@dataclass(frozen=True, slots=True)
class HomeView:
    """The data of every Home tab, the same for everybody."""

    open: tuple[JobView, ...] = ()
    recent: tuple[JobView, ...] = ()
    hosts: tuple[HostView, ...] = ()
    stopped_by: str = ""
    links: tuple[LinkView, ...] = ()


def home(data: HomeView, user: Who, rules: AccessSettings, members: Members, command: str) -> Block:
    """Show a person's Home."""
    waiting = [view for view in data.open if _waits_for(user, view, rules, members)]
    mine = [view for view in data.recent if is_same(user, view.job.requester)]
    running = [view for view in data.open if view.job.state is JobState.RUNNING]
    blocks = [
        *_top(data.stopped_by),
        *_waiting(waiting),
        *_list("Your requests", mine, _MINE, f"Nothing yet. Use the button above, or type {code(command)}."),
        *_list("Running", running, _RUNNING, "Nothing is running."),
        *_hosts(data.hosts),
        *_links(data.links),
    ]
    foot = context(f"{code(command + ' jobs')} lists all jobs, {code(command + ' help')} explains everything else.")
    return {"type": "home", "blocks": [*blocks[: _BLOCKS_LIMIT - 1], foot]}


def closed_home(reason: str) -> Block:
    """Show somebody who may do nothing here why that is."""
    return {"type": "home", "blocks": [verbatim(reason)]}


def _waits_for(user: Who, view: JobView, rules: AccessSettings, members: Members) -> bool:
    job = view.job
    if job.state is not JobState.PROPOSED or not job.plan.is_checked:
        return False
    if any(is_same(user, approval.by) for approval in job.approvals):
        return False
    return access.may_approve(user, job.requester, rules, members).is_allowed


def _top(stopped_by: str) -> Iterator[Block]:
    ask = button("Move VMs …", OPEN_FORM, "form", style="primary")
    if stopped_by:
        text = "Every job may start moves again."
        let_go = button("Let moves start", RESUME, "all", ask=confirm("Let moves start again?", text, "Let them start"))
        yield section(f"🛑 *Stopped* by {mention(stopped_by)}: nothing new starts, in any job.")
        yield actions(ask, let_go)
        return
    text = "Nothing new starts, in any job, until somebody lets moves start again. What moves now goes on."
    stop = button("Stop everything", STOP, "all", style="danger", ask=confirm("Stop every new start?", text, "Stop"))
    yield actions(ask, stop)


def _waiting(views: Sequence[JobView]) -> Iterator[Block]:
    if not views:
        return
    yield header(f"Waits for your approval ({len(views)})")
    for view in views[:_WAITING]:
        plan = view.job.plan
        serious = [finding for finding in plan.findings if finding.severity is not Severity.NOTE]
        yield from sections([job_line(view), summary(plan, view.off), *finding_lines(serious, _FINDINGS)])
        yield actions(*decision_buttons(view.job))
    if len(views) > _WAITING:
        yield context(f"… and {plural(len(views) - _WAITING, 'more request')}")


def _list(title: str, views: Sequence[JobView], rows: int, nothing: str) -> Iterator[Block]:
    yield divider()
    lines = [f"*{title}*", *(job_line(view) for view in views[:rows])]
    if len(views) > rows:
        lines.append(f"… and {plural(len(views) - rows, 'more job')}")
    yield from sections(lines if views else [f"*{title}*", nothing])


def _hosts(views: Sequence[HostView]) -> Iterator[Block]:
    yield divider()
    # Those that need somebody come first.
    ordered = sorted(views, key=lambda view: view.is_reachable and view.is_migration_enabled)
    lines = ["*Hosts*", *(host_line(view) for view in ordered[:_HOSTS])]
    if len(views) > _HOSTS:
        lines.append(f"… and {plural(len(views) - _HOSTS, 'more host')}")
    yield from sections(lines)


def _links(views: Sequence[LinkView]) -> Iterator[Block]:
    # Those that are down come first, then those on which nothing more may start.
    ordered = sorted(views, key=lambda view: (not view.is_silent, not view.is_full))
    lines = ["*Links*", *map(link_line, ordered[:_LINKS])]
    if len(views) > _LINKS:
        lines.append(f"… and {plural(len(views) - _LINKS, 'more link')}")
    yield from sections(lines) if views else ()
