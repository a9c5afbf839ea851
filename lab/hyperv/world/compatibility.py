"""Says whether a host could take a VM, and changes nothing: what the migration service's read-only methods do.

Source: Microsoft docs, Msvm_VirtualSystemMigrationService (GetSystemCompatibilityInfo, CheckSystemCompatibilityInfo,
CheckVirtualSystemIsMigratable), Msvm_Error, Msvm_MigrationJob. Unconfirmed: that the first two look at nothing but
processor and configuration version, and that the third always has a job.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID
from xml.etree import ElementTree as ET

from lab.hyperv.world import checks, host_messages, networks
from lab.hyperv.world.checks import Failure
from lab.hyperv.world.enums import JobState, JobType, MigrationType, ReturnCode, VMState
from lab.hyperv.world.errors import UnknownHost
from lab.hyperv.world.fleet import Language
from lab.hyperv.world.views import JobView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from lab.hyperv.world.moves import MoveRequest
    from lab.hyperv.world.state import HostState, State
    from lab.hyperv.world.views import ErrorRecord
    from lab.hyperv.world.vms import Machine

INCOMPATIBLE: Final = 32784
_SETTINGS_CLASS: Final = "Msvm_VirtualSystemMigrationSettingData"
MIGRATION_SETTINGS: Final = (
    f'<INSTANCE CLASSNAME="{_SETTINGS_CLASS}"><PROPERTY NAME="MigrationType" TYPE="uint16"><VALUE>32771</VALUE>'
    "</PROPERTY></INSTANCE>"
)
"""An embedded instance that says: a VM with its storage."""
_MESSAGE_IDS: Final = {"cpu": 24008, "version": 24004}
_GERMAN: Final = {
    "cpu": "Der virtuelle Computer '{vm}' verwendet Prozessorfunktionen, die der Host '{host}' nicht hat.",
    "version": "Der Host '{host}' unterstützt die Konfigurationsversion {version} von '{vm}' nicht.",
}
"""No German log shows these: the wording is ours."""
_SEEN_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Check:
    """One job that looks whether a VM could be moved."""

    number: int
    request: MoveRequest
    began_s: float
    ends_s: float
    error: ErrorRecord | None

    @property
    def instance_id(self) -> str:
        return f"Microsoft:{str(self.request.vm_id).upper()}\\check{self.number}"

    def job(self, time_s: float, datetime_at: Callable[[float], datetime]) -> JobView:
        has_ended = time_s >= self.ends_s
        error = self.error if has_ended else None
        ended = JobState.Exception if error else JobState.Completed
        return JobView(
            instance_id=self.instance_id,
            name="Checking Virtual Machine and Storage Compatibility",
            virtual_system_name=str(self.request.vm_id).upper(),
            destination_host=self.request.destination,
            migration_type=MigrationType.VirtualSystemAndStorage,
            job_type=JobType.CheckingCompatibilityAndStorage,
            state=ended if has_ended else JobState.Running,
            percent=100 if has_ended else 0,
            is_cancellable=not has_ended,
            owner=self.request.owner,
            error_code=error.code if error else 0,
            error_description=error.description if error else None,
            error_summary=error.summary if error else None,
            started_at=datetime_at(self.began_s),
            changed_at=datetime_at(self.ends_s if has_ended else self.began_s),
            elapsed_s=min(time_s, self.ends_s) - self.began_s,
            destination_path=None,
        )


class Compatibility:
    """The read-only methods of every host's migration service."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._checks: list[_Check] = []

    def takes_s(self, host: str) -> float:
        """Return how long a host thinks about one VM in one of the first two methods."""
        return self._state.host(host).quirks.compatibility_takes_s

    def describe(self, host: str, vm_id: UUID) -> tuple[int, bytes]:
        """Do GetSystemCompatibilityInfo: a code, and what a VM needs, in bytes that mean nothing to anybody else."""
        state = self._state.host(host)
        if code := state.quirks.compatibility_code:
            return int(code), b""
        machine = state.vms[vm_id]
        needs = {
            "vm": str(vm_id),
            "name": machine.spec.name,
            "version": machine.spec.version,
            # A VM that is off, or limits itself to common features, fits every processor.
            "family": state.spec.processor_family if _needs_processor(machine) else "",
        }
        return ReturnCode.Completed, json.dumps(needs, sort_keys=True).encode()

    def judge(self, host: str, info: bytes) -> tuple[int, tuple[str, ...]]:
        """Do CheckSystemCompatibilityInfo: a code, and reasons as embedded Msvm_Error instances."""
        state = self._state.host(host)
        if code := state.quirks.compatibility_code:
            return int(code), ()
        try:
            needs = json.loads(info)
            vm_id, version, family = UUID(needs["vm"]), needs["version"], needs["family"]
        except (ValueError, KeyError, TypeError):
            return ReturnCode.InvalidParameter, ()
        found = []
        if version not in state.spec.supported_versions:
            found.append(Failure("version", {"version": version}))
        if family not in {"", state.spec.processor_family}:
            found.append(Failure("cpu"))
        reasons = tuple(
            embedded_error(_reason(failure, needs["name"], vm_id, state), _MESSAGE_IDS[failure.cause])
            for failure in found
        )
        return (INCOMPATIBLE if found else ReturnCode.Completed), reasons

    def begin_check(self, request: MoveRequest, settings: str) -> tuple[int, str]:
        """Do CheckVirtualSystemIsMigratable: a code, and after 4096 the InstanceID of a job."""
        source = self._state.host(request.source)
        if code := source.quirks.compatibility_code:
            return int(code), ""
        if not _is_about_vm_and_storage(settings):
            return ReturnCode.InvalidParameter, ""
        machine = source.vms[request.vm_id]
        failure = self._hindrance(request, machine)
        time_s = self._state.timeline.time_s
        check = _Check(
            len(self._checks) + 1,
            request,
            time_s,
            time_s + source.quirks.check_takes_s,
            None if failure is None else self._record(request, machine, failure),
        )
        self._checks.append(check)
        return ReturnCode.JobStarted, check.instance_id

    def jobs(self, host: str, datetime_at: Callable[[float], datetime]) -> Iterator[JobView]:
        """Yield the jobs of checks that a host lists: those that run, and those of the last five minutes."""
        time_s = self._state.timeline.time_s
        for check in self._checks:
            if check.request.source == host and time_s < check.ends_s + _SEEN_S:
                yield check.job(time_s, datetime_at)

    def _hindrance(self, request: MoveRequest, machine: Machine) -> Failure | None:
        try:
            request = replace(request, destination=self._state.short_name(request.destination))
        except UnknownHost:
            return Failure("timeout")
        destination = self._state.host(request.destination)
        if not destination.spec.migration_enabled or not networks.listeners(destination):
            return Failure("port-refused")
        failure = checks.connection(self._state, request)
        if failure is not None:
            return failure
        found = checks.compatibility(self._source(request), destination, machine)
        return next(iter(found), None)

    def _source(self, request: MoveRequest) -> HostState:
        return self._state.host(request.source)

    def _record(self, request: MoveRequest, machine: Machine, failure: Failure) -> ErrorRecord:
        return host_messages.record(
            failure.cause,
            vm=machine.spec.name,
            vm_id=request.vm_id,
            source=request.source,
            destination=request.destination,
            language=self._source(request).spec.language,
            side=failure.side,
            **failure.details,
        )


