"""Every scenario goes as its transcript says, and breaks no rule."""

from pathlib import Path

import pytest

from tests.scenarios.catalogue import PAGE, page
from tests.scenarios.runner import play
from tests.scenarios.script import FOLDER, load, names


# Whatever runs here is run, and measured, in other tests too: measuring it once more would double the time.
@pytest.mark.no_cover
@pytest.mark.parametrize("name", names())
def test_a_scenario_goes_as_its_transcript_says(name: str, tmp_path: Path, *, is_updating: bool) -> None:
    """The transcript is the promise; limits, single starts, folders, reasons and words are checked besides."""
    played = play(load(name), tmp_path / "bot.db")
    golden = FOLDER / name / "transcript.txt"
    if is_updating:
        golden.write_text(played.transcript, encoding="utf-8")
    assert not played.broken, played.transcript
    assert played.transcript == golden.read_text(encoding="utf-8")


def test_every_weakness_has_its_scenario() -> None:
    """Each of the thirty weaknesses of the predecessor is played, and says what happened there."""
    weaknesses = [script for script in map(load, names()) if script.predecessor]
    assert [script.name[:3] for script in weaknesses] == [f"w{number:02}" for number in range(1, 31)]


def test_the_page_lists_every_scenario(*, is_updating: bool) -> None:
    """docs/generated/scenarios.md is what the scripts say."""
    if is_updating:
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
