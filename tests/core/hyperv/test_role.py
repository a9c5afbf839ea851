"""The role of deploy/ against everything the gateway sends: nothing missing, nothing more."""

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from core.domain.model.host_calls import DiskTarget, MoveOrder
from core.domain.model.inventory import VmId
from core.hyperv import pipelines
from core.hyperv.pipelines import FUNCTIONS, SELECT, Pipeline, Stage
from lab.hyperv.powershell.commands import shipped_role
from lab.hyperv.powershell.data_file import read_data_file
from tests.support.markdown_pages import read

SAMPLES: dict[str, Any] = {
    "vm_id": UUID(int=1),
    "vm_ids": [UUID(int=1)],
    "paths": ["D:\\VMs\\a.vhdx"],
    "path": "D:\\VMs",
    "names": ["Get-VM"],
    "address": "hv02",
    "infos": [b"x"],
    "wait_s": 1,
    "key": "owner",
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
    """Yield what a role is sent: where disks go to places of their own, there is a function for it."""
    names = inspect.signature(function).parameters
    if "order" in names:
        whole = MoveOrder(vm_id=VmId(UUID(int=1)), address="hv02", path="D:\\VMs")
        has_disks = function is pipelines.move_with_disks
        yield {"order": replace(whole, disks=(DiskTarget("D:\\a", "E:\\a"),)) if has_disks else whole}
        return
    yield {name: SAMPLES[name] for name in names}


def sent() -> list[Stage]:
    return [stage for pipeline in every_pipeline() for stage in pipeline.stages]


def role() -> dict[str, Any]:
    return dict(read_data_file(shipped_role()))


def test_the_search_finds_what_is_sent() -> None:
    """Otherwise the comparison would prove nothing."""
    assert {"Get-VM", "Move-VM", "Get-VHD", "Get-CimInstance", *FUNCTIONS} <= {stage.cmdlet for stage in sent()}


PIPED = {"Get-VM": "VM", "Get-VMSnapshot": "VMSnapshot"}
"""What takes the objects of the cmdlet before (Microsoft docs of each: accepts pipeline input)."""
LIMITED = {
    ("Get-VMHost", "ComputerName"): "host",
    ("Move-VM", "DestinationHost"): "host",
    ("Move-VM", "DestinationStoragePath"): "path",
    ("Get-VHD", "Path"): "path",
    ("Get-CimInstance", "Namespace"): "name",
    ("Get-CimInstance", "ClassName"): "name",
}
FREE = {"VM", "VMSnapshot", "Id", "IncludeStorage"}
"""Objects of the host's own, ids and switches."""
ELSEWHERE = {
    "path": [
        "\\\\evil\\share", "\\\\?\\D:\\VMs", "\\\\.\\D:\\VMs", "\\\\evil@443\\DavWWWRoot\\x", "//evil/share", "D:/VMs",
        "D:", "D:VMs", "D:\\VMs\\..\\x", "D:\\VMs\\.", "D:\\VMs\\.. \\x", "D:\\VMs\\a:b", "D:\\VMs\\a|b", "D:\\VMs\n",
        "D:\\VM\ts", "VMs", "\\VMs", "", "..\\x", "D:\\VMs\\*", "xD:\\VMs", "\nD:\\VMs",
    ],
    "host": ["\\\\evil", "evil/x", "hv02\n", "", "a b", "hv02;x", "hv02,x"],
    "name": ["Win32_Process", "root/default", ""],
}  # fmt: skip


def tables() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what the role's tables say: by cmdlet and parameter."""
    found = (one for one in role()["VisibleCmdlets"] if isinstance(one, dict))
    return {one["Name"]: {rule["Name"]: rule for rule in one["Parameters"]} for one in found}


def is_taken(rule: dict[str, Any], text: str) -> bool:
    """Whether PowerShell lets a value by: patterns are anchored, case does not count."""
    if "ValidatePattern" in rule:
        return re.search(f"^({rule['ValidatePattern']})$", text, re.IGNORECASE) is not None
    return text.casefold() in {value.casefold() for value in rule["ValidateSet"]}


def bound() -> dict[str, dict[str, list[Any]]]:
    """Return what is sent: every value of each parameter of each cmdlet, piped objects as an empty list."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for pipeline in every_pipeline():
        for stage in pipeline.stages:
            for name, value in stage.parameters:
                found[stage.cmdlet].setdefault(name, []).extend(value if isinstance(value, list) else [value])
        for before, stage in pairwise(pipeline.stages):
            if stage.cmdlet != SELECT:
                found[stage.cmdlet].setdefault(PIPED[before.cmdlet], [])
        found.setdefault(pipeline.stages[0].cmdlet, {})
    return found


def test_the_role_shows_exactly_the_commands_that_are_sent() -> None:
    """A cmdlet or function that nothing sends is not visible, and none that is sent is missing."""
    shown = {one["Name"] if isinstance(one, dict) else one for one in role()["VisibleCmdlets"]}
    functions = {name.rpartition("\\")[2] for name in role()["VisibleFunctions"]}
    used = {stage.cmdlet for stage in sent()} - SESSION_S_OWN
    assert functions == used & set(FUNCTIONS)
    assert shown == used - set(FUNCTIONS)


def test_each_cmdlet_takes_exactly_the_parameters_that_are_sent() -> None:
    """No -CimSession, no -Credential, no -ComputerName but the one of the question to another host."""
    used = {name: set(parameters) for name, parameters in bound().items() if name in tables()}
    assert {name: set(rules) for name, rules in tables().items()} == used
    assert {name for name in bound() if name not in tables()} == {*FUNCTIONS, *SESSION_S_OWN, SELECT}


def test_every_value_that_is_sent_is_taken() -> None:
    """Sets and patterns let by what the pipelines hold."""
    for cmdlet, rules in tables().items():
        for name, rule in rules.items():
            if (cmdlet, name) in LIMITED:
                values = bound()[cmdlet][name]
                assert values, (cmdlet, name)
                assert [value for value in values if not is_taken(rule, value)] == [], (cmdlet, name)
    namespaces_and_classes = tables()["Get-CimInstance"]
    for name, rule in namespaces_and_classes.items():
        assert set(rule["ValidateSet"]) == set(bound()["Get-CimInstance"][name])


def test_nothing_that_can_be_limited_is_free() -> None:
    """Whoever adds a parameter says what it may be."""
    for cmdlet, rules in tables().items():
        for name, rule in rules.items():
            assert ((cmdlet, name) in LIMITED) is not (name in FREE), (cmdlet, name)
            assert bool({"ValidateSet", "ValidatePattern"} & set(rule)) is ((cmdlet, name) in LIMITED), (cmdlet, name)


def test_the_table_of_role_and_pipelines_is_renewed() -> None:
    """docs/generated/role.md is what its command writes."""
    from tests.docs.role_table import page  # noqa: PLC0415 - it takes what it compares from here

    assert read("docs/generated/role.md") == page()


@pytest.mark.parametrize(("cmdlet", "parameter"), LIMITED)
def test_values_from_elsewhere_are_refused(cmdlet: str, parameter: str) -> None:
    """Shares, devices, ways up, streams, line ends: whatever is not the plain thing."""
    rule = tables()[cmdlet][parameter]
    assert [text for text in ELSEWHERE[LIMITED[cmdlet, parameter]] if is_taken(rule, text)] == []
