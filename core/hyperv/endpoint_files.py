"""Writes the restricted endpoint of an installation: its hosts, its folders, its accounts, as constants.

What deploy/ ships limits the kinds of values; this fills in which ones. Values are checked by PowerShell (role) and by
the functions themselves (module). Rules of both as tried on PowerShell 7.6: deploy/README.md.
"""

import hashlib
import re
from collections.abc import Iterator
from importlib import resources

from core.config import Settings
from core.domain.model import windows_paths
from core.domain.model.folder_names import normal
from core.errors import SettingsError

MARK = "# Written by `migrate-bot endpoint`."
"""How every file of it begins."""
_NAME = r'(\\(?![^\\]*[. ](\\|$))[^\\/:*?"<>|\x00-\x1f]+)'
_END = r"\\?(?!\n)"
ON_A_DRIVE = f"[A-Za-z]:{_NAME}+{_END}"
"""The folders and files that the shipped role takes."""
ANY_HOST = r"[A-Za-z0-9.:_-]+(?!\n)"
_READ = "Name = 'Path'; ValidatePattern = "
_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")
"""What ends a text in single quotes for PowerShell."""


def endpoint_texts(settings: Settings) -> dict[str, str]:
    """Return the text of each file by its path below the folder of the endpoint.

    Raises:
        SettingsError: the settings do not say which account, host or folder it is for.

    """
    accounts = _accounts(settings)
    mark = settings_mark(settings)
    texts = {
        "MigrateBot/MigrateBot.psd1": _manifest(),
        "MigrateBot/MigrateBot.psm1": _module(settings),
        "MigrateBot/RoleCapabilities/MigrateBot.psrc": _role(settings, mark),
        "MigrateBot.pssc": _configuration(settings, accounts),
        "README.md": _page(mark),
    }
    return {name: f"{MARK if not name.endswith('.md') else f'<!-- {MARK} -->'}\n{text}" for name, text in texts.items()}


def install_commands() -> tuple[str, ...]:
    """Return the commands that install and register the endpoint on a host; the last one restarts WinRM."""
    return (
        "Copy-Item -Recurse -Force MigrateBot 'C:\\Program Files\\WindowsPowerShell\\Modules'",
        "Test-PSSessionConfigurationFile MigrateBot.pssc",
        "Register-PSSessionConfiguration -Name MigrateBot -Path MigrateBot.pssc -Force",
    )


def _page(mark: str) -> str:
    lines = "\n".join(install_commands())
    return (
        f"# The endpoint of your hosts\n\nWritten from the settings {mark}. On every host, as an administrator:\n\n"
        f"```powershell\n{lines}\n```\n\n"
        "To change it, change the settings and run `migrate-bot endpoint` again: `migrate-bot check` names the hosts\n"
        "whose role is older. What a host needs besides: the page `hosts-setup.md` of migrate-bot.\n"
    )


def settings_mark(settings: Settings) -> str:
    """Return the name of the function that a role of just these settings shows.

    Raises:
        SettingsError: as ``endpoint_texts``.

    """
    parts = (_module(settings), _role(settings, ""), _configuration(settings, _accounts(settings)))
    return f"MigrateBot-{hashlib.sha256(''.join(parts).encode()).hexdigest()[:12]}"


def mark_of(settings: Settings) -> str:
    """Return the mark, or nothing where the settings are for no endpoint of their own."""
    try:
        return settings_mark(settings)
    except SettingsError:
        return ""


def _accounts(settings: Settings) -> tuple[str, ...]:
    if not settings.winrm.service_account:
        raise SettingsError(
            "winrm.service_account is not set: the account the endpoint works as.",
            hint="Name a group managed service account, such as CONTOSO\\migratebot.",
        )
    names = {settings.winrm.username if host.username is None else host.username for host in settings.hosts.values()}
    if "" in names or not names:
        raise SettingsError("winrm.username is not set: the account that may connect to the endpoint.")
    return tuple(sorted(names))


