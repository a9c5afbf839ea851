"""Promises of docs/guide/lab.md: its examples run, and print what the page says."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from lab.cli import FLEETS, describe
from lab.hyperv.control import control_app
from lab.hyperv.world.faults import MoveFaultKind, ValueFaultKind, WireFaultKind
from lab.hyperv.world.fleet import load_fleet
from lab.site import Site, site
from lab.slack.workspace.faults import FaultKind
from tests.support.markdown_pages import Block, blocks, read, section, table

EXAMPLES = [
    pair
    for pair in pairwise(blocks(read("docs/guide/lab.md")))
    if pair[0].language in {"python", "sh"} and pair[1].text
]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(load_fleet(FLEETS / "small.toml"), tmp_path, speed=60) as running:
        yield running


async def _printed(command: list[str], here: Site) -> str:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()} | here.secrets
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_every_example_prints_what_the_page_says(here: Site, tmp_path: Path) -> None:
    """The Python and shell examples of docs/guide/lab.md, run in order on one lab, print the output below them."""
    for number, (example, output) in enumerate(EXAMPLES):
        assert output.language == "text"
        if example.language == "sh" and shutil.which("curl") is None:
            continue
        script = tmp_path / f"example{number}.{example.language}"
        text = example.text.replace("http://127.0.0.1:8400", here.slack.base_url)
        script.write_text(text.replace("http://127.0.0.1:8500", here.hosts.control_url))
        runner = sys.executable if example.language == "python" else "sh"
        assert await _printed([runner, str(script), str(here.settings_file)], here) == output.text, example.text


def test_no_example_stands_without_its_output() -> None:
    """Each Python and shell example of the page is followed by a text block."""
    kinds = [block.language for block in blocks(read("docs/guide/lab.md"))]
    assert len(EXAMPLES) == kinds.count("python") + kinds.count("sh") == kinds.count("text")


def _shape(text: str) -> str:
    """Take out what differs from run to run: ports and the names of folders."""
    text = re.sub(r"\S*/migrate-bot-lab-\w+|\S+/(?=ca\.pem|secrets\.env|migrate-bot\.toml)/?", "FOLDER/", text)
    return re.sub(r"\b\d{4,5}\b", "PORT", text).replace("//", "/")


async def test_the_lab_says_what_the_page_shows(here: Site) -> None:
    """What ``migrate-bot lab`` prints is what the page shows, but for ports and folders."""
    shown: Block = blocks(read("docs/guide/lab.md"), "console")[0]
    said = describe(here, here.settings_file.with_name("secrets.env"))
    assert _shape(shown.text.partition("\n")[2].strip()) == _shape(said)


@pytest.mark.parametrize(
    ("heading", "kinds"),
    [
        ("What a host's connection can meet", WireFaultKind),
        ("What a host can tell wrongly", ValueFaultKind),
        ("What a move can meet", MoveFaultKind),
        ("What Slack can do", FaultKind),
    ],
)
def test_every_trouble_is_explained(heading: str, kinds: type[StrEnum]) -> None:
    """docs/guide/lab.md has exactly the kinds of trouble the lab can make."""
    assert list(table(section(read("docs/guide/lab.md"), heading))) == [kind.value for kind in kinds]


async def test_every_call_of_the_control_apis_is_explained(here: Site) -> None:
    """docs/guide/lab.md has exactly the calls that both control APIs answer."""
    routes = control_app(here.hosts.world).router.routes()
    calls = {f"{route.method} {route.resource.canonical}" for route in routes if route.resource}
    page = read("docs/guide/lab.md")
    assert set(table(section(page, "The hosts' control API"))) == {call for call in calls if call[:4] != "HEAD"}
    async with aiohttp.ClientSession() as session, session.get(here.slack.control_url) as response:
        assert set(table(section(page, "The people of Slack"))) == set(await response.json())
