"""The words of Hyper-V: error texts and status texts in the language of a host, with the ids that stay English.

English texts follow Microsoft docs (Troubleshoot live migration issues, KB 4558514; KB2790310; Compare-VM) and public
logs where those quote them; the rest, and the German of what no German log shows, is our wording around the documented
HRESULT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.hyperv.world.enums import ErrorCategory, OperationalStatus
from lab.hyperv.world.fleet import Language
from lab.hyperv.world.translations import GERMAN, JAPANESE, STATUS_JAPANESE
from lab.hyperv.world.views import ErrorRecord

if TYPE_CHECKING:
    from uuid import UUID

SOURCE = "source"
DESTINATION = "destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something failed: `{vm}`, `{id}`, `{host}`, `{other}` and what the cause itself needs are filled in."""

    english: str
    german: str = ""
    """Other languages, and the German of the rest, are in `translations`."""
    error_id: str = "OperationFailed"
    category: ErrorCategory = ErrorCategory.NotSpecified
    code: int = 32768
    side: str = SOURCE
    """Which end the wrapper line blames."""
    is_wrapped: bool = True
    """A migration job's failure has a wrapper line; a refusal by the cmdlet itself has none."""


_CONNECT = (
    "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine migration with host "
    "'{other}': "
)
_CONNECT_DE = (
    "Der Hyper-V-Verwaltungsdienst konnte keine Verbindung für die Migration mit dem Host '{other}' herstellen: "
)
_INVALID = ErrorCategory.InvalidOperation

