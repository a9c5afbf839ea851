"""Promises of docs/guide/operate.md: each command that it shows is one that ``migrate-bot`` understands."""

import re

import pytest

from bot.cli.parser import command_parser
from tests.support.markdown_pages import blocks, read

PAGE = "docs/guide/operate.md"


def shown() -> list[str]:
    """Return every line of the page that types the command, in blocks and within sentences."""
    page = read(PAGE)
    lines = [line.strip() for block in blocks(page, "sh") for line in block.text.splitlines()]
    lines += re.findall(r"`(migrate-bot [^`]*)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    return [line for line in lines if line.startswith("migrate-bot ") and "…" not in line]


@pytest.mark.parametrize("line", shown())
def test_each_command_of_the_page_is_understood(line: str) -> None:
    """It is parsed as it stands there; argparse ends the test when it is not."""
    assert command_parser().parse_args(line.split()[1:]).command


def test_every_command_that_operates_is_on_the_page() -> None:
    """What the command line has for whoever runs the bot is shown there."""
    commands = {line.split()[1] for line in shown()}
    missing = {"init", "check", "run", "health", "jobs", "backup", "restore", "restored", "purge"} - commands
    assert missing | {"stop", "resume", "pause", "cancel"} - commands == set()
