"""What a simulated cmdlet is made of: its syntax, its code, and the session and streams it runs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.hyperv.remoting.dotnet_values import ErrorDetail, Thrown, Value
from lab.hyperv.world.host_messages import CAUSES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from lab.hyperv.powershell.binding import Bound, Syntax
    from lab.hyperv.remoting.auth import Login
    from lab.hyperv.remoting.records import Category, Progress
    from lab.hyperv.remoting.shells import Shell
    from lab.hyperv.world.fleet import Fleet, Host
    from lab.hyperv.world.lab_clock import LabClock
    from lab.hyperv.world.world import World

VIRTUALIZATION_EXCEPTION = "Microsoft.HyperV.PowerShell.VirtualizationException"
WRITE_ERROR_EXCEPTION = "Microsoft.PowerShell.Commands.WriteErrorException"
"""What Write-Error in a function makes."""


class PipelineFailed(Exception):
    """A terminating error: the pipeline ends in the state Failed with this record."""

    def __init__(self, detail: ErrorDetail) -> None:
        super().__init__(detail.message)
        self.detail = detail


def not_recognized(name: str) -> str:
    """Return PowerShell's text for a command it does not know."""
    return (
        f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. "
        "Check the spelling of the name, or if a path was included, verify that the path is correct and try again."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CmdletSession:
    """One remote session on one host: the world as this user reaches it from there."""

    world: World
    fleet: Fleet
    host: str
    login: Login
    pace: LabClock
    shell: Shell
    module_load_s: float = 0.0
    """How long the first cmdlet of Hyper-V's module takes to load it, in lab seconds."""

    @property
    def described(self) -> Host:
        return self.world.described(self.host)

    @property
    def functions(self) -> set[str]:
        """Names of functions that were defined in this session."""
        return self.shell.defined_functions

    def refuse_hop(self, other: str) -> str | None:
        """Return the text of the refusal when this session may not act on a second host over WinRM."""
        pairs = self.fleet.delegation
        is_allowed = all(
            pair.winrm
            for pair in pairs
            if pair.source.lower() == self.host.lower() and pair.destination.lower() == other.lower()
        )
        if self.described.quirks.hop_a_needs_delegated_logon and not self.login.has_delegated_logon:
            is_allowed = False
        return None if is_allowed else CAUSES["hop-a-denied"].english.format(other=other)


@dataclass(slots=True, kw_only=True)
class Streams:
    """Where a pipeline's records other than output go."""

    error: Callable[[ErrorDetail], None]
    progress: Callable[[Progress], None]


@dataclass(slots=True, kw_only=True)
class CmdletCall:
    """One command of a running pipeline with its parameters bound."""

    session: CmdletSession
    bound: Bound
    streams: Streams
    commands: Callable[[], list[Cmdlet]]
    """Every command this session can see."""

    @property
    def set_name(self) -> str:
        return self.bound.set_name

    def get(self, name: str, default: Value = None) -> Value:
        return self.bound.get(name, default)

    def has(self, name: str) -> bool:
        return name in self.bound

    def error(
        self,
        message: str,
        error_id: str,
        category: Category | int,
        *,
        exception: str = VIRTUALIZATION_EXCEPTION,
        target: Value = None,
        hresult: int = -2146233088,
        made: Thrown | None = None,
    ) -> None:
        """Write a non-terminating error, unless -ErrorAction says otherwise."""
        syntax = self.bound.syntax.inner or self.bound.syntax
        detail = ErrorDetail(
            message,
            f"{error_id},{syntax.class_name}",
            int(category),
            exception_type=exception,
            target=target,
            activity="Write-Error" if exception == WRITE_ERROR_EXCEPTION else syntax.command,
            hresult=hresult,
            thrown=made,
            command=syntax.command,
            is_in_function=self.bound.syntax.is_function,
        )
        action = str(self.bound.common.get("ErrorAction", "Continue")).lower()
        if action in {"stop", "1"}:
            raise PipelineFailed(detail)
        if action not in {"silentlycontinue", "0", "ignore", "4"}:
            self.streams.error(detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cmdlet:
    """A command: `process` runs once for each input object, or `whole` once for all of them.

    `module` is its module; `is_function` marks a function that a script or a role defines.
    """

    syntax: Syntax
    module: str
    process: Callable[[CmdletCall], AsyncIterator[Value]] | None = None
    whole: Callable[[CmdletCall, AsyncIterator[Value]], AsyncIterator[Value]] | None = None
    is_function: bool = False
    validate: Callable[[Bound], None] | None = field(default=None)
    """Checks values after binding; raises `BindingError`."""

    @property
    def name(self) -> str:
        return self.syntax.command

    def goes_by(self, name: str, matches: Callable[[str, str], bool] = str.__eq__) -> bool:
        """Whether a name, with or without its module, in any case, means this command."""
        wanted, own = name.lower(), self.name.lower()
        return matches(own, wanted) or (bool(self.module) and matches(f"{self.module.lower()}\\{own}", wanted))
