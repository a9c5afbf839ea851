"""Promises of core.config: what is read, from where, and what is refused."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import SECRETS, Settings, load_settings
from core.domain.model.durations import parse_duration
from core.domain.scheduling.links import Counts
from core.errors import SettingsError, UnknownHost

Load = Callable[..., Settings]
SECRET = "xoxb-do-not-show-me"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a settings file of this text, with exactly these variables in the environment."""
    for name in list(os.environ):
        if name.upper().startswith(("MIGRATE_BOT_", *SECRETS)):
            monkeypatch.delenv(name)

    def loaded(toml: str = "", **environment: str) -> Settings:
        file = tmp_path / "migrate-bot.toml"
        file.write_text(toml, encoding="utf-8")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings(file)

    return loaded


# ---------------------------------------------------------------- durations


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


# ---------------------------------------------------------------- the file


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


# ---------------------------------------------------------------- links

RACKS = "".join(f'[hosts.HV{n:02}]\naddress = "hv{n:02}.x"\n' for n in (1, 2, 11, 12))


def test_a_link_has_its_hosts_by_name_address_or_pattern(load: Load) -> None:
    """Any case; the zone is its own or that of the freeze windows."""
    settings = load(
        RACKS + '[freeze]\nzone = "Europe/Berlin"\n'
        '[links.rack-a]\nhosts = ["hv01", "hv02.x", "HV02"]\nmoves = 2\nmb_s = 1100\n'
        'windows = ["mon-fri 08:00-18:00 = 1"]\n'
        '[links.b]\nhosts = ["HV1*"]\nmoves = 3\ncounts = "any"\nzone = "UTC"'
    )
    one, other = settings.known_links().all
    assert (one.name, sorted(one.hosts), one.moves, one.bytes_per_s) == ("rack-a", ["HV01", "HV02"], 2, 1.1e9)
    assert (str(one.zone), one.counts, [w.moves for w in one.windows]) == ("Europe/Berlin", Counts.CROSSING, [1])
    assert (sorted(other.hosts), other.counts, str(other.zone)) == (["HV11", "HV12"], Counts.ANY, "UTC")


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ('hosts = ["HV03"]\nmoves = 1', "[links.a] hosts has 'HV03', which is no host of these settings"),
        ('hosts = ["X*"]\nmoves = 1', "[links.a] hosts has 'X*', which fits no host of these settings"),
        ("hosts = []\nmoves = 1", "[links.a.hosts]"),
        ("moves = 1", "[links.a.hosts] is missing"),
        ('hosts = ["HV01"]', "[links.a] limits nothing; give it moves, mb_s or windows"),
        ('hosts = ["HV01"]\nmoves = 0', "[links.a.moves] must be 1 or more"),
        ('hosts = ["HV01"]\nmoves = -2', "[links.a.moves] must be 1 or more"),
        ('hosts = ["HV01"]\nmb_s = 0', "[links.a.mb_s] must be more than 0"),
        ('hosts = ["HV01"]\ncounts = "both"', "[links.a.counts] must be 'crossing' or 'any'"),
        ('hosts = ["HV01"]\nwindows = ["mon 08:00-18:00"]', "'mon 08:00-18:00' is no window of a link; write Mon-Fri"),
        ('hosts = ["HV01"]\nwindows = ["monday = 1"]', "'monday' is no freeze window; write Mon-Fri 08:00-18:00 or"),
        ('hosts = ["HV01"]\nwindows = ["mon 08:00-18:00 = 0"]', "'mon 08:00-18:00 = 0' would let nothing start"),
        ('hosts = ["HV01"]\nwindows = ["mon 08:00-18:00 = -1"]', "would let nothing start"),
        (
            'hosts = ["HV01"]\nwindows = ["mon-fri 08:00-18:00 = 1", "fri 17:00-20:00 = 2"]',
            "windows 'mon-fri 08:00-18:00 = 1' and 'fri 17:00-20:00 = 2' overlap; at any time one number must hold",
        ),
        ('hosts = ["HV01"]\nmoves = 1\nzone = "Mars"', "[links.a] 'Mars' is no time zone; write for example Europe"),
        ('hosts = ["*"]\nmoves = 1', "[links.a] has every host behind it, so no move crosses it"),
        ('hosts = ["HV01"]\nmove = 1', "[links.a] has no key move. Did you mean moves?"),
    ],
)
def test_what_is_wrong_with_a_link_is_one_sentence(load: Load, link: str, said: str) -> None:
    """Promise 12: a link that would count nothing, or two numbers at once, is found when the settings are read."""
    with pytest.raises(SettingsError) as caught:
        load(f"{RACKS}[links.a]\n{link}")
    assert said in caught.value.message


