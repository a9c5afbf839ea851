"""Folders of a host: what is listed, what is hidden, what refuses to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.hyperv.world.fleet import File
from tests.lab.hyperv.conftest import fleet, host, select

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.lab.hyperv.conftest import Client

FILES = (
    File(path="D:\\VMs\\empty", is_folder=True),
    File(path="D:\\VMs\\[odd]\\desktop.ini", is_hidden=True, size_bytes=10),
)
CLASS = "Microsoft.PowerShell.Commands"


@pytest.fixture
async def here(open_lab: Any, connect: Callable[..., Awaitable[Client]]) -> Client:
    return await connect(await open_lab(fleet(first=host("HV01", files=FILES)), has_tls=False))


async def test_an_empty_folder_gives_nothing(here: Client) -> None:
    """No output and no error: that is what empty looks like."""
    result = await here.run(("Get-ChildItem", {"LiteralPath": "D:\\VMs\\empty", "Force": None}))
    assert (result.output, result.errors, result.state) == ([], [], 4)


async def test_hidden_files_need_force_and_brackets_are_literal(here: Client) -> None:
    """Without -Force the folder looks empty."""
    listing = {"LiteralPath": "D:\\VMs\\[odd]"}
    assert (await here.run(("Get-ChildItem", listing))).output == []
    found = await here.run(("Get-ChildItem", {**listing, "Force": None}), select("FullName", "Name", "Length"))
    assert found.only == {"FullName": "D:\\VMs\\[odd]\\desktop.ini", "Name": "desktop.ini", "Length": 10}


async def test_a_missing_folder_is_an_error(here: Client) -> None:
    """PathNotFound, ObjectNotFound, with the path."""
    result = await here.run(("Get-ChildItem", {"LiteralPath": "D:\\none", "Force": None}))
    assert result.texts == ["Cannot find path 'D:\\none' because it does not exist."]
    assert (result.ids, result.errors[0].category) == ([f"PathNotFound,{CLASS}.GetChildItemCommand"], 13)


async def test_paths_can_be_tested(here: Client) -> None:
    """Test-Path, also for the kind of thing."""
    for path, kind, expected in (
        ("D:\\VMs\\empty", "Container", True),
        ("D:\\VMs\\empty", "Leaf", False),
        ("D:\\none", "Any", False),
    ):
        result = await here.run(("Test-Path", {"LiteralPath": path, "PathType": kind}))
        assert result.output == [expected]


async def test_removing_a_full_folder_asks_and_nobody_answers(here: Client) -> None:
    """Without -Recurse PowerShell prompts; a session without a host fails and deletes nothing."""
    result = await here.run(("Remove-Item", {"LiteralPath": "D:\\VMs\\[odd]", "Force": None}))
    assert result.texts[0].startswith("A command that prompts the user failed")
    assert (await here.run(("Test-Path", {"LiteralPath": "D:\\VMs\\[odd]\\desktop.ini"}))).output == [True]


async def test_removing_an_empty_folder_is_silent(here: Client) -> None:
    """Remove-Item of an empty folder needs no answer."""
    assert (await here.run(("Remove-Item", {"LiteralPath": "D:\\VMs\\empty"}))).errors == []
    assert (await here.run(("Test-Path", {"LiteralPath": "D:\\VMs\\empty"}))).output == [False]
