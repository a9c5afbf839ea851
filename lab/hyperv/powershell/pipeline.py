"""Runs the pipelines clients send: structured commands, one after the other, object by object; no script text.

Sources: MS-PSRP 3.2.5.4 (server processing), Microsoft docs: about_Pipelines, about_Language_Modes.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from psrpcore.types import PSDictBase, PSListBase, PSObject

from lab.hyperv.powershell.binding import BindingError, Bound, bind, bind_input
from lab.hyperv.powershell.cmdlet import (
    VIRTUALIZATION_EXCEPTION,
    Cmdlet,
    CmdletCall,
    CmdletSession,
    PipelineFailed,
    Streams,
    not_recognized,
)
from lab.hyperv.remoting.clixml import serialize
from lab.hyperv.remoting.dotnet_values import ErrorDetail, NoteObject, Thrown, Value
from lab.hyperv.remoting.psrp import MessageType
from lab.hyperv.remoting.records import Category, PipelineState, Progress, write_error, write_progress, write_state
from lab.hyperv.world.faults import ValueFaultKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from psrpcore import Command as PsrpCommand

    from lab.hyperv.remoting.shells import Command
    from lab.hyperv.world.faults import ValueFault

_log = logging.getLogger(__name__)

HYPERV: Final = "Hyper-V"
FIRST_USE: Final = Progress("Preparing modules for first use.", " ", -1, is_last=True)
_WRONG: Final[dict[ValueFaultKind, Value]] = {
    ValueFaultKind.NULL: None,
    ValueFaultKind.TEXT: "gibberish",
    ValueFaultKind.NUMBER: -7,
    ValueFaultKind.LIST: ["one", "two"],
    ValueFaultKind.OBJECT: NoteObject({"Surprise": "yes"}),
}
_HYPER_V = "Hyper-V"
_OBJECTS_PER_TURN: Final = 25
"""How many objects are written before other work of the event loop gets its turn."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of a pipeline as it was sent; a parameter without a name is positional."""

    name: str
    arguments: Sequence[tuple[str | None, Value]] = ()


@dataclass(frozen=True, slots=True)
class CommandTable:
    """The commands of one session, and what script text, if any, it may define."""

    commands: tuple[Cmdlet, ...]
    script: str | None = None
    """The only script text the session runs, with its line ends normalised; None is a no-language session."""
    functions: tuple[Cmdlet, ...] = ()
    """What that script defines."""

    def visible(self, session: CmdletSession) -> list[Cmdlet]:
        return [*self.commands, *(cmdlet for cmdlet in self.functions if cmdlet.name in session.functions)]

    def find(self, name: str, session: CmdletSession) -> Cmdlet:
        """Return the command a name means, a function before a cmdlet; raise PipelineFailed when there is none.

        Of several cmdlets with one name the first wins, as the module imported last does.
        """
        found = [cmdlet for cmdlet in self.visible(session) if cmdlet.goes_by(name)]
        if not found:
            raise PipelineFailed(self._not_found(name))
        return next((cmdlet for cmdlet in found if cmdlet.is_function), found[0])

    def _not_found(self, name: str) -> ErrorDetail:
        module, _, bare = name.rpartition("\\")
        if self.script is None:
            return _not_found(bare)  # a restricted session does not speak of modules
        if not module or module.lower() in {cmdlet.module.lower() for cmdlet in self.commands}:
            return _not_found(name)
        text = f"The module '{module}' could not be loaded. For more information, run 'Import-Module {module}'."
        return replace(_not_found(name), message=text, fqid="CouldNotAutoLoadModule")


async def run_pipeline(command: Command, session: CmdletSession, table: CommandTable) -> None:
    """Run what a client sent and tell it everything, down to the final state."""
    event = command.event
    if event is None:
        return
    streams = _streams(command)
    try:
        if session.shell.is_first_command:
            session.shell.is_first_command = False
            streams.progress(FIRST_USE)
        for statement in _statements(event.pipeline.commands):
            await _run_statement(statement, command, session, table, streams)
        command.end(write_state(PipelineState.COMPLETED))
    except PipelineFailed as failure:
        command.end(write_state(PipelineState.FAILED, failure.detail))
    except BindingError as failure:
        command.end(write_state(PipelineState.FAILED, failure.detail))
    except Exception as error:  # noqa: BLE001  # a bug of the lab must reach the client as a failed pipeline, not as silence
        _log.exception("a simulated pipeline broke")
        command.end(write_state(PipelineState.FAILED, _refusal(f"The lab broke: {error!r}", "LabError")))


