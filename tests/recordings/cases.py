"""The recorded cases: what was sent to a real PowerShell, every message that came back, and how to play it again."""

import asyncio
import json
import lzma
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import Fragmenter, PowerShell, RunspacePool
from pypsrp.serializer import Serializer
from pypsrp.shell import SignalCode
from pypsrp.wsman import WSMan

from core.hyperv.session import FUNCTIONS_TEXT
from lab.hyperv.pwsh.install import PowerShell as Program
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.enums import MigrationAuthentication, VMState
from lab.hyperv.world.fleet import GB, VM, Adapter, Disk, Endpoint, Fleet, Host, Volume

HERE = Path(__file__).parent
FILE = HERE / "powershell-7.6.json.xz"
SESSIONS = ("full-language", "jea", "jea-limited")
TYPES = {
    0x00010002: "SESSION_CAPABILITY",
    0x00021005: "RUNSPACEPOOL_STATE",
    0x00021009: "APPLICATION_PRIVATE_DATA",
    0x00041004: "PIPELINE_OUTPUT",
    0x00041005: "ERROR_RECORD",
    0x00041006: "PIPELINE_STATE",
    0x00041008: "VERBOSE_RECORD",
    0x00041009: "WARNING_RECORD",
    0x00041010: "PROGRESS_RECORD",
    0x00041011: "INFORMATION_RECORD",
}
_ID = re.compile(r"UUID\('(.+)'\)")
_HEADER_BYTES = 40
_TRACE = re.compile(r'(<S N="(?:StackTrace|ErrorDetails_ScriptStackTrace)">)[^<]*')
_TRACE_LINES = re.compile(r"(?:_x000A_ +(?:at |--- End of inner)[^<]*?)(?=_x000A_ ---&gt;|</ToString>)")


@dataclass(frozen=True, slots=True)
class Message:
    """One PSRP message: the name of its type, and its CLIXML."""

    type: str
    xml: str


@dataclass(frozen=True, slots=True)
class Case:
    """What was sent, cmdlets or a script, and what came back."""

    name: str
    pipeline: Any
    messages: tuple[Message, ...]


@cache
def recorded(path: Path = FILE) -> dict[str, dict[str, Case]]:
    """Return the cases by session and name."""
    data = json.loads(lzma.decompress(path.read_bytes()))
    return {
        session: {
            name: Case(name, case.get("pipeline"), tuple(Message(**message) for message in case["messages"]))
            for name, case in cases.items()
        }
        for session, cases in data.items()
    }


def write(path: Path, found: Mapping[str, Mapping[str, Case]]) -> None:
    """Write cases as they are read; stack traces tell of a machine, and are left out."""
    data = {
        session: {
            name: {
                "pipeline": case.pipeline,
                "messages": [{"type": m.type, "xml": m.xml} for m in case.messages],
            }
            for name, case in cases.items()
        }
        for session, cases in found.items()
    }
    path.write_bytes(lzma.compress(json.dumps(data, ensure_ascii=False, indent=0).encode(), preset=9))


def untraced(xml: str) -> str:
    """Return a message without stack traces."""
    return _TRACE_LINES.sub("", _TRACE.sub(r"\1(…)", xml))


# --- the fleet they were recorded with


def _vm(vm_id: str, name: str, gb: int, *more: str, **fields: Any) -> VM:
    folder = f"D:\\VMs\\{name}\\Virtual Hard Disks"
    disks = tuple(
        Disk(path=f"{folder}\\{name}{part}.vhdx", size_bytes=4 * GB, controller_location=place)
        for place, part in enumerate(("", *more))
    )
    adapters = (Adapter(switch="vSwitch-Prod"),)
    return VM(
        id=UUID(vm_id), name=name, host="HV01", memory_bytes=gb * GB, disks=disks, adapters=adapters,
        **fields,
    )  # fmt: skip


