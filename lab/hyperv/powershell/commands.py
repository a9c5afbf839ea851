"""Which commands a session of a simulated host sees: all of them, or what the JEA role of migrate-bot shows.

Sources: Microsoft docs: JEA session configurations and role capabilities; the role is deploy/MigrateBot.psrc.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from lab.hyperv.powershell.cmdlets import cim, folders, functions, hosts, moves, objects, vms
from lab.hyperv.powershell.pipeline import CommandTable, normalise_script
from lab.hyperv.world.fleet import Endpoint

_ALL: Final = (
    *vms.CMDLETS,
    *hosts.CMDLETS,
    *moves.CMDLETS,
    *cim.CMDLETS,
    *folders.CMDLETS,
    *objects.CMDLETS,
)
_FUNCTIONS: Final = {cmdlet.name.lower(): cmdlet for cmdlet in functions.CMDLETS}

JEA_VISIBLE: Final = frozenset(
    {
        "get-vm",
        "get-vmhost",
        "get-vmharddiskdrive",
        "get-vmsnapshot",
        "get-vmnetworkadapter",
        "get-vmdvddrive",
        "get-vmswitch",
        "get-vmsecurity",
        "get-vhd",
        "move-vm",
        "compare-vm",
        "get-ciminstance",
        "get-command",
    }
)
"""The cmdlets of deploy/MigrateBot.psrc and those of a RestrictedRemoteServer session that the lab knows."""

FUNCTIONS_TEXT: Final = normalise_script((resources.files("lab.hyperv") / "MigrateBot.psm1").read_text("utf-8"))
"""The definition of the functions: a copy of what deploy/ installs and what clients define in their session."""

FULL_LANGUAGE: Final = CommandTable({cmdlet.name.lower(): cmdlet for cmdlet in _ALL}, FUNCTIONS_TEXT, _FUNCTIONS)

_JEA: Final = (
    {cmdlet.name.lower(): cmdlet for cmdlet in _ALL if cmdlet.name.lower() in JEA_VISIBLE}
    | _FUNCTIONS
    | {
        # What the session and the role restrict; the full name of Select-Object is the cmdlet behind the proxy.
        "select-object": objects.JEA_SELECT_OBJECT,
        "get-ciminstance": cim.JEA_GET_CIM_INSTANCE,
        f"{objects.UTILITY}\\select-object".lower(): objects.SELECT_OBJECT,
    }
)

OF_ENDPOINT: Final = {
    Endpoint.FULL_LANGUAGE: FULL_LANGUAGE,
    Endpoint.JEA: CommandTable(_JEA | {"get-childitem": folders.JEA_GET_CHILD_ITEM}),
    Endpoint.JEA_WITHOUT_FOLDERS: CommandTable(_JEA),
}