CAUSES: dict[str, Cause] = {
    "live-limit": Cause(
        english="Failed to perform migration on virtual machine '{vm}' because virtual machine migration limit "
        '"{limit}" '
        "was reached, please wait for completion of an ongoing migration operation. (Virtual machine ID {id})",
        german="Fehler beim Migrieren des virtuellen Computers '{vm}', da das Limit \"{limit}\" für die "
        "Migration virtueller "
        "Computer erreicht wurde. Warten Sie, bis ein laufender Vorgang abgeschlossen ist. (ID des virtuellen "
        "Computers {id})",
    ),
    "storage-limit": Cause(
        english="Storage migration for '{vm}' was not finished because maximum storage migration limit "
        "'{limit}' was reached, "
        "please wait for completion of an ongoing migration operation (Virtual machine ID {id}).",
        german="Die Speichermigration für '{vm}' wurde nicht abgeschlossen, da das Limit '{limit}' für "
        "Speichermigrationen "
        "erreicht wurde. Warten Sie, bis ein laufender Vorgang abgeschlossen ist (ID des virtuellen Computers {id}).",
    ),
    "no-credentials": Cause(
        english=_CONNECT + "No credentials are available in the security package (0x8009030E).",
        german=_CONNECT_DE + "Im Sicherheitspaket sind keine Anmeldeinformationen verfügbar (0x8009030E).",
    ),
    "unknown-credentials": Cause(
        english="Failed to establish a connection with host '{other}': The credentials supplied to the package "
        "were not "
        "recognized (0x8009030D).\nThe Virtual Machine Management Service failed to authenticate the connection "
        "for a Virtual "
        "Machine migration at the source host: no suitable credentials available.",
    ),
    "wrong-principal": Cause(english=_CONNECT + "The target principal name is incorrect. (0x80090322)"),
    "logon-right": Cause(
        english="Failed to create Planned Virtual Machine at migration destination: Logon failure: the user has "
        "not been "
        "granted the requested logon type at this computer. (0x80070569)",
        side=DESTINATION,
    ),
    "access-denied": Cause(
        english="Access is denied. (0x80070005)",
        german="Zugriff verweigert (0x80070005)",
        error_id="AccessDenied",
        category=ErrorCategory.PermissionDenied,
        code=32769,
    ),
    "hop-a-denied": Cause(
        english="The operation on computer '{other}' failed: Access is denied. (0x80070005)",
        german="Fehler beim Vorgang auf dem Computer '{other}': Zugriff verweigert (0x80070005)",
        error_id="AccessDenied",
        category=ErrorCategory.PermissionDenied,
        is_wrapped=False,
    ),
    "hop-a-unreachable": Cause(
        english="The operation on computer '{other}' failed: The WS-Management service cannot process the "
        "request. The client "
        "cannot connect to the destination specified in the request. Verify that the service on the destination "
        "is running and "
        "is accepting requests.",
        german="Fehler beim Vorgang auf dem Computer '{other}': Der WS-Verwaltungsdienst kann die Anforderung nicht "
        "verarbeiten. Der Client kann keine Verbindung mit dem in der Anforderung angegebenen Ziel herstellen.",
        is_wrapped=False,
    ),
    "port-refused": Cause(
        english=_CONNECT + "No connection could be made because the target machine actively refused it. (0x8007274D)"
    ),
    "port-blocked": Cause(
        english=_CONNECT
        + "An attempt was made to access a socket in a way forbidden by its access permissions. (0x8007271D)"
    ),
    "network": Cause(
        english="Failed to send data for a Virtual Machine migration: An existing connection was forcibly "
        "closed by the remote "
        "host. (0x80072746)",
        german="Fehler beim Senden von Daten für die Migration: Eine vorhandene Verbindung wurde vom Remotehost "
        "geschlossen. "
        "(0x80072746)",
    ),
    "timeout": Cause(
        english=_CONNECT
        + "A connection attempt failed because the connected party did not properly respond after a period of "
        "time, or established connection failed because connected host has failed to respond. (0x8007274C)"
    ),
    "listener-off": Cause(
        english="The Virtual Machine Management Service disabled the listener for Virtual Machine migration "
        "connections.",
        side=DESTINATION,
    ),
    "migration-disabled": Cause(
        english="The operation cannot be performed because virtual machine migration is not enabled on computer "
        "'{host}'.",
        german="Der Vorgang kann nicht ausgeführt werden, da die Migration auf dem Computer '{host}' nicht "
        "aktiviert ist.",
        category=_INVALID,
        is_wrapped=False,
    ),
    "no-listener": Cause(
        english="The operation cannot be performed because computer '{host}' has no network address that "
        "accepts virtual "
        "machine migrations.",
        german="Der Vorgang kann nicht ausgeführt werden, da der Computer '{host}' keine Adresse für Migrationen hat.",
        category=_INVALID,
        is_wrapped=False,
    ),
    "clustered": Cause(
        english="The operation cannot be performed on virtual machine '{vm}' because it is clustered.",
        german="Der Vorgang kann für '{vm}' nicht ausgeführt werden, da der virtuelle Computer Teil eines "
        "Clusters ist.",
        category=_INVALID,
        is_wrapped=False,
    ),
    "switch-missing": Cause(
        english="Could not find Ethernet switch '{switch}'.",
        german="Der Ethernet-Switch '{switch}' wurde nicht gefunden.",
        side=DESTINATION,
    ),
    "cpu": Cause(
        english="The virtual machine '{vm}' is using processor-specific features not supported on host "
        "'{other}'. To allow for "
        "migration of this virtual machine to a server with a different processor, modify the virtual machine "
        "settings to limit "
        "the processor features used by the virtual machine.",
        side=DESTINATION,
    ),
    "no-memory": Cause(
        english="'{vm}' could not initialize memory: Ran out of memory (0x8007000E).",
        german="'{vm}' konnte den Arbeitsspeicher nicht initialisieren: Nicht genügend Arbeitsspeicher (0x8007000E).",
        side=DESTINATION,
    ),
    "iso": Cause(
        english="'{vm}' Synthetic SCSI Controller: Failed to restore with Error 'A virtual disk support "
        "provider for the "
        "specified file was not found.' (0xC03A0014).\n'{vm}': Attachment '{path}' failed to open because of "
        "error: 'A virtual "
        "disk support provider for the specified file was not found.' (0xC03A0014).",
        side=DESTINATION,
    ),
    "vtpm": Cause(
        english="The key protector for the virtual machine '{vm}' could not be unwrapped. (Virtual machine ID {id})",
        side=DESTINATION,
    ),
    "version": Cause(
        english="The configuration version {version} of the virtual machine '{vm}' is not supported on host '{other}'.",
        side=DESTINATION,
    ),
    "saved-state": Cause(
        english="'{vm}' could not be restored: The saved state data cannot be read. (0xC0370027)", side=DESTINATION
    ),
    "shared-disk": Cause(
        english="The virtual hard disk '{path}' of '{vm}' is shared (persistent reservations) and cannot be moved.",
        error_id="InvalidParameter",
        category=ErrorCategory.InvalidArgument,
        code=32773,
    ),
    "pass-through": Cause(
        english="The physical disk {number} of '{vm}' cannot be moved.",
        error_id="InvalidParameter",
        category=ErrorCategory.InvalidArgument,
        code=32773,
    ),
    "sid": Cause(
        english="No mapping between account names and security IDs was done. (0x80070534)",
    ),
    "busy": Cause(
        english="The operation cannot be performed because the virtual machine '{vm}' is currently performing "
        "the following "
        "operation: '{operation}'. (Virtual machine ID {id})",
        german="Der Vorgang kann nicht ausgeführt werden, da der virtuelle Computer '{vm}' gerade den folgenden "
        "Vorgang "
        "ausführt: '{operation}'. (ID des virtuellen Computers {id})",
        error_id="ObjectInUse",
        category=ErrorCategory.ResourceBusy,
        code=32774,
        is_wrapped=False,
    ),
    # What a real host says is not known: the words are ours.
    "device": Cause(
        english="The operation cannot be performed while the virtual machine '{vm}' uses a device of its host. "
        "(Virtual machine ID {id})",
        error_id="InvalidState",
        category=_INVALID,
        code=32775,
        is_wrapped=False,
    ),
    "wrong-state": Cause(
        english="The operation cannot be performed while the virtual machine '{vm}' is in its current state. "
        "(Virtual machine ID {id})",
        error_id="InvalidState",
        category=_INVALID,
        code=32775,
        is_wrapped=False,
    ),
    "disk-full": Cause(
        english="Failed to copy storage of '{vm}' to '{path}': There is not enough space on the disk. (0x80070070)",
        german="Fehler beim Kopieren von '{vm}' nach '{path}': Es steht nicht genug Speicherplatz zur "
        "Verfügung. (0x80070070)",
        side=DESTINATION,
    ),
    "file-exists": Cause(
        english="Failed to copy storage of '{vm}' to '{path}': The file exists. (0x80070050)",
        german="Fehler beim Kopieren von '{vm}' nach '{path}': Die Datei ist vorhanden. (0x80070050)",
        side=DESTINATION,
    ),
    "no-path": Cause(
        english="Failed to open '{path}' on '{other}': The system cannot find the path specified. (0x80070003)",
        side=DESTINATION,
    ),
    "path-too-long": Cause(
        english="Failed to create '{path}' on '{other}': The filename or extension is too long. (0x800700CE)",
        side=DESTINATION,
    ),
    "sharing-violation": Cause(
        english="The process cannot access the file because it is being used by another process. (0x80070020)",
    ),
    "vm-gone": Cause(
        english='Hyper-V was unable to find a virtual machine with id "{id}".',
        error_id="ObjectNotFound",
        category=ErrorCategory.ObjectNotFound,
        is_wrapped=False,
    ),
    "same-host": Cause(
        english="The virtual machine '{vm}' is already on computer '{other}'.",
        error_id="InvalidParameter",
        category=ErrorCategory.InvalidArgument,
        is_wrapped=False,
    ),
    # KB2249906: one VM's own file has wrong permissions.
    "attachment-denied": Cause(
        english="'{vm}': User Account does not have sufficient privilege to open attachment '{path}'. Error: 'General "
        "access denied error' (0x80070005). (Virtual machine ID {id})",
        side=DESTINATION,
    ),
    # minikube#16679, LabBuilder#203, eryph#176: the Virtual Machine Management Service starts, or was restarted.
    "service-away": Cause(
        english="Hyper-V encountered an error trying to access an object on computer '{host}' because the object was "
        "not found. The object might have been deleted, or you might not have permission to perform the task. Verify "
        "that the Virtual Machine Management service on the computer is running.",
        error_id="ObjectNotFound",
        category=ErrorCategory.ObjectNotFound,
        is_wrapped=False,
    ),
    # Easy-GPU-PV#247, Virtualization-Documentation#887; that the id is InvalidParameter is not confirmed.
    "name-unknown": Cause(
        english="The computer '{other}' could not be resolved. Make sure you typed the machine name correctly and that "
        "you have network access.",
        error_id="InvalidParameter",
        category=ErrorCategory.InvalidArgument,
        is_wrapped=False,
    ),
    "host-not-found": Cause(english=_CONNECT + "No such host is known. (0x80072AF9)"),
    # jpwinsup.github.io, Fail-to-LM-2-different-CPU: compatibility mode is on, microcode differs.
    "cpu-microcode": Cause(
        english="The virtual machine compatibility check failed on the destination host: Incorrect function. "
        "(0x00000001)\nUnknown error (0x80048054)",
        side=DESTINATION,
    ),
    # Numbers that never pass by themselves; the sentences around them are ours.
    "file-system": Cause(
        english="Failed to copy storage of '{vm}' to '{path}': The requested operation could not be completed due to a "
        "file system limitation (0x80070299)",
        side=DESTINATION,
    ),
    "sparse": Cause(
        english="Failed to open '{path}': Virtual hard disk files must be uncompressed and unencrypted and must not be "
        "sparse. (0xC03A001A)",
        side=DESTINATION,
    ),
    "crc": Cause(english="Failed to copy storage of '{vm}': Data error (cyclic redundancy check). (0x80070017)"),
    "share-silent": Cause(
        english="Failed to open '{path}': The specified server cannot perform the requested operation. (0x8007003A)",
        side=DESTINATION,
    ),
    "account-restriction": Cause(
        english="Failed to authenticate at host '{other}': Account restrictions are preventing this user from signing "
        "in. (0x8007052F)"
    ),
    "cancelled": Cause(
        english="The operation was canceled. (0x800704C7)",
        german="Der Vorgang wurde abgebrochen. (0x800704C7)",
    ),
}


