import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.faults import FaultKind
from tests.support.eventually import PATIENCE_S


async def envelopes_sent(lab: SlackLab, count: int) -> None:
    await lab.workspace.changes.wait_for(lambda: sum(lab.call_log.envelopes.values()) >= count)


async def test_hello_says_how_many_connections_there_are(lab: SlackLab, http: Any, connect: Any) -> None:
    """The first frame is hello, with the app id, the number of connections and their expected life."""
    async with connect(), http.ws_connect(await connect.url()) as second:
        hello = await second.receive_json()

    assert (hello["type"], hello["num_connections"]) == ("hello", 2)
    assert hello["connection_info"] == {"app_id": "A0MIGRATE"}
    assert hello["debug_info"]["approximate_connection_time"] == 18_060


async def test_a_ticket_is_good_for_one_connection(http: aiohttp.ClientSession, connect: Any) -> None:
    """A used ticket is refused; a handshake that failed does not burn it."""
    url = await connect.url()
    async with http.get(url.replace("ws://", "http://")) as failed:
        assert failed.status == 400
    async with http.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect(url)


async def test_a_ping_comes_back_with_its_data(connect: Any) -> None:
    """PONG echoes the data of PING, which is how slack_sdk knows that the session lives."""
    async with connect() as raw:
        await raw.socket.ping(b"sdk-ping-pong:1")
        pong = await raw.socket.receive()

    assert (pong.type, bytes(pong.data)) == (WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_pings_can_stay_unanswered(lab: SlackLab, connect: Any) -> None:
    """With the no_pong fault one ping gets no answer; the next one does."""
    lab.faults.add(FaultKind.NO_PONG)
    async with connect() as raw:
        await raw.socket.ping(b"1")
        await raw.socket.ping(b"2")
        pong = await raw.socket.receive()

    assert bytes(pong.data) == b"2"


async def test_a_slash_command_has_the_documented_payload(lab: SlackLab, connect: Any) -> None:
    """The envelope and payload of a slash command carry every documented field."""
    async with connect() as raw:
        typing = asyncio.create_task(lab.person("alice").slash("#migrations", "/migrate web01 from HV01 to HV02"))
        envelope = await raw.frame()
        await raw.ack(envelope)
        outcome = await typing

    assert outcome.error == ""
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    payload = envelope["payload"]
    assert payload["command"] == "/migrate"
    assert payload["text"] == "web01 from HV01 to HV02"
    assert payload["is_enterprise_install"] == "false"
    assert {"team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name", "api_app_id"} <= set(
        payload
    )
    assert payload["response_url"].startswith(lab.base_url)
    assert payload["trigger_id"]


async def test_an_ack_in_time_answers_and_a_late_one_changes_nothing(
    lab: SlackLab, clock: ManualClock, connect: Any
) -> None:
    """After 3 s the person has seen operation_timeout, and the late ack shows nothing."""
    alice = lab.person("alice")
    async with connect() as raw:
        typing = asyncio.create_task(alice.slash("#migrations", "/migrate help"))
        envelope = await raw.frame()
        clock.advance(3)
        outcome = await typing
        await raw.ack(envelope, {"text": "too late"})
        await raw.socket.ping()
        await raw.socket.receive()  # the pong: the server has read the ack

    assert outcome.error == "operation_timeout"
    assert "operation_timeout" in alice.reads("#migrations")
    assert "too late" not in alice.reads("#migrations")
    assert [failure.what for failure in lab.call_log.failures] == ["/migrate"]
    assert lab.call_log.late_acks == 1


async def test_without_a_connection_a_command_fails_at_once(lab: SlackLab) -> None:
    """Nobody listens: the person sees dispatch_failed, and the command is never repeated."""
    outcome = await lab.person("alice").slash("#migrations", "/migrate help")

    assert outcome.error == "dispatch_failed"


async def test_each_envelope_goes_to_exactly_one_connection(lab: SlackLab, connect: Any) -> None:
    """Two connections compete; no command is delivered twice."""
    alice = lab.person("alice")
    async with connect() as first, connect() as second:
        await lab.workspace.changes.wait_for(lambda: len(lab.sockets.connections) == 2)
        typing = [asyncio.create_task(alice.slash("#migrations", f"/migrate status {n}")) for n in range(4)]
        texts = []
        for raw in (first, second, first, second):
            envelope = await raw.frame()
            texts.append(envelope["payload"]["text"])
            await raw.ack(envelope)
        await asyncio.gather(*typing)

    assert sorted(texts) == [f"status {n}" for n in range(4)]


async def test_the_eleventh_connection_is_turned_away(lab: SlackLab, http: Any, connect: Any) -> None:
    """At most ten websockets per app."""
    async with asyncio.timeout(PATIENCE_S):
        sockets = [await http.ws_connect(await connect.url()) for _ in range(10)]
        assert [(await one.receive_json())["num_connections"] for one in sockets] == list(range(1, 11))
        extra = await http.ws_connect(await connect.url())
        frame = await extra.receive_json()

    assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")


async def test_a_refresh_warns_before_it_closes(lab: SlackLab, clock: ManualClock, connect: Any) -> None:
    """warning, ten seconds later refresh_requested, then the close; until then envelopes still come."""
    async with connect() as raw:
        lab.sockets.refresh(lab.sockets.connections[0])
        warning = await raw.frame()
        typing = asyncio.create_task(lab.person("alice").slash("#migrations", "/migrate help"))
        await raw.ack(await raw.frame())
        assert (await typing).error == ""
        clock.advance(10)
        refresh = await raw.frame()
        closing = await raw.socket.receive()

    assert (warning["type"], warning["reason"]) == ("disconnect", "warning")
    assert refresh["reason"] == "refresh_requested"
    assert closing.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED}


