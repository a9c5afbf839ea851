"""Reads the arguments of a call from any of the encodings Slack accepts: JSON, form, multipart, query string."""

import json
from typing import Any

from aiohttp import web

from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError

_FALSE = {"0", "false", "False", ""}


class Args:
    """Arguments by name. JSON bodies bring real types, forms and query strings bring text for everything."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        raise RefusalError("invalid_arguments", [f"[ERROR] must be a string [json-pointer:/{name}]"])

    def required(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if value:
            return value
        if error != "invalid_arguments":
            raise RefusalError(error)
        raise RefusalError(error, [f"[ERROR] missing required field: {name}"])

    def flag(self, name: str, *, default: bool = False) -> bool:
        if name not in self:
            return default
        return self.text(name) not in _FALSE

    def integer(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise RefusalError("invalid_arguments", [f"[ERROR] must be an integer [json-pointer:/{name}]"]) from None

    def json(self, name: str, error: str = "invalid_arguments") -> Any:
        """Return a structured argument: itself in a JSON body, JSON text elsewhere; None when absent or empty."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise RefusalError(error, [f"[ERROR] must be valid json [json-pointer:/{name}]"]) from None

    def names(self, name: str) -> list[str]:
        """Read a comma separated list (`users=U1,U2`) or a JSON array."""
        value = self.values.get(name)
        if isinstance(value, list):
            return [str(one) for one in value]
        return [one.strip() for one in self.text(name).split(",") if one.strip()]


async def read_args(request: web.Request) -> Args:
    """Merge query string and body; the body wins. Raise RefusalError for a body that is not what it says."""
    values: Json = dict(request.query)
    if request.method == "GET":
        return Args(values)
    kind = request.content_type
    if kind == "application/json":
        body = await request.read()
        if not body:
            return Args(values)
        try:
            parsed = json.loads(body)
        except ValueError:
            raise RefusalError("invalid_json") from None
        if not isinstance(parsed, dict):
            raise RefusalError("json_not_object")
        values.update(parsed)
    elif kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        values.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
    elif await request.read():
        raise RefusalError("invalid_post_type")
    return Args(values)


def read_token(request: web.Request, args: Args) -> str:
    """From the Authorization header, else from the `token` argument."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else args.text("token")
