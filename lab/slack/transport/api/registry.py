"""A Web API method: who may call it, how often, and the function that answers."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

from lab.slack.transport.api.wire import Args
from lab.slack.workspace.channels import SCOPE_FAMILY, Channel, ChannelKind
from lab.slack.workspace.faults import Faults
from lab.slack.workspace.grants import Grants
from lab.slack.workspace.messages import Json
from lab.slack.workspace.refusals import RefusalError
from lab.slack.workspace.workspace import Workspace


@dataclass(slots=True, kw_only=True)
class Call:
    """One call on its way through the workspace."""

    args: Args
    workspace: Workspace
    grants: Grants
    faults: Faults
    base_url: str
    websocket_url: Callable[[], str]
    warnings: list[str] = field(default_factory=list)

    # -- conversations as the app may see them ----------------------------------------------------------------------

    def find_channel(self, name: str = "channel") -> Channel:
        """Return the conversation, if the app can see it: private ones it is not in do not exist for it."""
        reference = self.args.required(name)
        channel = self.workspace.channels.get(reference)
        if channel is None or (channel.kind is not ChannelKind.PUBLIC and self.workspace.bot_id not in channel.members):
            raise RefusalError("channel_not_found")
        return channel

    def need_family_scope(self, channel: Channel, right: str) -> None:
        """conversations.* need channels:, groups:, im: or mpim: depending on the kind of conversation."""
        self.need_scope(f"{SCOPE_FAMILY[channel.kind]}:{right}")

    def need_scope(self, scope: str) -> None:
        if scope not in self.workspace.manifest.scopes:
            raise RefusalError("missing_scope", needed=scope, provided=",".join(self.workspace.manifest.scopes))

    def need_membership(self, channel: Channel) -> None:
        if self.workspace.bot_id not in channel.members:
            raise RefusalError("not_in_channel")

    def page(self, items: list[Json], default_limit: int = 100) -> tuple[list[Json], Json]:
        """Cursor pagination (docs.slack.dev: pagination)."""
        start = 0
        if cursor := self.args.text("cursor"):
            prefix, _, number = cursor.partition(":")
            if prefix != "offset" or not number.isdigit():
                raise RefusalError("invalid_cursor")
            start = int(number)
        limit = self.args.integer("limit", default_limit)
        if limit <= 0 or limit > 1000:  # noqa: PLR2004 - docs.slack.dev: "under 1000"
            raise RefusalError("invalid_limit")
        end = start + limit
        return items[start:end], {"next_cursor": f"offset:{end}" if end < len(items) else ""}


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the Web API."""

    handler: Handler
    scopes: tuple[str, ...] = ()  # any one of them
    _: KW_ONLY
    tier: int | None = None  # None: "special"
    token: str = "xoxb"  # noqa: S105 - a kind of token, not a token
    is_posting: bool = False  # limited per channel instead of per method
    post_only: bool = False