def text_of(name: str, language: Language) -> str:
    """Return the sentence of a cause in a language; what nobody has translated stays English."""
    cause = CAUSES[name]
    match language:
        case Language.GERMAN:
            return cause.german or GERMAN.get(name, cause.english)
        case Language.JAPANESE:
            return JAPANESE.get(name, cause.english)
        case _:
            return cause.english


def wrapper(vm: str, vm_id: UUID, side: str, host: str, language: Language) -> str:
    """Return the first line of a failed migration, as seen in public logs."""
    number = str(vm_id).upper()
    if language is Language.GERMAN:
        end = "Migrationsquelle" if side == SOURCE else "Migrationsziel"
        return (
            f"Fehler beim Migrationsvorgang für virtuelle Computer für '{vm}' bei {end} '{host}'. "
            f"(ID des virtuellen Computers {number})"
        )
    if language is Language.JAPANESE:
        end = "移行元" if side == SOURCE else "移行先"
        return f"'{vm}' の仮想マシンの移行操作は{end} '{host}' で失敗しました。 (仮想マシン ID {number})"
    start = f"Virtual machine migration operation for '{vm}' failed at migration {side} '{host}'."
    return f"{start} (Virtual machine ID {number})"


def record(
    name: str,
    *,
    vm: str,
    vm_id: UUID,
    source: str,
    destination: str,
    language: Language,
    side: str | None = None,
    **more: object,
) -> ErrorRecord:
    """Return the error record of a cause; `{host}` is the end it happens at and `{other}` is the destination."""
    cause = CAUSES[name]
    blamed = side or cause.side
    host = source if blamed == SOURCE else destination
    filled = text_of(name, language).format(vm=vm, id=str(vm_id).upper(), host=host, other=destination, **more)
    lines = tuple(filled.split("\n"))
    if cause.is_wrapped:
        lines = (wrapper(vm, vm_id, blamed, host, language), *lines)
    return ErrorRecord(lines=lines, error_id=cause.error_id, category=cause.category, code=cause.code)


