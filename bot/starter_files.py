"""Writes the files that whoever sets the bot up starts from; what is there already stays as it is."""

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
