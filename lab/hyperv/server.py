"""Starts the simulated hosts of a fleet in one event loop: an endpoint for each host and one control API.

    async with HyperVLab(fleet, speed=60) as lab:
        access = lab.access("HV01")   # ports, user, password
        lab.ca_file                   # what signed the certificates of the HTTPS ports

A client connects to 127.0.0.1 and a port of the host, path /wsman.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

import trustme

from lab.hyperv.control import serve_control
from lab.hyperv.powershell.cmdlet import CmdletSession
from lab.hyperv.powershell.commands import admits, commands_of, configuration_of
from lab.hyperv.powershell.pipeline import run_pipeline
from lab.hyperv.pwsh.engine import Engine
from lab.hyperv.remoting.auth import Authenticator, write_credential_file
from lab.hyperv.remoting.endpoint import LOCALHOST, Endpoint
from lab.hyperv.remoting.shells import NO_PRICES, Command, Quotas, SessionPrices, Shell, Shells
from lab.hyperv.remoting.wsman_service import Service
from lab.hyperv.world.faults import WireFaultKind
from lab.hyperv.world.lab_clock import LabClock
from lab.hyperv.world.world import EPOCH, World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from aiohttp import web

    from lab.hyperv.pwsh.install import PowerShell
    from lab.hyperv.world.faults import HostFaults
    from lab.hyperv.world.fleet import Fleet, Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach one simulated host."""

    name: str
    address: str
    http_port: int
    https_port: int
    user: str
    password: str
    configuration: str


class _Papers:
    """Decides at each TLS handshake which certificate a host shows: its own, or the wrong one somebody ordered."""

    def __init__(self, authority: trustme.CA, names: list[str], trouble: HostFaults) -> None:
        self._authority = authority
        self._names = names
        self._trouble = trouble

    def show(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _own: ssl.SSLContext) -> None:
        wrong = self._trouble.take_certificate()
        if wrong is None:
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        yesterday = datetime.now(UTC) - timedelta(days=1)
        match wrong:
            case WireFaultKind.EXPIRED:
                begun = yesterday - timedelta(days=365)
                certificate = self._authority.issue_cert(*self._names, not_before=begun, not_after=yesterday)
            case WireFaultKind.UNTRUSTED:
                certificate = trustme.CA().issue_cert(*self._names)
            case _:
                certificate = self._authority.issue_cert("elsewhere.invalid")
        certificate.configure_cert(context)
        connection.context = context


