"""Runs one PowerShell that serves one session: PSRP fragments in and out as lines of XML on its standard streams.

Source: PowerShell's OutOfProcTransportManager.cs. It handles lines side by side, so that each waits for the answer to
the one before.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final
from uuid import UUID
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SESSION: Final = UUID(int=0)
"""Whom data are for that belong to no pipeline."""
_LINE_BYTES: Final = 1 << 24
_GOODBYE_S: Final = 3.0
_ANSWER_S: Final = 1.0
_STDERR_LINES: Final = 20


class Process:
    """One PowerShell. It ends when its input does: also when the lab dies and nobody is left to end it."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_data: Callable[[UUID, bytes], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._command = command
        self._environment = environment
        self._on_data = on_data
        self._on_end = on_end
        self._lines: asyncio.Queue[tuple[str, UUID, bytes]] = asyncio.Queue()
        self._answered = asyncio.Event()
        self._closing = asyncio.Event()
        self._complaints: deque[str] = deque(maxlen=_STDERR_LINES)
        self.pid: int | None = None
        self.task = asyncio.create_task(self._live(), name="powershell")
        """Done when it is gone."""

    def send(self, to: UUID, data: bytes) -> None:
        """Queue fragments for the session or a pipeline."""
        self._lines.put_nowait(("Data", to, data))

    def tell(self, what: str, to: UUID) -> None:
        """Queue a `Command` (a pipeline begins), `Signal` (it is to stop) or `Close`."""
        self._lines.put_nowait((what, to, b""))

    def close(self) -> None:
        """Let it end."""
        self._closing.set()

    async def _live(self) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env=dict(self._environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE_BYTES,
            )
        except OSError as error:
            self._on_end(f"PowerShell does not start: {error}")
            return
        self.pid = process.pid
        try:
            async with asyncio.TaskGroup() as group:
                complaining = group.create_task(self._collect(process.stderr))
                writing = group.create_task(self._write(process.stdin))
                reading = group.create_task(self._read(process.stdout))
                closing = group.create_task(self._closing.wait())
                await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
                for task in (writing, closing):
                    task.cancel()
                await self._say_goodbye(process, reading)
                complaining.cancel()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if not self._closing.is_set():
                why = " ".join(self._complaints).strip()
                self._on_end(f"PowerShell ended with {process.returncode}. {why}".strip())

    async def _say_goodbye(self, process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_GOODBYE_S):
                if process.stdin is not None:
                    self._answered.clear()
                    process.stdin.write(_line("Close", SESSION))
                    await process.stdin.drain()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_ANSWER_S):
                            await self._answered.wait()
                    process.stdin.close()
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        await asyncio.wait({reading})

    async def _write(self, pipe: asyncio.StreamWriter | None) -> None:
        while pipe is not None:
            what, to, data = await self._lines.get()
            self._answered.clear()
            pipe.write(_line(what, to, data))
            with contextlib.suppress(ConnectionError):  # it is dead: the reader says so
                await pipe.drain()
            await self._answered.wait()

    async def _read(self, pipe: asyncio.StreamReader | None) -> None:
        while pipe is not None and (line := await pipe.readline()):
            try:
                element = ET.fromstring(line)  # noqa: S314  # from a program of our own
            except ET.ParseError:
                self._complaints.append(line.decode(errors="replace").strip())
                continue
            if element.tag == "Data":
                self._on_data(UUID(element.get("PSGuid") or str(SESSION)), base64.b64decode(element.text or ""))
            elif element.tag.endswith("Ack"):
                self._answered.set()

    async def _collect(self, pipe: asyncio.StreamReader | None) -> None:
        while pipe is not None and (line := await pipe.readline()):
            self._complaints.append(line.decode(errors="replace").strip())


def _line(what: str, to: UUID, data: bytes = b"") -> bytes:
    if what != "Data":
        return f"<{what} PSGuid='{to}' />\n".encode()
    return f"<Data Stream='Default' PSGuid='{to}'>{base64.b64encode(data).decode()}</Data>\n".encode()
