"""How long: what is read as a length of time, and which may not be nothing."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Settings
from core.domain.model.durations import parse_duration
from core.errors import SettingsError
from tests.core.config.conftest import Load


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2d", 172800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        ("1H", 3600),
        ("45", 45),
        ("0.5", 0.5),
        (45, 45),
        (0.5, 0.5),
        (0, 0),
        (timedelta(seconds=7), 7),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    """Durations are written as people write them, or as a number of seconds, also in the environment."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "5 minutes",
        "-5s",
        "1h,30m",
        "5x",
        "h",
        "--",
        -5,
        "-5",
        True,
        None,
        "1e400",
        float("inf"),
        "nan",
    ],
)
def test_what_is_no_duration(text: object) -> None:
    """Promise 12: what cannot be read as a duration is an answer, never a crash."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("key", ["backup_threshold", "busy_patience", "poll_idle", "confirm_start", "silence_patience"])
def test_a_duration_for_ever_is_refused(key: str) -> None:
    """What would lead beyond the end of all calendars is an answer at the start; ten years are allowed."""
    for value in ("9999999d", timedelta(days=4000), "inf"):
        with pytest.raises(ValueError, match="3660 days are the most"):
            Settings.model_validate({"migration": {key: value}})
    assert getattr(Settings.model_validate({"migration": {key: "3660d"}}).migration, key) == timedelta(days=3660)


@given(st.integers(0, 3659), st.integers(0, 23), st.integers(0, 59))
def test_durations_add_up(days: int, hours: int, minutes: int) -> None:
    """Parts of a duration are added."""
    expected = timedelta(days=days, hours=hours, minutes=minutes)
    assert parse_duration(f"{days}d{hours}h{minutes}m") == expected


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Promise 12: no text makes the reading of durations break."""
    with suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("migration", "poll_busy"),
        ("migration", "poll_idle"),
        ("migration", "confirm_start"),
        ("migration", "silence_patience"),
        ("access", "approval_ttl"),
        ("winrm", "operation_timeout"),
    ],
)
def test_some_durations_cannot_be_nothing(load: Load, section: str, key: str) -> None:
    """Weakness 18: a pause of nothing would spin, and no time to confirm a start would start it twice."""
    with pytest.raises(SettingsError, match=rf"\[{section}.{key}\] must be longer than nothing"):
        load(f'[{section}]\n{key} = "0s"')
