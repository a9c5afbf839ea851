"""Writes the files that whoever sets the bot up starts from, and those that follow from the settings."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from core.errors import SettingsError

_SHIPPED = "deploy"
STARTER_FILES = {
    "migrate-bot.toml": "migrate-bot.example.toml",
    "manifest.yml": "manifest.yml",
    "migrate-bot.service": "migrate-bot.service",
    "compose.yml": "compose.yml",
    "kubernetes.yml": "kubernetes.yml",
    "monitoring/alerts.yml": "alerts.yml",
    "monitoring/grafana.json": "grafana.json",
    "monitoring/promtail.yml": "promtail.yml",
    "endpoint/README.md": "README.md",
    "endpoint/MigrateBot.psm1": "MigrateBot.psm1",
    "endpoint/MigrateBot.psrc": "MigrateBot.psrc",
    "endpoint/MigrateBot.pssc": "MigrateBot.pssc",
}
"""What is written, and from which file of ``deploy/``."""


def write_starter_files(folder: Path) -> list[str]:
    """Write every file that is not there. Returns one sentence for each.

    Raises:
        SettingsError: a folder or a file cannot be written.

    """
    return [_write(folder / name, source) for name, source in STARTER_FILES.items()]


def _write(target: Path, source: str) -> str:
    content = resources.files(_SHIPPED).joinpath(source).read_bytes()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        if target.parent.is_dir():
            return f"{target} is there already and stays as it is."
        raise SettingsError(f"{target.parent} is no folder.") from None
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror}.") from None
    return f"{target} is written."


def write_anew(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write texts by their paths, over older ones that begin with the same line. Returns one sentence for each.

    Raises:
        SettingsError: a file cannot be written, or somebody else's is there; then nothing is written.

    """
    paths = {folder / name: text for name, text in texts.items()}
    try:
        for path, text in paths.items():
            if path.exists() and _first_line(path.read_text(encoding="utf-8-sig", errors="replace")) != _first_line(
                text
            ):
                raise SettingsError(f"{path} is somebody else's and stays as it is: name another folder.")
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8-sig")  # Windows PowerShell reads a file without the sign as ANSI
    except OSError as error:
        raise SettingsError(f"{error.filename} cannot be written: {error.strerror}.") from None
    return [f"{path} is written." for path in paths]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
