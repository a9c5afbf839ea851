"""The form in front of people: opened, searched, refused field by field, planned, sent; over real sockets."""

from pathlib import Path
from typing import Any

from core.domain.model.job import JobId
from lab.slack.people.person import Person
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from tests.bot.conftest import Opening, slack_settings
from tests.bot.listeners.test_app_on_lab import ALICE, BOB, MALLORY, assert_clean
from tests.support.bot_harness import CHANNEL, Office, read


async def open_form(here: Office, name: str = ALICE) -> Person:
    person = here.slack.person(name)
    outcome = await person.slash(CHANNEL, "/migrate")
    assert outcome.message is None
    await here.until(lambda: person.view)
    return person


async def choose_source(here: Office, person: Person, host: str = "HV01") -> None:
    await person.press("migrate_form_source", host)
    await here.until(lambda: person.view and any(b["block_id"] == f"vms {host}" for b in person.view.blocks))


async def seen(here: Office) -> None:
    """Wait until the hosts were looked at."""
    async for _ in here.looking():
        ages = here.bot.engine.queries.snapshot_ages_s()
        if None not in ages.values():
            return


async def fill(here: Office, person: Person, *typed: str, **values: Any) -> None:
    await seen(here)
    await choose_source(here, person)
    chosen = [(await person.suggest("migrate_form_vms", one))[0] for one in typed]
    person.fill("migrate_form_vms", chosen)
    person.fill("migrate_form_destinations", ["HV02"])
    for name, value in values.items():
        person.fill(name, value)


async def test_the_bare_command_opens_the_form_and_it_becomes_a_card(office: Opening, slack: SlackLab) -> None:
    """Typed bare, searched as one types, looked at, sent: the card is the same as a typed command's."""
    async with office() as here:
        alice = await open_form(here)
        await fill(here, alice, "web0", "<!chan", reason="new *disks*", parallel="1")
        await alice.submit()
        await here.until(lambda: alice.view and "Send request" in str(alice.view.definition))
        page = alice.reads_form()
        assert "web01" in page
        assert "<!channel>" not in str(alice.view)
        assert here.messages() == []
        await alice.submit()
        assert alice.view is None
        card = await here.card()
        assert "J1: move 2 VMs" in read(card)
        assert "1 at a time" in read(card)
        job = (await here.bot.engine.queries.job(JobId("J1"))).job
        assert job.requester == "U0ALICE"
        assert job.text == 'web01,"<!channel>" from HV01 to HV02 parallel=1 reason="new *disks*"'
        await here.whisper(ALICE, "J1: 2 VMs")
        await slack.person(BOB).click(card, "migrate_approve")
        await here.replied(card, "J1 is over: 2 of 2 VMs moved")
        assert_clean(slack)


async def test_every_way_opens_the_form(office: Opening, slack: SlackLab) -> None:
    """The shortcut opens it anywhere; its card goes to the settings' channel."""
    async with office() as here:
        alice = slack.person(ALICE)
        assert (await alice.shortcut("migrate_form")).error == ""
        await here.until(lambda: alice.view)
        await fill(here, alice, "web01")
        await alice.submit()
        await here.until(lambda: alice.view and "Send request" in str(alice.view.definition))
        await alice.submit()
        assert "J1: move web01" in read(await here.card())
        assert_clean(slack)


async def test_mistakes_are_told_at_their_fields_and_nothing_typed_is_lost(office: Opening, slack: SlackLab) -> None:
    """Errors stand under the fields; what no field is to blame for is one page on, and the form one page back."""
    async with office() as here:
        alice = await open_form(here)
        await fill(here, alice, "web01", parallel="two", path="VMs")
        wrong = await alice.submit()
        assert set(wrong.field_errors) == {"parallel", "path"}
        alice.fill("parallel", "2")
        alice.fill("path", "D:\\Elsewhere")
        await alice.submit()
        await here.until(lambda: alice.view and "VMs may go to" in str(alice.view.definition))
        assert "submit" not in alice.view.definition  # type: ignore[union-attr]
        await alice.close()
        assert alice.view is not None
        assert alice.view.state["path"]["value"]["value"] == "D:\\Elsewhere"
        assert here.messages() == []
        assert_clean(slack)


async def test_another_source_forgets_the_vms_chosen_before(office: Opening, slack: SlackLab) -> None:
    """The VMs' field follows the source; an empty host offers none."""
    async with office() as here:
        alice = await open_form(here)
        await fill(here, alice, "web01")
        everything = await alice.suggest("migrate_form_vms", "")
        assert everything[0]["value"] == "all"
        assert len(everything) == 6
        await choose_source(here, alice, "HV02")
        assert "web01" not in str(alice.view and alice.view.state)
        assert await alice.suggest("migrate_form_vms", "") == []
        assert_clean(slack)


async def test_who_may_not_ask_gets_no_form(office: Opening, slack: SlackLab) -> None:
    """The form and its menus show hosts and VMs: they are for who may ask, and everybody else is told so."""
    async with office(access={"requesters": ("U0ALICE",)}) as here:
        mallory = slack.person(MALLORY)
        await mallory.slash(CHANNEL, "/migrate")
        await here.whisper(MALLORY, "You may not ask for migrations")
        assert mallory.view is None
        assert_clean(slack)


async def test_a_plan_is_sent_once(slack: SlackLab, tmp_path: Path) -> None:
    """A double click sends one request; after a restart the page says that it is not known any more."""
    async with Office.open(slack, slack_settings(slack), tmp_path) as here:
        alice = await open_form(here)
        await fill(here, alice, "web01")
        await alice.submit()
        await here.until(lambda: alice.view and "Send request" in str(alice.view.definition))
    async with Office.open(slack, slack_settings(slack), tmp_path) as here:
        await alice.submit()
        assert "sent already" in alice.reads_form()
        assert await here.bot.engine.queries.jobs() == []
        assert_clean(slack)


async def test_a_slow_slack_does_not_cost_the_plan(office: Opening, slack: SlackLab) -> None:
    """Lost and failed updates of the page are tried again."""
    async with office() as here:
        alice = await open_form(here)
        await fill(here, alice, "web01")
        slack.faults.add(FaultKind.UNAVAILABLE, "views.update")
        slack.faults.add(FaultKind.RATE_LIMITED, "views.update")
        slack.faults.add(FaultKind.LOST_REPLY, "views.update")
        await alice.submit()
        await here.until(lambda: alice.view and "Send request" in str(alice.view.definition))


async def test_a_form_that_cannot_open_is_answered(office: Opening, slack: SlackLab) -> None:
    """When Slack does not open it, the person hears why instead of nothing."""
    async with office() as here:
        slack.faults.add(FaultKind.UNAVAILABLE, "views.open")
        await slack.person(ALICE).slash(CHANNEL, "/migrate")
        await here.whisper(ALICE, "Slack failed")
