"""``migrate-bot check --vm NAME --to HOST``: one VM, one host, both asked, nothing moved."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.check_pair import check_pair
from bot.cli import main
from bot.upkeep import planning
from core.config import Settings
from core.domain.model.inventory import CheckLine
from core.errors import AmbiguousVm, RequestError, UnknownHost, UnknownVm
from core.hyperv import PypsrpGateway
from lab.hyperv.server import HyperVLab
from lab.hyperv.world.enums import MigrationAuthentication
from lab.hyperv.world.faults import WireFault, WireFaultKind
from lab.hyperv.world.fleet import Delegation, Endpoint, Fleet, Language
from tests.contracts.gateway_arena import FLEET, WEB
from tests.support.wire_harness import settings_for


def fleet(*, delegation: tuple[Delegation, ...] = (), **host: Any) -> Fleet:
    """The small fleet with Kerberos between its hosts, changed."""
    hosts = (replace(one, authentication=MigrationAuthentication.Kerberos, **host) for one in FLEET.hosts)
    return replace(FLEET, hosts=tuple(hosts), delegation=delegation)


@asynccontextmanager
async def at(described: Fleet) -> AsyncIterator[tuple[HyperVLab, Settings, PypsrpGateway]]:
    async with HyperVLab(described, speed=60) as lab:
        settings = settings_for(lab)
        gateway = PypsrpGateway(settings)
        try:
            yield lab, settings, gateway
        finally:
            lab.world.trouble.clear()
            await gateway.close()


async def lines(settings: Settings, gateway: PypsrpGateway, vm: str = "spare", to: str = "HV02") -> list[CheckLine]:
    async with planning(settings, gateway) as requests:
        return [line async for line in check_pair(settings, gateway, requests.look, vm, to)]


def bad(found: list[CheckLine]) -> list[CheckLine]:
    return [line for line in found if not line.ok]


@pytest.mark.parametrize("endpoint", [Endpoint.FULL_LANGUAGE, Endpoint.JEA])
async def test_a_pair_in_order_is_all_ticks_and_nothing_moves(endpoint: Endpoint) -> None:
    """Every step to a migration is looked at, the way between the services too; no host is changed by that."""
    async with at(fleet(endpoint=endpoint)) as (lab, settings, gateway):
        found = await lines(settings, gateway)
        assert bad(found) == []
        subjects = [line.subject for line in found]
        assert subjects[0] == "spare"
        assert subjects[-2:] == ["spare on HV02: compatible", "HV01 to HV02: trial"]
        assert "HV01 to HV02: WinRM" in subjects
        assert lab.world.ledger.starts == []
        assert lab.world.vm("HV02", next(vm.id for vm in FLEET.vms if vm.name == "spare")) is None


@pytest.mark.parametrize("language", list(Language))
async def test_networks_apart_are_found_without_a_move(language: Language) -> None:
    """The destination listens on a network that the source is not in: said, and tried; the trial is the proof."""
    async with at(fleet(language=language)) as (lab, settings, gateway):
        apart = {"addresses": ("10.0.0.2/16", "10.9.0.2/24"), "migration_networks": ("10.9.0.0/24",)}
        lab.world.change_host("HV02", apart)
        found = await lines(settings, gateway)
        assert any("takes migrations only on 10.9.0.0/24, where HV01 has no address" in line.text for line in found)
        (failed,) = bad(found)
        assert failed.subject == "HV01 to HV02: trial"
        assert "0x8007274C" in failed.text
        assert failed.hint.startswith("HV02 takes migrations only on 10.9.0.0/24, where HV01 has no address: allow")


@pytest.mark.parametrize("language", list(Language))
async def test_delegation_that_is_missing_is_found_without_a_move(language: Language) -> None:
    """Hop b: the source's service cannot log on to the other's. A number decides, whatever the host's language."""
    no_way = (Delegation(source="HV01", destination="HV02", migration=False),)
    async with at(fleet(delegation=no_way, language=language)) as (_, settings, gateway):
        (line,) = bad(await lines(settings, gateway))
        assert line.subject == "HV01 to HV02: trial"
        assert "0x8009030E" in line.text
        assert "Both hosts migrate with Kerberos: HV01 may not delegate to HV02" in line.hint


