"""Writes down how a scenario went: what was done, what the bot said and noted, and how the hosts are in the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from textwrap import wrap

from core.domain.model.events import Event
from core.domain.model.job import Job, JobId
from core.domain.model.move import Move, MoveId
from core.domain.model.windows_paths import depth
from lab.gateway import OWNER
from lab.hyperv.world.world import World
from tests.scenarios.play import Play
from tests.scenarios.port_wrappers import Listener
from tests.scenarios.rules import where
from tests.scenarios.script import Script
from tests.scenarios.wording import clock, noted

_WIDTH = 118
_LATE = timedelta(seconds=5)


def transcript(
    script: Script, stage: Play, events: Sequence[Event], jobs: Mapping[JobId, Job], moves: Mapping[MoveId, Move]
) -> Iterator[str]:
    """Yield the lines of what happened, oldest first; what happened at one instant in the order it was stored."""
    yield script.name
    yield "=" * len(script.name)
    yield from wrap(script.about, _WIDTH)
    if script.predecessor:
        yield from wrap(f"The predecessor: {script.predecessor}", _WIDTH)
    yield ""
    timed: list[tuple[datetime, bool, int, list[str]]] = [
        (line.at, False, number, [f"{clock(line.at)}  {'>>' if line.is_step else '  '} {line.text}"])
        for number, line in enumerate(stage.lines)
    ]
    for event in events:
        job, move = jobs[event.job_id] if event.job_id else None, moves[event.move_id] if event.move_id else None
        timed.append((event.at, True, event.id, list(_event(event, job, move, stage.listener, len(jobs)))))
    for _, _, _, block in sorted(timed, key=lambda row: row[:3]):
        yield from block


def _event(event: Event, job: Job | None, move: Move | None, listener: Listener, jobs: int) -> Iterator[str]:
    at, text = listener.said.get(event.id, (event.at, noted(event, job, move)))
    first, *rest = text.splitlines()
    tone = str(event.tone) if event.tone is not None else "-"
    which = f"{job.id} " if job is not None and jobs > 1 else ""
    yield f"{clock(event.at)}  {which}{tone:<9}  {first}{_delay(event, at if event.id in listener.said else None)}"
    for line in rest:
        yield f"{'':>{len(clock(event.at)) + len(which) + 13}}{line}"


def _delay(event: Event, at: datetime | None) -> str:
    if event.tone is None:
        return ""
    if at is None:
        return " (never said)"
    return f" (said at {clock(at)})" if at - event.at > _LATE else ""


def ending(world: World, jobs: Sequence[Job], moves: Sequence[Move]) -> Iterator[str]:
    """Yield how the jobs ended and how the hosts really are."""
    yield ""
    for job in jobs:
        yield f"{job.id} is {job.state}" + (f", decided by {job.decided_by.lower()[1:]}" if job.decided_by else "")
        for move in (move for move in moves if move.job_id == job.id):
            why = f": {' '.join(move.error.split())}" if move.error else ""
            why = f": {move.hold.text}" if move.hold else why
            yield f"  {move.vm_name} {move.state}, {move.attempts} attempt{'' if move.attempts == 1 else 's'}{why}"
    yield ""
    yield "What the hosts say:"
    yield from _places(world)
    yield from _peaks(world)
    yield from _left(world)
    for violation in world.ledger.violations:
        who = violation.owner or "trouble"
        yield f"  {who} broke a rule: {violation.kind} of {violation.subject}, {violation.detail}"


def _places(world: World) -> Iterator[str]:
    names = {vm["id"]: vm["name"] for vm in world.truth()["vms"]}
    started = Counter(str(start.vm_id) for start in world.ledger.starts if start.owner == OWNER and start.is_accepted)
    refused = Counter(
        str(start.vm_id) for start in world.ledger.starts if start.owner == OWNER and not start.is_accepted
    )
    places = where(world)
    names |= {str(start.vm_id): start.vm_name for start in world.ledger.starts if str(start.vm_id) not in names}
    for vm_id, name in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        starts = f", started {started[vm_id]} times" if started[vm_id] != 1 else ", started once"
        told = (starts if started[vm_id] else "") + (f", refused {refused[vm_id]} times" if refused[vm_id] else "")
        yield f"  {name} is on {places.get(vm_id, 'no host')}{told}"


def _peaks(world: World) -> Iterator[str]:
    for host in world.host_names():
        view, ledger = world.host(host), world.ledger
        if ledger.peak(host, "live") or ledger.peak(host, "storage"):
            yield (
                f"  {host} ran at most {ledger.peak(host, 'live')} live migrations (limit {view.live_limit}),"
                f" {ledger.peak(host, 'storage')} storage migrations (limit {view.storage_limit})"
            )


def _left(world: World) -> Iterator[str]:
    truth = world.truth()
    for host in world.host_names():
        needed = {folder.casefold() for vm in truth["vms"] if vm["host"] == host for folder in _own(vm)}
        everything = [entry.path for entry in world.all_entries(host)]
        for entry in world.all_entries(host):
            is_empty = entry.is_folder and not any(path.startswith(entry.path + "\\") for path in everything)
            if is_empty and entry.path.casefold() not in needed and depth(entry.path) > 1:
                yield f"  {host} has an empty folder {entry.path}"


def _own(vm: Mapping[str, str]) -> Iterator[str]:
    yield f"{vm['path']}\\Virtual Machines\\{vm['id']}"
    yield f"{vm['smart_paging_file_path']}\\Virtual Machines\\{vm['id']}"
    yield f"{vm['snapshot_file_location']}\\Snapshots"
