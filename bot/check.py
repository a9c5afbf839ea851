"""Checks settings, tokens, scopes, channel, people and hosts before anybody relies on them."""

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot import access
from bot.messages.mrkdwn import plural
from bot.plain_table import plain_table
from bot.slack.api_errors import SlackRefused, SlackUnauthorized, ask
from bot.slack.credentials import BOT_HINT, check_app_token, missing_secrets
from bot.slack.refusals import HINTS
from bot.slack.user_groups import UserGroups
from core.config import AccessSettings, Settings
from core.domain.attempt.own_errors import told
from core.domain.model.inventory import CheckLine, HostName
from core.errors import HostError, MigrateBotError, NotifierError, SettingsError
from core.ports import HostGateway

T = TypeVar("T")

_WITH_PASSWORD = frozenset({"basic", "credssp", "ntlm"})
"""The ways to log on for which nothing takes the place of the account's password."""
_FILES = ("ca_file", "certificate_file", "certificate_key_file", "keytab_file", "password_file")

SCOPES = frozenset(
    {"commands", "chat:write", "chat:write.public", "channels:read", "channels:history", "groups:read"}
    | {"groups:history", "files:write", "im:history", "im:write", "usergroups:read", "users:read"}
)
"""What the bot uses, and ``manifest.yml`` asks for."""
OWNER_SCOPE = "users:read.email"
"""What it takes besides to find owners by their addresses."""


def check_settings(settings: Settings) -> Iterator[CheckLine]:
    """Check what can be seen without asking anybody."""
    count = len(settings.hosts)
    yield CheckLine(
        "settings", count > 0, plural(count, "host"), "" if count else "Add a [hosts.NAME] section for each host."
    )
    yield _secrets_line(settings)
    yield from _file_lines(settings)
    unverified = [name for name, host in settings.hosts.items() if _own_or(host.verify, settings.winrm.verify) is False]
    if unverified:
        text = f"whoever answers as {', '.join(unverified)} is believed: verify = false"
        hint = "Name the certificate authority with ca_file instead."
        yield CheckLine("certificates", ok=False, text=text, hint=hint)
    yield from _access_lines(settings.access)
    if not settings.access.approvers:
        yield CheckLine("approvers", ok=False, text="nobody", hint="List users or user groups in [access] approvers.")
    if not settings.slack.oncall:
        yield CheckLine("on-call", ok=False, text="nobody is paged", hint="List users or groups in [slack] oncall.")
    yield _audit_line(settings.audit_file)
    for text, doubt in told(settings.errors):
        yield CheckLine("errors", not doubt, text, doubt)


def _audit_line(file: Path) -> CheckLine:
    """Say where the audit log is, and whether it can be written, without making it."""
    is_there = file.exists()
    if not os.access(file if is_there else file.parent, os.W_OK):
        hint = "Name a file in [log] audit that the bot may write, in a folder that stays."
        return CheckLine("audit log", ok=False, text=f"{file.absolute()} cannot be written", hint=hint)
    text = f"{file.absolute()}{'' if is_there else ', not there yet: the first start makes it'}"
    return CheckLine("audit log", ok=True, text=text)


def _secrets_line(settings: Settings) -> CheckLine:
    """Say which secrets are missing, or stand where another one belongs."""
    missing = missing_secrets(settings)
    needy = [
        name
        for name, host in settings.hosts.items()
        if _own_or(host.auth, settings.winrm.auth) in _WITH_PASSWORD and host.password_file is None
    ]
    if needy and not settings.winrm_password.get_secret_value():
        missing = [*missing, "WINRM_PASSWORD"]
    if missing:
        hint = "Set them in the environment, or their files with _FILE."
        return CheckLine("secrets", ok=False, text=f"{', '.join(missing)} not set", hint=hint)
    for name, begin in (("SLACK_BOT_TOKEN", "xapp-"), ("SLACK_APP_TOKEN", "xoxb-")):
        if getattr(settings, name.lower()).get_secret_value().startswith(begin):
            hint = "The bot token begins with xoxb-, the app token with xapp-: are the two exchanged?"
            return CheckLine("secrets", ok=False, text=f"{name} begins with {begin}", hint=hint)
    return CheckLine("secrets", ok=True, text="all set")


