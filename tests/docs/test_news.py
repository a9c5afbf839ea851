"""Promises of changes/: every fragment is one that towncrier takes, and a draft of the notes holds it."""

import re
import subprocess
import sys

from tests.support.markdown_pages import ROOT

FRAGMENTS = sorted(path for path in (ROOT / "changes").iterdir() if path.name != "README.md")
NAME = re.compile(r"\+[a-z0-9-]+\.(feature|bugfix|doc|removal)\.md")


def test_every_fragment_has_a_name_that_is_read() -> None:
    """``+short-name.KIND.md``: towncrier passes over any other name in silence, and the news would be lost."""
    assert [path.name for path in FRAGMENTS if not NAME.fullmatch(path.name)] == []


def test_the_notes_of_a_release_hold_every_fragment() -> None:
    """``towncrier build --draft`` makes the notes; each fragment's lines are in it."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert made.returncode == 0, made.stderr
    drafted = {line.strip().removeprefix("- ") for line in made.stdout.splitlines()}
    for path in FRAGMENTS:
        said = [line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines()]
        assert any(said), path.name
        assert [line for line in said if line and line not in drafted] == [], path.name