async def test_a_connection_ends_by_itself(clock: ManualClock, connect: Any) -> None:
    """With debug_reconnects a connection is warned ten seconds before 360 s are over."""
    async with connect("&debug_reconnects=true") as raw:
        clock.advance(350)
        assert (await raw.frame())["reason"] == "warning"


async def test_switching_socket_mode_off_says_so(lab: SlackLab, connect: Any) -> None:
    """link_disabled is told before the close."""
    async with connect() as raw:
        lab.sockets.disable()
        assert (await raw.frame())["reason"] == "link_disabled"


async def test_an_aborted_socket_loses_the_command(lab: SlackLab, clock: ManualClock, connect: Any) -> None:
    """With the abort_socket fault the connection breaks instead of delivering, and the person sees a failure."""
    lab.faults.add(FaultKind.ABORT_SOCKET, "/migrate")
    async with connect() as raw:
        typing = asyncio.create_task(lab.person("alice").slash("#migrations", "/migrate help"))
        await raw.socket.receive()
        await envelopes_sent(lab, 1)
        clock.advance(3)

        assert (await typing).error == "operation_timeout"


async def test_slack_sdk_connects_and_comes_back(lab: SlackLab) -> None:
    """The SDK's own client takes envelopes, and after a refresh takes them on a new connection."""
    client = SocketModeClient(
        app_token=lab.app_token, web_client=AsyncWebClient(base_url=lab.api_url), ping_interval=60
    )

    async def ack(sdk: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        response = SocketModeResponse(request.envelope_id, payload={"text": request.payload["text"]})
        await sdk.send_socket_mode_response(response)

    client.socket_mode_request_listeners.append(ack)
    await client.connect()  # type: ignore[no-untyped-call]
    alice = lab.person("alice")
    await lab.workspace.changes.wait_for(lambda: lab.sockets.connections)
    assert (await alice.slash("#migrations", "/migrate one")).message.text == "one"  # type: ignore[union-attr]

    (first,) = lab.sockets.connections
    lab.sockets.refresh(first)
    await lab.workspace.changes.wait_for(lambda: first not in lab.sockets.connections and lab.sockets.connections)
    assert (await alice.slash("#migrations", "/migrate two")).message.text == "two"  # type: ignore[union-attr]
    await client.close()  # type: ignore[no-untyped-call]
