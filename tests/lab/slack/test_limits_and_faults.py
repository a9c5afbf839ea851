import asyncio
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.rate_limit import RateLimiter, Strictness


async def retry_after(call: Any) -> int:
    with pytest.raises(SlackApiError) as refused:
        await call
    response = refused.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    return int(response.headers["Retry-After"])


async def test_a_channel_takes_one_message_a_second(lab: SlackLab, clock: ManualClock, client: AsyncWebClient) -> None:
    """Strictly: the second message within a second is 429, another channel and other methods are not affected."""
    lab.limiter.strictness = Strictness.STRICT
    await client.chat_postMessage(channel="C0MIGRATE", text="one")

    assert await retry_after(client.chat_postMessage(channel="C0MIGRATE", text="two")) == 1
    await client.chat_postMessage(channel="C0OTHER", text="elsewhere")
    await client.auth_test()
    clock.advance(1)
    await client.chat_postMessage(channel="C0MIGRATE", text="two")


async def test_a_small_burst_is_tolerated(lab: SlackLab, client: AsyncWebClient) -> None:
    """Switched on but not strict, three messages at once pass, the fourth does not."""
    lab.limiter.strictness = Strictness.ON
    for number in range(3):
        await client.chat_postMessage(channel="C0MIGRATE", text=str(number))

    assert await retry_after(client.chat_postMessage(channel="C0MIGRATE", text="four")) >= 1


@pytest.mark.parametrize(("tier", "per_minute"), [(1, 1), (2, 20), (3, 50), (4, 100)])
def test_tiers_count_per_minute_and_method(tier: int, per_minute: int) -> None:
    """Each tier allows its number of calls a minute, for one method at a time."""
    clock = ManualClock()
    limiter = RateLimiter(clock, Strictness.STRICT)

    assert [limiter.retry_after_s("a", tier) for _ in range(per_minute)] == [None] * per_minute
    assert limiter.retry_after_s("a", tier) == 60
    assert limiter.retry_after_s("b", tier) is None
    clock.advance(59.5)
    assert limiter.retry_after_s("a", tier) == 1
    clock.advance(0.5)
    assert limiter.retry_after_s("a", tier) is None


async def test_limits_are_off_unless_switched_on(client: AsyncWebClient) -> None:
    """By default nothing is limited."""
    for number in range(30):
        await client.chat_postMessage(channel="C0MIGRATE", text=str(number))


async def test_a_lost_reply_posts_twice_with_the_default_client(lab: SlackLab, client: AsyncWebClient) -> None:
    """The reply is lost after Slack accepted: slack_sdk's default retry makes it two messages."""
    lab.faults.add(FaultKind.LOST_REPLY, "chat.postMessage")

    await client.chat_postMessage(channel="C0MIGRATE", text="once?")

    assert lab.transcript("#migrations").splitlines() == ["migrate-bot: once?"] * 2


async def test_an_internal_error_may_have_succeeded(lab: SlackLab, client: AsyncWebClient) -> None:
    """done_but_internal_error answers internal_error although the message stands."""
    lab.faults.add(FaultKind.DONE_BUT_INTERNAL_ERROR, "chat.postMessage")

    with pytest.raises(SlackApiError, match="internal_error"):
        await client.chat_postMessage(channel="C0MIGRATE", text="there")

    assert lab.transcript("#migrations") == "migrate-bot: there"
    assert lab.call_log.violations == []
    assert len(lab.call_log.rejected) == 1


@pytest.mark.parametrize(
    ("kind", "status"),
    [(FaultKind.SERVER_ERROR, 500), (FaultKind.UNAVAILABLE, 503), (FaultKind.INTERNAL_ERROR, 200)],
)
async def test_a_refused_call_does_nothing(lab: SlackLab, client: AsyncWebClient, kind: FaultKind, status: int) -> None:
    """500, 503 and a plain internal_error leave no message, once; then all is well again."""
    lab.faults.add(kind, "chat.*")

    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0MIGRATE", text="gone")
    assert refused.value.response.status_code == status
    await client.chat_postMessage(channel="C0MIGRATE", text="here")

    assert lab.transcript("#migrations") == "migrate-bot: here"


async def test_server_errors_go_away(lab: SlackLab) -> None:
    """The SDK's handler for server errors gets through once the fault is used up."""
    client = AsyncWebClient(
        token=lab.bot_token, base_url=lab.api_url, retry_handlers=[AsyncServerErrorRetryHandler(max_retry_count=2)]
    )
    lab.faults.add(FaultKind.UNAVAILABLE, "auth.test", times=1)

    assert (await client.auth_test())["ok"]


async def test_rate_limiting_can_be_provoked(lab: SlackLab, client: AsyncWebClient) -> None:
    """The rate_limited fault answers 429 with the seconds asked for."""
    lab.faults.add(FaultKind.RATE_LIMITED, "chat.update", seconds=7)

    assert await retry_after(client.chat_update(channel="C0MIGRATE", ts="1.0", text="x")) == 7


async def test_a_slow_answer_takes_its_time(lab: SlackLab, clock: ManualClock, client: AsyncWebClient) -> None:
    """The slow fault answers after its seconds, on the workspace's clock."""
    lab.faults.add(FaultKind.SLOW, "auth.test", seconds=20)
    calling = asyncio.create_task(client.auth_test())
    await client.conversations_info(channel="C0MIGRATE")  # a whole round trip later ...
    while not lab.faults.taken:
        await client.conversations_info(channel="C0MIGRATE")
    assert not calling.done()
    clock.advance(20)

    assert (await calling)["ok"]


async def test_faults_end_when_cleared(lab: SlackLab, client: AsyncWebClient) -> None:
    """A fault without end lasts until it is cleared."""
    lab.faults.add(FaultKind.INTERNAL_ERROR, times=None)
    for _ in range(3):
        with pytest.raises(SlackApiError, match="internal_error"):
            await client.auth_test()
    lab.faults.clear()

    await client.auth_test()
