"""The .NET values that travel between cmdlets: exact integer widths, enums, arrays and objects with lazy properties."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

OBJECT: Final = "System.Object"


class Byte(int):
    """System.Byte."""

    __slots__ = ()


class UInt16(int):
    """System.UInt16."""

    __slots__ = ()


class UInt32(int):
    """System.UInt32."""

    __slots__ = ()


class UInt64(int):
    """System.UInt64."""

    __slots__ = ()


class Int64(int):
    """System.Int64; a plain int is System.Int32."""

    __slots__ = ()


class Version(str):
    """System.Version."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A member of a .NET enum; a number without a member prints as itself."""

    type_name: str
    number: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Array:
    """A typed array, e.g. `System.String[]`."""

    type_name: str
    items: Sequence[Value]

    def __str__(self) -> str:
        return " ".join(map(str, self.items))


@dataclass(frozen=True, slots=True)
class CimReference:
    """A reference to a CIM instance: its class and the value of its key."""

    cim_class: str
    key: str


Value: TypeAlias = Any
"""None, bool, str, bytes, int and its widths, float, UUID, datetime, timedelta, EnumValue, Array, objects, lists."""


@dataclass(frozen=True, slots=True)
class NetType:
    """A class: its name chain (most derived first, without System.Object) and how each property is read.

    `aliases` are the names its types file adds (VMId for Id): they serialize beside, not among, the .NET properties.
    """

    names: tuple[str, ...]
    properties: Mapping[str, Callable[[Any], Value]]
    _: KW_ONLY
    aliases: Mapping[str, str] = field(default_factory=dict)
    to_string: Callable[[Any], str] | None = None
    by_lower_name: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        names = {name.lower(): name for name in self.properties} | {name.lower(): name for name in self.aliases}
        object.__setattr__(self, "by_lower_name", names)


class NetObject:
    """One .NET object: its class and the picture its properties are read from, when somebody asks."""

    __slots__ = ("source", "type")

    def __init__(self, net_type: NetType, source: Any) -> None:
        self.type = net_type
        self.source = source

    @property
    def type_names(self) -> tuple[str, ...]:
        return (*self.type.names, OBJECT)

    def has(self, name: str) -> bool:
        return name.lower() in self.type.by_lower_name

    def get(self, name: str) -> Value:
        """Return a property by its case-insensitive name or alias; None when there is none, as PowerShell does."""
        exact = self.type.by_lower_name.get(name.lower())
        if exact is None:
            return None
        return self.type.properties[self.type.aliases.get(exact, exact)](self.source)

    def property_names(self) -> Iterable[str]:
        return (*self.type.properties, *self.type.aliases)

    def __str__(self) -> str:
        return self.type.to_string(self.source) if self.type.to_string else self.type.names[0]


class NoteObject:
    """A PSCustomObject: note properties only, e.g. what Select-Object makes."""

    __slots__ = ("properties", "type_names")

    def __init__(self, properties: dict[str, Value], selected_from: str | None = None) -> None:
        self.properties = properties
        custom = ("System.Management.Automation.PSCustomObject", OBJECT)
        self.type_names: tuple[str, ...] = custom if selected_from is None else (f"Selected.{selected_from}", *custom)

    def has(self, name: str) -> bool:
        return any(name.lower() == known.lower() for known in self.properties)

    def get(self, name: str) -> Value:
        if name in self.properties:
            return self.properties[name]
        return next((value for known, value in self.properties.items() if known.lower() == name.lower()), None)

    def property_names(self) -> Iterable[str]:
        return tuple(self.properties)

    def __str__(self) -> str:
        return "@{" + "; ".join(f"{name}={value}" for name, value in self.properties.items()) + "}"


@dataclass(frozen=True, slots=True)
class Thrown:
    """An exception that PowerShell itself threw, inside another one or as an error's own."""

    exception_type: str
    message: str
    own: tuple[tuple[str, Value], ...] = ()
    """What its class has besides the properties of every exception."""
    cause: Thrown | None = None
    is_traced: bool = True
    """Whether it was really thrown, and so has a stack trace, or only made for the record."""


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """A PowerShell ErrorRecord before it becomes XML."""

    message: str
    fqid: str
    category: int
    _: KW_ONLY
    exception_type: str = "System.Exception"
    target: Value = None
    activity: str = ""
    hresult: int = -2146233088
    """COR_E_EXCEPTION unless the cause is known."""
    thrown: Thrown | None = None
    """Set when PowerShell made it, with more to say than a message."""
    command: str = ""
    """The command that ran; empty is the activity. Neither: the pipeline had not come so far."""
    is_in_function: bool = False
    """Whether a function wrote it, or a cmdlet that a function wraps."""

    @property
    def reason(self) -> str:
        return self.exception_type.rpartition(".")[2]


def type_name_of(value: Value) -> str:
    """Return the name Select-Object puts behind `Selected.`."""
    if isinstance(value, NetObject | NoteObject):
        return value.type_names[0]
    if isinstance(value, EnumValue | Array):
        return value.type_name
    return next((name for kind, name in _NAMES if isinstance(value, kind)), OBJECT)


_NAMES: Final = (
    (bool, "System.Boolean"),
    (Byte, "System.Byte"),
    (UInt16, "System.UInt16"),
    (UInt32, "System.UInt32"),
    (UInt64, "System.UInt64"),
    (Int64, "System.Int64"),
    (int, "System.Int32"),
    (str, "System.String"),
    (bytes, "System.Byte[]"),
    (UUID, "System.Guid"),
    (list | tuple, "System.Object[]"),
    (dict, "System.Collections.Hashtable"),
)
