from typing import Any

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.faults import FaultKind


async def test_an_unacked_event_comes_again_three_times(lab: SlackLab, clock: ManualClock, connect: Any) -> None:
    """Not acked in 3 s: again at once, after a minute, after five; the same event_id, a new envelope_id."""
    async with connect() as raw:
        await lab.person("alice").say("#migrations", "@migrate-bot hello")
        seen = [await raw.frame()]
        for pause_s in (0, 60, 300):
            clock.advance(2.9 + pause_s)
            assert lab.call_log.envelopes["events_api"] == len(seen), "too early"
            clock.advance(0.1)
            seen.append(await raw.frame())

    assert [one["retry_attempt"] for one in seen] == [0, 1, 2, 3]
    assert [one["retry_reason"] for one in seen] == ["", "timeout", "timeout", "timeout"]
    assert len({one["payload"]["event_id"] for one in seen}) == 1
    assert len({one["envelope_id"] for one in seen}) == 4
    assert seen[0]["accepts_response_payload"] is False


async def test_an_acked_event_is_not_repeated(lab: SlackLab, clock: ManualClock, connect: Any) -> None:
    """An ack ends it."""
    async with connect() as raw:
        await lab.person("alice").say("#migrations", "@migrate-bot hello")
        await raw.ack(await raw.frame())
        await raw.socket.ping()
        await raw.socket.receive()
        clock.advance(1000)

    assert lab.call_log.redelivered == 0
    assert lab.call_log.events_lost == 0


async def test_events_without_a_listener_arrive_as_retries(lab: SlackLab, connect: Any) -> None:
    """What happened while no socket was open comes with retry_attempt 1 once one is."""
    await lab.person("alice").say("#migrations", "@migrate-bot are you there?")
    async with connect() as raw:
        envelope = await raw.frame()

    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (1, "timeout")
    assert envelope["payload"]["event"]["type"] == "app_mention"


async def test_events_more_than_two_hours_old_are_lost(lab: SlackLab, clock: ManualClock, connect: Any) -> None:
    """By default nothing more than two hours late is delivered."""
    await lab.person("alice").say("#migrations", "@migrate-bot are you there?")
    clock.advance(2 * 3600 + 1)
    async with connect():
        pass

    assert lab.call_log.events_lost == 1


async def test_a_duplicate_event_has_the_same_event_id(lab: SlackLab, connect: Any) -> None:
    """The duplicate_event fault delivers an event twice although nobody was slow."""
    lab.faults.add(FaultKind.DUPLICATE_EVENT, "app_mention")
    async with connect() as raw:
        await lab.person("alice").say("#migrations", "@migrate-bot hello")
        first, second = await raw.frame(), await raw.frame()

    assert first["payload"]["event_id"] == second["payload"]["event_id"]


async def test_only_subscribed_events_of_joined_channels_are_sent(lab: SlackLab) -> None:
    """Plain messages (not in the manifest) and mentions in foreign channels are heard by nobody."""
    alice = lab.person("alice")
    await alice.say("#migrations", "nothing for the app")
    await alice.say("#other", "@migrate-bot you are not here")
    await alice.say("#migrations", "@migrate-bot hello")

    (waiting,) = lab.delivery._unheard
    assert waiting.envelope.payload["event"]["text"] == "<@U0MIGRATEBOT> hello"
