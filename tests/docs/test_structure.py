"""Promises of docs/architecture.md, docs/reference/promises.md and of all links."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.domain.model.job import JOB_TRANSITIONS
from core.domain.model.move import TRANSITIONS
from tests.support.markdown_pages import ROOT, anchors, blocks, links, markdown, read, rows, section, tracked

PROMISES = range(1, 20)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize(("heading", "transitions"), [("A move", TRANSITIONS), ("A job", JOB_TRANSITIONS)])
def test_the_state_diagram_equals_the_table(heading: str, transitions: dict[Any, frozenset[Any]]) -> None:
    """The arrows of docs/architecture.md are those of the one table of legal transitions, start and ends too."""
    [diagram] = blocks(section(read("docs/architecture.md"), heading), "mermaid")
    drawn = set(re.findall(r"^ +(\S+) --> (\S+)", diagram.text, re.MULTILINE))
    legal = {(str(before), str(after)) for before, afters in transitions.items() for after in afters}
    ends = {(str(state), "[*]") for state, afters in transitions.items() if not afters}
    assert drawn == legal | ends | {("[*]", str(next(iter(transitions))))}


@cache
def _tests_in(path: str) -> frozenset[str]:
    tree = ast.parse(read(path))
    functions = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    # A contract suite is functions that the tests of each implementation call.
    return frozenset(name for name in functions if name.startswith("test_") or path.startswith("tests/contracts/"))


def test_every_promise_names_tests_that_exist() -> None:
    """docs/reference/promises.md has each promise, with tests that are there or the words "not yet"."""
    text = read("docs/reference/promises.md")
    headings = re.findall(r"^## (\d+)\. ", text, re.MULTILINE)
    assert headings == [str(number) for number in PROMISES]
    for number, part in enumerate(re.split(r"^## \d+\. ", text, flags=re.MULTILINE)[1:], 1):
        named = _TEST.findall(part)
        assert named or "not yet" in part.lower(), f"promise {number}"
        for path, name in named:
            assert (ROOT / path).is_file(), path
            assert name in _tests_in(path), f"{path}::{name}"


def test_all_links_lead_somewhere() -> None:
    """Every link of every markdown file that stays in the repository ends at a file, and at a heading of it."""
    broken: list[str] = []
    for page in markdown():
        for link in links(page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            file = (page.parent / target).resolve() if target else page
            if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


def test_every_page_is_reachable_from_the_readme() -> None:
    """No page of docs/ is an orphan: the README leads to it, directly or over other pages."""
    reached: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        targets = (link.partition("#")[0] for link in links(page.read_text(encoding="utf-8")))
        todo += [(page.parent / target).resolve() for target in targets if target and ":" not in target]
    orphans = {page for page in markdown() if (ROOT / "docs") in page.parents} - reached
    assert orphans == set()


def test_the_readme_names_real_make_targets() -> None:
    """Every ``make …`` of the README is a target of the Makefile, and every target of its help is in the README."""
    readme, makefile = read("README.md"), read("Makefile")
    named = set(re.findall(r"\bmake ([a-z-]+)", readme))
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert named - targets == set()
    assert set(re.findall(r'"make ([a-z-]+)', makefile)) - named == set()


def test_the_readme_leads_with_the_two_commands() -> None:
    """The first block of the README is ``make demo`` and ``make test``."""
    assert re.findall(r"^make (\w+)", blocks(read("README.md"))[0].text, re.MULTILINE) == ["demo", "test"]


def _rooms() -> dict[str, Path]:
    """Every room that a table of docs/architecture.md names, with its folder or its module's path."""
    cells = (cells[0] for cells in rows(section(read("docs/architecture.md"), "Rooms")))
    return {name: ROOT / name.replace(".", "/") for cell in cells for name in re.findall(r"`([\w.]+)`", cell)}


def test_the_rooms_of_the_architecture_exist() -> None:
    """Every room that docs/architecture.md names is a folder or a module."""
    for name, place in _rooms().items():
        assert place.is_dir() or place.with_suffix(".py").is_file(), name


def test_every_folder_with_modules_is_a_room_of_the_architecture() -> None:
    """No folder of bot, core or lab that holds modules is left out."""
    modules = (path for path in tracked() if path.suffix == ".py" and path.name != "__init__.py")
    folders = {path.parent for path in modules if path.relative_to(ROOT).parts[0] in {"bot", "core", "lab"}}
    assert folders - set(_rooms().values()) - {ROOT / "core"} == set()


def test_the_files_to_look_at_first_exist() -> None:
    """The files that docs/architecture.md names beside a room are in that room."""
    for cells in rows(section(read("docs/architecture.md"), "Rooms")):
        room = _rooms()[re.findall(r"`([\w.]+)`", cells[0])[0]]
        for name in re.findall(r"`(\w+\.py)`", cells[-1]):
            assert (room / name).is_file(), f"{room.relative_to(ROOT)}: {name}"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_a_contributor_is_sent_to_exists(page: str) -> None:
    """Each path in code, such as ``core/ports.py`` or ``tests/lab/``, is there."""
    named = re.findall(r"`((?:bot|core|lab|tests|docs|deploy|changes|benchmarks)/[\w./-]*)`", read(page))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Nothing in the repository depends on where it was written or on which host serves packages."""
    home = r"(?<![\w.])/(?:home|root|Users|work)/\w"
    registry = r"pypi\.org|pythonhosted|--(?:extra-)?index-url|artifactory"
    found: list[str] = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path == Path(__file__):
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in re.finditer(f"{home}|{registry}", text)]
    assert found == []


def test_every_decision_has_the_five_headings() -> None:
    """Each record says Status, Context, Looked at, Decision and Consequences, in this order."""
    for record in sorted((ROOT / "docs" / "adr").glob("0*.md")):
        headings = re.findall(r"^## (.+)$", record.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == ["Status", "Context", "Looked at", "Decision", "Consequences"], record.name
