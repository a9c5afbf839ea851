"""The numbers for Prometheus: what is counted, what is measured at one moment, and the page that explains each."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import BotStatus, Counters, families, text
from core.domain.model import event_data
from core.domain.model.event_data import EventData
from core.domain.model.events import Recorded, event
from core.domain.model.inventory import HostName
from core.domain.model.views import DeliveryView, HostView, LinkView
from core.errors import CannotLogOn, HostUnreachable, LoginRejected, LoginWithheld
from tests.support.markdown_pages import read, rows
from tests.support.view_builders import NOW, move

QUIET = BotStatus(
    is_connected=True, stopped_by="", lengths={}, hosts=(), ages_s={}, loops=(), delivery=DeliveryView(), at=NOW
)
WEB01 = replace(move(0, "web01"), source=HostName("HV01"), destination=HostName("HV02"), queued_at=NOW)


def values(found: Iterable[Metric]) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("migrate_bot_"), *sample.labels.values()): sample.value
        for family in found
        for sample in family.samples
    }


def counted(*happened: EventData, after_s: float = 0.0) -> dict[tuple[str, ...], float]:
    """What is not nothing after these events of one move."""
    counters = Counters()
    for data in happened:
        counters.recorded(Recorded(event=event(data, NOW + timedelta(seconds=after_s), move=WEB01), move=WEB01))
    found = values(counters.collect()).items()
    return {name: value for name, value in found if value and not name[0].startswith(("process_", "build_info"))}


def test_an_attempt_is_counted_by_its_hosts_and_the_first_one_has_waited() -> None:
    """Source and destination, never the VM; a second attempt waited for something else than a slot."""
    first, second = event_data.Starting(attempt=1, of=3), event_data.Starting(attempt=2, of=3)
    found = counted(first, second, after_s=90)
    assert found["attempts_total", "HV01", "HV02"] == 2
    assert found["queue_wait_seconds_count",] == 1
    assert found["queue_wait_seconds_sum",] == 90
    assert ("queue_wait_seconds_bucket", "60.0") not in found
    assert found["queue_wait_seconds_bucket", "300.0"] == 1
    assert not any("web01" in label for name in found for label in name)


def test_a_wait_is_never_less_than_nothing() -> None:
    """The clock on the wall was put back while it waited."""
    found = counted(event_data.Starting(attempt=1, of=1), after_s=-500)
    assert found["queue_wait_seconds_bucket", "1.0"] == 1
    assert ("queue_wait_seconds_sum",) not in found


def test_a_vm_that_has_moved_is_counted_with_its_time_and_size() -> None:
    """One end, how long it took, and the bytes."""
    found = counted(event_data.Done(seconds=1000.0, bytes=5_000))
    assert found["move_ends_total", "done", ""] == 1
    assert (found["move_duration_seconds_sum",], found["moved_bytes_total",]) == (1000.0, 5000)
    assert found["move_duration_seconds_bucket", "1800.0"] == 1


@pytest.mark.parametrize(
    ("data", "outcome", "pages"),
    [
        (event_data.Failed(code="network"), "failed", 1),
        (event_data.Unmigratable(code="network"), "unmigratable", 1),
        (event_data.Unmigratable(code="network", follows=True), "unmigratable", 0),
        (event_data.Cancelled(code="network"), "cancelled", 0),
        (event_data.Lost(code="network"), "lost", 1),
        (event_data.MovedByOthers(code="network"), "moved_by_others", 0),
    ],
)
def test_every_other_end_is_counted_with_its_fault(data: EventData, outcome: str, pages: int) -> None:
    """By outcome and code; what on-call is to be called for is counted as a page."""
    found = counted(data)
    assert found.pop(("move_ends_total", outcome, "network")) == 1
    assert found == ({("pages_total", outcome): 1.0} if pages else {})


def test_a_failure_that_is_tried_again_is_no_end() -> None:
    """It has a counter of its own, by its code."""
    assert counted(event_data.Retrying(code="network", attempt=1, of=3)) == {("retries_total", "network"): 1.0}


@pytest.mark.parametrize(
    ("error", "is_rejected"), [(LoginRejected, 1), (LoginWithheld, 1), (HostUnreachable, 0), (CannotLogOn, 0)]
)
def test_a_rejected_login_is_told_from_a_host_that_is_away(error: type[HostUnreachable], is_rejected: int) -> None:
    """So is one that is not tried for a while, so that the account is not locked."""
    host = HostView(host=HostName("HV01"), is_reachable=False, since=NOW, standing=error.standing)
    found = values(families(replace(QUIET, hosts=(host,))))
    assert (found["host_login_rejected", "HV01"], found["host_reachable", "HV01"]) == (is_rejected, 0)


def test_the_oldest_notice_has_an_age() -> None:
    """In seconds; nothing waits: 0."""
    waiting = DeliveryView(waiting=2, oldest=NOW - timedelta(minutes=3))
    assert values(families(replace(QUIET, delivery=waiting)))["oldest_notice_age_seconds",] == 180
    assert values(families(QUIET))["oldest_notice_age_seconds",] == 0


def test_slots_the_bot_has_taken_are_told() -> None:
    """Beside those the host shows as used."""
    host = HostView(host=HostName("HV01"), is_reachable=True, since=NOW, live_used=2, live_limit=2, ours=1)
    assert values(families(replace(QUIET, hosts=(host,))))["host_slots_reserved", "HV01"] == 1


def test_links_have_their_moves_and_their_number() -> None:
    """A link that may carry any number has no limit to compare with."""
    links = (
        LinkView(name="rack-a", hosts=(HostName("HV01"),), used=2, limit=3),
        LinkView(name="wan", hosts=(HostName("HV01"),), used=5, limit=None),
    )
    found = values(families(replace(QUIET, links=links)))
    assert (found["link_moves", "rack-a"], found["link_moves", "wan"], found["link_moves_limit", "rack-a"]) == (2, 5, 3)
    assert ("link_moves_limit", "wan") not in found
    assert ("link_hosts_reachable", "wan") not in found, "one host: that it is silent says nothing of a link"


def test_links_have_what_waits_for_them_and_how_many_hosts_answer() -> None:
    """Nobody behind it answers: 0."""
    rack = LinkView(name="rack-a", hosts=(HostName("HV01"), HostName("HV02")), used=1, limit=1, waiting=4, silent=2)
    found = values(families(replace(QUIET, links=(rack,))))
    assert (found["link_moves_waiting", "rack-a"], found["link_hosts_reachable", "rack-a"]) == (4, 0)


@pytest.mark.parametrize("status", [QUIET, None])
def test_prometheus_reads_it(status: BotStatus | None) -> None:
    """Its own parser takes every line, of a bot on duty and of one that stands by; process and version are in both."""
    found = values(text_string_to_metric_families(text(Counters(), status).decode()))
    assert found["leader",] == (1 if status else 0)
    assert ("stopped",) in found or status is None
    assert found["process_resident_memory_bytes",] > 0
    assert [name for name in found if name[0] == "build_info"]
    assert not [name for name in found if name[0].endswith("_created")]


def test_every_metric_is_explained() -> None:
    """docs/reference/metrics.md has a row for each, with its labels, and no other."""
    endings: dict[str, Any] = {"counter": "_total"}  # Prometheus asks for a counter by its name with this ending
    made = {family.name + endings.get(family.type, "") for family in (*families(QUIET), *Counters().collect())}
    own = {name for name in made if name.startswith("migrate_bot_")}
    explained = {cells[0].strip("`").partition("{")[0] for cells in rows(read("docs/reference/metrics.md"))}
    assert explained == own
    labels = {
        row[0].strip("`").partition("{")[0]: row[0].strip("`}").partition("{")[2]
        for row in rows(read("docs/reference/metrics.md"))
    }
    counters = Counters()
    for name, metric in vars(counters).items():
        if names := getattr(metric, "_labelnames", None):
            assert labels[f"migrate_bot_{name}_total"] == ",".join(names), name
