"""Requests and the plans that answer them: frozen, hashed, approved exactly as shown."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from core.domain.model.host_calls import DiskTarget
from core.domain.model.inventory import HostName, VmId

_LATER = frozenset({"apart", "ignore_backups"})
"""Options that came later: those not used leave the fingerprint of a plan as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a job. ``None`` and 0 mean: as the settings say."""

    parallel: int = 0
    attempts: int | None = None
    backup_wait_s: float | None = None
    subfolder: bool | None = None
    keep_drives: bool | None = None
    fail_fast: bool | None = None
    start_at: datetime | None = None
    until: datetime | None = None
    """When all should be done; people are warned as soon as it no longer fits."""
    apart: tuple[str, ...] = ()
    """Patterns of VM names: those that fit the same one go to different hosts, as far as there are enough."""
    ignore_backups: bool | None = None
    """Whether moves start whatever backups are expected of their VMs."""
    override: str = ""
    """Why the job may start moves in a freeze window; empty: it may not."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A person's request, in their own words and parsed.

    ``vms`` holds names, globs, ids or the word ``all``; ``sources`` and ``destinations`` host names as typed.
    """

    vms: tuple[str, ...]
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    requester: str
    channel: str
    path: str = ""
    options: Options = field(default_factory=Options)
    text: str = ""


class Severity(StrEnum):
    """The weights of a finding."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"

    @classmethod
    def _missing_(cls, value: object) -> "Severity":  # noqa: ARG003
        """Take what a newer version wrote for the worst there is."""
        return cls.BLOCKER


class FindingCode(StrEnum):
    """The kinds of findings."""

    MIGRATION_OFF = "migration_off"
    LIMIT_ZERO = "limit_zero"
    AUTH_DIFFERS = "auth_differs"
    ADDRESS = "address"
    CLUSTERED = "clustered"
    REPLICA = "replica"
    REPLICATED = "replicated"
    CRITICAL = "critical"
    BUSY = "busy"
    SAVED_STATE = "saved_state"
    ON_DESTINATION = "on_destination"
    TWICE = "twice"
    NO_SPACE = "no_space"
    SPACE_UNKNOWN = "space_unknown"
    SIZE_UNKNOWN = "size_unknown"
    NO_MEMORY = "no_memory"
    NO_LISTENER = "no_listener"
    NO_COMMON_NETWORK = "no_common_network"
    NETWORKS_UNREAD = "networks_unread"
    NO_SWITCH = "no_switch"
    NO_ATTACHMENT = "no_attachment"
    OLD_DESTINATION = "old_destination"
    LINKED_CLONE = "linked_clone"
    PATH_TOO_LONG = "path_too_long"
    SHORT_NAME = "short_name"
    DISK_NAMES_COLLIDE = "disk_names_collide"
    FILE_EXISTS = "file_exists"
    FOLDERS_UNSEEN = "folders_unseen"
    UNREADABLE = "unreadable"
    PASS_THROUGH_DISK = "pass_through_disk"  # noqa: S105 (no password)
    SHARED_DISK = "shared_disk"
    TIED_TO_HOST = "tied_to_host"
    NESTED = "nested"
    HOST_DVD = "host_dvd"
    LOCAL_PIPE = "local_pipe"
    OTHER_NETWORK = "other_network"
    TIES_UNREAD = "ties_unread"
    BACKUP_CHECKPOINT = "backup_checkpoint"
    ISO_MOUNTED = "iso_mounted"
    VTPM = "vtpm"
    CHECKPOINTS = "checkpoints"
    NO_DRIVE = "no_drive"
    FORBIDDEN_PATH = "forbidden_path"
    MEET = "meet"
    HOST_SILENT = "host_silent"
    INCOMPATIBLE = "incompatible"
    HOST_WARNS = "host_warns"
    NOT_CHECKED = "not_checked"
    PLACED_AGAIN = "placed_again"
    IN_JOB = "in_job"
    TOO_LATE = "too_late"
    FROZEN = "frozen"
    READ_AS = "read_as"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> "FindingCode":  # noqa: ARG003
        return cls.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing preflight found; ``vm_id`` is None when it concerns a host or a host pair."""

    severity: Severity
    code: FindingCode
    text: str
    vm_id: VmId | None = None
    host: HostName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMove:
    """One VM of a plan: from where to where exactly. ``is_live``: it runs, so its memory moves too."""

    vm_id: VmId
    vm_name: str
    source: HostName
    destination: HostName
    path: str
    disks: tuple[DiskTarget, ...] = ()
    disk_bytes: int = 0
    memory_bytes: int = 0
    is_live: bool = True
    is_own_folder: bool = False
    """Whether ``path`` is a folder made for this VM alone; it may be removed, if empty, should the move fail."""
    why: str = ""
    """Why this destination and none of the others, in words; not part of what is approved."""

    @property
    def size_bytes(self) -> int:
        """Bytes the move copies: disks, and memory when it runs."""
        return self.disk_bytes + (self.memory_bytes if self.is_live else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEdit:
    """A person's change of a plan before its approval: where a VM goes instead, or that it is left out (no ``to``)."""

    vm_id: VmId
    vm_name: str
    before: HostName
    to: HostName | None
    by: str
    at: datetime


