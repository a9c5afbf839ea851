"""The one script text there is."""

import re
from pathlib import Path

from core.hyperv import pipelines, session

ROOT = Path(__file__).parents[3]


def test_hosts_get_one_text() -> None:
    """What the bot defines in a session is what deploy/ installs, and there is no other copy."""
    folders = [ROOT / room for room in ("bot", "core", "deploy", "lab")]
    assert [path for room in folders for path in room.rglob("*.psm1")] == [ROOT / "deploy" / "MigrateBot.psm1"]
    assert (ROOT / "deploy" / "MigrateBot.psm1").read_text("utf-8") == session.FUNCTIONS_TEXT


def test_the_text_defines_what_the_gateway_calls() -> None:
    """Every function the gateway calls is defined in the text, and nothing that would only work in a module."""
    assert set(re.findall(r"^function ([\w-]+)", session.FUNCTIONS_TEXT, re.MULTILINE)) == set(pipelines.FUNCTIONS)
    assert not re.search(r"^\s*Export-ModuleMember", session.FUNCTIONS_TEXT, re.MULTILINE)


def test_no_script_carries_data() -> None:
    """Scripts are sent from one place, and what is sent there is the constant text."""
    sources = {path.name: path.read_text("utf-8") for path in (ROOT / "core/hyperv").glob("*.py")}
    calls = [(name, call) for name, text in sources.items() for call in re.findall(r"add_script\((.*)\)", text)]
    assert calls == [("session.py", "FUNCTIONS_TEXT")]
