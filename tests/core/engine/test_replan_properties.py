"""Promise 13 over random fleets: whatever drops out or comes back meanwhile, nothing goes where nobody approved it."""

import asyncio
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from core.domain.model.event_data import EventKind, Replanned
from core.domain.model.inventory import HostName
from core.domain.scheduling.dropout import approved_hosts
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import GB, Adapter, Fleet
from tests.support.engine_harness import Stage, host, play, vm

OTHERS = ("HV02", "HV03", "HV04", "HV05")
SLOW = {"bandwidth_bytes_per_s": 40_000_000, "live_limit": 1, "storage_limit": 1}
SETTINGS = {"migration": {"replan_after": "2m", "poll_busy": "20s", "poll_idle": "1m"}}


@dataclass(frozen=True)
class Trouble:
    """What befalls a destination, and for how long."""

    host: str
    kind: str
    at_s: int
    lasts_s: int


TROUBLES = st.builds(
    Trouble,
    host=st.sampled_from(OTHERS),
    kind=st.sampled_from(("off", "limit", "silent", "full")),
    at_s=st.integers(10, 300),
    lasts_s=st.sampled_from((900, 60, 3000)),
)
VMS = st.lists(st.tuples(st.integers(2, 12), st.sampled_from(("LAN", "LAN", "DMZ"))), min_size=4, max_size=7)


def fleet_of(vms: list[tuple[int, str]], without_dmz: set[str], off: set[str]) -> Fleet:
    """One source, four others of one slot each; some of them lack a switch, some are off while the plan is made."""
    narrow = [
        host(
            name,
            switches=("LAN",) if name in without_dmz else ("LAN", "DMZ"),
            migration_enabled=name not in off,
            **SLOW,
        )
        for name in OTHERS
    ]
    rows = tuple(
        replace(vm(number, f"web{number:02d}", gb=gb), adapters=(Adapter(switch=switch),))
        for number, (gb, switch) in enumerate(vms, 1)
    )
    return Fleet(hosts=(host("HV01", switches=("LAN", "DMZ")), *narrow), vms=rows)


async def befall(stage: Stage, trouble: Trouble) -> None:
    """Let a host drop out, and come back."""
    bad: dict[str, Any] = {"off": {"migration_enabled": False}, "limit": {"live_limit": 0}}
    good: dict[str, Any] = {"off": {"migration_enabled": True}, "limit": {"live_limit": 1}}
    await asyncio.sleep(trouble.at_s)
    if trouble.kind in bad:
        stage.world.change_host(trouble.host, bad[trouble.kind])
        await asyncio.sleep(trouble.lasts_s)
        stage.world.change_host(trouble.host, good[trouble.kind])
    elif trouble.kind == "silent":
        stage.world.order(WireFault(host=trouble.host, kind=WireFaultKind.REFUSE))
        await asyncio.sleep(trouble.lasts_s)
        stage.world.trouble.clear()
    else:
        stage.world.fill_volume(trouble.host, "D:\\", 3 * GB)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(
    vms=VMS,
    named=st.sets(st.sampled_from(OTHERS), min_size=2, max_size=3),
    without_dmz=st.sets(st.sampled_from(OTHERS), max_size=2),
    off=st.sets(st.sampled_from(OTHERS), max_size=1),
    troubles=st.lists(TROUBLES, min_size=2, max_size=4),
    restart_at_s=st.sampled_from((0, 150, 400)),
)
def test_nothing_goes_to_a_host_that_was_not_approved(  # noqa: PLR0917 (what is made up)
    vms: list[tuple[int, str]],
    named: set[str],
    without_dmz: set[str],
    off: set[str],
    troubles: list[Trouble],
    restart_at_s: int,
) -> None:
    """Neither placed there nor sent there, ever: not to a host beside the plan, nor to one to which it sends nobody."""
    approved = frozenset[HostName]()

    async def script(stage: Stage) -> None:
        nonlocal approved
        async with stage.running() as engine:
            job = await stage.ask("web*", to=",".join(sorted(named)))
            blocked = job.plan.blocked_ids
            approved = frozenset(one.destination for one in job.plan.moves if one.vm_id not in blocked)
            if not approved:
                return
            await engine.controls.approve(job.id, job.plan.hash, "U_BOB")
            for name in off:  # it is there now, and still nobody approved it
                stage.world.change_host(name, {"migration_enabled": True})
            befalling = [asyncio.create_task(befall(stage, trouble)) for trouble in troubles]
            await asyncio.sleep(restart_at_s)
        async with stage.running():
            await asyncio.gather(*befalling)
            moves = await stage.finished(job.id, within_s=48 * 3600)
            last = await stage.store.job(job.id)
        assert {one.destination for one in moves.values() if one.vm_id not in blocked} <= approved
        assert approved_hosts(last, moves.values()) == approved

    with tempfile.TemporaryDirectory() as folder:
        stage = play(Path(folder), fleet_of(vms, without_dmz, off), script, **SETTINGS)
    anew = [said for one in stage.listener.of(EventKind.REPLANNED) if isinstance(said := one.data, Replanned)]
    event(f"placed anew {len(anew)} times")
    assert {to for said in anew for _, to in said.moved} <= approved
    assert {start.destination for start in stage.world.ledger.starts} <= approved
