"""Makes a plan of a request: inspects the hosts, resolves names, places VMs, runs preflight, has it estimated."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from core.config import Settings
from core.domain.model import folder_names, windows_paths
from core.domain.model.allowed_paths import Allowed, allowed_paths, why_not
from core.domain.model.inventory import HostName, Inspection, Snapshot, VmDetails, VmId
from core.domain.model.job import Job
from core.domain.model.plan import Finding, FindingCode, Options, Plan, PlannedMove, Request, Severity
from core.domain.planning.addresses import Way, address_findings
from core.domain.planning.allowed_paths import strayed
from core.domain.planning.apart import meetings
from core.domain.planning.destinations import Destination, keep_drives, subfolder
from core.domain.planning.placement import Placement
from core.domain.planning.preflight import copies, preflight, undescribed_vms, unreadable_vms, unseen_folders
from core.domain.planning.revision import Revision, asked_again
from core.domain.planning.room import is_live
from core.domain.planning.selection import remarks, select
from core.domain.planning.short_names import folder_findings
from core.engine.destination_choice import DestinationChoice, Stay
from core.engine.folder_lists import FolderLists
from core.engine.hosts.machines import Machines
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.engine.plan_estimates import PlanEstimates
from core.errors import HostError, NothingToMove, RequestError
from core.ports import Clock, HostGateway, Store
from core.tasks import compute

_REASONS_SHOWN = 5
_LOGON_S = 20.0
"""A source's logon to a destination may take so long while a plan waits for it."""
MAX_AGE = timedelta(seconds=5)
"""A host's VMs are described beside what it showed no longer ago; else it is asked once more what it shows."""


