"""The whole bot in front of people: typed, clicked, answered, over real sockets to a strict Slack."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.handlers.command_handler import CommandHandler
from bot.messages.button_values import unmarked
from bot.slack.identities import Identities
from bot.slack.user_groups import UserGroups
from core.domain.model.job import JobId, JobState
from core.errors import NotAllowed
from lab.slack.server import SlackLab
from lab.slack.workspace.directory import DEFAULT_DIRECTORY, load_directory
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import Opening, slack_settings
from tests.support.bot_harness import CHANNEL, Office, buttons, read

ALICE, BOB, CAROL, MALLORY = "alice", "bob", "carol", "mallory"


def assert_clean(slack: SlackLab) -> None:
    """Slack refused nothing and nobody saw a command or a click fail."""
    assert slack.call_log.violations == []
    assert slack.call_log.failures == []


async def test_a_request_is_approved_carried_out_and_told(office: Opening, slack: SlackLab) -> None:
    """Asked, planned, approved by somebody else, moved, told in the thread; the card ends without buttons."""
    async with office() as here:
        card = await here.ask("web01,“web 09” from HV01 to HV02 —reason “new disks”")
        assert buttons(card) == {"migrate_approve", "migrate_reject", "migrate_edit"}
        assert "reason: new disks" in read(card)
        clicked = await slack.person(BOB).click(card, "migrate_approve")
        assert clicked.confirm is not None
        await here.replied(card, "approved J1")
        await here.replied(card, "J1 is over: 2 of 2 VMs moved")
        await here.shows(card, "✅ J1: 2 VMs moved")
        assert buttons(card) == set()
        job = await here.bot.engine.queries.job(JobId("J1"))
        assert job.job.state is JobState.FINISHED
        assert_clean(slack)


@pytest.mark.parametrize(
    ("text", "says", "example"),
    [
        ("web01 form HV01 to HV02", "did you mean from", "/migrate web01 from HV01 to HV02"),
        ("statsu J1", "did you mean status", "/migrate status J1"),
        ("web01 from HV01 to HV02 parallel two", "but says", "/migrate web01 from HV01 to HV02 parallel 2"),
        ("pause", "pause needs a job", "/migrate pause J1"),
        ("help", "Move VMs", "/migrate"),
        ("help options", "backup-wait", ""),
    ],
)
async def test_a_mistake_is_answered_at_once_and_only_to_who_made_it(
    office: Opening, slack: SlackLab, text: str, says: str, example: str
) -> None:
    """The answer comes with the acknowledgement, privately, with an example that is right."""
    async with office() as here:
        outcome = await slack.person(ALICE).slash(CHANNEL, f"/migrate {text}")
        assert outcome.message is not None
        assert outcome.message.ephemeral_to == "U0ALICE"
        assert says in read(outcome.message)
        assert example in read(outcome.message)
        assert here.messages() == []
        assert_clean(slack)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nosuch from HV01 to HV02", "nosuch is not on HV01"),
        ("web01 from HV09 to HV02", "I know no host called HV09"),
        ("web01 from HV01 to HV01", "source and destination at once"),
        ("status J99", "J99"),
        ("cancel J99", "J99"),
        ("retry J99", "J99"),
        ("history J99", "J99"),
    ],
)
async def test_what_cannot_be_done_is_one_private_sentence(
    office: Opening, slack: SlackLab, text: str, says: str
) -> None:
    """Unknown VMs, hosts and jobs are answered to who asked, and nothing is posted."""
    async with office() as here:
        await slack.person(ALICE).slash(CHANNEL, f"/migrate {text}")
        await here.whisper(ALICE, says)
        assert here.messages() == []
        assert_clean(slack)


async def test_who_may_not_approve_is_told_why(office: Opening, slack: SlackLab) -> None:
    """A stranger's click and the requester's own have no effect but a private explanation."""
    async with office() as here:
        card = await here.ask()
        await slack.person(MALLORY).click(card, "migrate_approve")
        await here.whisper(MALLORY, "You may not approve migrations")
        await slack.person(ALICE).click(card, "migrate_approve")
        await here.whisper(ALICE, "somebody else has to approve it")
        assert (await here.bot.engine.queries.job(JobId("J1"))).job.state is JobState.PROPOSED
        assert_clean(slack)


async def test_two_clicks_at_once_decide_once(office: Opening, slack: SlackLab) -> None:
    """One of two approvers wins, the other is told that it is decided already."""
    async with office() as here:
        card = await here.ask()
        await asyncio.gather(*(slack.person(name).click(card, "migrate_approve") for name in (BOB, CAROL)))
        await here.replied(card, "approved J1")

        def loser() -> Any:
            return [m for name in (BOB, CAROL) for m in slack.person(name).sees(CHANNEL) if m.ephemeral_to]

        (told,) = await here.until(loser)
        assert "J1" in told.text
        assert len([m for m in here.messages() if "approved J1" in m.text]) == 1
        assert_clean(slack)


async def test_a_double_delivered_click_counts_once(office: Opening, slack: SlackLab) -> None:
    """The same click arriving twice approves once."""
    async with office() as here:
        card = await here.ask()
        slack.faults.add(FaultKind.DOUBLE_CLICK, "migrate_approve")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over")
        history = await here.bot.engine.queries.history(JobId("J1"))
        assert [event.kind.value for event in history].count("approved") == 1


async def test_a_rejection_asks_why_and_shows_it(office: Opening, slack: SlackLab) -> None:
    """The form opens at once; its reason stands on the card, the requester is mentioned, the buttons are gone."""
    async with office() as here:
        card = await here.ask()
        bob = slack.person(BOB)
        await bob.click(card, "migrate_reject")
        await here.until(lambda: bob.view)
        assert "Reject J1" in bob.reads_form()
        blank = await bob.submit({"reason": "   "})
        assert "reason" in blank.field_errors
        await bob.submit({"reason": "not during *backup* <!channel>"})
        said = await here.replied(card, "rejected J1")
        assert "<@U0ALICE>" in said.text
        await here.shows(card, "Rejected by <@U0BOB>")
        assert "<!channel>" not in read(card)
        assert buttons(card) == set()
        assert_clean(slack)


async def test_who_may_not_reject_gets_no_form(office: Opening, slack: SlackLab) -> None:
    """A stranger's Reject is answered privately; the requester's own is a form."""
    async with office() as here:
        card = await here.ask()
        await slack.person(MALLORY).click(card, "migrate_reject")
        await here.whisper(MALLORY, "You may not reject migrations")
        assert slack.person(MALLORY).view is None
        alice = slack.person(ALICE)
        await alice.click(card, "migrate_reject")
        await here.until(lambda: alice.view)
        assert_clean(slack)


async def test_a_click_on_an_old_card_does_nothing(office: Opening, slack: SlackLab) -> None:
    """Somebody whose screen is behind gets a sentence; the decision stands."""
    async with office() as here:
        card = await here.ask()
        await slack.person(ALICE).slash(CHANNEL, "/migrate cancel J1")
        await here.whisper(ALICE, "J1 is withdrawn")
        await here.shows(card, "J1 was withdrawn")
        await slack.person(BOB).click(card, "migrate_approve", version=0)
        await here.whisper(BOB, "J1 was withdrawn")
        assert (await here.bot.engine.queries.job(JobId("J1"))).job.state is JobState.CANCELLED
        assert_clean(slack)


async def test_looking_is_private_and_complete(office: Opening, slack: SlackLab) -> None:
    """status, jobs, hosts and history answer privately, and a hostile name has no effect."""
    async with office() as here:
        card = await here.ask('"<!channel>",web01 from HV01 to HV02')
        alice = slack.person(ALICE)
        for text, says in (
            ("status", "J1"),
            ("status J1", "Waits for approval"),
            ("jobs", "waits for approval"),
            ("hosts", "hosts"),
            ("history j1", "History of J1"),
        ):
            await alice.slash(CHANNEL, f"/migrate {text}")
            answer = await here.until(
                lambda says=says: next(  # type: ignore[misc]
                    (m for m in alice.sees(CHANNEL) if m.ephemeral_to and says in read(m)), None
                )
            )
            assert "<!channel>" not in read(answer)
            assert buttons(answer) == set()
        assert "<!channel>" not in read(card)
        assert_clean(slack)


async def test_the_big_red_stop_holds_and_lets_go(office: Opening, slack: SlackLab) -> None:
    """After stop nothing starts and the card says who stopped; only approvers and on-call let it go on."""
    async with office() as here:
        await slack.person(MALLORY).slash(CHANNEL, "/migrate stop")
        await here.whisper(MALLORY, "Stopped: nothing new starts")
        card = await here.ask()
        await slack.person(BOB).click(card, "migrate_approve")
        await here.shows(card, "*Stopped* by <@U0MALLORY>")
        await slack.person(MALLORY).slash(CHANNEL, "/migrate resume")
        await here.whisper(MALLORY, "Only approvers and on-call may resume")
        await slack.person("dave").slash(CHANNEL, "/migrate resume")
        await here.replied(card, "J1 is over: 1 of 1 VM moved")
        assert_clean(slack)


async def test_a_running_job_is_cancelled_from_its_card(office: Opening, slack: SlackLab) -> None:
    """Cancel asks first, only some may, and the card offers a retry at the end."""
    async with office() as here:
        await slack.person(BOB).slash(CHANNEL, "/migrate stop")
        await here.whisper(BOB, "Stopped")
        card = await here.ask("web01,web02 from HV01 to HV02")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.until(lambda: "migrate_cancel" in buttons(card))
        await slack.person(MALLORY).click(card, "migrate_cancel")
        await here.whisper(MALLORY, "may cancel it")
        clicked = await slack.person(ALICE).click(card, "migrate_cancel")
        assert clicked.confirm is not None
        await here.whisper(ALICE, "2 waiting VMs will not be moved")
        await here.until(lambda: "migrate_retry" in buttons(card))
        await slack.person(ALICE).click(card, "migrate_retry")
        again = await here.card(1)
        assert "J2: move 2 VMs" in read(again)
        assert_clean(slack)


async def test_a_command_typed_where_the_bot_is_not_still_works(office: Opening, slack: SlackLab) -> None:
    """The card goes to the settings' channel, and who asked is told where."""
    async with office() as here:
        await slack.person(ALICE).slash("private-ops", "/migrate web01 from HV01 to HV02")
        card = await here.card()
        assert "J1" in read(card)
        direct = slack.workspace.direct_message(["U0ALICE"])
        note = await here.until(lambda: next(iter(direct.messages.values()), None))
        assert "The card of J1 is in <#C0MIGRATE>" in note.text
        await here.until(
            lambda: any("J1: web01" in m.text for m in slack.person(ALICE).sees("private-ops") if m.ephemeral_to)
        )


