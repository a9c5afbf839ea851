"""Promises of docs/guide/try.md."""

from lab.drills.drill import drill_names, load_drill
from tests.support.markdown_pages import read, rows, section


def test_every_drill_is_on_the_page() -> None:
    """The table has exactly the drills that there are, in their order, with their titles."""
    told = [(cells[0].strip("`"), cells[1]) for cells in rows(section(read("docs/guide/try.md"), "Drills"))]
    assert told == [(name, load_drill(name).title) for name in drill_names()]
