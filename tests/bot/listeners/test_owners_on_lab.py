"""Owners of VMs in Slack: a direct message, *Not now* with words, a release; whoever cannot be told is on the card."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.slack.server import SlackLab
from lab.slack.workspace.manifest import load_manifest
from lab.slack.workspace.messages import Message
from tests.bot.conftest import slack_settings
from tests.support.bot_harness import Office, buttons, fleet, read

CAROL, MALLORY, BOB = "carol", "mallory", "bob"
NOTES = {
    "web01": "owner: carol@contoso.com",
    "web02": "The shop.\r\nOwner: <@U0CAROL>",
    "db01": "owner: nobody@contoso.com\npassword: hunter2",
    "web 09": "owner: <!channel> *x*",
}


@asynccontextmanager
async def opened(slack: SlackLab, folder: Path, owners: str = "hold", **sections: Any) -> AsyncIterator[Office]:
    """Open the bot on hosts that move one VM at a time, so that the others wait."""
    plain = fleet()
    described = replace(
        plain,
        hosts=tuple(replace(host, live_limit=1, storage_limit=1) for host in plain.hosts),
        vms=tuple(replace(vm, notes=NOTES.get(vm.name, "")) for vm in plain.vms),
    )
    settings = slack_settings(slack, access={"owners": owners}, **sections)
    async with Office.open(slack, settings, folder, described) as here:
        yield here


def direct(slack: SlackLab, user: str = "U0CAROL") -> list[Message]:
    """Return what the bot wrote to somebody."""
    return list(slack.workspace.direct_message([user]).messages.values())


async def told(here: Office, words: str, user: str = "U0CAROL") -> Message:
    return await here.until(lambda: next((one for one in direct(here.slack, user) if words in read(one)), None))


async def test_an_owner_hears_and_holds_and_somebody_releases(slack: SlackLab, tmp_path: Path) -> None:
    """From the approval to the end: who asks for what waits gets it, in his words, until an approver lets it go."""
    async with opened(slack, tmp_path) as here:
        card = await here.ask("web01,web02 from HV01 to HV02")
        await here.shows(card, "Will be told as owner: <@U0CAROL> (2 VMs)")
        await slack.person(BOB).click(card, "migrate_approve")
        note = await told(here, "2 of your VMs are going to be moved")
        assert "approved by <@U0BOB>" in read(note)
        assert "`web02` `HV01` → `HV02`, about" in read(note)
        assert "you are named as the owner, by the VM's notes" in read(note)
        assert buttons(note) == {"migrate_not_now"}
        carol = slack.person(CAROL)
        await carol.click(note, "migrate_not_now")
        form = await here.until(lambda: carol.view)
        assert form is not None
        assert "Not now: J1" in carol.reads_form()
        await carol.submit({"words": "month end closing <!here>"})
        await here.whisper(CAROL, "is held in J1", "@app")
        await here.shows(card, "`web02`: its owner says not now: month end closing &lt;!here&gt;")
        line = await here.replied(card, "<@U0CAROL> owns `web02` and says not now: month end closing &lt;!here&gt;")
        assert buttons(line) == {"migrate_release"}
        await slack.person(MALLORY).click(line, "migrate_release")
        await here.whisper(MALLORY, "may release VMs of it")
        await slack.person(BOB).click(line, "migrate_release")
        await here.replied(card, "<@U0BOB> released `web02`, held by its owner.")
        await told(here, "<@U0BOB> released your VM in J1")
        end = await told(here, "J1 is over for your VMs")
        assert "2 moved" in read(end)
        assert "<@U0BOB>" in note.text
        assert len(direct(slack)) == 3, [read(one) for one in direct(slack)]
        assert slack.call_log.violations == []


async def test_who_holds_a_vm_may_let_it_go_by_a_command(slack: SlackLab, tmp_path: Path) -> None:
    """He may do so with what he holds, and others of no right may not."""
    async with opened(slack, tmp_path) as here:
        card = await here.ask("web01,web02 from HV01 to HV02")
        await here.shows(card, "Will be told")
        await slack.person(BOB).click(card, "migrate_approve")
        note = await told(here, "going to be moved")
        carol = slack.person(CAROL)
        await carol.click(note, "migrate_not_now")
        await here.until(lambda: carol.view)
        await carol.submit({"words": "later"})
        await here.shows(card, "its owner says not now: later")
        await slack.person(MALLORY).slash("migrations", "/migrate resume J1 web02")
        await here.whisper(MALLORY, "may release VMs of it")
        await carol.slash("migrations", "/migrate resume J1 web02")
        await here.whisper(CAROL, "web02 may start again in J1")
        await told(here, "J1 is over for your VMs")
        assert slack.call_log.violations == []


async def test_too_late_is_one_clear_sentence(slack: SlackLab, tmp_path: Path) -> None:
    """What moves already is not held; nothing is changed and no form opens."""
    async with opened(slack, tmp_path) as here:
        card = await here.ask("web01 from HV01 to HV02")
        await here.shows(card, "Will be told")
        await slack.person(BOB).click(card, "migrate_approve")
        note = await told(here, "Your VM is going to be moved")
        await told(here, "J1 is over for your VM")
        await slack.person(CAROL).click(note, "migrate_not_now")
        await here.whisper(CAROL, "J1 is finished: there is nothing to hold", "@app")
        assert slack.person(CAROL).view is None
        assert slack.call_log.violations == []


@pytest.mark.parametrize("owners", ["tell", "off"])
async def test_without_hold_there_is_no_button(owners: str, slack: SlackLab, tmp_path: Path) -> None:
    """Told alone, or not at all."""
    async with opened(slack, tmp_path, owners) as here:
        card = await here.ask("web01 from HV01 to HV02")
        if owners == "tell":
            await here.shows(card, "Will be told")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over")
        if owners == "tell":
            await told(here, "J1 is over for your VM")
        assert [buttons(one) for one in direct(slack)] == ([set(), set()] if owners == "tell" else [])
        assert slack.call_log.violations == []


async def test_whoever_cannot_be_told_is_on_the_card(slack: SlackLab, tmp_path: Path) -> None:
    """Nobody has that address, has left, is a guest; what is no address is nobody. The moves go on all the same."""
    people = slack.workspace.users
    people["U0MALLORY"] = people["U0MALLORY"].model_copy(update={"deleted": True})
    people["U0DAVE"] = people["U0DAVE"].model_copy(update={"is_ultra_restricted": True})
    async with opened(slack, tmp_path) as here:
        here.world.change_vm("HV01", fleet().vms[0].id, {"notes": "owner: U0MALLORY"})
        here.world.change_vm("HV01", fleet().vms[1].id, {"notes": "owner: dave@contoso.com"})
        card = await here.ask("web01,web02,db01,'web 09' from HV01 to HV02")
        await here.shows(card, "Nobody is told of `web01`: its owner has left Slack: `U0MALLORY`.")
        await here.shows(card, "Nobody is told of `web02`: its owner is a guest in Slack: `dave@contoso.com`.")
        await here.shows(card, "Nobody is told of `db01`: nobody in Slack is `nobody@contoso.com`.")
        await here.shows(
            card, "Nobody is told of `web 09`: its notes name an owner, but no mail address and no member id"
        )
        assert "hunter2" not in read(card)
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over: 4 of 4 VMs moved")
        assert direct(slack) == []
        assert slack.call_log.violations == []


async def test_a_missing_scope_is_said_on_the_card_and_stops_nothing(tmp_path: Path) -> None:
    """Addresses cannot be looked for: the card says why, nobody is told, and the job goes on."""
    manifest = load_manifest(Path("deploy/manifest.yml"))
    left = tuple(one for one in manifest.scopes if one != "users:read.email")
    scopes = manifest.oauth_config.scopes.model_copy(update={"bot": left})
    oauth = manifest.oauth_config.model_copy(update={"scopes": scopes})
    async with (
        SlackLab(manifest=manifest.model_copy(update={"oauth_config": oauth})) as slack,
        opened(slack, tmp_path) as here,
    ):
        card = await here.ask("web01,web02 from HV01 to HV02")
        await here.shows(card, "Owners cannot be looked for: Slack refused (missing_scope). The scope users:read.email")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over: 2 of 2 VMs moved")
        assert direct(slack) == []
