"""Promises of core.domain.attempt.own_errors and the settings around it: [errors]."""

from pathlib import Path

import pytest

from bot.check import check_settings
from core.config import Settings, load_settings
from core.domain.attempt.diagnosis import SETTINGS_HINT, diagnose
from core.domain.attempt.own_errors import read_own_errors, told
from core.domain.model.host_calls import HostWord
from core.domain.model.move import Fault
from core.errors import SettingsError


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "migrate-bot.toml"
    file.write_text(f'[hosts.HV01]\naddress = "hv01"\n{text}')
    return load_settings(file)


def test_the_settings_name_numbers_in_any_spelling(tmp_path: Path) -> None:
    """Hexadecimal, decimal and negative; the class in any case."""
    text = '[errors]\n0x80070299 = "VM"\n2147942405 = "passing"\n"-2147023728" = "bot"\n0xC0000999 = "host"\n'
    own = load(tmp_path, text).errors
    assert own == {0x299: Fault.VM, 5: Fault.PASSING, 0x490: Fault.BOT, 0xC0000999: Fault.HOST}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('0x8007 = "vm"\nbanana = "vm"', "'banana' is no number of Windows"),
        ('0x80070299 = "operator"', "write one of vm, pair, host, bot, passing"),
        ('0x80070299 = "vm"\n2147942999 = "pair"\n0x299 = "vm"', "is there twice"),
        ('0x0 = "vm"', "is no number of an error"),
    ],
)
def test_a_wrong_line_is_an_error_in_words(tmp_path: Path, text: str, said: str) -> None:
    """Whoever mistypes learns it at the start, from check too, which reads the same settings."""
    with pytest.raises(SettingsError, match=said):
        load(tmp_path, f"[errors]\n{text}\n")


def test_the_settings_win_over_the_table() -> None:
    """A number that the bot takes for passing is what the operator says it is; its hint stays."""
    words = [HostWord("Netzwerk weg (0x80072746)", "OperationFailed,X")]
    assert diagnose(words).fault is Fault.PASSING
    ours = diagnose(words, own={0x2746: Fault.PAIR})
    assert (ours.code, ours.fault) == ("network", Fault.PAIR)
    unknown = diagnose([HostWord("? (0xC0000999)")], own={0xC0000999: Fault.HOST})
    assert (unknown.code, unknown.fault, unknown.hint) == ("settings", Fault.HOST, SETTINGS_HINT)


def test_check_says_what_is_doubtful(tmp_path: Path) -> None:
    """A class that copies everything again, or ends VMs that a second try would move, is pointed out."""
    text = '[errors]\n0x80070299 = "passing"\n0x80072746 = "vm"\n0x80004005 = "vm"\n0x80070005 = "vm"\n'
    lines = [line for line in check_settings(load(tmp_path, text)) if line.subject == "errors"]
    assert [line.ok for line in lines] == [False, False, False, True]
    assert "does not pass: each try may copy everything again" in lines[0].hint
    assert "VMs end that another try would move" in lines[1].hint
    assert "says that something failed, and not what" in lines[2].hint
    assert lines[3].text == "0x80070005 (ERROR_ACCESS_DENIED): vm"


def test_what_is_no_table_is_an_error() -> None:
    """A list, or a number alone."""
    with pytest.raises(ValueError, match='0x80070299 = "vm"'):
        read_own_errors(["0x80070299"])
    assert told({}) == []
