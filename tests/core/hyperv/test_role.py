"""The role of deploy/ against everything the gateway sends: nothing missing, nothing more."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from core.domain.model.host_calls import DiskTarget, MoveOrder
from core.domain.model.inventory import VmId
from core.hyperv import pipelines
from core.hyperv.pipelines import FUNCTIONS, SELECT, Pipeline, Stage
from lab.hyperv.powershell.commands import shipped_role
from lab.hyperv.powershell.data_file import read_data_file

SAMPLES: dict[str, Any] = {
    "vm_id": UUID(int=1),
    "paths": ["D:\\VMs\\a.vhdx"],
    "path": "D:\\VMs",
    "names": ["Get-VM"],
    "address": "hv02",
    "info": b"x",
    "wait_s": 1,
}
SESSION_S_OWN = {"Get-Command"}
"""What every restricted session shows without a role (Microsoft docs: SessionType)."""


def every_pipeline() -> Iterator[Pipeline]:
    """Yield whatever the module can make, found by looking: a new one is compared without being listed here."""
    for name, thing in vars(pipelines).items():
        if isinstance(thing, Pipeline):
            yield thing
        elif inspect.isfunction(thing) and not name.startswith("_") and _makes_a_pipeline(thing):
            for arguments in _arguments(thing):
                yield thing(**arguments)


def _makes_a_pipeline(function: Callable[..., Any]) -> bool:
    return inspect.signature(function).return_annotation is Pipeline


def _arguments(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    names = inspect.signature(function).parameters
    if "order" in names:
        whole = MoveOrder(vm_id=VmId(UUID(int=1)), address="hv02", path="D:\\VMs")
        yield {"order": whole}
        yield {"order": replace(whole, disks=(DiskTarget("D:\\a", "E:\\a"),))}
        return
    yield {name: SAMPLES[name] for name in names}


def sent() -> list[Stage]:
    return [stage for pipeline in every_pipeline() for stage in pipeline.stages]


def role() -> dict[str, Any]:
    return dict(read_data_file(shipped_role()))


def test_the_search_finds_what_is_sent() -> None:
    """Otherwise the comparison would prove nothing."""
    assert {"Get-VM", "Move-VM", "Get-VHD", "Get-CimInstance", *FUNCTIONS} <= {stage.cmdlet for stage in sent()}


def test_the_role_shows_exactly_the_commands_that_are_sent() -> None:
    """A cmdlet or function that nothing sends is not visible, and none that is sent is missing."""
    shown = [one["Name"] if isinstance(one, dict) else one for one in role()["VisibleCmdlets"]]
    cmdlets = {name if name == SELECT else name.rpartition("\\")[2] for name in shown}
    functions = {name.rpartition("\\")[2] for name in role()["VisibleFunctions"]}
    used = {stage.cmdlet for stage in sent()} - SESSION_S_OWN
    assert functions == used & set(FUNCTIONS)
    assert cmdlets == used - set(FUNCTIONS)


def test_the_role_lets_exactly_the_classes_be_read_that_are_read() -> None:
    """Namespaces, classes and parameters of Get-CimInstance: those of the pipelines, and no others."""
    (cim,) = (one for one in role()["VisibleCmdlets"] if isinstance(one, dict))
    allowed = {one["Name"]: set(one.get("ValidateSet", ())) for one in cim["Parameters"]}
    read = [dict(stage.parameters) for stage in sent() if stage.cmdlet == "Get-CimInstance"]
    assert set(allowed) == {name for parameters in read for name in parameters}
    for name, values in allowed.items():
        assert values == {parameters[name] for parameters in read}, name
