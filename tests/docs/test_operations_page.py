"""Promises of docs/reference/operations.md: each finding has its row, and a test that is there."""

import ast
import re
from pathlib import Path

from tests.support.markdown_pages import ROOT, read, rows, section

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FINDINGS = 43


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_finding_has_its_test() -> None:
    """The number, what was found, what holds now, and tests that exist, or the words "not yet"."""
    found = rows(read("docs/reference/operations.md"))
    assert [int(cells[0]) for cells in found] == list(range(1, FINDINGS + 1))
    for cells in found:
        assert all(cells), cells
        if cells[-1] == "*not yet*":
            continue
        named = _TEST.findall(cells[-1])
        assert len(named) == len(cells[-1].split(", ")), cells
        for path, name in named:
            assert name.startswith("test_"), cells
            assert name in _tests_in(ROOT / path), f"{path}::{name}"


def test_the_price_of_credssp_stands_where_it_is_chosen() -> None:
    """Whoever reads how the bot logs on reads what the default hands to every host, and what to take instead."""
    page = section(read("docs/guide/hosts-setup.md"), "3. Let the hosts trust each other")
    assert "What CredSSP costs" in page
    assert "the recommended way is" in page


def test_a_part_of_the_suite_is_played_on_postgresql_every_time() -> None:
    """The files that `make postgresql` names are played on each database; all of it has a target, on one variable."""
    makefile = read("Makefile")
    files = re.search(r"^ON_POSTGRESQL := (.+) \$\(TWO\)$", makefile, re.MULTILINE)
    assert files is not None
    assert len(files[1].split()) == 3
    for file in files[1].split():
        assert 'pytestmark = pytest.mark.usefixtures("each_database")' in read(file)
    recipe = makefile.partition("\ntest: ")[2].partition("\n\n")[0]
    assert not [folder for folder in ("$(TWO)", "$(REAL)", "$(PAGES)") if folder in recipe]
    for target in ("postgresql", "postgresql-all"):
        recipe = makefile.partition(f"\n{target}: ")[2].partition("\n\n")[0]
        assert "MIGRATE_BOT_TEST_STORE=postgresql" in recipe
