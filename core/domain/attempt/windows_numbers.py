r"""Reads the numbers in a host's words, and knows by a table which rule each belongs to.

One number has many spellings: 0x80070005, 2147942405, -2147024891 and (0x5) are all ERROR_ACCESS_DENIED, as HRESULT, as
the same in decimal, signed, and bare. NTSTATUS numbers come bare (0xC0000022) or as HRESULT_FROM_NT (0xD0000022).
Source: MS-ERREF 2.1 (HRESULT), 2.2 (Win32), 2.3 (NTSTATUS). The table is ``windows_numbers.toml`` beside this module.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

SAYS_NOTHING = "says-nothing"
"""The rule of numbers that say that something failed, and not what: others decide before them."""

_WORD = 0xFFFF
_LONGEST = 0xFFFF_FFFF
_WIN32 = frozenset({0x8007, 0xC007})
"""HRESULT_FROM_WIN32, and an NTSTATUS of the same facility: the Win32 number is in the lower half."""
_NT_BIT = 0x1000_0000
_FAILED_NT = 0xC000_0000
_HRESULT_OF_NT = 0xD000_0000

# Not \b: between a Japanese letter and a digit there is none.
_SPELLINGS = re.compile(
    r"(?<![0-9A-Za-z])0x(?P<hex>[0-9A-Fa-f]{8})(?![0-9A-Za-z])"
    r"|[(\uFF08]0x(?P<short>[0-9A-Fa-f]{1,7})[)\uFF09]"
    r"|(?<![0-9A-Za-z])-(?P<signed>\d{9,10})(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.,-])(?P<plain>[234]\d{9})(?![0-9A-Za-z])"
)
_WRITTEN = re.compile(r"0x[0-9A-Fa-f]{1,8}|-?\d{1,10}")


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """A row of the table. ``is_seen``: Microsoft, or a public log, shows it for a live migration or a login."""

    number: int
    name: str
    rule: str
    is_seen: bool

    @property
    def shown(self) -> str:
        """The number as hosts mostly write it."""
        return spelled(self.number)


def canonical(number: int) -> int:
    """Return one form for all spellings: Win32 numbers as they are, all others as unsigned 32 bits."""
    unsigned = number + _LONGEST + 1 if number < 0 else number
    if unsigned >> 16 in _WIN32:
        return unsigned & _WORD
    if unsigned & 0xF000_0000 == _HRESULT_OF_NT:
        unsigned -= _NT_BIT
    return canonical(unsigned) if unsigned >> 16 in _WIN32 else unsigned


def spelled(number: int) -> str:
    """Write a number in the form that hosts mostly use: 0x80070005."""
    return f"0x8007{number:04X}" if number <= _WORD else f"0x{number:08X}"


def parse(text: str) -> int:
    """Read a number as a person writes it: hexadecimal, decimal or negative.

    Raises:
        ValueError: it is none, or one that means success.

    """
    written = text.strip()
    if not _WRITTEN.fullmatch(written):
        raise ValueError(f"{text!r} is no number of Windows; write it as hosts do, for example 0x80070299")
    number = int(written, 16) if written.lower().startswith("0x") else int(written)
    if not -(_LONGEST // 2) - 1 <= number <= _LONGEST or not canonical(number):
        raise ValueError(f"{text!r} is no number of an error; write it as hosts do, for example 0x80070299")
    return canonical(number)


def numbers_in(text: str) -> tuple[int, ...]:
    """Return every number of an error in a text, canonical, in the order in which they stand."""
    found = []
    for match in _SPELLINGS.finditer(text):
        if match["hex"] or match["short"]:
            number = int(match["hex"] or match["short"], 16)
        else:
            number = -int(match["signed"]) if match["signed"] else int(match["plain"])
        if -(_LONGEST // 2) - 1 <= number <= _LONGEST:
            found.append(canonical(number))
    return tuple(dict.fromkeys(found))


@cache
def table() -> Mapping[int, KnownNumber]:
    """Return every known number by its canonical form."""
    text = resources.files(__package__ or "").joinpath("windows_numbers.toml").read_text(encoding="utf-8")
    known: dict[int, KnownNumber] = {}
    for rule, rows in tomllib.loads(text).items():
        for row in rows:
            written, _, name = row.partition(" ")
            number = parse(written.rstrip("*"))
            known[number] = KnownNumber(number, name, rule, written.endswith("*"))
    return known


def rule_of(numbers: tuple[int, ...]) -> KnownNumber | None:
    """Return what decides among numbers: the first that says something."""
    known = [table()[number] for number in numbers if number in table()]
    return next((one for one in known if one.rule != SAYS_NOTHING), None)