def _file_lines(settings: Settings) -> Iterator[CheckLine]:
    """Say which files that the settings name cannot be read."""
    places = {"winrm": settings.winrm, **{f"hosts.{name}": host for name, host in settings.hosts.items()}}
    for place, section in places.items():
        for key in _FILES:
            file = getattr(section, key, None)
            if file is not None and not os.access(file, os.R_OK):
                text = f"[{place}] {key} names {file}, which {'cannot be read' if file.exists() else 'is not there'}"
                yield CheckLine("files", ok=False, text=text, hint="Put it there, or name another one.")


def _own_or(own: T | None, shared: T) -> T:
    return shared if own is None else own


def _access_lines(rules: AccessSettings) -> Iterator[CheckLine]:
    """Say how open the bot is: nobody should have to read that out of three lists."""
    if not rules.requesters:
        hint = 'List users or user groups in [access] requesters; ["*"] is everybody of the workspace.'
        yield CheckLine("requesters", ok=False, text="nobody may ask", hint=hint)
    everybody = "every member of the workspace"
    asking = everybody if access.EVERYBODY in rules.requesters else plural(len(rules.requesters), "name")
    also = f", {plural(len(rules.viewers), 'name')} besides" if rules.viewers else ""
    looking = everybody if access.EVERYBODY in (*rules.requesters, *rules.viewers) else f"who may ask or approve{also}"
    yield CheckLine("who may ask, stop", ok=True, text=f"{asking}; to stop also approvers and on-call")
    yield CheckLine("who may look", ok=True, text=f"{looking}, and on-call")
    open_ones, clicks = rules.open_proposals or "any number", rules.commands_per_minute or "any number"
    text = f"open requests: {open_ones}; commands and clicks a minute: {clicks}"
    yield CheckLine("limits per person", ok=True, text=text)
    needed = plural(rules.approvals_required, "approval")
    own = "; people may approve what they asked for" if rules.self_approval else ""
    yield CheckLine("to approve", ok=True, text=f"{needed}, all judged again at the last{own}")


async def check_slack(settings: Settings, client: AsyncWebClient, groups: UserGroups) -> AsyncIterator[CheckLine]:
    """Check tokens, scopes, channel and people."""
    try:
        reply = await ask(client.auth_test())
    except NotifierError as error:
        is_heard = isinstance(error, SlackRefused | SlackUnauthorized)
        hint = error.hint or (BOT_HINT if is_heard else "Is api_url right?")
        yield CheckLine("bot token", ok=False, text=error.message, hint=hint)
        return
    yield CheckLine("bot token", ok=True, text=f"{reply.get('user')} in {reply.get('team')}")
    if reply.get("is_enterprise_install"):
        yield CheckLine("install", ok=False, text="of a whole organisation", hint=HINTS["missing_argument"])
    headers = {name.lower(): value for name, value in (reply.headers or {}).items()}
    needed = SCOPES | {OWNER_SCOPE} if settings.access.owners != "off" else SCOPES
    yield _scopes_line(headers.get("x-oauth-scopes"), needed)
    if settings.slack.mode == "socket":
        yield await _app_token_line(settings, client)
    yield await _channel_line(settings, client)
    rules = settings.access
    lists = (rules.approvers, rules.requesters, rules.viewers, settings.slack.oncall)
    for who in dict.fromkeys(one for people in lists for one in people if one != access.EVERYBODY):
        yield await (_group_line(who, groups) if access.is_group(who) else _user_line(who, client))
    if settings.access.approvers:
        members = await groups.members(access.groups_in(settings.access.approvers))
        outlook = access.approval_outlook("", settings.access, members)
        if not outlook.is_allowed:
            yield CheckLine("approvals", ok=False, text=outlook.reason, hint="Add approvers.")