def _streams(command: Command) -> Streams:
    return Streams(
        error=lambda detail: command.send(MessageType.ERROR_RECORD, write_error(detail)),
        progress=lambda record: command.send(MessageType.PROGRESS_RECORD, write_progress(record)),
    )


def _statements(commands: Sequence[PsrpCommand]) -> Iterable[list[PsrpCommand]]:
    statement: list[PsrpCommand] = []
    for item in commands:
        statement.append(item)
        if item.end_of_statement:
            yield statement
            statement = []
    if statement:
        yield statement


async def _run_statement(
    statement: list[PsrpCommand], command: Command, session: CmdletSession, table: CommandTable, streams: Streams
) -> None:
    if statement[0].is_script:
        _define(statement, session, table)
        return
    stages = []
    for item in statement:
        if item.is_script:
            raise PipelineFailed(_no_scripts(table, str(item.command_text)))
        arguments = [(None if name is None else str(name), plain(value)) for name, value in item.parameters]
        stages.append(Stage(str(item.command_text), arguments))
    if not session.shell.has_module and _uses_hyperv(stages, session, table):
        await session.pace.wait(session.module_load_s)
        session.shell.has_module = True
    written = 0
    wrongs = session.world.trouble.for_host(session.host).values
    async for value in run_stages(stages, _input(command) if command.input else None, session, table, streams):
        met = [wrong for wrong in wrongs if _concerns(wrong, value)]
        if any(wrong.kind is ValueFaultKind.ERROR for wrong in met):
            streams.error(_unreadable(value))
            continue
        command.send(MessageType.PIPELINE_OUTPUT, serialize(_spoiled(value, met) if met else value))
        written += 1
        if written % _OBJECTS_PER_TURN == 0:
            await asyncio.sleep(0)


def _uses_hyperv(stages: Sequence[Stage], session: CmdletSession, table: CommandTable) -> bool:
    """Whether a command of Hyper-V's module is among these: it is loaded before the first of them runs."""
    of_module = [cmdlet for cmdlet in table.visible(session) if cmdlet.module == HYPERV]
    return any(cmdlet.goes_by(stage.name) for stage in stages for cmdlet in of_module)


def run_stages(
    stages: Sequence[Stage],
    source: AsyncIterator[Value] | None,
    session: CmdletSession,
    table: CommandTable,
    streams: Streams,
) -> AsyncIterator[Value]:
    """Return what commands put out when objects flow from one to the next. Raises PipelineFailed, BindingError."""
    # PowerShell finds and binds every command before the first one runs.
    for stage in stages:
        cmdlet = table.find(stage.name, session)
        bound = bind(cmdlet.syntax, stage.arguments, has_input=source is not None or cmdlet.whole is not None)
        if cmdlet.validate is not None:
            cmdlet.validate(bound)
        call = CmdletCall(session=session, bound=bound, streams=streams, commands=lambda: table.visible(session))
        source = _stage(cmdlet, call, source)
    return source or _nothing()


def _concerns(wrong: ValueFault, value: Value) -> bool:
    """Whether a fault is about this object: it has the property, and belongs to the VM."""
    if not isinstance(value, NoteObject):
        return False
    told = {name.lower(): text for name, text in value.properties.items()}
    if wrong.property.lower() not in told:
        return False
    # Jobs name the VM in upper case, as VirtualSystemName.
    owners = {str(told.get(name, "")).lower() for name in ("id", "vmid", "virtualsystemname")}
    return wrong.vm is None or str(wrong.vm) in owners


def _unreadable(value: Value) -> ErrorDetail:
    name = value.properties.get("Name", "") if isinstance(value, NoteObject) else ""
    return ErrorDetail(
        f"Hyper-V encountered an error trying to access an object on computer because the object {name} was not found.",
        "ObjectNotFound",
        Category.NotSpecified,
        exception_type=VIRTUALIZATION_EXCEPTION,
    )


