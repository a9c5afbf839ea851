"""The people, groups and channels of a workspace, read from a TOML file in which an unknown key is an error."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lab.slack.workspace.refusals import LabSetupError

DEFAULT_DIRECTORY = Path(__file__).with_name("workspace.toml")


class _Entry(BaseModel):
    """An entry of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Team(_Entry):
    """The workspace itself."""

    id: Annotated[str, Field(pattern=r"^T[A-Z0-9]+$")]
    name: str
    domain: str
    enterprise_id: str = ""
    """The organisation of the workspace; empty: none."""


class App(_Entry):
    """The app, its ids and secrets."""

    id: Annotated[str, Field(pattern=r"^A[A-Z0-9]+$")]
    bot_id: Annotated[str, Field(pattern=r"^B[A-Z0-9]+$")]
    bot_user_id: Annotated[str, Field(pattern=r"^[UW][A-Z0-9]+$")]
    bot_token: Annotated[str, Field(pattern=r"^xoxb-")]
    app_token: Annotated[str, Field(pattern=r"^xapp-")]
    signing_secret: Annotated[str, Field(min_length=1)]


class User(_Entry):
    """One person."""

    id: Annotated[str, Field(pattern=r"^[UW][A-Z0-9]+$")]
    name: str
    real_name: str = ""
    email: str = ""
    tz: str | None = "UTC"
    """None: Slack knows the offset alone (slack-timezone-converter#3)."""
    tz_offset: int | None = 0
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    team_id: str = ""
    """The workspace of somebody who is here by Slack Connect or by the organisation; empty: this one."""
    enterprise_user_id: str = ""
    """The id of the same person in the whole organisation (``W…``), beside the one of the workspace."""


class UserGroupEntry(_Entry):
    """One user group and its members."""

    id: Annotated[str, Field(pattern=r"^S[A-Z0-9]+$")]
    handle: str
    name: str
    users: tuple[str, ...] = ()
    disabled: bool = False


class ChannelEntry(_Entry):
    """One channel and its members."""

    id: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]+$")]
    name: Annotated[str, Field(pattern=r"^[a-z0-9_\-]{1,80}$")]
    topic: str = ""
    private: bool = False
    archived: bool = False
    members: tuple[str, ...] = ()


class Directory(_Entry):
    """Everything in the file, checked to fit together."""

    team: Team
    app: App
    users: tuple[User, ...]
    user_groups: tuple[UserGroupEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()
    user_groups_enabled: bool = True  # user groups need a paid plan (docs.slack.dev: usergroups.list)

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        ids = [user.id for user in self.users] + [group.id for group in self.user_groups]
        ids += [channel.id for channel in self.channels] + [self.app.bot_user_id]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"ids used twice: {', '.join(twice)}")
        known = {user.id for user in self.users} | {self.app.bot_user_id}
        named = {group.id: group.users for group in self.user_groups}
        named |= {channel.id: channel.members for channel in self.channels}
        for entry_id, user_ids in named.items():
            strangers = sorted(set(user_ids) - known)
            if strangers:
                raise ValueError(f"{entry_id} names unknown users: {', '.join(strangers)}")
        return self


def load_directory(path: Path = DEFAULT_DIRECTORY) -> Directory:
    """Raise LabSetupError when the file cannot be read or says something unknown."""
    try:
        return Directory.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise LabSetupError(f"{path}: {error}") from error
