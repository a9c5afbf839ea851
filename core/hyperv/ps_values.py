"""Reads one PowerShell object in any form it takes on the wire, or says which property of which host cannot be read.

``Select-Object`` sends enums as objects with a name and a number, the bare cmdlet sends strings; CIM instances carry
plain numbers; an object of types pypsrp does not know arrives as XML text (PowerShell source: serialization.cs).
"""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

from pypsrp.complex_objects import GenericComplexObject
from pypsrp.serializer import Serializer

from core.errors import MalformedReply
from core.hyperv.enum_names import number_of

_WHOLE = re.compile(r"[+-]?\d{1,20}")
_DURATION = re.compile(
    r"(-)?P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?",
)
_LISTS = ("LST", "IE", "STK", "QUE")
_SHOWN = 60


def thaw(value: Any) -> Any:
    """Return an object for the XML text pypsrp hands out when it knows none of an object's types; others unchanged."""
    if not isinstance(value, str) or not value.startswith(("<Obj", *(f"<{name}" for name in _LISTS))):
        return value
    try:
        root = ET.fromstring(value)  # noqa: S314  # pypsrp has already parsed this very text
        if root.tag in _LISTS:
            wrapper = ET.Element("Obj", RefId="0")
            wrapper.append(root)
            root = wrapper
        for element in root.iter("Obj"):
            _retype(element)
        return Serializer().deserialize(root)
    except (ET.ParseError, LookupError, ValueError, TypeError, AttributeError):
        return value  # a text after all; whoever wanted something else from it will say so


def _retype(element: ET.Element) -> None:
    """Replace type names by the two pypsrp can always read: a list, or any object."""
    for name in ("TN", "TNRef"):
        for child in element.findall(name):
            element.remove(child)
    for child in element:
        if child.tag in _LISTS:
            child.tag = "LST"
            types = ET.Element("TN", RefId=f"list-{element.get('RefId', '')}")
            ET.SubElement(types, "T").text = "System.Array"
            element.insert(0, types)
            return


def number_in(value: Any) -> int | None:
    """Return the whole number a value is or carries, None when there is none."""
    value = thaw(value)
    if isinstance(value, GenericComplexObject):
        return next((n for n in map(number_in, value.property_sets[:1]) if n is not None), None)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return None


def text_in(value: Any) -> str:
    """Return the text a value is or prints as; empty for nothing."""
    thawed = thaw(value)
    said = thawed.to_string if isinstance(thawed, GenericComplexObject) else None
    if isinstance(value, str):
        return said or value  # it looked like XML, but somebody may have named a VM like this
    if isinstance(thawed, GenericComplexObject):
        return said if isinstance(said, str) else ""
    return "" if value is None else str(value)


