"""The app's manifest: what it may do and hears of, held to the limits of docs.slack.dev (app manifest reference)."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lab.slack.workspace.refusals import LabSetupError

DEFAULT_MANIFEST = Path(str(resources.files("deploy") / "manifest.yml"))
"""The project's own manifest; it is part of the package, so the lab runs outside a checkout too."""

# Which scope an event needs before Slack lets an app subscribe to it (docs.slack.dev: reference/events).
EVENT_SCOPES = {
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "member_joined_channel": "channels:read",
    "reaction_added": "reactions:read",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
}

Short = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    """A part of the manifest; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DisplayInformation(_Part):
    name: Annotated[str, Field(min_length=1, max_length=35)]
    description: Annotated[str, Field(max_length=140)] = ""
    long_description: Annotated[str, Field(min_length=175, max_length=4000)] | None = None
    background_color: Annotated[str, Field(pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")] | None = None


class AppHome(_Part):
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only_enabled: bool = True


class BotUser(_Part):
    display_name: Annotated[str, Field(min_length=1, max_length=80)]
    always_online: bool = False


class SlashCommand(_Part):
    command: Annotated[str, Field(pattern=r"^/\S+$", max_length=32)]
    description: Annotated[str, Field(min_length=1, max_length=2000)]
    usage_hint: Annotated[str, Field(max_length=1000)] = ""
    should_escape: bool = False
    url: str = ""


class Shortcut(_Part):
    name: Annotated[str, Field(min_length=1, max_length=24)]
    callback_id: Annotated[str, Field(min_length=1, max_length=255)]
    description: Annotated[str, Field(min_length=1, max_length=150)]
    type: Literal["message", "global"]


class Features(_Part):
    app_home: AppHome = AppHome()
    bot_user: BotUser | None = None
    slash_commands: Annotated[tuple[SlashCommand, ...], Field(max_length=50)] = ()
    shortcuts: Annotated[tuple[Shortcut, ...], Field(max_length=10)] = ()


class Scopes(_Part):
    bot: Annotated[tuple[Short, ...], Field(max_length=255)] = ()
    user: Annotated[tuple[Short, ...], Field(max_length=255)] = ()


class OAuthConfig(_Part):
    redirect_urls: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    scopes: Scopes = Scopes()


class EventSubscriptions(_Part):
    request_url: str = ""
    bot_events: Annotated[tuple[Short, ...], Field(max_length=100)] = ()
    metadata_subscriptions: Annotated[tuple[dict[str, str], ...], Field(max_length=20)] = ()


class Interactivity(_Part):
    is_enabled: bool
    request_url: str = ""
    message_menu_options_url: str = ""


class Settings(_Part):
    event_subscriptions: EventSubscriptions = EventSubscriptions()
    interactivity: Interactivity = Interactivity(is_enabled=False)
    org_deploy_enabled: bool = False
    socket_mode_enabled: bool = False
    token_rotation_enabled: bool = False


class Manifest(_Part):
    """The whole manifest."""

    metadata: Annotated[dict[str, int], Field(alias="_metadata")] = {}
    display_information: DisplayInformation
    features: Features = Features()
    oauth_config: OAuthConfig = OAuthConfig()
    settings: Settings = Settings()

    @model_validator(mode="after")
    def _events_have_their_scopes(self) -> Self:
        for event in self.bot_events:
            if event not in EVENT_SCOPES:
                raise ValueError(f"event {event} is unknown to the lab")
            scope = EVENT_SCOPES[event]
            if scope and scope not in self.scopes:
                raise ValueError(f"event {event} needs the scope {scope}")
        if self.features.slash_commands and "commands" not in self.scopes:
            raise ValueError("slash commands need the scope commands")
        return self

    @property
    def scopes(self) -> Sequence[str]:
        return self.oauth_config.scopes.bot

    @property
    def bot_events(self) -> Sequence[str]:
        return self.settings.event_subscriptions.bot_events

    def command(self, name: str) -> SlashCommand | None:
        return next((one for one in self.features.slash_commands if one.command == name), None)


def parse_manifest(document: Any) -> Manifest:
    """Raise LabSetupError, saying where, when Slack would not accept the document."""
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise LabSetupError(f"manifest: {error}") from error


def load_manifest(path: Path = DEFAULT_MANIFEST) -> Manifest:
    try:
        return parse_manifest(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise LabSetupError(f"{path}: {error}") from error


def without_socket_mode(manifest: Manifest) -> Manifest:
    """Return the same app as it is set up for HTTP mode."""
    settings = manifest.settings.model_copy(update={"socket_mode_enabled": False})
    return manifest.model_copy(update={"settings": settings})
