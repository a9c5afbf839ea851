"""Phase 3 of a decision, fit: is there a slot for this move now? What was given away counts for the next in line."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from core.domain.model.inventory import HostName
from core.domain.model.job import JobId
from core.domain.model.move import Attempt, HoldCode, Move
from core.domain.scheduling.decisions import Decision, Held, Start, at_rest, hold
from core.domain.scheduling.dropout import out_of_room
from core.domain.scheduling.fail_fast import FailedJobs
from core.domain.scheduling.links import Link, Place, refused_by_link, usages
from core.domain.scheduling.readiness import Ready
from core.domain.scheduling.situation import Situation, lessons
from core.domain.scheduling.slots import SlotUsage, refusal
from core.domain.scheduling.trials import pairs_on_trial


class SlotFit:
    """The slots of one decision: asked for one move after the other, in starting order."""

    def __init__(
        self,
        situation: Situation,
        failed: FailedJobs,
        loads: Mapping[HostName, tuple[SlotUsage, ...]],
        not_queued: Iterable[Move],
    ) -> None:
        self._at = situation
        self._wall = situation.wall
        self._failed = failed
        self._loads = loads
        self._reserved: defaultdict[HostName, list[Attempt]] = defaultdict(list)
        self._closed: dict[HostName, str] = {}
        self._links = situation.policy.links
        self._on_links = usages(self._links, situation.snapshots)
        self._reserved_on: defaultdict[Link, list[Attempt]] = defaultdict(list)
        self._full_links: dict[Link, str] = {}
        for attempt in situation.reservations:
            self._reserve(attempt)
        self._in_flight = Counter(move.job_id for move in not_queued if move.state.holds_slots)
        self._at_once = {
            job.id: job.plan.options.parallel or situation.policy.max_parallel for job in situation.jobs.values()
        }
        self._moving_vms = {attempt.vm_id.int for attempt in situation.reservations if attempt.ended_at is None}
        self._waiting_live = defaultdict[JobId, set[HostName]](set)
        self.on_trial = pairs_on_trial(situation)
        """Pairs of hosts that refused two VMs for a reason nobody knows: one VM at a time tries them."""
        self._out_of_room = out_of_room(situation)
        self._refused_lately = {
            host for attempt in lessons(situation) for host in (attempt.source, attempt.destination)
        }

    def has_room(self, move: Move) -> bool:
        """Whether the hosts of this move, and its job, have room for one more."""
        closed = self._why_closed(move.source) or self._why_closed(move.destination) or self._why_on_trial(move)
        closed = closed or self._why_link(move)
        return not (closed or self._is_enough(move.job_id) or self._is_out_of_room(move))

    def under_way(self) -> list[Attempt]:
        """Return what holds slots, what was given away in this decision included."""
        return [attempt for mine in self._reserved.values() for attempt in mine if attempt.ended_at is None]

    def full_places(self) -> frozenset[Place]:
        """Return the hosts that have no slot left, and the links that carry no more."""
        hosts = (host for host in self._loads if self._why_closed(host))
        return frozenset((*hosts, *(link for link in self._links.all if self._why_full(link))))

    def places_of(self, source: HostName, destination: HostName) -> frozenset[Place]:
        """Return where a move between two hosts takes a slot."""
        return frozenset((source, destination, *self._links.of(source, destination)))

    def note_waiting(self, move: Move, ready: Ready) -> None:
        """Note that this move waits: if its VM runs, those of its job that do not run wait for it."""
        if not ready.is_last and move.vm_id.int not in self._moving_vms:
            self._waiting_live[move.job_id].update((move.source, move.destination))

    def place(self, move: Move, ready: Ready, before: Held | None = None) -> Decision:
        """Give a move its slots, or say why it waits for them. ``before``: what was said of it last."""
        too_late = self._failed.end(move)
        if too_late is not None:
            return too_late
        wait = self._why_not(move, ready)
        if wait is not None:
            code, text = wait
            if before is not None and before.hold.code is code and before.hold.text == text:
                return before
            self.note_waiting(move, ready)
            return hold(at_rest(move), code, text, self._wall)
        self._reserve(
            Attempt(
                id=0,
                move_id=move.id,
                vm_id=move.vm_id,
                source=move.source,
                destination=move.destination,
                number=0,
                started_at=self._wall,
            )
        )
        self._in_flight[move.job_id] += 1
        self._moving_vms.add(move.vm_id.int)
        claims = self._loads[move.source] + self._loads[move.destination]
        on_links = tuple(self._on_links[link] for link in self._links.of(move.source, move.destination))
        return Start(at_rest(move), claims, f"{move.source} and {move.destination} have free slots", on_links)

    def _why_not(self, move: Move, ready: Ready) -> tuple[HoldCode, str] | None:
        """Say why a move cannot start now; None when it can."""
        if move.vm_id.int in self._moving_vms:
            return HoldCode.MIGRATING, "is being moved by another job"
        if self._is_enough(move.job_id):
            return HoldCode.PARALLEL, f"{move.job_id} moves at most {self._at_once[move.job_id]} at a time"
        if self._is_out_of_room(move):
            return HoldCode.SLOT, f"{move.destination} ran out of room; another destination is being looked for"
        if ready.is_last and self._waiting_live[move.job_id] & {move.source, move.destination}:
            return HoldCode.LAST, "is not running; running VMs go first"
        closed = self._why_closed(move.source) or self._why_closed(move.destination)
        if closed:
            return HoldCode.SLOT, closed
        full = self._why_link(move)
        if full:
            return HoldCode.LINK, full
        trial = self._why_on_trial(move)
        return (HoldCode.RETRY, trial) if trial else None

    def _why_on_trial(self, move: Move) -> str:
        """Say that another VM tries the pair of hosts first; empty when none does, or the pair is not on trial."""
        refused = self.on_trial.get((move.source, move.destination))
        if not refused:
            return ""
        trying = any(one.destination == move.destination for one in self._reserved[move.source])
        vms = " and ".join(refused[:2])
        return f"{move.destination} refused {vms} and nobody knows why; one VM tries first" if trying else ""

    def _is_enough(self, job_id: JobId) -> bool:
        at_once = self._at_once[job_id]
        return bool(at_once) and self._in_flight[job_id] >= at_once

    def _is_out_of_room(self, move: Move) -> bool:
        return (move.job_id, move.destination) in self._out_of_room

    def _why_closed(self, host: HostName) -> str:
        """Say why a host has no free slot; asked for every move in line, so worked out once per start."""
        text = self._closed.get(host)
        if text is None:
            if host in self._refused_lately:
                text = f"{host} was full a moment ago, though it did not show it"
            else:
                text = refusal(self._loads[host], self._reserved[host]) or ""
            self._closed[host] = text
        return text

    def _why_link(self, move: Move) -> str:
        """Say which link of a move carries no more; empty when all do."""
        return next(filter(None, map(self._why_full, self._links.of(move.source, move.destination))), "")

    def _why_full(self, link: Link) -> str:
        text = self._full_links.get(link)
        if text is None:
            text = refused_by_link((self._on_links[link],), self._reserved_on[link], self._wall) or ""
            self._full_links[link] = text
        return text

    def _reserve(self, attempt: Attempt) -> None:
        for host in {attempt.source, attempt.destination}:
            self._reserved[host].append(attempt)
            self._closed.pop(host, None)
        for link in self._links.of(attempt.source, attempt.destination):
            self._reserved_on[link].append(attempt)
            self._full_links.pop(link, None)
