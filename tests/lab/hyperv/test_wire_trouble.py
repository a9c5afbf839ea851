"""Ordered trouble on the wire, as a client meets it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError

from lab.hyperv.world.faults import ValueFault, ValueFaultKind, WireFault, WireFaultKind
from tests.lab.hyperv.conftest import WEB01, Client, begin, move, select

KINDS: list[tuple[dict[str, Any], type[BaseException]]] = [
    ({"kind": WireFaultKind.REFUSE}, requests.exceptions.ConnectionError),
    ({"kind": WireFaultKind.STATUS, "status": 401}, AuthenticationError),
    ({"kind": WireFaultKind.STATUS, "status": 500}, WinRMTransportError),
    ({"kind": WireFaultKind.STATUS, "status": 503}, WinRMTransportError),
    ({"kind": WireFaultKind.DROP}, requests.exceptions.ChunkedEncodingError),
    ({"kind": WireFaultKind.MALFORMED}, SyntaxError),
    ({"kind": WireFaultKind.TRUNCATED}, SyntaxError),
    ({"kind": WireFaultKind.HANG}, requests.exceptions.ReadTimeout),
]


@pytest.mark.parametrize(("fault", "error"), KINDS, ids=[f"{f['kind']}-{f.get('status', '')}" for f, _ in KINDS])
async def test_each_trouble_has_its_look(
    lab: Any, connect: Any, fault: dict[str, Any], error: type[BaseException]
) -> None:
    """While it lasts every request meets it; afterwards all is well."""
    lab.world.order(WireFault(host="HV01", **fault))
    patience_s = 1 if error is requests.exceptions.ReadTimeout else 60
    client = await connect(lab, is_open=False, read_timeout=patience_s, connection_timeout=60)
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


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (WireFaultKind.EXPIRED, "certificate has expired"),
        (WireFaultKind.UNTRUSTED, "unable to get local issuer certificate"),
        (WireFaultKind.MISNAMED, "certificate is not valid for '127.0.0.1'"),
    ],
)
async def test_a_wrong_certificate_is_shown_to_new_connections(
    open_lab: Any, connect: Any, kind: WireFaultKind, words: str
) -> None:
    """A client that verifies goes no further; afterwards the right one is shown again."""
    lab = await open_lab()
    lab.world.order(WireFault(host="HV01", kind=kind, times=1))
    settings = {"ssl": True, "encryption": "auto", "cert_validation": str(lab.ca_file)}
    client = await connect(lab, is_open=False, port=lab.access("HV01").https_port, **settings)
    with pytest.raises(requests.exceptions.SSLError, match=words):
        await client.call(client.pool.open)
    again = await connect(lab, port=lab.access("HV01").https_port, **settings)
    assert len((await again.run("Get-VM")).output) == 1


TOLD: list[tuple[ValueFaultKind, Any]] = [
    (ValueFaultKind.NULL, None),
    (ValueFaultKind.TEXT, "gibberish"),
    (ValueFaultKind.NUMBER, -7),
    (ValueFaultKind.LIST, ["one", "two"]),
]


@pytest.mark.parametrize(("kind", "told"), TOLD, ids=[kind.value for kind, _ in TOLD])
async def test_a_host_can_tell_a_property_wrongly(client: Client, lab: Any, kind: ValueFaultKind, told: Any) -> None:
    """Every selected object has the wrong value; the other properties are right."""
    lab.world.order(ValueFault(host="HV01", property="name", kind=kind))
    [vm] = (await client.run("Get-VM", select("Name", "Id"))).output
    assert vm.extended_properties == {"Name": told, "Id": WEB01}
    lab.world.trouble.clear()
    [vm] = (await client.run("Get-VM", select("Name"))).output
    assert vm.extended_properties["Name"] == "web01"


async def test_a_property_can_be_missing(client: Client, lab: Any) -> None:
    """The object goes out without it."""
    lab.world.order(ValueFault(host="HV01", property="Name", kind=ValueFaultKind.MISSING))
    [vm] = (await client.run("Get-VM", select("Name", "Id"))).output
    assert vm.extended_properties == {"Id": WEB01}


async def test_a_restart_of_the_service_ends_sessions_and_no_migration(client: Client, lab: Any) -> None:
    """The client's connection breaks, the host knows no session any more, the VM goes on moving."""
    await begin(client, lab, *move())
    await lab.restart_winrm("HV01")
    assert len(lab.shells("HV01")) == 0
    with pytest.raises((requests.exceptions.ConnectionError, WSManFaultError)):
        await client.run("Get-VM")
    lab.jump(3600)
    assert lab.world.where_is(WEB01) == "HV02"


async def test_a_hosts_clock_can_be_wrong(client: Client, lab: Any, connect: Any) -> None:
    """Its jobs carry the times of its own clock; the lab's time is not touched."""
    lab.world.change_host("HV01", {"clock_offset_s": 3600.0})
    await begin(client, lab, *move())
    job = ("Get-CimInstance", {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_MigrationJob"})
    [row] = (await (await connect(lab)).run(job, select("StartTime"))).output
    started = datetime.fromisoformat(row.extended_properties["StartTime"])
    assert abs(started - lab.world.datetime_at(lab.world.time_s) - timedelta(hours=1)) < timedelta(minutes=5)
