"""Plays one migration through a Slack emulator that is not ours: asked, approved by another person, told, over.

It runs in a network namespace of its own, because the emulator listens on every interface.
"""
# ruff: noqa: T201 - a command line talks

import asyncio
import fcntl
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.wiring import running
from core.config import Settings
from lab.gateway import LabGateway
from lab.hyperv.world.world import World
from tests.support.bot_harness import SPEED, OfficeClock, fleet

PORT = 3000
URL = f"http://127.0.0.1:{PORT}"
CHANNEL, ALICE, BOB, BOT = "C0MIGRATE", "U0ALICE", "U0BOB", "U0MIGRATEBOT"
_PATIENCE_S = 120.0

_CONFIG = f"""\
workspace: {{ name: Elsewhere, domain: elsewhere, teamId: T0ELSE }}
app:
  appId: A0MIGRATE
  botUserId: {BOT}
  botName: migrate-bot
  botToken: xoxb-foreign
  appToken: xapp-foreign
  signingSecret: foreign
  mode: socket
users:
  - {{ id: {ALICE}, name: alice, real_name: Alice, tz: Europe/Berlin }}
  - {{ id: {BOB}, name: bob, real_name: Bob, tz: Europe/Berlin }}
channels:
  - {{ id: {CHANNEL}, name: migrations, members: [{ALICE}, {BOB}, {BOT}] }}
"""


def raise_loopback() -> None:
    """Switch the loopback interface of this namespace on."""
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        found = fcntl.ioctl(any_socket, get_flags, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", found)[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


class ForeignSlack:
    """The emulator's control API, as the people in front of it would use its page."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def order(self, what: str, **body: Any) -> None:
        async with self._session.post(f"{URL}/_control/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def look(self, what: str) -> Any:
        async with self._session.get(f"{URL}/_control/{what}") as answer:
            return await answer.json()

    async def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.look(f"messages/{CHANNEL}"))["messages"]
        return found

    async def finds(self, words: str, *, thread_ts: str = "") -> dict[str, Any] | None:
        for message in await self.messages():
            if words in str(message) and message.get("thread_ts", "") == thread_ts:
                return message
        return None


async def until(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Look again and again until something is there."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while not (found := await look()):  # noqa: ASYNC110 - a foreign process has no event of ours
                await asyncio.sleep(0.1)
            return found
    except TimeoutError:
        raise AssertionError(f"never seen: {what}") from None


async def answers(session: aiohttp.ClientSession) -> bool:
    """Whether the emulator listens."""
    try:
        async with session.get(f"{URL}/_control/state") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def settings(folder: Path) -> Settings:
    """Make the settings of a bot in that workspace."""
    values: dict[str, Any] = {
        "store": {"url": f"sqlite+aiosqlite:///{folder / 'bot.db'}"},
        "slack": {"api_url": f"{URL}/api/", "channel": CHANNEL, "oncall": (BOB,)},
        "access": {"requesters": ("*",), "approvers": (BOB,)},
        "migration": {"poll_busy": "200ms", "poll_idle": "500ms", "confirm_start": "5s", "check_timeout": "0s"},
        "winrm": {"operation_timeout": 3},
        "hosts": {name: {"address": f"{name.lower()}.contoso.com", "path": "D:\\VMs"} for name in ("HV01", "HV02")},
        "slack_bot_token": "xoxb-foreign",
        "slack_app_token": "xapp-foreign",
    }
    return Settings(**values)


async def play(folder: Path) -> list[str]:
    """Play it; return what was seen, line by line."""
    began_s = asyncio.get_running_loop().time()
    world = World(fleet(), lambda: (asyncio.get_running_loop().time() - began_s) * SPEED, epoch=datetime.now(UTC))
    clock, seen = OfficeClock(), list[str]()
    gateway = LabGateway(world, clock.now, latency_s=0.005)
    async with aiohttp.ClientSession() as session:
        slack = ForeignSlack(session)
        await until(lambda: answers(session), "the emulator")
        async with running(settings(folder), gateway=gateway, clock=clock) as bot:
            await until(lambda: _connected(bot), "the websocket")
            await slack.order(
                "command", channel=CHANNEL, user=ALICE, command="/migrate", text="web01 from HV01 to HV02"
            )
            card = await until(lambda: slack.finds("J1: move web01"), "the card")
            seen.append("asked: " + card["text"])
            approve = button(card, "migrate_approve")
            await slack.order("interact", channel=CHANNEL, messageTs=card["ts"], user=ALICE, action=approve)
            await until(lambda: slack.finds("somebody else has to approve it"), "the refusal for who asked")
            seen.append("refused: who asked may not approve")
            await slack.order("interact", channel=CHANNEL, messageTs=card["ts"], user=BOB, action=approve)
            for words in ("approved J1", "`web01` is on `HV02`", "J1 is over: 1 of 1 VM moved"):
                said = await until(lambda words=words: slack.finds(words, thread_ts=card["ts"]), words)  # type: ignore[misc]
                seen.append("thread: " + said["text"])
            ended = await until(lambda: slack.finds("1 of 1"), "the end on the card")
            seen.append("card: " + ended["text"])
    return seen


async def _connected(bot: Any) -> bool:
    return bool(await bot.connection.is_connected())


def button(card: dict[str, Any], action_id: str) -> dict[str, Any]:
    """Find a button of a card, as a click sends it."""
    for block in card["blocks"]:
        for element in block.get("elements", ()):
            if element.get("action_id") == action_id:
                return {**element, "block_id": block.get("block_id", "b1")}
    raise AssertionError(f"no {action_id} on the card")


def main(binary: Path) -> int:
    """Start the emulator, play, stop it."""
    raise_loopback()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(_CONFIG, encoding="utf-8")
        with (folder / "emulator.log").open("wb") as log:
            emulator = subprocess.Popen(
                [str(binary), "--config", str(folder / "config.yaml"), "--port", str(PORT)], stdout=log, stderr=log
            )
        try:
            print("\n".join(asyncio.run(play(folder))))
        except AssertionError as failure:
            print(f"foreign Slack: {failure}")
            print((folder / "emulator.log").read_text(encoding="utf-8", errors="replace")[-2000:])
            return 1
        finally:
            emulator.terminate()
            emulator.wait(timeout=10)
    print("foreign Slack: the story went from command to end")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
