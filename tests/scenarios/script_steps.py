"""Does the steps of a script: what people ask of the bot, what happens on hosts and in Slack, what kills the bot."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from bot.messages.card_parts import Look
from bot.messages.vm_location import where
from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.durations import parse_duration
from core.domain.model.events import Tone
from core.domain.model.inventory import HostName, VmId
from core.domain.model.job import Job, JobId
from core.domain.model.plan import Options, Request
from core.errors import MigrateBotError
from lab.hyperv.world.enums import OperationalStatus, VMState
from lab.hyperv.world.faults import MoveFault, WireFault
from lab.hyperv.world.fleet import VM, BackupVariant, BackupWindow, MigrationKind
from lab.hyperv.world.moves import MoveRequest
from lab.hyperv.world.strict import read_as
from tests.scenarios.play import Play
from tests.scenarios.script import Step
from tests.scenarios.wording import clock, person, plain, planned

_STALE = "0000000000000000"


class Stagehand:
    """One method per ``do``; a dash in the script is an underscore here."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._world = play.world

    async def carry_out(self, step: Step) -> None:
        """Do a step, or raise what is wrong with it."""
        act: Callable[..., Awaitable[None]] = getattr(self, "do_" + step.do.replace("-", "_"))
        await act(**{key.replace("from", "source"): value for key, value in step.more.items()})

    # ------------------------------------------------------------------ people

    async def do_ask(
        self,
        *,
        vms: str,
        to: str,
        source: str = "HV01",
        by: str = "alice",
        path: str = "",
        refused: bool = False,
        **options: Any,
    ) -> None:
        told = "".join(f", {key} {value}" for key, value in options.items())
        where = f" path {path}" if path else ""
        request = Request(
            vms=_words(vms),
            sources=_words(source),
            destinations=_words(to),
            requester=person(by),
            channel="C1",
            path=path,
            options=self._options(options),
            text="",
        )
        self._play.note(f"{by} asks to move {vms} from {source} to {to}{where}{told}")
        await self._plan(self._play.engine.requests.propose(request), refused=refused)

    async def do_approve(self, *, by: str = "bob", job: str = "", stale: bool = False, refused: bool = False) -> None:
        wanted = await self._job(job)
        what = "an old card of " if stale else ""
        self._play.note(f"{by} approves {what}{wanted.id}")
        shown = _STALE if stale else wanted.plan.hash
        await self._answer(self._play.engine.controls.approve(wanted.id, shown, person(by)), refused=refused)

    async def do_reject(self, *, by: str = "bob", job: str = "", reason: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} rejects {wanted.id}: {reason}")
        await self._answer(
            self._play.engine.controls.reject(wanted.id, wanted.plan.hash, person(by), reason), refused=refused
        )

    async def do_cancel(self, *, by: str = "alice", job: str = "", vm: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} cancels {vm + ' of ' if vm else ''}{wanted.id}")

        async def cancelled() -> str:
            return (await self._play.engine.controls.cancel(wanted.id, person(by), vm))[1]

        await self._answer(cancelled(), refused=refused)

    async def do_pause(self, *, by: str = "alice", job: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} pauses {wanted.id}")
        await self._answer(self._play.engine.controls.pause(wanted.id, person(by)), refused=refused)

    async def do_resume(self, *, by: str = "alice", job: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} resumes {wanted.id}")
        await self._answer(self._play.engine.controls.resume(wanted.id, person(by)), refused=refused)

    async def do_not_now(self, *, vm: str, by: str, words: str, job: str = "", refused: bool = False) -> None:
        """Hold a VM as its owner."""
        wanted = await self._job(job)
        (move,) = [move for move in await self._play.store.moves(wanted.id) if move.vm_name == vm]
        self._play.note(f"{by} says not now about {vm} of {wanted.id}: {words}")
        who = person(by)
        await self._answer(self._play.engine.owner_holds.hold(wanted.id, [move.id], {who}, who, words), refused=refused)

    async def do_release(self, *, by: str, vm: str = "", job: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} releases {vm or 'all'} of {wanted.id}")
        await self._answer(self._play.engine.owner_holds.release(wanted.id, person(by), vm), refused=refused)

    async def do_retry(self, *, by: str = "alice", job: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} retries {wanted.id}")
        await self._plan(self._play.engine.requests.retry(wanted.id, person(by)), refused=refused)

    async def do_back(self, *, by: str = "alice", job: str = "", refused: bool = False) -> None:
        wanted = await self._job(job)
        self._play.note(f"{by} wants back what {wanted.id} moved")
        await self._plan(self._play.engine.requests.back(wanted.id, person(by)), refused=refused)

    async def do_answer(self, *, vm: str, answer: str, by: str = "dave", refused: bool = False) -> None:
        moves = [move for move in await self._play.store.moves() if move.vm_name == vm]
        self._play.note(f"{by} answers about {vm}: {answer}")
        await self._answer(self._play.engine.controls.answer_stuck(moves[-1].id, answer, person(by)), refused=refused)

    async def do_acknowledge(self, *, vm: str, by: str = "dave", refused: bool = False) -> None:
        """Take the newest page about a VM."""
        (move,) = [move for move in await self._play.store.moves() if move.vm_name == vm]
        history = await self._play.engine.queries.history(move.job_id)
        pages = [event for event in history if event.move_id == move.id and event.tone is Tone.PAGE]
        self._play.note(f"{by} takes care of {vm}")
        await self._answer(
            self._play.engine.controls.acknowledge(move.job_id, pages[-1].id, person(by)), refused=refused
        )

    async def do_stop(self, *, by: str = "dave") -> None:
        self._play.note(f"{by} stops all starts")
        await self._play.engine.controls.stop_starts(person(by))

    async def do_go(self, *, by: str = "dave") -> None:
        self._play.note(f"{by} allows starts again")
        await self._play.engine.controls.resume_starts(person(by))

    async def do_look(self, *, job: str = "") -> None:
        """Show a job's card as it would be now: what moves, what waits and why, when it should be over."""
        view = await self._play.engine.queries.job((await self._job(job)).id)
        self._play.note(f"somebody looks at {view.job.id}")
        if view.eta is not None:
            times = (view.eta.soonest, view.eta.likely, view.eta.latest)
            self._play.say("over " + ", ".join(map("{} {}".format, ("soonest", "likely", "latest"), map(clock, times))))
            if view.eta.frozen is not None:
                self._play.say("nothing starts from {} until {}".format(*map(clock, view.eta.frozen)))
        elif view.why_no_eta:
            self._play.say(f"no estimate: {view.why_no_eta}")
        for row in view.moves:
            parts = [f"{row.move.vm_name} {row.move.state}"]
            parts += [f"{row.percent} %"] if row.percent is not None else []
            parts += [f"no. {row.place} in the queue"] if row.place is not None else []
            parts += [f"{row.move.hold.text} (since {clock(row.move.hold.since)})"] if row.move.hold else []
            self._play.say(", ".join(parts))

    async def do_look_at_hosts(self) -> None:
        self._play.note("somebody looks at the hosts")
        for host in await self._play.engine.queries.hosts():
            trouble = f", {host.trouble}" if host.trouble else ""
            self._play.say(
                f"{host.host}: live {host.live_used} of {host.live_limit}, storage {host.storage_used} of"
                f" {host.storage_limit}, {host.ours} of them ours, {host.vms} VMs{trouble}"
            )

        for link in await self._play.engine.queries.links():
            limit = "" if link.limit is None else f" of {link.limit}"
            self._play.say(f"link {link.name}: {link.used}{limit} moves, behind it {', '.join(link.hosts)}")

    async def do_where(self, *, vm: str) -> None:
        self._play.note(f"somebody asks where {vm} is")
        answer = where(await self._play.engine.queries.where(vm), Look())
        for block in answer.blocks:
            for line in plain(block["text"]["text"]).splitlines():
                self._play.say(line)

    # ------------------------------------------------------------------ hosts

    async def do_backup(self, *, vm: str, lasts: str = "", variant: str = "A", merge: str = "0s") -> None:
        told = f" for {lasts}" if lasts else ""
        self._play.note(f"a backup of {vm} begins{told}" + (", which looks like no backup" if variant == "B" else ""))
        self._world.start_backup(
            self._play.vm_id(vm),
            _seconds(lasts) if lasts else None,
            BackupVariant(variant),
            _seconds(merge),
        )

    async def do_past_backups(self, *, vm: str, nights: int, begins: str, lasts: str) -> None:
        """Let the bot have seen a VM in backup in the nights before, now a little earlier, now a little later."""
        self._play.note(f"the bot has seen {vm} in backup for {lasts} from about {begins} on, on {nights} nights")
        vm_id, tonight = VmId(self._play.vm_id(vm)), self._moment(begins)
        host, look = HostName(self._host_of(vm)), timedelta(seconds=30)
        runs = []
        for night in range(1, nights + 1):
            began = tonight - timedelta(days=night) + timedelta(minutes=night % 5 - 2)
            ended = began + parse_duration(lasts)
            runs.append(
                BackupRun(
                    vm_id=vm_id,
                    host=host,
                    started_after=began - look,
                    started_at=began,
                    ended_after=ended - look,
                    ended_at=ended,
                )
            )
        watch = HostWatch(host, tonight - timedelta(days=nights + 1), tonight - timedelta(days=1) + timedelta(hours=2))
        await self._play.store.note_backups(runs, [watch])

    async def do_nightly_backups(self, *, vms: str, begins_in: str, lasts: str, jitter: str = "0s") -> None:
        self._play.note(f"nightly backups of {vms} are switched on: {lasts} each, {jitter} earlier or later")
        window = BackupWindow(
            start_s=self._world.time_s + _seconds(begins_in),
            vms=tuple(self._play.vm_id(vm) for vm in _words(vms)),
            duration_s=_seconds(lasts),
            jitter_s=_seconds(jitter),
        )
        self._world.switch_nightly_backups(window)

    async def do_backup_ends(self, *, vm: str) -> None:
        self._play.note(f"the backup of {vm} ends")
        self._world.stop_backup(self._play.vm_id(vm))

    async def do_merge(self, *, vm: str, lasts: str) -> None:
        self._play.note(f"{vm} merges disks for {lasts}")
        self._world.start_merge(self._play.vm_id(vm), _seconds(lasts))

    async def do_status(self, *, vm: str, status: list[str]) -> None:
        numbers = tuple(OperationalStatus[name].value for name in status)
        self._play.note(f"{vm} shows {', '.join(status) or 'what it does'}")
        self._world.force_status(self._host_of(vm), self._play.vm_id(vm), numbers or None)

    async def do_state(self, *, vm: str, state: str) -> None:
        self._play.note(f"{vm} becomes {state}")
        self._world.set_state(self._host_of(vm), self._play.vm_id(vm), VMState[state])

    async def do_change_host(self, *, host: str, **changes: Any) -> None:
        self._play.note(f"somebody changes {host}: {_listed(changes)}")
        self._world.change_host(host, changes)

    async def do_change_vm(self, *, vm: str, **changes: Any) -> None:
        self._play.note(f"somebody changes {vm}: {_listed(changes)}")
        self._world.change_vm(self._host_of(vm), self._play.vm_id(vm), changes)

    async def do_create_vm(self, *, name: str, host: str, id: UUID | str) -> None:  # noqa: A002 (as the fleet file has it)
        self._play.note(f"somebody creates {name} on {host}")
        self._world.create_vm(read_as(VM, {"id": id, "name": name, "host": host}, "the script"))
        self._play.know(name, UUID(str(id)))

    async def do_remove_vm(self, *, vm: str) -> None:
        self._play.note(f"somebody removes {vm}")
        self._world.remove_vm(self._host_of(vm), self._play.vm_id(vm))

    async def do_somebody_moves(self, *, vm: str, to: str, by: str = "CONTOSO\\carl", kind: str = "") -> None:
        self._play.note(f"{by} moves {vm} to {to}")
        self._world.start_move(
            MoveRequest(
                vm_id=self._play.vm_id(vm),
                source=self._host_of(vm),
                destination=to,
                owner=by,
                kind=MigrationKind(kind) if kind else MigrationKind.LIVE_AND_STORAGE,
                storage_path="D:\\VMs",
            )
        )

    async def do_file(self, *, host: str, path: str, size: int = 1000, is_hidden: bool = False) -> None:
        self._play.note(f"somebody puts {path} on {host}")
        self._world.add_file(host, path, size_bytes=size, is_hidden=is_hidden)

    async def do_folder(self, *, host: str, path: str) -> None:
        self._play.note(f"somebody makes the folder {path} on {host}")
        self._world.add_file(host, path, is_folder=True)

    async def do_remove_file(self, *, host: str, path: str) -> None:
        self._play.note(f"somebody removes {path} from {host}")
        self._world.remove_file(host, path)

    async def do_fill(self, *, host: str, path: str, free_gb: int) -> None:
        self._play.note(f"{path} of {host} fills up to {free_gb} GB free")
        self._world.fill_volume(host, path, free_gb << 30)

    async def do_move_fault(self, *, vm: str, times: int = 1, **fault: Any) -> None:
        self._play.note(f"moves of {vm} will meet trouble: {_listed({**fault, 'times': times})}")
        more = {**fault, "vm": self._play.vm_id(vm), "times": times or None}
        self._world.order(read_as(MoveFault, more, "the script"))

    async def do_wire_fault(self, *, host: str, times: int = 0, **fault: Any) -> None:
        told = f", {times} times" if times else ""
        self._play.note(f"the line to {host} is in trouble: {_listed(fault)}{told}")
        self._world.order(read_as(WireFault, {**fault, "host": host, "times": times or None}, "the script"))

    async def do_restart_vmms(self, *, host: str, away: str = "20s") -> None:
        self._play.note(f"the Virtual Machine Management Service of {host} is restarted, away for {away}")
        self._world.vmms.restart(host, parse_duration(away).total_seconds())

    async def do_clear(self) -> None:
        self._play.note("all trouble is over")
        self._world.trouble.clear()

    # ------------------------------------------------------------------ Slack and the bot itself

    async def do_slack_down(self) -> None:
        self._play.note("Slack is down")
        self._play.listener.is_down = True

    async def do_slack_up(self) -> None:
        self._play.note("Slack is up again")
        self._play.listener.is_down = False

    async def do_slack_loses_reply(self) -> None:
        self._play.note("Slack takes the next message, but its reply is lost")
        self._play.listener.loses_reply = True

    async def do_bot_stops(self) -> None:
        self._play.note("the bot is stopped")
        await self._play.stop_engine()

    async def do_bot_is_killed(self) -> None:
        self._play.note("the bot is killed")
        await self._play.kill_engine()

    async def do_bot_starts(self) -> None:
        self._play.note("the bot starts")
        await self._play.start_engine()

    # ------------------------------------------------------------------ inside

    def _host_of(self, vm: str) -> str:
        return self._world.where_is(self._play.vm_id(vm))

    async def _job(self, job_id: str) -> Job:
        """Return the job that is meant: the newest, when none is named."""
        if job_id:
            return cast("Job", await self._play.store.job(JobId(job_id)))
        return cast("Job", (await self._play.store.jobs(limit=1))[0])

    async def _plan(self, asked: Awaitable[Job], *, refused: bool) -> None:
        job = await self._answer(asked, refused=refused)
        if not refused:
            self._play.say(f"{job.id}:")
            for line in planned(job.plan):
                self._play.say(f"  {line}")

    async def _answer(self, asked: Awaitable[Any], *, refused: bool) -> Any:
        try:
            answer, was_refused = await asked, False
        except MigrateBotError as error:
            answer, was_refused = error.sentence(), True
        assert was_refused is refused, f"{'' if was_refused else 'not '}refused: {answer}"
        if isinstance(answer, str):
            self._play.say(f"→ {answer}")
        return answer

    def _options(self, raw: dict[str, Any]) -> Options:
        given = dict(raw)
        for key, name in (("start", "start_at"), ("until", "until")):
            if key in given:
                given[name] = self._moment(given.pop(key))
        if "backup_wait" in given:
            given["backup_wait_s"] = _seconds(given.pop("backup_wait"))
        return Options(**given)

    def _moment(self, text: str) -> datetime:
        """Return a time of day, today, or tomorrow if it is over."""
        now = self._play.clock.now()
        hour, minute = map(int, text.split(":"))
        at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return at if at > now else at + timedelta(days=1)


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _seconds(text: str) -> float:
    return parse_duration(text).total_seconds()


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
