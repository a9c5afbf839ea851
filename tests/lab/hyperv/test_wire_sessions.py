"""Shells and commands on the wire: time-outs, quotas, disconnecting, fragments."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import SignalCode, WinRS
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet

from lab.hyperv.remoting.auth import Login
from lab.hyperv.remoting.psrp import ObjectIds, ReplyQueue, split_fragments
from lab.hyperv.remoting.shells import Quotas, SessionPrices, Shells
from lab.hyperv.remoting.wsman import MalformedEnvelope, WSManFault, parse_duration, parse_request
from tests.lab.hyperv.conftest import WEB01, Client, begin, fleet, select, vm
from tests.support.eventually import eventually

URI = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"


def selectors(client: Client) -> SelectorSet:
    chosen = SelectorSet()
    chosen.add_option("ShellId", client.pool.id)
    return chosen


def data_of(reply: bytes) -> str | None:
    return ET.fromstring(reply).findtext(".//rsp:Stream", namespaces=NAMESPACES)  # noqa: S314  # our own lab's reply


async def ended(lab: Any) -> None:
    """Wait until every pipeline on HV01 has ended; a pipeline tells its end only to its client."""
    await eventually(lambda: all(one.is_ended for shell in lab.shells("HV01") for one in shell.commands.values()))


async def test_a_silent_command_times_out_and_goes_on(client: Client, lab: Any) -> None:
    """Receive answers fault 2150858793 after OperationTimeout; asking again is normal."""
    shell = await begin(client, lab)
    await client.call(lambda: shell.poll_invoke(timeout=1))

    def receive_until_silence() -> None:  # progress comes once a second; a shorter time-out finds silence
        while True:
            client.pool.shell.receive("stdout", shell._command_id, timeout=0.3)  # type: ignore[arg-type]

    with pytest.raises(WSManFaultError) as caught:
        await client.call(receive_until_silence)
    assert caught.value.code == 2150858793
    lab.jump(3600)
    result = await client.call(lambda: client.finish(shell))
    assert (result.state, result.errors) == (4, [])


async def test_an_unknown_shell_is_a_fault(client: Client) -> None:
    """Fault 2150858843, with the id in its text."""
    chosen = SelectorSet()
    chosen.add_option("ShellId", str(uuid.uuid4()).upper())
    with pytest.raises(WSManFaultError, match="was not found on the server") as caught:
        await client.call(lambda: client.connection.delete(URI, selector_set=chosen))
    assert caught.value.code == 2150858843


async def test_a_deleted_shell_is_gone(client: Client, lab: Any) -> None:
    """close() deletes the shell; its id is unknown from then on."""
    await client.call(client.pool.close)
    assert len(lab.shells("HV01")) == 0
    with pytest.raises(WSManFaultError) as caught:
        await client.call(
            lambda: client.connection.get(URI.replace("powershell", "wbem"), selector_set=selectors(client))
        )
    assert caught.value.code in (2150858843, 2150858752)


async def test_too_many_shells_of_a_user_are_refused(open_lab: Any, connect: Any) -> None:
    """Fault 2150859173 names the limit; a closed shell makes room."""
    lab = await open_lab(has_tls=False, quotas=Quotas(shells_per_user=2))
    first = await connect(lab)
    await connect(lab)
    third = await connect(lab, is_open=False)
    with pytest.raises(WSManFaultError, match="maximum number of 2 concurrent shells") as caught:
        await third.call(third.pool.open)
    assert caught.value.code == 2150859173
    await first.call(first.pool.close)
    await connect(lab)


async def test_too_many_operations_of_a_user_are_refused(open_lab: Any, connect: Any) -> None:
    """Fault 2150859174 when another operation would be one too many."""
    lab = await open_lab(has_tls=False, quotas=Quotas(operations_per_user=1))
    client = await connect(lab)
    shell = await begin(client, lab)
    waiting = asyncio.create_task(client.call(lambda: client.finish(shell)))
    await eventually(lambda: next(iter(lab.shells("HV01"))).busy_receives)
    other = await connect(lab, is_open=False)
    with pytest.raises(WSManFaultError) as caught:
        await other.call(other.pool.open)
    assert caught.value.code == 2150859174
    lab.jump(3600)
    await waiting


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("http://schemas.microsoft.com/powershell/Nobody", "Cannot find the Nobody session configuration"),
        ("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd", "was not found in the WS-Management catalog"),
    ],
)
async def test_only_registered_endpoints_answer(client: Client, uri: str, text: str) -> None:
    """An unknown configuration and another kind of shell are refused."""
    winrs = WinRS(client.connection, resource_uri=uri)
    with pytest.raises(WSManFaultError, match=text):
        await client.call(winrs.open)


async def test_only_wsman_is_served_and_only_envelopes_are_read(client: Client) -> None:
    """404 for another path, 400 for another body."""
    client.connection.transport.endpoint = client.connection.transport.endpoint.replace("/wsman", "/other")
    with pytest.raises(WinRMTransportError) as caught:
        await client.call(client.connection.get_server_config)
    assert caught.value.code == 404
    client.connection.transport.endpoint = client.connection.transport.endpoint.replace("/other", "/wsman")
    with pytest.raises(WinRMTransportError) as caught:
        await client.call(lambda: client.connection.transport.send(b"<not-an-envelope/>"))
    assert caught.value.code == 400


async def test_the_service_tells_its_envelope_size(client: Client) -> None:
    """Get on the configuration: 500 KB, as newer hosts have."""
    await client.call(client.connection.update_max_payload_size)
    assert client.connection.max_envelope_size == 500 * 1024


async def test_a_shell_tells_whether_it_lives(client: Client) -> None:
    """pypsrp's is_alive asks the shell; a deleted one is dead."""
    assert await client.call(lambda: client.pool.is_alive(timeout=5)) is True
    other = RunspacePool(client.connection)
    other.shell.id = client.pool.id
    await client.call(lambda: client.connection.delete(URI, selector_set=selectors(client)))
    assert await client.call(lambda: client.pool.is_alive(timeout=5)) is False


