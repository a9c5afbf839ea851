"""Decides how each host is logged on to: ``[winrm]``, with the keys of the host's own table winning over it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from core.config import AuthMethod, Settings, read_secret_file
from core.domain.model.inventory import HostName
from core.hyperv.endpoint_files import mark_of

_TLS_PORT = 5986
_PLAIN_PORT = 5985
STOCK_ENDPOINTS = ("Microsoft.PowerShell", "PowerShell.7")
"""Those of Windows and of PowerShell 7, which run any script for whoever may use them."""
_STOCK = ("microsoft.powershell", "powershell.")
"""Endpoints that come with Windows and PowerShell 7; they run any script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One host's address and the way to log on. Prints no secret."""

    host: HostName
    address: str
    port: int
    auth: AuthMethod
    tls: bool
    username: str
    password: SecretStr
    configuration: str
    verify: bool | str
    """False, True, or the file with the certificate authorities to trust."""
    certificate: str | None = None
    certificate_key: str | None = None
    operation_timeout_s: float = 20.0
    keytab: Path | None = None
    """The account's Kerberos keys; they win over a password."""
    kerberos_name: str = ""
    """The host's name in its service principal, when its address is not it."""
    migration_address: str = ""
    """How other hosts reach this one."""
    reads_notes: bool = False
    """Whether the notes of its VMs are read for their owners."""
    role_mark: str = ""
    """What a role shows that was written from the settings as they are; empty: they are for none."""

    @property
    def is_full_language(self) -> bool:
        """Whether the endpoint is one that came with Windows, where the bot defines its functions itself."""
        return self.configuration.casefold().startswith(_STOCK)

    @property
    def uses_tickets(self) -> bool:
        """Whether Kerberos tickets are asked for."""
        return self.auth in {"kerberos", "negotiate"}

    @property
    def delegates(self) -> bool:
        """Whether the host can log on to further hosts with what this login leaves there."""
        return self.auth in {"credssp", "kerberos"}

    def conceal(self, text: str) -> str:
        """Return a text in which the password, should it have got there, cannot be read."""
        secret = self.password.get_secret_value()
        return text.replace(secret, "•••") if secret else text


def targets_of(settings: Settings) -> dict[HostName, ConnectionSettings]:
    """Put together how each host of the settings is reached.

    Raises:
        SettingsError: a password file cannot be read.

    """
    return {HostName(name): _target(settings, HostName(name)) for name in settings.hosts}


def _target(settings: Settings, name: HostName) -> ConnectionSettings:
    shared, own = settings.winrm, settings.hosts[name]
    tls = shared.tls if own.tls is None else own.tls
    verify = shared.verify if own.verify is None else own.verify
    ca_file = own.ca_file or shared.ca_file
    certificate = own.certificate_file or shared.certificate_file
    key = own.certificate_key_file or shared.certificate_key_file
    password = settings.winrm_password
    if own.password_file is not None:
        password = SecretStr(read_secret_file(own.password_file, f"hosts.{name}.password_file"))
    return ConnectionSettings(
        host=name,
        address=own.address,
        port=own.port or shared.port or (_TLS_PORT if tls else _PLAIN_PORT),
        auth=own.auth or shared.auth,
        tls=tls,
        username=shared.username if own.username is None else own.username,
        password=password,
        configuration=own.configuration or shared.configuration,
        verify=str(ca_file) if verify and ca_file else verify,
        certificate=str(certificate) if certificate else None,
        certificate_key=str(key or certificate) if certificate else None,
        operation_timeout_s=shared.operation_timeout.total_seconds(),
        keytab=own.keytab_file or shared.keytab_file,
        kerberos_name=own.kerberos_name,
        migration_address=own.migration_address or own.address,
        reads_notes=settings.reads_notes,
        role_mark=mark_of(settings),
    )
