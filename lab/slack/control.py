"""The control API: lets scripts and curl act as the people of the workspace, watch it, and order faults."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web
from pydantic import ValidationError

from lab.slack.control_orders import (
    ChannelOrder,
    ClickOrder,
    CloseOrder,
    DeleteOrder,
    FaultOrder,
    HabitsOrder,
    HomeOrder,
    Order,
    PressOrder,
    RateLimitOrder,
    SayOrder,
    ShortcutOrder,
    SlashOrder,
    SocketOrder,
    SubmitOrder,
    SuggestOrder,
)
from lab.slack.people.input_field import Habits
from lab.slack.people.outcomes import Outcome
from lab.slack.people.person import Person
from lab.slack.people.transcript import Transcript
from lab.slack.transport.socket_mode import SocketHub
from lab.slack.workspace.call_log import CallLog
from lab.slack.workspace.faults import Faults, When
from lab.slack.workspace.messages import Json, Message
from lab.slack.workspace.rate_limit import RateLimiter
from lab.slack.workspace.refusals import FormIncompleteError, NotOnScreenError
from lab.slack.workspace.workspace import Workspace


class Controlled(Protocol):
    """The parts of a running lab that orders act on."""

    workspace: Workspace
    faults: Faults
    limiter: RateLimiter
    sockets: SocketHub

    @property
    def call_log(self) -> CallLog:
        """Everything that was called."""
        ...

    def person(self, name: str) -> Person:
        """Return somebody of the workspace, by name or user id."""
        ...


class Control:
    """The routes of the control API: orders are POSTs with a JSON body, which no foreign web page can send."""

    def __init__(self, lab: Controlled) -> None:
        self._lab = lab

    def add_routes(self, router: web.UrlDispatcher) -> None:
        orders: dict[str, tuple[type[Order], Callable[[Any], Awaitable[Any]]]] = {
            "slash": (SlashOrder, self._slash),
            "shortcut": (ShortcutOrder, self._shortcut),
            "say": (SayOrder, self._say),
            "click": (ClickOrder, self._click),
            "press": (PressOrder, self._press),
            "submit": (SubmitOrder, self._submit),
            "close": (CloseOrder, self._close),
            "suggest": (SuggestOrder, self._suggest),
            "home": (HomeOrder, self._open_home),
            "habits": (HabitsOrder, self._habits),
            "faults": (FaultOrder, self._add_fault),
            "channels": (ChannelOrder, self._change_channel),
            "messages": (DeleteOrder, self._change_message),
            "rate-limits": (RateLimitOrder, self._rate_limits),
            "sockets": (SocketOrder, self._sockets),
        }
        for name, (model, act) in orders.items():
            router.add_post(f"/control/{name}", _order(model, act))
        router.add_delete("/control/faults", self._clear_faults)
        looks: dict[str, Callable[[web.Request], Any]] = {
            "people": lambda _: [asdict_user(user) for user in self._lab.workspace.users.values()],
            "channels": lambda _: [
                {"id": one.id, "name": one.name, "members": one.members}
                for one in self._lab.workspace.channels.values()
            ],
            "ledger": lambda _: self._lab.call_log.summary(),
            "faults": lambda _: [fault.to_json() for fault in self._lab.faults.active],
            "messages/{channel}": self._messages,
            "transcript/{channel}": self._transcript,
            "form": lambda request: self._viewer(request).reads_form(),
            "home": lambda request: self._viewer(request).reads_home(),
        }
        for name, look in looks.items():
            router.add_get(f"/control/{name}", _look(look))
        names = sorted([*(f"POST {one}" for one in orders), *(f"GET {one}" for one in looks), "GET changes"])
        router.add_get("/control/", _look(lambda _: names))
        router.add_get("/control/changes", self._changes)

    # -- acting -----------------------------------------------------------------------------------------------------

    async def _slash(self, order: SlashOrder) -> Json:
        person = self._lab.person(order.user)
        return _told(await person.slash(order.channel, order.line, thread_ts=order.thread_ts))

    async def _shortcut(self, order: ShortcutOrder) -> Json:
        return _told(await self._lab.person(order.user).shortcut(order.callback_id))

    async def _say(self, order: SayOrder) -> Json:
        message = await self._lab.person(order.user).say(order.channel, order.text, thread_ts=order.thread_ts)
        return {"ts": message.ts}

    async def _click(self, order: ClickOrder) -> Json:
        person = self._lab.person(order.user)
        message = self._find(person, order)
        outcome = await person.click(
            message,
            order.action_id,
            order.value,
            confirm=order.confirm,
            version=order.version,
            block_id=order.block_id,
        )
        return _told(outcome)

    def _find(self, person: Person, order: ClickOrder) -> Message:
        if not order.ts:
            found = person.finds(order.channel, order.action_id)
        else:
            found = next((one for one in person.sees(order.channel) if one.ts == order.ts), None)
        if found is None:
            raise NotOnScreenError(f"{person.name} sees no message with {order.action_id} in {order.channel}")
        return found

    async def _press(self, order: PressOrder) -> Json:
        person = self._lab.person(order.user)
        for name, value in order.typed.items():
            person.fill(name, value)
        return _told(await person.press(order.name, order.value, view=person.home if order.home else None))

    async def _submit(self, order: SubmitOrder) -> Json:
        return _told(await self._lab.person(order.user).submit(order.values))

    async def _close(self, order: CloseOrder) -> Json:
        return _told(await self._lab.person(order.user).close(everything=order.everything))

    async def _suggest(self, order: SuggestOrder) -> list[Json]:
        return await self._lab.person(order.user).suggest(order.name, order.typed)

    async def _open_home(self, order: HomeOrder) -> Json:
        return {"is_heard": await self._lab.person(order.user).open_home(order.tab)}

    async def _habits(self, order: HabitsOrder) -> Json:
        self._lab.person(order.user).habits = Habits(order.smart_quotes, order.smart_dashes, order.capitalise)
        return {}

    async def _add_fault(self, order: FaultOrder) -> Json:
        return self._lab.faults.add(
            order.kind,
            order.target,
            times=order.times,
            seconds=order.seconds,
            error=order.error,
            when=When(**order.when.model_dump()),
            for_s=order.for_s,
        ).to_json()

    async def _change_channel(self, order: ChannelOrder) -> Json:
        changes = order.model_dump(exclude={"channel"}, exclude_none=True)
        if "archived" in changes:
            changes["is_archived"] = changes.pop("archived")
        channel = self._lab.workspace.change_channel(order.channel, **changes)
        return {"id": channel.id, "name": channel.name, "is_archived": channel.is_archived}

    async def _change_message(self, order: DeleteOrder) -> Json:
        channel = self._lab.workspace.channel(order.channel)
        message = channel.messages.get(order.ts)
        if message is None:
            raise NotOnScreenError(f"no message {order.ts} in {order.channel}")
        if order.do == "delete":
            self._lab.workspace.delete(channel, message)
        else:
            message.is_locked = order.do == "lock"
        return {}

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self._lab.faults.clear()
        return web.json_response({})

    async def _rate_limits(self, order: RateLimitOrder) -> Json:
        self._lab.limiter.strictness = order.strictness
        return {}

    async def _sockets(self, order: SocketOrder) -> Json:
        hub = self._lab.sockets
        if order.do == "disable":
            hub.disable()
        if order.do in {"enable", "disable"}:
            hub.is_enabled = order.do == "enable"
        if order.do in {"enable", "limit"}:
            hub.most_connections = order.most
        for connection in tuple(hub.connections) if order.do in {"refresh", "abort"} else ():
            hub.refresh(connection) if order.do == "refresh" else connection.abort()
        return {"connections": len(hub.connections)}

    # -- looking ----------------------------------------------------------------------------------------------------

    def _viewer(self, request: web.Request) -> Person:
        return self._lab.person(request.query.get("as", ""))

    def _messages(self, request: web.Request) -> list[Json]:
        app = self._lab.workspace.app_fields()
        name = request.match_info["channel"]
        return [message.to_api(app, full_metadata=True) for message in self._viewer(request).sees(name)]

    def _transcript(self, request: web.Request) -> str:
        channel = self._lab.workspace.channel(request.match_info["channel"])
        viewer = self._lab.workspace.user(request.query["as"]).id if "as" in request.query else ""
        with_times = request.query.get("times") == "1"
        return Transcript(self._lab.workspace, viewer, with_times=with_times).channel(channel)

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        """Stream every change as a server-sent event."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with suppress(ConnectionError):  # the reader went away
            async for change in self._lab.workspace.changes.stream():
                await response.write(f"event: change\ndata: {json.dumps(asdict(change))}\n\n".encode())
        return response


def asdict_user(user: Any) -> Json:
    return {"id": user.id, "name": user.name, "real_name": user.real_name, "is_bot": user.is_bot}


def _told(outcome: Outcome) -> Json:
    return {
        "is_sent": outcome.is_sent,
        "error": outcome.error,
        "confirm": asdict(outcome.confirm) if outcome.confirm else None,
        "field_errors": outcome.field_errors,
        "shown_ts": outcome.message.ts if outcome.message else None,
    }


def _problem(error: Exception, status: int) -> web.Response:
    return web.json_response({"error": str(error)}, status=status)


def _order(
    model: type[Order], act: Callable[[Any], Awaitable[Any]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            return web.json_response({"error": "send application/json"}, status=415)
        try:
            return web.json_response(await act(model.model_validate_json(await request.read())))
        except ValidationError as error:
            return _problem(error, 400)
        except NotOnScreenError as error:
            return _problem(error, 404)
        except FormIncompleteError as error:
            return _problem(error, 422)

    return handle


def _look(look: Callable[[web.Request], Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            seen = look(request)
        except NotOnScreenError as error:
            return _problem(error, 404)
        return web.Response(text=seen) if isinstance(seen, str) else web.json_response(seen)

    return handle
