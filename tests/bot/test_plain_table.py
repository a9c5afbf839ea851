"""Tables of the command line are plain text that pipes and grep can read."""

from bot.plain_table import plain_table


def test_columns_line_up_and_no_row_is_folded_or_coloured() -> None:
    """One line a row however long; a wide character takes two places; what looks like markup is shown as it is."""
    long = "x" * 500
    text = plain_table([("VM", "WHERE"), ("東京", "HV01"), ("[red]a", long)])
    assert text.splitlines() == ["VM      WHERE", "東京    HV01", f"[red]a  {long}"]


def test_nothing_is_nothing() -> None:
    """Without rows there is no line."""
    assert plain_table([]) == ""
