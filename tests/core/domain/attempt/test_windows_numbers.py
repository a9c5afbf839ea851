"""Promises of core.domain.attempt.windows_numbers: one number, many spellings, one meaning, in every language."""

import pytest

from core.domain.attempt.diagnosis import diagnose
from core.domain.attempt.error_rules import BY_CODE
from core.domain.attempt.windows_numbers import SAYS_NOTHING, canonical, numbers_in, parse, rule_of, spelled, table
from core.domain.model.host_calls import HostWord
from core.domain.model.move import Fault
from tests.docs import windows_numbers as generated
from tests.support.markdown_pages import read

ACCESS_DENIED = 5
SPELLINGS = [
    "Access is denied. (0x80070005)",
    "0x80070005 at the start",
    "Zugriff verweigert (0x80070005).",
    "アクセスが拒否されました。(0x80070005)",
    "エラー0x80070005が発生しました",
    "エラー\uff080x5\uff09",
    "Fehler 2147942405",
    "HRESULT: -2147024891",
    "error (0x5)",
    "0x00000005",
    "NTSTATUS 0xC0070005",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_the_same_number(text: str) -> None:
    """HRESULT, decimal, signed, bare, full-width brackets, Japanese letters around it: one number."""
    assert numbers_in(text) == (ACCESS_DENIED,)


@pytest.mark.parametrize(
    "text",
    [
        "10x80070005 bananas",
        "0x800700055",
        "version 10.0.2147942405",
        "5 of 12 VMs",
        "0x5 without brackets",
        "box0x80070005",
        "8f1b2c3d-0000-4444-8888-214702489112",
        "12147942405",
        "",
    ],
)
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    """Counts, versions, ids and longer numbers are no errors."""
    assert numbers_in(text) == ()


def test_an_ntstatus_wrapped_in_a_hresult_is_itself() -> None:
    """HRESULT_FROM_NT sets one bit (MS-ERREF 2.1); a Win32 number inside an NTSTATUS is that number."""
    assert canonical(0xD0000192) == canonical(0xC0000192) == 0xC0000192
    assert canonical(0xD0070005) == canonical(0xC0070005) == canonical(0x80070005) == ACCESS_DENIED
    assert canonical(0x8009030E) == canonical(0x8009030E - (1 << 32)) == 0x8009030E


def test_every_row_has_a_rule_and_reads_back() -> None:
    """The table names rules that exist, and each number once; written and read again it is the same."""
    assert {known.rule for known in table().values()} <= {*BY_CODE, SAYS_NOTHING}
    for number, known in table().items():
        assert parse(known.shown) == number == parse(str(int(known.shown, 16)))
        assert numbers_in(f"x ({known.shown})") == (number,)
        assert known.name
        assert known.name == known.name.upper()


def test_every_number_decides() -> None:
    """Whatever the language around it, each number of the table leads to its rule; those that say nothing to none."""
    for known in table().values():
        said = diagnose([HostWord(f"失敗しました。 ({known.shown})", "OperationFailed,X")])
        assert said.code == ("unknown" if known.rule == SAYS_NOTHING else known.rule), known


FAMILIES = {
    "storage": (0x70, 0x50, 0x20, 0x299, 0x17, 0x13, 0x45D, 0xDF, 0x570, 0xC03A001A, 0xC03A000D, 0xC000007F),
    "network": (0x274C, 0x274D, 0x2746, 0x2751, 0x2AF9, 0x40, 0x79, 0x35, 0x4CF, 0xC000020D),
    "logon": (0x52E, 0x52F, 0x569, 0x51F, 0x6FB, 0x6FC, 0xC0000192, 0xC000005E, 0xC000006D),
    "rpc": (0x6BA, 0x6BB, 0x6BE, 0x6D9, 0x80010108, 0xC0020017),
    "sspi": (0x8009030E, 0x8009030D, 0x80090322, 0x80090311, 0x8009030C, 0x80090325),
    "cluster": (0x1398, 0x13AB, 0x138F, 0x13BA),
    "winrm": (0x803381A5, 0x80338012, 0x80338126, 0x803381B9),
    "hypervisor": (0xC0370027, 0xC035003C, 0xC035000B, 0x80048054),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_there(family: str) -> None:
    """The families of the reference, not six numbers of one report: storage, network, logon, RPC, SSPI, cluster."""
    assert [spelled(number) for number in FAMILIES[family] if number not in table()] == []


CASE_11 = {0x299, 0xC03A001A, 0x17, 0x3A, 3, 0x52F}


@pytest.mark.parametrize("number", sorted(CASE_11), ids=spelled)
def test_what_never_passes_is_not_tried_again(number: int) -> None:
    """Case 11 of the field: a second try would copy everything again, and end the same."""
    said = diagnose([HostWord(f"Etwas ist schiefgegangen ({spelled(number)})", "OperationFailed,X")])
    assert said.fault in {Fault.VM, Fault.PAIR, Fault.HOST}, said
    assert said.hint


def test_a_number_that_says_nothing_leaves_the_word_to_the_others() -> None:
    """Case 9 of the field: "incorrect function (0x00000001)" stands beside the number that says why."""
    assert rule_of(numbers_in("Incorrect function. (0x00000001)")) is None
    found = rule_of(numbers_in("正しくない機能。(0x00000001)\n不明なエラー (0x80048054)"))
    assert found is not None
    assert found.rule == "cpu"


@pytest.mark.parametrize(
    "text", ["", "x", "0x", "0x0", "0", "0x80070000", "4294967296", "-2147483649", "1.5", "0x123456789"]
)
def test_a_person_is_told_what_is_no_number(text: str) -> None:
    """What the settings cannot mean is an error, in words."""
    with pytest.raises(ValueError, match="for example 0x80070299"):
        parse(text)


def test_the_page_of_numbers_is_what_its_command_writes() -> None:
    """docs/generated/windows-numbers.md shows the table as it is."""
    assert read("docs/generated/windows-numbers.md") == generated.page()
