"""Every scenario goes as its transcript says, and breaks no rule."""

from pathlib import Path

import pytest

from tests.scenarios.runner import play
from tests.scenarios.script import FOLDER, load, names


@pytest.mark.parametrize("name", names())
def test_a_scenario_goes_as_its_transcript_says(name: str, tmp_path: Path, *, is_updating: bool) -> None:
    """The transcript is the promise; limits, single starts, folders, reasons and words are checked besides."""
    played = play(load(name), tmp_path / "bot.db")
    golden = FOLDER / name / "transcript.txt"
    if is_updating:
        golden.write_text(played.transcript, encoding="utf-8")
    assert not played.broken, played.transcript
    assert played.transcript == golden.read_text(encoding="utf-8")
