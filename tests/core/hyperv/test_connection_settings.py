"""How each host is logged on to."""

from pathlib import Path
from typing import Any

import pytest

from core.config import Settings
from core.domain.model.inventory import HostName
from core.hyperv.connection_settings import ConnectionSettings, targets_of


def target(host: dict[str, Any] | None = None, **winrm: Any) -> ConnectionSettings:
    hosts = {"HV01": {"address": "hv01.contoso.com"} | (host or {})}
    settings = Settings.model_validate({"winrm": winrm, "winrm_password": "shared", "hosts": hosts})
    return targets_of(settings)[HostName("HV01")]


def test_the_host_wins_over_the_default() -> None:
    """A key of the host's own table wins, also when it says no."""
    found = target({"auth": "ntlm", "tls": False, "username": "local"}, auth="credssp", tls=True, username="CONTOSO\\x")
    assert (found.auth, found.tls, found.username, found.port) == ("ntlm", False, "local", 5985)


def test_defaults_hold_where_the_host_is_silent(tmp_path: Path) -> None:
    """Port, authorities and configuration come from [winrm]."""
    found = target(ca_file=tmp_path / "ca.pem", configuration="MigrateBot")
    assert (found.port, found.verify) == (5986, str(tmp_path / "ca.pem"))
    assert not found.is_full_language
    assert found.migration_address == "hv01.contoso.com"


def test_verify_off_beats_a_ca_file(tmp_path: Path) -> None:
    """Who switches verification off means it."""
    assert target({"verify": False}, ca_file=tmp_path / "ca.pem").verify is False


def test_a_host_may_have_a_password_of_its_own(tmp_path: Path) -> None:
    """A password file is read and stripped, also of the mark that Windows' editors put in front."""
    (tmp_path / "p").write_text("own\n", encoding="utf-8-sig")
    assert target({"password_file": tmp_path / "p"}).password.get_secret_value() == "own"


def test_a_target_prints_no_secret() -> None:
    """Neither repr nor concealed texts hold the password."""
    found = target()
    assert "shared" not in repr(found)
    assert found.conceal("it is shared here") == "it is ••• here"


@pytest.mark.parametrize(
    ("configuration", "is_full"),
    [("Microsoft.PowerShell", True), ("microsoft.powershell32", True), ("PowerShell.7.5", True), ("MigrateBot", False)],
)
def test_knows_the_endpoints_of_windows(configuration: str, is_full: bool) -> None:
    """Only endpoints that come with Windows are taught our functions."""
    assert target(configuration=configuration).is_full_language is is_full
