"""Private lists as tables, over real sockets: as the settings say, and in lines wherever Slack refuses one."""

from lab.slack.server import SlackLab
from lab.slack.workspace.messages import Message
from tests.bot.conftest import Opening
from tests.support.bot_harness import CHANNEL, Office, read
from tests.support.eventually import eventually

ALICE = "alice"


def has_table(message: Message) -> bool:
    return any(block["type"] == "table" for block in message.content.blocks or ())


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
