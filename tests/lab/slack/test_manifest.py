from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.slack.workspace.directory import DEFAULT_DIRECTORY, load_directory
from lab.slack.workspace.manifest import DEFAULT_MANIFEST, load_manifest, parse_manifest
from lab.slack.workspace.refusals import LabSetupError


def document() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(DEFAULT_MANIFEST.read_text(encoding="utf-8"))
    return read


def change(path: str, value: Any) -> dict[str, Any]:
    changed = document()
    *parents, last = path.split(".")
    place = changed
    for name in parents:
        place = place[name]
    place[last] = value
    return changed


def test_our_manifest_is_accepted() -> None:
    """The manifest in the repository is one Slack would take, and grants what the bot needs."""
    manifest = load_manifest()

    assert manifest.command("/migrate") is not None
    assert {"chat:write", "commands", "channels:history", "groups:history", "files:write"} <= set(manifest.scopes)
    assert set(manifest.bot_events) == {"app_home_opened", "app_mention"}
    assert manifest.settings.socket_mode_enabled


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("display_information.name", "n" * 36),
        ("display_information.description", "d" * 141),
        ("display_information.long_description", "too short"),
        ("display_information.background_color", "blue"),
        ("features.bot_user.display_name", "b" * 81),
        ("features.slash_commands", [{"command": "migrate", "description": "no slash"}]),
        ("features.slash_commands", [{"command": "/" + "m" * 32, "description": "too long"}]),
        ("features.slash_commands", [{"command": "/migrate"}]),
        ("features.slash_commands", [{"command": "/migrate", "description": "d", "usage_hint": "u" * 1001}]),
        ("features.slash_commands", [{"command": f"/c{n}", "description": "d"} for n in range(51)]),
        ("oauth_config.scopes.bot", [f"scope:{n}" for n in range(256)]),
        ("oauth_config.scopes.bot", ["chat:write"]),
        ("settings.event_subscriptions.bot_events", ["message.mpim"]),
        ("settings.event_subscriptions.bot_events", ["no_such_event"]),
        ("settings.colour", "green"),
    ],
)
def test_a_manifest_beyond_the_limits_is_refused(path: str, value: Any) -> None:
    """Every published limit of a manifest is held, and unknown keys are errors."""
    with pytest.raises(LabSetupError, match="manifest"):
        parse_manifest(change(path, value))


def test_an_unknown_key_in_the_workspace_file_is_refused(tmp_path: Path) -> None:
    """A typo in the workspace file is an error, not a setting that silently does nothing."""
    path = tmp_path / "workspace.toml"
    path.write_text(DEFAULT_DIRECTORY.read_text().replace('topic = "Virtual', 'tpoic = "Virtual'))

    with pytest.raises(LabSetupError, match="tpoic"):
        load_directory(path)


def test_a_stranger_in_the_workspace_file_is_refused(tmp_path: Path) -> None:
    """A channel or group cannot name a user who does not exist."""
    path = tmp_path / "workspace.toml"
    path.write_text(DEFAULT_DIRECTORY.read_text().replace('users = ["U0DAVE"]', 'users = ["U0NOBODY"]'))

    with pytest.raises(LabSetupError, match="U0NOBODY"):
        load_directory(path)
