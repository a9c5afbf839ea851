"""Promises of docs/reference/settings.md and of deploy/migrate-bot.example.toml."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from core.config import (
    SECRETS,
    AccessSettings,
    FreezeSettings,
    HostSettings,
    LinkSettings,
    LogSettings,
    MigrationSettings,
    OwnersSettings,
    Settings,
    SlackSettings,
    StoreSettings,
    WinrmSettings,
    load_settings,
)
from core.domain.scheduling.links import Counts
from tests.support.markdown_pages import ROOT, code, read, section, table

SECTIONS: dict[str, type[BaseModel]] = {
    "store": StoreSettings,
    "log": LogSettings,
    "slack": SlackSettings,
    "access": AccessSettings,
    "owners": OwnersSettings,
    "migration": MigrationSettings,
    "freeze": FreezeSettings,
    "winrm": WinrmSettings,
}
EXAMPLES = {("slack", "channel"), ("slack", "oncall"), ("access", "requesters")}
EXAMPLES |= {("access", "approvers"), ("winrm", "username")}
"""What has no useful default, so that the example file shows a value of its own."""


def written(value: Any) -> str:
    """Write a default as it would stand in the TOML file."""
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            seconds = int(value.total_seconds())
            for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
                if seconds % length == 0:
                    return f'"{seconds // length}{unit}"'
            return f'"{seconds}s"'
        case dict():
            return "{}" if not value else str(value)
        case tuple():
            return "[" + ", ".join(map(written, value)) + "]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    """docs/reference/settings.md has exactly the keys of the section, each with the default the program uses."""
    documented = table(section(read("docs/reference/settings.md"), f"[{name}]"))
    fields = SECTIONS[name].model_fields
    assert list(documented) == list(fields)
    for key, field in fields.items():
        if field.default is not None:
            assert code(documented[key][0]) == written(field.default), key


@pytest.mark.parametrize("name", SECTIONS)
def test_every_setting_has_its_environment_name(name: str) -> None:
    """docs/reference/settings.md says for every key how the environment overrides it."""
    for key, cells in table(section(read("docs/reference/settings.md"), f"[{name}]")).items():
        assert code(cells[1]) == f"MIGRATE_BOT_{name}__{key}".upper()


def test_every_key_of_a_host_is_documented() -> None:
    """docs/reference/settings.md has exactly the keys of a host."""
    assert list(table(section(read("docs/reference/settings.md"), "[hosts.NAME]"))) == list(HostSettings.model_fields)


def test_every_key_of_a_link_is_documented_and_in_the_example() -> None:
    """docs/reference/settings.md has exactly the keys of a link, and its examples are links of two kinds."""
    page = section(read("docs/reference/settings.md"), "[links.NAME]")
    documented = table(page)
    assert list(documented) == list(LinkSettings.model_fields)
    for key, field in LinkSettings.model_fields.items():
        if not field.is_required() and field.default is not None:
            assert code(documented[key][0]) == written(field.default), key
    shown = [tomllib.loads(text) for text in re.findall(r"^```toml\n(.+?)^```", page, re.MULTILINE | re.DOTALL)]
    hosts = {name: HostSettings(address=name) for name in ("HV01", "HV02", "HV11")}
    kinds = [link.counts for example in shown for link in Settings(hosts=hosts, **example).known_links().all]
    assert kinds == [Counts.CROSSING, Counts.ANY]
    example = re.sub(r"^#(?=\w+ = )", "", read("deploy/migrate-bot.example.toml"), flags=re.MULTILINE)
    assert set(tomllib.loads(example)["links"]["rack-a"]) == set(LinkSettings.model_fields)


def test_every_secret_is_documented() -> None:
    """docs/reference/settings.md has exactly the secrets the program reads, and no section is forgotten."""
    assert set(table(section(read("docs/reference/settings.md"), "Secrets"))) == set(SECRETS)
    others = {"hosts", "links", "errors", *(name.lower() for name in SECRETS)}
    assert set(Settings.model_fields) - others == set(SECTIONS)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of docs/reference/settings.md for the environment do what the page says."""
    text = section(read("docs/reference/settings.md"), "Where settings come from")
    examples = dict(re.findall(r"^(MIGRATE_BOT_\w+)='?([^'\n]+)'?$", text, re.MULTILINE))
    assert len(examples) == 2
    for name, value in examples.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(ROOT / "deploy" / "migrate-bot.example.toml")
    assert settings.migration.max_attempts == 5
    assert settings.slack.oncall == ("S0ONCALL", "U0DAVE")


def test_the_example_file_loads() -> None:
    """migrate-bot.example.toml is a settings file that the program accepts."""
    settings = load_settings(ROOT / "deploy" / "migrate-bot.example.toml")
    assert list(settings.hosts) == ["HV01", "HV02"]


def test_the_example_file_shows_every_key_and_its_default(tmp_path: Path) -> None:
    """With every ``#key = value`` line switched on, the example has all keys, and they equal the defaults."""
    file = tmp_path / "all.toml"
    url = tmp_path / "store_url"
    url.write_text("sqlite+aiosqlite:///migrate-bot.db", encoding="utf-8")
    example = read("deploy/migrate-bot.example.toml").replace("/etc/migrate-bot/store_url", url.as_posix())
    example = example.replace("/etc/migrate-bot/winrm.password", url.as_posix())
    file.write_text(re.sub(r"^#(?=\w+ = )", "", example, flags=re.MULTILINE))
    shown = tomllib.loads(file.read_text())
    load_settings(file)
    for name, model in SECTIONS.items():
        fields = {key for key, field in model.model_fields.items() if field.default is not None}
        assert fields <= set(shown[name]), name
        for key in fields:
            if (name, key) in EXAMPLES:
                continue
            default = model.model_fields[key].default
            assert default is not PydanticUndefined
            assert getattr(model.model_validate({key: shown[name][key]}), key) == default, (name, key)
    assert set(shown["hosts"]["HV02"]) == set(HostSettings.model_fields)
