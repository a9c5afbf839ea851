"""Carries out what people ask: checks who may, calls the engine, and puts the answer into words.

Knows nothing of Slack's payloads; the listeners do.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import access
from bot.access import Identity, Permission
from bot.commands.model import (
    Back,
    Cancel,
    Command,
    Handover,
    Help,
    History,
    Hosts,
    Insights,
    Jobs,
    Migrate,
    Pause,
    Resume,
    Retry,
    Status,
    Stop,
    Where,
)
from bot.commands.option_values import has_zone, zoned_example
from bot.commands.parser import in_time_zone, parse_anywhere
from bot.commands.slack_text import clean
from bot.handlers.shared_lookups import SharedLookups
from bot.messages import insights_image, insights_text, replies, vm_location
from bot.messages.blocks import Block, Message
from bot.messages.card_parts import Look
from bot.messages.handover import handover
from bot.messages.mrkdwn import mention
from bot.messages.vm_list import vm_list, vm_message
from bot.slack.identities import Identities, Unidentified
from bot.slack.table_form import TableForm
from bot.slack.user_groups import UserGroups
from core.config import Settings
from core.domain.model.job import JobId, JobState
from core.domain.model.move import MoveId
from core.domain.model.views import JobView
from core.domain.reporting.insights import Insights as PastJudged
from core.engine.engine import Engine
from core.errors import NotAllowed, RequestError
from core.ports import Clock
from core.tasks import compute

HandOver = Callable[[str, PastJudged], None]
_JOBS_SHOWN = 20
_JOBS_SEARCHED = 100
_RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asks, the channel and thread, and the workspace that Slack says they act from, if it says."""

    user: str
    channel: str
    team: str = ""
    thread_ts: str = ""


