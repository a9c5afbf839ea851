"""Starts PowerShell for the sessions of a lab's hosts, and answers what their stand-in cmdlets ask.

A session's process is told an address of its own below the control API, so that the fleet knows who asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from lab.hyperv.powershell.binding import BindingError
from lab.hyperv.powershell.cmdlet import CmdletSession, PipelineFailed, Streams
from lab.hyperv.powershell.commands import ALL, FUNCTIONS_TEXT, shipped_role
from lab.hyperv.powershell.pipeline import CommandTable, Stage, run_stages
from lab.hyperv.pwsh import values
from lab.hyperv.pwsh.install import PowerShell, quiet_environment, write_module
from lab.hyperv.pwsh.process import Process
from lab.hyperv.pwsh.shell import ProcessShell
from lab.hyperv.remoting.dotnet_values import ErrorDetail
from lab.hyperv.remoting.records import Category
from lab.hyperv.world.fleet import Endpoint
from lab.hyperv.world.strict import BadDescription

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.hyperv.world.fleet import Host

_log = logging.getLogger(__name__)

_EVERYTHING: Final = CommandTable(ALL)
"""Stand-ins are the host's own code: what a role hides from people is not hidden from them."""
_FUNCTION = re.compile(r"(?m)^function ([\w-]+)")
_RESTRICTED: Final = (
    "SchemaVersion = '2.0.0.0'\n    SessionType = 'RestrictedRemoteServer'\n    LanguageMode = 'NoLanguage'\n"
)


_CONSTRAINED: Final = "@{ SchemaVersion = '2.0.0.0'; SessionType = 'Default'; LanguageMode = 'ConstrainedLanguage' }\n"


def configuration_text(role: str) -> str:
    """Return a restricted session configuration with the fields of a role file; roles themselves need Windows."""
    body = role.rstrip()
    if not body.endswith("}"):
        raise BadDescription("the role file does not end with its table.")
    return f"{body[:-1]}{_RESTRICTED}}}\n"


@dataclass(frozen=True, slots=True)
class _Host:
    """What the processes of one host need to know."""

    options: list[str]
    modules: list[str]
    session_of: Callable[[ProcessShell], CmdletSession]


class Engine:
    """PowerShell for all hosts of one lab."""

    def __init__(self, powershell: PowerShell, folder: Path) -> None:
        self._powershell = powershell
        self._folder = folder / "powershell"
        self._hosts: dict[str, _Host] = {}
        self._shells: dict[str, tuple[str, ProcessShell]] = {}
        self._processes: set[Process] = set()
        self.control_url = ""
        self._folder.mkdir(parents=True)
        names = tuple(_FUNCTION.findall(FUNCTIONS_TEXT))
        write_module(self._folder / "modules", "MigrateBot", FUNCTIONS_TEXT, names)

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that run."""
        return [process.pid for process in self._processes if process.pid is not None]

    def add_host(self, host: Host, name: str, session_of: Callable[[ProcessShell], CmdletSession]) -> None:
        """Let sessions of a host be opened, of the kind that its description says. Raises `BadDescription`."""
        modules, text = [str(self._powershell.modules)], ""
        if host.endpoint is Endpoint.JEA:
            own = self._folder / "modules"
            if host.module:
                own = self._folder / f"modules of {name}"
                write_module(own, "MigrateBot", host.module, tuple(_FUNCTION.findall(host.module)))
            modules.append(str(own))
            text = configuration_text(host.role or shipped_role())
        elif host.endpoint is Endpoint.CONSTRAINED_LANGUAGE:
            text = _CONSTRAINED
        elif host.endpoint is not Endpoint.FULL_LANGUAGE:
            raise BadDescription(f"host {name}: a real PowerShell plays no endpoint {host.endpoint}.")
        options: list[str] = []
        if text:
            file = self._folder / f"{name}.pssc"
            file.write_text(text, encoding="utf-8")
            options = ["-ConfigurationFile", str(file)]
        self._hosts[name] = _Host(options, modules, session_of)

    def make_shell(self, host: str, **fields: Any) -> ProcessShell:
        """Return a shell of a host; its process is on its way."""

        def start(shell: ProcessShell) -> Process:
            process = Process(self._command(host), self._environment(host, shell.id), shell.take, shell.lose)
            self._shells[shell.id] = (host, shell)
            self._processes.add(process)
            process.task.add_done_callback(lambda _: self._forget(shell.id, process))
            return process

        return ProcessShell(**fields, start=start)

    async def close(self) -> None:
        """End every process and wait for it."""
        waiting = [process.task for process in self._processes]
        for process in self._processes:
            process.close()
        if waiting:
            await asyncio.wait(waiting)

    def _forget(self, shell_id: str, process: Process) -> None:
        self._shells.pop(shell_id, None)
        self._processes.discard(process)

    def _command(self, name: str) -> list[str]:
        return [str(self._powershell.program), "-NoLogo", "-NoProfile", *self._hosts[name].options, "-sshs"]

    def _environment(self, name: str, shell_id: str) -> dict[str, str]:
        return {
            **quiet_environment(self._powershell.modules.parent),
            "PSModulePath": ":".join(self._hosts[name].modules),
            "LAB_HOST": name,
            "LAB_CONTROL": f"{self.control_url}/sessions/{shell_id}",
        }

    # --- what stand-in cmdlets ask

    def routes(self) -> list[web.RouteDef]:
        """Return what the control API has to answer besides."""
        return [web.post("/sessions/{shell}/pipeline", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name, shell = self._shells.get(request.match_info["shell"], ("", None))
        if shell is None:
            raise web.HTTPNotFound
        stages = [_stage(command) for command in (await request.json())["commands"]]
        session = self._hosts[name].session_of(shell)
        reply = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        with contextlib.suppress(ConnectionError):  # the cmdlet was stopped, or its PowerShell died: the host goes on
            await reply.prepare(request)
            async for line in _lines(stages, session):
                await reply.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
            await reply.write_eof()
        return reply


def _stage(command: dict[str, Any]) -> Stage:
    return Stage(command["name"], [(name, values.read(value)) for name, value in command["params"].items()])


async def _lines(stages: list[Stage], session: CmdletSession) -> Any:
    """Run a pipeline and yield what it says, line by line, as it happens."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    streams = Streams(
        error=lambda detail: said.put_nowait(values.write_error(detail, is_terminating=False)),
        progress=lambda record: said.put_nowait(values.write_progress(record)),
    )

    async def work() -> None:
        try:
            async for value in run_stages(stages, None, session, _EVERYTHING, streams):
                said.put_nowait({"kind": "output", "value": values.write(value)})
        except (BindingError, PipelineFailed) as failure:
            said.put_nowait(values.write_error(failure.detail, is_terminating=True))
        except Exception as error:  # noqa: BLE001  # a bug of the lab must reach the cmdlet, not leave it waiting
            _log.exception("a simulated pipeline broke")
            detail = ErrorDetail(f"The lab broke: {error!r}", "LabError", Category.NotImplemented)
            said.put_nowait(values.write_error(detail, is_terminating=True))
        finally:
            said.put_nowait({"kind": "done"})

    working = asyncio.create_task(work(), name="pipeline of a stand-in")
    try:
        while True:
            line = await said.get()
            yield line
            if line["kind"] == "done":
                return
    finally:
        working.cancel()
        await asyncio.wait({working})
