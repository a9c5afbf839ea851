"""Writes CLIXML as a remote Windows PowerShell 5.1 does: at depth 1, enums as objects or strings by where they stand.

Sources: PowerShell's serialization.cs (depth, enums, collections), MS-PSRP 2.2.5 (elements, string escapes).
"""

from __future__ import annotations

import base64
import re
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

from lab.hyperv.remoting.dotnet_values import (
    OBJECT,
    Array,
    Byte,
    EnumValue,
    Int64,
    NetObject,
    NoteObject,
    UInt16,
    UInt32,
    UInt64,
    Value,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

REMOTING_DEPTH: Final = 1
_TICKS_PER_MICROSECOND: Final = 10
_NEEDS_ESCAPE = re.compile('[&<>"\u0000-\u001f\u007f-\u009f\ud800-\udfff\U00010000-\U0010ffff]|_(?=[xX])')
_ENUM_BASES: Final = ("System.Enum", "System.ValueType", OBJECT)
_ARRAY_BASES: Final = ("System.Array", OBJECT)
_INTEGER_TAGS: Final = {bool: "B", int: "I32", Int64: "I64", Byte: "By", UInt16: "U16", UInt32: "U32", UInt64: "U64"}
_XML_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "_": "_x005F_"}


def escape_text(text: str) -> str:
    """Return text for a CLIXML element or attribute; control characters and surrogates become `_xHHHH_`."""
    return _NEEDS_ESCAPE.sub(_escape_one, text)


def _escape_one(match: re.Match[str]) -> str:
    char = match.group()
    if (known := _XML_ESCAPES.get(char)) is not None:
        return known
    encoded = char.encode("utf-16-be", "surrogatepass")
    units = struct.unpack(f">{len(encoded) // 2}H", encoded)
    return "".join(f"_x{unit:04X}_" for unit in units)


