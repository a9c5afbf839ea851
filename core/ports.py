"""The four doors of the engine: hosts, memory, people, time. The rules of each method stand beside it.

Every implementation of a port passes the contract suite of that port (``tests/contracts``).
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from core.domain.backups.runs import BackupRun, HostWatch
from core.domain.model.events import Event, Notice
from core.domain.model.host_calls import CancelReply, CompatibilityReply, FolderReceipt, MoveOrder, MoveReport
from core.domain.model.inventory import CheckLine, HostJob, HostName, Inspection, Snapshot, Vm, VmId
from core.domain.model.job import Card, Job, JobId, JobState
from core.domain.model.move import Attempt, Fault, Move
from core.domain.model.ownership import Person
from core.domain.model.views import JobView
from core.domain.planning.speeds import LinkSpeed, SharedSpeed
from core.domain.reporting.estimates import Estimated
from core.domain.reporting.past import Past
from core.domain.scheduling.links import LinkUsage
from core.domain.scheduling.slots import SlotUsage
from core.errors import HostError


class Clock(Protocol):
    """Time. Tests bring their own. The wall names moments for people; whatever is a duration is measured steadily."""

    def now(self) -> datetime:
        """Return the time on the wall now, in UTC, with a time zone. People and time servers put it back and forth."""
        ...

    def steady_now(self) -> datetime:
        """Return the wall's time at the start plus the time that passed since, the machine's sleep included.

        Nobody can put it back or forth, so durations and orders are measured with it, and only with it: what one of
        these says is compared with another of the same process, never with the wall. Safe in any thread.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


WhoIs = Callable[[str], Coroutine[Any, Any, Person]]
"""Asks Slack who somebody is that was named by a mail address or member id. Raises NotifierError: it does not say."""

Permit = Callable[[], Coroutine[Any, Any, bool]]
"""Asks, in the event loop, whether an order may still go out."""


class HostGateway(Protocol):
    """Everything the engine asks of Hyper-V hosts. ``host`` is always a name from the settings.

    - No method starts anything twice: a call that may have been carried out is never repeated inside.
    - Every method raises HostError and nothing else; LoginRejected, EndpointRefused, HostUnreachable, OrderWithdrawn
      and NotInSettings mean that nothing was done, ContactLost that it may have been.
    - Calls to one host never wait for another host. Cancelling a call's task returns at once and leaves the host as is.
    """

    async def observe(self, host: HostName) -> Snapshot:
        """Read limits, counters, every realized VM and the migration jobs, all after the call began.

        The times of a snapshot are the clock's steady ones.
        """
        ...

    async def inspect(
        self,
        host: HostName,
        vm_ids: Collection[VmId] | None = None,
        *,
        neighbours: bool = False,
        known: Snapshot | None = None,
    ) -> Inspection:
        """Read a snapshot plus volumes, free memory, switches, and disks and adapters of these VMs (None: all).

        With ``neighbours`` the disks of the host's other VMs are read too: what these VMs share with them is known.
        ``known``: what the host showed a moment ago; it is taken for the snapshot, and not read again.
        """
        ...

    async def machine_at(self, host: HostName, address: str) -> str:
        """Let a host log on to another one at this address, as Move-VM does; return that machine's own name.

        Empty: it does not say. Raises CommandFailed when the host could not log on.
        """
        ...

    async def find(self, host: HostName, vm_id: VmId) -> Vm | None:
        """Read one VM, planned ones included. None only when the host answered and does not have it."""
        ...

    async def jobs(self, host: HostName, vm_id: VmId) -> tuple[HostJob, ...]:
        """Read the migration jobs of one VM that the host remembers (five minutes after their end)."""
        ...

    async def move(
        self, host: HostName, order: MoveOrder, on_progress: Callable[[int], None], may_start: Permit
    ) -> MoveReport:
        """Start a move on its source host and stay until the command returns.

        ``may_start`` is awaited when all that takes time (threads, login) is over and nothing is left to do but to send
        the order; again only when that was not sent, because a session that waited had ended. Unless it says yes, or
        when the caller has left by then, OrderWithdrawn: nothing was sent.
        Errors the command reports are in the MoveReport, not raised. ``on_progress`` gets percents 0..100 in the event
        loop. The migration outlives this call: raising ContactLost says nothing about it.
        """
        ...

    async def expect_moves(self, sources: Mapping[HostName, int]) -> None:
        """Take a hint: from these hosts so many moves start as soon as there are slots, and none from all others.

        What a start needs may be made ready now: it must not cost the time of a free slot. Returns at once.
        """
        ...

    async def cancel(self, host: HostName, vm_id: VmId) -> CancelReply:
        """Ask the source host to end the migration job of a VM cleanly; do not wait for it to end."""
        ...

    async def list_folder(self, host: HostName, path: str) -> tuple[str, ...] | None:
        """Return the full paths of everything in a folder, hidden items too; None when there is no such folder."""
        ...

    async def remove_empty_folder(self, host: HostName, path: str) -> FolderReceipt:
        """Remove one folder if it is empty: one atomic non-recursive call on the host, never a volume root.

        The receipt says removed, kept (and why) or gone (it was not there).
        """
        ...

    async def compatibility_info(self, host: HostName, vm_ids: Sequence[VmId]) -> tuple[bytes | HostError, ...]:
        """Ask what VMs need of a host: bytes that only hosts understand, and that hold for their present state.

        One answer for each, in order; an error among them is about that VM alone.
        """
        ...

    async def test_compatibility(
        self, host: HostName, infos: Sequence[bytes]
    ) -> tuple[CompatibilityReply | HostError, ...]:
        """Ask a host whether it could take VMs that their own host so described. Changes nothing.

        One answer for each, in order; CommandFailed where it gives none about that VM: it may not, or cannot. Raises
        HostError where it answers nothing at all: its endpoint does not know how.
        """
        ...

    async def test_migration(self, host: HostName, vm_id: VmId, destination: HostName) -> CompatibilityReply:
        """Let a VM's host find out whether it could migrate it to another one, logging on there; moves nothing."""
        ...

    async def notes(self, host: HostName, key: str) -> Mapping[VmId, tuple[str, ...]]:
        """Read what stands behind this key and a colon in the notes of a host's VMs; a VM without it is left out.

        At most four values of a VM, of 256 characters each, whatever else its notes hold. Raises EndpointRefused where
        the endpoint does not know how.
        """
        ...

    async def check(self, host: HostName, peers: Sequence[HostName]) -> tuple[CheckLine, ...]:
        """Look whether all a migration needs is in order: login, commands, rights, limits, both hops to peers."""
        ...

    async def close(self) -> None:
        """Let go of every session. Migrations go on."""
        ...


