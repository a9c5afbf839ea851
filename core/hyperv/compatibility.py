"""Asks hosts whether a VM could run there, and reads what they answer. Nothing is changed; runs in a reading thread.

Source: Microsoft docs, Msvm_VirtualSystemMigrationService: GetSystemCompatibilityInfo, CheckSystemCompatibilityInfo,
CheckVirtualSystemIsMigratable; Msvm_Error.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from xml.etree import ElementTree as ET

from core.domain.model.host_calls import CompatibilityReply
from core.domain.model.hyperv_enums import HostJobState
from core.domain.model.inventory import VmId
from core.errors import CommandFailed, HostError, MalformedReply
from core.hyperv import enum_names, pipelines
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.error_mapping import first_line
from core.hyperv.host_reads import must
from core.hyperv.pipelines import Pipeline
from core.hyperv.ps_values import PsRow
from core.hyperv.session import Session

T = TypeVar("T")

_DONE = 0
_JOB_STARTED = 4096
_NOT_COMPATIBLE = 32784
_RIGHTS = 32769
_RIGHTS_HINT = "Add the account to Hyper-V Administrators on that host."


def compatibility_info(
    target: ConnectionSettings, timeout_s: float, vm_ids: Sequence[VmId], session: Session
) -> tuple[bytes | HostError, ...]:
    """Return what each VM needs of a host, or why this host does not say. Raises HostError where it says nothing."""
    pipeline = pipelines.compatibility_info(vm_ids)
    rows = {row.guid("VMId"): row for row in _rows(target, pipeline, timeout_s, session)}

    def read(row: PsRow) -> bytes:
        _must_be(target, pipeline, row.number("ReturnValue"), _DONE)
        return row.octets("CompatibilityInfo")

    return tuple(_one(target, pipeline, rows.get(vm_id), read) for vm_id in vm_ids)


def test_compatibility(
    target: ConnectionSettings, timeout_s: float, infos: Sequence[bytes], session: Session
) -> tuple[CompatibilityReply | HostError, ...]:
    """Return whether this host could run each VM so described, or why it does not say. Raises as above."""
    pipeline = pipelines.test_compatibility(infos)
    rows = {row.number("Index"): row for row in _rows(target, pipeline, timeout_s, session)}

    def read(row: PsRow) -> CompatibilityReply:
        code = row.number("ReturnValue")
        _must_be(target, pipeline, code, _DONE, _NOT_COMPATIBLE)
        return CompatibilityReply(code == _DONE, _reasons(row.texts("Reasons")))

    return tuple(_one(target, pipeline, rows.get(index), read) for index in range(len(infos)))


def test_migration(
    target: ConnectionSettings, timeout_s: float, vm_id: VmId, address: str, session: Session
) -> CompatibilityReply:
    """Return whether this host's service could migrate a VM to that address. Raises HostError where it does not say."""
    pipeline = pipelines.test_migration(vm_id, address, max(1, int(timeout_s / 2)))
    row = _answer(target, pipeline, timeout_s, session)
    code, reasons = row.number("ReturnValue"), _reasons(row.texts("Reasons"))
    if code == _DONE:
        return CompatibilityReply(is_compatible=True)
    if code != _JOB_STARTED:
        raise _no_answer(target, pipeline, code)
    state = HostJobState(row.number("JobState"))
    if state in {HostJobState.COMPLETED, HostJobState.COMPLETED_WITH_WARNINGS}:
        return CompatibilityReply(is_compatible=True, reasons=reasons)
    if state is HostJobState.EXCEPTION:
        return CompatibilityReply(is_compatible=False, reasons=reasons)
    said = f": {reasons[-1]}" if reasons else ""
    raise CommandFailed(target.host, f"{target.host} did not come to an end of {pipeline.title}{said}.")


def _answer(target: ConnectionSettings, pipeline: Pipeline, timeout_s: float, session: Session) -> PsRow:
    rows = _rows(target, pipeline, timeout_s, session)
    if len(rows) != 1:
        text = f"{target.host} answered {pipeline.title} with {len(rows)} objects instead of one."
        raise MalformedReply(target.host, text)
    return rows[0]


def _rows(target: ConnectionSettings, pipeline: Pipeline, timeout_s: float, session: Session) -> list[PsRow]:
    values = must(target, pipeline, session.call(pipeline, timeout_s=timeout_s))
    return [PsRow(target.host, pipeline.title, value) for value in values]


def _one(
    target: ConnectionSettings, pipeline: Pipeline, row: PsRow | None, read: Callable[[PsRow], T]
) -> T | CommandFailed | MalformedReply:
    """Read the answer about one VM; what is wrong with it costs the others nothing."""
    if row is None:
        return MalformedReply(target.host, f"{target.host} left a VM out of its answer to {pipeline.title}.")
    try:
        if problem := row.text("Problem"):
            text = target.conceal(f"{target.host} reported an error for {pipeline.title}: {first_line(problem)}")
            return CommandFailed(target.host, text)
        return read(row)
    except (CommandFailed, MalformedReply) as error:
        return error


def _must_be(target: ConnectionSettings, pipeline: Pipeline, code: int, *answers: int) -> None:
    if code not in answers:
        raise _no_answer(target, pipeline, code)


def _no_answer(target: ConnectionSettings, pipeline: Pipeline, code: int) -> CommandFailed:
    known = enum_names.RETURN_VALUES.get(code)
    why = f"{known} ({code})" if known else f"code {code}"
    text = f"{target.host} does not answer {pipeline.title}: {why}."
    return CommandFailed(target.host, text, hint=_RIGHTS_HINT if code == _RIGHTS else None)


def _reasons(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what hosts say in plain text or in an embedded Msvm_Error, each thing once."""
    return tuple(dict.fromkeys(filter(None, map(_reason, texts))))


def _reason(text: str) -> str:
    if not text.lstrip().startswith("<"):
        return " ".join(text.split())
    try:
        instance = ET.fromstring(text)  # noqa: S314  # of a host that may do whatever it likes with its VMs
    except ET.ParseError:
        return " ".join(text.split())
    said = {found.get("NAME", ""): found.findtext("VALUE") or "" for found in instance.iter("PROPERTY")}
    number = said.get("MessageID", "")
    message = " ".join((said.get("Message") or "").split())
    if not message:
        return f"message {number}" if number else ""
    return f"{message} ({number})" if number else message
