"""Secrets come from the environment or from files, and are shown nowhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import SECRETS, Settings, load_settings
from core.errors import SettingsError
from tests.core.config.conftest import Load

SECRET = "xoxb-do-not-show-me"


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_come_from_the_environment_or_a_file(load: Load, tmp_path: Path, name: str) -> None:
    """A secret is a variable, or a file that ``…_FILE`` names; the variable wins, unless it is empty."""
    file = tmp_path / "secret"
    file.write_text("\ufefffrom-file\n", encoding="utf-8")

    def value(settings: Settings) -> str:
        return str(getattr(settings, name.lower()).get_secret_value())

    assert value(load()) == ""
    assert value(load(**{f"{name}_FILE": str(file)})) == "from-file"
    assert value(load(**{name: ""})) == "from-file"
    assert value(load(**{name: "from-variable"})) == "from-variable"


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_the_file_is_refused(load: Load, name: str, spelling: Callable[[str], str]) -> None:
    """A secret does not belong in the settings file; the answer does not repeat it."""
    with pytest.raises(SettingsError, match="holds a secret") as caught:
        load(f'{spelling(name)} = "{SECRET}"')
    assert SECRET not in caught.value.sentence()


@pytest.mark.parametrize(
    "toml",
    [
        f'[winrm]\npassword = "{SECRET}"',
        f'[slack]\nbot_token = "{SECRET}"',
        f'[hosts.HV01]\naddress = "a"\npassword = "{SECRET}"',
        f'[winrm]\nauth = "{SECRET}"',
        f'[winrm]\nport = "{SECRET}"',
        f'[winrm]\nusername = "{SECRET}',
    ],
)
def test_no_answer_shows_what_was_written(load: Load, toml: str) -> None:
    """A password in the wrong place is refused without being repeated."""
    with pytest.raises(SettingsError) as caught:
        load(toml)
    assert SECRET not in caught.value.sentence()
    assert caught.value.__cause__ is None


def test_settings_do_not_show_their_secrets(load: Load) -> None:
    """Whoever prints settings sees no secret, nor the password in the database's URL."""
    settings = load(MIGRATE_BOT_STORE__URL=f"postgresql+asyncpg://u:{SECRET}@db/x", **dict.fromkeys(SECRETS, SECRET))
    assert settings.winrm_password.get_secret_value() == SECRET
    assert SECRET in settings.store.url
    assert SECRET not in f"{settings!r} {settings}"


def test_the_password_may_stand_in_a_file_of_the_settings(load: Load, tmp_path: Path) -> None:
    """[winrm] password_file, from the file or the environment; WINRM_PASSWORD wins, and a BOM is no part of it."""
    file = tmp_path / "winrm.password"
    file.write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n")
    toml = f'[winrm]\npassword_file = "{file}"\n'
    assert load(toml).winrm_password.get_secret_value() == SECRET
    assert load(MIGRATE_BOT_WINRM__PASSWORD_FILE=str(file)).winrm_password.get_secret_value() == SECRET
    with pytest.raises(SettingsError, match=r"winrm\.password_file names .*none, which cannot be read"):
        load(MIGRATE_BOT_WINRM__PASSWORD_FILE=str(tmp_path / "none"))
    assert load(toml, WINRM_PASSWORD="other").winrm_password.get_secret_value() == "other"


def test_a_secret_file_that_cannot_be_read_is_an_answer(load: Load, tmp_path: Path) -> None:
    """Promise 12: a missing or binary secret file is named, and its content is not shown."""
    with pytest.raises(SettingsError, match=r"WINRM_PASSWORD_FILE names .*none, which cannot be read"):
        load(WINRM_PASSWORD_FILE=str(tmp_path / "none"))
    binary = tmp_path / "binary"
    binary.write_bytes(b"hunter2\xff\xfe")
    with pytest.raises(SettingsError, match="is no UTF-8 text") as caught:
        load(WINRM_PASSWORD_FILE=str(binary))
    assert "hunter2" not in caught.value.sentence()


def test_the_url_of_the_database_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a password in it, it need not stand in the settings; a file that is missing is named, nothing shown."""
    file, secret = tmp_path / "bot.toml", tmp_path / "url"
    secret.write_text("postgresql+psycopg://bot:s3cret@db/bot\n", encoding="utf-8")
    file.write_text(f'[store]\nurl_file = "{secret.as_posix()}"\n', encoding="utf-8")
    assert load_settings(file).store.url == "postgresql+psycopg://bot:s3cret@db/bot"
    file.write_text("", encoding="utf-8")
    monkeypatch.setenv("MIGRATE_BOT_STORE__URL_FILE", str(secret))
    assert load_settings(file).store.url.endswith("@db/bot")
    secret.unlink()
    with pytest.raises(SettingsError, match="url_file names"):
        load_settings(file)
