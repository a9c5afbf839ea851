"""What is read, from the file and from the environment, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from core.config import Settings, load_settings
from core.errors import SettingsError
from tests.core.config.conftest import Load


def test_an_empty_file_is_all_defaults(load: Load) -> None:
    """Every setting has a default."""
    settings = load()
    assert settings == Settings()
    assert settings.migration.max_attempts == 3
    assert settings.migration.backup_threshold == timedelta(hours=1)


@pytest.mark.parametrize(
    "toml", ["max_attempts = 3", "[migration]\nmax_atempts = 3", "[migratoin]\n", "[hosts.A]\naddress='a'\nfoo=1"]
)
def test_unknown_keys_are_errors(load: Load, toml: str) -> None:
    """Promise 12: a misspelled key or section is refused, wherever it is."""
    with pytest.raises(SettingsError, match=r"has no key|There is no section"):
        load(toml)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[slak]\nchannel = "C0"', "There is no section [slak]. Did you mean slack?"),
        ('[slack]\nchanel = "C0"', "[slack] has no key chanel. Did you mean channel?"),
        ('[hosts.HV01]\naddress = "a"\npaht = "D:"', "[hosts.HV01] has no key paht. Did you mean path?"),
        ("[store]\nx = 1", "[store] has no key x. There are: url, "),
        ('[winrm]\npassword = "hunter2"', "[winrm] has no key password. A secret never stands in the settings"),
        ('[slack]\noncall = "S0"', "[slack.oncall] must be a list, such as"),
        ("[slack]\nchannel = 1", "[slack.channel] must be a text in quotes"),
        ('[migration]\nfail_fast = "maybe"', "[migration.fail_fast] must be true or false"),
        ("[migration]\nmax_attempts = 0", "[migration.max_attempts] must be 1 or more"),
        ('[migration]\nmax_attempts = "many"', "[migration.max_attempts] must be a whole number"),
        ("[winrm]\nport = 99999", "[winrm.port] must be 65535 at the most"),
        ('[winrm]\nauth = "none"', "[winrm.auth] must be one of 'kerberos', "),
        ('[hosts.HV01]\naddress = ""', "[hosts.HV01.address] must not be empty"),
        ('[hosts.HV01]\npath = "D:\\\\VMs"', "[hosts.HV01.address] is missing"),
        ("slack = 1", "[slack] must be a section"),
    ],
)
def test_a_mistake_is_told_in_plain_words(load: Load, toml: str, said: str) -> None:
    """Which key, what is wrong with it, and what was probably meant; never the value."""
    with pytest.raises(SettingsError) as caught:
        load(toml)
    assert said in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MIGRATE_BOT_SLACKCHANNEL", "did you mean MIGRATE_BOT_SLACK__CHANNEL?"),
        ("MIGRATE_BOT_SLACK_CHANNEL", "did you mean MIGRATE_BOT_SLACK__CHANNEL?"),
        ("MIGRATE_BOT_SLAK__CHANNEL", "did you mean MIGRATE_BOT_SLACK__CHANNEL?"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_not_ignored(load: Load, name: str, said: str) -> None:
    """One underscore too few is a mistake like any other, and is told with the right name."""
    with pytest.raises(SettingsError, match=name) as caught:
        load(**{name: "C0"})
    assert said in caught.value.message


def test_every_mistake_is_named_at_once(load: Load) -> None:
    """Promise 12: the answer names each key that is wrong and says why."""
    with pytest.raises(SettingsError) as caught:
        load('[migration]\npoll_busy = "often"\nmax_attempts = 0\n[hosts.HV01]\npath = "D:\\\\VMs"')
    for part in ("[migration.poll_busy] 'often' is no duration", "[migration.max_attempts]", "[hosts.HV01.address]"):
        assert part in caught.value.message


def test_zero_attempts_are_refused(load: Load) -> None:
    """Weakness 28: zero attempts would mark everything unmigratable."""
    with pytest.raises(SettingsError, match="max_attempts"):
        load("[migration]\nmax_attempts = 0")


@pytest.mark.parametrize(("content", "said"), [(b"a = = 1", "is not valid TOML"), (b"\xff\xfe", "is not valid TOML")])
def test_what_is_no_toml_is_an_answer(tmp_path: Path, content: bytes, said: str) -> None:
    """Promise 12: a broken file is one clear sentence."""
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        load_settings(file)


def test_a_missing_file_is_an_answer(tmp_path: Path) -> None:
    """Promise 12: no file, or a folder in its place, is one clear sentence."""
    with pytest.raises(SettingsError, match="There is no settings file"):
        load_settings(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path)


def test_the_environment_wins_over_the_file(load: Load) -> None:
    """``MIGRATE_BOT_SECTION__KEY`` wins; the other keys of the section stay as the file says."""
    settings = load(
        "[migration]\nmax_attempts = 2\nmax_parallel = 4",
        MIGRATE_BOT_MIGRATION__MAX_ATTEMPTS="7",
        MIGRATE_BOT_MIGRATION__POLL_IDLE="1m",
        MIGRATE_BOT_SLACK__ONCALL='["U1", "S2"]',
    )
    assert (settings.migration.max_attempts, settings.migration.max_parallel) == (7, 4)
    assert settings.migration.poll_idle == timedelta(minutes=1)
    assert settings.slack.oncall == ("U1", "S2")


def test_the_environment_reaches_a_host(load: Load) -> None:
    """Variables have no case on every system: a host is found by its name in any case, and keeps its spelling."""
    settings = load('[hosts.HV01]\naddress = "hv01.x"\npath = "D:\\\\A"', MIGRATE_BOT_HOSTS__HV01__PATH="E:\\B")
    assert {name: (host.address, host.path) for name, host in settings.hosts.items()} == {"HV01": ("hv01.x", "E:\\B")}


@pytest.mark.parametrize("name", ["MIGRATE_BOT_MIGRATION__MAX_ATEMPTS", "MIGRATE_BOT_MIGRATON__MAX_ATTEMPTS"])
def test_a_typo_in_the_environment_is_an_error(load: Load, name: str) -> None:
    """Promise 12: a misspelled variable is refused like a misspelled key."""
    with pytest.raises(SettingsError):
        load(**{name: "5"})


@pytest.mark.parametrize(("name", "value"), [("MIGRATE_BOT_SLACK__ONCALL", "S0"), ("MIGRATE_BOT_SLACK", "{x")])
def test_a_malformed_variable_is_an_answer(load: Load, name: str, value: str) -> None:
    """Promise 12: a list that is no JSON is one clear sentence."""
    with pytest.raises(SettingsError, match="The environment") as caught:
        load(**{name: value})
    assert "JSON" in caught.value.hint


def test_patience_covers_what_a_request_may_take() -> None:
    """An order whose answer was lost may arrive as late as its request could last: less patience starts a VM twice."""
    with pytest.raises(ValueError, match=r"must be at least 1\.5 times operation_timeout"):
        Settings.model_validate({"winrm": {"operation_timeout": "30s"}, "migration": {"confirm_start": "40s"}})
    Settings.model_validate({"winrm": {"operation_timeout": "30s"}, "migration": {"confirm_start": "45s"}})
