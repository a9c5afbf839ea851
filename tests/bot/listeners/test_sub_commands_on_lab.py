"""Where is my VM, pause, go back, hand over: typed by people, answered over real sockets."""

from lab.slack.server import SlackLab
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL, read
from tests.support.eventually import eventually

ALICE, BOB, MALLORY = "alice", "bob", "mallory"


async def test_a_vm_is_found_before_during_and_after_its_move(office: Opening, slack: SlackLab) -> None:
    """``where`` names the host, the state and the job; ``status`` finds the job by the VM."""
    async with office() as here:
        alice = slack.person(ALICE)
        await eventually(lambda: any(age is not None for age in here.bot.engine.queries.snapshot_ages_s().values()))
        await alice.slash(CHANNEL, "/migrate where WEB01")
        before = await here.whisper(ALICE, "Where web01 is")
        assert "📍 `web01` is on `HV01`." in read(before)
        assert "running" in read(before)
        assert "It is in no job." in read(before)
        card = await here.ask("web01 from HV01 to HV02")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over: 1 of 1 VM moved")
        await alice.slash(CHANNEL, "/migrate where web01")

        def after() -> bool:
            return any("In J1 it moved <!date^" in read(m) for m in alice.sees(CHANNEL) if m.ephemeral_to)

        await here.until(after)
        await alice.slash(CHANNEL, "/migrate status web01")
        await here.whisper(ALICE, "J1: web01 moved")
        await alice.slash(CHANNEL, "/migrate where nosuch")
        await here.whisper(ALICE, "No host shows a VM called nosuch, and no job ever had one.")
        assert slack.call_log.violations == []


async def test_a_job_is_paused_and_goes_on(office: Opening, slack: SlackLab) -> None:
    """Only some may; the card says who paused it; the thread says both."""
    async with office() as here:
        alice = slack.person(ALICE)
        await slack.person(BOB).slash(CHANNEL, "/migrate stop")
        await here.whisper(BOB, "Stopped")
        card = await here.ask("web01,web02 from HV01 to HV02")
        await alice.slash(CHANNEL, "/migrate pause J1")
        await here.whisper(ALICE, "J1 is not approved yet")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "approved J1")
        await slack.person(MALLORY).slash(CHANNEL, "/migrate pause J1")
        await here.whisper(MALLORY, "may pause it")
        await alice.slash(CHANNEL, "/migrate pause J1")
        await here.whisper(ALICE, "J1 is paused")
        await here.replied(card, "<@U0ALICE> paused J1")
        await here.shows(card, "*Paused* by <@U0ALICE>")
        await alice.slash(CHANNEL, "/migrate handover")
        summary = await here.whisper(ALICE, "Handover")
        assert "🛑 Stopped by <@U0BOB>" in read(summary)
        assert "⏸ J1 is paused by <@U0ALICE>" in read(summary)
        await slack.person(BOB).slash(CHANNEL, "/migrate resume")
        await slack.person(BOB).slash(CHANNEL, "/migrate resume J1")
        await here.replied(card, "J1 is over: 2 of 2 VMs moved")
        await alice.slash(CHANNEL, "/migrate back J1")
        back = await here.card(1)
        assert "HV02 → HV01" in read(back)
        assert slack.call_log.violations == []
