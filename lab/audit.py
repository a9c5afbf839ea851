"""Audits a bot after a run: what really happened on hosts and in Slack, against what may happen."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from lab.hyperv.world.audit_log import StartRecord
from lab.hyperv.world.world import World
from lab.slack.server import SlackLab


@dataclass(frozen=True, slots=True)
class VmFate:
    """One VM: where it should be, where it is, and how often the bot started a move of it."""

    name: str
    wanted_on: tuple[str, ...]
    found_on: tuple[str, ...]
    starts: int

    @property
    def is_right(self) -> bool:
        """Whether it is on exactly one host, one of those where it should be."""
        return len(self.found_on) == 1 and self.found_on[0] in self.wanted_on


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The result of an audit; empty ``complaints`` mean that the lab agrees."""

    fates: tuple[VmFate, ...]
    peaks: tuple[tuple[str, str, int, int], ...]
    """Host, kind, the most at once, the limit."""
    starts: int
    over_limit_starts: int
    left_folders: tuple[str, ...]
    complaints: tuple[str, ...]


def judge(
    world: World, slack: SlackLab, wanted: Mapping[UUID, Collection[str]], owner: str, *, emptied: Collection[str] = ()
) -> AuditReport:
    """Judge. ``wanted`` says for each VM on which hosts it may be; ``emptied`` are folders nothing may be left below.

    An entry of ``emptied`` is ``HOST:folder``.
    """
    starts = [start for start in world.ledger.starts if start.owner == owner]
    fates = tuple(_fate(world, vm_id, tuple(hosts), starts) for vm_id, hosts in wanted.items())
    peaks = tuple(
        (name, str(kind), peak, limit)
        for (name, kind), peak in sorted(world.ledger.peaks.items())
        for limit in [_limit(world, name, str(kind))]
    )
    left = tuple(_left(world, emptied))
    over = sum(1 for start in starts if not start.is_accepted and start.refused_for)
    complaints = [
        f"{fate.name} is on {' and '.join(fate.found_on) or 'no host'}" for fate in fates if not fate.is_right
    ]
    complaints += [
        f"{host} ran {peak} {kind} migrations, its limit is {limit}"
        for host, kind, peak, limit in peaks
        if peak > limit
    ]
    complaints += [f"{violation.kind}: {violation.subject} {violation.detail}" for violation in world.ledger.violations]
    complaints += [f"left behind: {path}" for path in left]
    complaints += [
        f"Slack refused {call.method}: {call.error} {' '.join(call.messages)}" for call in slack.call_log.violations
    ]
    complaints += [f"{failure.user_id} saw {failure.what} fail: {failure.error}" for failure in slack.call_log.failures]
    complaints += [f"said twice in #{channel}: {text}" for channel, text in _said_twice(slack)]
    return AuditReport(
        fates=fates,
        peaks=peaks,
        starts=len(starts),
        over_limit_starts=over,
        left_folders=left,
        complaints=tuple(complaints),
    )


def _fate(world: World, vm_id: UUID, wanted: tuple[str, ...], starts: list[StartRecord]) -> VmFate:
    found = [(host, vm.name) for host in world.host_names() for vm in world.vms(host) if vm.id == vm_id]
    mine = [start for start in starts if start.vm_id == vm_id]
    name = found[0][1] if found else str(vm_id)
    return VmFate(name, wanted, tuple(host for host, _ in found), len(mine))


def _limit(world: World, host: str, kind: str) -> int:
    view = world.host(host)
    return view.live_limit if kind == "live" else view.storage_limit


def _left(world: World, emptied: Collection[str]) -> list[str]:
    left = []
    for place in emptied:
        host, _, folder = place.partition(":")
        below = folder.casefold() + "\\"
        left += [f"{host} {entry.path}" for entry in world.all_entries(host) if entry.path.casefold().startswith(below)]
    return left


def _said_twice(slack: SlackLab) -> list[tuple[str, str]]:
    twice = []
    for channel in slack.workspace.channels.values():
        counts: Counter[tuple[str, str]] = Counter()
        for root in channel.roots():
            if root.is_reply:  # a broadcast reply shows in the channel too; it is counted in its thread
                continue
            for message in (root, *channel.replies(root.ts)):
                payload = (message.metadata or {}).get("event_payload", {})
                if payload and not message.is_deleted:
                    counts[str(sorted(payload.items())), message.text] += 1
        twice += [(channel.name, text) for (_, text), count in counts.items() if count > 1]
    return twice
