"""Says .NET values in JSON as the stand-in cmdlets read them, and reads what they send (Cmdlets.cs: Values, Plain)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from lab.hyperv.remoting.dotnet_values import (
    Array,
    Byte,
    CimReference,
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
from lab.hyperv.remoting.records import Category

if TYPE_CHECKING:
    from lab.hyperv.remoting.dotnet_values import ErrorDetail
    from lab.hyperv.remoting.records import Progress

_INTEGERS: Final = {int: "int", Int64: "long", Byte: "byte", UInt16: "ushort", UInt32: "uint", UInt64: "ulong"}
_DEPTH: Final = 2
"""How deep objects in objects go; below, each is its text."""


def write(value: Value, depth: int = _DEPTH) -> Any:
    """Return a value as JSON."""
    if value is None or isinstance(value, bool) or type(value) is str:
        return value
    if (kind := _INTEGERS.get(type(value))) is not None:
        return {"t": kind, "v": int(value)}
    if isinstance(value, EnumValue):
        return {"t": "enum", "of": value.type_name, "v": value.number}
    if isinstance(value, bytes):
        return {"t": "list", "of": "System.Byte[]", "v": [{"t": "byte", "v": octet} for octet in value]}
    if isinstance(value, Array | list | tuple):
        items = value.items if isinstance(value, Array) else value
        of = value.type_name if isinstance(value, Array) else "System.Object[]"
        return {"t": "list", "of": of, "v": [write(item, depth) for item in items]}
    if isinstance(value, NetObject | NoteObject):
        return str(value) if depth == 0 else _object(value, depth - 1)
    return _scalar(value)


def _object(value: NetObject | NoteObject, depth: int) -> dict[str, Any]:
    if isinstance(value, NoteObject):
        props = {name: write(item, depth) for name, item in value.properties.items()}
        return {"t": "obj", "types": list(value.type_names), "text": None, "props": props, "ext": {}}
    return {
        "t": "obj",
        "types": list(value.type_names),
        "text": str(value),
        "props": {name: write(value.get(name), depth) for name in value.type.properties},
        "ext": {name: write(value.get(name), depth) for name in value.type.aliases},
    }


def _scalar(value: Value) -> dict[str, Any]:
    if isinstance(value, Version):
        return {"t": "version", "v": str(value)}
    if isinstance(value, UUID):
        return {"t": "guid", "v": str(value)}
    if isinstance(value, timedelta):
        return {"t": "span", "v": value.total_seconds()}
    if isinstance(value, datetime):
        return {"t": "date", "v": value.isoformat()}
    if isinstance(value, float):
        return {"t": "double", "v": value}
    raise TypeError(f"no JSON form for {type(value).__name__}")


def read(value: Any) -> Value:
    """Return a parameter's value: a table with t is a Guid or a reference, any other a Hashtable."""
    if isinstance(value, dict):
        if value.get("t") == "ref" and set(value) == {"t", "class", "key"}:
            return CimReference(value["class"], value["key"])
        if value.get("t") == "guid" and set(value) == {"t", "v"}:
            return UUID(value["v"])
        return {name: read(item) for name, item in value.items()}
    return [read(item) for item in value] if isinstance(value, list) else value


def write_error(detail: ErrorDetail, *, is_terminating: bool) -> dict[str, Any]:
    """Return the line for an error."""
    return {
        "kind": "terminating" if is_terminating else "error",
        "message": detail.message,
        "id": detail.fqid,
        "category": Category(detail.category).name,
        "target": None if detail.target is None else str(detail.target),
    }


def write_progress(record: Progress) -> dict[str, Any]:
    """Return the line for a progress record."""
    return {
        "kind": "progress",
        "activity": record.activity,
        "status": record.status,
        "percent": record.percent,
        "completed": record.is_last,
    }