async def test_large_input_and_output_are_fragmented(open_lab: Any, connect: Any) -> None:
    """A parameter beyond one envelope arrives whole; output beyond one envelope too, and in order."""
    lab = await open_lab(fleet(*(vm(n, f"vm{n:04}", notes="x" * 3000, disks=()) for n in range(2, 302))), has_tls=False)
    client = await connect(lab, max_envelope_size=153600)
    names = [f"{'y' * 2000}{n}" for n in range(400)] + ["vm*"]
    result = await client.run(("Get-VM", {"Name": names, "ErrorAction": "SilentlyContinue"}), select("Name", "Notes"))
    assert [item.extended_properties["Name"] for item in result.output] == [f"vm{n:04}" for n in range(2, 302)]
    assert all(len(item.extended_properties["Notes"]) == 3000 for item in result.output)
    assert result.errors == []


async def test_one_runspace_runs_one_pipeline_at_a_time(client: Client, lab: Any) -> None:
    """A second pipeline of a pool of one waits; with room for two it does not."""
    moving = await begin(client, lab)
    second = await client.call(lambda: client.start("Get-VMHost"))
    shell = next(iter(lab.shells("HV01")))
    assert [command.is_ended for command in shell.commands.values()] == [False, False]
    lab.jump(3600)
    await client.call(lambda: client.finish(moving))
    assert len((await client.call(lambda: client.finish(second))).output) == 1


async def test_two_runspaces_run_two_pipelines(lab: Any, connect: Any) -> None:
    """MaxRunspaces is honoured, and told."""
    client = await connect(lab, pool={"max_runspaces": 2})
    await begin(client, lab)
    assert len((await client.run("Get-VMHost")).output) == 1
    assert await client.call(client.pool.get_available_runspaces) >= 0