def described_vm(info: bytes) -> UUID:
    """Return the VM that some bytes of `Compatibility.describe` are about."""
    return UUID(json.loads(info)["vm"])


def _needs_processor(machine: Machine) -> bool:
    return machine.spec.state is not VMState.Off and not machine.spec.is_processor_compatible


def _reason(failure: Failure, vm: str, vm_id: UUID, host: HostState) -> str:
    if host.spec.language is Language.GERMAN:
        return _GERMAN[failure.cause].format(vm=vm, host=host.name, **failure.details)
    said = host_messages.record(
        failure.cause,
        vm=vm,
        vm_id=vm_id,
        source=host.name,
        destination=host.name,
        language=Language.ENGLISH,
        side=failure.side,
        **failure.details,
    )
    return said.lines[-1]


def embedded_error(message: str, message_id: int) -> str:
    """Return an Msvm_Error as CIM-XML, as embedded instances travel."""
    instance = ET.Element("INSTANCE", CLASSNAME="Msvm_Error")
    for name, kind, value in (("Message", "string", message), ("MessageID", "string", str(message_id))):
        ET.SubElement(ET.SubElement(instance, "PROPERTY", NAME=name, TYPE=kind), "VALUE").text = value
    return ET.tostring(instance, encoding="unicode")


def _is_about_vm_and_storage(settings: str) -> bool:
    try:
        instance = ET.fromstring(settings)  # noqa: S314  # of the lab's own client
    except ET.ParseError:
        return False
    kind = instance.find("PROPERTY[@NAME='MigrationType']/VALUE")
    is_settings = instance.tag == "INSTANCE" and instance.get("CLASSNAME") == _SETTINGS_CLASS
    return is_settings and kind is not None and kind.text == str(int(MigrationType.VirtualSystemAndStorage))