def _spoiled(value: Value, wrongs: Sequence[ValueFault]) -> Value:
    """Return a selected object as a host in trouble tells it."""
    if not isinstance(value, NoteObject):
        return value
    told = NoteObject(dict(value.properties))
    told.type_names = value.type_names
    for wrong in wrongs:
        for name in [known for known in told.properties if known.lower() == wrong.property.lower()]:
            if wrong.kind is ValueFaultKind.MISSING:
                del told.properties[name]
            else:
                told.properties[name] = _WRONG[wrong.kind]
    return told


async def _stage(cmdlet: Cmdlet, call: CmdletCall, source: AsyncIterator[Value] | None) -> AsyncIterator[Value]:
    if cmdlet.whole is not None:
        async for output in cmdlet.whole(call, source or _nothing()):
            yield output
        return
    if cmdlet.process is None or (source is None and _is_away(cmdlet, call)):
        return
    if source is None:
        async for output in cmdlet.process(call):
            yield output
        return
    seen = 0
    async for item in source:
        seen += 1
        if seen % _OBJECTS_PER_TURN == 0:
            await asyncio.sleep(0)
        try:
            bound = bind_input(call.bound, item)
        except BindingError as failure:
            call.streams.error(failure.detail)
            continue
        async for output in cmdlet.process(_with(call, bound)):
            yield output


def _is_away(cmdlet: Cmdlet, call: CmdletCall) -> bool:
    """Whether a cmdlet of Hyper-V meets no service; it says so then."""
    away = call.session.world.vmms.refusal(call.session.host) if cmdlet.module == _HYPER_V else ""
    if away:
        call.error(away, "ObjectNotFound", Category.ObjectNotFound)
    return bool(away)


def _with(call: CmdletCall, bound: Bound) -> CmdletCall:
    return CmdletCall(session=call.session, bound=bound, streams=call.streams, commands=call.commands)


async def _nothing() -> AsyncIterator[Value]:
    empty: tuple[Value, ...] = ()
    for item in empty:
        yield item


async def _input(command: Command) -> AsyncIterator[Value]:
    for item in command.input:
        yield plain(item)


def _define(statement: list[PsrpCommand], session: CmdletSession, table: CommandTable) -> None:
    """Run the one script text a full-language session of the lab knows: the definition of its functions."""
    text = normalise_script(str(statement[0].command_text))
    if table.script is None or text != table.script or len(statement) > 1:
        raise PipelineFailed(_no_scripts(table, text))
    session.functions.update(cmdlet.name for cmdlet in table.functions)


def normalise_script(text: str) -> str:
    """Return script text with Unix line ends and no blank space around it."""
    return text.replace("\r\n", "\n").strip()


def plain(value: Any) -> Value:
    """Return what psrpcore read from the client as plain Python values; live objects do not cross the wire."""
    if isinstance(value, PSDictBase):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, PSListBase):
        return [plain(item) for item in value]
    if isinstance(value, PSObject) and type(value).__name__ in {"PSObject", "PSCustomObject"}:
        text = value.PSObject.to_string
        return text if text is not None else value
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    return int(value) if isinstance(value, int) else value


def _not_found(name: str) -> ErrorDetail:
    message = not_recognized(name)
    exception = "System.Management.Automation.CommandNotFoundException"
    thrown = Thrown(exception, message, (("CommandName", name),))
    return ErrorDetail(
        message,
        "CommandNotFoundException",
        Category.ObjectNotFound,
        exception_type=exception,
        target=name,
        thrown=thrown,
    )


def _no_scripts(table: CommandTable, text: str) -> ErrorDetail:
    if table.script is not None:
        return _refusal(
            "The lab does not run script text; it knows one script only, the functions of MigrateBot.psm1.",
            "LabRunsNoScripts",
        )
    message = "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."
    exception = "System.Management.Automation.ParseException"
    thrown = Thrown(exception, message, (("Errors", None),))
    return ErrorDetail(
        message, "ScriptsNotAllowed", Category.ParserError, exception_type=exception, target=text, thrown=thrown
    )


def _refusal(message: str, error_id: str) -> ErrorDetail:
    return ErrorDetail(message, error_id, Category.NotImplemented, exception_type="System.NotSupportedException")