def fleet(session: str) -> Fleet:
    """Return a fleet like the recorded one, with the recorded role."""
    roles = {"jea": "recorded.psrc", "jea-limited": "recorded-limited.psrc"}
    first = Host(
        name="HV01",
        migration_enabled=True,
        authentication=MigrationAuthentication.Kerberos,
        memory_bytes=128 * GB,
        switches=("vSwitch-Prod", "vSwitch-Test"),
        volumes=(
            Volume(root="C:", size_bytes=120 * GB),
            Volume(root="D:", size_bytes=2000 * GB),
            Volume(root="E:", size_bytes=1000 * GB),
        ),
        supported_versions=("5.0", "8.0", "9.0", "10.0"),
        bandwidth_bytes_per_s=100 << 20,
        endpoint=Endpoint.JEA if session in roles else Endpoint.FULL_LANGUAGE,
        role=(HERE / roles[session]).read_text("utf-8") if session in roles else "",
    )
    second = replace(first, name="HV02", volumes=first.volumes[:2])
    return Fleet(
        hosts=(first, second),
        vms=(
            _vm("a0e2dac1-bd0a-5b50-9d42-610331960573", "sql01", 32, "-data"),
            _vm("78f326b4-0992-5d48-ba2f-ce92d33e9b60", "test01", 4, state=VMState.Off),
            _vm("13f6eb95-1123-5f40-9864-a4c800270f8c", "web01", 8),
            _vm("4a4b144f-d33f-5571-bd14-5539e24ac932", "web02", 8),
        ),
    )


# --- playing them


class _Recorder(Fragmenter):
    """Keeps every message as it came, before pypsrp reads it."""

    def __init__(self, size: int, serializer: Serializer) -> None:
        super().__init__(size, serializer)
        self.messages: list[Message] = []
        self._parts: dict[int, bytes] = {}

    def defragment(self, data: bytes) -> list[Any]:
        rest = data
        while rest:
            object_id, _, flags, length = struct.unpack_from(">QQBI", rest)
            part, rest = rest[21 : 21 + length], rest[21 + length :]
            whole = self._parts.pop(object_id, b"") + part
            if flags & 2:
                (kind,) = struct.unpack_from("<I", whole, 4)
                text = whole[_HEADER_BYTES:].decode("utf-8-sig")
                self.messages.append(Message(TYPES.get(kind, hex(kind)), untraced(text)))
            else:
                self._parts[object_id] = whole
        found: list[Any] = super().defragment(data)
        return found

    def take(self) -> tuple[Message, ...]:
        taken, self.messages = tuple(self.messages), []
        return taken


async def play(session: str, cases: Sequence[Case], program: Program | None = None) -> dict[str, Case]:
    """Send what was sent then to the lab, or to a PowerShell behind it; return the same cases with what comes back."""
    async with HyperVLab(fleet(session), speed=60, has_tls=False, powershell=program) as lab:
        access = lab.access("HV01")
        connection = WSMan(
            access.address, port=access.http_port, username=access.user, password=access.password, ssl=False,
            auth="basic", encryption="never", no_proxy=True, operation_timeout=120, read_timeout=150,
        )  # fmt: skip
        return await asyncio.to_thread(_play_all, connection, access.configuration, cases)


def _play_all(connection: WSMan, configuration: str, cases: Sequence[Case]) -> dict[str, Case]:
    pool = RunspacePool(connection, configuration_name=configuration)
    recorder = pool._fragmenter = _Recorder(connection.max_payload_size, pool._serializer)
    pool.open()
    # pypsrp looks for what follows the opening only when it waits for something.
    played: dict[str, Case] = {}
    for case in cases:
        if case.name == "(open)":
            played[case.name] = replace(case, messages=recorder.take())
        elif case.name != "(close)":
            _run(pool, case.pipeline)
            played[case.name] = replace(case, messages=recorder.take())
    pool.close()
    if "(close)" in {case.name for case in cases}:
        played["(close)"] = Case("(close)", None, ())
    connection.close()
    return played


def _run(pool: RunspacePool, pipeline: Any) -> None:
    shell = PowerShell(pool)
    if isinstance(pipeline, str):
        script, _, is_stopped = pipeline.partition("  (stopped")
        shell.add_script(FUNCTIONS_TEXT if script.startswith("(the text") else script)
        shell.begin_invoke()
        if is_stopped:
            while not shell.output and shell.state == PSInvocationState.RUNNING:
                shell.poll_invoke()
            # pypsrp's own stop() leaves, and never hears how the pipeline ended.
            pool.shell.signal(SignalCode.PS_CTRL_C, str(shell.id).upper())
    else:
        for name, parameters in pipeline:
            shell.add_cmdlet(name)
            for key, value in parameters.items():
                shell.add_parameter(key, _value(value))
        shell.begin_invoke()
    shell.end_invoke()
    shell.close()


def _value(value: Any) -> Any:
    found = _ID.fullmatch(value) if isinstance(value, str) else None
    return UUID(found[1]) if found else value
