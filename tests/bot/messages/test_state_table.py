"""Every state has its icon and its words."""

import pytest

from bot.messages.state_table import JOB_ICONS, MOVE_STATES, PROBLEMS
from core.domain.model.job import JobState
from core.domain.model.move import MoveState


@pytest.mark.parametrize("state", MoveState)
def test_every_state_of_a_move_has_an_icon_and_words(state: MoveState) -> None:
    """A new state cannot be forgotten: no message stumbles over it."""
    assert MOVE_STATES[state].icon
    assert MOVE_STATES[state].where


@pytest.mark.parametrize("state", PROBLEMS)
def test_trouble_has_words_wherever_it_is_shown(state: MoveState) -> None:
    """On the card, in its total, in a page and in the picture."""
    words = MOVE_STATES[state]
    assert all((words.card, words.total, words.page, words.picture))


@pytest.mark.parametrize("state", JobState)
def test_every_state_of_a_job_has_an_icon(state: JobState) -> None:
    """A list of jobs shows them all."""
    assert JOB_ICONS[state]
