"""What holds in every scenario, whatever its transcript says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from core.domain.model.events import Event
from core.domain.model.job import Job, JobState
from core.domain.model.move import Move, MoveState
from core.domain.model.windows_paths import depth
from lab.gateway import OWNER
from lab.hyperv.world.world import World
from tests.scenarios.port_wrappers import Listener
from tests.scenarios.script import Script

WITHOUT_REASON = timedelta(minutes=2)
"""How long a waiting move may have no reason: until the next look."""


def broken_by_hosts(world: World, refused_starts: int) -> list[str]:
    """Say what we did to the hosts that nobody may do; ``refused_starts`` may have met a full host."""
    ledger = world.ledger
    found = [f"{v.kind} of {v.subject}: {v.detail}" for v in ledger.violations_of(OWNER)]
    found += [f"removed {r.host} {r.path}" for r in ledger.removals if r.owner == OWNER and depth(r.path) < 2]
    refused = ledger.over_limit_starts(OWNER)
    found += [f"{refused} starts met a full host"] if refused != refused_starts else []
    accepted = sorted(
        (move for move in world.migrations() if move.has_job), key=lambda move: (str(move.vm_id), move.started_s)
    )
    for _, moves in groupby(accepted, key=lambda move: move.vm_id):
        mine = list(moves)
        for earlier, later in pairwise(mine):
            if earlier.ended_s is None or later.started_s < earlier.ended_s:
                found.append(f"{later.vm.name} was moved twice at once")
    return found


def broken_by_words(listener: Listener, events: Sequence[Event]) -> list[str]:
    """Say what was told wrongly: twice, in the wrong order, or not at all."""
    unsaid = [] if listener.is_down else [e for e in events if e.tone is not None and e.id not in listener.said]
    return [*listener.complaints, *(f"{event.kind} of {event.job_id} was never said" for event in unsaid)]


def broken_by_ends(script: Script, world: World, jobs: Sequence[Job], moves: Sequence[Move]) -> list[str]:
    """Say which job did not end, and which end is not what the hosts show."""
    open_jobs = [job for job in jobs if job.state in {JobState.PROPOSED, JobState.RUNNING}]
    found = [f"{job.id} has not ended: {job.state}" for job in open_jobs if script.ends]
    places = where(world)
    last = {move.vm_id: move for move in moves}
    fates = {move.vm_name: f"{move.state} on {places.get(str(move.vm_id), 'no host')}" for move in last.values()}
    found += [
        f"{move.vm_name} went to {move.destination} and is called {fates[move.vm_name]}"
        for move in last.values()
        if move.state is MoveState.DONE and fates[move.vm_name] != f"done on {move.destination}"
    ]
    for name, fate in script.expect.items():
        if fates.get(name) != fate:
            found.append(f"{name} should be {fate}, but is {fates.get(name, 'in no job')}")
    return found


def where(world: World) -> dict[str, str]:
    """Say of each VM's id on which host, or hosts, it really is."""
    places: dict[str, list[str]] = {}
    for vm in world.truth()["vms"]:
        if not vm["is_planned"]:
            places.setdefault(vm["id"], []).append(vm["host"])
    return {vm_id: " and ".join(hosts) for vm_id, hosts in places.items()}


def without_reason(moves: Sequence[Move], now: datetime, since: dict[int, datetime]) -> list[str]:
    """Say which waiting moves have had no reason for too long; ``since`` remembers from one look to the next."""
    found = []
    for move in moves:
        if move.state is not MoveState.QUEUED or move.hold is not None:
            since.pop(move.id, None)
        elif now - since.setdefault(move.id, now) > WITHOUT_REASON:
            found.append(f"{move.vm_name} waits since {since[move.id]} and nobody knows why")
    return found
