"""Finds a PowerShell for the lab, and makes it ready once: unpacked, with the stand-in cmdlets compiled.

It is never part of the project: MIGRATE_BOT_LAB_POWERSHELL names a folder that holds `powershell-*-linux-x64.tar.xz`,
or one into which it was unpacked; without it, `../shared/powershell` beside the repository is looked at.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

SETTING: Final = "MIGRATE_BOT_LAB_POWERSHELL"
_BESIDE: Final = Path(str(resources.files("lab"))).parents[1] / "shared" / "powershell"
_ARCHIVE: Final = "powershell-*-linux-x64.tar.xz"
_COMPILE_S: Final = 300.0
_COMPILE: Final = (
    '$ErrorActionPreference = "Stop"; '
    'Add-Type -Path (Get-ChildItem "$env:SOURCES/*.cs").FullName -OutputAssembly $env:DLL -OutputType Library'
)
_CMDLET = re.compile(r'\[Cmdlet\(Verbs\w+\.(\w+), "(\w+)"')
_MODULES: Final = {
    "Hyper-V": ("2.0.0.0", "af4bddd0-8583-4ff2-84b2-a33f5c8de8a7"),
    "CimCmdlets": ("1.0.0.0", "fb6cc51d-c096-4b38-b78d-0fed6277096a"),
}
_MANIFEST: Final = (
    "@{{ ModuleVersion='{version}'; GUID='{guid}'; RootModule='{root}'; AliasesToExport=@(); "
    "FunctionsToExport=@({functions}); CmdletsToExport=@({cmdlets}) }}\n"
)


class NoPowerShell(Exception):
    """There is no PowerShell to run, or it cannot be made ready; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class PowerShell:
    """A PowerShell that is ready: the program, and the modules that stand in for Hyper-V's."""

    program: Path
    modules: Path


def find() -> Path:
    """Return the folder that has a PowerShell. Raises `NoPowerShell`."""
    named = os.environ.get(SETTING)
    folder = Path(named) if named else _BESIDE
    if _program_in(folder) is None and _archive_in(folder) is None:
        raise NoPowerShell(f"No PowerShell: {SETTING} names no folder that has one.")
    return folder


def install(folder: Path | None = None, cache: Path | None = None) -> PowerShell:
    """Make a PowerShell ready; what was made before is used again. Raises `NoPowerShell`."""
    folder = folder or find()
    cache = cache or Path(tempfile.gettempdir()) / f"migrate-bot-lab-{os.getuid()}"
    ready = cache / f"powershell-{_stamp(folder)}"
    if not ready.is_dir():
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        if cache.stat().st_uid != os.getuid():
            raise NoPowerShell(f"{cache} belongs to somebody else.")
        with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as making:
            _make(folder, Path(making) / "it")
            try:
                (Path(making) / "it").rename(ready)  # at once and whole: several tests may do this side by side
            except OSError:
                if not ready.is_dir():
                    raise
    program = _program_in(ready) or _program_in(folder)
    if program is None:
        raise NoPowerShell(f"No PowerShell in {folder}.")
    return PowerShell(program, ready / "modules")


def write_module(folder: Path, name: str, text: str, functions: tuple[str, ...]) -> None:
    """Put a script module with its manifest below a folder of modules."""
    here = folder / name
    here.mkdir(parents=True)
    (here / f"{name}.psm1").write_text(text, encoding="utf-8")
    quoted = ",".join(f"'{function}'" for function in functions)
    guid = "0d0a1d0e-1c2f-4d6c-8a32-2c0a3f1d9b10"
    manifest = _MANIFEST.format(version="1.0.0.0", guid=guid, root=f"{name}.psm1", functions=quoted, cmdlets="")
    (here / f"{name}.psd1").write_text(manifest, encoding="utf-8")


def sources() -> dict[str, str]:
    """Return the C# of the stand-ins by file name."""
    folder = resources.files(__package__) / "cmdlets"
    return {file.name: file.read_text("utf-8") for file in sorted(folder.iterdir(), key=lambda file: file.name)}


def _stamp(folder: Path) -> str:
    found = _program_in(folder) or _archive_in(folder)
    if found is None:
        raise NoPowerShell(f"No PowerShell in {folder}.")
    facts = found.stat()
    parts = [str(found), str(facts.st_size), str(facts.st_mtime_ns), *sources().values(), _MANIFEST]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _program_in(folder: Path) -> Path | None:
    return next((path for path in (folder / "pwsh", folder / "powershell" / "pwsh") if path.is_file()), None)


def _archive_in(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob(_ARCHIVE), reverse=True)), None)


def _make(folder: Path, target: Path) -> None:
    target.mkdir()
    program = _program_in(folder)
    if program is None:
        archive = _archive_in(folder)
        if archive is None:
            raise NoPowerShell(f"No PowerShell in {folder}.")
        with tarfile.open(archive) as packed:
            packed.extractall(target / "unpacked", filter="data")
        (root,) = (target / "unpacked").iterdir()
        root.rename(target / "powershell")
        program = target / "powershell" / "pwsh"
        program.chmod(0o755)
    _compile(program, target)


def _compile(program: Path, target: Path) -> None:
    code = target / "cmdlets"
    code.mkdir()
    texts = sources()
    for name, text in texts.items():
        (code / name).write_text(text, encoding="utf-8")
    dll = target / "StandIns.dll"
    environment = {**quiet_environment(target), "SOURCES": str(code), "DLL": str(dll)}
    command = [str(program), "-NoProfile", "-NonInteractive", "-Command", _COMPILE]
    done = subprocess.run(  # noqa: S603  # the program the operator named, and a constant text
        command, env=environment, capture_output=True, text=True, timeout=_COMPILE_S, check=False
    )
    if done.returncode or not dll.is_file():
        raise NoPowerShell(f"The stand-in cmdlets do not compile: {(done.stdout + done.stderr).strip()}")
    found = _CMDLET.findall("\n".join(texts.values()))
    for module, (version, guid) in _MODULES.items():
        home = target / "modules" / module
        home.mkdir(parents=True)
        shutil.copy(dll, home)
        mine = sorted(f"'{verb}-{noun}'" for verb, noun in found if noun.startswith("Cim") == (module == "CimCmdlets"))
        manifest = _MANIFEST.format(version=version, guid=guid, root=dll.name, functions="", cmdlets=",".join(mine))
        (home / f"{module}.psd1").write_text(manifest, encoding="utf-8")


def main() -> int:
    """Say in one line whether there is a PowerShell; the exit code says it too."""
    try:
        print(f"PowerShell: {find()}")  # noqa: T201 (a command line talks)
    except NoPowerShell as error:
        print(f"{error} What needs a real one is skipped (docs/lab.md).")  # noqa: T201 (see above)
        return 1
    return 0


def quiet_environment(home: Path) -> dict[str, str]:
    """Return the whole environment of a PowerShell: it calls nobody, and writes only below `home`."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "TMPDIR": tempfile.gettempdir(),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        "DOTNET_TieredPGO": "0",  # it lives for seconds
        "DOTNET_gcConcurrent": "0",
    }


if __name__ == "__main__":
    sys.exit(main())
