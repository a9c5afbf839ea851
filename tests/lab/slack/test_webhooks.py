"""HTTP mode: the same app behind a request URL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import SlackLab
from lab.slack.transport.http_mode import signature
from lab.slack.workspace.clock import ManualClock
from lab.slack.workspace.refusals import LabSetupError
from tests.support.lab_blocks import actions, button


class Endpoint:
    """A web server whose handler the test can exchange."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[web.Request] = []
        self.answer: Any = web.Response

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.seen.append(request)
        answer = self.answer(request)
        return answer if isinstance(answer, web.StreamResponse) else await answer


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    site_app = web.Application()
    site_app.router.add_post("/slack/events", endpoint.handle)
    runner = web.AppRunner(site_app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def lab(endpoint: Endpoint, clock: ManualClock) -> AsyncIterator[SlackLab]:
    async with SlackLab(clock=clock, request_url=endpoint.url) as lab:
        yield lab


@pytest.fixture
def app(lab: SlackLab, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncApp:
    app = AsyncApp(client=AsyncWebClient(token=lab.bot_token, base_url=lab.api_url), signing_secret=lab.signing_secret)
    endpoint.answer = app.server(port=1).handle_post_requests  # the port is never opened
    # The signature's age is judged by the real time; the workspace's clock stands elsewhere.
    monkeypatch.setattr("slack_sdk.signature.Clock.now", lambda _: lab.clock.now())
    return app


async def test_the_request_url_is_verified(lab: SlackLab, endpoint: Endpoint, app: AsyncApp) -> None:
    """The challenge is answered by the app; a URL that does not is refused."""
    assert lab.webhooks is not None
    await lab.webhooks.verify_url()
    endpoint.answer = lambda _: web.Response(text="hello")
    with pytest.raises(LabSetupError, match="challenge"):
        await lab.webhooks.verify_url()


async def test_a_command_is_a_signed_form(lab: SlackLab, app: AsyncApp, endpoint: Endpoint) -> None:
    """The signature is good, the body a form, and the answer reaches the person."""

    @app.command("/migrate")
    async def migrate(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"You said {command['text']}")

    outcome = await lab.person("alice").slash("#migrations", r"/migrate C:\VMs a&b")

    assert outcome.message is not None
    assert outcome.message.text == r"You said C:\VMs a&amp;b"
    assert endpoint.seen[0].content_type == "application/x-www-form-urlencoded"


async def test_a_click_and_an_event_arrive_too(lab: SlackLab, app: AsyncApp, client: AsyncWebClient) -> None:
    """Interactions are forms with one payload field, events are JSON."""
    heard: list[str] = []

    @app.action("go")
    async def go(ack: Any) -> None:
        await ack()
        heard.append("click")

    @app.event("app_mention")
    async def mention() -> None:
        heard.append("mention")
        await client.auth_test()  # a change to wake the waiting test

    ts = (await client.chat_postMessage(channel="C0MIGRATE", text="x", blocks=[actions(button())]))["ts"]
    outcome = await lab.person("bob").click(lab.workspace.channel("#migrations").messages[ts], "go")
    await lab.person("bob").say("#migrations", "@migrate-bot hello")
    await lab.workspace.changes.wait_for(lambda: heard == ["click", "mention"])

    assert outcome.error == ""


async def test_a_wrong_secret_fails_for_the_person(lab: SlackLab, app: AsyncApp) -> None:
    """The app answers 401, the person sees dispatch_failed."""
    assert lab.webhooks is not None
    lab.webhooks._secret = "somebody else's"

    assert (await lab.person("alice").slash("#migrations", "/migrate help")).error == "dispatch_failed"


async def test_a_failed_event_is_repeated_unless_told_not_to(lab: SlackLab, endpoint: Endpoint) -> None:
    """A retry says its number and reason; x-slack-no-retry ends it."""
    answers = [web.Response(status=500), web.Response(status=500, headers={"x-slack-no-retry": "1"})]
    endpoint.answer = lambda _: answers.pop(0)
    await lab.person("alice").say("#migrations", "@migrate-bot hello")
    await lab.workspace.changes.wait_for(lambda: lab.call_log.events_lost)

    assert endpoint.seen[1].headers["x-slack-retry-num"] == "1"
    assert endpoint.seen[1].headers["x-slack-retry-reason"] == "http_error"


def test_the_signature_is_the_documented_one() -> None:
    """The example of docs.slack.dev: verifying-requests-from-slack."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
        b"398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    assert signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


async def test_socket_mode_is_off(lab: SlackLab) -> None:
    """In HTTP mode no websocket can be opened."""
    client = AsyncWebClient(base_url=lab.api_url)
    with pytest.raises(SlackApiError):
        await client.apps_connections_open(app_token=lab.app_token)
