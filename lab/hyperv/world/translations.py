"""Reads the words of hosts of other languages; where they come from stands in `translations.toml`."""

import tomllib
from importlib import resources
from typing import Final

_ALL = tomllib.loads(resources.files(__package__ or "").joinpath("translations.toml").read_text(encoding="utf-8"))
GERMAN: Final[dict[str, str]] = _ALL["german"]
JAPANESE: Final[dict[str, str]] = _ALL["japanese"]
STATUS_JAPANESE: Final[dict[str, str]] = _ALL["status_japanese"]
