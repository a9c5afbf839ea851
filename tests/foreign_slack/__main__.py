"""Runs the story against a Slack emulator by a third party, where there are npm and network namespaces; else one line.

``python -m tests.foreign_slack BUILD``.
"""
# ruff: noqa: T201 - a command line talks

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.npm_packages import install, missing_tool


def main(build: Path) -> int:
    """Return what the story returns, 0 when it cannot be played here."""
    missing = missing_tool("npm", "node", "unshare")
    if not missing and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        missing = "the emulator is pinned for Linux on x86_64"
    unshare = [shutil.which("unshare") or "unshare", "--map-root-user", "--net", "--"]
    if not missing and subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        missing = "no right to make a network namespace"
    missing = missing or install(Path(__file__).parent, build)
    if missing:
        print(f"foreign Slack: not played, {missing}")
        return 0
    binary = build.resolve() / "node_modules" / "local-slack-linux-x64" / "bin" / "local-slack"
    command = [*unshare, sys.executable, "-m", "tests.foreign_slack.story", str(binary)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
