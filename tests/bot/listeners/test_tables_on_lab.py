"""Private lists as tables, over real sockets: as the settings say, and in lines wherever Slack refuses one."""

from bot.handlers.command_handler import Asker
from bot.handlers.private_reply import PrivateReply
from bot.messages.blocks import message, section
from bot.messages.tables import with_table
from bot.slack.credentials import web_client
from bot.slack.table_form import TableForm
from core.config import Settings
from lab.slack.server import SlackLab
from lab.slack.workspace.faults import FaultKind
from lab.slack.workspace.messages import Message
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL, Office, has_table, read
from tests.support.eventually import eventually
from tests.support.view_builders import JumpClock

ALICE = "alice"


async def asked(here: Office, slack: SlackLab, what: str) -> Message:
    """Type a command and wait for the one more private message that answers it."""
    alice = slack.person(ALICE)
    before = len([m for m in alice.sees(CHANNEL) if m.ephemeral_to])
    await alice.slash(CHANNEL, f"/migrate {what}")
    await here.until(lambda: len([m for m in alice.sees(CHANNEL) if m.ephemeral_to]) > before)
    return [m for m in alice.sees(CHANNEL) if m.ephemeral_to][-1]


async def test_lists_are_tables_when_the_settings_say_so(office: Opening, slack: SlackLab) -> None:
    """Hosts, jobs and ``where``: Slack takes the table, and the text beside it is what a notification shows."""
    async with office(slack={"tables": True}) as here:
        await eventually(lambda: all(age is not None for age in here.bot.engine.queries.snapshot_ages_s().values()))
        await here.ask("web01 from HV01 to HV02")
        for what, told in (("hosts", "🟢 ready"), ("jobs", "J1"), ("where web01", "running")):
            answer = await asked(here, slack, what)
            assert has_table(answer), what
            assert told in str(answer.content.blocks), what
        assert slack.call_log.violations == []


async def test_without_the_setting_nothing_is_a_table(office: Opening, slack: SlackLab) -> None:
    """Off by default."""
    async with office() as here:
        assert not has_table(await asked(here, slack, "hosts"))


async def test_a_refused_table_comes_in_lines_and_is_not_tried_again(office: Opening, slack: SlackLab) -> None:
    """Slack refuses a table once: the same answer comes in lines at once, and the next is asked for in lines only."""
    async with office(slack={"tables": True}) as here:
        refusal = slack.faults.refuse("invalid_blocks", "response_url", block="table")
        answer = await asked(here, slack, "hosts")
        assert not has_table(answer)
        assert "`HV01`" in read(answer)
        tried = refusal.seen
        assert tried == 1
        assert not has_table(await asked(here, slack, "hosts"))
        assert refusal.seen == tried


async def test_a_passing_failure_is_not_taken_for_a_refusal_of_tables(office: Opening, slack: SlackLab) -> None:
    """The answer comes in lines this time; the next one is a table again."""
    async with office(slack={"tables": True}) as here:
        for way in ("response_url", "chat.postEphemeral", "chat.postMessage"):
            slack.faults.refuse("internal_error", way, block="table")
        assert not has_table(await asked(here, slack, "hosts"))
        slack.faults.active.clear()
        assert has_table(await asked(here, slack, "hosts"))


def told_alone(slack: SlackLab) -> list[Message]:
    return [m for m in slack.person(ALICE).sees(CHANNEL) if m.ephemeral_to]


async def opens_the_list(here: Office, slack: SlackLab) -> None:
    """Ask for thirteen VMs, and open the form behind Show all."""
    alice = slack.person(ALICE)
    await alice.click(await here.ask("many* from HV01 to HV02"), "migrate_all")
    await here.until(lambda: alice.view)


async def test_a_page_of_all_vms_can_be_had_as_a_table(office: Opening, slack: SlackLab, many_vms: None) -> None:
    """A private message in the channel of the card; the form says so, and turns its pages as before."""
    async with office(slack={"tables": True}) as here:
        await opens_the_list(here, slack)
        alice, before = slack.person(ALICE), len(told_alone(slack))
        await alice.press("migrate_all_next")
        await here.until(lambda: "Page 2 of 2" in alice.reads_form())
        await alice.press("migrate_all_table")
        await here.until(lambda: len(told_alone(slack)) > before)
        (answer,) = told_alone(slack)[before:]
        assert has_table(answer)
        assert "many60" in str(answer.content.blocks)
        assert "many01" not in str(answer.content.blocks)
        await here.until(lambda: "follows as a table" in alice.reads_form())
        await alice.press("migrate_all_back")
        await here.until(lambda: "Page 1 of 2" in alice.reads_form())
        assert "As a table" in alice.reads_form()
        assert slack.call_log.violations == []


async def test_a_page_of_all_vms_comes_in_lines_where_tables_are_refused(
    office: Opening, slack: SlackLab, many_vms: None
) -> None:
    """The same VMs, at once; the next form does not offer a table."""
    async with office(slack={"tables": True}) as here:
        slack.faults.refuse("invalid_blocks", "chat.postEphemeral", block="table")
        await opens_the_list(here, slack)
        before = len(told_alone(slack))
        await slack.person(ALICE).press("migrate_all_table")
        await here.until(lambda: len(told_alone(slack)) > before)
        (answer,) = told_alone(slack)[before:]
        assert not has_table(answer)
        assert "`many01`" in read(answer)
        await slack.person(ALICE).press("migrate_all_next")
        await here.until(lambda: "Page 2 of 2" in slack.person(ALICE).reads_form())
        assert "As a table" not in slack.person(ALICE).reads_form()


async def test_without_the_setting_no_table_of_all_vms_is_offered(
    office: Opening, slack: SlackLab, many_vms: None
) -> None:
    """Off by default."""
    async with office() as here:
        await opens_the_list(here, slack)
        assert "As a table" not in slack.person(ALICE).reads_form()


async def test_a_table_whose_answer_is_lost_is_not_said_again_in_lines(settings: Settings, slack: SlackLab) -> None:
    """No answer at all says nothing of the form: the ways are gone once, as without tables."""
    for way in ("chat.postEphemeral", "chat.postMessage"):
        slack.faults.add(FaultKind.LOST_REPLY, way)
    reply = PrivateReply(web_client(settings), Asker("U0ALICE", "C0MIGRATE"))
    tables = TableForm(JumpClock(), is_on=True)
    answer = with_table(message("two VMs", [section("in lines")]), [], ("VM",), [("web01",)])
    await reply.say(answer, tables)
    said = [*told_alone(slack), *slack.workspace.direct_message(["U0ALICE"]).messages.values()]
    assert [has_table(one) for one in said] == [True, True]
    assert tables.is_wanted
