"""Promises of docs/generated/cards: the cards shown there are the ones people get, and Slack takes them."""

import json

import pytest

from lab.slack.workspace.blocks.check import message_problems
from tests.bot.messages.gallery import FOLDER, gallery, text

CARDS = gallery()


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_as_shown_and_within_the_limits(name: str) -> None:
    """If another card is meant: ``python -m tests.bot.messages.gallery``."""
    shown = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text(CARDS[name]) == shown
    assert message_problems(json.loads(shown)["blocks"]) == []


def test_no_card_is_left_over() -> None:
    """The folder holds nothing else."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(CARDS)
