"""Promises about commands: what the pages show is understood, and what is understood is on a page."""

import argparse
import re
from datetime import UTC, datetime

import pytest

from bot.cli.parser import command_parser
from bot.commands import parser as grammar
from bot.commands.model import Migrate
from bot.commands.vocabulary import KEYWORDS, OPTIONS, VERBS
from tests.support.markdown_pages import blocks, read, rows, section

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("word", [*VERBS, *KEYWORDS, *OPTIONS])
def test_every_word_of_the_command_is_explained(word: str) -> None:
    """docs/guide/commands.md has every sub-command, keyword and option, as code."""
    page = read("docs/guide/commands.md")
    code = " ".join(re.findall(r"`[^`]+`", page) + [block.text for block in blocks(page)])
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code)


def test_the_examples_of_the_readme_are_understood() -> None:
    """Each line of the example is a request that the bot reads without a question."""
    [example] = [block for block in blocks(read("README.md"), "text") if block.text.startswith("/migrate")]
    for line in example.text.splitlines():
        command = grammar.parse(line.removeprefix("/migrate "), now=NOW, hosts=("HV01", "HV02", "HV03"))
        assert isinstance(command, Migrate), line


def test_the_commands_of_the_readme_are_understood() -> None:
    """Each command of the table that is not a form or a pattern is one the bot reads."""
    for cells in rows(section(read("README.md"), "Commands")):
        for text in re.findall(r"`(?:/migrate )?([^`]*)`", cells[0]):
            if "<" not in text and text != "/migrate":
                grammar.parse(re.sub(r"\[([^]]*)\]", r"\1", text), now=NOW)


def test_every_command_of_the_command_line_is_in_the_readme() -> None:
    """The README has exactly the commands that ``migrate-bot`` knows."""
    parser = command_parser()
    [choices] = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    shown = {cells[0].strip("`").split()[1] for cells in rows(section(read("README.md"), "The command line"))}
    assert shown == set(choices)
