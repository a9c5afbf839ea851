"""``migrate-bot check`` finds what is wrong and says what to do."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from bot.check import OWNER_SCOPE, SCOPES, check_settings, check_slack, table
from bot.cli.reports import check_all
from bot.clock import SystemClock
from bot.slack.credentials import web_client
from bot.slack.user_groups import UserGroups
from core.config import Settings, load_settings
from core.domain.model.inventory import CheckLine
from lab.site import site
from lab.slack.server import SlackLab
from lab.slack.workspace.manifest import load_manifest
from tests.bot.conftest import slack_settings
from tests.support.full_system import fleet


async def lines(settings: Settings) -> list[CheckLine]:
    client = web_client(settings)
    found = list(check_settings(settings))
    return found + [line async for line in check_slack(settings, client, UserGroups(client, SystemClock()))]


async def test_a_good_setup_is_all_ticks(settings: Settings) -> None:
    """Everything in order: every line is fine."""
    found = await lines(settings)
    assert [line for line in found if not line.ok] == []
    assert {"bot token", "scopes", "app token", "channel C0MIGRATE", "group S0APPROVE"} <= {
        line.subject for line in found
    }


@pytest.mark.parametrize(
    ("sections", "subject", "says"),
    [
        ({"slack_bot_token": "xoxb-wrong"}, "bot token", "invalid_auth"),
        ({"slack_app_token": "xapp-wrong"}, "app token", "invalid_auth"),
        ({"slack_app_token": ""}, "secrets", "SLACK_APP_TOKEN not set"),
        ({"slack_bot_token": "xapp-1"}, "secrets", "SLACK_BOT_TOKEN begins with xapp-"),
        ({"winrm_password": ""}, "secrets", "WINRM_PASSWORD not set"),
        (
            {"winrm": {"ca_file": "/nowhere/ca.pem"}},
            "files",
            "[winrm] ca_file names /nowhere/ca.pem, which is not there",
        ),
        ({"winrm": {"verify": False}}, "certificates", "verify = false"),
        ({"slack": {"channel": ""}}, "channel", "none set"),
        ({"slack": {"channel": "C0ARCHIVE"}}, "channel C0ARCHIVE", "is archived"),
        ({"slack": {"channel": "C0OTHER"}}, "channel C0OTHER", "not a member"),
        ({"slack": {"channel": "C0PRIVATE"}}, "channel C0PRIVATE", "channel_not_found"),
        ({"slack": {"oncall": ()}}, "on-call", "nobody is paged"),
        ({"access": {"approvers": ()}}, "approvers", "nobody"),
        ({"access": {"approvers": ("S0NOSUCH",)}}, "group S0NOSUCH", "no_such_subteam"),
        ({"access": {"approvers": ("UNOSUCH",)}}, "user UNOSUCH", "user_not_found"),
        ({"access": {"approvals_required": 5}}, "approvals", "5 are needed"),
        ({"hosts": None}, "settings", "0 hosts"),
    ],
)
async def test_each_trouble_is_a_cross_with_a_hint(
    slack: SlackLab, sections: dict[str, Any], subject: str, says: str
) -> None:
    """What is wrong is named, with what to do about it."""
    if sections.get("hosts", 1) is None:
        settings = slack_settings(slack).model_copy(update={"hosts": {}})
    else:
        settings = slack_settings(slack, **sections)
    (line,) = [one for one in await lines(settings) if one.subject == subject and not one.ok]
    assert says in line.text
    assert line.hint or subject.startswith("channel")


async def test_a_missing_scope_is_named() -> None:
    """An app installed without a scope the bot uses is found out before it matters."""
    manifest = load_manifest(Path("deploy/manifest.yml"))
    left = tuple(one for one in manifest.scopes if one != "channels:history")
    scopes = manifest.oauth_config.scopes.model_copy(update={"bot": left})
    oauth = manifest.oauth_config.model_copy(update={"scopes": scopes})
    async with SlackLab(manifest=manifest.model_copy(update={"oauth_config": oauth})) as slack:
        found = await lines(slack_settings(slack))
    (line,) = [one for one in found if one.subject == "scopes"]
    assert not line.ok
    assert "channels:history" in line.text


async def test_the_scope_that_finds_owners_is_missed_only_when_it_is_needed() -> None:
    """Who lets owners hear of their VMs reads which scope it takes; nobody else has to install the app again."""
    manifest = load_manifest(Path("deploy/manifest.yml"))
    left = tuple(one for one in manifest.scopes if one != OWNER_SCOPE)
    scopes = manifest.oauth_config.scopes.model_copy(update={"bot": left})
    oauth = manifest.oauth_config.model_copy(update={"scopes": scopes})
    async with SlackLab(manifest=manifest.model_copy(update={"oauth_config": oauth})) as slack:
        plain = await lines(slack_settings(slack))
        wanted = await lines(slack_settings(slack, access={"owners": "tell"}))
    assert [one.ok for one in plain if one.subject == "scopes"] == [True]
    (line,) = [one for one in wanted if one.subject == "scopes"]
    assert (line.ok, line.text) == (False, "missing users:read.email")


def test_the_manifest_asks_for_every_scope_the_bot_uses() -> None:
    """What check wants is what an installation from manifest.yml gets."""
    text = Path("deploy/manifest.yml").read_text(encoding="utf-8")
    assert all(f"- {scope}" in text for scope in SCOPES | {OWNER_SCOPE})


def test_the_table_lines_up() -> None:
    """Ticks and crosses, subjects in a column, hints behind arrows."""
    text = table([CheckLine("a", ok=True, text="fine"), CheckLine("long", ok=False, text="bad", hint="Do it.")])
    assert text == "✓ a     fine\n✗ long  bad  → Do it."


async def test_a_disabled_group_is_named_as_such(settings: Settings, slack: SlackLab) -> None:
    """Slack has one word for a disabled group and one that never was; the check tells them apart."""
    group = slack.workspace.user_groups["S0ONCALL"]
    slack.workspace.user_groups["S0ONCALL"] = group.model_copy(update={"disabled": True})
    (line,) = [line for line in await lines(settings) if line.subject == "group S0ONCALL"]
    assert not line.ok
    assert "is disabled in Slack" in line.text


async def test_an_install_of_a_whole_organisation_is_found(slack: SlackLab, settings: Settings) -> None:
    """Its token has no workspace of its own: said before anybody relies on it (case 14)."""
    slack.workspace.is_org_wide = True
    found = {line.subject: line for line in await lines(settings) if not line.ok}
    assert "one workspace" in found["install"].hint
    assert "missing_argument" in found["group S0APPROVE"].text


async def test_no_host_is_said_to_reject_what_it_was_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong password: two hosts reject it, the third is spared, and its line says so."""
    async with site(fleet(count=3), tmp_path) as here:
        for name, secret in (here.secrets | {"WINRM_PASSWORD": "wrong"}).items():
            monkeypatch.setenv(name, secret)
        code = await check_all(load_settings(here.settings_file), Namespace(vm=""))
    said = {line.split(":")[0]: line for line in capsys.readouterr().out.splitlines() if ": login" in line}
    assert "  HV01 rejects the login of " in said["✗ HV01"]
    assert "  HV02 rejects the login of " in said["✗ HV02"]
    assert "  HV03 was not asked: HV02 rejects the login of " in said["✗ HV03"]
    assert code == 1


async def test_the_labs_own_settings_are_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``migrate-bot check`` on the lab, hosts and the ways between them too: all ticks, exit 0."""
    async with site(fleet(), tmp_path) as here:
        for name, secret in here.secrets.items():
            monkeypatch.setenv(name, secret)
        code = await check_all(load_settings(here.settings_file), Namespace(vm=""))
    said = capsys.readouterr().out
    assert "✗" not in said
    assert "✓ HV01 to HV02: migration" in said
    assert code == 0
