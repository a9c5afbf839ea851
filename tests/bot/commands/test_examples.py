"""Every example the bot or its pages show is a command the bot understands."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.commands.parser import parse
from bot.commands.vocabulary import VERBS
from bot.messages.help import TOPICS, overview

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PAGE = Path("docs/guide/commands.md").read_text(encoding="utf-8")
ON_PAGE = [line.strip() for line in PAGE.splitlines() if line.startswith("    /migrate")]
IN_PAGE = re.findall(r"`(/migrate[^`]*)`", PAGE)
IN_HELP = [
    text for topic in (*TOPICS.values(), *overview("/migrate")) for text in re.findall(r"`(/migrate[^`]*)`", topic)
]


@pytest.mark.parametrize("example", sorted({text for text in (*ON_PAGE, *IN_PAGE, *IN_HELP) if "<" not in text}))
def test_an_example_is_understood(example: str) -> None:
    """What is shown can be copied and works."""
    parse(example.removeprefix("/migrate").strip(), now=NOW)


def test_every_verb_has_a_topic_of_help() -> None:
    """``help`` explains each sub-command."""
    assert set(VERBS) - set(TOPICS) == {"help"}
