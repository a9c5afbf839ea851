"""Why a wish to cancel is not met, and who knows it."""

import pytest

from core.domain.attempt.cancellation import Unmet, is_told, pause, unmet
from core.domain.model import event_data
from core.domain.model.events import event
from core.domain.model.host_calls import CancelReply
from core.errors import ContactLost, EndpointRefused, HostError, HostUnreachable, LoginRejected
from tests.support.builders import NOW, move

WEB = move(1)
ASKED = event(event_data.CancelAsked(vms=(WEB.vm_name,), running=1), NOW)
UNMET = event(event_data.CancelUnmet(code=Unmet.REFUSED), NOW, move=WEB)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (CancelReply(found=True, accepted=False, text="Code 32775."), Unmet.REFUSED),
        (CancelReply(found=False), Unmet.NO_JOB),
        (HostUnreachable("HV01", "HV01 does not answer."), Unmet.UNHEARD),
        (ContactLost("HV01", "The connection broke."), Unmet.UNHEARD),
        (EndpointRefused("HV01", "A policy forbids it."), Unmet.DENIED),
        (LoginRejected("HV01", "Wrong password."), Unmet.DENIED),
    ],
)
def test_what_is_not_accepted_says_why_in_the_hosts_words(reply: CancelReply | HostError, code: Unmet) -> None:
    """A refusal, a missing job and a failed request are three things, each with what a human may do."""
    answer = unmet(reply)
    assert answer is not None
    assert (answer.code, bool(answer.text), bool(answer.hint)) == (code, True, True)


def test_an_accepted_cancel_needs_no_word() -> None:
    """What happens next is told by the move itself."""
    assert unmet(CancelReply(found=True, accepted=True)) is None


def test_the_host_is_asked_again_more_and_more_seldom() -> None:
    """From seconds to minutes, and no longer than that."""
    pauses = [pause(tries).total_seconds() for tries in range(1, 12)]
    assert pauses[:3] == [10, 20, 40]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 600


def test_people_hear_it_once_per_wish_and_reason() -> None:
    """A new wish is a new question; another VM's refusal, or another reason, is other news."""
    assert is_told([ASKED, UNMET], WEB, Unmet.REFUSED)
    assert not is_told([ASKED], WEB, Unmet.REFUSED)
    assert not is_told([ASKED, UNMET], WEB, Unmet.UNHEARD)
    assert not is_told([ASKED, UNMET], move(2), Unmet.REFUSED)
    assert not is_told([ASKED, UNMET, ASKED], WEB, Unmet.REFUSED)
    answered = event(event_data.Answered(answer="cancel"), NOW, move=WEB)
    assert not is_told([ASKED, UNMET, answered], WEB, Unmet.REFUSED)
    assert is_told([ASKED, UNMET, event(event_data.Answered(answer="wait"), NOW, move=WEB)], WEB, Unmet.REFUSED)
