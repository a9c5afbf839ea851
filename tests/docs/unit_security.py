"""Writes docs/generated/unit-security.md: what systemd's own judge says of the unit in deploy/.

``python -m tests.docs.unit_security > docs/generated/unit-security.md``
"""

import re
import shutil
import subprocess
import sys

from tests.support.markdown_pages import ROOT

UNIT = ROOT / "deploy" / "migrate-bot.service"
_HEAD = """# The unit, judged by systemd

`systemd-analyze security` about `deploy/migrate-bot.service`: what the service may still do, and how much of its
exposure that is. Everything else it looks at is closed. Written by `python -m tests.docs.unit_security` with systemd
{version}.

| Setting | What it says | Exposure |
|---|---|---|"""
_WHY = "\nHosts, Slack and the database are reached over the network, so that stays open."
_LINE = re.compile(r"^✗ (\S+)\s+(.*?)\s{2,}(\d\.\d)\s*$", re.MULTILINE)
_OVERALL = re.compile(r"Overall exposure level for \S+ (\d+\.\d \w+)")


def version() -> str:
    """Return the version of systemd here; empty: there is none."""
    judge = shutil.which("systemd-analyze")
    if judge is None:
        return ""
    told = subprocess.run([judge, "--version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def judged() -> "subprocess.CompletedProcess[str]":
    """Let systemd judge the unit; no systemd has to run."""
    judge = shutil.which("systemd-analyze") or "systemd-analyze"
    command = [judge, "security", "--offline=yes", "--threshold=15", "--no-pager", str(UNIT)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env={"LC_ALL": "C.UTF-8"})


def _row(name: str, text: str, weight: str) -> str:
    return f"| `{name}` | {text} | {weight} |".replace("(INET|INET6)", "(INET\\|INET6)")


def page() -> str:
    """Return the page."""
    said = judged().stdout
    rows = sorted(_LINE.findall(said), key=lambda row: (-float(row[2]), row[0]))
    lines = [_HEAD.format(version=version()), *(_row(name, text, weight) for name, text, weight in rows)]
    found = _OVERALL.search(said)
    assert found is not None, said
    return "\n".join([*lines, "", f"Exposure in all: **{found[1]}** (0 is closed, 10 is open).", _WHY]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