def format_timespan(value: timedelta) -> str:
    """Return an xs:duration as .NET's XmlConvert writes it: `PT0S`, `P1DT2H3M4.5S`."""
    ticks = (value.days * 86400 + value.seconds) * 10_000_000 + value.microseconds * _TICKS_PER_MICROSECOND
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, fraction = divmod(ticks, 10_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if seconds or fraction:
        clock += f"{seconds}.{fraction:07d}".rstrip("0").rstrip(".") + "S"
    if not clock and not days:
        clock = "0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def format_datetime(value: datetime) -> str:
    """Return an xs:dateTime; aware values go out in UTC with a `Z`."""
    zone = ""
    if value.tzinfo is not None:
        value, zone = value.astimezone(UTC), "Z"
    fraction = f".{value.microsecond:06d}0" if value.microsecond else ""
    return f"{value:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"


def serialize(value: Value, depth: int = REMOTING_DEPTH) -> str:
    """Return one value as a CLIXML element."""
    writer = Writer()
    writer.value(value, depth)
    return writer.text()


@lru_cache(maxsize=1024)
def _attribute(name: str | None) -> str:
    return "" if name is None else f' N="{escape_text(name)}"'


@lru_cache(maxsize=1024)
def _type_names(chain: tuple[str, ...]) -> str:
    return "".join(f"<T>{escape_text(item)}</T>" for item in chain)


@lru_cache(maxsize=1024)
def _enum_chain(type_name: str) -> tuple[str, ...]:
    return (type_name, *_ENUM_BASES)


class Writer:
    """Builds one message: RefIds and type name references are unique within it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._objects = 0
        self._types: dict[tuple[str, ...], int] = {}

    def text(self) -> str:
        return "".join(self._parts)

    def value(self, value: Value, depth: int, name: str | None = None) -> None:
        """Write a value; below depth 0 an object is no more than its ToString()."""
        attribute = _attribute(name)
        if value is None:
            self._parts.append(f"<Nil{attribute} />")
        elif (tag := _INTEGER_TAGS.get(type(value))) is not None:
            self._parts.append(f"<{tag}{attribute}>{str(value).lower() if tag == 'B' else int(value)}</{tag}>")
        elif isinstance(value, str):
            tag = "Version" if isinstance(value, Version) else "S"
            self._parts.append(f"<{tag}{attribute}>{escape_text(value)}</{tag}>")
        elif isinstance(value, EnumValue):
            self._enum(value, depth, attribute, name)
        elif isinstance(value, Array | list | tuple):
            self._collection(value, depth, name)
        elif isinstance(value, NetObject | NoteObject):
            self._object(value, depth, name)
        elif isinstance(value, dict):
            self._dictionary(value, depth, name)
        else:
            tag, text = _scalar(value)
            self._parts.append(f"<{tag}{attribute}>{text}</{tag}>")

    def open(self, type_names: Sequence[str], name: str | None = None, to_string: str | None = None) -> int:
        """Begin an Obj and return its number; a chain of type names is written once per message, then referred to."""
        attribute, number = _attribute(name), self._objects
        self._parts.append(f'<Obj{attribute} RefId="{number}">')
        self._objects += 1
        if type_names:
            chain = tuple(type_names)
            known = self._types.get(chain)
            if known is None:
                known = self._types[chain] = len(self._types)
                self._parts.append(f'<TN RefId="{known}">{_type_names(chain)}</TN>')
            else:
                self._parts.append(f'<TNRef RefId="{known}" />')
        if to_string is not None:
            self._parts.append(f"<ToString>{escape_text(to_string)}</ToString>")
        return number

    def close(self) -> None:
        self._parts.append("</Obj>")

    def bag(self, tag: str, properties: Sequence[tuple[str, Value]], depth: int) -> None:
        """Write `Props` (.NET properties) or `MS` (members added in PowerShell)."""
        self._parts.append(f"<{tag}>")
        for name, value in properties:
            self.value(value, depth, name)
        self._parts.append(f"</{tag}>")

    def raw(self, xml: str) -> None:
        self._parts.append(xml)

    def _enum(self, value: EnumValue, depth: int, attribute: str, name: str | None) -> None:
        if depth < 1:
            self._parts.append(f"<S{attribute}>{escape_text(value.name)}</S>")
            return
        self.open(_enum_chain(value.type_name), name, value.name)
        self._parts.append(f"<I32>{value.number}</I32>")
        self.close()

    def _collection(self, value: Array | Sequence[Value], depth: int, name: str | None) -> None:
        type_name = value.type_name if isinstance(value, Array) else "System.Object[]"
        items = value.items if isinstance(value, Array) else value
        self.open((type_name, *_ARRAY_BASES), name)
        self._parts.append("<LST>")
        for item in items:
            self.value(item, depth)
        self._parts.append("</LST>")
        self.close()

    def _dictionary(self, value: dict[str, Value], depth: int, name: str | None) -> None:
        self.open(("System.Collections.Hashtable", OBJECT), name)
        self._parts.append("<DCT>")
        for key, item in value.items():
            self._parts.append("<En>")
            self.value(key, depth, "Key")
            self.value(item, depth, "Value")
            self._parts.append("</En>")
        self._parts.append("</DCT>")
        self.close()

    def _object(self, value: NetObject | NoteObject, depth: int, name: str | None) -> None:
        if depth < 1:
            attribute = _attribute(name)
            self._parts.append(f"<S{attribute}>{escape_text(str(value))}</S>")
            return
        if isinstance(value, NoteObject):
            self.open(value.type_names, name)
            self.bag("MS", list(value.properties.items()), depth)
        else:
            self.open(value.type_names, name, str(value))
            own = [(key, value.type.properties[key](value.source)) for key in value.type.properties]
            self.bag("Props", own, depth - 1)
            if value.type.aliases:
                self.bag("MS", [(key, value.get(key)) for key in value.type.aliases], depth)
        self.close()


def _scalar(value: Value) -> tuple[str, str]:
    if isinstance(value, UUID):
        return "G", str(value)
    if isinstance(value, timedelta):
        return "TS", format_timespan(value)
    if isinstance(value, datetime):
        return "DT", format_datetime(value)
    if isinstance(value, float):
        return "Db", repr(value)
    if isinstance(value, bytes):
        return "BA", base64.b64encode(value).decode()
    raise TypeError(f"no CLIXML form for {type(value).__name__}")