def _hosts(settings: Settings) -> list[str]:
    return sorted({host.migration_address or host.address for host in settings.hosts.values()})


def _folders(settings: Settings) -> list[str]:
    unlimited = [name for name, host in settings.hosts.items() if not host.allowed_paths]
    if unlimited:
        raise SettingsError(
            f"hosts.{unlimited[0]}.allowed_paths is not set: the endpoint is limited to the folders of all hosts.",
            hint="List the folders that VMs may go to, for every host.",
        )
    return sorted({normal(path) for host in settings.hosts.values() for path in host.allowed_paths or ()})


def _below(folder: str) -> str:
    return f"{re.escape(folder.rstrip(chr(92)))}{_NAME}*{_END}"


def _any_of(patterns: list[str]) -> str:
    return f"({'|'.join(patterns)})"


def _quoted(text: str) -> str:
    return "'" + _QUOTES.sub(lambda found: found[0] * 2, text) + "'"


def _shipped(name: str) -> str:
    return resources.files("deploy").joinpath(name).read_text(encoding="utf-8")


def _role(settings: Settings, mark: str) -> str:
    folders = _folders(settings)
    targets = _quoted(_any_of([_below(folder) for folder in folders]))
    shares = [_below(folder) for folder in folders if windows_paths.is_on_share(folder)]
    text = _shipped("MigrateBot.psrc")
    text = text.replace(f"ValidatePattern = '{ANY_HOST}'", f"ValidateSet = {', '.join(map(_quoted, _hosts(settings)))}")
    text = text.replace(f"{_READ}'{ON_A_DRIVE}'", _READ + "\0")
    text = text.replace(f"ValidatePattern = '{ON_A_DRIVE}'", f"ValidatePattern = {targets}")
    text = text.replace("\0", _quoted(_any_of([ON_A_DRIVE, *shares])))
    text = text.replace("    VisibleFunctions = @(\n", f"    VisibleFunctions = @(\n        '{mark}'\n")
    return text.rstrip()[:-1] + (
        f"\n    # Shows which settings this was written from.\n"
        f"    FunctionDefinitions = @{{ Name = '{mark}'; ScriptBlock = {{ }} }}\n}}\n"
    )


def _module(settings: Settings) -> str:
    limits = {
        "MigrateBotFolders": _any_of([_below(folder) for folder in _folders(settings)]),
        "MigrateBotHosts": _any_of([re.escape(host) for host in _hosts(settings)]) + r"(?!\n)",
        "MigrateBotKeys": f"{re.escape(settings.owners.key) if settings.reads_notes else '(?!)'}(?!\\n)",
    }
    text = _shipped("MigrateBot.psm1")
    for name, pattern in limits.items():
        text = text.replace(f"$script:{name} = ''\n", f"$script:{name} = {_quoted(f'^{pattern}$')}\n")
    return text


def _configuration(settings: Settings, accounts: tuple[str, ...]) -> str:
    roles = "\n".join(f"        {_quoted(name)} = @{{ RoleCapabilities = 'MigrateBot' }}" for name in accounts)
    example = "        'CONTOSO\\svc-migrate' = @{ RoleCapabilities = 'MigrateBot' }"
    text = _shipped("MigrateBot.pssc").replace(example, roles)
    return text.replace("'CONTOSO\\migratebot'", _quoted(settings.winrm.service_account.rstrip("$")))


def _manifest() -> str:
    names = ", ".join(f"'{name}'" for name in _functions())
    return (
        "@{\n    ModuleVersion     = '1.0.0'\n    GUID              = '7b4a0f4c-0f0e-4a37-9a55-0c6f7b1d2e10'\n"
        f"    RootModule        = 'MigrateBot.psm1'\n    FunctionsToExport = @({names})\n"
        "    CmdletsToExport   = @()\n    AliasesToExport   = @()\n}\n"
    )


def _functions() -> Iterator[str]:
    yield from re.findall(r"^function ([\w-]+)", _shipped("MigrateBot.psm1"), re.MULTILINE)
