"""What the bot does with replies in which a property is of another type, null or missing: it never guesses."""

from pathlib import Path

import pytest

from core.domain.model.inventory import HostName, Snapshot
from core.domain.model.move import MoveState
from core.errors import HostError, MalformedReply
from core.hyperv import PypsrpGateway, pipelines
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.faults import ValueFault, ValueFaultKind
from tests.support.fault_harness import fleet, ground, settings_for, vm

SOURCE = HostName("HV01")
NEEDED = {
    "Id",
    "Name",
    "State",
    "MaximumVirtualMachineMigrations",
    "MaximumStorageMigrations",
    "VirtualMachineMigrationEnabled",
    "VirtualMachineMigrationAuthenticationType",
    "ActiveVirtualSystemMigrationCount",
    "ActiveStorageMigrationCount",
}
"""What decisions are made of: without it a reply is none."""
READABLE = {
    (ValueFaultKind.TEXT, "Name"),
    (ValueFaultKind.NUMBER, "Name"),
    (ValueFaultKind.TEXT, "State"),
    (ValueFaultKind.NUMBER, "State"),
}
"""Any text is a name; a state nobody knows is one the bot does not move a VM in."""


@pytest.mark.parametrize("kind", [kind for kind in ValueFaultKind if kind is not ValueFaultKind.ERROR])
async def test_a_wrong_value_is_named_or_harmless(kind: ValueFaultKind) -> None:
    """Every property the bot reads, told wrongly: a snapshot that fits, or an error that names host and property."""
    properties = (*pipelines.VM_PROPERTIES, *pipelines.HOST_PROPERTIES, *pipelines.COUNTER_PROPERTIES)
    async with HyperVLab(fleet(vm(1, "web01")), has_tls=False) as lab:
        gateway = PypsrpGateway(settings_for(lab, tls=False, sections={}))
        for name in properties:
            lab.world.order(ValueFault(host=SOURCE, property=name, kind=kind))
            try:
                snapshot = await gateway.observe(SOURCE)
            except MalformedReply as error:
                assert SOURCE in error.message  # noqa: PT017 (any other error is a failure)
                assert name in error.message  # noqa: PT017
            else:
                assert isinstance(snapshot, Snapshot)
                is_named = any(name in sick.text and SOURCE in sick.text for sick in snapshot.unreadable)
                assert name not in NEEDED or (kind, name) in READABLE or is_named, f"{name} was made up"
                assert len(snapshot.vms) + len(snapshot.unreadable) == 1
            lab.world.trouble.clear()
        await gateway.close()


async def test_a_host_that_hides_its_limit_starts_nothing_until_it_tells(tmp_path: Path) -> None:
    """A limit that is null where none is allowed: no start, one sentence with the property's name, then all goes on."""
    vms = (vm(1, "web01", gb=1), vm(2, "web02", "HV03", gb=1))
    async with ground(tmp_path, fleet(*vms, count=3)) as here:
        near, far = await here.ask("web01"), await here.ask("web02", source="HV03")
        here.spoil(ValueFault(host="HV03", property="MaximumStorageMigrations", kind=ValueFaultKind.NULL))
        await here.silent("HV03", "MaximumStorageMigrations")
        await here.approve(far)
        await here.approve(near)
        await here.over(near)
        text = await here.is_held(far, "web02", words="MaximumStorageMigrations")
        assert "Get-VMHost" in text
        with pytest.raises(HostError, match="MaximumStorageMigrations"):
            await here.ask("web02", source="HV03")
        here.once_each("web01")
        here.end_trouble()
        assert (await here.over(far))["web02"].state is MoveState.DONE
        here.once_each("web01", "web02")


async def test_a_running_move_outlives_replies_nobody_can_read(tmp_path: Path) -> None:
    """In the middle of a move the source has no id for any VM: nothing is concluded from it."""
    vms = (vm(1, "web01", gb=20), vm(2, "web02", gb=1), vm(3, "web03", gb=1))
    async with ground(tmp_path, fleet(*vms)) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.spoil(ValueFault(host="HV01", property="Id", kind=ValueFaultKind.TEXT))
        await here.silent("HV01", "Id")
        here.lab.jump(3600)
        assert (await here.move(job, "web01")).state in {MoveState.MOVING, MoveState.VERIFYING}
        here.end_trouble()
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01")
