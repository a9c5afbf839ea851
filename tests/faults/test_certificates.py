"""What the bot does when a host shows a certificate it should not trust."""

from pathlib import Path

import pytest

from core.domain.model.inventory import HostName
from core.domain.model.move import MoveState
from core.errors import HostUnreachable
from core.hyperv import PypsrpGateway
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.faults import WireFault, WireFaultKind
from tests.support.fault_harness import fleet, ground, settings_for, vm

WRONG = [
    (WireFaultKind.EXPIRED, "expired", "Renew the certificate"),
    (WireFaultKind.UNTRUSTED, "issuer", "ca_file"),
    (WireFaultKind.MISNAMED, "not valid for", "Name the host in its address"),
]


@pytest.mark.parametrize(("kind", "words", "hint"), WRONG, ids=[row[0] for row in WRONG])
async def test_a_wrong_certificate_is_named_with_what_to_do(kind: WireFaultKind, words: str, hint: str) -> None:
    """Each kind has its sentence and its hint; nothing was sent, and the right certificate ends it."""
    async with HyperVLab(fleet()) as lab:
        gateway = PypsrpGateway(settings_for(lab, tls=True, sections={}))
        lab.world.order(WireFault(host="HV01", kind=kind))
        with pytest.raises(HostUnreachable, match="certificate") as caught:
            await gateway.observe(HostName("HV01"))
        assert words in caught.value.message
        assert hint in caught.value.hint
        assert len(lab.shells("HV01")) == 0
        assert (await gateway.observe(HostName("HV02"))).host == "HV02"
        lab.world.trouble.clear()
        assert (await gateway.observe(HostName("HV01"))).host == "HV01"
        await gateway.close()


async def test_a_certificate_that_expires_during_a_move_loses_nothing(tmp_path: Path) -> None:
    """The source's certificate runs out while its VM moves: the bot waits, and finds the end when it is renewed."""
    async with ground(tmp_path, fleet(vm(1, "web01", gb=20)), tls=True) as here:
        job = await here.go("web01")
        await here.is_in(job, "web01", MoveState.MOVING)
        here.order("HV01", WireFaultKind.EXPIRED)
        await here.lab.restart_winrm("HV01")
        await here.silent("HV01", "expired")
        here.lab.jump(3600)
        assert (await here.move(job, "web01")).state is MoveState.MOVING
        here.end_trouble()
        moves = await here.over(job)
        assert (moves["web01"].state, moves["web01"].attempts) == (MoveState.DONE, 1)
        here.once_each("web01")
