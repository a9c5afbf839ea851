"""Which commands a session of a simulated host sees: all of them, or what a role shows in a restricted endpoint.

The role is the one that deploy/ ships, read from its file.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

from lab.hyperv.powershell.cmdlets import cim, folders, functions, hosts, moves, objects, others, vms
from lab.hyperv.powershell.pipeline import CommandTable, normalise_script
from lab.hyperv.powershell.restricted_session import restricted
from lab.hyperv.world.fleet import Endpoint, Host

FULL_CONFIGURATION: Final = "Microsoft.PowerShell"
JEA_CONFIGURATION: Final = "MigrateBot"
"""The name deploy/README.md registers the JEA endpoint under."""
POWERSHELL_7: Final = "PowerShell.7"
HYPER_V: Final = "Hyper-V"


ALL: Final = (
    *vms.CMDLETS,
    *hosts.CMDLETS,
    *moves.CMDLETS,
    *cim.CMDLETS,
    *folders.CMDLETS,
    *objects.CMDLETS,
)

FUNCTIONS_TEXT: Final = normalise_script((resources.files("deploy") / "MigrateBot.psm1").read_text("utf-8"))
"""The definition of the functions: what deploy/ installs and what clients define in their session."""


def shipped_role() -> str:
    """Return the text of the role in deploy/."""
    return (resources.files("deploy") / "MigrateBot.psrc").read_text("utf-8")


def configuration_of(host: Host) -> str:
    """Return the session configuration of a host that the bot's account is meant to use."""
    return JEA_CONFIGURATION if host.endpoint.is_restricted else FULL_CONFIGURATION


def admits(host: Host, configuration: str) -> bool | None:
    """Whether the bot's account may use a session configuration; None when there is none of that name."""
    if configuration.lower() == configuration_of(host).lower():
        return True
    if _is_stock(configuration):
        return host.stock_endpoint_is_open or not host.endpoint.is_restricted
    return None


def _is_stock(configuration: str) -> bool:
    return configuration.lower() in {FULL_CONFIGURATION.lower(), POWERSHELL_7.lower()}


def commands_of(host: Host, configuration: str) -> CommandTable:
    """Return what a session of the bot sees on a host. Raises `RoleError` for a role that makes no session."""
    if not host.endpoint.is_restricted or _is_stock(configuration):
        return _ordinary(
            host.other_module,
            is_constrained=host.endpoint is Endpoint.CONSTRAINED_LANGUAGE,
            is_seven=configuration.lower() == POWERSHELL_7.lower(),
        )
    return _restricted(
        host.role or shipped_role(), host.module, has_folders=host.endpoint is not Endpoint.JEA_WITHOUT_FOLDERS
    )


@cache
def _ordinary(other_module: str, *, is_constrained: bool, is_seven: bool) -> CommandTable:
    cmdlets = others.stand_ins(ALL, HYPER_V) if is_seven else ALL
    first = others.of_module(other_module) if other_module else ()
    own = others.in_constrained_language(functions.CMDLETS) if is_constrained else functions.CMDLETS
    return CommandTable((*first, *cmdlets), FUNCTIONS_TEXT, own)


@cache
def _restricted(role: str, module: str, *, has_folders: bool) -> CommandTable:
    shown = [cmdlet for cmdlet in functions.of_module(module) if has_folders or cmdlet.name not in functions.OF_FOLDERS]
    return restricted(role, ALL, shown)
