import pytest

from lab.slack.people.input_field import Habits, InputField
from lab.slack.server import SlackLab
from lab.slack.workspace.clock import ManualClock

ALL = Habits(smart_quotes=True, smart_dashes=True)


@pytest.fixture
def input_field() -> InputField:
    lab = SlackLab(clock=ManualClock())
    return lab._workplace.input_field


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ('"web 01" to hv02', "\u201cweb 01\u201d to hv02"),
        ("O'Brien 'x'", "O\u2019Brien \u2018x\u2019"),
        ("web01 --parallel 2", "web01 \u2014parallel 2"),
        (r"path C:\VMs\My VM" + "\\", r"path C:\VMs\My VM" + "\\"),
        (r"\\fs01\d$\x", r"\\fs01\d$\x"),
        ("from hv01.contoso.com", "from <http://hv01.contoso.com|hv01.contoso.com>"),
        ("ask a@b.co", "ask <mailto:a@b.co|a@b.co>"),
        ("see https://x.example/a?b=1&c=2", "see <https://x.example/a?b=1&amp;c=2>"),
        ("a & b < c", "a &amp; b &lt; c"),
        ("@bob in #migrations", "<@U0BOB|bob> in <#C0MIGRATE|migrations>"),
        ("ask @vm-oncall", "ask <!subteam^S0ONCALL|@vm-oncall>"),
        ("in #private-ops", "in <#C0PRIVATE|>"),
        ("@nobody in #nowhere", "@nobody in #nowhere"),
        ("two  spaces", "two  spaces"),
    ],
)
def test_a_slash_text_arrives_as_slack_sends_it(input_field: InputField, typed: str, sent: str) -> None:
    """Quotes curl, dashes join, links and mentions are wrapped; backslashes and spaces are left alone."""
    assert input_field.slash(typed, ALL, should_escape=True) == sent


def test_without_should_escape_nothing_is_wrapped(input_field: InputField) -> None:
    """A command without should_escape gets the text as typed."""
    assert (
        input_field.slash("@bob a & b hv01.contoso.com", Habits(), should_escape=False) == "@bob a & b hv01.contoso.com"
    )


def test_habits_are_off_unless_switched_on(input_field: InputField) -> None:
    """Without habits quotes and dashes stay what they are."""
    assert input_field.message('"x" --y', Habits()) == '"x" --y'


def test_messages_name_nobody(input_field: InputField) -> None:
    """In message events mentions carry the id alone."""
    assert input_field.message("@bob hi", Habits()) == "<@U0BOB> hi"


def test_phones_capitalise(input_field: InputField) -> None:
    """A mobile keyboard starts with a capital letter."""
    assert input_field.slash("status 7", Habits(capitalise=True), should_escape=True) == "Status 7"
