"""The gate of the Web API: token, scope, rate limit and injected faults are decided here, for every method alike."""

from collections.abc import Callable

from aiohttp import web

from lab.slack.transport.api.registry import Call, Method
from lab.slack.transport.api.table import METHODS, NEED_TEAM_ID
from lab.slack.transport.api.wire import Args, read_args, read_token
from lab.slack.workspace.call_log import RecordedCall
from lab.slack.workspace.changes import Change
from lab.slack.workspace.clock import sleep
from lab.slack.workspace.faults import API_FAULTS, Fault, FaultKind, Faults
from lab.slack.workspace.grants import Grants
from lab.slack.workspace.messages import Json
from lab.slack.workspace.rate_limit import RateLimiter
from lab.slack.workspace.refusals import NotOnScreenError, RefusalError
from lab.slack.workspace.workspace import Workspace

_RETRY_AFTER_S = 1


class Gate:
    """The gate that every call passes before its method answers."""

    def __init__(
        self,
        workspace: Workspace,
        grants: Grants,
        faults: Faults,
        limiter: RateLimiter,
        websocket_url: Callable[[], str],
    ) -> None:
        self.base_url = ""
        self._workspace = workspace
        self._grants = grants
        self._faults = faults
        self._limiter = limiter
        self._websocket_url = websocket_url

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            args = await read_args(request)
        except RefusalError as refusal:
            return self._finish(name, Args({}), refusal.body())
        fault = self._faults.take(API_FAULTS, name, args.values)
        if fault is not None and (response := await self._before(name, args, fault)):
            return response
        try:
            method = self._admit(name, request, args)
        except RefusalError as refusal:
            return self._finish(name, args, refusal.body())
        channel = self._posts_to(args) if method.is_posting else ""
        retry_after_s = self._limiter.retry_after_s(name, method.tier, channel)
        if retry_after_s is not None:
            return self._too_many(name, args, retry_after_s)
        body = self._run(method, args)
        if fault is not None and body["ok"]:
            if fault.kind is FaultKind.LOST_REPLY:
                self._finish(name, args, body)
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            if fault.kind is FaultKind.DONE_BUT_INTERNAL_ERROR:
                return self._finish(name, args, {"ok": False, "error": "internal_error"}, injected=True)
        return self._finish(name, args, body)

    async def _before(self, name: str, args: Args, fault: Fault) -> web.Response | None:
        """Play the faults in which nothing is done."""
        if fault.kind is FaultKind.SLOW:
            await sleep(self._workspace.clock, fault.seconds)
            return None
        if fault.kind is FaultKind.RATE_LIMITED:
            return self._too_many(name, args, int(fault.seconds) or _RETRY_AFTER_S, injected=True)
        if fault.kind in {FaultKind.SERVER_ERROR, FaultKind.UNAVAILABLE}:
            status = 500 if fault.kind is FaultKind.SERVER_ERROR else 503
            error = "fatal_error" if status == 500 else "service_unavailable"  # noqa: PLR2004 - named one line above
            return self._finish(name, args, {"ok": False, "error": error}, status=status, injected=True)
        if fault.kind is FaultKind.REFUSED:
            return self._finish(name, args, {"ok": False, "error": fault.error}, injected=True)
        if fault.kind is FaultKind.INTERNAL_ERROR:
            return self._finish(name, args, {"ok": False, "error": "internal_error"}, injected=True)
        return None

    def _admit(self, name: str, request: web.Request, args: Args) -> Method:
        method = METHODS.get(name)
        if method is None:
            raise RefusalError("unknown_method", req_method=name)
        if method.post_only and request.method != "POST":
            raise RefusalError("insecure_request")
        token = read_token(request, args)
        if not token:
            raise RefusalError("missing_args" if method.token == "xapp" else "not_authed")  # noqa: S105 - a kind
        app = self._workspace.directory.app
        known = {app.bot_token: "xoxb", app.app_token: "xapp"}
        if token not in known:
            raise RefusalError("invalid_auth")
        if known[token] != method.token:
            raise RefusalError("not_allowed_token_type")
        granted = self._workspace.manifest.scopes
        if method.scopes and not set(method.scopes) & set(granted):
            raise RefusalError("missing_scope", needed=",".join(method.scopes), provided=",".join(granted))
        if self._workspace.is_org_wide and name in NEED_TEAM_ID and not args.text("team_id"):
            raise RefusalError("missing_argument", ["[ERROR] missing required field: team_id"])
        return method

    def _posts_to(self, args: Args) -> str:
        """Return the id of the channel, also when it was named `#like-this`."""
        reference = args.text("channel")
        try:
            return self._workspace.channel(reference).id
        except NotOnScreenError:
            return reference

    def _run(self, method: Method, args: Args) -> Json:
        call = Call(
            args=args,
            workspace=self._workspace,
            grants=self._grants,
            faults=self._faults,
            base_url=self.base_url,
            websocket_url=self._websocket_url,
        )
        try:
            body = {"ok": True, **method.handler(call)}
        except RefusalError as refusal:
            return refusal.body()
        if call.warnings:
            body["warning"] = ",".join(call.warnings)
            body.setdefault("response_metadata", {})["warnings"] = list(call.warnings)
        return body

    def _too_many(self, name: str, args: Args, retry_after_s: int, *, injected: bool = False) -> web.Response:
        body = {"ok": False, "error": "ratelimited"}
        response = self._finish(name, args, body, status=429, injected=injected)
        response.headers["Retry-After"] = str(retry_after_s)
        return response

    def _finish(self, name: str, args: Args, body: Json, *, status: int = 200, injected: bool = False) -> web.Response:
        metadata = body.get("response_metadata", {})
        channel = args.values.get("channel") or args.values.get("channel_id") or ""
        entry = RecordedCall(
            at_s=self._workspace.clock.now(),
            method=name,
            error="" if body["ok"] else str(body["error"]),
            messages=tuple(metadata.get("messages", ())),
            channel=str(channel),
            warnings=tuple(metadata.get("warnings", ())),
            injected=injected,
        )
        self._workspace.call_log.record(entry)
        self._workspace.changes.publish(Change("call", entry.channel, name))
        return web.json_response(
            body, status=status, headers={"X-OAuth-Scopes": ",".join(self._workspace.manifest.scopes)}
        )
