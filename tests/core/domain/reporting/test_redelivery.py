"""When a notice that was not told is tried again, and when it is given up."""

from dataclasses import replace

import pytest

from core.domain.model.event_data import EventKind
from core.domain.model.events import Notice, Tone
from core.domain.reporting.redelivery import GiveUp, TryAgain, after_failure
from core.errors import NotifierBusy, NotifierDown, NotifierRefused, NotifierUnauthorized
from tests.support.view_builders import NOW, move, notice


def told(tone: Tone, tries: int = 0) -> Notice:
    made = notice(EventKind.DONE, move(0, "web01"))
    return replace(made, tries=tries, event=replace(made.event, tone=tone, at=NOW))


@pytest.mark.parametrize("tries", [0, 1, 500])
@pytest.mark.parametrize("error", [NotifierUnauthorized("token"), NotifierDown("away"), KeyError("count")])
def test_what_is_not_known_to_be_the_message_is_waited_for(error: Exception, tries: int) -> None:
    """As long as it takes, a minute between two tries at most."""
    outcome = after_failure(told(Tone.LINE, tries), error)
    assert isinstance(outcome, TryAgain)
    assert 1 <= outcome.after_s <= 60


def test_slack_is_asked_again_when_it_wants_to_be() -> None:
    """As it said."""
    assert after_failure(told(Tone.LINE, 50), NotifierBusy("", retry_after_s=7)) == TryAgain(7)


@pytest.mark.parametrize("tone", [Tone.CARD, Tone.LINE, Tone.BROADCAST])
def test_what_slack_takes_in_no_form_is_given_up(tone: Tone) -> None:
    """At once, with its reason; what follows is said."""
    assert after_failure(told(tone), NotifierRefused("msg_too_long")) == GiveUp()


@pytest.mark.parametrize("error", [NotifierRefused("no"), NotifierDown("no"), KeyError("count")])
@pytest.mark.parametrize("tries", [0, 500])
def test_a_page_is_never_given_up(error: Exception, tries: int) -> None:
    """It is tried more and more seldom, every ten minutes at last."""
    outcome = after_failure(told(Tone.PAGE, tries), error, is_hopeless=True)
    assert isinstance(outcome, TryAgain)
    assert 1 <= outcome.after_s <= 600


@pytest.mark.parametrize("error", [NotifierDown("fatal_error"), KeyError("count")])
def test_a_message_that_fails_alone_for_hours_is_given_up(error: Exception) -> None:
    """What follows is said then."""
    assert after_failure(told(Tone.LINE, 50), error, is_hopeless=True) == GiveUp()
