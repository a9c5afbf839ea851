from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.hyperv.world.enums import ControllerType, ReplicationMode, VMState
from lab.hyperv.world.fleet import GB, MB, fleet_from, load_fleet
from lab.hyperv.world.strict import BadDescription
from lab.hyperv.world.world import World

SMALL = Path(__file__).parents[3] / "lab" / "fleets" / "small.toml"
ID = "5b9d2f5e-0f43-4f3e-9f0a-000000000001"


def test_the_small_fleet_loads_and_runs() -> None:
    """The fleet of the documentation is valid: three hosts, seven VMs, one name twice."""
    fleet = load_fleet(SMALL)
    assert [host.name for host in fleet.hosts] == ["HV01", "HV02", "HV03"]
    assert sorted(vm.name for vm in fleet.vms).count("web01") == 2
    world = World(fleet, lambda: 0.0)
    assert world.volumes("HV03")[1].free_bytes == 300 * GB
    assert world.entry("HV01", "D:\\VMs\\notes.txt") is not None


def test_a_fresh_host_has_the_defaults_of_a_fresh_installation() -> None:
    """Out of the box: migration off, CredSSP, Compression, limits of two."""
    (host,) = fleet_from({"hosts": {"HV01": {}}}, "fleet").hosts
    assert not host.migration_enabled
    assert (host.live_limit, host.storage_limit) == (2, 2)
    assert (host.authentication.name, host.performance.name) == ("CredSSP", "Compression")


def test_texts_become_sizes_numbers_and_enums() -> None:
    """Sizes may carry units, enums are named as Hyper-V names them, or numbered."""
    data = {
        "quirks": {"staleness_s": 5},
        "hosts": {"HV01": {"quirks": {"status_delay_s": 2.5}}},
        "vms": [
            {
                "id": ID,
                "name": "a",
                "host": "hv01",
                "state": 3,
                "memory_bytes": "1.5 GB",
                "replication_mode": "None",
                "disks": [{"path": "D:\\a.vhdx", "size_bytes": "10 mb", "controller": "IDE"}],
            }
        ],
    }
    fleet = fleet_from(data, "fleet")
    assert (fleet.hosts[0].quirks.staleness_s, fleet.hosts[0].quirks.status_delay_s) == (5.0, 2.5)
    vm = fleet.vms[0]
    assert (vm.state, vm.memory_bytes, vm.replication_mode) == (VMState.Off, GB * 3 // 2, ReplicationMode.None_)
    assert (vm.disks[0].size_bytes, vm.disks[0].controller) == (10 * MB, ControllerType.IDE)


VM = {"id": ID, "name": "a", "host": "HV01"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"hots": {}}, "fleet: unknown key 'hots'; known keys are backups,"),
        ({"hosts": {"HV01": {"livelimit": 2}}}, "'hosts' no. 1: unknown key 'livelimit'"),
        ({"hosts": {"HV01": {"quirks": {"x": 1}}}}, "'quirks': unknown key 'x'"),
        ({"hosts": {"HV01": {"live_limit": -1}}}, "'live_limit' must not be negative."),
        ({"hosts": {"HV01": {"quirks": {"staleness_s": -1}}}}, "'quirks': 'staleness_s' must not be negative."),
        ({"hosts": {"HV01": {}}, "vms": [{**VM, "state": True}]}, "'state' must be one of Other, Running, Off,"),
        ({"hosts": {"HV01": {"live_limit": True}}}, "'live_limit' must be a whole number, not True."),
        ({"hosts": {"HV01": {"migration_enabled": 1}}}, "'migration_enabled' must be true or false, not 1."),
        ({"hosts": {"HV01": {"memory_bytes": "much"}}}, "must be a number or a size such as '40 GB', not 'much'."),
        (
            {"hosts": {"HV01": {"endpoint": "ssh"}}},
            "must be one of full-language, constrained-language, jea, jea-without-folders, not 'ssh'.",
        ),
        ({"hosts": {"HV01": {"switches": "Production"}}}, "'switches' must be a list."),
        ({"hosts": {"HV01": {"volumes": ["D:"]}}}, "'volumes' no. 1 must be a table."),
        ({"hosts": {"HV01": 1}}, "hosts must be tables, [hosts.HV01]."),
        ({"quirks": 1, "hosts": {}}, "quirks must be a table."),
        ({"hosts": {"HV01": {}, "hv01": {}}}, "two hosts have one name."),
        ({"hosts": {"HV01": {}}, "vms": [{"id": ID, "name": "a"}]}, "'vms' no. 1: 'host' is missing."),
        ({"hosts": {"HV01": {}}, "vms": [{**VM, "id": "x"}]}, "'id' must be a Guid, not 'x'."),
        ({"hosts": {"HV02": {}}, "vms": [VM]}, "VM 'a' names the unknown host 'HV01'."),
        ({"hosts": {"HV01": {}}, "vms": [VM, VM]}, "two VMs have one id and are no replicas of each other."),
        ({"hosts": {"HV01": {}}, "backups": [{"start_s": 0, "vms": [ID]}]}, f"no VM has the id {ID}."),
        ({"hosts": {"HV01": {}}, "delegation": [{"source": "HV01", "destination": "X"}]}, "the unknown host 'X'."),
        (
            {"hosts": {"HV01": {}}, "vms": [VM], "migrations": [{"start_s": 0, "vm": ID, "destination": "X"}]},
            "a scheduled migration names the unknown host 'X'.",
        ),
        (
            {"hosts": {"HV01": {}}, "vms": [VM], "backups": [{"start_s": 0, "vms": [ID], "at_once": 0}]},
            "a backup window needs at_once of at least 1.",
        ),
        (
            {
                "hosts": {"HV01": {}},
                "vms": [{**VM, "replication_mode": "Primary"}, {**VM, "replication_mode": "Replica"}],
            },
            "two VMs on one host have one id.",
        ),
    ],
)
def test_a_wrong_description_is_one_clear_sentence(data: dict[str, Any], text: str) -> None:
    """The first thing that does not fit is named with its place."""
    with pytest.raises(BadDescription) as caught:
        fleet_from(data, "fleet")
    assert text in str(caught.value)
    assert str(caught.value).startswith("fleet")


def test_files_that_do_not_fit_their_volumes_are_a_wrong_description() -> None:
    """A fleet that could not exist says so before the lab starts."""
    disk = {"path": "D:\\a.vhdx", "size_bytes": "2 GB"}
    host = {"volumes": [{"root": "D:", "size_bytes": "1 GB"}]}
    fleet = fleet_from({"hosts": {"HV01": host}, "vms": [{**VM, "disks": [disk]}]}, "fleet")
    with pytest.raises(BadDescription, match="host HV01: There is not enough space on the disk"):
        World(fleet, lambda: 0.0)


def test_a_file_that_is_no_toml_or_not_there_is_said_so(tmp_path: Path) -> None:
    """Errors of the file itself carry its name."""
    broken = tmp_path / "broken.toml"
    broken.write_text("[hosts", encoding="utf-8")
    for file in (broken, tmp_path / "missing.toml"):
        with pytest.raises(BadDescription, match=file.name):
            load_fleet(file)
