"""How a host that cannot be looked at is spoken of: silence is only one of the reasons."""

import pytest

from core import errors
from core.domain.model.inventory import HostName
from core.engine.hosts.snapshot_cache import SnapshotCache
from core.hyperv import error_mapping
from tests.support.builders import NOW

AWAY = {errors.HostUnreachable, errors.ContactLost, error_mapping.SessionGone}


def _kinds(kind: type[errors.HostError]) -> list[type[errors.HostError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


@pytest.mark.parametrize("kind", _kinds(errors.HostError))
def test_only_a_host_that_is_away_does_not_answer(kind: type[errors.HostError]) -> None:
    """A refusal, a policy, a broken login, a full host and a bad certificate each say what they are."""
    assert (kind.standing == "does not answer") is (kind in AWAY)


def test_a_host_stands_as_its_last_error_says() -> None:
    """The reason of now, since the first one; without any trouble it has only not been looked at."""
    board, host = SnapshotCache(), HostName("HV01")
    board.silent(host, errors.HostUnreachable(host, "refused"), NOW)
    assert board.standing(host) == "does not answer"
    board.silent(host, errors.LoginRejected(host, "wrong password"), NOW)
    assert board.standing(host) == "rejects the bot's login"
    assert board.troubles[host].since == NOW