def _scopes_line(granted: str | None, needed: frozenset[str]) -> CheckLine:
    if granted is None:
        return CheckLine("scopes", ok=True, text="Slack does not say; the lines below show what works")
    missing = sorted(needed - {scope.strip() for scope in granted.split(",")})
    if missing:
        return CheckLine(
            "scopes", ok=False, text=f"missing {', '.join(missing)}", hint="Install again from manifest.yml."
        )
    return CheckLine("scopes", ok=True, text="all granted")


async def _app_token_line(settings: Settings, client: AsyncWebClient) -> CheckLine:
    try:
        await check_app_token(client, settings.slack_app_token.get_secret_value())
    except (SettingsError, NotifierError) as error:
        return CheckLine("app token", ok=False, text=error.message, hint=error.hint)
    return CheckLine("app token", ok=True, text="Socket Mode opens")


async def _channel_line(settings: Settings, client: AsyncWebClient) -> CheckLine:
    channel = settings.slack.channel
    if not channel:
        return CheckLine("channel", ok=False, text="none set", hint="Set [slack] channel to the id of a channel.")
    subject = f"channel {channel}"
    try:
        info = (await ask(client.conversations_info(channel=channel))).get("channel") or {}
        if info.get("is_archived"):
            return CheckLine(subject, ok=False, text="is archived", hint="Choose another [slack] channel.")
        if not info.get("is_member"):
            # Cards can be posted in a public channel all the same, but not found again after a crash.
            return CheckLine(subject, ok=False, text="the bot is not a member", hint="Invite it: /invite @migrate-bot.")
        await ask(client.conversations_history(channel=channel, limit=1))
    except NotifierError as error:
        return CheckLine(subject, ok=False, text=error.message, hint=error.hint)
    return CheckLine(subject, ok=True, text=f"#{info.get('name')}")


async def _group_line(group: str, groups: UserGroups) -> CheckLine:
    trouble = await groups.trouble(group)
    members = (await groups.members([group])).get(group)
    if trouble or not members:
        return CheckLine(f"group {group}", ok=False, text=trouble or "nobody is in it", hint="Check the id in Slack.")
    return CheckLine(f"group {group}", ok=True, text="1 person" if len(members) == 1 else f"{len(members)} people")


async def _user_line(user: str, client: AsyncWebClient) -> CheckLine:
    try:
        info = (await ask(client.users_info(user=user))).get("user") or {}
    except SlackRefused as error:
        return CheckLine(f"user {user}", ok=False, text=error.code, hint="Write the member id (U…), not the name.")
    except NotifierError as error:
        return CheckLine(f"user {user}", ok=False, text=error.message)
    if info.get("deleted"):
        return CheckLine(f"user {user}", ok=False, text="has left", hint="Remove them from the settings.")
    return CheckLine(f"user {user}", ok=True, text=str(info.get("name") or ""))


async def check_hosts(hosts: Sequence[HostName], gateway: HostGateway) -> AsyncIterator[CheckLine]:
    """Check every host, and its way to every other."""
    for host in hosts:
        try:
            for line in await gateway.check(host, [peer for peer in hosts if peer != host]):
                yield line
        except HostError as error:
            yield CheckLine(host, ok=False, text=error.message, hint=error.hint)
        except MigrateBotError as error:
            yield CheckLine(host, ok=False, text=error.message, hint=error.hint)


def table(lines: Iterable[CheckLine]) -> str:
    """Write lines as a table of ✓ and ✗."""
    return plain_table(
        (f"{'✓' if line.ok else '✗'} {line.subject}", line.text + (f"  → {line.hint}" if line.hint else ""))
        for line in lines
    )