async def test_a_mention_points_to_the_command(office: Opening, slack: SlackLab) -> None:
    """Whoever talks to the bot learns how to ask it, once per mention."""
    async with office() as here:
        slack.faults.add(FaultKind.DUPLICATE_EVENT, "app_mention")
        await slack.person(ALICE).say(CHANNEL, "@migrate-bot please move web01")
        await here.whisper(ALICE, "I listen to /migrate")
        await slack.person(ALICE).slash(CHANNEL, "/migrate jobs")
        await here.whisper(ALICE, "There are no jobs")
        answers = [m.text for m in slack.person(ALICE).sees(CHANNEL) if m.ephemeral_to]
        assert sorted(answers) == ["I listen to /migrate", "There are no jobs."]


async def test_a_time_to_start_is_where_the_person_is(tmp_path: Path) -> None:
    """``at 22:00`` is 22:00 on the clock of who typed it, as Slack knows their time zone."""
    directory = load_directory(DEFAULT_DIRECTORY)
    users = [one.model_copy(update={"tz": "Asia/Tokyo"}) for one in directory.users]
    async with (
        SlackLab(directory=directory.model_copy(update={"users": type(directory.users)(users)})) as slack,
        Office.open(slack, slack_settings(slack), tmp_path) as here,
    ):
        card = await here.ask("web01 from HV01 to HV02 at 22:00")
        start = (await here.bot.engine.queries.job(JobId("J1"))).job.plan.options.start_at
        assert start is not None
        assert (start.hour, start.minute) == (13, 0)
        assert "starts at <!date^" in read(card)
        assert_clean(slack)