def items_in(value: Any) -> list[Any]:
    """Return the entries of a list in any form; nothing is no entry, a single value is one."""
    value = thaw(value)
    if isinstance(value, GenericComplexObject) and len(value.property_sets) == 1:
        inner = thaw(value.property_sets[0])
        if isinstance(inner, list):
            return inner
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def duration_in(text: str) -> float | None:
    """Return the seconds of an XML duration (``P1DT2H3M4.5S``), None when it is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or text.strip().rstrip("T") in {"P", "-P"}:
        return None
    sign, days, hours, minutes, seconds = match.groups()
    total = int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    return -total if sign else total


class PsRow:
    """One object of a reply. Every getter raises MalformedReply naming the host, the command and the property."""

    def __init__(self, host: str, source: str, value: Any) -> None:
        self._host = host
        self._source = source
        value = thaw(value)
        if isinstance(value, GenericComplexObject):
            found = {**value.adapted_properties, **value.extended_properties}
        elif isinstance(value, dict):
            found = value
        else:
            raise self._malformed("an object", value)
        self._values = {str(name).casefold(): item for name, item in found.items()}

    def has(self, name: str) -> bool:
        """Whether the property is there and not null."""
        return self._values.get(name.casefold()) is not None

    def raw(self, name: str) -> Any:
        """Return a property as it came; None when it is not there."""
        return self._values.get(name.casefold())

    def text(self, name: str) -> str:
        """Return a text; empty for null or a missing property."""
        value = self._values.get(name.casefold())
        if isinstance(value, list | dict):
            raise self._malformed(f"a text in {name}", value)
        return text_in(value)

    def label(self, name: str) -> str:
        """Return a text that must not be empty."""
        found = self.text(name)
        if not found:
            raise self._malformed(f"a text in {name}", self._values.get(name.casefold()))
        return found

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number; null and missing give the default, if there is one."""
        value = self._values.get(name.casefold())
        found = default if value is None else number_in(value)
        if found is None:
            raise self._malformed(f"a number in {name}", value)
        return found

    def count(self, name: str) -> int:
        """Return a whole number that is not negative."""
        found = self.number(name)
        if found < 0:
            raise self._malformed(f"a count in {name}", found)
        return found

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Return a yes or no; null and missing give the default, if there is one."""
        value = self._values.get(name.casefold())
        if value is None and default is not None:
            return default
        if isinstance(value, bool):
            return value
        word = text_in(value).strip().casefold()
        if word in {"true", "false"}:
            return word == "true"
        raise self._malformed(f"true or false in {name}", value)

    def guid(self, name: str) -> UUID:
        value = self._values.get(name.casefold())
        if isinstance(value, UUID):
            return value
        try:
            return UUID(text_in(value).strip())
        except ValueError:
            raise self._malformed(f"a Guid in {name}", value) from None

    def member(self, name: str, names: dict[str, int], *, unknown: int, default: int | None = None) -> int:
        """Return the number of an enum value: what it carries, else what its name stands for, else ``unknown``.

        Null and missing give the default; without one they cannot be read.
        """
        value = self._values.get(name.casefold())
        if value is None:
            if default is None:
                raise self._malformed(f"a value in {name}", value)
            return default
        return self._member(name, names, value, unknown)

    def members(self, name: str, names: dict[str, int], *, unknown: int) -> tuple[int, ...]:
        """Return the numbers of a list of enum values; null and missing give none."""
        found = items_in(self._values.get(name.casefold()))
        return tuple(self._member(name, names, value, unknown) for value in found if value is not None)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; null and missing give none."""
        return tuple(filter(None, map(text_in, items_in(self._values.get(name.casefold())))))

    def octets(self, name: str) -> bytes:
        """Return an array of bytes that must not be empty."""
        value = self._values.get(name.casefold())
        if not isinstance(value, bytes) or not value:
            raise self._malformed(f"bytes in {name}", value)
        return value

    def seconds(self, name: str) -> float:
        """Return a TimeSpan in seconds; null and missing give 0."""
        text = self.text(name)
        found = duration_in(text) if text else 0.0
        if found is None:
            raise self._malformed(f"a time span in {name}", text)
        return found

    def moment(self, name: str) -> datetime | None:
        """Return a point in time in UTC; null and missing give None. A time without a zone is taken as UTC."""
        text = self.text(name).strip()
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._malformed(f"a time in {name}", text) from None

    def _member(self, name: str, names: dict[str, int], value: Any, unknown: int) -> int:
        value = thaw(value)
        number = number_in(value)
        if number is not None:
            return number
        text = text_in(value) if isinstance(value, GenericComplexObject | str) else ""
        if not text:
            raise self._malformed(f"a value in {name}", value)
        found = number_of(names, text)
        return unknown if found is None else found

    def _malformed(self, wanted: str, value: Any) -> MalformedReply:
        shown = text_in(value) if isinstance(value, GenericComplexObject) else repr(value)
        if len(shown) > _SHOWN:
            shown = shown[:_SHOWN] + "…"
        return MalformedReply(self._host, f"{self._host} answered {self._source} without {wanted}: {shown}.")
