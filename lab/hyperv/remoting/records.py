"""Writes the records of a pipeline other than its output: errors, progress, its final state.

Sources: MS-PSRP 2.2.2.20 to 2.2.2.25, 2.2.3.15 (ErrorRecord).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import IntEnum
from typing import Final

from lab.hyperv.remoting.clixml import REMOTING_DEPTH, Writer
from lab.hyperv.remoting.dotnet_values import OBJECT, EnumValue, ErrorDetail, Thrown, Value
from lab.hyperv.remoting.error_forms import target_handles, write_exception, write_extended, write_invocation

_PROGRESS_KIND: Final = "System.Management.Automation.ProgressRecordType"


class Category(IntEnum):
    """System.Management.Automation.ErrorCategory. Source: Microsoft docs, ErrorCategory."""

    NotSpecified = 0
    OpenError = 1
    CloseError = 2
    DeviceError = 3
    DeadlockDetected = 4
    InvalidArgument = 5
    InvalidData = 6
    InvalidOperation = 7
    InvalidResult = 8
    InvalidType = 9
    MetadataError = 10
    NotImplemented = 11
    NotInstalled = 12
    ObjectNotFound = 13
    OperationStopped = 14
    OperationTimeout = 15
    SyntaxError = 16
    ParserError = 17
    PermissionDenied = 18
    ResourceBusy = 19
    ResourceExists = 20
    ResourceUnavailable = 21
    ReadError = 22
    WriteError = 23
    FromStdErr = 24
    SecurityError = 25
    ProtocolError = 26
    ConnectionError = 27
    AuthenticationError = 28
    LimitsExceeded = 29
    QuotaExceeded = 30
    NotEnabled = 31


class PipelineState(IntEnum):
    """PSInvocationState."""

    RUNNING = 1
    STOPPING = 2
    STOPPED = 3
    COMPLETED = 4
    FAILED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """One progress record; `is_last` closes the activity."""

    activity: str
    status: str
    percent: int
    _: KW_ONLY
    activity_id: int = 0
    parent_activity_id: int = -1
    current_operation: str | None = None
    seconds_remaining: int = -1
    is_last: bool = False


def write_error(error: ErrorDetail) -> str:
    writer = Writer()
    _error(writer, error, None)
    return writer.text()


def write_state(state: PipelineState, error: ErrorDetail | None = None) -> str:
    """Return the PIPELINE_STATE message; an error goes with Failed and Stopped only."""
    writer = Writer()
    writer.open(())
    writer.raw("<MS>")
    writer.value(int(state), REMOTING_DEPTH, "PipelineState")
    if error is not None:
        _error(writer, error, "ExceptionAsErrorRecord")
    writer.raw("</MS>")
    writer.close()
    return writer.text()


def write_progress(record: Progress) -> str:
    """Return a PROGRESS_RECORD with all eight fields; clients insist on each of them."""
    kind = EnumValue(_PROGRESS_KIND, int(record.is_last), "Completed" if record.is_last else "Processing")
    writer = Writer()
    writer.open(())
    writer.bag(
        "MS",
        [
            ("Activity", record.activity),
            ("ActivityId", record.activity_id),
            ("StatusDescription", record.status),
            ("CurrentOperation", record.current_operation),
            ("ParentActivityId", record.parent_activity_id),
            ("PercentComplete", record.percent),
            ("Type", kind),
            ("SecondsRemaining", record.seconds_remaining),
        ],
        REMOTING_DEPTH,
    )
    writer.close()
    return writer.text()


def stopped_error() -> ErrorDetail:
    """Return the error of a pipeline that was stopped from outside."""
    kind, message = "System.Management.Automation.PipelineStoppedException", "The pipeline has been stopped."
    return ErrorDetail(
        message, "PipelineStopped", Category.OperationStopped, exception_type=kind, thrown=Thrown(kind, message)
    )


def _error(writer: Writer, error: ErrorDetail, name: str | None) -> None:
    """Write an error record: by itself, or by its name within the state of a pipeline that it ended."""
    names = ("System.Management.Automation.ErrorRecord", OBJECT)
    writer.open(names, name, error.message)
    writer.raw("<MS>")
    write_exception(writer, error)
    writer.value(error.target, 0, "TargetObject")
    writer.value(error.fqid, 0, "FullyQualifiedErrorId")
    collections = write_invocation(writer, error)
    target_name, target_type = target_handles(error.target)
    category = Category(error.category).name
    is_extended = name is None and collections is not None
    fields: list[tuple[str, Value]] = [
        ("ErrorCategory_Category", int(error.category)),
        ("ErrorCategory_Activity", error.activity),
        ("ErrorCategory_Reason", error.reason),
        ("ErrorCategory_TargetName", target_name),
        ("ErrorCategory_TargetType", target_type),
        ("ErrorCategory_Message", f"{category}: ({target_name}:{target_type}) [{error.activity}], {error.reason}"),
        ("SerializeExtendedInfo", is_extended),
    ]
    for key, value in fields:
        writer.value(value, 0, key)
    if is_extended and collections is not None:
        write_extended(writer, error, collections)
    writer.raw("</MS>")
    writer.close()