class Planner:
    """The maker of plans: reads hosts, changes nothing."""

    def __init__(
        self,
        settings: Settings,
        estimates: PlanEstimates,
        *,
        gateway: HostGateway,
        store: Store,
        snapshot_cache: SnapshotCache,
        machines: Machines,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._estimates = estimates
        self._gateway = gateway
        self._store = store
        self._snapshot_cache = snapshot_cache
        self._machines = machines
        self._clock = clock
        self._choice = DestinationChoice(settings, store, clock)

    @property
    def own_paths(self) -> dict[HostName, str]:
        """The folder that the settings have for each host, empty for none."""
        return {HostName(name): host.path for name, host in self._settings.hosts.items()}

    async def plan_again(self, job: Job, revision: Revision) -> Plan:
        """Make the plan of a job again, changed: who can stay stays. Raises like ``plan``."""
        made = await self.plan(asked_again(job, revision.moves), revision=revision)
        return replace(made, named=revision.named, edits=revision.edits)

    async def estimated(self, plan: Plan) -> Plan:
        """Estimate a plan again of which VMs dropped out: how long it takes, and what clock and calendar say of it."""
        return await self._estimates.estimated(plan, self._snapshot_cache.snapshots)

    async def plan(
        self,
        request: Request,
        fixed: Mapping[VmId, Destination] | None = None,
        *,
        revision: Revision | None = None,
    ) -> Plan:
        """Make a plan of which something can move. Raises like ``look``, and NothingToMove."""
        plan = await self.look(request, fixed, revision=revision)
        self._refuse_hopeless(plan)
        return plan

    async def look(
        self,
        request: Request,
        fixed: Mapping[VmId, Destination] | None = None,
        *,
        revision: Revision | None = None,
    ) -> Plan:
        """Make the plan, also one that is blocked; ``fixed`` says for each VM where it goes when that is not chosen.

        With a ``revision`` of an earlier plan the destinations are that one's, and VMs stay where they were.

        Raises:
            RequestError: a host or VM is unknown or ambiguous, the path is no Windows path.
            HostError: a host does not answer, so nothing can be promised.

        """
        sources = self._hosts(request.sources)
        if revision:
            targets = [replace(target, host=self._settings.host_name(target.host)) for target in revision.targets]
        else:
            targets = list(dict.fromkeys(fixed.values())) if fixed else self._targets(request, sources)
        self._refuse_nonsense(targets)
        snapshots, inspections = await self._look(sources, list(dict.fromkeys(target.host for target in targets)))
        allowed = self._allowed(inspections)
        self._refuse_forbidden(targets, allowed)
        elsewhere = [inspection.snapshot for inspection in inspections.values()]
        elsewhere += [
            s for host, s in self._snapshot_cache.snapshots.items() if host not in inspections and host not in sources
        ]
        chosen = select(request.vms, snapshots, elsewhere)
        by_source: defaultdict[HostName, list[VmId]] = defaultdict(list)
        for host, vm in chosen:
            by_source[host].append(vm.id)
        shown = {snapshot.host: snapshot for snapshot in snapshots if self._is_new(snapshot)}
        inspected = await asyncio.gather(
            *(self._inspect(host, ids, neighbours=True, known=shown.get(host)) for host, ids in by_source.items())
        )
        inspections = dict(inspections) | {inspection.host: inspection for inspection in inspected}
        details = [row for host, vm in chosen if (row := inspections[host].of(vm.id)) is not None]
        if not details:
            why = next((one.text for inspection in inspected for one in inspection.unreadable), "")
            raise HostError(sources[0], f"{sources[0]} did not describe the VMs: {why or 'try again.'}")
        homes = {vm.id: host for host, vm in chosen}
        in_jobs = await self._in_jobs(details)
        # Of a VM that moves already nothing else is worth saying: its own files lie at the destination by now.
        moving = frozenset(finding.vm_id for finding in in_jobs if finding.vm_id)
        folders = FolderLists(self._gateway)
        lying = await folders.attachments([target.host for target in targets], details)
        inspections |= {host: replace(inspections[host], attachments=files) for host, files in lying.items()}
        doubled = copies(chosen, snapshots)
        # Whoever will not move whatever the host takes no room from the others.
        settled = moving | {f.vm_id for f in doubled if f.vm_id and f.severity is Severity.BLOCKER}
        placed = Placement(fixed or {})
        if not fixed:
            placed = await self._choice.choose(
                request.options,
                details,
                targets,
                inspections,
                homes=homes,
                folders=folders,
                settled=settled,
                stay=Stay(revision.keep, revision.pinned, revision.said_no) if revision else Stay(),
            )
            placed = revision.settle(placed) if revision else placed
        moves = await self._moves(request.options, details, homes, placed, inspections, folders=folders)
        used = {move.destination for move in moves}
        ways, _, spelled = await asyncio.gather(
            self._ways(moves),
            folders.list_disks(moves, inspections),
            folders.spellings([target for target in targets if target.host in used]),
        )
        looked_at = {host: inspection.snapshot for host, inspection in inspections.items()}

        def judge() -> Plan:
            found = (
                *doubled,
                *preflight(moves, inspections, folders.taken, last=settled | placed.unplaced),
                *address_findings(ways, _machines(looked_at), moves),
                *meetings(moves, {s.host: s for s in snapshots} | looked_at, request.options.apart),
                *strayed(moves, allowed),
                *folder_findings(spelled),
                *unseen_folders(folders.unseen),
                *unreadable_vms(snapshots),
                *undescribed_vms(inspected),
            )
            findings = (
                *_read_as(request, snapshots),
                *in_jobs,
                *(f for f in found if f.vm_id is None or f.vm_id not in moving),
            )
            named = () if fixed else tuple((target.host, target.path) for target in targets)
            return Plan(tuple(moves), findings, request.options, named=named)

        plan = await compute(len(moves), judge)
        return await self._estimates.estimated(plan, looked_at)

    def _hosts(self, typed: Sequence[str]) -> list[HostName]:
        return list(dict.fromkeys(self._settings.host_name(name) for name in typed))

    def _targets(self, request: Request, sources: Sequence[HostName]) -> list[Destination]:
        targets = []
        for host in self._hosts(request.destinations):
            if host in sources:
                raise RequestError(f"{host} is source and destination at once.", hint="Name another destination.")
            path = request.path or self._settings.hosts[host].path
            if not path:
                raise RequestError(
                    f"I do not know where on {host} to put VMs.",
                    hint=f"Add a folder, such as path D:\\VMs, or set hosts.{host}.path.",
                )
            targets.append(Destination(host, folder_names.normal(path)))
        return targets

    def _allowed(self, inspections: Mapping[HostName, Inspection]) -> Allowed:
        known = self._settings.hosts
        return {
            host: allowed_paths(known[host].allowed_paths, known[host].path, inspection.snapshot)
            for host, inspection in inspections.items()
        }

    @staticmethod
    def _refuse_nonsense(targets: Sequence[Destination]) -> None:
        """Refuse a path that does not mean what it shows, before any host hears of it. Raises RequestError."""
        for target in targets:
            why = folder_names.why_refused(target.path)
            if not why and windows_paths.depth(target.path) < 1:
                why = "it is a whole drive"
            if why:
                raise RequestError(
                    f"{target.path} is not a folder I can use: {why}.", hint="Name a full one, such as D:\\VMs."
                )

    @staticmethod
    def _refuse_forbidden(targets: Sequence[Destination], allowed: Allowed) -> None:
        """Refuse a folder that VMs may not go to, before it is looked into. Raises RequestError."""
        for target in targets:
            what, hint = why_not(target.host, target.path, allowed.get(target.host, ()))
            if what:
                raise RequestError(what, hint=hint)

    async def _look(
        self, sources: Sequence[HostName], destinations: Sequence[HostName]
    ) -> tuple[list[Snapshot], dict[HostName, Inspection]]:
        observed, inspected = await asyncio.gather(
            asyncio.gather(*map(self._observe, sources)),
            asyncio.gather(*(self._inspect(host, []) for host in destinations)),
        )
        for snapshot in (*observed, *(inspection.snapshot for inspection in inspected)):
            self._snapshot_cache.put(snapshot)
        return list(observed), {inspection.host: inspection for inspection in inspected}

    async def _observe(self, host: HostName) -> Snapshot:
        return await self._machines.check(await self._gateway.observe(host))

    def _is_new(self, snapshot: Snapshot) -> bool:
        return self._clock.steady_now() - snapshot.taken_at <= MAX_AGE

    async def _inspect(
        self, host: HostName, vm_ids: Sequence[VmId], *, neighbours: bool = False, known: Snapshot | None = None
    ) -> Inspection:
        inspection = await self._gateway.inspect(host, vm_ids, neighbours=neighbours, known=known)
        await self._machines.check(inspection.snapshot)
        return inspection

    async def _moves(
        self,
        options: Options,
        details: Sequence[VmDetails],
        homes: dict[VmId, HostName],
        placed: Placement,
        inspections: dict[HostName, Inspection],
        *,
        folders: FolderLists,
    ) -> list[PlannedMove]:
        wants_subfolder, wants_drives = self._choice.wants(options)
        names: dict[Destination, set[str]] = {}
        moves = []
        for row in details:
            target = placed.chosen[row.vm.id]
            path = target.path
            if wants_subfolder:
                if target not in names:
                    names[target] = set(await folders.names(target.host, path))
                path = subfolder(path, row.vm.name, names[target])
            disks = keep_drives(row, path, inspections[target.host].volumes) if wants_drives else ()
            moves.append(
                PlannedMove(
                    vm_id=row.vm.id,
                    vm_name=row.vm.name,
                    source=homes[row.vm.id],
                    destination=target.host,
                    path=path,
                    disks=disks,
                    disk_bytes=row.disk_bytes,
                    memory_bytes=row.vm.memory_bytes,
                    is_live=is_live(row.vm),
                    is_own_folder=wants_subfolder,
                    why=placed.why.get(row.vm.id, ""),
                )
            )
        return moves

    async def _ways(self, moves: Sequence[PlannedMove]) -> list[Way]:
        """Let each source log on to its destinations as its moves will; in a bounded time, and none is only said."""
        pairs = dict.fromkeys((move.source, move.destination) for move in moves)
        return list(await asyncio.gather(*(self._way(source, destination) for source, destination in pairs)))

    async def _way(self, source: HostName, destination: HostName) -> Way:
        known = self._settings.hosts[destination]
        address = known.migration_address or known.address
        machine, trouble = "", ""
        try:
            async with asyncio.timeout(_LOGON_S):
                machine = await self._gateway.machine_at(source, address)
        except TimeoutError:
            trouble = f"There was no answer within {_LOGON_S:.0f} s."
        except HostError as error:
            trouble = error.message
        return Way(source=source, destination=destination, address=address, machine=machine, trouble=trouble)

    async def _in_jobs(self, details: Sequence[VmDetails]) -> list[Finding]:
        open_moves = {move.vm_id: move.job_id for move in await self._store.moves(open_only=True)}
        return [
            Finding(
                severity=Severity.BLOCKER,
                code=FindingCode.IN_JOB,
                text=f"{row.vm.name} is in {open_moves[row.vm.id]} already.",
                vm_id=row.vm.id,
            )
            for row in details
            if row.vm.id in open_moves
        ]

    @staticmethod
    def _refuse_hopeless(plan: Plan) -> None:
        if len(plan.blocked_ids) < len({move.vm_id for move in plan.moves}):
            return
        reasons = [finding.text for finding in plan.findings if finding.severity is Severity.BLOCKER]
        more = f" And {len(reasons) - _REASONS_SHOWN} more." if len(reasons) > _REASONS_SHOWN else ""
        raise NothingToMove("Nothing of this can move.", hint=" ".join(reasons[:_REASONS_SHOWN]) + more)


def _machines(snapshots: Mapping[HostName, Snapshot]) -> dict[HostName, str]:
    return {host: snapshot.facts.machine for host, snapshot in snapshots.items()}


def _read_as(request: Request, sources: Sequence[Snapshot]) -> Iterator[Finding]:
    """Say what patterns stand for: the approver decides about VMs, not about patterns."""
    for text in remarks(request.vms, sources):
        yield Finding(severity=Severity.NOTE, code=FindingCode.READ_AS, text=text)
