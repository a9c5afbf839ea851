"""Installs what a package-lock.json names into a build folder, once, for tests that need a tool of Node's world."""

import shutil
import subprocess
from pathlib import Path

_FILES = ("package.json", "package-lock.json", ".npmrc")


def missing_tool(*tools: str) -> str:
    """Say which tool is not on this machine; empty when all are."""
    return next((f"no {tool}" for tool in tools if shutil.which(tool) is None), "")


def install(source: Path, folder: Path) -> str:
    """Install the lock of ``source`` into a folder; return why that does not work, empty when it does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copy(source / name, folder / name)
    lock = (source / "package-lock.json").read_text(encoding="utf-8")
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lock:
        return ""
    npm = shutil.which("npm") or "npm"
    done = subprocess.run([npm, "ci"], cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        return next((line for line in done.stderr.splitlines() if line.strip()), "npm ci failed")
    stamp.write_text(lock, encoding="utf-8")
    return ""
