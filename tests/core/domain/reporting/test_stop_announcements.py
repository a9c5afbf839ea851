"""Promises of core.domain.reporting.announcements."""

from core.domain.model.event_data import EventKind, Resumed, Stopped
from core.domain.model.events import Tone
from core.domain.model.job import Card, JobId
from core.domain.reporting.announcements import alarm
from tests.support.builders import NOW, after, job


def test_every_running_job_hears_of_the_stop_and_each_channel_once() -> None:
    """The oldest job of a channel speaks to the channel; the act itself is recorded even when nothing runs."""
    first, second = job(1, created_at=NOW), job(2, created_at=after(1), card=Card("C1", "2.0"))
    other = job(3, created_at=after(2), channel="C1", card=Card("C2", "3.0"))
    act, *lines = alarm(Stopped(), NOW, "UDAVE", [other, second, first])
    assert (act.kind, act.job_id, act.tone, act.actor) == (EventKind.STOPPED, None, None, "UDAVE")
    assert [(line.job_id, line.tone) for line in lines] == [
        (JobId("J1"), Tone.BROADCAST),
        (JobId("J2"), Tone.LINE),
        (JobId("J3"), Tone.BROADCAST),
    ]
    assert {(line.kind, line.actor, line.at) for line in lines} == {(EventKind.STOPPED, "UDAVE", NOW)}
    assert len(alarm(Resumed(), NOW, "UDAVE", [])) == 1
