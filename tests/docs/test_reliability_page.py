"""Promises of docs/reference/reliability.md: every fault names a test that is there, and no fault test is left out."""

import ast
import re
from pathlib import Path

from tests.support.markdown_pages import ROOT, read, rows

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PAGE = "docs/reference/reliability.md"


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_fault_names_a_test_that_exists() -> None:
    """Each row says the fault, what the bot does, and one test."""
    for cells in rows(read(PAGE)):
        assert len(cells) == 3, cells
        assert all(cells), cells
        named = _TEST.findall(cells[2])
        assert len(named) == 1, cells
        [(path, name)] = named
        assert name in _tests_in(ROOT / path), f"{path}::{name}"


def test_faults_inside_the_engine_are_each_there_once_and_of_a_kind() -> None:
    """A fault is a member of a kind: there are many more faults than kinds, and no fault stands there twice."""
    section = read(PAGE).partition("## What can go wrong inside the engine")[2].partition("\n## ")[0]
    found = rows(section)
    assert len({cells[0] for cells in found}) == len(found) > 40
    assert len({cells[1] for cells in found}) * 3 < len(found)


def test_every_test_of_a_fault_is_on_the_page() -> None:
    """The matrix is whole: what tests/faults shows, people can read."""
    shown = {name for _, name in _TEST.findall(read(PAGE))}
    written = {name for path in (ROOT / "tests" / "faults").glob("test_*.py") for name in _tests_in(path)}
    assert written - shown == {"test_plain_values_are_read_as_the_library_reads_them"}
