"""Takes orders on the bot's own machine, without Slack: a Unix socket beside the database (``migrate-bot stop``).

Only the bot's own user and root can open it, and they may write the database anyway; the kernel says which it is.
"""

import getpass
import logging
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path

import aiohttp
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.handlers.machine_orders import MachineOrder, ordered_by
from core.errors import BotSilent, MigrateBotError, NotAllowed

if sys.platform != "win32":
    import pwd

log = logging.getLogger(__name__)

_PRIVATE = 0o600
_FAREWELL_S = 2.0
"""For so long an order that is being carried out may go on when the bot stops."""
_PATIENCE = aiohttp.ClientTimeout(total=15.0)
_ORDER = TypeAdapter(MachineOrder)
_CREDENTIALS = "iII"
"""The kernel's ``struct ucred``: process, user, group (unix(7), SO_PEERCRED)."""

CarryOut = Callable[[MachineOrder, str], Awaitable[str]]


class ControlSocket:
    """The socket of a bot on duty. ``carry_out`` gets the order and who gives it, and returns a sentence."""

    def __init__(self, path: Path, carry_out: CarryOut) -> None:
        self._path = path
        self._carry_out = carry_out
        self._runner: web.AppRunner | None = None
        self._inode = 0

    async def start(self) -> None:
        """Listen. What a process that died left there goes: the database is ours now, so the socket is too.

        A machine that cannot have it costs only the orders without Slack.
        """
        if sys.platform == "win32":
            return
        app = web.Application()
        app.router.add_post("/", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FAREWELL_S)
        await self._runner.setup()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            listening.bind(_address(self._path))
            self._path.chmod(_PRIVATE)  # nobody can connect before it listens
            self._inode = self._path.stat().st_ino
            await web.SockSite(self._runner, listening).start()
        except OSError as error:
            listening.close()
            log.warning("no orders can be given on this machine: %s: %s", self._path, error)

    async def stop(self) -> None:
        """Take no more orders. What another bot has put there stays."""
        if self._runner is not None:
            await self._runner.cleanup()
        with suppress(OSError):
            if self._inode and self._path.stat().st_ino == self._inode:
                self._path.unlink()
        self._runner, self._inode = None, 0

    async def _answer(self, request: web.Request) -> web.Response:
        uid = _user_of(request)
        if not may_order(uid, os.geteuid()):
            return web.json_response({"said": _WHO_MAY}, status=HTTPStatus.FORBIDDEN)
        try:
            order = _ORDER.validate_json(await request.read())
            said = await self._carry_out(order, ordered_by(_name_of(uid), order.sudo_user))
        except ValidationError:
            text = "The bot that runs is of another version and does not know this order: restart it."
            return web.json_response({"said": text}, status=HTTPStatus.BAD_REQUEST)
        except MigrateBotError as error:
            return web.json_response({"said": error.sentence()}, status=HTTPStatus.CONFLICT)
        return web.json_response({"said": said})


async def give_order(path: Path, order: MachineOrder) -> str | None:
    """Give the bot that listens there an order. Returns its answer; None: nobody listens.

    Raises:
        NotAllowed: the bot says no, or this user may not ask it.
        BotSilent: it listens and does not answer.

    """
    if sys.platform == "win32":
        return None
    connector = aiohttp.UnixConnector(path=_address(path))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as session,
            session.post("http://bot/", json=asdict(order)) as answer,
        ):
            said = str((await answer.json())["said"])
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, PermissionError):
            raise NotAllowed(_WHO_MAY) from None
        return None
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError):
        raise BotSilent("The bot on this machine takes the order and does not answer.") from None
    if answer.status != HTTPStatus.OK:
        raise NotAllowed(said)
    return said


def may_order(uid: int, own_uid: int) -> bool:
    """Decide whether a user of this machine may give orders to a bot that runs as ``own_uid``."""
    return uid in {0, own_uid}


def own_name() -> str:
    """Return what the user is called that this process runs as."""
    return getpass.getuser() if sys.platform == "win32" else _name_of(os.geteuid())


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _user_of(request: web.Request) -> int:
    connection = request.transport.get_extra_info("socket") if request.transport else None
    if sys.platform != "linux" or connection is None:
        return os.geteuid()  # nobody else but root can have opened it
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(_CREDENTIALS))
    return int(struct.unpack(_CREDENTIALS, told)[1])


def _address(path: Path) -> str:
    """Return the shorter one of two ways to name it: the kernel takes about a hundred bytes."""
    return min(str(path.absolute()), os.path.relpath(path), key=len)


_WHO_MAY = "Only root and the user the bot runs as may give orders here."
