"""Hosts of the settings: each is one machine, found by what people type, with folders that mean what they show."""

import time
from pathlib import Path

import pytest

from core.config import Settings, load_settings
from core.errors import SettingsError, UnknownHost
from tests.core.config.conftest import Load

TWO = '[hosts.HV01]\naddress = "{}"\n[hosts.{}]\naddress = "{}"\n'


@pytest.mark.parametrize(
    ("one", "name", "other", "said"),
    [
        ("a.x", "hv01", "b.x", "hosts HV01 and hv01 are the same host"),
        ("a.x", '"hv01.contoso.com"', "b.x", "are the same host"),
        ("a.x", "HV02", "A.X", "hosts HV01 and HV02 have the same address A.X"),
        ("10.0.0.1", "HV02", "10.0.0.1", "have the same address"),
        ("hv02.x", "HV02", "b.x", "is the name of the other"),
    ],
)
def test_one_machine_has_one_name(load: Load, one: str, name: str, other: str, said: str) -> None:
    """Promise 1: a machine with two names would be given twice the migrations it allows, so it is refused."""
    with pytest.raises(SettingsError, match=said):
        load(TWO.format(one, name, other))


def test_two_ports_of_one_address_are_two_hosts(load: Load) -> None:
    """Simulated hosts share an address and differ in their port."""
    assert len(load(TWO.format("127.0.0.1", "HV02", "127.0.0.1") + "port = 6001").hosts) == 2
    with pytest.raises(SettingsError, match="same address"):
        load(TWO.format("127.0.0.1", "HV02", "127.0.0.1") + "port = 5986")


def test_hundreds_of_hosts_are_compared_at_once(load: Load) -> None:
    """The start does not wait until each host was compared with each other: that grows with their square."""
    text = "".join(f'[hosts.HV{n:04}]\naddress = "hv{n:04}.contoso.com"\n' for n in range(4_000))
    began = time.process_time()
    assert len(load(text).hosts) == 4_000
    assert time.process_time() - began < 10


@pytest.mark.parametrize("typed", ["HV01", "hv01", "hv01.contoso.com", "Alpha", "alpha.contoso.com"])
def test_a_host_is_found_by_name_or_address(load: Load, typed: str) -> None:
    """Weakness 28: people may write a host's name or address, short or full, in any case."""
    assert load(TWO.format("alpha.contoso.com", "HV02", "beta.contoso.com")).host_name(typed) == "HV01"


def test_an_unknown_host_is_an_answer(load: Load) -> None:
    """Promise 12: a typo is answered with what was probably meant, else with the hosts there are, but not hundreds."""
    few = load(TWO.format("a.x", "HV02", "b.x"))
    with pytest.raises(UnknownHost) as caught:
        few.host_name("HW02")
    assert caught.value.sentence() == "I know no host called HW02. Did you mean HV02?"
    many = load("".join(f'[hosts.N{number:03}]\naddress = "n{number:03}.x"\n' for number in range(40)))
    with pytest.raises(UnknownHost) as caught:
        many.host_name("zebra")
    assert caught.value.hint.endswith("N009 and 30 more.")
    with pytest.raises(UnknownHost, match="zebra"):
        Settings().host_name("zebra")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('path = "D:\\\\VMs\\\\.."', "leads elsewhere"),
        ('path = "\\\\\\\\?\\\\D:\\\\VMs"', "names a device"),
        ('allowed_paths = ["D:\\\\VMs", "VMs"]', "begin with a drive"),
        ('path = "D:\\\\VMs"\nallowed_paths = ["E:\\\\VMs"]', "is not among allowed_paths"),
    ],
)
def test_folders_of_the_settings_mean_what_they_show(tmp_path: Path, keys: str, words: str) -> None:
    """A host's own folder and those it allows are judged as what people type."""
    file = tmp_path / "bot.toml"
    file.write_text(f'[hosts.HV02]\naddress = "hv02"\n{keys}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        load_settings(file)
