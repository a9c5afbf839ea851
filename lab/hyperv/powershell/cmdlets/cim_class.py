"""What a CIM class of a simulated host is: its instances, and the exact type of every property."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Final

from lab.hyperv.remoting.dotnet_values import NetType, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.hyperv.world.world import World

CIM_INSTANCE: Final = "Microsoft.Management.Infrastructure.CimInstance"
VIRTUALIZATION: Final = "root/virtualization/v2"
CIMV2: Final = "root/cimv2"


@dataclass(frozen=True, slots=True)
class CimClass:
    """A class of one namespace: what reads its instances, and how each property of one is read."""

    namespace: str
    name: str
    _: KW_ONLY
    parents: tuple[str, ...]
    instances: Callable[[World, str], list[Any]]
    properties: dict[str, Callable[[Any], Value]]
    title: Callable[[Any], str]

    def net_type(self) -> NetType:
        chain = (self.name, *self.parents)
        names = tuple(f"{CIM_INSTANCE}#{self.namespace}/{name}" for name in chain)
        bare = tuple(f"{CIM_INSTANCE}#{name}" for name in chain)
        shown = {**self.properties, "PSComputerName": lambda item: item.host}
        return NetType((*names, *bare, CIM_INSTANCE), shown, to_string=lambda item: self.title(item.value))


def fixed(value: Value) -> Callable[[Any], Value]:
    """Return a reader of a property that every instance has alike."""
    return lambda _: value