class Store(Protocol):
    """What must survive. Each method is one transaction; when it returns, the disk has it.

    - ``before`` arguments are compared with what is stored by ``version``; a difference raises Outdated and changes
      nothing. What is returned carries the new version.
    - Events are stored in the transaction of the change that made them; those with a tone are also put in the outbox.
    - Raises StoreError and nothing else (IllegalTransition if the one table does not allow a change of state).
    """

    async def open(self) -> None:
        """Open or create the database and bring its schema up to date."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...

    async def keep_ownership(self) -> None:
        """Show that this process still works on the database alone. Raises StoreLost when it does not, for good."""
        ...

    async def add_job(self, job: Job, *events: Event) -> Job:
        """Store a new job; its id (``J1``, ``J2``, …) is given here, and put into the events, which have none yet."""
        ...

    async def job(self, job_id: JobId) -> Job:
        """Read one job. Ids are found in any case. Raises UnknownJob."""
        ...

    async def jobs(self, *states: JobState, limit: int = 100, ended_since: datetime | None = None) -> tuple[Job, ...]:
        """Read jobs in these states (none given: all), newest first; of those that ended, only later ones."""
        ...

    async def change_job(self, before: Job, after: Job, *events: Event, new_moves: Sequence[Move] = ()) -> Job:
        """Replace a job; add its moves (their ids are given here) when it was approved."""
        ...

    async def set_card(self, job_id: JobId, card: Card) -> None:
        """Remember where the job's card is. Does not change the job's version."""
        ...

    async def set_card_final(self, job_id: JobId) -> None:
        """Remember that the card of an ended job shows its end. Does not change the job's version."""
        ...

    async def jobs_with_open_cards(self) -> tuple[JobId, ...]:
        """Return the jobs whose card does not show their end yet."""
        ...

    async def newest_event_at(self) -> datetime | None:
        """Return when the newest thing happened that is written down; None: nothing ever did."""
        ...

    async def forget_jobs(self, ended_before: datetime, limit: int) -> int:
        """Remove the oldest jobs that ended before then and of which everything was said. Returns how many.

        Everything of them is in the history file first, a line of JSON for each row; without a file nothing goes. This
        is the one method of several transactions. Numbers of jobs are never given again.
        """
        ...

    async def move(self, move_id: int) -> Move:
        """Read one move."""
        ...

    async def moves(self, job_id: JobId | None = None, *, open_only: bool = False) -> tuple[Move, ...]:
        """Read the moves of a job (None: of every job), in the plan's order; ``open_only``: not ended, job running."""
        ...

    async def newest_moves(self, name: str, vm_ids: Collection[VmId]) -> tuple[Move, ...]:
        """Read the newest move of each VM that has one of these ids, or bears this name, in any case, or id in one."""
        ...

    async def moves_towards(self, host: HostName) -> tuple[Move, ...]:
        """Read the open moves that go to a host."""
        ...

    async def moves_to_tidy(self, at: datetime) -> tuple[Move, ...]:
        """Read the moves whose clean-up had to wait and is due at this steady time."""
        ...

    async def change_move(self, before: Move, after: Move, *events: Event, attempt: Attempt | None = None) -> Move:
        """Replace a move that holds no reservation, or goes on holding it.

        With ``attempt``: only while that one is open and ours; else AttemptClosed.
        """
        ...

    async def change_moves(self, changes: Sequence[tuple[Move, Move]], *events: Event) -> tuple[Move, ...]:
        """Replace several moves of one job, each as ``change_move`` does: all of them, or none."""
        ...

    async def begin_attempt(
        self,
        before: Move,
        after: Move,
        claims: Sequence[SlotUsage],
        *events: Event,
        at: datetime,
        on_links: Sequence[LinkUsage] = (),
        frozen_until: datetime | None = None,
    ) -> tuple[Move, Attempt]:
        """Reserve the slots and open the attempt, or raise Outdated when it is no longer allowed.

        Inside the transaction the open attempts are read again and ``slots.refusal`` decides, and for ``on_links``
        ``links.refused_by_link``: two callers can never both take the last slot, of a host or of a link. A VM with an
        open attempt is never given a second one. The job and the switches are read there too: what people stopped,
        paused or froze (``frozen_until``, by the calendar) since the decision does
        not start. The attempt is this store's own until another one adopts it.
        """
        ...

    async def order_attempt(self, attempt: Attempt, *, at: datetime, frozen_until: datetime | None = None) -> Attempt:
        """Write down that the order of an attempt goes out now: the last word before a host is asked.

        Raises AttemptClosed when the attempt is over or another store's, StartWithdrawn when people stopped, paused,
        froze or cancelled it. A wish that is stored later finds a move that runs.
        """
        ...

    async def confirm_attempt(self, attempt: Attempt, before: Move, after: Move, *events: Event, at: datetime) -> Move:
        """Replace a move and note on this attempt that a host showed it (at a steady time), or raise AttemptClosed."""
        ...

    async def end_attempt(
        self,
        attempt: Attempt,
        before: Move,
        after: Move,
        *events: Event,
        at: datetime,
        fault: Fault | None = None,
        host_words: str = "",
    ) -> Move:
        """Replace a move, close this attempt and so free the slots, or raise AttemptClosed."""
        ...

    async def rename_hosts(self, names: Mapping[HostName, HostName]) -> None:
        """Call hosts otherwise, old name to new: in open moves, open attempts and clean-ups that wait."""
        ...

    async def adopt_attempts(self) -> tuple[Attempt, ...]:
        """Make every open attempt ours and return them; whoever followed one before gets AttemptClosed from now on."""
        ...

    async def attempts(self, move_id: int | None = None, *, open_only: bool = False) -> tuple[Attempt, ...]:
        """Read attempts, oldest first."""
        ...

    async def attempts_under_way(self) -> tuple[Attempt, ...]:
        """Read, of each move that is between its start and its end, the newest attempt: open, or cleaned up after."""
        ...

    async def attempts_between(self, since: datetime, until: datetime) -> tuple[Attempt, ...]:
        """Read the attempts that began before ``until`` and had not ended by ``since``, oldest first."""
        ...

    async def faults_since(self, since: datetime) -> tuple[Attempt, ...]:
        """Read the attempts that ended with a fault since then, oldest first."""
        ...

    async def events(self, job_id: JobId, *, after: int = 0) -> tuple[Event, ...]:
        """Read everything that happened to a job, or after the event of this id, oldest first."""
        ...

    async def add_events(self, *events: Event) -> None:
        """Store events that change nothing else: all of them, or none."""
        ...

    async def claim_notices(self, limit: int, at: datetime) -> tuple[Notice, ...]:
        """Read the oldest undelivered notices that are due at this steady time, and mark them as being said.

        Per job only in order: nothing behind an undelivered notice of the same job, except the oldest page, once the
        job's card was tried. A notice that had been marked before (by a process that died) comes with ``maybe_said``.
        """
        ...

    async def notice_said(self, notice_id: int, at: datetime) -> None:
        """Mark a notice as delivered."""
        ...

    async def notice_failed(self, notice_id: int, error: str, again_at: datetime | None, *events: Event) -> None:
        """Note a failed delivery and when to try again, in steady time; None: give up, with the event that says so."""
        ...

    async def retry_pages(self, since: datetime) -> int:
        """Put the pages that were given up back into the outbox, unless they are older. Returns how many."""
        ...

    async def outbox_counts(self) -> tuple[int, datetime | None, int]:
        """Count what waits to be told, with the time of the oldest, and what was given up."""
        ...

    async def switch(self, name: str) -> str:
        """Read a persistent switch, such as the big red stop; empty when it was never set."""
        ...

    async def set_switch(self, name: str, value: str, *events: Event) -> None:
        """Set a persistent switch."""
        ...

    async def identity(self) -> str:
        """Return the id of this database: made with it, and anew when it was put back from a copy.

        Numbers of jobs, moves and events mean something only together with it.
        """
        ...

    async def past(self, since: datetime, until: datetime) -> Past:
        """Count what ended, failed and waited from ``since`` on and before ``until``, however much it was."""
        ...

    async def estimates(self, until: datetime | None = None) -> tuple[tuple[Estimated, ...], tuple[Estimated, ...]]:
        """Read what was estimated at the approval of the newest jobs that ended well, and what it took: jobs, moves.

        ``until``: of those that ended before then.
        """
        ...

    async def speeds(self) -> dict[tuple[HostName, HostName], float]:
        """Read learned throughput per host pair, in bytes per second."""
        ...

    async def shared_speeds(self) -> dict[tuple[HostName, HostName], SharedSpeed]:
        """Read learned throughput per host pair, told as if moves that meet at a host share its speed."""
        ...

    async def link_speeds(self) -> dict[str, LinkSpeed]:
        """Read learned throughput per link of the settings, by its name."""
        ...

    async def learn_speed(
        self,
        source: HostName,
        destination: HostName,
        bytes_per_s: float,
        shared_by: Mapping[str, float] | None = None,
        *,
        at_host: float = 1.0,
    ) -> None:
        """Fold one measured move into the throughput of a host pair, and of its links (moving averages).

        ``at_host``: how many moves were at the busier of its hosts on average, itself included.
        ``shared_by``: how many moves were on each of its links on average. One that shared a link teaches what the link
        carries, and its pair only to be faster.
        """
        ...

    async def note_backups(self, runs: Sequence[BackupRun], watches: Sequence[HostWatch]) -> None:
        """Write down backups that began or ended, and spans in which hosts were looked at.

        A backup is known by its VM, host and start, a span by its host and begin; what is there of the same is
        replaced. Of a VM the newest 100 backups are kept.
        """
        ...

    async def backup_runs(self, vm_ids: Collection[VmId], since: datetime) -> tuple[BackupRun, ...]:
        """Read the backups of these VMs that began since then, in order of time."""
        ...

    async def newest_backups(self, since: datetime) -> tuple[BackupRun, ...]:
        """Read the backups of all VMs that go on, or ended since then, in order of time."""
        ...

    async def host_watches(self, since: datetime) -> tuple[HostWatch, ...]:
        """Read when hosts were looked at since then, in order of time."""
        ...

    async def forget_backups(self, before: datetime) -> int:
        """Remove some of the backups and spans that are older. Returns how many backups; 0: nothing is left."""
        ...


class Notifier(Protocol):
    """Whoever tells people. Raises NotifierError and nothing else."""

    async def tell(self, notice: Notice) -> Card | None:
        """Say one event. Returns the card's place when the notice was the card itself, or the card has a new place.

        With ``maybe_said`` it first looks whether people already see it. Saying the same notice twice shows it once.
        With ``is_plain`` it is said in words that do not depend on what the event holds.
        """
        ...

    async def show(self, view: JobView) -> Card | None:
        """Bring the job's card up to date. Edits are paced here; the newest view wins.

        Returns the card's place when it has a new one, because somebody deleted it.
        """
        ...
