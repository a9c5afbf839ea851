"""The endpoint that is written from the settings: their hosts, folders and accounts, and nothing besides."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core.config import Settings
from core.errors import SettingsError
from core.hyperv import PypsrpGateway
from core.hyperv.endpoint_files import ANY_HOST, ON_A_DRIVE, endpoint_texts, settings_mark
from lab.hyperv.powershell.data_file import read_data_file
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.fleet import Endpoint
from tests.contracts.gateway_arena import FLEET, SOURCE
from tests.core.hyperv.test_role import tables as shipped_tables
from tests.support.wire_harness import settings_for

Tables = dict[str, dict[str, dict[str, Any]]]


def settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "winrm": {"username": "CONTOSO\\svc-migrate", "service_account": "CONTOSO\\migratebot$"},
        "hosts": {
            "HV01": {"address": "hv01.contoso.com", "allowed_paths": ["D:\\VMs", "E:\\"]},
            "HV02": {"address": "10.0.0.2", "migration_address": "hv02", "allowed_paths": ["\\\\nas\\d'Or\\vms"]},
        },
    }
    return Settings.model_validate(given | changes)


def role(of: Settings) -> dict[str, Any]:
    return dict(read_data_file(endpoint_texts(of)["MigrateBot/RoleCapabilities/MigrateBot.psrc"]))


def tables(of: Settings) -> Tables:
    found = (one for one in role(of)["VisibleCmdlets"] if isinstance(one, dict))
    return {one["Name"]: {rule["Name"]: rule for rule in one["Parameters"]} for one in found}


def takes(rule: dict[str, Any]) -> Callable[[str], bool]:
    return lambda text: re.search(f"^({rule['ValidatePattern']})$", text, re.IGNORECASE) is not None


def test_it_shows_what_the_shipped_role_shows_with_narrower_values() -> None:
    """The same cmdlets and parameters; nothing that was limited by kind alone is left so, but where disks are read."""
    written, shipped = tables(settings()), shipped_tables()
    assert {name: set(rules) for name, rules in written.items()} == {
        name: set(rules) for name, rules in shipped.items()
    }
    text = endpoint_texts(settings())["MigrateBot/RoleCapabilities/MigrateBot.psrc"]
    assert ANY_HOST not in text
    assert text.count(ON_A_DRIVE) == 1


def test_hosts_are_those_that_moves_are_sent_to() -> None:
    """A host's migration address, or its address."""
    for cmdlet, name in (("Move-VM", "DestinationHost"), ("Get-VMHost", "ComputerName")):
        assert tables(settings())[cmdlet][name]["ValidateSet"] == ["hv01.contoso.com", "hv02"]


def test_folders_are_those_of_the_settings_and_what_lies_below() -> None:
    """Any case, shares that are listed, whole drives; neither neighbours nor ways up."""
    is_taken = takes(tables(settings())["Move-VM"]["DestinationStoragePath"])
    for path in ("D:\\VMs", "d:\\vms\\", "D:\\VMs\\web01\\x", "E:\\", "E:\\a", "\\\\nas\\d'Or\\vms\\web01"):
        assert is_taken(path), path
    for path in (
        "D:\\",
        "D:\\VMsX",
        "C:\\Windows",
        "D:\\VMs\\..",
        "\\\\nas\\other",
        "\\\\evil\\d'Or\\vms",
        "D:\\VMs\n",
    ):
        assert not is_taken(path), path


def test_disks_are_read_on_drives_and_on_listed_shares() -> None:
    """A VM may lie where none may go to."""
    is_taken = takes(tables(settings())["Get-VHD"]["Path"])
    assert is_taken("C:\\Old\\a.vhdx")
    assert is_taken("\\\\nas\\d'Or\\vms\\a.vhdx")
    assert not is_taken("\\\\evil\\share\\a.vhdx")


def test_the_functions_have_the_same_limits() -> None:
    """In constants of the module, which no caller can change."""
    text = endpoint_texts(settings())["MigrateBot/MigrateBot.psm1"]
    limits = dict(re.findall(r"(?m)^\$script:(\w+) = '(.+)'$", text))
    folders, hosts = (limits[name].replace("''", "'") for name in ("MigrateBotFolders", "MigrateBotHosts"))
    assert re.search(folders, "D:\\VMs\\a")
    assert not re.search(folders, "C:\\Windows\\a")
    assert re.search(hosts, "hv02")
    assert not re.search(hosts, "hv02.evil.com")
    assert not re.search(hosts, "hv02\n")
    assert not re.search(limits["MigrateBotKeys"], "owner")


