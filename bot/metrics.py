"""Numbers for Prometheus: what happened since the start, counted, and how the bot is at one moment.

docs/reference/metrics.md explains each metric. Hosts are labels; VMs, jobs and people never are.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from core.domain.model import event_data
from core.domain.model.events import Recorded, Tone
from core.domain.model.inventory import HostName
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.domain.model.views import DeliveryView, HostView, LinkView
from core.supervisor import LoopStatus

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0

_PREFIX = "migrate_bot"
_MINUTE, _HOUR = 60, 3600
_MOVES_LAST_S = (_MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 24 * _HOUR)
_MOVES_WAIT_S = (1, 10, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, 12 * _HOUR, 48 * _HOUR)

# A series for the time at which each counter was made would double their number, and nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Counters:
    """What happened since this process began: counters and histograms, and the process itself."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        self.requests = self._counter("requests", "What people asked for.", "what")
        self.refusals = self._counter("refusals", "What people asked for and did not get.", "what", "error")
        self.attempts = self._counter("attempts", "Attempts to move a VM.", "source", "destination")
        self.retries = self._counter("retries", "Attempts that failed and are followed by another.", "code")
        self.move_ends = self._counter("move_ends", "Moves that ended.", "outcome", "code")
        self.moved_bytes = self._counter("moved_bytes", "Bytes of the VMs that were moved.")
        self.pages = self._counter("pages", "What on-call was to be called for.", "event")
        self.slack_refusals = self._counter("slack_refusals", "Calls that Slack refused or did not answer.", "about")
        self.database_errors = self._counter("database_errors", "What the database did not do.", "error")
        self.move_seconds = self._histogram("move_duration_seconds", "How long a move took.", _MOVES_LAST_S)
        self.wait_seconds = self._histogram("queue_wait_seconds", "How long a move waited to start.", _MOVES_WAIT_S)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, namespace=_PREFIX, registry=self.registry)

    def _histogram(self, name: str, words: str, bounds_s: Sequence[float]) -> Histogram:
        return Histogram(name, words, namespace=_PREFIX, buckets=bounds_s, registry=self.registry)

    def recorded(self, recorded: Recorded) -> None:
        """Count an event."""
        happened, move = recorded.event, recorded.move
        match happened.data:
            case event_data.Starting(attempt=attempt) if move:
                self.attempts.labels(move.source, move.destination).inc()
                if attempt == 1 and move.queued_at:
                    self.wait_seconds.observe(_seconds(move.queued_at, happened.at))
            case event_data.Done(seconds=seconds, bytes=size):
                self.move_seconds.observe(seconds)
                self.moved_bytes.inc(size)
                self._ended(happened.data)
            case event_data.Retrying(code=code):
                self.retries.labels(code).inc()
            case event_data.Failed() | event_data.Ended():
                self._ended(happened.data)
        if happened.tone is Tone.PAGE:
            self.pages.labels(happened.kind.value).inc()

    def _ended(self, data: event_data.Done | event_data.Failed | event_data.Ended) -> None:
        code = "" if isinstance(data, event_data.Done) else data.code
        self.move_ends.labels(data.kind.value, code).inc()

    def collect(self) -> Iterable[Metric]:
        """Return all of it as it is now."""
        yield from self.registry.collect()
        build = GaugeMetricFamily(f"{_PREFIX}_build_info", "Which version this is.", labels=("version", "python"))
        build.add_metric((metadata.version("migrate-bot"), platform.python_version()), 1.0)
        yield build


def _seconds(since: datetime, until: datetime) -> float:
    # The clock on the wall may have been put back in between.
    return max(timedelta(0), until - since).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStatus:
    """The state of the bot at one moment. ``lengths`` counts the open jobs and moves by state."""

    is_connected: bool
    stopped_by: str
    lengths: Mapping[str, int]
    hosts: Sequence[HostView]
    links: Sequence[LinkView] = ()
    ages_s: Mapping[HostName, float | None]
    delivery: DeliveryView
    loops: Sequence[LoopStatus]
    at: datetime
    """Now, on the wall."""


def text(counters: Counters, status: BotStatus | None = None) -> bytes:
    """Write all of it as Prometheus reads it; None: this bot stands by."""
    registry = CollectorRegistry(auto_describe=False)
    now = families(status) if status else (_leader(is_leader=False),)
    registry.register(_Given((*now, *counters.collect())))
    return generate_latest(registry)


