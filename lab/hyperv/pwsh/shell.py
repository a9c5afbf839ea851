"""A remote shell whose runspace is a PowerShell process: passes fragments on, and knows when a pipeline is over."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lab.hyperv.pwsh.process import SESSION, Process
from lab.hyperv.remoting import wsman
from lab.hyperv.remoting.psrp import MessageType, split_fragments
from lab.hyperv.remoting.shells import Command, Runner, Shell

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

_STATE = re.compile(rb'<I32 N="PipelineState">([345])</I32>')
_HEADER_BYTES: Final = 21
_TYPE_AT: Final = _HEADER_BYTES + 4


class ProcessCommand(Command):
    """A pipeline in a PowerShell process."""

    def __init__(self, shell: ProcessShell, command_id: uuid.UUID) -> None:
        super().__init__(shell, command_id)
        self.is_begun = False

    def stop(self) -> None:
        """Ask PowerShell to stop it; PowerShell says when that is done."""
        if self.is_begun and not self.is_ended and isinstance(self.shell, ProcessShell):
            self.shell.process.tell("Signal", self.id)

    def take(self, data: bytes) -> None:
        """Queue for the client what PowerShell says."""
        for fragment in split_fragments(data):
            self.outbox.put_fragments(fragment)
            self.is_ended = self.is_ended or _ends(fragment)
        self.outbox.changed.set()


@dataclass(slots=True, kw_only=True)
class ProcessShell(Shell):
    """One session, one process."""

    start: Callable[[ProcessShell], Process]
    process: Process = field(init=False)

    def __post_init__(self) -> None:
        Shell.__post_init__(self)
        self.process = self.start(self)

    def new_command(self, command_id: uuid.UUID) -> Command:
        return ProcessCommand(self, command_id)

    def feed(self, data: bytes, run: Runner, command: Command | None = None) -> None:
        """Pass PSRP bytes on; the first ones of a pipeline begin it."""
        del run
        if isinstance(command, ProcessCommand) and not command.is_begun:
            command.is_begun = True
            self.process.tell("Command", command.id)
        self.process.send(SESSION if command is None else command.id, data)

    def forget(self, command: Command) -> None:
        Shell.forget(self, command)
        if isinstance(command, ProcessCommand) and command.is_begun:
            self.process.tell("Close", command.id)

    def disconnect(self) -> None:
        """Refuse: nothing of a session on standard streams can be left alone."""
        raise wsman.unsupported_action("Disconnect")

    def end(self) -> None:
        self.process.close()

    def take(self, whose: uuid.UUID, data: bytes) -> None:
        """Queue what PowerShell says of the session, or of a pipeline nobody has closed."""
        if whose == SESSION:
            self.outbox.put_fragments(data)
            return
        command = self.commands.get(str(whose).upper())
        if isinstance(command, ProcessCommand):
            command.take(data)

    def lose(self, why: str) -> None:
        """Tell whoever waits that the process died."""
        self.lost = wsman.host_process_lost(why)
        self.wake()


def _ends(fragment: bytes) -> bool:
    """Return whether a fragment is the message that ends a pipeline: short, and so never in two parts."""
    if len(fragment) < _TYPE_AT + 4:
        return False
    (kind,) = struct.unpack_from("<I", fragment, _TYPE_AT)
    is_first = fragment[_HEADER_BYTES - 5] & 1
    return bool(is_first and kind == MessageType.PIPELINE_STATE and _STATE.search(fragment))