class CommandHandler:
    """The handler of every command and button: permission, the engine's call, the answer."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        groups: UserGroups,
        people: Identities,
        clock: Clock,
        *,
        hand_over: HandOver | None = None,
        tables: TableForm | None = None,
    ) -> None:
        """Make it. ``hand_over`` gives somebody the picture of the past, in private; None: nobody gets any.

        ``tables``: whether the list of a job's VMs is offered as a table too; None: never.
        """
        self._engine = engine
        self._settings = settings
        self._groups = groups
        self._people = people
        self._clock = clock
        self._command = settings.slack.command
        self._lookups: SharedLookups[Message | None] = SharedLookups(clock)
        self._past: SharedLookups[PastJudged] = SharedLookups(clock)
        self._hand_over = hand_over
        self._tables = tables
        self._look = Look(approvals_required=settings.access.approvals_required, command=self._command)

    def check_database(self, job_id: JobId, database: str, *, is_proven: bool) -> None:
        """Refuse a button whose numbers are of another database, or of an older version that did not say which.

        Raises:
            NotAllowed: with what to do instead.

        """
        if database == self._engine.database_id or (is_proven and not database):
            return
        look = f"Type {self._command} status {job_id} to see what has that number now."
        if database:
            raise NotAllowed(f"This button is of another database: its {job_id} is not mine.", hint=look)
        raise NotAllowed(f"This button of {job_id} is from before my last update and no longer acts.", hint=look)

    # ------------------------------------------------------------------ commands

    def read(self, text: str) -> Command:
        """Understand what was typed, at once and without asking anybody.

        Raises:
            CommandError: it cannot be understood.

        """
        hosts = tuple(self._settings.hosts)
        typed = clean(text).removeprefix(f"{self._command} ")  # copied from a card, with the command's own name
        return parse_anywhere(typed, now=self._clock.now(), hosts=hosts, command=self._command)

    def answer_at_once(self, command: Command) -> Message | None:
        """Answer what needs no look at anything."""
        match command:
            case Help(topic):
                return replies.help_on(topic, self._command)
            case Migrate() | Retry() | Back():
                return replies.plainly("🔎 Looking at the hosts …")
            case _:
                return None

    async def answer(self, command: Command, asker: Asker) -> Message | None:
        """Carry out a command. Returns the private answer, None when everything was said by ``answer_at_once``.

        Raises:
            MigrateBotError: it cannot be done; the error says why.

        """
        match command:
            case Migrate():
                return await self._migrate(command, asker)
            case Cancel(job_id, vm):
                return await self.cancel(job_id, asker, vm)
            case Stop():
                return await self._stop(asker)
            case Resume(None):
                return await self._resume(asker)
            case Resume(job_id, vm) if job_id and vm:
                return await self.release(job_id, asker, vm)
            case Pause(job_id) | Resume(job_id) if job_id:
                return await self._hold(job_id, asker, is_pause=isinstance(command, Pause))
            case Retry(job_id):
                return await self.retry(job_id, asker)
            case Back(job_id):
                who = await self._check_may_request(asker)
                return replies.planned(await self._engine.requests.back(job_id, who.user), self._look)
            case Insights():
                return await self._look_back(command, asker)
            case _:
                await self._check_may_view(asker)
                return await self._lookups.of(command, lambda: self._look_up(command))

    async def _look_up(self, command: Command) -> Message | None:
        match command:
            case Status():
                return await self._status(command)
            case Where(vm):
                return vm_location.where(await self._engine.queries.where(vm), self._look)
            case Handover():
                return await self._handover()
            case Jobs():
                return await self._jobs(await self._engine.queries.jobs(_JOBS_SHOWN), title="Newest jobs")
            case Hosts():
                queries = self._engine.queries
                return replies.hosts(await queries.hosts(), await queries.stopped_by(), await queries.links())
            case History(job_id):
                view = await self._engine.queries.job(job_id)
                events = await self._engine.queries.history(job_id)
                return await compute(len(events), replies.history, view, events)
            case _:
                return None

    async def _look_back(self, command: Insights, asker: Asker) -> Message:
        """Judge the past: the answer at once, the picture, which takes a while, in the person's direct messages."""
        await self._check_may_view(asker)
        # Beside the other looks: counting a year takes a second or two.
        found = await self._past.of(command, lambda: self._engine.queries.insights(command.period))
        is_pictured = self._hand_over is not None and insights_image.is_worth_drawing(found)
        if self._hand_over is not None and is_pictured:
            self._hand_over(asker.user, found)
        return insights_text.answer(found, is_pictured=is_pictured)

    async def _status(self, command: Status) -> Message:
        if command.vm:
            found = await self._engine.queries.where(command.vm)
            moves = [one.move for one in found if one.move]
            if not moves:
                return vm_location.where(found, self._look)
            return await self._job(max(moves, key=lambda move: move.id).job_id)
        if command.job:
            return await self._job(command.job)
        views = [view for view in await self._engine.queries.jobs(_JOBS_SEARCHED) if not view.is_over]
        return await self._jobs(views, title="Jobs that are not over") if views else _NOTHING_OPEN

    async def _job(self, job_id: JobId) -> Message:
        view = await self._engine.queries.job(job_id)
        return await compute(len(view.moves), replies.status, view, self._look)

    async def _jobs(self, views: Sequence[JobView], title: str) -> Message:
        return await compute(_size(views), replies.jobs, views, self._look, title=title)

    async def _migrate(self, command: Migrate, asker: Asker) -> Message:
        who = await self._check_may_request(asker)
        if any(command.typed_times):
            now = await self._now_where_they_are(command, asker)
            command = in_time_zone(command, now=now, hosts=tuple(self._settings.hosts), command=self._command)
        job = await self._engine.requests.propose(command.request(requester=who.user, channel=asker.channel))
        return replies.planned(job, self._look)

    async def _now_where_they_are(self, command: Migrate, asker: Asker) -> datetime:
        """Return the time in the person's zone: "at 22:00" means 22:00 there. Raises RequestError when nobody knows."""
        zone = await self._people.zone(asker.user)
        if zone is not None:
            return self._clock.now().astimezone(zone)
        for typed in filter(None, command.typed_times):
            if not has_zone(typed.text):
                raise RequestError(
                    f"I cannot find out your time zone, so I do not know when {typed.text} is.",
                    hint=f"Write it with its zone: {zoned_example(typed.text)}.",
                )
        return self._clock.now()

    async def _handover(self) -> Message:
        views = await self._engine.queries.jobs(_JOBS_SEARCHED)
        concerned = [view for view in views if view.job.state in {JobState.RUNNING, JobState.FINISHED}]
        waiting = {
            view.job.id: await self._engine.queries.waiting(view.job.id) for view in concerned if _is_recent(view)
        }
        hosts, stopped_by = await self._engine.queries.hosts(), await self._engine.queries.stopped_by()
        return await compute(_size(views), handover, views, hosts, waiting, stopped_by, self._look)

    async def _hold(self, job_id: JobId, asker: Asker, *, is_pause: bool) -> Message:
        who = await self._check_may_act(job_id, asker, "pause" if is_pause else "resume")
        if is_pause:
            job = await self._engine.controls.pause(job_id, who.user)
            return replies.plainly(
                f"⏸ {job.id} is paused: nothing more of it starts. What moves now goes on. "
                f"Let it go on with {self._command} resume {job.id}."
            )
        job = await self._engine.controls.resume(job_id, who.user)
        return replies.plainly(f"▶️ {job.id} goes on.")

    async def _stop(self, asker: Asker) -> Message:
        rules, oncall = self._settings.access, self._settings.slack.oncall
        lists = (*rules.requesters, *rules.approvers, *oncall)
        members = await self._members(lists)
        # To stop harms nothing: whoever is known by the lists need not wait for Slack to tell who they are.
        who = await self._people.admit(asker.user, asker.team, trusted=access.known_people(lists, members))
        _insist(access.may_stop(who, rules, oncall, members))
        again = f"Start again with {self._command} resume."
        if await self._engine.queries.stopped_by():
            return replies.plainly(f"🛑 It is stopped already: nothing new starts, in any job. {again}")
        await self._engine.controls.stop_starts(who.user)
        return replies.plainly(f"🛑 Stopped: nothing new starts, in any job. What moves now goes on. {again}")

    async def _resume(self, asker: Asker) -> Message:
        who = await self._who(asker)
        oncall = self._settings.slack.oncall
        members = await self._members(self._settings.access.approvers, oncall)
        _insist(access.may_resume(who, self._settings.access, oncall, members))
        if not await self._engine.queries.stopped_by():
            return replies.plainly(f"Nothing is stopped. To let one job go on: {self._command} resume J1.")
        await self._engine.controls.resume_starts(who.user)
        return replies.plainly("▶️ Migrations start again.")

    # ------------------------------------------------------------------ buttons and commands alike

    async def cancel(self, job_id: JobId, asker: Asker, vm: str = "") -> Message:
        """Cancel a job or one VM of it."""
        who = await self._check_may_act(job_id, asker, "cancel")
        _, sentence = await self._engine.controls.cancel(job_id, who.user, vm)
        return replies.plainly(sentence)

    async def release(self, job_id: JobId, asker: Asker, vm: str = "") -> Message:
        """Let VMs start that their owner holds: whoever may cancel the job, and the owner who holds them."""
        who = await self._who(asker)
        if not await self._engine.owner_holds.holder_of(job_id, vm, who.ids):
            await self._check_may_act(job_id, asker, "release VMs of")
        return replies.plainly(f"▶️ {await self._engine.owner_holds.release(job_id, who.user, vm)}")

    async def retry(self, job_id: JobId, asker: Asker, page_id: int = 0) -> Message:
        """Propose once more what did not get done; who does so from a page has taken care of it."""
        who = await self._check_may_request(asker)
        job = await self._engine.requests.retry(job_id, who.user)
        if page_id:
            with suppress(NotAllowed):  # somebody took it before: all the better
                await self._engine.controls.acknowledge(job_id, page_id, who.user)
        return replies.planned(job, self._look)

    async def acknowledge(self, job_id: JobId, page_id: int, asker: Asker) -> None:
        """Note that somebody takes care of a page."""
        who = await self._check_may_act(job_id, asker, "acknowledge")
        await self._engine.controls.acknowledge(job_id, page_id, who.user)

    async def answer_stuck(self, job_id: JobId, move_id: int, answer: str, asker: Asker) -> None:
        """Decide about a move that stands still: ``wait``, ``cancel`` or ``page``."""
        who = await self._check_may_act(job_id, asker, "decide about")
        if all(row.move.id != move_id for row in (await self._engine.queries.job(job_id)).moves):
            raise NotAllowed(f"This question is about no VM of {job_id}.")
        await self._engine.controls.answer_stuck(MoveId(move_id), answer, who.user)

    async def list_vms(self, job_id: JobId, page: int, asker: Asker) -> Block:
        """List every VM of a job, as a form."""
        await self._check_may_view(asker)
        offers_table = self._tables is not None and self._tables.is_wanted
        return vm_list(await self._engine.queries.job(job_id), page, asker.channel, offers_table=offers_table)

    async def tabulate_vms(self, job_id: JobId, page: int, asker: Asker) -> tuple[Block, Message]:
        """Make one page of that list a message, as a table; and the form, which says that it is on its way."""
        await self._check_may_view(asker)
        view = await self._engine.queries.job(job_id)
        return vm_list(view, page, asker.channel, is_told=True), vm_message(view, page)

    async def approve(self, job_id: JobId, plan_hash: str, asker: Asker) -> Message | None:
        """Approve exactly one plan. What others approved before is judged again; the answer says what became of it."""
        job = (await self._engine.queries.job(job_id)).job
        members = await self._members(self._settings.access.approvers)
        who = await self._who(asker)
        _insist(access.may_approve(who, job.requester, self._settings.access, members))
        void = [one.by for one in job.approvals if not await self._still_approves(one.by, job.requester, members)]
        await self._engine.controls.approve(job_id, plan_hash, who.user, void=void)
        if not void:
            return None
        names = ", ".join(map(mention, void))
        return replies.plainly(f"An earlier approval no longer counts: {names} may not approve any more.")

    async def _still_approves(self, user: str, requester: str, members: access.Members) -> bool:
        """Say whether who approved before may still do so. Raises NotAllowed when nobody can tell now."""
        try:
            who = await self._people.admit(user)
        except Unidentified:
            raise
        except NotAllowed:
            return False
        groups = access.groups_in(self._settings.access.approvers)
        permission = access.may_approve(who, requester, self._settings.access, members)
        if not permission.is_allowed and any(members.get(group) is None for group in groups):
            raise NotAllowed(f"Whether {mention(user)}, who approved before, still may cannot be found out now.")
        return permission.is_allowed

    async def may_reject(self, job_id: JobId, asker: Asker) -> Permission:
        """Decide whether somebody may reject a job."""
        requester = (await self._engine.queries.job(job_id)).job.requester
        members = await self._members(self._settings.access.approvers)
        return access.may_reject(await self._who(asker), requester, self._settings.access, members)

    async def reject(self, job_id: JobId, plan_hash: str, asker: Asker, reason: str) -> None:
        """Reject exactly one plan."""
        _insist(await self.may_reject(job_id, asker))
        await self._engine.controls.reject(job_id, plan_hash, (await self._who(asker)).user, reason)

    # ------------------------------------------------------------------ inside

    async def _who(self, asker: Asker) -> Identity:
        """Say who somebody is. Raises NotAllowed when they may do nothing at all."""
        return await self._people.admit(asker.user, asker.team)

    async def _check_may_view(self, asker: Asker) -> None:
        who = await self._who(asker)
        rules, oncall = self._settings.access, self._settings.slack.oncall
        members = await self._members(rules.requesters, rules.viewers, rules.approvers, oncall)
        _insist(access.may_view(who, rules, oncall, members))

    async def _check_may_request(self, asker: Asker) -> Identity:
        who = await self._who(asker)
        members = await self._members(self._settings.access.requesters)
        _insist(access.may_request(who, self._settings.access, members))
        return who

    async def _check_may_act(self, job_id: JobId, asker: Asker, to: str) -> Identity:
        who = await self._who(asker)
        requester = (await self._engine.queries.job(job_id)).job.requester
        oncall = self._settings.slack.oncall
        members = await self._members(self._settings.access.approvers, oncall)
        _insist(access.may_act(who, requester, self._settings.access, oncall, members, to=to))
        return who

    async def _members(self, *lists: tuple[str, ...]) -> access.Members:
        return await self._groups.members(access.groups_in(*lists))


def _size(views: Sequence[JobView]) -> int:
    return sum(len(view.moves) for view in views)


def _is_recent(view: JobView) -> bool:
    return view.job.finished_at is None or view.at - view.job.finished_at < _RECENT


_NOTHING_OPEN = replies.plainly("Nothing is waiting or running.")


def _insist(permission: Permission) -> None:
    if not permission.is_allowed:
        raise NotAllowed(permission.reason)
