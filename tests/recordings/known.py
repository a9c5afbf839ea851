"""Why a case differs from its recording and is right to: every one, with its reason; a case that agrees has none."""

_STAND_IN = (
    "The recorded text, id or class of exception is a stand-in's: a simulated fleet made it, no Hyper-V, and the lab "
    "has another one."
)
_CIM = "The recorded type is a stand-in's: it has no CimInstance class. The lab gives the name that Windows gives."
_FIRST_USE = "Windows PowerShell 5.1 tells of modules that it prepares for first use; PowerShell 7.6 does not."
_SCRIPT = "The lab's own engine runs no scripts, but for the definition of the bot's functions; the second engine does."
_VHD = "The recorded full name of the class behind Get-VHD is a stand-in's."
_LISTED = "The role no longer defines Get-ChildItem: Get-FolderItem of MigrateBot.psm1 took its place."
_DVD = "The recorded VM has no DVD drive; in the lab every VM has one, mostly empty."

REASONS: dict[tuple[str, str], str] = {
    **{("full-language", name): _CIM for name in ("COUNTERS", "VOLUMES", "MEMORY", "jobs after")},
    ("jea", "class allowed"): _CIM,
    ("full-language", "HOST"): _FIRST_USE,
    ("jea", "Get-Command"): _FIRST_USE,
    ("jea-limited", "Get-Command"): _FIRST_USE,
    **{("full-language", name): _VHD for name in ("empty list", "null in list", "null")},
    ("full-language", "disk files, one missing"): _VHD,
    ("jea-limited", "paths, one missing"): _VHD,
    **{
        ("full-language", name): _STAND_IN
        for name in ("folder", "folder, none", "peer, none", "bad class", "bad namespace", "move, to itself")
    },
    ("jea-limited", "move with tables for disks"): _STAND_IN,
    ("full-language", "dvd_drives"): _DVD,
    **{
        ("full-language", name): _SCRIPT
        for name in (
            "script",
            "script throws",
            "script error",
            "script warns",
            "script progress",
            "script syntax",
            "stopped",
        )
    },
    ("jea", "Get-ChildItem of the role"): _LISTED,
    ("jea", "Get-ChildItem of the role, no such folder"): _LISTED,
}
