"""Serves the page, and tells each open page at once what changed on its person's screen."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources

from aiohttp import web

from lab.slack.browser.screen import Screen
from lab.slack.people.person import Person
from lab.slack.workspace.changes import Change
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import NotOnScreenError
from lab.slack.workspace.workspace import Workspace

_ASSETS = resources.files("lab.slack.browser") / "assets"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_QUIET_S = 10.0
_PNG = b"\x89PNG\r\n"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Browser:
    """The routes of the page. `extras` names what else this server answers beside the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        person: Callable[[str], Person],
        is_app_there: Callable[[], bool],
        extras: Callable[[], list[str]],
    ) -> None:
        self._workspace = workspace
        self._person = person
        self._is_app_there = is_app_there
        self._extras = extras

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", self._page)
        router.add_get("/page/{name}", self._asset)
        router.add_get("/screen", self._screen)
        router.add_get("/screen/file/{id}", self._file)

    async def _page(self, _: web.Request) -> web.Response:
        return _served("index.html")

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in {one.name for one in _ASSETS.iterdir()}:
            return web.Response(status=404, text="no such file")
        return _served(name)

    async def _file(self, request: web.Request) -> web.Response:
        """Show an uploaded picture; anything else is text, whatever it says."""
        file = self._workspace.files.files.get(request.match_info["id"])
        if file is None or file.content is None:
            return web.Response(status=404, text="no such file")
        kind = "image/png" if file.content.startswith(_PNG) else "text/plain"
        return web.Response(body=file.content, content_type=kind, headers=HEADERS)

    async def _screen(self, request: web.Request) -> web.StreamResponse:
        """`GET /screen?as=<person>`: server-sent events, first everything, then each change of that person's screen."""
        try:
            person = self._person(request.query.get("as", ""))
        except NotOnScreenError as error:
            return web.json_response({"error": str(error)}, status=404)
        screen = Screen(self._workspace, person)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
        await response.prepare(request)
        with suppress(ConnectionError), self._workspace.changes.subscribed() as queue:  # the page may go away
            await response.write(_event("everything", self._everything(screen)))
            while True:
                try:
                    change = await asyncio.wait_for(queue.get(), _QUIET_S)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                for name, data in self._news(change, screen, person):
                    await response.write(_event(name, data))
        return response

    def _everything(self, screen: Screen) -> Json:
        return {**screen.everything(), "extras": self._extras(), "is_app_there": self._is_app_there()}

    def _news(self, change: Change, screen: Screen, person: Person) -> Iterator[tuple[str, Json]]:
        """Yield what a change means for one person's screen."""
        match change.kind:
            case "message.posted" | "message.updated" | "message.reacted" | "ephemeral.posted":
                message = screen.find(change.channel_id, change.subject)
                if message is not None:
                    yield "message", screen.message(message)
            case "message.deleted":
                yield "gone", {"channel_id": change.channel_id, "ts": change.subject}
            case "view.opened" | "view.updated" | "view.closed" if change.user_id == person.id:
                yield "modal", {"modal": screen.modal()}
            case "home.published" if change.user_id == person.id:
                yield "home", {"home": screen.home()}
            case "failure.seen" if change.user_id == person.id and not change.channel_id:
                yield "failure", {"what": change.subject}
            case "channel.changed":
                yield (
                    "everything",
                    {**screen.everything(), "extras": self._extras(), "is_app_there": self._is_app_there()},
                )
            case "socket.opened" | "socket.closed":
                yield "app", {"is_app_there": self._is_app_there()}
            case _:
                return


def _served(name: str) -> web.Response:
    text = (_ASSETS / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=_TYPES[name[name.rindex(".") :]], headers=HEADERS)


def _event(name: str, data: Json) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