async def test_a_lost_answer_is_given_again(client: Client, lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same Receive message, sent twice, brings the same data: nothing is lost with a connection."""
    shell = await client.call(lambda: client.start("Get-VM"))
    await ended(lab)
    sent: list[bytes] = []
    plain_send = client.connection.transport.send

    def send_twice(message: bytes, **options: Any) -> bytes:
        sent.append(plain_send(message, **options))
        again = plain_send(message, **options)
        assert data_of(again) == data_of(sent[-1]) != ""
        return again

    monkeypatch.setattr(client.connection.transport, "send", send_twice)
    result = await client.call(lambda: client.finish(shell))
    assert len(result.output) == 1


async def test_a_disconnected_session_keeps_running(client: Client, lab: Any) -> None:
    """Disconnect, let the move end, reconnect: the pipeline is done and its end can be read."""
    shell = await begin(client, lab)
    await client.call(client.pool.disconnect)
    lab.jump(3600)
    assert lab.world.where_is(WEB01) == "HV02"
    await client.call(client.pool.connect)
    shell.state = PSInvocationState.RUNNING
    await client.call(shell.end_invoke)
    assert shell.state == 4


async def test_a_new_client_takes_over_a_disconnected_session(client: Client, lab: Any, connect: Any) -> None:
    """Shells can be listed with their commands; another client connects to one and stays to the end."""
    await begin(client, lab)
    await client.call(client.pool.disconnect)
    other = await connect(lab, is_open=False)
    (found,) = await other.call(lambda: RunspacePool.get_runspace_pools(other.connection))
    assert found.id == client.pool.id
    await other.call(found.connect)
    (pipeline,) = await other.call(found.create_disconnected_power_shells)
    lab.jump(3600)
    await other.call(pipeline.connect)
    assert pipeline.state == 4


async def test_a_stopped_pipeline_says_so(client: Client, lab: Any) -> None:
    """PS_CTRL_C ends in the state Stopped with the id PipelineStopped."""
    shell = await begin(client, lab)
    await client.call(lambda: client.pool.shell.signal(SignalCode.PS_CTRL_C, shell.id))
    result = await client.call(lambda: client.finish(shell))
    assert result.state == 3
    assert result.ids == ["PipelineStopped"]
    await client.call(shell.close)
    assert not next(iter(lab.shells("HV01"))).commands


async def test_an_unknown_action_and_an_unknown_command_are_faults(client: Client) -> None:
    """Nothing else breaks."""
    for act in (
        lambda: client.connection.pull(URI, selector_set=selectors(client)),
        lambda: client.pool.shell.signal(SignalCode.TERMINATE, str(uuid.uuid4())),
        lambda: client.pool.shell.command("", ["!!!"], command_id=str(uuid.uuid4())),
        lambda: client.connection.command(URI, ET.Element("x"), OptionSet(), selectors(client)),
    ):
        with pytest.raises(WSManFaultError):
            await client.call(act)
    assert len((await client.run("Get-VMHost")).output) == 1


async def test_a_first_use_record_comes_once_in_a_session(client: Client) -> None:
    """`Preparing modules for first use.` with -1 percent and the type Completed."""
    first, second = await client.run("Get-VMHost"), await client.run("Get-VMHost")
    (record,) = first.progress
    assert (record.activity, record.description, record.percent_complete) == (
        "Preparing modules for first use.",
        " ",
        -1,
    )
    assert (record.current_operation, record.progress_type.value) == (None, 1)
    assert second.progress == []


async def test_keys_can_be_exchanged(client: Client) -> None:
    """A client that wants to send a password first asks for a session key."""
    await client.call(client.pool.exchange_keys)
    assert client.pool._key_exchanged


async def test_several_statements_and_piped_input(client: Client) -> None:
    """Statements run one after the other; objects a client pipes in are input of the first command."""
    shell = PowerShell(client.pool)
    shell.add_cmdlet("Get-VMHost").add_statement()
    shell.add_cmdlet("Get-VM")
    assert len(await client.call(shell.invoke)) == 2
    piped = PowerShell(client.pool)
    piped.add_cmdlet("Get-VM")
    assert len(await client.call(lambda: piped.invoke(["web01"]))) == 1  # type: ignore[arg-type]  # a list is what it wants


# --- without sockets


async def test_idle_shells_are_removed_and_waiting_ones_are_not() -> None:
    """After the idle time-out without use a shell is gone; a waiting Receive is use."""
    now = 0.0
    shells = Shells(Quotas(idle_timeout_s=7200), lambda: now)
    login = Login("user", has_delegated_logon=False)
    kept = shells.create(URI, login, "", name="", shell_id="", idle_timeout_s=None)
    lost = shells.create(URI, login, "", name="", shell_id="", idle_timeout_s=100)
    kept.busy_receives = 1
    now = 7200.0
    assert shells.get(kept.id) is kept
    with pytest.raises(WSManFault, match=lost.id):
        shells.get(lost.id)


def test_an_outbox_never_cuts_a_message_apart_wrongly() -> None:
    """Fragments are numbered, marked first and last, and no answer is larger than asked, but for a lone fragment."""
    outbox = ReplyQueue(ObjectIds())
    outbox.put_message(b"a" * 100_000)
    outbox.put_message(b"b")
    taken = b""
    while not outbox.is_empty:
        piece = outbox.take(70_000)
        assert len(piece) <= 70_000
        taken += piece
    fragments = split_fragments(taken)
    assert [fragment[16] for fragment in fragments] == [1, 0, 0, 2, 3]
    assert b"".join(fragment[21:] for fragment in fragments) == b"a" * 100_000 + b"b"


@pytest.mark.parametrize(("text", "seconds"), [("PT20S", 20), ("PT1.5S", 1.5), ("P1DT1H1M1S", 90061)])
def test_durations_of_requests_are_read(text: str, seconds: float) -> None:
    """OperationTimeout and IdleTimeOut are XML durations."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("data", [b"", b"<x", b"<Envelope/>", b"text"])
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    """No request is made up."""
    with pytest.raises(MalformedEnvelope):
        parse_request(data)


async def test_a_session_has_its_price(open_lab: Any, connect: Any) -> None:
    """A new shell takes its logon's time, its first cmdlet of Hyper-V the module's; what follows takes neither."""
    lab = await open_lab(has_tls=False, speed=10, prices=SessionPrices(logon_s=8.0, first_command_s=20.0))
    spent, at = list[float](), lab.pace.now()
    client = await connect(lab)
    for name in (None, "Get-Command", "Get-VM", "Get-VM"):
        if name is not None:
            await client.run(name)
        spent.append(lab.pace.now() - at)
        at = lab.pace.now()
    logon_s, other_s, first_s, second_s = spent
    assert logon_s >= 8.0
    assert first_s >= 20.0
    assert other_s < 20.0
    assert second_s < 20.0