@dataclass(frozen=True)
class Plan:
    """A plan: what will be done, exactly, with what preflight found and how long it should take.

    Every VM that was asked for is in ``moves``; those with a blocker will not be started. ``expected_s`` is
    (lower bound, likely) in seconds, None while no speed is known. It has no slots because it remembers what it was
    asked, such as which VMs are blocked: that is asked for each of thousands of moves.
    """

    moves: tuple[PlannedMove, ...]
    findings: tuple[Finding, ...] = ()
    options: Options = field(default_factory=Options)
    expected_s: tuple[float, float] | None = None
    is_checked: bool = True
    """Whether its hosts said what they have to say about it, or are not to be asked: before, nobody can approve it."""
    asked: tuple[VmId, ...] = ()
    """VMs of which an earlier form of this plan has the hosts' answers: they are not asked about them again."""
    named: tuple[tuple[HostName, str], ...] = ()
    """The destinations among which the bot chose, and the folder on each; empty where there was nothing to choose."""
    edits: tuple[PlanEdit, ...] = ()
    """What people changed, oldest first; the moves show what came of it, so it is no part of the fingerprint."""
    backups_s: float = 0.0
    """How many of the likely seconds are only there because VMs wait for backups."""
    others_s: float = 0.0
    """How many of the likely seconds are only there because moves of others have the slots, or share the links."""

    @cached_property
    def hash(self) -> str:
        """Fingerprint of everything an approver agrees to: moves, blockers and options."""
        options = asdict(self.options).items()
        essence = {
            "moves": [_fields(move) for move in self.moves],
            "blocked": sorted(str(vm_id) for vm_id in self.blocked_ids),
            "options": {name: value for name, value in options if name not in _LATER or value not in ((), None)},
        }
        text = json.dumps(essence, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def pairs(self) -> frozenset[tuple[HostName, HostName]]:
        """From which host to which other its VMs go."""
        return frozenset((move.source, move.destination) for move in self.moves)

    @cached_property
    def blocked_ids(self) -> frozenset[VmId]:
        """VMs that preflight says cannot move."""
        everything = any(f.vm_id is None and f.host is None for f in self._blockers)
        hosts = {f.host for f in self._blockers if f.vm_id is None and f.host}
        return frozenset(
            {f.vm_id for f in self._blockers if f.vm_id is not None}
            | {m.vm_id for m in self.moves if everything or m.source in hosts or m.destination in hosts}
        )

    def why_blocked(self, vm_id: VmId) -> str:
        """Return the blockers of a VM as one text, empty when it may move."""
        subjects = {vm_id, None, *self._hosts_of.get(vm_id, ())}
        found = {place: text for subject in subjects for place, text in self._texts.get(subject, ())}
        return " ".join(found[place] for place in sorted(found))

    @cached_property
    def _blockers(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCKER)

    @cached_property
    def _hosts_of(self) -> dict[VmId, set[HostName]]:
        found: dict[VmId, set[HostName]] = {}
        for move in self.moves:
            found.setdefault(move.vm_id, set()).update((move.source, move.destination))
        return found

    @cached_property
    def _texts(self) -> dict[VmId | HostName | None, list[tuple[int, str]]]:
        """The blockers' texts with their place among them, by what they are about; None: everything."""
        found: dict[VmId | HostName | None, list[tuple[int, str]]] = {}
        for place, finding in enumerate(self._blockers):
            subject = finding.host if finding.vm_id is None else finding.vm_id
            found.setdefault(subject, []).append((place, finding.text))
        return found


def _fields(move: PlannedMove) -> dict[str, Any]:
    """Return what ``asdict`` does, in a third of the time: a plan may have thousands of moves."""
    plain = {field.name: getattr(move, field.name) for field in fields(move) if field.name != "why"}
    return plain | {"disks": [asdict(disk) for disk in move.disks]}
