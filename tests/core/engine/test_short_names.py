"""A destination folder by its short name (8.3): the host tells how it is called, before anybody approves."""

from pathlib import Path

import pytest

from core.domain.model.inventory import HostName
from core.domain.model.plan import FindingCode, Request, Severity
from core.errors import EndpointRefused, NothingToMove
from lab.hyperv.world.fleet import File, Fleet, Host, Volume
from tests.support.engine_harness import Stage, host, play, vm

SHORT = "D:\\VMs\\CUSTOM~1"


def there(*, has_short_names: bool = True, folder: str = "D:\\VMs\\Customer Web", holds: bool = True) -> Host:
    inside = (File(path=f"{folder}\\Virtual Hard Disks\\other.vhdx"),) if holds else ()
    volumes = (Volume(root="C:"), Volume(root="D:", has_short_names=has_short_names))
    return host("HV02", volumes=volumes, files=(File(path=folder, is_folder=True), *inside))


def planned(tmp_path: Path, destination: Host, *, shows_folders: bool = True) -> list[tuple[Severity, str]]:
    """Return what a plan into that folder says of short names."""
    found = list[tuple[Severity, str]]()

    async def script(stage: Stage) -> None:
        if not shows_folders:
            stage.gateway.list_folder = _refuse  # type: ignore[method-assign]
        async with stage.running() as engine:
            request = Request(
                vms=("web01",),
                sources=("HV01",),
                destinations=("HV02",),
                requester="U_ALICE",
                channel="C1",
                path=SHORT,
            )
            try:
                plan = await engine.requests.preview(request)
            except NothingToMove as error:
                found.append((Severity.BLOCKER, error.hint or ""))
            else:
                found.extend((f.severity, f.text) for f in plan.findings if f.code is FindingCode.SHORT_NAME)

    play(tmp_path, Fleet(hosts=(host("HV01"), destination), vms=(vm(1, "web01"),)), script)
    return found


async def _refuse(host: HostName, path: str) -> tuple[str, ...] | None:
    raise EndpointRefused(host, f"The endpoint of {host} does not let me list {path}.")


@pytest.mark.parametrize(
    ("holds", "real"), [(True, "D:\\VMs\\Customer Web"), (False, "another folder")], ids=["with files", "empty"]
)
def test_a_short_name_is_a_blocker_that_says_the_long_one(tmp_path: Path, holds: bool, real: str) -> None:
    """What would lie in one folder is compared by two names otherwise, and clean-up would look for the wrong one."""
    text = f"{SHORT} of HV02 is the short name (8.3) of {real}: write it in full."
    assert planned(tmp_path, there(holds=holds)) == [(Severity.BLOCKER, text)]


@pytest.mark.parametrize(
    "destination",
    [there(folder=SHORT), there(has_short_names=False)],
    ids=["called so", "no such names on that volume"],
)
def test_a_folder_that_is_called_so_or_is_to_be_made_is_none(tmp_path: Path, destination: Host) -> None:
    """A tilde and a number may stand in anybody's name."""
    assert planned(tmp_path, destination) == []


def test_a_host_that_shows_no_folders_leaves_it_open(tmp_path: Path) -> None:
    """Not known is not "is not": the plan says so."""
    ((severity, text),) = planned(tmp_path, there(), shows_folders=False)
    assert severity is Severity.WARNING
    assert text.startswith(f"{SHORT} of HV02 may be the short name (8.3) of another folder, and HV02 does not show it")
