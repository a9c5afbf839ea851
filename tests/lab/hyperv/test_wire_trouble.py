"""Ordered trouble on the wire, as a client meets it."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError

from lab.hyperv.trouble import WireFault, WireFaultKind
from tests.lab.hyperv.conftest import WEB01, Client

KINDS: list[tuple[dict[str, Any], type[BaseException]]] = [
    ({"kind": WireFaultKind.REFUSE}, requests.exceptions.ConnectionError),
    ({"kind": WireFaultKind.STATUS, "status": 401}, AuthenticationError),
    ({"kind": WireFaultKind.STATUS, "status": 500}, WinRMTransportError),
    ({"kind": WireFaultKind.STATUS, "status": 503}, WinRMTransportError),
    ({"kind": WireFaultKind.DROP}, requests.exceptions.ChunkedEncodingError),
    ({"kind": WireFaultKind.MALFORMED}, SyntaxError),
    ({"kind": WireFaultKind.HANG}, requests.exceptions.ReadTimeout),
]


@pytest.mark.parametrize(("fault", "error"), KINDS, ids=[f"{f['kind']}-{f.get('status', '')}" for f, _ in KINDS])
async def test_each_trouble_has_its_look(
    lab: Any, connect: Any, fault: dict[str, Any], error: type[BaseException]
) -> None:
    """While it lasts every request meets it; afterwards all is well."""
    lab.world.order(WireFault(host="HV01", **fault))
    client = await connect(lab, is_open=False, read_timeout=1, connection_timeout=1)
    with pytest.raises(error):
        await client.call(client.pool.open)
    lab.world.trouble.clear()
    await connect(lab)


async def test_trouble_can_be_for_one_operation_and_a_number_of_times(client: Client, lab: Any) -> None:
    """The next two Commands fail, other operations and the third do not."""
    lab.world.order(WireFault(host="HV01", kind=WireFaultKind.STATUS, operation="Command", times=2))
    for _ in range(2):
        with pytest.raises(WinRMTransportError):
            await client.run("Get-VM")
    assert len((await client.run("Get-VM")).output) == 1


async def test_a_dropped_answer_was_still_an_order(client: Client, lab: Any) -> None:
    """Done, but the client never hears it: the command whose answer broke off has moved the VM."""
    lab.world.order(WireFault(host="HV01", kind=WireFaultKind.DROP, operation="Command", times=1))
    parameters = {"DestinationHost": "HV02", "IncludeStorage": None, "DestinationStoragePath": "D:\\VMs\\moved"}
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        await client.run(("Get-VM", {"Id": WEB01}), ("Move-VM", parameters))
    lab.jump(3600)
    assert lab.world.where_is(WEB01) == "HV02"


async def test_a_slow_host_answers_late(client: Client, lab: Any) -> None:
    """The answer is right, only late."""
    lab.world.order(WireFault(host="HV01", kind=WireFaultKind.SLOW, delay_s=0.05, times=2))
    assert len((await client.run("Get-VM")).output) == 1
    assert lab.world.trouble.faults == ()


@pytest.mark.parametrize("kind", [WireFaultKind.DROP, WireFaultKind.MALFORMED])
async def test_sealed_connections_meet_trouble_too(lab: Any, connect: Any, kind: WireFaultKind) -> None:
    """A broken answer stays broken when it is encrypted."""
    client = await connect(lab, auth="ntlm", encryption="always")
    lab.world.order(WireFault(host="HV01", kind=kind, operation="Command", times=1))
    with pytest.raises((requests.exceptions.ChunkedEncodingError, SyntaxError)):
        await client.run("Get-VM")


async def test_one_sick_host_does_not_hold_up_another(lab: Any, connect: Any) -> None:
    """Trouble belongs to one host."""
    lab.world.order(WireFault(host="HV01", kind=WireFaultKind.HANG))
    other = await connect(lab, "HV02")
    assert (await other.run("Get-VM")).output == []
