"""The promises over random fleets, jobs and faults: whatever happens, these hold at every virtual instant."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.model.move import MoveState
from lab.hyperv.world.audit_log import ViolationKind
from lab.hyperv.world.enums import VMState
from lab.hyperv.world.faults import MoveFault, MoveFaultKind, WireFault, WireFaultKind
from lab.hyperv.world.fleet import BackupWindow, Fleet, ScheduledMigration
from tests.support.engine_harness import Stage, host, play, vm, vm_id

HARMLESS = {ViolationKind.VM_ON_TWO_HOSTS, ViolationKind.VM_LOST}
"""What ordered trouble does to a VM by itself; the bot must only not make it worse."""
CAUSES = ("network", "no-memory", "vtpm", "no-credentials", "disk-full", "busy", "sharing-violation")


def random_fleet(random: Random) -> Fleet:
    """Two to four hosts with limits of their own, up to nine VMs, backups, somebody else's moves."""
    names = [f"HV{n:02d}" for n in range(1, random.randint(2, 4) + 1)]
    machines = tuple(host(name, live_limit=random.randint(1, 3), storage_limit=random.randint(1, 3)) for name in names)
    vms = tuple(
        vm(
            number,
            f"vm{number:02d}",
            random.choice(names[:-1]),
            gb=random.randint(1, 20),
            state=random.choice([VMState.Running] * 4 + [VMState.Off, VMState.Saved]),
        )
        for number in range(1, random.randint(2, 9) + 1)
    )
    theirs = vm(90, "theirs", names[-1], gb=random.randint(5, 40))
    windows = (
        BackupWindow(start_s=random.uniform(0, 300), vms=(random.choice(vms).id,), duration_s=random.uniform(30, 900)),
    )
    foreign = (ScheduledMigration(start_s=random.uniform(0, 200), vm=theirs.id, destination=names[0]),)
    return Fleet(hosts=machines, vms=(*vms, theirs), backups=windows, migrations=foreign)


def order_trouble(stage: Stage, random: Random) -> None:
    """Some moves fail, lie, vanish or appear twice; some hosts fall silent."""
    mine = [view for name in stage.world.host_names() for view in stage.world.vms(name) if view.name != "theirs"]
    for view in mine:
        if random.random() < 0.35:
            kinds = [MoveFaultKind.FAIL] * 5 + [
                MoveFaultKind.SAYS_FAILED,
                MoveFaultKind.SAYS_SUCCEEDED,
                MoveFaultKind.DUPLICATE,
                MoveFaultKind.VANISH,
            ]
            stage.world.order(
                MoveFault(
                    vm=view.id,
                    kind=random.choice(kinds),
                    at_percent=random.randint(1, 95),
                    cause=random.choice(CAUSES),
                    times=random.randint(1, 3),
                )
            )
    if random.random() < 0.5:
        kind = random.choice([WireFaultKind.REFUSE, WireFaultKind.HANG, WireFaultKind.DROP, WireFaultKind.MALFORMED])
        stage.world.order(
            WireFault(host=random.choice(stage.world.host_names()), kind=kind, times=random.randint(1, 9))
        )


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_whatever_happens_the_promises_hold(seed: int) -> None:
    """Promises 1, 2, 4, 5 and 10 over random fleets and faults, with a restart in the middle."""
    random = Random(seed)  # noqa: S311 (reproducible, not secret)
    fleet = random_fleet(random)

    async def script(stage: Stage) -> None:
        names = list(stage.world.host_names())
        async with stage.running():
            job = await stage.ask("vm*", source=",".join(names[:-1]), to=names[-1], attempts=random.randint(1, 3))
            order_trouble(stage, random)
            await stage.engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            await asyncio.sleep(random.uniform(1, 200))
        async with stage.running():
            await asyncio.sleep(60)
            for move in await stage.store.moves(job.id):
                assert move.state is not MoveState.QUEUED or move.hold, f"{move.vm_name} waits without a reason"
            moves = await stage.finished(job.id, within_s=48 * 3600)
        assert all(move.state.is_end for move in moves.values())
        for move in moves.values():
            if move.state is MoveState.DONE:
                assert stage.world.where_is(move.vm_id) == move.destination

    with tempfile.TemporaryDirectory() as folder:
        stage = play(Path(folder), fleet, script)
    ledger = stage.world.ledger
    assert [v for v in ledger.violations if v.kind not in HARMLESS] == []
    running: Counter[object] = Counter()
    spans = [(m.started_s, 1, m.vm_id) for m in stage.world.migrations() if m.has_job]
    spans += [(m.ended_s, 0, m.vm_id) for m in stage.world.migrations() if m.has_job and m.ended_s is not None]
    for _, is_start, who in sorted(spans, key=lambda span: (span[0], span[1])):
        running[who] += 1 if is_start else -1
        assert running[who] <= 1, f"{who} was moved twice at once"
    assert vm_id(90) not in {start.vm_id for start in ledger.starts if start.owner.endswith("svc-migrate")}