class HyperVLab:
    """A fleet behind real WinRM. `speed` is lab seconds per real second; `control_port` 0 picks a free one.

    With a `powershell`, pipelines run in that, and the lab's own cmdlets only tell it what the fleet does.

    On an ordinary host there is Windows' own session configuration; on a JEA host it is for administrators only, and
    the bot's account may use the restricted one. Hosts with a keytab in `keytabs` take Kerberos too. `prices` is what
    a session costs; a real PowerShell loads modules at its own.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        speed: float = 1.0,
        quotas: Quotas | None = None,
        control_port: int = 0,
        has_tls: bool = True,
        keytabs: Mapping[str, Path] | None = None,
        epoch: datetime = EPOCH,
        powershell: PowerShell | None = None,
        prices: SessionPrices = NO_PRICES,
    ) -> None:
        self.fleet = fleet
        self.pace = LabClock(speed)
        self.world = World(fleet, self.pace.now, epoch)
        self._quotas = quotas or Quotas()
        self._control_port = control_port
        self._prices = prices
        self._has_tls = has_tls
        self._keytabs = keytabs or {}
        self._endpoints: dict[str, Endpoint] = {}
        self._shells: dict[str, Shells] = {}
        self._gates: dict[str, Authenticator] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._control: web.AppRunner | None = None
        self._powershell = powershell
        self._engine: Engine | None = None
        self.control_url = ""

    @property
    def ca_file(self) -> Path:
        """The throw-away CA in PEM form: what a client gives as its certificate validation."""
        if self._folder is None:
            raise RuntimeError("the lab is not running")
        return Path(self._folder.name) / "ca.pem"

    def access(self, host: str) -> Access:
        """Return how to reach a host. Raises `UnknownHost`."""
        name = self.world.canonical_host(host)
        spec = self._spec(name)
        endpoint = self._endpoints[name]
        return Access(
            name=name,
            address=LOCALHOST,
            http_port=endpoint.http_port,
            https_port=endpoint.https_port,
            user=spec.user,
            password=spec.password,
            configuration=configuration_of(spec),
        )

    @property
    def processes(self) -> list[int]:
        """The ids of the PowerShell processes that run."""
        return [] if self._engine is None else self._engine.processes

    def shells(self, host: str) -> Shells:
        """Return the open remote shells of a host, for tests that look behind the wire."""
        return self._shells[self.world.canonical_host(host)]

    def gate(self, host: str) -> Authenticator:
        """Return who is let in at a host, for tests that change its keys."""
        return self._gates[self.world.canonical_host(host)]

    async def restart_winrm(self, host: str) -> None:
        """Restart the WinRM service of a host: sessions and connections are gone, migrations go on."""
        await self._endpoints[self.world.canonical_host(host)].restart()

    async def close_idle_connections(self, host: str) -> None:
        """Close the connections of a host that nobody is using just now; its sessions stay."""
        await self._endpoints[self.world.canonical_host(host)].close_idle_connections()

    def jump(self, lab_seconds: float) -> None:
        """Let lab time pass at once."""
        self.pace.jump(lab_seconds)
        self.world.advance()

    async def __aenter__(self) -> Self:
        # pyspnego's and psrpcore's debug texts are built for every message, even when nobody reads them.
        for name in ("psrpcore", "spnego"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._folder = tempfile.TemporaryDirectory(prefix="migrate-bot-lab-")
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        if self._powershell is not None:
            self._engine = Engine(self._powershell, Path(self._folder.name))
        more = [] if self._engine is None else self._engine.routes()
        self._control, port = await serve_control(self.world, self._control_port, more)
        self.control_url = f"http://{LOCALHOST}:{port}"
        if self._engine is not None:
            self._engine.control_url = self.control_url
        for spec in self.fleet.hosts:
            name = self.world.canonical_host(spec.name)
            self._endpoints[name] = await self._start_host(name, spec, authority)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for endpoint in self._endpoints.values():
            await endpoint.stop()
        if self._engine is not None:
            await self._engine.close()
        if self._control is not None:
            await self._control.cleanup()
        if self._folder is not None:
            self._folder.cleanup()

    async def _start_host(self, name: str, spec: Host, authority: trustme.CA) -> Endpoint:
        def session_of(shell: Shell) -> CmdletSession:
            return CmdletSession(
                world=self.world,
                fleet=self.fleet,
                host=name,
                login=shell.login,
                pace=self.pace,
                shell=shell,
                module_load_s=self._prices.first_command_s,
            )

        make = None
        if self._engine is not None:
            self._engine.add_host(spec, name, session_of)
            make = partial(self._engine.make_shell, name)
        shells = self._shells[name] = Shells(self._quotas, self._real_now, make)
        credentials = self.ca_file.with_name(f"{name}.credentials")
        write_credential_file(credentials, spec.user, spec.password)

        async def log_on() -> None:
            await self.pace.wait(self._prices.logon_s)

        async def run(shell: Shell, command: Command) -> None:
            session = session_of(shell)
            await run_pipeline(command, session, commands_of(self.world.described(name), shell.configuration))

        service = Service(name, shells, run, lambda wanted: admits(self.world.described(name), wanted), log_on)
        tls, certificate_hash = None, b""
        if self._has_tls:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            names = [LOCALHOST, "localhost", spec.name, self.fleet.address_of(spec)]
            certificate = authority.issue_cert(*names)
            certificate.configure_cert(tls)
            certificate_hash = hashlib.sha256(
                ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
            ).digest()
            tls.sni_callback = _Papers(authority, names, self.world.trouble.for_host(name)).show
        gate = self._gates[name] = Authenticator(
            lambda user, password: self.world.is_login(name, user, password),
            credentials,
            name,
            keytab=self._keytabs.get(name),
            certificate_hash=certificate_hash,
        )
        trouble = self.world.trouble.for_host(name)
        endpoint = Endpoint(service, gate, trouble, tls, idle_connection_s=spec.idle_connection_s)
        await endpoint.start()
        return endpoint

    @staticmethod
    def _real_now() -> float:
        # Idle time-outs belong to the clients, whose clocks the lab does not speed up.
        return time.monotonic()

    def _spec(self, name: str) -> Host:
        return next(host for host in self.fleet.hosts if host.name.lower() == name.lower())
