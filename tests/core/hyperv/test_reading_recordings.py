"""The bytes that a real PowerShell sent are read: its CLIXML, its error records, its states."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.messages import MessageType
from pypsrp.powershell import PowerShell
from pypsrp.wsman import WSMan

from core.domain.model.host_calls import FolderFate, HostWord
from core.domain.model.hyperv_enums import HostJobState, MigrationAuth, Operation, VmState
from core.domain.model.inventory import VmId
from core.hyperv import decode, decode_details, vm_files
from core.hyperv.error_mapping import is_refusal
from core.hyperv.host_reads import is_no_migration
from core.hyperv.session import _Pool
from tests.recordings.cases import SESSIONS, TYPES, recorded

WEB01, WEB02, SQL01, TEST01 = (
    VmId(UUID(text))
    for text in (
        "13f6eb95-1123-5f40-9864-a4c800270f8c",
        "4a4b144f-d33f-5571-bd14-5539e24ac932",
        "a0e2dac1-bd0a-5b50-9d42-610331960573",
        "78f326b4-0992-5d48-ba2f-ce92d33e9b60",
    )
)
_NUMBERS = {name: number for number, name in TYPES.items()}
_FRAGMENT_BYTES = 1000
"""Small, so that most messages come in parts."""


@dataclass
class Heard:
    """What the client has of a recorded case, after its bytes went through it."""

    values: list[Any] = field(default_factory=list)
    words: list[HostWord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    state: int = 0


def hear(session: str, name: str) -> Heard:
    """Give the client the bytes of a case, message by message and in fragments, as they come from a socket."""
    pool = _Pool(WSMan("host.invalid", auth="basic", username="u", password="p", ssl=False, encryption="never"))
    shell = PowerShell(pool)
    shell.state = PSInvocationState.RUNNING
    values: list[Any] = []
    for number, message in enumerate(recorded()[session][name].messages):
        header = struct.pack("<iI", 1, _NUMBERS[message.type]) + UUID(pool.id).bytes_le + UUID(shell.id).bytes_le
        whole = header + message.xml.encode()
        for part, start in enumerate(range(0, len(whole), _FRAGMENT_BYTES)):
            data = whole[start : start + _FRAGMENT_BYTES]
            flags = (part == 0) | (start + _FRAGMENT_BYTES >= len(whole)) << 1
            heard = pool._parse_responses(struct.pack(">QQBI", number + 1, part, flags, len(data)) + data, shell)
            values += [found.data.data for kind, found in heard if kind == MessageType.PIPELINE_OUTPUT]
    return Heard(
        values,
        [decode.read_word(record) for record in shell.streams.error],
        [str(warning) for warning in shell.streams.warning],
        shell.state,
    )


@pytest.mark.parametrize("session", SESSIONS)
def test_every_case_is_read(session: str) -> None:
    """No case breaks the client; each ends in a state, and what went wrong has a text and an id."""
    for name in recorded()[session]:
        if name.startswith("("):
            continue
        heard = hear(session, name)
        assert heard.state in {PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED}, name
        assert all(word.text and word.fqid for word in heard.words), name
        assert heard.state != PSInvocationState.FAILED or heard.words, name


def test_a_host_is_read() -> None:
    """Limits, paths, the enum of authentication, versions in a list; counters and where it listens."""
    counters = hear("full-language", "COUNTERS").values
    facts = decode.read_facts("HV01", hear("full-language", "HOST").values, counters)
    assert (facts.live_limit, facts.storage_limit, facts.live_active, facts.storage_active) == (2, 2, 0, 0)
    assert facts.is_migration_enabled
    assert facts.migration_auth is MigrationAuth.KERBEROS
    assert facts.default_vm_path == "C:\\ProgramData\\Microsoft\\Windows\\Hyper-V"
    assert facts.memory_bytes == 128 << 30
    assert facts.supported_versions == ("5.0", "8.0", "9.0", "10.0")
    assert facts.listeners == ("10.0.0.236",)
    assert decode.read_free_memory("HV01", hear("full-language", "MEMORY").values) == 79691776 * 1024
    assert decode.read_names("HV01", "Get-VMSwitch", hear("full-language", "SWITCHES").values) == (
        "vSwitch-Prod",
        "vSwitch-Test",
    )
    volumes = decode.read_volumes("HV01", hear("full-language", "VOLUMES").values)
    assert [volume.root for volume in volumes] == ["C:\\", "D:\\", "E:\\"]


def test_vms_are_read() -> None:
    """Ids, states, lists of enums, time spans, nulls."""
    vms = {vm.id: vm for vm in (decode.read_vm("HV01", value) for value in hear("full-language", "VMS").values)}
    assert set(vms) == {WEB01, WEB02, SQL01, TEST01}
    sql, off = vms[SQL01], vms[TEST01]
    assert (sql.name, sql.state, sql.status, sql.status_text) == (
        "sql01",
        VmState.RUNNING,
        (Operation.OK,),
        "Operating normally",
    )
    assert (sql.memory_assigned_bytes, sql.uptime_s, sql.heartbeat) == (32 << 30, 3 * 86400 + 67, 6)
    assert (off.state, off.uptime_s, off.heartbeat) == (VmState.OFF, 0.0, None)
    assert not sql.is_planned
    assert sql.config_path == "D:\\VMs\\sql01"


def test_parts_of_a_vm_are_read() -> None:
    """Disks with null numbers, adapters, file sizes beside the error of a missing file."""
    (disk,) = decode_details.read_disks("HV01", hear("full-language", "disks").values).of[WEB01]
    assert (disk.controller, disk.is_pass_through, disk.is_shared) == ("SCSI 0:0", False, False)
    (adapter,) = decode_details.read_adapters("HV01", hear("full-language", "adapters").values).of[WEB01]
    assert (adapter.name, adapter.switch) == ("Network Adapter", "vSwitch-Prod")
    heard = hear("full-language", "disk files, one missing")
    assert len(vm_files.read_links("HV01", heard.values)) == 1
    assert [word.category for word in heard.words] == [13]


def test_a_job_is_read() -> None:
    """Its numbers are ushorts, its texts null, its start a time with a zone."""
    (job,) = decode.read_jobs("HV01", hear("full-language", "jobs after").values)
    assert (job.vm_id, job.state, job.percent, job.destination) == (WEB01, HostJobState.COMPLETED, 100, "HV02")
    assert (job.error_code, job.error_text, job.is_cancellable) == (0, "", False)
    assert job.started_at == datetime(2026, 1, 15, 18, 1, 42, 84803, tzinfo=UTC)


@pytest.mark.parametrize(
    ("session", "name", "fqid", "category", "words"),
    [
        ("full-language", "one vm, none", "ObjectNotFound,", 13, "unable to find"),
        ("full-language", "unknown command", "CommandNotFoundException", 13, "Get-Nope"),
        ("full-language", "null", "ParameterArgumentValidationErrorNullNotAllowed,", 6, "because it is null"),
        ("full-language", "Stop-VMMigration, bad guid", "ParameterArgumentTransformationError,", 6, "transformation"),
        ("full-language", "stopped", "PipelineStopped", 14, "has been stopped"),
        ("jea", "class not allowed", "ParameterArgumentValidationError,Get-CimInstance", 6, "Win32_Process"),
        ("jea", "script", "ScriptsNotAllowed", 17, "no-language mode"),
        ("jea-limited", "an error of the inner cmdlet", "ObjectNotFound,", 13, "unable to find"),
        ("jea-limited", "move upwards", "ParameterArgumentValidationError,Move-VM", 6, "does not match"),
    ],
)  # fmt: skip
def test_an_error_is_read(session: str, name: str, fqid: str, category: int, words: str) -> None:
    """With the invocation in it, twice, and with a chain of causes."""
    (word,) = hear(session, name).words
    assert word.fqid.startswith(fqid)
    assert word.category == category
    assert words in word.text
    assert "_x000A_" not in word.text


def test_what_powershell_refuses_is_told_from_what_a_host_refuses() -> None:
    """A refusal of the binder or of the session ran nothing; an error of Hyper-V may have."""
    refused = {
        (session, name)
        for session in SESSIONS
        for name in recorded()[session]
        if not name.startswith("(") and any(map(is_refusal, hear(session, name).words))
    }
    for session, name in (
        ("full-language", "unknown parameter"),
        ("full-language", "bad guid"),
        ("full-language", "two sets"),
        ("full-language", "mandatory missing"),
        ("full-language", "unknown command in the middle"),
        ("full-language", "empty list"),
        ("full-language", "null in list"),
        ("jea", "class not allowed"),
        ("jea", "parameter not allowed"),
        ("jea", "script with a variable"),
        ("jea", "hidden Invoke-CimMethod"),
        ("jea-limited", "move to a share"),
    ):
        assert (session, name) in refused
    for name in (
        "one vm, none",
        "peer, none",
        "move, passthru",
        "move, to itself",
        "Stop-VMMigration, none",
        "bad class",
    ):
        assert ("full-language", name) not in refused


def test_the_functions_are_read() -> None:
    """A receipt that keeps a folder, and the error by which the bot knows that nothing runs."""
    for session in ("full-language", "jea"):
        values = hear(session, "Remove-EmptyFolder, not allowed").values
        receipt = decode.read_receipt("HV01", "D:\\VMs", values)
        assert receipt.fate is FolderFate.KEPT
        assert receipt.reason.startswith("NotAllowed")
        (word,) = hear(session, "Stop-VMMigration, none").words
        assert is_no_migration(word)
