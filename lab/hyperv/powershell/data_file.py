"""Reads a PowerShell data file (.psd1, .psrc, .pssc) as PowerShell reads it: one hashtable of values, nothing is run.

Tables, lists, texts of both kinds with their escapes, numbers, $true, $false, $null, comments; a script block is its
text. Sources: PowerShell language specification 2.3 and 7.1; each form was compared with Import-PowerShellDataFile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SINGLE: Final = "'\u2018\u2019\u201a\u201b"
_DOUBLE: Final = '"\u201c\u201d\u201e'
"""PowerShell takes typographic quotes for plain ones, as editors insert them."""
_ESCAPES: Final = {"0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CONSTANTS: Final[Mapping[str, bool | None]] = {"$true": True, "$false": False, "$null": None}
_UNITS: Final = {"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_END: Final = "end of file"
_BLANK = re.compile(r"(?:[ \t\r\f\v\u00a0]+|`\r?\n|<#.*?#>|#[^\n]*)+", re.DOTALL)
_NUMBER = re.compile(r"([+-]?)(?:(0x[0-9a-f]+)|(\d+\.\d*|\.\d+|\d+)(e[+-]?\d+)?)([kmgtp]b|)(?![\w.])", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d][\w-]*")
_VARIABLE = re.compile(r"\$\w+")
_HERE_TEXT = re.compile(r"@(['\"])[ \t]*\r?\n(.*?)\r?\n\1@", re.DOTALL)
_EMPTY_HERE_TEXT = re.compile(r"@(['\"])[ \t]*\r?\n\1@")

DataValue: TypeAlias = "Table | ScriptText | list[DataValue] | str | int | float | bool | None"


class DataFileError(Exception):
    """The text is no data file: PowerShell would refuse it too."""

    def __init__(self, text: str, at: int, message: str) -> None:
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        super().__init__(f"line {line}, column {column}: {message}")


@dataclass(frozen=True, slots=True)
class ScriptText:
    """A script block: the text between its braces."""

    text: str


class Table(dict[str, "DataValue"]):
    """A hashtable; keys are found in any case and keep the case they were written in."""

    def find(self, key: str) -> DataValue:
        """Return a value by its key in any case; None when there is none."""
        return next((value for known, value in self.items() if known.lower() == key.lower()), None)


def read_data_file(text: str) -> Table:
    """Return the one hashtable of a data file. Raises `DataFileError`."""
    reader = _Reader(text.removeprefix("\ufeff"))
    reader.skip_lines()
    if not reader.sees("@{"):
        raise reader.error("a data file holds one hashtable, @{ … }")
    table = reader.table()
    reader.skip_lines()
    if not reader.is_at_end:
        raise reader.error("something follows the hashtable")
    return table


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._text)

    def error(self, message: str, at: int | None = None) -> DataFileError:
        return DataFileError(self._text, self._at if at is None else at, message)

    def sees(self, token: str) -> bool:
        return self._text.startswith(token, self._at)

    def skip_lines(self) -> None:
        """Pass blanks, comments and ends of lines."""
        while self._skip_blanks() or self._take("\n"):
            pass

    def _skip_blanks(self) -> bool:
        match = _BLANK.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match is not None

    def _skip_separators(self) -> bool:
        """Pass ends of lines and semicolons; say whether there were any."""
        begun_at, found = self._at, False
        while self._skip_blanks() or (self._take("\n") or self._take(";")):
            found = found or self._text[self._at - 1] in "\n;" or "\n" in self._text[begun_at : self._at]
        return found

    def _take(self, token: str) -> bool:
        if not self.sees(token):
            return False
        self._at += len(token)
        return True

    # --- tables and lists

    def table(self) -> Table:
        begun_at = self._at
        self._at += len("@{")
        found = Table()
        self._skip_separators()
        while not self._take("}"):
            if self.is_at_end:
                raise self.error("this hashtable is not closed", begun_at)
            self._entry(found)
            if not self._skip_separators() and not self.sees("}") and not self.is_at_end:
                raise self.error("two entries of a hashtable need a new line or a ; between them")
        return found

    def _entry(self, found: Table) -> None:
        at = self._at
        key = self._key()
        if key.lower() in {known.lower() for known in found}:
            raise self.error(f"the key {key} is there twice", at)
        self._skip_blanks()
        if not self._take("="):
            raise self.error(f"= is missing after the key {key}")
        self.skip_lines()
        found[key] = self._values()

    def _key(self) -> str:
        if self._text[self._at] in _SINGLE + _DOUBLE:
            return self._quoted()
        if match := _NAME.match(self._text, self._at) or _NUMBER.match(self._text, self._at):
            self._at = match.end()
            return match[0]
        raise self.error("a key is a word, a number or a quoted text")

    def _values(self) -> DataValue:
        """Read one value, or several with commas between them, which are a list."""
        is_list = self._take(",")
        self._skip_blanks()
        values = [self._value()]
        self._skip_blanks()
        while self._take(","):
            is_list = True
            self.skip_lines()
            values.append(self._value())
            self._skip_blanks()
        return values if is_list else values[0]

    def _list(self) -> list[DataValue]:
        begun_at = self._at
        self._at += len("@(")
        found: list[DataValue] = []
        self._skip_separators()
        while not self._take(")"):
            if self.is_at_end:
                raise self.error("this list is not closed", begun_at)
            value = self._values()
            # What stands alone is spread into the list: @(@(1, 2)) has two elements.
            found += value if isinstance(value, list) else [value]
            if not self._skip_separators() and not self.sees(")") and not self.is_at_end:
                raise self.error("two elements of a list need a comma, a new line or a ; between them")
        return found

    def _group(self) -> DataValue:
        begun_at = self._at
        self._at += 1
        self.skip_lines()
        value = self._values()
        self.skip_lines()
        if not self._take(")"):
            raise self.error("this parenthesis is not closed", begun_at)
        return value

    def _value(self) -> DataValue:
        if self.is_at_end:
            raise self.error("a value is missing")
        if match := _HERE_TEXT.match(self._text, self._at) or _EMPTY_HERE_TEXT.match(self._text, self._at):
            return self._here_text(match)
        for token, read in (("@{", self.table), ("@(", self._list), ("(", self._group), ("{", self._script)):
            if self.sees(token):
                value: DataValue = read()
                return value
        if self._text[self._at] in _SINGLE + _DOUBLE:
            return self._quoted()
        if match := _VARIABLE.match(self._text, self._at):
            if match[0].lower() not in _CONSTANTS:
                raise self.error(f"{match[0]}: a data file knows no variables but $true, $false and $null")
            self._at = match.end()
            return _CONSTANTS[match[0].lower()]
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            return _number(match)
        word = re.match(r"[^\s,;(){}]*", self._text[self._at :])
        raise self.error(
            f"{(word and word[0]) or self._text[self._at]!r} is no value: texts need quotes, nothing is run"
        )

    # --- texts

    def _quoted(self) -> str:
        return self._single() if self._text[self._at] in _SINGLE else self._double()

    def _single(self) -> str:
        begun_at = self._at
        self._at += 1
        found: list[str] = []
        while not self.is_at_end:
            char = self._next()
            if char not in _SINGLE:
                found.append(char)
            elif self._coming() in _SINGLE:
                found.append(self._next())
            else:
                return "".join(found)
        raise self.error("this text is not closed", begun_at)

    def _double(self) -> str:
        begun_at = self._at
        self._at += 1
        found: list[str] = []
        while not self.is_at_end:
            char = self._next()
            if char in _DOUBLE:
                if self._coming() not in _DOUBLE:
                    return "".join(found)
                char = self._next()
            elif char == "`" and self._coming() != _END:
                char = self._escape()
            elif char == "$":
                self._refuse_expansion()
            found.append(char)
        raise self.error("this text is not closed", begun_at)

    def _coming(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else _END

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _escape(self) -> str:
        char = self._next()
        return _ESCAPES.get(char, char)

    def _refuse_expansion(self) -> None:
        following = self._text[self._at : self._at + 1]
        if following and (following.isalnum() or following in "_({?^$:"):
            raise self.error("a data file expands nothing in a text: use single quotes, or `$", self._at - 1)

    def _here_text(self, match: re.Match[str]) -> str:
        text = match[2] if match.re is _HERE_TEXT else ""
        if match[1] == '"' and re.search(r"[`$]", text):
            raise self.error("the lab reads no ` and no $ in @\"…\"@: use @'…'@")
        self._at = match.end()
        return text

    def _script(self) -> ScriptText:
        begun_at = self._at
        self._at += 1
        depth = 1
        for at in self._braces():
            depth += 1 if self._text[at] == "{" else -1
            if depth == 0:
                text, self._at = self._text[begun_at + 1 : at], at + 1
                return ScriptText(text)
        raise self.error("this script block is not closed", begun_at)

    def _braces(self) -> Iterator[int]:
        """Yield where the braces of a script are, leaving out those in its texts and comments."""
        while not self.is_at_end:
            char = self._text[self._at]
            if (match := _HERE_TEXT.match(self._text, self._at)) or (match := _BLANK.match(self._text, self._at)):
                self._at = match.end()
            elif char in _SINGLE:
                self._single()
            elif char in _DOUBLE:
                self._pass_double()
            elif char == "`":
                self._at += 2
            else:
                if char in "{}":
                    yield self._at
                self._at += 1

    def _pass_double(self) -> None:
        begun_at = self._at
        self._at += 1
        while not self.is_at_end:
            char = self._next()
            if char == "`":
                self._at += 1
            elif char in _DOUBLE:
                return
        raise self.error("this text is not closed", begun_at)


def _number(match: re.Match[str]) -> int | float:
    sign, hexadecimal, digits, exponent, unit = match.groups()
    is_whole = hexadecimal is not None or (exponent is None and "." not in digits)
    value: int | float
    value = int(hexadecimal or digits, 16 if hexadecimal else 10) if is_whole else float(digits + (exponent or ""))
    return (-value if sign == "-" else value) * _UNITS[unit.lower()]
