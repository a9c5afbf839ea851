"""Asks hosts whether a VM could run there, and reads what they answer. Nothing is changed; runs in a reading thread.

Source: Microsoft docs, Msvm_VirtualSystemMigrationService: GetSystemCompatibilityInfo, CheckSystemCompatibilityInfo,
CheckVirtualSystemIsMigratable; Msvm_Error.
"""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from core.domain.model.host_calls import CompatibilityReply
from core.domain.model.hyperv_enums import HostJobState
from core.domain.model.inventory import VmId
from core.errors import CommandFailed, MalformedReply
from core.hyperv import enum_names, pipelines
from core.hyperv.connection_settings import ConnectionSettings
from core.hyperv.host_reads import must
from core.hyperv.pipelines import Pipeline
from core.hyperv.ps_values import PsRow
from core.hyperv.session import Session

_DONE = 0
_JOB_STARTED = 4096
_NOT_COMPATIBLE = 32784
_RIGHTS = 32769
_RIGHTS_HINT = "Add the account to Hyper-V Administrators on that host."


def compatibility_info(target: ConnectionSettings, timeout_s: float, vm_id: VmId, session: Session) -> bytes:
    """Return what a VM needs of a host. Raises HostError where this host does not say."""
    pipeline = pipelines.compatibility_info(vm_id)
    row = _answer(target, pipeline, timeout_s, session)
    code = row.number("ReturnValue")
    if code != _DONE:
        raise _no_answer(target, pipeline, code)
    return row.octets("CompatibilityInfo")


def test_compatibility(
    target: ConnectionSettings, timeout_s: float, info: bytes, session: Session
) -> CompatibilityReply:
    """Return whether this host could run a VM so described. Raises HostError where it does not say."""
    pipeline = pipelines.test_compatibility(info)
    row = _answer(target, pipeline, timeout_s, session)
    code = row.number("ReturnValue")
    if code not in {_DONE, _NOT_COMPATIBLE}:
        raise _no_answer(target, pipeline, code)
    return CompatibilityReply(code == _DONE, _reasons(row.texts("Reasons")))


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
    values = must(target, pipeline, session.call(pipeline, timeout_s=timeout_s))
    if len(values) != 1:
        text = f"{target.host} answered {pipeline.title} with {len(values)} objects instead of one."
        raise MalformedReply(target.host, text)
    return PsRow(target.host, pipeline.title, values[0])


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