async def test_a_button_acts_only_on_the_database_it_is_of(office: Opening, slack: SlackLab) -> None:
    """A number is no identity: after a restore, or from an older version, a click is answered and nothing is done."""
    async with office() as here:
        await here.ask()
        engine, client, clock = here.bot.engine, here.bot.client, SystemClock()
        groups = UserGroups(client, clock)
        people = Identities(client, here.bot.settings, clock)
        handler = CommandHandler(engine, here.bot.settings, groups, people, clock)
        handler.check_database(JobId("J1"), engine.database_id, is_proven=False)
        handler.check_database(JobId("J1"), "", is_proven=True)
        for database, is_proven, words in (
            ("another", False, "of another database"),
            ("another", True, "of another database"),
            ("", False, "before my last update"),
        ):
            with pytest.raises(NotAllowed, match=words) as answer:
                handler.check_database(JobId("J1"), database, is_proven=is_proven)
            assert "/migrate status J1" in answer.value.sentence()
        assert_clean(slack)


async def test_every_button_of_a_card_names_its_database(office: Opening, slack: SlackLab) -> None:
    """The value of each button ends in the id of the database, and is read back without it."""
    async with office() as here:
        card = await here.ask()
        values = [unmarked(e["value"]) for b in card.blocks if b["type"] == "actions" for e in b["elements"]]
        assert [database for _, database in values] == [here.bot.engine.database_id] * len(values)
        assert {said.partition("|")[0] for said, _ in values} == {"J1"}
        assert len(here.bot.engine.database_id) == 12
        assert_clean(slack)
