"""Writes the state of the bot in Prometheus' text format. Pure; docs/reference/metrics.md explains each metric."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from core.domain.model.inventory import HostName
from core.domain.model.job import JobState
from core.domain.model.move import MoveState
from core.domain.model.views import DeliveryView, HostView
from core.supervisor import LoopStatus

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStatus:
    """The state of the bot at one moment. ``lengths`` counts the open jobs and moves by state."""

    is_connected: bool
    stopped_by: str
    lengths: Mapping[str, int]
    hosts: Sequence[HostView]
    ages_s: Mapping[HostName, float | None]
    delivery: DeliveryView
    loops: Sequence[LoopStatus]


def text(status: BotStatus) -> bytes:
    """Write it as Prometheus reads it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(tuple(families(status))))
    return generate_latest(registry)


def standby_text() -> bytes:
    """Write what a bot that stands by has to say."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given((_leader(is_leader=False),)))
    return generate_latest(registry)


def families(status: BotStatus) -> Iterator[Metric]:
    """Name every number and what it means."""
    yield _leader(is_leader=True)
    yield _one("slack_connected", "Whether Slack reaches the bot.", status.is_connected)
    yield _one("slack_accepts", "Whether Slack takes what the bot says.", not status.delivery.trouble)
    yield _one("notices_waiting", "What people are still to be told.", status.delivery.waiting)
    yield _one("notices_given_up", "What people were never told: Slack took it nowhere.", status.delivery.given_up)
    yield _one("stopped", "Whether somebody stopped all starts.", bool(status.stopped_by))
    heartbeats = [((loop.name,), loop.age_s) for loop in status.loops]
    yield _many("loop_heartbeat_age_seconds", "Time since a loop last gave a sign of life.", ("loop",), heartbeats)
    yield _many(
        "loop_alive", "Whether a loop turns.", ("loop",), [((loop.name,), loop.is_alive) for loop in status.loops]
    )
    restarts = CounterMetricFamily("migrate_bot_loop_restarts", "How often a loop broke and went on.", labels=("loop",))
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
    ages = (((host,), age) for host, age in status.ages_s.items() if age is not None)
    yield _many("host_snapshot_age_seconds", "How long ago a host last told about itself.", ("host",), ages)
    seen = [host for host in status.hosts if host.is_reachable]
    used = [((host.host, "live"), host.live_used) for host in seen]
    used += [((host.host, "storage"), host.storage_used) for host in seen]
    yield _many("host_slots_used", "Migrations of a host now, ours and others'.", ("host", "kind"), used)
    limits = [((host.host, "live"), host.live_limit) for host in seen]
    limits += [((host.host, "storage"), host.storage_limit) for host in seen]
    yield _many("host_slots_limit", "Migrations a host allows at once.", ("host", "kind"), limits)


def _leader(*, is_leader: bool) -> Metric:
    return _one("leader", "Whether this bot works on the database, and does not stand by.", is_leader)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"migrate_bot_{name}", words, value=float(value))


def _many(
    name: str, words: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"migrate_bot_{name}", words, labels=labels)
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
