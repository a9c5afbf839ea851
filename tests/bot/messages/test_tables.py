"""Tables of private answers: within Slack's limits, and only beside the same answer in lines."""

from bot.messages.blocks import message, section
from bot.messages.tables import ROWS, moment, person, with_table
from bot.slack.table_form import AGAIN_AFTER, TableForm
from lab.slack.workspace.blocks.check import message_problems
from tests.bot.messages.tables_page import PAGE, page, shown
from tests.support.view_builders import NOW, JumpClock

HEAD = ("VM", "Host", "Seen", "By")
LINES = message("two VMs", [section("in lines")])


def test_a_table_is_one_that_slack_takes() -> None:
    """Cells of text, times and people; an empty cell and one of 5,000 letters; the lines stay as they were."""
    rows = [("web01", "HV01", moment(NOW), person("UALICE")), ("x" * 5000, "", "", "")]
    made = with_table(LINES, [section("above")], HEAD, rows)
    assert message_problems(list(made.as_table)) == []
    assert made.blocks == LINES.blocks
    assert [block["type"] for block in made.as_table] == ["section", "table"]


def test_more_than_a_table_holds_stays_in_lines() -> None:
    """100 rows with the headings; no rows is no table."""
    assert with_table(LINES, [], HEAD, [("a",) * 4] * ROWS) == LINES
    assert with_table(LINES, [], HEAD, []) == LINES
    assert with_table(LINES, [], ("a",) * 21, [("a",) * 21]) == LINES
    assert message_problems(list(with_table(LINES, [], HEAD, [("a",) * 4] * (ROWS - 1)).as_table)) == []


def test_every_answer_with_a_table_is_one_that_slack_takes() -> None:
    """Both forms of each are within Slack's limits, and no block but the last is a table."""
    for _, answer in shown():
        assert message_problems(list(answer.blocks)) == []
        assert message_problems(list(answer.as_table)) == []
        assert [block["type"] for block in answer.as_table].index("table") == len(answer.as_table) - 1


def test_the_page_shows_both_forms() -> None:
    """docs/generated/tables.md is what the program says; ``python -m tests.bot.messages.tables_page`` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_refusal_is_remembered_for_a_day() -> None:
    """Then a table is tried once more; one that was too long is not counted. Without the setting none is tried."""
    clock = JumpClock()
    tables = TableForm(clock, is_on=True)
    wanted = [tables.is_wanted]
    tables.refused("msg_blocks_too_long")
    wanted.append(tables.is_wanted)
    tables.refused("invalid_blocks")
    wanted.append(tables.is_wanted)
    clock.at += AGAIN_AFTER
    wanted.append(tables.is_wanted)
    assert wanted == [True, True, False, True]
    assert not TableForm(clock, is_on=False).is_wanted