_STATUS = {
    OperationalStatus.Ok: ("Operating normally", "Normaler Betrieb"),
    OperationalStatus.Degraded: ("Degraded", "Beeinträchtigt"),
    OperationalStatus.PredictiveFailure: ("Predictive failure", "Ausfall vorhergesagt"),
    OperationalStatus.InService: ("In service", "In Betrieb"),
    OperationalStatus.CreatingSnapshot: ("Creating checkpoint", "Prüfpunkt wird erstellt"),
    OperationalStatus.DeletingSnapshot: ("Deleting checkpoint", "Prüfpunkt wird gelöscht"),
    OperationalStatus.MergingDisks: ("Merging disks", "Datenträger werden zusammengeführt"),
    OperationalStatus.MigratingVirtualMachine: ("Migrating virtual machine", "Virtueller Computer wird migriert"),
    OperationalStatus.MigratingPlannedVm: ("Migrating virtual machine", "Virtueller Computer wird migriert"),
    OperationalStatus.BackingUpVirtualMachine: ("Backing up", "Sicherung wird ausgeführt"),
    OperationalStatus.StorageMigrationPhaseOne: ("Moving storage", "Speicher wird verschoben"),
    OperationalStatus.StorageMigrationPhaseTwo: ("Moving storage", "Speicher wird verschoben"),
    OperationalStatus.CriticalIoError: ("Critical I/O error", "Kritischer E/A-Fehler"),
}


def status_text(status: int, language: Language) -> str:
    """Return the description of one operational status; only four English texts are known from logs."""
    english, german = _STATUS.get(status, (str(status), str(status)))  # type: ignore[call-overload]
    if language is Language.JAPANESE:
        return str(STATUS_JAPANESE.get(english, english))
    return str(german if language is Language.GERMAN else english)
