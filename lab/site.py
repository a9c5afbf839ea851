"""Starts hosts and a Slack workspace on localhost, and writes the settings of a bot for them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from lab.hyperv.control import control_app
from lab.hyperv.pwsh.install import PowerShell
from lab.hyperv.remoting.shells import SessionPrices
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import Fleet
from lab.slack.server import SlackLab
from lab.slack.workspace.rate_limit import Strictness

Overrides = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Site:
    """Both labs running, the bot's settings file, and the secrets for its environment."""

    hosts: HyperVLab
    slack: SlackLab
    settings_file: Path
    secrets: dict[str, str]


@asynccontextmanager
async def site(
    fleet: Fleet,
    folder: Path,
    *,
    speed: float = 1.0,
    rate_limits: Strictness = Strictness.OFF,
    settings: Overrides | None = None,
    slack_port: int = 0,
    control_port: int = 0,
    powershell: PowerShell | None = None,
    prices: SessionPrices | None = None,
    parts: Mapping[str, web.Application] | None = None,
) -> AsyncIterator[Site]:
    """Start everything; ``settings`` overrides keys of the bot's settings by section.

    The hosts' control API is served beside the workspace too, for its page, and so is what else ``parts`` names.
    """
    async with (
        HyperVLab(
            fleet, speed=speed, control_port=control_port, powershell=powershell, prices=prices or SessionPrices()
        ) as hosts,
        SlackLab(
            rate_limits=rate_limits, port=slack_port, parts={"hosts": control_app(hosts.world), **(parts or {})}
        ) as slack,
    ):
        file = folder / "migrate-bot.toml"
        file.write_text(settings_text(hosts, slack, folder, settings or {}), encoding="utf-8")
        secrets = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "WINRM_PASSWORD": fleet.hosts[0].password,
        }
        yield Site(hosts, slack, file, secrets)


def settings_text(hosts: HyperVLab, slack: SlackLab, folder: Path, overrides: Overrides) -> str:
    """Write the bot's settings for this site as TOML."""
    sections: dict[str, dict[str, object]] = {
        "store": {"url": f"sqlite+aiosqlite:///{(folder / 'migrate-bot.db').as_posix()}"},
        "slack": {"api_url": slack.api_url, "channel": "C0MIGRATE", "oncall": ["S0ONCALL"]},
        "access": {"requesters": ["*"], "approvers": ["S0APPROVE"]},
        "migration": {},
        "winrm": {
            "auth": "basic",
            "tls": True,
            "username": hosts.fleet.hosts[0].user,
            "ca_file": hosts.ca_file.as_posix(),
        },
    }
    for host in hosts.fleet.hosts:
        access = hosts.access(host.name)
        sections[f"hosts.{host.name}"] = {
            "address": access.address,
            "port": access.https_port,
            "migration_address": hosts.fleet.address_of(host),
            "path": host.default_vm_path,
            **({"configuration": access.configuration} if host.endpoint.is_restricted else {}),
        }
    for name, keys in overrides.items():
        sections.setdefault(name, {}).update(keys)
    lines: list[str] = []
    for name, keys in sections.items():
        # JSON texts, numbers, booleans and lists of texts are TOML too.
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items()), ""]
    return "\n".join(lines)
