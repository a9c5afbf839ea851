"""How the data of events is kept as JSON.

A key that was not written yet when an old row was made has the default of its field, here and nowhere else.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any, get_type_hints

from core.domain.model import event_data
from core.domain.model.event_data import EventData, EventKind, Kept, Quote, VmNews

DATA_OF: Mapping[EventKind, type[EventData]] = {
    of.kind: of
    for of in (
        event_data.Proposed,
        event_data.Checked,
        event_data.Approval,
        event_data.Approved,
        event_data.Rejected,
        event_data.Edited,
        event_data.Expired,
        event_data.Withdrawn,
        event_data.CancelAsked,
        event_data.CancelUnmet,
        event_data.Replanned,
        event_data.Held,
        event_data.Starting,
        event_data.Moving,
        event_data.NotStarted,
        event_data.Adopted,
        event_data.Verifying,
        event_data.Moved,
        event_data.Done,
        event_data.MovedByOthers,
        event_data.Retrying,
        event_data.Failed,
        event_data.Unmigratable,
        event_data.Cancelled,
        event_data.Lost,
        event_data.Paused,
        event_data.Continued,
        event_data.Stuck,
        event_data.Answered,
        event_data.Late,
        event_data.Tidied,
        event_data.Acknowledged,
        event_data.Escalated,
        event_data.Finished,
        event_data.Stopped,
        event_data.Resumed,
        event_data.Digest,
        event_data.OwnerTold,
        event_data.OwnerHeld,
        event_data.OwnerReleased,
        event_data.Unsaid,
        event_data.Other,
    )
}
"""The class of each kind's data."""


def to_json(data: EventData) -> dict[str, Any]:
    """Write the data as JSON values, in the order of its fields."""
    written = ((one, getattr(data, one.name)) for one in fields(data))
    return {one.name: _plain(value) for one, value in written if value != one.default or not one.metadata}


def from_json(kind: EventKind, values: Mapping[str, Any]) -> EventData:
    """Read the data of an event; what is missing or unreadable has its field's default."""
    of, known = DATA_OF[kind], {}
    for name, read in _READERS_OF[kind].items():
        with suppress(KeyError, TypeError, ValueError):
            known[name] = read(values[name])
    return of(**known)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(int(item) for item in value)


def _pairs(value: Any) -> Kept:
    return tuple((str(path), str(reason)) for path, reason in value)


def _quote(value: Any) -> Quote | None:
    return Quote(
        id=int(value["id"]),
        kind=EventKind(value["kind"]),
        at=datetime.fromisoformat(str(value["at"])),
        data=dict(value["data"]),
    )


def _vm_news(value: Any) -> tuple[VmNews, ...]:
    return tuple(
        VmNews(
            move=int(one["move"]),
            name=str(one["name"]),
            source=str(one["source"]),
            destination=str(one["destination"]),
            state=str(one["state"]),
            seconds=float(one.get("seconds", 0.0)),
            words=str(one.get("words", "")),
        )
        for one in value
    )


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    tuple[str, ...]: _texts,
    tuple[int, ...]: _numbers,
    Kept: _pairs,
    int | None: lambda value: None if value is None else int(value),
    datetime | None: lambda value: datetime.fromisoformat(str(value)),
    Quote | None: _quote,
    tuple[VmNews, ...]: _vm_news,
}
"""How a type is read from JSON; any other is its own reader: text, numbers, enums."""


def _readers(of: type[EventData]) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(of)
    return {one.name: _READERS.get(hints[one.name], hints[one.name]) for one in fields(of)}


_READERS_OF = {kind: _readers(of) for kind, of in DATA_OF.items()}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case StrEnum():
            return value.value
        case Quote():
            return {"id": value.id, "kind": value.kind.value, "at": value.at.isoformat(), "data": dict(value.data)}
        case VmNews():
            return {one.name: getattr(value, one.name) for one in fields(value)}
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return value
