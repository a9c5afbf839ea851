"""Promises of docs/generated/conversations.md: what it shows is what people see, for every sub-command."""

import re
from typing import get_args

import pytest

from bot.commands.model import Command, Migrate
from tests.conversations.record import VISITS, visit
from tests.support.markdown_pages import read

PAGE = "docs/generated/conversations.md"


@pytest.mark.parametrize("number", range(len(VISITS)))
async def test_the_page_shows_what_people_see(number: int) -> None:
    """Walking through it again shows the same; if another is meant: ``python -m tests.conversations.record``."""
    lines = await visit(VISITS[number])
    written = read(PAGE).splitlines()
    start = written.index(lines[1])
    assert written[start : start + len(lines) - 1] == lines[1:]


def test_every_sub_command_is_on_the_page() -> None:
    """Nothing that can be typed is left out."""
    typed = {line.split(" ")[0] for line in re.findall(r"types `/migrate ([^`]+)`", read(PAGE))}
    wanted = {kind.__name__.lower() for kind in get_args(Command) if kind is not Migrate}
    assert wanted - typed == set()