# ---------------------------------------------------------------- the environment


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


# ---------------------------------------------------------------- secrets


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


# ---------------------------------------------------------------- hosts

TWO = '[hosts.HV01]\naddress = "{}"\n[hosts.{}]\naddress = "{}"\n'


@pytest.mark.parametrize(
    ("one", "name", "other", "said"),
    [
        ("a.x", "hv01", "b.x", "hosts HV01 and hv01 are the same host"),
        ("a.x", '"hv01.contoso.com"', "b.x", "are the same host"),
        ("a.x", "HV02", "A.X", "hosts HV01 and HV02 have the same address A.X"),
        ("10.0.0.1", "HV02", "10.0.0.1", "have the same address"),
        ("hv02.x", "HV02", "b.x", "is the name of the other"),
    ],
)
def test_one_machine_has_one_name(load: Load, one: str, name: str, other: str, said: str) -> None:
    """Promise 1: a machine with two names would be given twice the migrations it allows, so it is refused."""
    with pytest.raises(SettingsError, match=said):
        load(TWO.format(one, name, other))


def test_two_ports_of_one_address_are_two_hosts(load: Load) -> None:
    """Simulated hosts share an address and differ in their port."""
    assert len(load(TWO.format("127.0.0.1", "HV02", "127.0.0.1") + "port = 6001").hosts) == 2
    with pytest.raises(SettingsError, match="same address"):
        load(TWO.format("127.0.0.1", "HV02", "127.0.0.1") + "port = 5986")


def test_hundreds_of_hosts_are_compared_at_once(load: Load) -> None:
    """The start does not wait until each host was compared with each other: that grows with their square."""
    text = "".join(f'[hosts.HV{n:04}]\naddress = "hv{n:04}.contoso.com"\n' for n in range(4_000))
    began = time.process_time()
    assert len(load(text).hosts) == 4_000
    assert time.process_time() - began < 10


@pytest.mark.parametrize("typed", ["HV01", "hv01", "hv01.contoso.com", "Alpha", "alpha.contoso.com"])
def test_a_host_is_found_by_name_or_address(load: Load, typed: str) -> None:
    """Weakness 28: people may write a host's name or address, short or full, in any case."""
    assert load(TWO.format("alpha.contoso.com", "HV02", "beta.contoso.com")).host_name(typed) == "HV01"


def test_an_unknown_host_is_an_answer(load: Load) -> None:
    """Promise 12: a typo is answered with what was probably meant, else with the hosts there are, but not hundreds."""
    few = load(TWO.format("a.x", "HV02", "b.x"))
    with pytest.raises(UnknownHost) as caught:
        few.host_name("HW02")
    assert caught.value.sentence() == "I know no host called HW02. Did you mean HV02?"
    many = load("".join(f'[hosts.N{number:03}]\naddress = "n{number:03}.x"\n' for number in range(40)))
    with pytest.raises(UnknownHost) as caught:
        many.host_name("zebra")
    assert caught.value.hint.endswith("N009 and 30 more.")
    with pytest.raises(UnknownHost, match="zebra"):
        Settings().host_name("zebra")


def test_patience_covers_what_a_request_may_take() -> None:
    """An order whose answer was lost may arrive as late as its request could last: less patience starts a VM twice."""
    with pytest.raises(ValueError, match=r"must be at least 1\.5 times operation_timeout"):
        Settings.model_validate({"winrm": {"operation_timeout": "30s"}, "migration": {"confirm_start": "40s"}})
    Settings.model_validate({"winrm": {"operation_timeout": "30s"}, "migration": {"confirm_start": "45s"}})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('path = "D:\\\\VMs\\\\.."', "leads elsewhere"),
        ('path = "\\\\\\\\?\\\\D:\\\\VMs"', "names a device"),
        ('allowed_paths = ["D:\\\\VMs", "VMs"]', "begin with a drive"),
        ('path = "D:\\\\VMs"\nallowed_paths = ["E:\\\\VMs"]', "is not among allowed_paths"),
    ],
)
def test_folders_of_the_settings_mean_what_they_show(tmp_path: Path, keys: str, words: str) -> None:
    """A host's own folder and those it allows are judged as what people type."""
    file = tmp_path / "bot.toml"
    file.write_text(f'[hosts.HV02]\naddress = "hv02"\n{keys}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        load_settings(file)


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