def families(status: BotStatus) -> Iterator[Metric]:
    """Name every number and what it means."""
    yield _leader(is_leader=True)
    yield _one("slack_connected", "Whether Slack reaches the bot.", status.is_connected)
    yield _one("slack_accepts", "Whether Slack takes what the bot says.", not status.delivery.trouble)
    yield _one("notices_waiting", "What people are still to be told.", status.delivery.waiting)
    oldest = status.delivery.oldest
    age_s = _seconds(oldest, status.at) if oldest else 0.0
    yield _one("oldest_notice_age_seconds", "How long people have been waiting for the oldest of these.", age_s)
    yield _one("notices_given_up", "What people were never told: Slack took it nowhere.", status.delivery.given_up)
    yield _one("stopped", "Whether somebody stopped all starts.", bool(status.stopped_by))
    heartbeats = [((loop.name,), loop.age_s) for loop in status.loops]
    yield _many("loop_heartbeat_age_seconds", "Time since a loop last gave a sign of life.", ("loop",), heartbeats)
    yield _many(
        "loop_alive", "Whether a loop turns.", ("loop",), [((loop.name,), loop.is_alive) for loop in status.loops]
    )
    restarts = CounterMetricFamily(f"{_PREFIX}_loop_restarts", "How often a loop broke and went on.", labels=("loop",))
    for loop in status.loops:
        restarts.add_metric((loop.name,), float(loop.restarts))
    yield restarts
    for name, words, states in (
        ("jobs", "Jobs that wait for approval or run.", [one for one in JobState if not one.is_end]),
        ("moves", "Moves of running jobs that are not over.", [one for one in MoveState if not one.is_end]),
    ):
        counts = (((state.value,), status.lengths.get(state.value, 0)) for state in states)
        yield _many(name, words, ("state",), counts)
    reachable = (((host.host,), host.is_reachable) for host in status.hosts)
    yield _many("host_reachable", "Whether a host answers.", ("host",), reachable)
    rejected = (((host.host,), host.is_login_rejected) for host in status.hosts)
    yield _many("host_login_rejected", "Whether a host rejects the bot's login.", ("host",), rejected)
    ages = (((host,), age) for host, age in status.ages_s.items() if age is not None)
    yield _many("host_snapshot_age_seconds", "How long ago a host last told about itself.", ("host",), ages)
    seen = [host for host in status.hosts if host.is_reachable]
    used = [((host.host, "live"), host.live_used) for host in seen]
    used += [((host.host, "storage"), host.storage_used) for host in seen]
    yield _many("host_slots_used", "Migrations of a host now, ours and others'.", ("host", "kind"), used)
    reserved = [((host.host,), host.ours) for host in seen]
    yield _many("host_slots_reserved", "Slots of each kind that the bot itself has taken.", ("host",), reserved)
    limits = [((host.host, "live"), host.live_limit) for host in seen]
    limits += [((host.host, "storage"), host.storage_limit) for host in seen]
    yield _many("host_slots_limit", "Migrations a host allows at once.", ("host", "kind"), limits)
    on_links = [((link.name,), link.used) for link in status.links]
    yield _many("link_moves", "Moves on a link now.", ("link",), on_links)
    numbers = [((link.name,), link.limit) for link in status.links if link.limit is not None]
    yield _many("link_moves_limit", "Moves that a link may carry at this time.", ("link",), numbers)
    waiting = [((link.name,), link.waiting) for link in status.links]
    yield _many("link_moves_waiting", "Moves that wait because a link is full.", ("link",), waiting)
    answer = [((link.name,), len(link.hosts) - link.silent) for link in status.links if len(link.hosts) > 1]
    yield _many("link_hosts_reachable", "Hosts behind a link that answer, or were not asked yet.", ("link",), answer)


def _leader(*, is_leader: bool) -> Metric:
    return _one("leader", "Whether this bot works on the database, and does not stand by.", is_leader)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", words, value=float(value))


def _many(
    name: str, words: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", words, labels=labels)
    for of, value in values:
        family.add_metric(of, float(value))
    return family


class _Given(Collector):
    """A collector of metrics that were worked out already."""

    def __init__(self, given: Sequence[Metric]) -> None:
        self._given = given

    def collect(self) -> Sequence[Metric]:
        """Hand them over."""
        return self._given