@pytest.mark.parametrize(("language", "words"), [("en", "processor-specific features"), ("de", "Prozessorfunktionen")])
async def test_another_processor_is_said_in_the_hosts_words(language: str, words: str) -> None:
    """Both checks find it: the destination's judgement and the trial."""
    async with at(fleet(language=Language(language))) as (lab, settings, gateway):
        lab.world.change_host("HV02", {"processor_family": "amd"})
        lab.world.change_vm(
            "HV01", next(vm.id for vm in FLEET.vms if vm.name == "spare"), {"is_processor_compatible": False}
        )
        wrong = {line.subject: line.text for line in bad(await lines(settings, gateway))}
        assert set(wrong) == {"spare on HV02: compatible", "HV01 to HV02: trial"}
        assert words in wrong["spare on HV02: compatible"]
        assert "24008" in wrong["spare on HV02: compatible"]


@pytest.mark.parametrize("code", [32769, 32770])
async def test_what_no_host_says_is_not_known(code: int) -> None:
    """Not in order, and called what it is: nobody knows."""
    async with at(fleet()) as (lab, settings, gateway):
        lab.world.change_host("HV02", {"quirks": {"compatibility_code": code}})
        (line,) = bad(await lines(settings, gateway))
        assert line.subject == "spare on HV02: compatible"
        assert line.text.startswith("not known: ")
        assert str(code) in line.text


async def test_a_silent_destination_is_said() -> None:
    """Every line that needed it says so; the check comes to its end."""
    async with at(fleet()) as (lab, settings, gateway):
        lab.world.order(WireFault(host="HV02", kind=WireFaultKind.REFUSE, times=None))
        wrong = {line.subject for line in bad(await lines(settings, gateway))}
        assert {"HV02: login", "spare on HV02", "spare on HV02: compatible"} <= wrong


@pytest.mark.parametrize(
    ("vm", "to", "error", "says"),
    [
        ("spar", "HV02", UnknownVm, "spar"),
        ("web01", "HV02", AmbiguousVm, "web01"),
        ("spare", "HV09", UnknownHost, "HV09"),
        ("spare", "HV01", RequestError, "is on HV01 already"),
        ("*", "HV02", RequestError, "stands for 4 VMs"),
    ],
)
async def test_nonsense_is_one_sentence(vm: str, to: str, error: type[RequestError], says: str) -> None:
    """A typo, a name of two VMs, the host it is on: answered, and nobody is asked anything else."""
    async with at(fleet()) as (_, settings, gateway):
        with pytest.raises(error, match=says.replace("*", r"\*")):
            await lines(settings, gateway, vm, to)


async def test_an_id_means_one_of_two_vms() -> None:
    """Names repeat, ids do not."""
    async with at(fleet()) as (_, settings, gateway):
        assert bad(await lines(settings, gateway, str(WEB))) == []


def written(settings: Settings) -> str:
    """Return these settings as a file."""
    winrm = settings.winrm
    parts = [f'[winrm]\nauth = "{winrm.auth}"\nusername = \'{winrm.username}\'\nca_file = "{winrm.ca_file}"']
    parts += [
        f'[hosts.{name}]\naddress = "{one.address}"\nport = {one.port}\nmigration_address = "{one.migration_address}"'
        for name, one in settings.hosts.items()
    ]
    return "\n".join(parts)


async def test_the_command_line_says_it_and_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0: nothing stands against it; 1: something does, or there is no such VM; 2: half of it is missing."""
    async with at(fleet()) as (lab, settings, _):
        file = tmp_path / "migrate-bot.toml"
        file.write_text(written(settings), encoding="utf-8")
        monkeypatch.setenv("WINRM_PASSWORD", settings.winrm_password.get_secret_value())

        async def asked(*words: str) -> int:
            return await asyncio.to_thread(main, ["check", "--config", str(file), *words])

        assert await asked("--vm", "spare", "--to", "HV02") == 0
        assert "✓ HV01 to HV02: trial" in capsys.readouterr().out
        lab.world.change_host("HV02", {"switches": ["Backup"]})
        assert await asked("--vm", "spare", "--to", "hv02", "--from", "HV01") == 1
        assert "✗ spare on HV02" in capsys.readouterr().out
        assert await asked("--vm", "nobody", "--to", "HV02") == 1
        assert "nobody" in capsys.readouterr().err
        with pytest.raises(SystemExit) as caught:
            await asked("--vm", "spare")
        assert caught.value.code == 2
        assert "--to" in capsys.readouterr().err
