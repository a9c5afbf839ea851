"""The manifest grants what the bot calls: every Web API method in bot/ has one of its scopes."""

import re
from pathlib import Path

import pytest

from lab.slack.transport.api.table import METHODS
from lab.slack.workspace.manifest import load_manifest

BOT = Path(__file__).parents[3] / "bot"
CALL = re.compile(r"(?:client|_client)\s*\.\s*([a-z]+_[A-Za-z_]+)\(")
UPLOAD = {"files_upload_v2": ("files.getUploadURLExternal", "files.completeUploadExternal")}
BY_NAME = {name.replace(".", "_"): name for name in METHODS}


def called() -> set[str]:
    # The socket's client has a method of its own, which calls nothing.
    names = {name for file in BOT.rglob("*.py") for name in CALL.findall(file.read_text(encoding="utf-8"))} - {
        "is_connected"
    }
    return {method for name in names for method in UPLOAD.get(name, (BY_NAME.get(name, name),))}


def test_the_calls_are_found() -> None:
    """The search sees what the bot certainly calls; otherwise it would prove nothing."""
    assert {"chat.postMessage", "chat.update", "views.open", "views.publish", "views.update"} <= called()


@pytest.mark.parametrize("method", sorted(called()))
def test_every_method_has_its_scope(method: str) -> None:
    """A method that Slack knows, with one of the scopes that allow it in manifest.yml."""
    assert method in METHODS
    needed = METHODS[method].scopes
    assert not needed or set(needed) & set(load_manifest().scopes)


def test_the_shortcut_and_the_events_are_those_the_bot_listens_to() -> None:
    """The manifest has the form's shortcut, the Home tab and its event."""
    manifest = load_manifest()
    assert [(one.callback_id, one.type) for one in manifest.features.shortcuts] == [("migrate_form", "global")]
    assert manifest.features.app_home.home_tab_enabled
    assert set(manifest.bot_events) == {"app_home_opened", "app_mention"}


def test_no_scope_is_asked_for_that_nothing_needs() -> None:
    """An app is given what it uses: methods that are called, the command, mentions, and pictures."""
    used = {scope for method in called() for scope in METHODS[method].scopes}
    otherwise = {"app_mentions:read", "chat:write.public", "commands", "files:write"}
    assert set(load_manifest().scopes) - used - otherwise == set()
