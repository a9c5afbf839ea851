"""Promise of docs/generated/timeline.md: what its player plays is how the scenario goes today."""

from pathlib import Path

from tests.docs.timeline import FOLDER, as_text, recorded


def test_the_timeline_is_the_scenario(tmp_path: Path) -> None:
    """docs/generated/timeline.json is what ``python -m tests.docs.timeline`` would write now."""
    data, _ = recorded(tmp_path / "bot.db")
    assert (FOLDER / "timeline.json").read_text(encoding="utf-8") == as_text(data)