def test_the_notes_are_read_by_the_key_of_the_settings_alone() -> None:
    """And by none while owners are nobody's business."""
    known = settings(access={"owners": "tell"}, owners={"key": "our.owner"})
    text = endpoint_texts(known)["MigrateBot/MigrateBot.psm1"]
    (pattern,) = re.findall(r"(?m)^\$script:MigrateBotKeys = '(.+)'$", text)
    keys = ("our.owner", "our-owner", "password", "our.owner\n")
    assert [key for key in keys if re.search(pattern, key)] == ["our.owner"]


def test_the_configuration_names_the_accounts() -> None:
    """Who may connect, and as whom the session works."""
    found = read_data_file(endpoint_texts(settings())["MigrateBot.pssc"])
    assert found["GroupManagedServiceAccount"] == "CONTOSO\\migratebot"
    assert found["RoleDefinitions"] == {"CONTOSO\\svc-migrate": {"RoleCapabilities": "MigrateBot"}}


def test_the_mark_changes_with_what_is_written_and_with_nothing_else() -> None:
    """Hosts, folders and accounts make another endpoint; passwords and ports do not."""
    mark = settings_mark(settings())
    assert mark in role(settings())["VisibleFunctions"]
    assert role(settings())["FunctionDefinitions"]["Name"] == mark
    assert settings_mark(settings(winrm_password="secret")) == mark
    hosts = {"HV01": {"address": "hv01.contoso.com", "allowed_paths": ["D:\\VMs"]}}
    winrm = {"username": "CONTOSO\\other", "service_account": "CONTOSO\\migratebot$"}
    assert len({mark, settings_mark(settings(hosts=hosts)), settings_mark(settings(winrm=winrm))}) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"winrm": {"username": "a"}}, "winrm.service_account is not set"),
        ({"winrm": {"service_account": "a"}}, "winrm.username is not set"),
        ({"hosts": {"HV01": {"address": "hv01", "path": "D:\\VMs"}}}, "hosts.HV01.allowed_paths is not set"),
        ({"hosts": {}}, "winrm.username is not set"),
    ],
)
def test_settings_that_leave_something_open_make_none(changes: dict[str, Any], said: str) -> None:
    """Nothing is written that would be limited by nothing."""
    with pytest.raises(SettingsError, match=re.escape(said)):
        endpoint_texts(settings(**changes))


@pytest.mark.parametrize(("folders", "is_ok"), [(["D:\\VMs"], True), (["E:\\VMs"], False)])
async def test_check_tells_a_role_that_is_older_than_the_settings(folders: list[str], *, is_ok: bool) -> None:
    """The host shows the role of D:\\VMs; with other folders in the settings it has to be written anew."""
    hosts = {host.name: {"address": FLEET.address_of(host), "allowed_paths": ["D:\\VMs"]} for host in FLEET.hosts}
    accounts = {"username": FLEET.hosts[0].user, "service_account": "CONTOSO\\migratebot"}
    installed = endpoint_texts(Settings.model_validate({"winrm": accounts, "hosts": hosts}))
    text = installed["MigrateBot/RoleCapabilities/MigrateBot.psrc"]
    fleet = replace(FLEET, hosts=tuple(replace(host, endpoint=Endpoint.JEA, role=text) for host in FLEET.hosts))
    async with HyperVLab(fleet) as lab:
        base = settings_for(lab, service_account="CONTOSO\\migratebot")
        now = {name: host.model_copy(update={"allowed_paths": tuple(folders)}) for name, host in base.hosts.items()}
        gateway = PypsrpGateway(base.model_copy(update={"hosts": now}))
        lines = await gateway.check(SOURCE, [])
        await gateway.close()
    (line,) = [line for line in lines if line.subject == f"{SOURCE}: role"]
    assert line.ok is is_ok
    assert ("older than the settings" in line.text) is not is_ok
