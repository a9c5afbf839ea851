"""What nobody has confirmed about real Hyper-V hosts, one switch each: a program can be tested against both answers."""

from dataclasses import dataclass
from typing import Annotated

from lab.hyperv.world.enums import JobState
from lab.hyperv.world.strict import BY_NAME, Count, Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How one host behaves where public sources are silent or disagree.

    The defaults are what is likeliest, or least forgiving. A switch is read from the host it speaks of: limits from the
    host that enforces them, the look of a VM from the host that shows it, the end of a job from the source of the move.
    """

    # Limits. Sources: Microsoft docs (Set-VMHost, KB2790310); the rest is silence.
    limit_refusal_delay_s: Number = 0.0
    """A start over the limit fails at once (0), or its job waits this long and fails then."""
    destination_enforces_limits: bool = True
    """The destination counts too and refuses; otherwise only the source does."""
    incoming_moves_count: bool = True
    """Moves towards a host take one of its slots."""
    separate_in_and_out_counters: bool = False
    """Incoming and outgoing moves are counted apart, each up to the limit."""
    off_vms_use_live_slots: bool = True
    """A VM that is off takes a live slot as a running one does."""
    storage_slot_released_after_disks: bool = False
    """The storage slot is given back when the disks are copied, not at the end of the move."""

    # What can be seen, and when.
    status_delay_s: Number = 0.0
    """Seconds between a start and the first sign of it in the VM's status (0 to 30 seen in the field)."""
    job_delay_s: Number = 0.0
    """Seconds between a start and its job and counters becoming visible."""
    staleness_s: Number = 0.0
    """VM data may be this old (5 is said of one live VM object)."""
    storage_phases_visible: bool = True
    """While disks move, the second status is StorageMigrationPhaseOne or Two, else MigratingVirtualMachine."""
    incoming_visible_in_lists: bool = False
    """The half-built VM of the destination appears in lists of VMs, not only when asked for by id."""
    incoming_shows_planned_status: bool = True
    """The half-built VM shows MigratingPlannedVm; otherwise MigratingVirtualMachine."""
    job_listed_on_destination: bool = False
    """Msvm_MigrationJob is listed on both hosts."""
    percent_is_100_after_failure: bool = True
    """A failed job ends at 100 percent; otherwise where it stopped."""

    # Cancelling. Source for the states: Microsoft docs, Msvm_MigrationJob.
    cancelled_job_state: Annotated[JobState, BY_NAME] = JobState.Terminated
    """How a cancelled job ends: Terminated or Exception."""
    cancel_takes_s: Number = 2.0
    """A cancel is asynchronous: seconds from the request to the end of the job."""

    # What stays after a move that did not succeed.
    partial_files_remain: bool = False
    """Half-copied disks stay on the destination."""
    planned_vm_remains: bool = False
    """The planned VM stays on the destination."""
    compare_leaves_planned_vm: bool = True
    """Compare-VM leaves a planned VM on the destination; the next Compare-VM or Move-VM removes it."""

    # Checks without a move. Source: Microsoft docs, Msvm_VirtualSystemMigrationService; how long they take is silence.
    compatibility_code: Count = 0
    """What the read-only methods return instead of an answer: 32769 access denied, 32770 not supported…"""
    compatibility_takes_s: Number = 0.0
    """How long a host thinks about each VM that it describes, or judges: nobody has said."""
    check_takes_s: Number = 1.0
    """How long the job of CheckVirtualSystemIsMigratable takes."""

    # What may be started.
    backup_blocks_move: bool = True
    """Move-VM of a VM in backup fails; otherwise it goes ahead."""
    captured_dvd_blocks_move: bool = True
    """The destination cannot open a DVD drive that the VM captured from its host; otherwise it comes up empty.

    Unconfirmed, both: Microsoft says of migrations only that disks must not be physical, and of such drives only that
    they are of a resource pool of their own (Msvm_DVDDrive). No public log of a move shows what becomes of one.
    """
    merge_blocks_move: bool = True
    """Move-VM of a VM that merges disks fails; otherwise it goes ahead."""
    hop_a_needs_delegated_logon: bool = True
    """Move-VM's own WinRM session to the destination needs a delegatable logon, as PowerShell's docs say."""
    hop_b_credssp_needs_delegated_logon: bool = True
    """With CredSSP migration, a logon that is not delegatable fails; one page of the documentation disagrees."""
