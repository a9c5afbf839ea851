"""Runs a bot as a process of its own on a lab's site: started, stopped, killed, started again."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from lab.site import Site

STOP_WITHIN_S = 20.0
FOREIGN_SETTINGS = "MIGRATE_BOT_"
"""How the variables begin that would win over the lab's settings file, as those of the container image do."""


class BotProcess:
    """A ``migrate-bot run`` on a site; nothing runs on when its block ends. What it logs goes to ``log``.

    ``module`` is what Python runs as the bot.
    """

    def __init__(self, here: Site, log: Path, extra: Mapping[str, str] | None = None, *, module: str = "bot") -> None:
        self.log = log
        self._module = module
        self._here = here
        self._extra = dict(extra or {})
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it; what an earlier one logged stays in the log."""
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._module, *self._arguments("run")),
                # What the bot writes beside itself belongs to the site, whatever folder we are in.
                cwd=self._here.settings_file.parent,
                env=self._environment() | self._here.secrets | self._extra,
                stdout=output,
                stderr=output,
            )

    async def command(self, *words: str, **environment: str) -> tuple[int, str]:
        """Type a command on the bot's machine, without its secrets. Returns its exit code and all that it says."""
        typed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *self._arguments(*words)),
            cwd=self._here.settings_file.parent,
            env=self._environment() | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await typed.communicate()
        return await typed.wait(), said.decode().strip()

    def _arguments(self, *words: str) -> list[str]:
        return [*words, "--config", str(self._here.settings_file.absolute())]

    @staticmethod
    def _environment() -> dict[str, str]:
        # The lab is on loopback; a proxy of the surroundings must not come between, nor settings meant for another bot.
        ours = {
            key: value
            for key, value in os.environ.items()
            if "proxy" not in key.casefold() and not key.upper().startswith(FOREIGN_SETTINGS)
        }
        return ours | {"PYTHONPATH": os.pathsep.join(sys.path)}

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """End it at once, as a power cut would (SIGKILL)."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int | None:
        """Ask it to end (SIGTERM), kill it if it does not. Returns its exit code."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_WITHIN_S)
            except TimeoutError:
                await self.kill()
        return self._process.returncode

    async def ended(self) -> int:
        """Wait until it ends by itself. Returns its exit code."""
        if self._process is None:
            raise RuntimeError("it was not started")
        return await self._process.wait()
